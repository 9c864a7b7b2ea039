# SPDX-License-Identifier: Apache-2.0
"""Recordings: two legs, one party per channel, in one file; or one leg alone, a message.

The media worker writes; here stands who is recorded and what is told. A recording ends with
its order, or with the first of its two legs. The leg on channel 0 waits for the file before
it is reported as ended, so that ``RecordingReady`` comes first.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.voice.calls import JUST_ENDED_NS
from centralino.adapters.voice.checkpoint import RecordingCheckpoint
from centralino.core.kernel.errors import AlreadyExists, AppError, InvalidInput, NotFound
from centralino.exchange.facts import RecordingReady
from centralino.exchange.media import (
    MarkRecording,
    PauseRecording,
    ResumeRecording,
    StartRecording,
    StopRecording,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.leg import Leg
    from centralino.core.kernel.ids import LegId, RecordingId
    from centralino.exchange.media import Recorded
    from centralino.exchange.orders import (
        RecordMark,
        RecordPause,
        RecordResume,
        RecordStart,
        RecordStop,
    )

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MAX_PER_LEG = 4
MAX_LABEL = 64
MAX_FINISHED = 1000


class Recordings:
    """All recordings under way."""

    def __init__(self, calls: Calls, closing: Closing) -> None:
        self._calls = calls
        self._closing = closing
        self._first: dict[RecordingId, LegId] = {}
        """Recording to the leg on channel 0, until its file is there."""
        self._of_other: dict[LegId, set[RecordingId]] = {}
        """Leg on channel 1 to its recordings."""
        self._stopping: set[RecordingId] = set()
        """Recordings whose file the worker is finishing."""
        self._finished: OrderedDict[RecordingId, int] = OrderedDict()
        """Recordings that have ended, with the time of it."""

    def start(self, order: RecordStart, now: int) -> Work | None:
        """Record two legs into one file."""
        del now
        leg = self._calls.require_answered(order.leg)
        if order.other:
            self._calls.require_answered(order.other)
        if order.recording in self._first:
            raise AlreadyExists("there is a recording of that name")
        if order.leg == order.other or len(leg.recordings) >= MAX_PER_LEG:
            raise InvalidInput("two different legs are recorded, a leg in few recordings")
        if _SAFE.fullmatch(order.recording) is None:
            raise InvalidInput("the recording's name cannot name a file")
        return self._start(order, leg)

    async def _start(self, order: RecordStart, leg: Leg) -> None:
        folder = Path(self._calls.around.voice.recording_dir)
        path = str(folder / f"{order.recording}.wav")
        self._first[order.recording] = leg.id
        command = StartRecording(
            recording=order.recording,
            first=order.leg,
            second=order.other,
            path=path,
            most_ms=order.most_ms,
            silence_ms=order.silence_ms,
        )
        try:
            await self._calls.media.ask(leg.id, command)
        except AppError as error:
            self._first.pop(order.recording, None)
            self._calls.fail(order.order, leg.id, error.code, error.message)
            return
        leg.recordings.append(RecordingCheckpoint(order.recording, order.other, path))
        if order.other:
            self._of_other.setdefault(order.other, set()).add(order.recording)
        self._calls.save(leg)
        is_alone = bool(order.other) and order.other not in self._calls.legs
        if leg.is_over or is_alone:
            self._stop(leg.id, order.recording)

    def pause(self, order: RecordPause, now: int) -> None:
        """Write silence from now on."""
        del now
        leg = self._require(order.recording)
        self._calls.tell_media(leg, PauseRecording(recording=order.recording))

    def resume(self, order: RecordResume, now: int) -> None:
        """Record again."""
        del now
        leg = self._require(order.recording)
        self._calls.tell_media(leg, ResumeRecording(recording=order.recording))

    def mark(self, order: RecordMark, now: int) -> None:
        """Write a named marker."""
        del now
        leg = self._require(order.recording)
        label = order.label[:MAX_LABEL]
        self._calls.tell_media(leg, MarkRecording(recording=order.recording, label=label))

    def stop(self, order: RecordStop, now: int) -> None:
        """End a recording; one that has just ended by itself is no mistake."""
        ended_at = self._finished.get(order.recording)
        if ended_at is not None and now - ended_at <= JUST_ENDED_NS:
            return
        self._stop(self._require(order.recording), order.recording)

    def _stop(self, leg: LegId, recording: RecordingId) -> None:
        """Have the worker finish a file, once."""
        if recording not in self._stopping:
            self._stopping.add(recording)
            self._calls.tell_media(leg, StopRecording(recording=recording))

    def _require(self, recording: RecordingId) -> LegId:
        leg = self._first.get(recording)
        if leg is None:
            raise NotFound("no such recording")
        return leg

    def on_recorded(self, event: Recorded) -> None:
        """Tell that a file is complete."""
        name = self._first.pop(event.recording, None)
        self._stopping.discard(event.recording)
        if name is None:
            return
        self._finished[event.recording] = self._calls.now()
        if len(self._finished) > MAX_FINISHED:
            self._finished.popitem(last=False)
        self._calls.tell(
            RecordingReady(
                leg=name,
                recording=event.recording,
                path=event.path,
                duration_ms=event.duration_ms,
                channels=event.channels,
                is_complete=event.is_complete,
                problem=event.problem,
            )
        )
        leg = self._calls.legs.get(name)
        if leg is not None:
            self._forget_other(leg, event.recording)
            leg.recordings = [kept for kept in leg.recordings if kept.recording != event.recording]
            self._calls.save(leg)
            self._closing.arrived(leg, event.recording)

    def _forget_other(self, leg: Leg, recording: RecordingId) -> None:
        for kept in leg.recordings:
            names = self._of_other.get(kept.other)
            if kept.recording == recording and names is not None:
                names.discard(recording)
                if not names:
                    del self._of_other[kept.other]

    def on_end(self, leg: Leg, now: int) -> None:
        """End what records a leg that ends."""
        del now
        for recording in leg.recordings:
            leg.awaited.add(recording.recording)
            self._stop(leg.id, recording.recording)
        for name in self._of_other.pop(leg.id, ()):
            first = self._first.get(name)
            if first is not None:
                self._stop(first, name)

    def restore(self, legs: Sequence[Leg]) -> None:
        """Know the recordings of an earlier process again; the workers went on writing."""
        for leg in legs:
            for recording in leg.recordings:
                self._first[recording.recording] = leg.id
                if recording.other:
                    names = self._of_other.setdefault(recording.other, set())
                    names.add(recording.recording)
