# SPDX-License-Identifier: Apache-2.0
"""Figures are judged against their goals the right way round, and a void run by nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import runner
from bench.measurement import Measurement, alternate, speed_index_ns

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "is_goal_a_minimum", "met"),
    [
        (3.9, False, True),
        (4.0, False, True),
        (4.1, False, False),
        (4.1, True, True),
        (3.9, True, False),
    ],
)
def test_a_goal_is_a_ceiling_or_a_minimum(value: float, is_goal_a_minimum: bool, met: bool) -> None:
    row = Measurement("voice.x", value, "ms", goal=4.0, is_goal_a_minimum=is_goal_a_minimum)
    assert row.met is met


def test_a_figure_stands_on_its_floor() -> None:
    assert Measurement("voice.x", 6.0, "ms", floor=2.0).ratio == 3.0
    assert Measurement("voice.x", 6.0, "ms").ratio is None


def test_a_void_run_meets_nothing() -> None:
    row = Measurement("voice.x", 1.0, "ms", goal=4.0, met=True, is_valid=False)
    assert row.met is None


def test_slices_alternate() -> None:
    order: list[str] = []

    def take(name: str, value: float) -> float:
        order.append(name)
        return value

    pair = alternate(lambda: take("figure", 6.0), lambda: take("floor", 3.0), slices=3)
    assert order == ["figure", "floor"] * 3
    assert (pair.value, pair.floor, pair.spread) == (6.0, 3.0, 1.0)


def test_the_machine_has_a_speed() -> None:
    assert speed_index_ns() > 0


def test_results_are_written_even_when_nothing_matches(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    assert runner.main(["--only", "no-such-area.", "--json", str(results)]) == 0
    assert json.loads(results.read_text()) == []


@pytest.mark.parametrize(
    ("prefix", "only", "may"),
    [
        ("voice.parse", "", True),
        ("voice.parse", "voice.", True),
        ("voice.", "voice.parse", True),
        ("voice.parse", "core.", False),
        ("", "core.", True),
    ],
)
def test_only_leaves_out_what_cannot_match(prefix: str, only: str, may: bool) -> None:
    assert runner.may_match(prefix, only) is may
