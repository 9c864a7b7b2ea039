# SPDX-License-Identifier: Apache-2.0
"""What the product itself wrote: its log and its journal, read as they grow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.adapters.journal.sqlite import JournalReader
from centralino.core.kernel.errors import StorageError
from centralino.exchange.codec import decode_event

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

PROCESSES = ("voice", "exchange", "edge")


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the product's log."""

    at: float
    """Seconds since the Unix epoch."""
    process: str
    event: str
    fields: Mapping[str, Any]

    def fits(self, event: str, fields: Mapping[str, object]) -> bool:
        """Tell whether it is of that event with those fields."""
        return self.event == event and all(self.fields.get(k) == v for k, v in fields.items())


class LogWatch:
    """Follows the log files of a folder."""

    def __init__(self) -> None:
        self.lines: list[Logged] = []
        self._read: dict[Path, int] = {}

    def refresh(self, folder: Path) -> list[Logged]:
        """Read what is new; returns all lines so far."""
        for process in PROCESSES:
            path = folder / f"{process}.log"
            if path.is_file():
                self._follow(path, process)
        return self.lines

    def _follow(self, path: Path, process: str) -> None:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._read[path] = self._read.get(path, 0) + whole
        for text in data[:whole].splitlines():
            try:
                line = json.loads(text)
                at = datetime.fromisoformat(line["timestamp"]).timestamp()
                self.lines.append(Logged(at, process, str(line["event"]), line))
            except (ValueError, TypeError, KeyError):
                continue


@dataclass(frozen=True, slots=True)
class Noted:
    """One event of the journal."""

    at: float
    name: str
    """Wire name, e.g. ``offer.made``."""
    data: Mapping[str, Any]

    @property
    def interaction(self) -> str:
        """The interaction it is about; empty when it is about none."""
        return str(self.data.get("interaction", ""))

    def words(self) -> set[str]:
        """Return every text that it carries."""
        return set(_texts(self.data))


class JournalWatch:
    """Follows a tenant's journal."""

    def __init__(self, tenant: TenantId) -> None:
        self.events: list[Noted] = []
        self._tenant = tenant
        self._sequence = 0

    def refresh(self, path: Path) -> list[Noted]:
        """Read what is new; returns all events so far."""
        if not path.is_file():
            return self.events
        try:
            for record in JournalReader(path).read(self._tenant, self._sequence):
                self._sequence = record.sequence
                for raw in record.events:
                    data = msgspec.to_builtins(decode_event(raw))
                    name = str(data.pop("type", ""))
                    self.events.append(Noted(record.at / 1e9, name, data))
        except StorageError:
            return self.events
        return self.events


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
