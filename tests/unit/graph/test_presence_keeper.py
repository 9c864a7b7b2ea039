# SPDX-License-Identifier: Apache-2.0
"""The keeper in virtual time: ages, budgets, an outage of ten minutes, a denied permission."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from centralino.adapters.clock import wait
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.adapters.graph.settings import GraphSettings, PresenceSettings
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import PersonId
from tests.unit.graph.far_side import DIRECTORY, EPOCH, InMemorySink, World, run_in_virtual_time

pytestmark = pytest.mark.unit

PEOPLE = [PersonId(f"{n:08d}-0000-0000-0000-000000000000") for n in range(2000)]


def presences(request: httpx.Request, availability: str = "Available") -> httpx.Response:
    ids = json.loads(request.content)["ids"]
    value = [{"id": one, "availability": availability, "activity": availability} for one in ids]
    return httpx.Response(200, json={"value": value})


def followed(
    answers: Callable[[World, httpx.Request], httpx.Response | Exception],
    until_s: float,
    people: list[PersonId] = PEOPLE,
) -> tuple[PresenceKeeper, InMemorySink, World]:
    """Follow people for a while."""
    worlds: list[World] = []

    async def body(world: World) -> tuple[PresenceKeeper, InMemorySink, World]:
        worlds.append(world)
        sink = InMemorySink()
        keeper = PresenceKeeper(world.client, DIRECTORY, PresenceSettings(), sink, world.clock)
        keeper.follow(people)
        task = asyncio.ensure_future(keeper.run())
        await wait(until_s)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return keeper, sink, world

    return run_in_virtual_time(lambda request: answers(worlds[0], request), body)


def test_everybody_is_read_each_interval_and_only_changes_are_told() -> None:
    keeper, sink, world = followed(lambda _, request: presences(request), 100.0)
    assert len(sink.noted) == len(PEOPLE)
    ages = [keeper.book.age_ns(person, world.clock.utc()) for person in PEOPLE]
    assert max(age for age in ages if age is not None) <= 10 * SECOND
    assert len([age for age in ages if age is None]) == 0
    assert 40 <= len(world.asked) <= 44, "four batches every ten seconds"


def test_an_outage_of_ten_minutes_shows_its_beginning_and_loses_nothing() -> None:
    def answers(world: World, request: httpx.Request) -> httpx.Response | Exception:
        if 100 <= world.seconds < 700:
            return httpx.ConnectError("down")
        return presences(request, "Available" if world.seconds < 100 else "Busy")

    keeper, sink, _ = followed(answers, 800.0, PEOPLE[:10])
    began, ended = sink.outages
    assert began is not None
    assert 80 <= (began - EPOCH) / SECOND <= 100, "the last time that something was read"
    assert ended is None
    assert keeper.problem == ""
    assert [one.availability for one in sink.noted[-10:]] == ["Busy"] * 10
    assert len(sink.noted) == 20, "an outage tells no presence"


def test_ten_minutes_of_throttling_are_waited_out_without_hammering() -> None:
    def answers(world: World, request: httpx.Request) -> httpx.Response:
        if world.seconds < 600:
            return httpx.Response(429, headers={"Retry-After": "30"})
        return presences(request)

    keeper, sink, world = followed(answers, 700.0, PEOPLE[:10])
    assert len(sink.noted) == 10
    assert len(list(world.asked)) < 40
    assert keeper.outage_since is None


def test_a_missing_permission_is_said_in_words() -> None:
    keeper, sink, _ = followed(lambda _, __: httpx.Response(403), 60.0)
    assert "Presence.Read.All" in keeper.problem
    assert len(sink.outages) == 1
    assert sink.noted == []


def test_a_person_nobody_asked_for_is_not_taken() -> None:
    def answers(_: World, request: httpx.Request) -> httpx.Response:
        del request
        value = [{"id": "somebody-else", "availability": "Busy", "activity": "Busy"}]
        return httpx.Response(200, json={"value": value})

    _, sink, _ = followed(answers, 30.0, PEOPLE[:3])
    assert sink.noted == []


def test_the_budget_of_ten_thousand_people_is_far_below_microsofts_limit() -> None:
    settings = GraphSettings()
    batches_per_30_s = 3 * -(-10_000 // 650)
    assert batches_per_30_s < settings.presence_per_30_s <= 1500
