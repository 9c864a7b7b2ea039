# SPDX-License-Identifier: Apache-2.0
"""What must hold for all loads: shares are shares, more agents are never worse, limits meet."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from centralino.core.staffing.erlang import delay_fare, erlang_b, erlang_b_upwards, erlang_c
from centralino.core.staffing.load import Load
from centralino.core.staffing.patience import abandonment_fare
from centralino.core.staffing.places import limited_fare
from centralino.core.staffing.requirement import Goal, need

pytestmark = pytest.mark.property

SERVERS = st.integers(1, 600)
BUSY = st.floats(0.01, 1.8)
HANDLE_S = st.floats(1.0, 3600.0)
PATIENCE_S = st.floats(1.0, 7200.0)
THRESHOLD_S = st.floats(0.0, 600.0)
_FEW = settings(max_examples=40)
_SLACK = 1e-9


def _load(servers: int, busy: float, handle_s: float) -> Load:
    return Load(servers * busy / handle_s, handle_s)


@_FEW
@given(SERVERS, BUSY, HANDLE_S, PATIENCE_S, THRESHOLD_S)
def test_one_more_agent_is_never_worse(
    servers: int, busy: float, handle_s: float, patience_s: float, threshold_s: float
) -> None:
    load = _load(servers, busy, handle_s)
    few = abandonment_fare(load, servers, patience_s, threshold_s)
    more = abandonment_fare(load, servers + 1, patience_s, threshold_s)
    assert more.service_level_ratio >= few.service_level_ratio * (1 - _SLACK)
    for name in ("wait_ratio", "abandoned_ratio", "mean_wait_s", "occupancy_ratio"):
        assert getattr(more, name) <= getattr(few, name) * (1 + _SLACK)
    assert erlang_b(servers + 1, load.erlangs) <= erlang_b(servers, load.erlangs)


@_FEW
@given(SERVERS, BUSY, HANDLE_S, PATIENCE_S, THRESHOLD_S)
def test_shares_are_shares_and_what_comes_in_goes_out(
    servers: int, busy: float, handle_s: float, patience_s: float, threshold_s: float
) -> None:
    load = _load(servers, busy, handle_s)
    fare = abandonment_fare(load, servers, patience_s, threshold_s)
    for share in (fare.wait_ratio, fare.service_level_ratio, fare.abandoned_ratio):
        assert -_SLACK <= share <= 1 + _SLACK
    assert 0 <= fare.occupancy_ratio <= 1 + _SLACK
    assert fare.abandoned_ratio <= fare.wait_ratio * (1 + _SLACK)
    assert fare.service_level_ratio <= 1 - fare.abandoned_ratio + _SLACK
    served = fare.occupancy_ratio * servers / handle_s
    lost = fare.waiting_mean / patience_s
    assert served + lost == pytest.approx(load.rate_per_s, rel=1e-9)


@_FEW
@given(SERVERS, BUSY, HANDLE_S, PATIENCE_S, THRESHOLD_S, st.floats(0.0, 600.0))
def test_a_longer_threshold_takes_in_more(
    servers: int, busy: float, handle_s: float, patience_s: float, threshold_s: float, more_s: float
) -> None:
    load = _load(servers, busy, handle_s)
    near = abandonment_fare(load, servers, patience_s, threshold_s).service_level_ratio
    far = abandonment_fare(load, servers, patience_s, threshold_s + more_s).service_level_ratio
    assert far >= near * (1 - _SLACK)


@_FEW
@given(st.integers(1, 400), st.floats(0.05, 0.97), HANDLE_S, THRESHOLD_S)
def test_endless_patience_and_endless_places_meet_erlang_c(
    servers: int, busy: float, handle_s: float, threshold_s: float
) -> None:
    load = _load(servers, busy, handle_s)
    endless = delay_fare(load, servers, threshold_s)
    assume(endless.wait_ratio > 1e-200)
    patient = abandonment_fare(load, servers, handle_s * 1e9, threshold_s)
    roomy = limited_fare(load, servers, servers + 2000, threshold_s)
    for fare in (patient, roomy):
        assert fare.wait_ratio == pytest.approx(endless.wait_ratio, rel=1e-4)
        assert fare.mean_wait_s == pytest.approx(endless.mean_wait_s, rel=1e-4)
        assert fare.service_level_ratio == pytest.approx(endless.service_level_ratio, rel=1e-4)


@_FEW
@given(st.integers(1, 400), BUSY, HANDLE_S)
def test_no_patience_and_no_places_meet_erlang_b(
    servers: int, busy: float, handle_s: float
) -> None:
    load = _load(servers, busy, handle_s)
    blocked = erlang_b(servers, load.erlangs)
    assume(blocked > 1e-200)
    assert limited_fare(load, servers, servers).blocked_ratio == pytest.approx(blocked, rel=1e-9)
    hasty = abandonment_fare(load, servers, handle_s * 1e-9 / servers)
    assert hasty.abandoned_ratio == pytest.approx(blocked, rel=1e-4)


@_FEW
@given(st.floats(0.0, 5000.0))
def test_erlang_b_step_by_step_is_erlang_b(erlangs: float) -> None:
    steps = erlang_b_upwards(erlangs)
    for servers in range(20):
        assert next(steps) == erlang_b(servers, erlangs)
    assert erlang_c(20, erlangs) >= erlang_b(20, erlangs)


@_FEW
@given(st.floats(0.1, 300.0), st.floats(0.1, 0.99), THRESHOLD_S, st.floats(1.01, 1.5))
def test_more_calls_need_at_least_as_many_agents(
    erlangs: float, level: float, threshold_s: float, more: float
) -> None:
    goal = Goal(level, threshold_s)
    few = need(Load(erlangs / 240, 240), goal, 120.0)
    many = need(Load(erlangs * more / 240, 240), goal, 120.0)
    assert many.agents >= few.agents
    assert math.isfinite(many.fare.mean_wait_s)
