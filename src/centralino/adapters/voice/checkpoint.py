# SPDX-License-Identifier: Apache-2.0
"""What a live call needs to outlive the process: one file of entries, newest counts.

An entry is a key and its encoded value; an empty value removes the key. Changes of one loop
turn are written with one call and not synchronised: the file survives a kill of the process,
and after a power loss the calls are over anyway. When most of the file is history it is
replaced, atomically. A torn last entry (length or checksum wrong) ends the reading and loses
nothing before it. The file holds SRTP keys, so only its owner can read it.
"""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import BridgeId, LegId, OrderId, RecordingId, TenantId, TrunkId
from centralino.exchange.media import PlayMedia
from centralino.exchange.orders import Collect
from centralino.wire.sdp.audio import NegotiatorCheckpoint
from centralino.wire.sip.checkpoint import DialogCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = structlog.get_logger(__name__)

_HEAD = struct.Struct("!IIH")
_COMPACT_FROM_BYTES = 1 << 20


class RecordingCheckpoint(msgspec.Struct, frozen=True):
    """A recording under way; kept with the leg on channel 0."""

    recording: RecordingId
    other: LegId
    path: str


class LegCheckpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One leg. Fields may be added with defaults, never renamed."""

    leg: LegId
    tenant: TenantId
    trunk: TrunkId
    is_incoming: bool
    call_id: str = ""
    called_number: str = ""
    caller_number: str | None = None
    shown_name: str | None = None
    dialog: DialogCheckpoint | None = None
    """None: it was not answered; such a leg is reported as lost."""
    negotiator: NegotiatorCheckpoint | None = None
    rtp_port: int = 0
    rtcp_port: int = 0
    bridge: BridgeId | None = None
    role: str = "party"
    is_member_muted: bool = False
    is_muted: bool = False
    play: PlayMedia | None = None
    collect: Collect | None = None
    typed: str = ""
    recordings: tuple[RecordingCheckpoint, ...] = ()
    is_held: bool = False
    is_held_by_far_end: bool = False
    transfer_count: int = 0
    holding: str = ""
    """Position in the holding treatment, empty without."""
    orders: tuple[OrderId, ...] = ()
    """The last orders carried out for this leg: they have no second effect."""


class CheckpointLog:
    """The file; keys are ``leg:<id>`` and ``relay:<id>``."""

    def __init__(self, path: Path) -> None:
        """Open the file and read what an earlier process left.

        Raises:
            StorageError: the file cannot be opened.
        """
        self._path = path
        self._live: dict[str, bytes] = {}
        self._size = 0
        self._dirty: dict[str, Callable[[], bytes]] = {}
        self._is_write_due = False
        self._read()
        self._file = self._compact()

    def entries(self, prefix: str) -> list[tuple[str, bytes]]:
        """Return (key, value) of every live entry whose key starts so."""
        return [item for item in self._live.items() if item[0].startswith(prefix)]

    def put(self, key: str, encode: Callable[[], bytes]) -> None:
        """Write an entry at the end of this loop turn; ``encode`` is called once, then.

        Cost: one encoding per key and turn, however often it is put.
        """
        self._dirty[key] = encode
        self._schedule()

    def remove(self, key: str) -> None:
        """Remove an entry at the end of this loop turn."""
        if key in self._live:
            self._dirty[key] = bytes
            self._schedule()
        else:
            self._dirty.pop(key, None)

    def flush(self) -> None:
        """Write what changed; called by itself."""
        self._is_write_due = False
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        frames = bytearray()
        for key, encode in dirty.items():
            value = encode()
            if value:
                self._live[key] = value
            else:
                self._live.pop(key, None)
            frames += _frame(key, value)
        try:
            os.write(self._file, frames)
        except OSError as error:
            log.error("checkpoint.write_failed", reason=str(error))
        self._size += len(frames)
        if self._size > _COMPACT_FROM_BYTES and self._size > 4 * self._live_bytes():
            os.close(self._file)
            self._file = self._compact()

    def close(self) -> None:
        """Write what changed and close the file."""
        self.flush()
        os.close(self._file)

    def _schedule(self) -> None:
        if not self._is_write_due:
            self._is_write_due = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _live_bytes(self) -> int:
        return sum(map(len, self._live.values()))

    def _read(self) -> None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"cannot read {self._path.name}: {error}") from error
        at = 0
        while at + _HEAD.size <= len(data):
            size, checksum, key_bytes = _HEAD.unpack_from(data, at)
            body = data[at + _HEAD.size : at + _HEAD.size + size]
            if len(body) != size or zlib.crc32(body) != checksum:
                log.warning("checkpoint.torn_entry", offset=at)
                return
            key, value = body[:key_bytes].decode(), body[key_bytes:]
            if value:
                self._live[key] = value
            else:
                self._live.pop(key, None)
            at += _HEAD.size + size

    def _compact(self) -> int:
        """Replace the file by the live entries; returns it opened for appending."""
        data = b"".join(_frame(key, value) for key, value in self._live.items())
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            os.write(target, data)
            fresh.replace(self._path)
        except OSError as error:
            raise StorageError(f"cannot write {self._path.name}: {error}") from error
        self._size = len(data)
        return target


def _frame(key: str, value: bytes) -> bytes:
    name = key.encode()
    body = name + value
    return _HEAD.pack(len(body), zlib.crc32(body), len(name)) + body
