# SPDX-License-Identifier: Apache-2.0
"""Facts on their way to the exchange: numbered, kept in a file until acknowledged.

The exchange may be away; then facts wait here and survive a kill of this process (the file
is written once per loop turn, and not synchronised: a power loss ends the calls anyway).
Bounded: past the limit, facts that only inform (progress, keys, quality) are dropped oldest
first, and new calls should be refused (``is_full``). After a reconnect everything not
acknowledged is handed out again; the exchange drops what it has seen by (generation, fact).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.core.kernel.errors import StorageError
from centralino.exchange.facts import (
    AnyFact,
    Dtmf,
    ParticipantJoined,
    ParticipantLeft,
    PlayFinished,
    Progressing,
    Quality,
    TrunkState,
)
from centralino.exchange.link.framing import FrameDecoder, LinkError, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

_DISPENSABLE = (Quality, Progressing, Dtmf, TrunkState)
_PATIENT = (Dtmf, ParticipantJoined, ParticipantLeft, Progressing, Quality)
_ORDERED_ENDS = ("stopped", "replaced")
"""Ends of a playing that the exchange has ordered itself."""
PATIENCE_S = 0.05
_REWRITE_FROM_BYTES = 1 << 20
_TRUNCATE_FROM_BYTES = 1 << 16
_DECODER = msgspec.msgpack.Decoder(AnyFact)


def next_generation(path: Path) -> int:
    """Count the starts of this process in a small file and return the new number.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        former = int(path.read_text("ascii"))
    except (OSError, ValueError):
        former = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(str(former + 1), "ascii")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"cannot count starts in {path.name}: {error}") from error
    return former + 1


class Inbox:
    """Facts not yet acknowledged, oldest first."""

    def __init__(
        self, path: Path, driver: str, generation: int, clock: ClockPort, limit: int
    ) -> None:
        """Open the file and take over what an earlier process left.

        Args:
            path: the file; made when missing.
            driver: name in each fact.
            generation: number of this start.
            clock: for ``at``.
            limit: facts kept at most.

        Raises:
            StorageError: the file cannot be opened.
        """
        self.driver = driver
        self.generation = generation
        self._clock = clock
        self._limit = limit
        self._path = path
        self._last = 0
        self._waiting: deque[AnyFact] = deque()
        self._delivered = 0
        self._unwritten = bytearray()
        self._size = 0
        """Of the file, in bytes."""
        self._is_write_due = False
        self._news = asyncio.Event()
        self._reader: Callable[[list[AnyFact]], None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.dropped_count = 0
        self._load()
        self._file = self._open()

    @property
    def is_full(self) -> bool:
        """Whether new calls should be refused."""
        return len(self._waiting) >= self._limit

    @property
    def waiting(self) -> tuple[AnyFact, ...]:
        """Every fact not acknowledged, oldest first."""
        return tuple(self._waiting)

    def put(self, fact: AnyFact) -> AnyFact:
        """Number a fact, keep it, wake the reader; returns it with its number."""
        self._last += 1
        fact = msgspec.structs.replace(
            fact,
            driver=self.driver,
            generation=self.generation,
            fact=self._last,
            at=self._clock.utc(),
        )
        if len(self._waiting) >= self._limit and not self._make_room(fact):
            return fact
        self._waiting.append(fact)
        self._unwritten += encode_frame(fact)
        if not _is_patient(fact):
            self._wake()
        elif self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(PATIENCE_S, self._wake)
        self._schedule()
        return fact

    def _schedule(self) -> None:
        """Do at the end of this turn of the loop what is to be done once per turn."""
        if not self._is_write_due:
            self._is_write_due = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self.flush()
        if self._reader is not None and self._news.is_set():
            self._news.clear()
            fresh = self._take_fresh()
            if fresh:
                self._reader(fresh)

    def _wake(self) -> None:
        """Have everything handed out."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._news.set()
        self._schedule()

    async def next_facts(self) -> list[AnyFact]:
        """Return the facts not handed out yet, at least one; waits for it (see above)."""
        while self._delivered >= len(self._waiting):
            self._news.clear()
            await self._news.wait()
        return self._take_fresh()

    def hand_to(self, reader: Callable[[list[AnyFact]], None] | None) -> None:
        """Call a reader with what ``next_facts`` would return, once per turn; None: nobody.

        Whoever reads so is told in the turn in which something happened, without a task.
        """
        self._reader = reader
        if reader is not None and self._news.is_set():
            self._schedule()

    def _take_fresh(self) -> list[AnyFact]:
        fresh = [self._waiting[index] for index in range(self._delivered, len(self._waiting))]
        self._delivered = len(self._waiting)
        return fresh

    def rewind(self) -> None:
        """Hand out everything again: a new reader has come."""
        self._delivered = 0
        if self._waiting:
            self._wake()

    def acknowledge(self, generation: int, fact: int) -> None:
        """Forget all facts up to this one."""
        waiting = self._waiting
        while waiting and (waiting[0].generation, waiting[0].fact) <= (generation, fact):
            waiting.popleft()
            self._delivered = max(self._delivered - 1, 0)
        self._shrink()

    def flush(self) -> None:
        """Write what is new; called by itself once per turn of the loop."""
        self._is_write_due = False
        if not self._unwritten:
            return
        try:
            self._size += os.write(self._file, self._unwritten)
        except OSError as error:
            log.error("inbox.write_failed", reason=str(error))
        self._unwritten.clear()

    def close(self) -> None:
        """Write and close the file."""
        if self._patience is not None:
            self._patience.cancel()
        self.flush()
        os.close(self._file)

    def _make_room(self, fact: AnyFact) -> bool:
        self.dropped_count += 1
        for index, kept in enumerate(self._waiting):
            if isinstance(kept, _DISPENSABLE):
                del self._waiting[index]
                self._delivered -= index < self._delivered
                return True
        if isinstance(fact, _DISPENSABLE):
            return False
        if len(self._waiting) >= self._limit + self._limit // 10:
            self._waiting.popleft()
            self._delivered = max(self._delivered - 1, 0)
            log.error("inbox.overflow", limit=self._limit)
        return True

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._size = os.fstat(file).st_size
        except OSError as error:
            raise StorageError(f"cannot open the inbox {self._path.name}: {error}") from error
        return file

    def _load(self) -> None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return
        frames = FrameDecoder(_DECODER)
        frames.feed(data)
        try:
            self._waiting.extend(frames)
        except LinkError as error:
            log.warning("inbox.damaged", reason=str(error))
        self._rewrite()

    def _shrink(self) -> None:
        if not self._waiting and self._size > _TRUNCATE_FROM_BYTES:
            self._unwritten.clear()
            os.ftruncate(self._file, 0)
            self._size = 0
        elif self._size > max(_REWRITE_FROM_BYTES, 1024 * len(self._waiting)):
            self.flush()
            os.close(self._file)
            self._rewrite()
            self._file = self._open()

    def _rewrite(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(b"".join(map(encode_frame, self._waiting)))
            fresh.chmod(0o600)
            fresh.replace(self._path)
        except OSError as error:
            log.error("inbox.rewrite_failed", reason=str(error))


def _is_patient(fact: AnyFact) -> bool:
    """Whether nothing is decided upon a fact."""
    if isinstance(fact, PlayFinished):
        return fact.reason in _ORDERED_ENDS
    return isinstance(fact, _PATIENT)
