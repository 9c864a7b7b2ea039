# SPDX-License-Identifier: Apache-2.0
"""Each closed form against 30 digits, from one agent to five thousand, to 1e-6 relative."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import pytest

from centralino.core.kernel.errors import InvalidInput
from centralino.core.staffing.erlang import delay_fare, erlang_b, erlang_c
from centralino.core.staffing.load import Load
from centralino.core.staffing.patience import abandonment_fare
from centralino.core.staffing.places import limited_fare
from centralino.core.staffing.square_root import (
    beta_for_wait,
    garnett,
    halfin_whitt,
    square_root_servers,
)
from tests.unit.staffing import reference

pytestmark = pytest.mark.unit

EXACT = 1e-6
_SIZES = (1, 2, 5, 20, 90, 400, 1500, 5000)
_LOADS = (0.05, 0.5, 0.8, 0.95, 0.999)
_OVERLOADS = (1.0, 1.05, 1.5)
_SMALLEST = 1e-250


def _agrees(found: float, exact: mpmath.mpf) -> None:
    """Compare where a float can hold the figure at all."""
    if exact > _SMALLEST:
        assert mpmath.almosteq(mpmath.mpf(found), exact, rel_eps=EXACT), (found, exact)
    else:
        assert found < _SMALLEST * 10


@pytest.mark.parametrize("servers", _SIZES)
@pytest.mark.parametrize("busy", _LOADS + _OVERLOADS)
def test_erlang_b(servers: int, busy: float) -> None:
    _agrees(erlang_b(servers, servers * busy), reference.erlang_b(servers, servers * busy))


@pytest.mark.parametrize("servers", _SIZES)
@pytest.mark.parametrize("busy", _LOADS)
def test_erlang_c_and_its_service_level(servers: int, busy: float) -> None:
    erlangs = servers * busy
    load = Load(rate_per_s=erlangs / 180, handle_s=180)
    for threshold_s in (0.0, 1.0, 20.0, 200.0):
        fare = delay_fare(load, servers, threshold_s)
        exact = reference.delay_level(servers, load.erlangs, threshold_s / 180)
        _agrees(fare.service_level_ratio, exact)
    wait = reference.erlang_c(servers, erlangs)
    _agrees(erlang_c(servers, erlangs), wait)
    _agrees(delay_fare(load, servers).mean_wait_s, wait * 180 / (servers - mpmath.mpf(erlangs)))


_QUICK = (0.0, 20.0, 300.0)
_ERLANG_A = [
    *((n, busy, 5.0, _QUICK) for n in _SIZES for busy in _LOADS + _OVERLOADS),
    *((n, busy, 120.0, _QUICK) for n in _SIZES[:-1] for busy in _LOADS + _OVERLOADS),
    *((n, busy, 5000.0, (20.0,)) for n in _SIZES[:5] for busy in (*_LOADS, 1.0, 1.05)),
    (5000, 0.95, 120.0, (20.0,)),
    (5000, 1.05, 120.0, (20.0,)),
]


@pytest.mark.parametrize(("servers", "busy", "patience_s", "thresholds_s"), _ERLANG_A)
def test_erlang_a(
    servers: int, busy: float, patience_s: float, thresholds_s: tuple[float, ...]
) -> None:
    load = Load(servers * busy / 180, 180)
    figures, levels = reference.abandonment(load.rate_per_s, 180, servers, patience_s, thresholds_s)
    fare = abandonment_fare(load, servers, patience_s)
    for name, value in figures.items():
        _agrees(getattr(fare, name), value)
    carried = busy * (1 - float(figures["abandoned_ratio"]))
    assert fare.occupancy_ratio == pytest.approx(carried, rel=EXACT)
    for threshold_s, level in zip(thresholds_s, levels, strict=True):
        found = abandonment_fare(load, servers, patience_s, threshold_s)
        _agrees(found.service_level_ratio, level)


@pytest.mark.parametrize("servers", [1, 5, 90, 1500])
@pytest.mark.parametrize("busy", [0.5, 0.95, 1.05])
@pytest.mark.parametrize("patience_s", [20.0, 600.0])
def test_speed_of_answer_of_erlang_a(servers: int, busy: float, patience_s: float) -> None:
    rate = servers * busy / 180
    fare = abandonment_fare(Load(rate, 180), servers, patience_s)
    _agrees(fare.answer_wait_s, reference.answer_wait(rate, 180, servers, patience_s))


@pytest.mark.parametrize(("servers", "places"), [(1, 1), (1, 9), (6, 6), (90, 120), (400, 900)])
@pytest.mark.parametrize("busy", _LOADS + _OVERLOADS)
def test_limited_places(servers: int, places: int, busy: float) -> None:
    rate = servers * busy / 180
    for threshold_s in (0.0, 20.0, 300.0):
        fare = limited_fare(Load(rate, 180), servers, places, threshold_s)
        for name, value in reference.limited(rate, 180, servers, places, threshold_s).items():
            _agrees(getattr(fare, name), value)


@pytest.mark.parametrize("beta", [0.001, 0.1, 0.5, 1.0, 2.0, 5.0, 12.0, 34.0, 36.0])
def test_the_limit_of_halfin_and_whitt_and_its_inverse(beta: float) -> None:
    exact = reference.halfin_whitt(beta)
    _agrees(halfin_whitt(beta), exact)
    if exact > _SMALLEST:
        assert beta_for_wait(halfin_whitt(beta)) == pytest.approx(beta, rel=EXACT)


@pytest.mark.parametrize("beta", [-3.0, -0.5, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("patience_s", [10.0, 180.0, 3600.0])
def test_the_limit_of_garnett(beta: float, patience_s: float) -> None:
    _agrees(garnett(beta, 180.0, patience_s), reference.garnett(beta, 180.0, patience_s))


def test_the_limits_are_what_large_centers_come_to() -> None:
    servers = 5000
    erlangs = servers - math.sqrt(servers)
    beta = (servers - erlangs) / math.sqrt(erlangs)
    assert erlang_c(servers, erlangs) == pytest.approx(halfin_whitt(beta), rel=0.02)
    fare = abandonment_fare(Load(erlangs / 180, 180), servers, 90)
    assert fare.wait_ratio == pytest.approx(garnett(beta, 180, 90), rel=0.02)
    assert square_root_servers(erlangs, beta) == servers


def test_the_rows_of_the_books() -> None:
    small = delay_fare(Load(100 / 3600, 180), 6, 20)
    assert small.wait_ratio == pytest.approx(0.58751645, rel=EXACT)
    assert small.answer_wait_s == pytest.approx(105.75296, rel=EXACT)
    assert small.service_level_ratio == pytest.approx(0.47426718, rel=EXACT)
    large = abandonment_fare(Load(2880 / 3600, 60), 50, 120)
    assert large.wait_ratio == pytest.approx(0.46777407, rel=EXACT)
    assert large.abandoned_ratio == pytest.approx(0.030912249, rel=EXACT)
    assert large.mean_wait_s == pytest.approx(3.7094699, rel=EXACT)


def test_without_agents_or_customers_nothing_breaks() -> None:
    nobody = Load(0.0, 180)
    for fare in (
        delay_fare(nobody, 3),
        abandonment_fare(nobody, 3, 60),
        limited_fare(nobody, 3, 5),
    ):
        assert (fare.wait_ratio, fare.mean_wait_s, fare.occupancy_ratio) == (0.0, 0.0, 0.0)
        assert fare.service_level_ratio == 1.0
    busy = Load(1.0, 180)
    assert delay_fare(busy, 0).mean_wait_s == math.inf
    assert delay_fare(busy, 100).service_level_ratio == 0.0
    assert abandonment_fare(busy, 0, 60).abandoned_ratio == 1.0
    assert limited_fare(busy, 0, 1).blocked_ratio == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: erlang_b(-1, 1.0), "agents: -1"),
        (lambda: erlang_b(1, math.nan), "load: nan"),
        (lambda: Load(-1.0, 180), "calls: -1 is less than 0"),
        (lambda: Load(1.0, 0.0), "handling time: 0 is not more than 0"),
        (lambda: abandonment_fare(Load(1.0, 180), 3, 0.0), "patience"),
        (lambda: limited_fare(Load(1.0, 180), 3, 2), "places: 2 is less than the 3 agents"),
        (lambda: halfin_whitt(0.0), "beta: 0 is not more than 0"),
        (lambda: beta_for_wait(1.5), "share that waits: 1.5"),
    ],
)
def test_bad_figures_are_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        call()
