# SPDX-License-Identifier: Apache-2.0
"""A twin from disk: its document and the recording it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from centralino.adapters.journal.sqlite import JournalReader
from centralino.bootstrap.twin.document import RecordedPart, TwinFile, read_twin
from centralino.bootstrap.twin.recorded import JournalCalls, Recording, read_calls
from centralino.core.flows.reading import Problem
from centralino.core.kernel.errors import ConfigError, InvalidInput
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import Instant
from centralino.exchange.codec import events_of

MOST_BYTES = 64 * 1024 * 1024
JOURNAL = "journal.sqlite3"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A twin, or what is wrong with it."""

    file: TwinFile | None
    recording: Recording | None
    problems: tuple[Problem, ...]


def load_twin(path: Path) -> Loaded:
    """Read a twin and its recording.

    Raises:
        ConfigError: a file is not there or cannot be read.
    """
    reading = read_twin(_text(path))
    if reading.document is None:
        return Loaded(None, None, reading.problems)
    part = reading.document.recorded
    if part is None:
        return Loaded(reading.document, None, ())
    try:
        return Loaded(reading.document, _recording(path.parent / part.file, part), ())
    except InvalidInput as error:
        line = reading.marks.line("recorded", "file")
        return Loaded(None, None, (Problem(line, "", f"{part.file}: {error.message}"),))


def _recording(path: Path, part: RecordedPart) -> Recording:
    if path.is_dir():
        path = path / JOURNAL
    if path.suffix != ".sqlite3":
        return read_calls(_text(path))
    if not path.is_file():
        raise ConfigError(str(path), "there is no such journal")
    reader = JournalReader(path)
    tenants = reader.tenants()
    if not part.tenant and len(tenants) != 1:
        listed = ", ".join(tenants) or "none"
        raise InvalidInput(f"name the tenant whose calls are meant; there are: {listed}")
    if part.tenant and part.tenant not in tenants:
        raise InvalidInput(f"there is no tenant {part.tenant}; there are: {', '.join(tenants)}")
    calls = JournalCalls()
    for record in reader.read(TenantId(part.tenant) if part.tenant else tenants[0]):
        for event in events_of(record):
            calls.take(event, Instant(record.at))
    return calls.recording()


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from error
    if len(raw) > MOST_BYTES:
        raise ConfigError(str(path), f"longer than {MOST_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(str(path), "this is not text in UTF-8") from None
