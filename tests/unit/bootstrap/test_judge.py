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
AGENTS = {"anna": (AGENT, AGENT_HZ)}
RATE = 8000


def _hearing(caller_heard: Sequence[int], agent_heard: Sequence[int]) -> Hearing:
    hearing = Hearing()
    origin = f"<sip:{CALLER}@sbc.example>;tag=1"
    agent = {"session": "s", "number": AGENT, "own_tone_hz": AGENT_HZ}
    caller = {"number": CALLER, "own_tone_hz": CALLER_HZ}
    for line in (
        {"what": "call.placed", **caller},
        {"what": "user.called", "from_": origin, **agent},
        {"what": "call.ended", "was_answered": True, "tones_heard": caller_heard, **caller},
        {"what": "user.ended", "was_answered": True, "tones_heard": agent_heard, **agent},
    ):
        hearing.take(json.dumps(line))
    return hearing


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
    verdict = judge_audio(_story(), _hearing(caller_heard, agent_heard), {"anna": AGENT})
    assert verdict.is_checked
    assert verdict.is_both_ways == is_good


def test_a_call_whose_witness_is_missing_is_not_checked() -> None:
    assert not judge_audio(_story(), Hearing(), {"anna": AGENT}).is_checked


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
    assert has_both_channels(path, CALLER_HZ, AGENT_HZ) == is_good


def test_a_recording_that_is_mono_or_broken_is_not_good(tmp_path: Path) -> None:
    mono = _record(tmp_path / "mono.wav", [CALLER_HZ], [], channels=1)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    assert not has_both_channels(mono, CALLER_HZ, AGENT_HZ)
    assert not has_both_channels(broken, CALLER_HZ, AGENT_HZ)


def test_a_whole_run_is_judged(tmp_path: Path) -> None:
    path = _record(tmp_path / "r.wav", [CALLER_HZ], [AGENT_HZ])
    replayed = ReplayReport(TenantId("t"), 1, 12, is_identical=True, state_hash="")
    hearing = _hearing([AGENT_HZ], [CALLER_HZ])
    summary = judge_run([_story(str(path))], hearing, AGENTS, replayed)
    assert summary.is_good
    assert summary.to_json() == {
        "calls": {"offered": 1, "answered": 1, "abandoned": 0, "failed": 0},
        "audio": {"checked": 1, "both_ways": 1},
        "recordings": {"made": 1, "both_channels": 1},
        "journal": {"events": 12, "replay_identical": True},
        "lost": 0,
    }
    lost_file = judge_run([_story(str(tmp_path / "gone.wav"))], hearing, AGENTS, replayed)
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
    ],
)
def test_one_thing_wrong_makes_a_run_bad(summary: DemoSummary) -> None:
    assert not summary.is_good
