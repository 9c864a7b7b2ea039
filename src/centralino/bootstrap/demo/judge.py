# SPDX-License-Identifier: Apache-2.0
"""Decides whether a demo run was good: from the journal, from what was heard, from files.

An answered call is good when the caller heard the agent's tone and no other agent's, and
the agent heard the caller's and no other caller's; who passed him on may be followed by
whom he was passed on to, in that order and each both ways. A recording is good when its
first channel carries the caller's tone, its second those he talked to, and neither the
other's. A caller who gives up at the very moment of the answer has abandoned: the far side
says that he did, and nothing could be heard yet.
"""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.instant import SECOND
from centralino.exchange.summary import CallCounts, CallStory, count_calls
from centralino.simulators.party.ear import RATE, Ear

if TYPE_CHECKING:
    from centralino.bootstrap.demo.hearing import CallerWitness, Hearing, PartyWitness
    from centralino.exchange.replay import ReplayReport

FLEETING_S = 1.5
"""Who leaves within this of an answer cannot be said to have talked."""


@dataclass(frozen=True, slots=True)
class AudioVerdict:
    """What was heard in one call."""

    is_checked: bool
    """All parties were simulated and all their calls are over."""
    caller_heard_parties: bool = False
    parties_heard_caller: bool = False
    is_passed_on: bool = False
    """An agent passed the caller on, and he talked to somebody else as well."""
    tones_hz: tuple[int, ...] = ()
    """Of those he talked to, in turn."""

    @property
    def is_both_ways(self) -> bool:
        """Whether each heard the other and nobody else."""
        return self.is_checked and self.caller_heard_parties and self.parties_heard_caller


UNCHECKED = AudioVerdict(is_checked=False)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The outcome of a run."""

    counts: CallCounts
    audio_checked: int
    audio_both_ways: int
    recordings_made: int
    recordings_both_channels: int
    journal_events: int
    is_replay_identical: bool
    transfers_unheard: int = 0
    """Transfers by a flow in which somebody was not heard; those by agents count as audio."""

    @property
    def is_good(self) -> bool:
        """Whether nothing at all was wrong."""
        answered = self.counts.answered
        heard = {self.audio_checked, self.audio_both_ways}
        kept = {self.recordings_made, self.recordings_both_channels}
        return (
            answered > 0
            and heard | kept == {answered}
            and self.is_replay_identical
            and self.counts.lost == 0
            and self.counts.failed == 0
            and self.transfers_unheard == 0
        )

    def to_json(self) -> dict[str, object]:
        """Return the documented JSON shape."""
        counts = self.counts
        return {
            "calls": {
                "offered": counts.offered,
                "answered": counts.answered,
                "abandoned": counts.abandoned,
                "missed": counts.missed,
                "overflowed": counts.overflowed,
                "transferred": counts.transferred,
                "failed": counts.failed,
            },
            "audio": {"checked": self.audio_checked, "both_ways": self.audio_both_ways},
            "recordings": {
                "made": self.recordings_made,
                "both_channels": self.recordings_both_channels,
            },
            "journal": {
                "events": self.journal_events,
                "replay_identical": self.is_replay_identical,
            },
            "lost": counts.lost,
        }


def judge_audio(
    story: CallStory, hearing: Hearing, agent_numbers: Mapping[str, str]
) -> AudioVerdict:
    """Return what was heard in a call that somebody took.

    ``agent_numbers`` maps agents to phones. For a story without an agent the party is whom
    a flow transferred the caller to.
    """
    caller = hearing.callers.get(story.caller_number or "")
    if caller is None or not caller.is_over:
        return UNCHECKED
    parties = [one for one in hearing.parties_of(caller.number) if not _is_fleeting(one, caller)]
    if not parties or not all(one.is_over for one in parties):
        return UNCHECKED
    if story.agent is not None and parties[0].number != agent_numbers.get(story.agent):
        return UNCHECKED
    tones = tuple(one.tone_hz for one in parties)
    may_follow = all(one.has_referred for one in parties[:-1])
    return AudioVerdict(
        is_checked=True,
        caller_heard_parties=may_follow
        and caller.heard == tuple(sorted(tones))
        and (caller.heard_in_turn or tones) == tones,
        parties_heard_caller=all(one.heard == (caller.tone_hz,) for one in parties),
        is_passed_on=story.agent is not None and len(parties) > 1,
        tones_hz=tones,
    )


def _is_fleeting(party: PartyWitness, caller: CallerWitness) -> bool:
    """Tell whether a party came to the telephone when the caller was just leaving."""
    return not party.heard and caller.ended_at - party.answered_at < FLEETING_S


def is_given_up(story: CallStory, hearing: Hearing) -> bool:
    """Tell whether the caller gave up at the very moment an agent answered."""
    caller = hearing.callers.get(story.caller_number or "")
    if story.agent is None or caller is None or not caller.has_given_up or caller.heard:
        return False
    ended_at = story.released_at or story.ended_at
    if ended_at is None or story.answered_at is None:
        return False
    return ended_at - story.answered_at < FLEETING_S * SECOND


def judge_run(
    stories: Sequence[CallStory],
    hearing: Hearing,
    agents: Mapping[str, str],
    replayed: ReplayReport,
) -> DemoSummary:
    """Return the outcome; ``agents`` maps agents to phone numbers."""
    given_up = [story for story in stories if is_given_up(story, hearing)]
    answered = [story for story in stories if story.agent is not None and story not in given_up]
    verdicts = [judge_audio(story, hearing, agents) for story in answered]
    by_flow = [story for story in stories if story.transferred_at is not None]
    heard = sum(judge_audio(story, hearing, agents).is_both_ways for story in by_flow)
    recordings = [
        _judge_recording(story, hearing, verdict)
        for story, verdict in zip(answered, verdicts, strict=True)
    ]
    counts = count_calls(stories)
    return DemoSummary(
        counts=replace(
            counts,
            answered=counts.answered - len(given_up),
            abandoned=counts.abandoned + len(given_up),
            transferred=len(by_flow) + sum(verdict.is_passed_on for verdict in verdicts),
        ),
        audio_checked=sum(verdict.is_checked for verdict in verdicts),
        audio_both_ways=sum(verdict.is_both_ways for verdict in verdicts),
        recordings_made=sum(is_good is not None for is_good in recordings),
        recordings_both_channels=sum(is_good is True for is_good in recordings),
        journal_events=replayed.events,
        is_replay_identical=replayed.is_identical,
        transfers_unheard=len(by_flow) - heard,
    )


def _judge_recording(story: CallStory, hearing: Hearing, verdict: AudioVerdict) -> bool | None:
    """Tell whether a conversation's recording is good, ``None`` when there is none."""
    path = Path(story.recording_path)
    if not story.recording_path or not path.is_file():
        return None
    caller = hearing.callers.get(story.caller_number or "")
    if caller is None or not verdict.is_checked:
        return False
    is_handed_on = story.agent is not None and story.transferred_at is not None
    recorded = verdict.tones_hz[:1] if is_handed_on else verdict.tones_hz
    return has_both_channels(path, caller.tone_hz, recorded, verdict.tones_hz)


def has_both_channels(
    path: Path, caller_hz: int, parties_hz: Sequence[int], may_hear_hz: Sequence[int] = ()
) -> bool:
    """Tell whether a recording has each side on its own channel and nowhere else.

    The recording ends when an agent has passed the customer on; of whoever comes then, the
    first syllable may still be in it (``may_hear_hz``).
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getnchannels() != 2 or file.getsampwidth() != 2:
                return False
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (OSError, EOFError, wave.Error):
        return False
    if rate % RATE:
        return False
    channels = samples.reshape(-1, 2)[:: rate // RATE]
    heard = []
    for channel in (0, 1):
        ear = Ear(tuple(dict.fromkeys((caller_hz, *parties_hz, *may_hear_hz))))
        ear.hear(np.ascontiguousarray(channels[:, channel]))
        heard.append(ear.tones_heard())
    left, right = (frozenset(tones) for tones in heard)
    allowed = frozenset(parties_hz) | frozenset(may_hear_hz)
    return left == {caller_hz} and frozenset(parties_hz) <= right <= allowed
