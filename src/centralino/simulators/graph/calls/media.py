# SPDX-License-Identifier: Apache-2.0
"""What the service plays and records for a call: a queue of prompts and recordings.

Operations are carried out one after the other in the order in which they were asked for. A prompt
is fetched when it is asked for and played when its turn comes and it is there. Recording listens
to what the application's line hears, frame by frame of 20 ms, and decides by the signal: silence
at the beginning, silence at the end, the longest time, or a stop tone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.endings import ending
from centralino.simulators.graph.calls.line import Mouth, Utterance
from centralino.simulators.graph.calls.operation import CANCELLED, DONE, Operation
from centralino.simulators.graph.calls.sound import (
    FRAME,
    FRAME_NS,
    RATE,
    Clip,
    Tone,
    frames_for,
    is_voice,
    moment_of,
    sample_at,
    write_wav,
)

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.agenda import Action, Timer
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.prompts import Prompt

BEEP_HZ: Final = 1_000
BEEP_SAMPLES: Final = RATE // 5
MOST_QUEUED: Final = 100
FRAMES_PER_S: Final = RATE // FRAME


@dataclass(frozen=True, slots=True)
class Listening:
    """What a recording waits for. Unit: seconds."""

    initial_silence_s: int = 5
    silence_s: int = 5
    longest_s: int = 5
    has_beep: bool = True
    stop_keys: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Task:
    """One operation in the queue."""

    operation: Operation
    prompts: list[Prompt] = field(default_factory=list)
    times: int | None = 1
    """How often the prompts are played; None without end."""
    listening: Listening | None = None
    """Of a recording."""
    begin: int = 0
    """First sample of the recording."""
    frames: int = 0
    """Recorded so far."""
    quiet_frames: int = 0
    """Since somebody was last heard."""
    has_spoken: bool = False


class MediaQueue:
    """What a call's service-hosted media has to do."""

    def __init__(self, call: ServiceCall) -> None:
        self._call = call
        self._world = call.world
        self._tasks: deque[Task] = deque()
        self._playing: list[Utterance] = []
        self._timers: list[Timer] = []
        self._is_running = False

    @property
    def queued_count(self) -> int:
        """Operations under way or waiting."""
        return len(self._tasks)

    def add(self, task: Task) -> None:
        """Queue an operation."""
        self._tasks.append(task)
        for prompt in task.prompts:
            prompt.when_ready(self._go)
        self._go()

    def cancel_all(self) -> None:
        """Cancel what runs and what waits; their applications are told in that order."""
        tasks = list(self._tasks)
        self._quiet()
        self._tasks.clear()
        for task in tasks:
            self._fail_cancelled(task)

    @staticmethod
    def _fail_cancelled(task: Task) -> None:
        if task.listening is None:
            task.operation.finish(CANCELLED)
            return
        task.operation.finish(
            CANCELLED,
            recordingLocation="",
            recordingAccessToken="",
            completionReason="operationCanceled",
        )

    def stop(self) -> None:
        """The call is over: fall silent and say nothing of what was not done."""
        running = self._tasks[0] if self._is_running and self._tasks else None
        is_recording = running is not None and running.listening is not None and running.frames
        if running is not None and is_recording and self._survives_hang_up:
            self._keep(running, "final-silence")
        self._quiet()
        self._tasks.clear()

    @property
    def _survives_hang_up(self) -> bool:
        return self._world.settings.habits.recording_survives_hang_up

    def key_heard(self, key: str) -> None:
        """A key may end a recording."""
        task = self._tasks[0] if self._is_running and self._tasks else None
        if task is None or task.listening is None or not task.begin:
            return
        if key in task.listening.stop_keys:
            self._hear_out(task)
            self._keep(task, "stop-tone")
            self._next()

    # ---- one after the other

    def _go(self) -> None:
        """Begin with the first operation when it can begin."""
        if self._is_running or not self._tasks or not self._call.has_media:
            return
        task = self._tasks[0]
        bad = next((prompt.failure for prompt in task.prompts if prompt.failure), "")
        if bad:
            self._tasks.popleft()
            task.operation.finish(ending(bad, self._world.settings.results))
            self._go()
        elif all(prompt.samples is not None for prompt in task.prompts):
            self._is_running = True
            self._play(task)

    def resume(self) -> None:
        """Media stands again, or for the first time."""
        self._go()

    def _play(self, task: Task) -> None:
        at = sample_at(self._world.now)
        if task.times is None and task.prompts:
            clips = [prompt.samples for prompt in task.prompts if prompt.samples is not None]
            self._say(Clip(clips[0], None), at)
            return
        for _ in range(task.times or 1):
            for prompt in task.prompts:
                if prompt.samples is not None:
                    at = self._say(Clip(prompt.samples), at)
        if task.listening is None:
            self._at(at, partial(self._played, task))
            return
        self._at(at, partial(self._record, task))

    def _say(self, sound: Clip | Tone, at: int) -> int:
        member = self._call.member
        if member is None:
            return at
        self._playing.append(member.line.mouth.say(sound, at))
        return at + frames_for(sound.length or 0)

    def _played(self, task: Task) -> None:
        task.operation.finish(DONE)
        self._next()

    def _next(self) -> None:
        self._quiet()
        if self._tasks:
            self._tasks.popleft()
        self._go()

    def _quiet(self) -> None:
        end = sample_at(self._world.now)
        for said in self._playing:
            Mouth.hush(said, end)
        self._playing.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._is_running = False

    def _at(self, sample: int, action: Action) -> None:
        at = max(moment_of(sample), self._world.now)
        self._timers = [timer for timer in self._timers if timer.action is not None]
        self._timers.append(self._world.agenda.add(at, action))

    # ---- recording

    def _record(self, task: Task) -> None:
        at = sample_at(self._world.now)
        if task.listening is not None and task.listening.has_beep:
            at = self._say(Tone((BEEP_HZ,), length=BEEP_SAMPLES), at)
        task.begin = at
        self._at(at + FRAME, partial(self._frame, task))

    def _frame(self, task: Task) -> None:
        """Judge the frame that has just passed, and go on or end."""
        how = self._hear_out(task)
        if how:
            self._keep(task, how)
            self._next()
            return
        self._timers.clear()
        at = moment_of(task.begin) + (task.frames + 1) * FRAME_NS
        self._timers.append(self._world.agenda.add(at, partial(self._frame, task)))

    def _hear_out(self, task: Task) -> str:
        """Judge all whole frames until now; return how the recording ends, or nothing."""
        member, wanted = self._call.member, task.listening
        if member is None or wanted is None:
            return ""
        while moment_of(task.begin + (task.frames + 1) * FRAME) <= self._world.now:
            frame = member.line.heard(task.begin + task.frames * FRAME, FRAME)
            task.frames += 1
            if is_voice(frame):
                task.has_spoken, task.quiet_frames = True, 0
            else:
                task.quiet_frames += 1
            if how := _judge(task, wanted):
                return how
        return ""

    def _keep(self, task: Task, how: str) -> None:
        """End a recording with what was heard so far."""
        result = ending(how, self._world.settings.results)
        member = self._call.member
        if not result.is_success or member is None:
            task.operation.finish(result, recordingLocation="", recordingAccessToken="")
            return
        samples = member.line.heard(task.begin, task.frames * FRAME)
        kept = self._world.recordings.keep(write_wav(samples), self._call)
        task.operation.finish(
            result,
            recordingLocation=self._world.recordings.url(kept),
            recordingAccessToken=kept.token,
        )


def _judge(task: Task, wanted: Listening) -> str:
    if not task.has_spoken and task.frames >= wanted.initial_silence_s * FRAMES_PER_S:
        return "initial-silence"
    if task.has_spoken and task.quiet_frames >= wanted.silence_s * FRAMES_PER_S:
        return "final-silence"
    return "longest-recording" if task.frames >= wanted.longest_s * FRAMES_PER_S else ""
