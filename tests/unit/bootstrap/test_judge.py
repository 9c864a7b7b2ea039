# SPDX-License-Identifier: Apache-2.0
"""The demo's judge: what it must call good, and each way to be wrong."""

from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.judge import (
    DemoSummary,
    has_both_channels,
    judge_audio,
    judge_run,
)
from centralino.core.kernel.ids import AgentId, InteractionId, LegId, TenantId
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import COMPLETED
from centralino.exchange.replay import ReplayReport
from centralino.exchange.summary import CallCounts, CallStory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.unit

CALLER, AGENT = "+393335500001", "+390212345611"
CALLER_HZ, AGENT_HZ, OTHER_HZ = 1130, 2060, 2180
AGENTS = {"anna": AGENT}
EXPERT, EXPERT_HZ = "+390212345621", 2960
RATE = 8000
REPLAYED = ReplayReport(TenantId("t"), 1, 12, is_identical=True, state_hash="")


ORIGIN = f"<sip:{CALLER}@sbc.example>;tag=1"
ANNA = {"session": "s", "number": AGENT, "own_tone_hz": AGENT_HZ, "part": "direct-routing"}
TERESA = {"session": "t", "number": EXPERT, "own_tone_hz": EXPERT_HZ, "part": "direct-routing"}
WHO_CALLS = {"number": CALLER, "own_tone_hz": CALLER_HZ}


def _hearing(
    caller_heard: Sequence[int], agent_heard: Sequence[int], *more: dict[str, object]
) -> Hearing:
    """Return what is known when ``more`` was said before the caller's call was over."""
    hearing = Hearing()
    for line in (
        {"what": "call.placed", **WHO_CALLS},
        {"what": "user.called", "from_": ORIGIN, **ANNA},
        {"what": "user.answered", "at": 10.0, **ANNA},
        {"what": "user.ended", "was_answered": True, "tones_heard": agent_heard, **ANNA},
        *more,
        {
            "what": "call.ended",
            "at": 30.0,
            "was_answered": True,
            "tones_heard": caller_heard,
            **WHO_CALLS,
        },
    ):
        hearing.take(json.dumps(line))
    return hearing


def _passed_on(expert_heard: Sequence[int], order: Sequence[int]) -> list[dict[str, object]]:
    return [
        *({"what": "call.heard", "tone_hz": hz, **WHO_CALLS} for hz in order),
        {"what": "user.referred", "target": "t", **ANNA},
        {"what": "user.called", "from_": ORIGIN, **TERESA},
        {"what": "user.answered", "at": 14.0, **TERESA},
        {"what": "user.ended", "was_answered": True, "tones_heard": expert_heard, **TERESA},
    ]


def _story(recording: str = "") -> CallStory:
    return CallStory(
        interaction=InteractionId("i"),
        leg=LegId("l"),
        arrived_at=Instant(0),
        caller_number=CALLER,
        called_number="+391",
        agent=AgentId("anna"),
        ended_at=Instant(1),
        outcome=COMPLETED,
        recording_path=recording,
    )


def _record(path: Path, left: Sequence[int], right: Sequence[int], channels: int = 2) -> Path:
    t = np.arange(RATE) / RATE
    sides = [
        sum((5000 * np.sin(2 * np.pi * hz * t) for hz in tones), np.zeros(RATE))
        for tones in (left, right)[:channels]
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.stack(sides, axis=1).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    ("caller_heard", "agent_heard", "is_good"),
    [
        ([AGENT_HZ], [CALLER_HZ], True),
        ([], [CALLER_HZ], False),
        ([AGENT_HZ], [], False),
        ([OTHER_HZ], [CALLER_HZ], False),
        ([AGENT_HZ, OTHER_HZ], [CALLER_HZ], False),
        ([AGENT_HZ], [CALLER_HZ, 1080], False),
    ],
)
def test_each_must_hear_the_other_and_nobody_else(
    caller_heard: list[int], agent_heard: list[int], is_good: bool
) -> None:
    verdict = judge_audio(_story(), _hearing(caller_heard, agent_heard), AGENTS)
    assert verdict.is_checked
    assert verdict.is_both_ways == is_good


@pytest.mark.parametrize(
    ("expert_heard", "order", "is_good"),
    [
        ([CALLER_HZ], [AGENT_HZ, EXPERT_HZ], True),
        ([], [AGENT_HZ, EXPERT_HZ], False),
        ([CALLER_HZ], [EXPERT_HZ, AGENT_HZ], False),
    ],
)
def test_who_is_passed_on_must_hear_both_in_turn_and_be_heard(
    expert_heard: list[int], order: list[int], is_good: bool
) -> None:
    hearing = _hearing([AGENT_HZ, EXPERT_HZ], [CALLER_HZ], *_passed_on(expert_heard, order))
    verdict = judge_audio(_story(), hearing, AGENTS)
    assert verdict.is_checked
    assert verdict.is_passed_on
    assert verdict.tones_hz == (AGENT_HZ, EXPERT_HZ)
    assert verdict.is_both_ways == is_good


def test_two_who_talked_to_one_caller_without_a_transfer_are_wrong() -> None:
    lines = [one for one in _passed_on([CALLER_HZ], []) if one["what"] != "user.referred"]
    hearing = _hearing([AGENT_HZ, EXPERT_HZ], [CALLER_HZ], *lines)
    assert not judge_audio(_story(), hearing, AGENTS).is_both_ways


def test_an_expert_who_picks_up_as_the_caller_leaves_does_not_count() -> None:
    lines = _passed_on([], [AGENT_HZ])
    lines[3]["at"] = 29.5
    verdict = judge_audio(_story(), _hearing([AGENT_HZ], [CALLER_HZ], *lines), AGENTS)
    assert verdict.is_both_ways
    assert not verdict.is_passed_on


def test_a_transfer_by_a_flow_is_judged_as_well() -> None:
    story = _story()
    story.agent, story.transferred_at = None, Instant(1)
    hearing = _hearing([AGENT_HZ], [CALLER_HZ])
    good = judge_run([story], hearing, AGENTS, REPLAYED)
    assert (good.counts.transferred, good.transfers_unheard) == (1, 0)
    assert judge_run([story], _hearing([], [CALLER_HZ]), AGENTS, REPLAYED).transfers_unheard == 1


@pytest.mark.parametrize(("talked_ms", "is_abandoned"), [(300, True), (5000, False)])
def test_who_gives_up_as_the_agent_answers_has_abandoned(
    talked_ms: int, is_abandoned: bool
) -> None:
    story = _story()
    story.answered_at, story.released_at = Instant(0), Instant(talked_ms * 1_000_000)
    hearing = _hearing([], [], {"what": "call.impatient", **WHO_CALLS})
    summary = judge_run([story], hearing, AGENTS, REPLAYED)
    assert summary.counts.abandoned == int(is_abandoned)
    assert summary.counts.answered == int(not is_abandoned)


def test_a_call_whose_witness_is_missing_is_not_checked() -> None:
    assert not judge_audio(_story(), Hearing(), AGENTS).is_checked


@pytest.mark.parametrize(
    ("left", "right", "is_good"),
    [
        ([CALLER_HZ], [AGENT_HZ], True),
        ([AGENT_HZ], [CALLER_HZ], False),
        ([CALLER_HZ], [], False),
        ([CALLER_HZ, AGENT_HZ], [CALLER_HZ, AGENT_HZ], False),
    ],
)
def test_a_recording_has_each_party_on_its_own_channel(
    tmp_path: Path, left: list[int], right: list[int], is_good: bool
) -> None:
    path = _record(tmp_path / "r.wav", left, right)
    assert has_both_channels(path, CALLER_HZ, [AGENT_HZ]) == is_good


def test_a_recording_that_is_mono_or_broken_is_not_good(tmp_path: Path) -> None:
    mono = _record(tmp_path / "mono.wav", [CALLER_HZ], [], channels=1)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    assert not has_both_channels(mono, CALLER_HZ, [AGENT_HZ])
    assert not has_both_channels(broken, CALLER_HZ, [AGENT_HZ])


def test_a_whole_run_is_judged(tmp_path: Path) -> None:
    path = _record(tmp_path / "r.wav", [CALLER_HZ], [AGENT_HZ])
    hearing = _hearing([AGENT_HZ], [CALLER_HZ])
    summary = judge_run([_story(str(path))], hearing, AGENTS, REPLAYED)
    assert summary.is_good
    assert summary.to_json() == {
        "calls": {
            "offered": 1,
            "answered": 1,
            "abandoned": 0,
            "missed": 0,
            "overflowed": 0,
            "transferred": 0,
            "failed": 0,
        },
        "audio": {"checked": 1, "both_ways": 1},
        "recordings": {"made": 1, "both_channels": 1},
        "journal": {"events": 12, "replay_identical": True},
        "lost": 0,
    }
    lost_file = judge_run([_story(str(tmp_path / "gone.wav"))], hearing, AGENTS, REPLAYED)
    assert not lost_file.is_good


@pytest.mark.parametrize(
    "summary",
    [
        DemoSummary(CallCounts(2, 2, 0, 0, 0), 1, 1, 2, 2, 9, True),
        DemoSummary(CallCounts(2, 2, 0, 0, 0), 2, 1, 2, 2, 9, True),
        DemoSummary(CallCounts(2, 2, 0, 0, 0), 2, 2, 2, 1, 9, True),
        DemoSummary(CallCounts(2, 2, 0, 0, 0), 2, 2, 2, 2, 9, False),
        DemoSummary(CallCounts(3, 2, 0, 0, 1), 2, 2, 2, 2, 9, True),
        DemoSummary(CallCounts(3, 2, 0, 1, 0), 2, 2, 2, 2, 9, True),
        DemoSummary(CallCounts(2, 0, 2, 0, 0), 0, 0, 0, 0, 9, True),
        DemoSummary(CallCounts(2, 2, 0, 0, 0), 2, 2, 2, 2, 9, True, transfers_unheard=1),
    ],
)
def test_one_thing_wrong_makes_a_run_bad(summary: DemoSummary) -> None:
    assert not summary.is_good
