# SPDX-License-Identifier: Apache-2.0
"""The worker's own event loop: packets when they come, one tick every 20 ms.

No asyncio: at ten thousand packets a second its call per packet would cost more than
the packet. After a batch the loop pauses for a few milliseconds, so that one wake-up
serves many sockets; neither the tick nor what the driver orders is delayed by that.
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
_SHORTEST_PAUSE_S = 0.001
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
        self._coalesce_s = settings.coalesce_ms / 1000
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
            settings.socket_path, hello, self._poll, self._handlers, self._engine.carry_out
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
        """Read a leg's sockets no more."""
        for one in (leg.pair.rtp, leg.pair.rtcp):
            self._handlers.pop(one.fileno(), None)
            self._poll.unregister(one)

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
        """Wait for packets or the next tick, and do what is due."""
        wait_ns = self._metronome.next_at - self.now()
        ready = self._poll.poll(max(0.0, wait_ns / 1e9), _MAX_EVENTS)
        now = self.now()
        handlers = self._handlers
        for descriptor, mask in ready:
            handler = handlers.get(descriptor)
            if handler is not None:
                try:
                    handler(mask, now)
                except Exception as error:  # noqa: BLE001 - a bug must not end a hundred calls
                    self._note_bug(error, now)
        self._engine.graph.refresh()
        due_at = self._metronome.next_at
        if now >= due_at:
            self._tick(now, now - due_at)
        self._control.flush()
        left_s = (self._metronome.next_at - now) / 1e9
        if ready and left_s > _SHORTEST_PAUSE_S:
            self._control.wait(min(left_s, self._coalesce_s))

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
        for leg in self._engine.legs.values():
            leg.close()
        self._engine.recordings.hand_over(self.now())
        self._writer.close()
        self._checkpoint.close()
        self._poll.close()
