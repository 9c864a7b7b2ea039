# SPDX-License-Identifier: Apache-2.0
"""The worker's own event loop: packets when they come, one tick every 20 ms.

No asyncio: at ten thousand packets a second its call per packet would cost more than
the packet. Neither packets nor orders wake it while there are legs: it looks at its sockets
at fixed points of the beat (``coalesce_ms``), the tick is one of them, and takes one packet
of each. When it comes late, because the machine is busy, it takes all that have piled up:
one of each in a turn that lasts longer than a packet would be less than what comes, and
the rest would wait in the sockets until their buffers are full.
"""

from __future__ import annotations

import gc
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from centralino.adapters.media.checkpoint import Checkpoint
from centralino.adapters.media.control import ControlServer
from centralino.adapters.media.engine import MediaEngine
from centralino.adapters.media.recording_writer import RecordingWriter
from centralino.adapters.media.recordings import RecordingDesk
from centralino.adapters.media.rounds import Rounds
from centralino.adapters.media.settings import TICK_NS, WorkerSettings
from centralino.adapters.media.tick import LatenessWatch, Metronome
from centralino.exchange.link.framing import Hello
from centralino.exchange.media import Event, WorkerAlarm

if TYPE_CHECKING:
    from centralino.adapters.media.leg import Leg
    from centralino.adapters.media.prompts import PromptLibrary

log = structlog.get_logger(__name__)

_MAX_EVENTS = 1024
_TICKS_PER_FLUSH = 10
"""What can wait reaches the driver within 200 ms."""
_MAX_ROUNDS = 8
"""Packets taken from one socket before a tick that is due gets its turn."""
_REST_S = 0.2
"""How long it sleeps at a time when it has no leg."""
_BUG_PAUSE_NS = 1_000_000_000
_SWITCH_INTERVAL_S = 0.0005
"""How long the writer's thread may keep the interpreter when packets wait."""


class Clock(Protocol):
    """The machine's clocks."""

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        ...

    def utc(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        ...


class MediaLoop:
    """One worker: its sockets, its tick, its link to the driver.

    Raises:
        OSError: the socket or the checkpoint cannot be made.
    """

    def __init__(self, settings: WorkerSettings, library: PromptLibrary, clock: Clock) -> None:
        self._clock = clock
        self.now: Callable[[], int] = clock.now
        self._step_ns = settings.coalesce_ms * 1_000_000
        self._fetched_at = 0
        """When all packets that had come were taken, the last time."""
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[int, int], None]] = {}
        self._checkpoint = Checkpoint(settings.checkpoint_path, settings.max_legs)
        self._lateness = LatenessWatch(settings.late_after_ms, settings.late_share_ratio)
        self._metronome = Metronome(clock.now())
        self._writer = RecordingWriter()
        recordings = RecordingDesk(self._writer, self.emit, clock.utc)
        self._engine = MediaEngine(settings, self._checkpoint, library, recordings, self)
        self._rounds = Rounds(settings, self._engine, self.emit)
        hello = Hello(name=settings.name, generation=self._checkpoint.generation)
        self._control = ControlServer(
            settings.socket_path, hello, self._poll, self._handlers, self._engine
        )
        self.is_running = True
        self._bug_count = 0
        self._next_bug_at = 0

    # ------------------------------------------------------------ what the engine asks for
    @property
    def is_late(self) -> bool:
        """Whether the loop cannot keep up."""
        return self._lateness.is_late

    def emit(self, event: Event, *, can_wait: bool = False) -> None:
        """Send an event to the driver, at the end of this turn or when others must leave."""
        self._control.emit(event, can_wait=can_wait)

    def watch(self, leg: Leg) -> None:
        """Read a leg's sockets from now on."""
        for one, handler in ((leg.pair.rtp, leg.on_rtp), (leg.pair.rtcp, leg.on_rtcp)):
            self._handlers[one.fileno()] = handler
            self._poll.register(one, select.EPOLLIN)

    def unwatch(self, leg: Leg) -> None:
        """Read a leg's sockets no more; they are closed next, which takes them from the poll."""
        for one in (leg.pair.rtp, leg.pair.rtcp):
            self._handlers.pop(one.fileno(), None)

    # ------------------------------------------------------------ running
    def run(self) -> None:
        """Run until ``stop`` is called; the caller's thread does nothing else."""
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self._metronome = Metronome(self.now())
        try:
            while self.is_running:
                self.turn()
        finally:
            self.close()

    def turn(self) -> None:
        """Sleep until something is due, and do it."""
        if self._engine.is_idle and not self.is_late:
            self._rest()
        else:
            wait_ns = self._metronome.next_point(self._fetched_at, self._step_ns) - self.now()
            if wait_ns > 0:
                select.select((), (), (), wait_ns / 1e9)
        now = self.now()
        self._fetch(now)
        due_at = self._metronome.next_at
        if now >= due_at:
            self._tick(now, now - due_at)
        self._control.flush()

    def _rest(self) -> None:
        """Wait for a driver: there is nobody to whom a tick matters."""
        self._engine.give_up_stock()
        self._control.flush(everything=True)
        self._poll.poll(_REST_S, 1)
        self._metronome.due(self.now())

    def _fetch(self, now: int) -> None:
        """Take what the sockets have: one packet of each, or all when the loop overslept."""
        is_behind = now - self._fetched_at > 2 * self._step_ns
        for _ in range(_MAX_ROUNDS if is_behind else 1):
            ready = self._poll.poll(0, _MAX_EVENTS)
            if not ready:
                break
            self._handle(ready, now)
            self._engine.graph.refresh()
        else:
            if is_behind:
                return
        self._fetched_at = now

    def _handle(self, ready: list[tuple[int, int]], now: int) -> None:
        handlers = self._handlers
        for descriptor, mask in ready:
            handler = handlers.get(descriptor)
            if handler is not None:
                try:
                    handler(mask, now)
                except Exception as error:  # noqa: BLE001 - a bug must not end a hundred calls
                    self._note_bug(error, now)

    def _tick(self, now: int, lateness_ns: int) -> None:
        for number in self._metronome.due(now):
            try:
                self._rounds.run(number, now)
            except Exception as error:  # noqa: BLE001 - as above
                self._note_bug(error, now)
            if number % _TICKS_PER_FLUSH == 0:
                self._control.flush(everything=True)
        if self._lateness.note(max(0, lateness_ns - TICK_NS // 4)):
            worst = self._lateness.take_worst_ms()
            code = "late" if self._lateness.is_late else "late-cleared"
            log.warning("media.lateness_changed", is_late=self.is_late, worst_ms=round(worst))
            self.emit(WorkerAlarm(code=code, text=f"ticks came up to {worst:.0f} ms late"))

    def _note_bug(self, error: Exception, now: int) -> None:
        """Report an error of ours, at most once a second: packets come by the thousand."""
        self._bug_count += 1
        if now >= self._next_bug_at:
            self._next_bug_at = now + _BUG_PAUSE_NS
            log.error("media.bug", so_far=self._bug_count, exc_info=error)
            self.emit(WorkerAlarm(code="bug", text=f"{self._bug_count} errors so far; see the log"))

    def stop(self) -> None:
        """Leave ``run`` at the next turn."""
        self.is_running = False

    def close(self) -> None:
        """Close everything; legs end without a word."""
        self._control.close()
        self._engine.close()
        self._engine.recordings.hand_over(self.now())
        self._writer.close()
        self._checkpoint.close()
        self._poll.close()
