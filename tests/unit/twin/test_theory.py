# SPDX-License-Identifier: Apache-2.0
"""The engine in virtual time against the closed forms, and against simpy as a stranger to both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.twin_theory import (
    AGENTS,
    ERLANGS,
    HANDLE_S,
    PLACES,
    Model,
    half_widths,
    skills_plan,
    spreads,
    twin_of,
)
from centralino.bootstrap.twin.day import Day
from centralino.bootstrap.twin.draws import Purpose, customers_of, stream
from centralino.core.kernel.instant import SECOND
from centralino.core.staffing.erlang import delay_fare
from centralino.core.staffing.load import Fare, Load
from centralino.core.staffing.patience import abandonment_fare
from centralino.core.staffing.places import limited_fare
from tests.kit.requirements import require_package

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.scenario

RUNS = 20


def _agrees(model: Model, exact: Fare, *names: str) -> None:
    found = spreads(twin_of(model), model.warm_up_hours, RUNS)
    for name in names:
        assert half_widths(found[name], getattr(exact, name)) <= 1, (name, found[name], exact)


def test_with_patience_it_is_erlang_a() -> None:
    model = Model(servers=10, erlangs=10.0, patience_s=60.0, hours=2, warm_up_hours=1)
    exact = abandonment_fare(model.load, 10, 60.0)
    _agrees(model, exact, "wait_ratio", "mean_wait_s", "abandoned_ratio", "service_level_ratio")


def test_with_limited_places_it_is_the_finite_queue() -> None:
    model = Model(servers=6, erlangs=6.0, places=9, hours=3, warm_up_hours=1)
    exact = limited_fare(model.load, 6, 9)
    _agrees(model, exact, "wait_ratio", "mean_wait_s", "blocked_ratio", "service_level_ratio")


def test_without_end_it_is_erlang_c() -> None:
    model = Model(servers=8, erlangs=6.0, hours=3, warm_up_hours=1)
    _agrees(model, delay_fare(model.load, 8), "wait_ratio", "mean_wait_s", "service_level_ratio")


def test_agents_with_all_skills_are_one_pool_whoever_comes_first() -> None:
    pooled = limited_fare(Load(ERLANGS / HANDLE_S, HANDLE_S), AGENTS, PLACES)
    found = spreads(skills_plan(6, is_primary_first=True, hours=2), 1, RUNS)
    for name in ("wait_ratio", "mean_wait_s"):
        assert half_widths(found[name], getattr(pooled, name)) <= 1, (name, found[name])


def test_own_calls_first_and_one_order_for_all_are_told_apart() -> None:
    own, alike = (
        spreads(skills_plan(2, is_primary_first=way, hours=2), 1, 8)["own_ratio"]
        for way in (True, False)
    )
    assert own.low > alike.high
    assert alike.mean == pytest.approx(0.5, abs=0.06)


def test_simpy_lets_the_same_customers_wait_equally_long() -> None:
    require_package("simpy")
    import simpy

    plan = twin_of(Model(servers=5, erlangs=4.5, hours=6))
    customers = customers_of(plan, 3, 0)
    record = Day(plan, customers, 3, 0).run()
    world = simpy.Environment()
    desks = simpy.Resource(world, capacity=5)
    waited: dict[int, float] = {}

    def customer(who: int) -> Generator[simpy.events.Event, None, None]:
        yield world.timeout(customers.at_ns[who])
        with desks.request() as turn:
            yield turn
            waited[who] = world.now - customers.at_ns[who]
            yield world.timeout(customers.handle_ns[who])

    for who in range(len(customers)):
        world.process(customer(who))
    world.run()
    assert [waited[who] for who in range(len(customers))] == record.waited_ns


def test_lots_have_the_means_they_should() -> None:
    plan = twin_of(Model(servers=5, erlangs=400.0, patience_s=100.0, hours=10))
    customers = customers_of(plan, 1, 0)
    count = len(customers)
    assert count == pytest.approx(400 * 600, rel=4 / math.sqrt(400 * 600))
    assert np.mean(customers.handle_ns) / SECOND == pytest.approx(60, rel=4 / math.sqrt(count))
    assert np.mean(customers.patience_ns) / SECOND == pytest.approx(100, rel=4 / math.sqrt(count))
    gaps = np.diff(customers.at_ns)
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.02)
    again = stream(1, 0, 0, Purpose.ARRIVALS).random(3)
    assert list(again) == list(stream(1, 0, 0, Purpose.ARRIVALS).random(3))
