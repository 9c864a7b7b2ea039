# SPDX-License-Identifier: Apache-2.0
"""Definitions of service level, confidence, and the estimate of a wait by itself."""

from __future__ import annotations

import math

import mpmath
import pytest

from centralino.core.kernel.errors import InvalidInput, NotFound
from centralino.core.kernel.instant import SECOND, Duration, Instant
from centralino.core.metrics.confidence import spread_of, student_t
from centralino.core.metrics.estimated_wait import (
    MOST_WEIGHT,
    WaitMethod,
    WaitRecord,
    queue_length_wait,
)
from centralino.core.metrics.service_level import SERVICE_LEVELS, QueueCounts, service_level

pytestmark = pytest.mark.unit

_COUNTS = QueueCounts(
    offered=100, answered=80, answered_in_time=60, abandoned=15, abandoned_in_time=10
)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("sl_met_handled", 60 / 80),
        ("sl_met_no_abandon", 60 / 90),
        ("sl_met_positive_abandon", 70 / 100),
        ("sl_met_negative_abandon", 60 / 100),
        ("asterisk_sl2", 70 / 95),
    ],
)
def test_each_service_level_counts_as_it_says(name: str, exact: float) -> None:
    definition = service_level(name)
    assert definition.ratio(_COUNTS) == pytest.approx(exact)
    assert definition.version == 1
    assert definition.ratio(QueueCounts(0, 0, 0, 0, 0)) is None


def test_a_service_level_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="there are: sl_met_handled"):
        service_level("sl")
    assert len(SERVICE_LEVELS) == 5


@pytest.mark.parametrize("degrees", [1, 2, 5, 19, 99, 999])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_students_t_is_that_of_the_tables(confidence: float, degrees: int) -> None:
    point = student_t(confidence, degrees)
    inside = 1 - mpmath.betainc(
        degrees / 2, 0.5, 0, degrees / (degrees + point**2), regularized=True
    )
    assert float(inside) == pytest.approx(confidence, rel=1e-9)


def test_a_single_run_says_nothing_about_luck() -> None:
    assert spread_of([3.0]).half_width == math.inf
    with pytest.raises(InvalidInput):
        spread_of([])
    with pytest.raises(InvalidInput):
        student_t(1.0, 5)
    with pytest.raises(InvalidInput):
        student_t(0.9, 0)


@pytest.mark.parametrize("patience", [50.0, 300.0, 100_000.0])
@pytest.mark.parametrize("position", [1, 10, 48, 49, 400, 5000])
def test_the_wait_by_queue_length_is_the_sum_it_should_be(position: int, patience: float) -> None:
    mean, shape = queue_length_wait(position, 40, 200.0, patience)
    rates = [40 / 200.0 + before / patience for before in range(position)]
    exact = math.fsum(1 / rate for rate in rates)
    assert mean == pytest.approx(exact, rel=1e-4)
    assert shape == pytest.approx(exact**2 / math.fsum(rate**-2 for rate in rates), rel=1e-3)


def _left(record: WaitRecord, at_s: float, waited_s: float, *, is_served: bool = True) -> None:
    record.note_left(
        Instant(round(at_s * SECOND)), Duration(round(waited_s * SECOND)), 3, is_served=is_served
    )


def test_nothing_is_told_when_nothing_is_known() -> None:
    record = WaitRecord()
    assert record.estimate(1, 5, None, is_shared=False) is None
    assert record.estimate(1, 0, Duration(SECOND), is_shared=False) is None
    assert record.estimate(1, 5, None, is_shared=True) is None


def test_own_agents_are_reckoned_by_the_queue_and_shared_ones_by_its_pace() -> None:
    record = WaitRecord()
    handling = Duration(200 * SECOND)
    own = record.estimate(5, 10, handling, is_shared=False)
    assert own is not None
    assert (own.method, own.expected_ms) == (WaitMethod.QUEUE_LENGTH, 100_000)
    _left(record, 0, 70)
    first = record.estimate(5, 10, handling, is_shared=True)
    assert first is not None
    assert (first.method, first.expected_ms) == (WaitMethod.LAST_SERVED, 70_000)
    for number in range(1, 8):
        _left(record, 30 * number, 60)
    later = record.estimate(5, 10, handling, is_shared=True)
    assert later is not None
    assert (later.method, later.expected_ms) == (WaitMethod.PACE, 150_000)
    assert later.almost_ms[0] < later.likely_ms[0] < 150_000 < later.likely_ms[1]
    assert later.likely_ms[1] < later.almost_ms[1]


def test_patience_shortens_the_wait_and_the_past_fades() -> None:
    record = WaitRecord()
    for number in range(2000):
        _left(record, number, 30, is_served=number % 4 != 0)
    assert record.patience == pytest.approx(120 * SECOND, rel=0.01)
    assert record.lost < 500
    patient = WaitRecord().estimate(20, 10, Duration(200 * SECOND), is_shared=False)
    hasty = record.estimate(20, 10, Duration(200 * SECOND), is_shared=False)
    assert patient is not None
    assert hasty is not None
    assert hasty.expected_ms < patient.expected_ms


def test_the_mean_of_conversations_is_that_of_all_at_first_and_moves_on() -> None:
    record, mean = WaitRecord(), None
    for took in (100, 200, 300):
        mean = record.note_handled(mean, Duration(took))
    assert mean == 200
    for _ in range(20 * MOST_WEIGHT):
        mean = record.note_handled(mean, Duration(1_000_000))
    assert mean is not None
    assert mean > 990_000


def test_waits_that_are_longer_than_expected_move_the_interval() -> None:
    record = WaitRecord()
    handling = Duration(200 * SECOND)
    before = record.estimate(10, 10, handling, is_shared=False)
    assert before is not None
    for _ in range(500):
        record.judge(before, 2 * before.expected_ms)
    after = record.estimate(10, 10, handling, is_shared=False)
    assert after is not None
    assert after.expected_ms == before.expected_ms
    assert after.likely_ms[0] > before.likely_ms[1]
    assert after.likely_ms[1] == pytest.approx(2 * before.expected_ms, rel=0.02)
