# SPDX-License-Identifier: Apache-2.0
"""Decides whether a demo run was good: from the journal, from what was heard, from files.

An answered call is good when the caller heard the agent's tone and no other agent's, and
the agent heard the caller's and no other caller's. A recording is good when its first
channel carries the caller's tone, its second the agent's, and neither the other's.
"""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from centralino.exchange.summary import CallCounts, CallStory, count_calls
from centralino.simulators.party.ear import RATE, Ear

if TYPE_CHECKING:
    from centralino.bootstrap.demo.hearing import Hearing
    from centralino.exchange.replay import ReplayReport


@dataclass(frozen=True, slots=True)
class AudioVerdict:
    """What was heard in one answered call."""

    is_checked: bool
    """Both parties were simulated and both calls are over."""
    caller_heard_agent: bool = False
    agent_heard_caller: bool = False

    @property
    def is_both_ways(self) -> bool:
        """Whether each heard the other and nobody else."""
        return self.is_checked and self.caller_heard_agent and self.agent_heard_caller


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
        )

    def to_json(self) -> dict[str, object]:
        """Return the documented JSON shape."""
        counts = self.counts
        return {
            "calls": {
                "offered": counts.offered,
                "answered": counts.answered,
                "abandoned": counts.abandoned,
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
    """Return what was heard in an answered call; ``agent_numbers`` maps agents to phones."""
    caller = hearing.callers.get(story.caller_number or "")
    number = agent_numbers.get(story.agent or "", "")
    if caller is None or not caller.is_over:
        return AudioVerdict(is_checked=False)
    agent = hearing.agent_for(number, caller.number)
    if agent is None:
        return AudioVerdict(is_checked=False)
    return AudioVerdict(
        is_checked=True,
        caller_heard_agent=caller.heard == (agent.tone_hz,),
        agent_heard_caller=agent.heard == (caller.tone_hz,),
    )


def judge_run(
    stories: Sequence[CallStory],
    hearing: Hearing,
    agents: Mapping[str, tuple[str, int]],
    replayed: ReplayReport,
) -> DemoSummary:
    """Return the outcome; ``agents`` maps agents to (phone number, tone in hertz)."""
    answered = [story for story in stories if story.agent is not None]
    numbers = {agent: number for agent, (number, _) in agents.items()}
    verdicts = [judge_audio(story, hearing, numbers) for story in answered]
    made = good = 0
    for story in answered:
        path = Path(story.recording_path)
        if not story.recording_path or not path.is_file():
            continue
        made += 1
        caller = hearing.callers.get(story.caller_number or "")
        if caller is not None and story.agent is not None:
            good += has_both_channels(path, caller.tone_hz, agents[story.agent][1])
    return DemoSummary(
        counts=count_calls(stories),
        audio_checked=sum(verdict.is_checked for verdict in verdicts),
        audio_both_ways=sum(verdict.is_both_ways for verdict in verdicts),
        recordings_made=made,
        recordings_both_channels=good,
        journal_events=replayed.events,
        is_replay_identical=replayed.is_identical,
    )


def has_both_channels(path: Path, caller_hz: int, agent_hz: int) -> bool:
    """Tell whether a recording has each party on its own channel and nowhere else."""
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
        ear = Ear((caller_hz, agent_hz))
        ear.hear(np.ascontiguousarray(channels[:, channel]))
        heard.append(ear.tones_heard())
    return heard == [[caller_hz], [agent_hz]]
