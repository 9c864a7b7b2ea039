# SPDX-License-Identifier: Apache-2.0
"""Implements ``IntakePort``: an append-only log in segments, one flush for many deliveries.

Each record is length, CRC-32, position, payload. A record that was cut by a crash ends the
log there: it was never acknowledged. Segments whose records are all dealt with are deleted;
how far that is stands in a small file, which may lag behind: then a few deliveries come again.
"""

from __future__ import annotations

import asyncio
import os
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.core.kernel.errors import StorageError
from centralino.exchange.intake import Delivered

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 8 << 20
MOST_WAITING_BYTES = 256 << 20
"""More than this not dealt with, and nothing more is taken."""
LARGEST_RECORD_BYTES = 16 << 20
_HEAD = struct.Struct("<IIQ")
_DECODER = msgspec.msgpack.Decoder(Delivered)
_ENCODER = msgspec.msgpack.Encoder()


@dataclass(slots=True)
class _Pending:
    position: int
    delivered: Delivered
    frame: bytes
    done: asyncio.Future[None]

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return len(self.frame) - _HEAD.size


@dataclass(slots=True)
class _Segment:
    path: Path
    first: int
    last: int = 0
    size: int = 0


@dataclass(slots=True)
class _Writing:
    """What the writer thread owns."""

    file: int = -1
    segments: list[_Segment] = field(default_factory=list)


class IntakeLog:
    """Keeps deliveries in a folder; made and closed on the loop that uses it."""

    def __init__(self, folder: Path) -> None:
        """Open the log and find what has not been dealt with.

        Raises:
            StorageError: the folder cannot be used.
        """
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[int, Delivered, int]] = deque()
        self._waiting_bytes = 0
        self._handed = 0
        self._news = asyncio.Event()
        self._orders: SimpleQueue[_Pending | int | None] = SimpleQueue()
        self._writing = _Writing()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._done_upto = self._read_mark()
            self._last = self._load()
            self._open_segment(self._last + 1)
        except OSError as error:
            raise StorageError(f"the intake {folder.name} cannot be used: {error}") from error
        self._thread = threading.Thread(target=self._write_all, name="intake", daemon=True)
        self._thread.start()

    @property
    def waiting_count(self) -> int:
        """How many deliveries are not dealt with."""
        return len(self._waiting)

    async def put(self, delivered: Delivered) -> None:
        """Keep a delivery; see ``IntakePort``."""
        payload = _ENCODER.encode(delivered)
        if self._waiting_bytes + len(payload) > MOST_WAITING_BYTES:
            raise StorageError("too many deliveries wait to be dealt with")
        if len(payload) > LARGEST_RECORD_BYTES:
            raise StorageError("the delivery is too large to keep")
        self._last += 1
        position = self._last
        self._waiting_bytes += len(payload)
        frame = _HEAD.pack(len(payload), zlib.crc32(payload), position) + payload
        done = self._loop.create_future()
        self._orders.put(_Pending(position, delivered, frame, done))
        await done

    async def next(self) -> Sequence[tuple[int, Delivered]]:
        """Return what has not been handed out yet; see ``IntakePort``."""
        while self._handed >= len(self._waiting):
            self._news.clear()
            await self._news.wait()
        fresh = [(p, d) for p, d, _ in list(self._waiting)[self._handed :]]
        self._handed = len(self._waiting)
        return fresh

    def acknowledge(self, position: int) -> None:
        """Forget everything up to ``position``; see ``IntakePort``."""
        while self._waiting and self._waiting[0][0] <= position:
            _, _, size = self._waiting.popleft()
            self._waiting_bytes -= size
            self._handed = max(0, self._handed - 1)
        if position > self._done_upto:
            self._done_upto = position
            self._orders.put(position)

    def close(self) -> None:
        """Write what is there and stop; safe to call twice."""
        if self._thread.is_alive():
            self._orders.put(None)
            self._thread.join()

    # ---------------------------------------------------------------- writer thread
    def _write_all(self) -> None:
        is_open = True
        while is_open:
            first = self._orders.get()
            orders = [first]
            while not self._orders.empty():
                orders.append(self._orders.get())
            is_open = None not in orders
            self._store([one for one in orders if isinstance(one, _Pending)])
            marks = [one for one in orders if isinstance(one, int)]
            if marks:
                self._forget(max(marks))
        os.close(self._writing.file)

    def _store(self, pending: list[_Pending]) -> None:
        if not pending:
            return
        segment = self._writing.segments[-1]
        data = b"".join(one.frame for one in pending)
        error: OSError | None = None
        try:
            _write_whole(self._writing.file, data)
            os.fdatasync(self._writing.file)
            segment.size += len(data)
            segment.last = pending[-1].position
        except OSError as failed:
            error = failed
            self._cut(segment)
        if segment.size >= SEGMENT_BYTES:
            self._roll(segment.last + 1)
        self._loop.call_soon_threadsafe(self._settle, pending, error)

    def _settle(self, pending: list[_Pending], error: OSError | None) -> None:
        """Tell those who wait; runs on the loop.

        The delivery of one who has gone meanwhile was kept all the same.
        """
        for one in pending:
            if error is None:
                self._waiting.append((one.position, one.delivered, one.size))
                self._news.set()
                if not one.done.done():
                    one.done.set_result(None)
                continue
            self._waiting_bytes -= one.size
            if not one.done.done():
                one.done.set_exception(StorageError(f"a delivery cannot be kept: {error}"))

    def _cut(self, segment: _Segment) -> None:
        """Take back what was half written, so that later records can be read."""
        try:
            os.ftruncate(self._writing.file, segment.size)
        except OSError as error:
            log.error("intake.not_cut", reason=str(error))

    def _roll(self, first: int) -> None:
        former = self._writing.file
        try:
            self._open_segment(first)
        except OSError as error:
            log.warning("intake.not_rolled", reason=str(error))
            return
        os.close(former)

    def _open_segment(self, first: int) -> None:
        path = self._folder / f"{first:020d}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._writing.file = os.open(path, flags, 0o600)
        size = os.fstat(self._writing.file).st_size
        self._writing.segments.append(_Segment(path, first, first - 1, size))
        _sync_folder(self._folder)

    def _forget(self, position: int) -> None:
        segments = self._writing.segments
        try:
            mark = self._folder / "done"
            fresh = mark.with_suffix(".new")
            fresh.write_text(str(position), "ascii")
            fresh.replace(mark)
            while len(segments) > 1 and segments[0].last <= position:
                segments.pop(0).path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("intake.not_forgotten", reason=str(error))

    # --------------------------------------------------------------------- opening
    def _read_mark(self) -> int:
        try:
            return int((self._folder / "done").read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def _load(self) -> int:
        """Read what is there; return the last position."""
        last = self._done_upto
        for path in sorted(self._folder.glob("*.log")):
            segment = _Segment(path, int(path.stem), int(path.stem) - 1, path.stat().st_size)
            for position, delivered, size in _records(path):
                segment.last = last = position
                if position > self._done_upto:
                    self._waiting.append((position, delivered, size))
                    self._waiting_bytes += size
            if segment.last < segment.first or segment.last <= self._done_upto:
                path.unlink()
            else:
                self._writing.segments.append(segment)
        if self._waiting:
            self._news.set()
        return last


def _records(path: Path) -> Iterator[tuple[int, Delivered, int]]:
    data = path.read_bytes()
    at = 0
    while at + _HEAD.size <= len(data):
        size, check, position = _HEAD.unpack_from(data, at)
        payload = data[at + _HEAD.size : at + _HEAD.size + size]
        if len(payload) < size or zlib.crc32(payload) != check:
            break
        yield position, _DECODER.decode(payload), size
        at += _HEAD.size + size
    if at < len(data):
        log.warning("intake.cut_record", segment=path.name, lost_bytes=len(data) - at)


def _write_whole(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
