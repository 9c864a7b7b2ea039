# SPDX-License-Identifier: Apache-2.0
"""What Teams is told of our agents: at once, renewed in time, removed, within the budget."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress

import httpx
import pytest

from centralino.adapters.clock import wait
from centralino.adapters.graph.presence_book import PresenceBook
from centralino.adapters.graph.publish import (
    LONGEST_RENEWAL_S,
    PresencePublisher,
    Showing,
    showing_of,
)
from centralino.adapters.graph.settings import PresenceSettings
from centralino.exchange.microsoft import PersonId
from tests.unit.graph.far_side import DIRECTORY, World, run_in_virtual_time

pytestmark = pytest.mark.unit

ANNA, BEA = PersonId("anna"), PersonId("bea")
APPLICATION = "our-application"
Told = tuple[float, str, str, str]
"""(virtual second, person, action, availability)"""


def told(
    steps: Mapping[float, Mapping[PersonId, Showing]],
    until_s: float,
    answer: Callable[[float], int] = lambda _: 200,
) -> tuple[list[Told], PresenceBook]:
    """Show things at their seconds and return what Teams was told."""
    seen: list[Told] = []
    book = PresenceBook()
    worlds: list[World] = []

    def answers(request: httpx.Request) -> httpx.Response:
        status = answer(worlds[0].seconds)
        _, person, _, action = request.url.path.removeprefix("/v1.0/").split("/")
        body = json.loads(request.content)
        assert body["sessionId"] == APPLICATION
        if status == 200:
            seen.append((worlds[0].seconds, person, action, body.get("availability", "")))
        return httpx.Response(status)

    async def body(world: World) -> None:
        worlds.append(world)
        publisher = PresencePublisher(
            world.client, DIRECTORY, APPLICATION, PresenceSettings(), book, world.clock
        )
        task = asyncio.ensure_future(publisher.run(40.0))
        for at, states in steps.items():
            await wait(at - world.seconds)
            publisher.show(states)
        await wait(until_s - world.seconds)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run_in_virtual_time(answers, body)
    return seen, book


def test_a_change_is_told_at_once_and_only_once() -> None:
    steps = {
        0.0: {ANNA: Showing.AVAILABLE},
        10.0: {ANNA: Showing.AVAILABLE},
        20.0: {ANNA: Showing.IN_A_CALL},
    }
    seen, book = told(steps, 100.0)
    assert [(round(at), availability) for at, _, _, availability in seen] == [
        (0, "Available"),
        (20, "Busy"),
    ]
    assert book.told[ANNA].availability == "Busy"


def test_available_is_renewed_before_it_fades_to_away() -> None:
    seen, _ = told({0.0: {ANNA: Showing.AVAILABLE}}, 3600.0)
    times = [at for at, *_ in seen]
    assert len(times) >= 3600 / LONGEST_RENEWAL_S
    assert max(b - a for a, b in itertools.pairwise(times)) <= LONGEST_RENEWAL_S


def test_who_goes_is_cleared() -> None:
    seen, book = told(
        {0.0: {ANNA: Showing.AVAILABLE, BEA: Showing.AWAY}, 10.0: {BEA: Showing.AWAY}}, 60.0
    )
    assert [(person, action) for _, person, action, _ in seen] == [
        ("anna", "setPresence"),
        ("bea", "setPresence"),
        ("anna", "clearPresence"),
    ]
    assert set(book.told) == {BEA}


def test_a_refusal_is_tried_again_later_and_holds_nobody_else_up() -> None:
    seen, _ = told(
        {0.0: {ANNA: Showing.AWAY}}, 200.0, answer=lambda second: 403 if second < 50 else 200
    )
    assert 50 <= seen[0][0] <= 90


def test_many_agents_stay_within_the_budget() -> None:
    people = {PersonId(f"{n:05d}"): Showing.AVAILABLE for n in range(800)}
    seen, _ = told({0.0: people}, 300.0)
    assert 800 <= len(seen) <= 300 * 40


@pytest.mark.parametrize(
    ("state", "reason", "shows"),
    [
        ("ready", "", Showing.AVAILABLE),
        ("reserved", "", Showing.IN_A_CALL),
        ("connected", "", Showing.IN_A_CALL),
        ("wrap-up", "", Showing.IN_A_CALL),
        ("not-ready", "break", Showing.AWAY),
        ("not-ready", "signed-out", Showing.NOTHING),
    ],
)
def test_each_state_has_something_to_show(state: str, reason: str, shows: Showing) -> None:
    assert showing_of(state, reason) is shows
