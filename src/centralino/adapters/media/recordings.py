# SPDX-License-Identifier: Apache-2.0
"""The running recordings of a worker: taps on legs here, files on the writer's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.adapters.media.codec import FrameDecoder
from centralino.adapters.media.recording import Recording
from centralino.adapters.media.recording_file import Mark, Sidecar
from centralino.adapters.media.recording_writer import (
    Finish,
    Note,
    Open,
    RecordingWriter,
    Result,
    Write,
)
from centralino.exchange.media import Event, Recorded, StartRecording, WorkerAlarm

if TYPE_CHECKING:
    from centralino.adapters.media.leg import Leg
    from centralino.core.kernel.ids import LegId, RecordingId

_ALARMS = {
    "disk-full": ("recording-disk-full", "the disk has no room for recordings"),
    "file-exists": ("recording-refused", "the recording's file holds another recording"),
    "cannot-write": ("recording-failed", "the recording cannot be written"),
    "disk-slow": ("recording-disk-slow", "the disk does not keep up with the recordings"),
}


@dataclass(slots=True)
class _Running:
    command: StartRecording
    recording: Recording
    legs: Sequence[Leg]
    ended_after_ms: int = -1
    """Set when it was stopped and only the file is awaited."""
    is_slow: bool = False


class RecordingDesk:
    """Starts, pauses and ends recordings; tells what became of them.

    Args:
        writer: the thread that owns the files.
        emit: takes events for the driver.
        utc: the time of day, UTC nanoseconds.
    """

    def __init__(
        self,
        writer: RecordingWriter,
        emit: Callable[[Event], None],
        utc: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._emit = emit
        self._utc = utc
        self._running: dict[RecordingId, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, recording: RecordingId) -> bool:
        one = self._running.get(recording)
        return one is not None and one.ended_after_ms < 0

    def start(self, command: StartRecording, legs: Sequence[Leg], now: int) -> None:
        """Begin a recording, or go on with one that a crash interrupted."""
        rate = max(FrameDecoder(leg.codec).sample_rate for leg in legs)
        recording = Recording(now)
        for leg, tap in zip(legs, (recording.first, recording.second), strict=False):
            leg.tap = tap
        self._running[command.recording] = _Running(command, recording, legs)
        sidecar = Sidecar(
            recording=command.recording,
            first=command.first,
            second=command.second,
            sample_rate=rate,
            started_at=self._utc(),
            channels=len(legs),
        )
        silence_ms = command.silence_ms
        self._writer.submit(Open(command.recording, command.path, sidecar, silence_ms))

    def pause(self, recording: RecordingId, now: int, *, paused: bool) -> None:
        """Leave out what comes from now on, or take it again; the place is marked."""
        running = self._running[recording]
        if running.recording.is_paused is not paused:
            running.recording.set_paused(paused)
            self.mark(recording, now, "pause" if paused else "resume")

    def mark(self, recording: RecordingId, now: int, kind: str, label: str = "") -> None:
        """Note something at this place."""
        at_ms = self._running[recording].recording.duration_ms(now)
        self._writer.submit(Note(recording, Mark(at_ms, kind, label)))

    def stop(self, recording: RecordingId, now: int) -> None:
        """End a recording; ``Recorded`` follows when its files are final."""
        running = self._running[recording]
        for leg in running.legs:
            if leg.tap in (running.recording.first, running.recording.second):
                leg.tap = None
        running.ended_after_ms = running.recording.duration_ms(now)
        self._writer.submit(Write(recording, running.recording.take_batch(now, is_last=True)))
        self._writer.submit(Finish(recording, running.ended_after_ms))

    def flush(self, share: int, of: int, now: int) -> None:
        """Hand over one share of the recordings, so that each tick does as little."""
        for name in tuple(self._running)[share::of]:
            running = self._running[name]
            if running.ended_after_ms >= 0:
                continue
            most_ms = running.command.most_ms
            if most_ms and running.recording.duration_ms(now) >= most_ms:
                self.stop(name, now)
                continue
            taken = self._writer.submit(Write(name, running.recording.take_batch(now)))
            if not taken and not running.is_slow:
                self._alarm("disk-slow", running.command.first)
            running.is_slow = not taken

    def hand_over(self, now: int) -> None:
        """Give everything to the writer because the worker ends; a successor may go on."""
        for name, running in self._running.items():
            if running.ended_after_ms < 0:
                batch = running.recording.take_batch(now, is_last=True)
                self._writer.submit(Write(name, batch))

    def collect(self, now: int) -> None:
        """Tell what the writer has reported; once a tick."""
        for result in self._writer.take_results():
            running = self._running.get(result.recording)
            if running is None:
                continue
            if result.what == "opened":
                self._align(running, result, now)
            elif result.what == "silent":
                if running.ended_after_ms < 0:
                    self.stop(result.recording, now)
            elif result.what == "failing":
                self._alarm(result.problem, running.command.first)
            else:
                del self._running[result.recording]
                self._emit(
                    Recorded(
                        recording=result.recording,
                        path=running.command.path,
                        duration_ms=max(0, running.ended_after_ms),
                        is_complete=result.problem in {"", "silent"},
                        problem=result.problem,
                        channels=len(running.legs),
                    )
                )

    def _align(self, running: _Running, result: Result, now: int) -> None:
        """Go on at the place that belongs to now, when the file is older than we are."""
        age = self._utc() - result.started_at
        begun = now - age
        if running.recording.start - begun > 1_000_000_000:
            running.recording.shift_start(begun)
            at_ms = running.recording.duration_ms(now)
            self._writer.submit(Note(result.recording, Mark(at_ms, "crash")))

    def _alarm(self, problem: str, leg: LegId) -> None:
        code, text = _ALARMS.get(problem, _ALARMS["cannot-write"])
        self._emit(WorkerAlarm(code=code, text=text, leg=leg))
