# SPDX-License-Identifier: Apache-2.0
"""The live stream in virtual time: snapshot, deltas, resume, and who is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from centralino.api.cookies import SESSION
from centralino.api.settings import ApiSettings
from centralino.core.kernel.ids import AgentId, InteractionId
from centralino.exchange.control import AgentView, AlarmView, Changes, EventView
from centralino.exchange.link.stream import pause
from tests.kit.virtual_time import run_virtual, running_clock
from tests.unit.api.lobby import SEALED, Lobby
from tests.unit.api.reception import (
    ACME,
    GENERATION,
    LOST,
    NOW,
    STRANGER,
    Reception,
    StreamVisitor,
    acme_reset,
    replica_of,
)

pytestmark = pytest.mark.unit

Scene = Callable[[Reception, StreamVisitor], Awaitable[None]]


def play(scene: Scene, settings: ApiSettings | None = None, host: bytes = b"localhost") -> None:
    """Let one visitor meet the stream."""

    async def main() -> None:
        reception = Reception(settings=settings or ApiSettings(), clock=running_clock())
        visitor = StreamVisitor(reception.application, host)
        async with asyncio.TaskGroup() as group:
            served = group.create_task(visitor.run())
            await scene(reception, visitor)
            visitor.leave()
            async with asyncio.timeout(60):
                await served

    run_virtual(main())


def ready_agent(name: str, since: int = NOW) -> AgentView:
    return AgentView(id=AgentId(name), name=name.title(), state="ready", since=since)


def change(sequence: int, name: str = "anna") -> Changes:
    event = EventView(sequence=sequence, at=NOW, type="agent.readied", agent=AgentId(name))
    return Changes(
        tenant=ACME, sequence=sequence, agents=(ready_agent(name, NOW + sequence),), events=(event,)
    )


def test_a_snapshot_comes_first_then_what_changed() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        first = await visitor.hear()
        assert first["type"] == "snapshot"
        assert (first["state"]["generation"], first["state"]["sequence"]) == (GENERATION, 5)
        reception.acme.take(change(6))
        delta = await visitor.hear()
        assert (delta["type"], delta["sequence"]) == ("delta", 6)
        assert [agent["id"] for agent in delta["agents"]] == ["anna"]
        assert [event["type"] for event in delta["events"]] == ["agent.readied"]
        assert (delta["interactions"], delta["trunks"], delta["alarms"]) == ([], [], None)

    play(scene)


def test_changes_come_together_not_one_by_one() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        await pause(1)
        reception.acme.take(change(6))
        began = asyncio.get_running_loop().time()
        for sequence in range(7, 107):
            reception.acme.take(change(sequence, f"agent-{sequence}"))
        delta = await visitor.hear()
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.25)
        assert delta["sequence"] == 106
        assert len(delta["agents"]) == 101
        await pause(2)
        assert visitor.heard_nothing()

    play(scene)


def test_what_is_gone_is_told() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        gone = Changes(
            tenant=ACME,
            sequence=6,
            gone_interactions=(InteractionId("i-1"),),
            gone_agents=(AgentId("bruno"),),
            alarms=(),
        )
        reception.acme.take(gone)
        delta = await visitor.hear()
        assert (delta["gone_interactions"], delta["gone_agents"]) == (["i-1"], ["bruno"])
        assert delta["alarms"] == []

    play(scene)


def test_a_client_that_comes_back_gets_what_it_missed() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        for sequence in (6, 7, 8):
            reception.acme.take(change(sequence, f"agent-{sequence}"))
        visitor.start(generation=GENERATION, sequence=6)
        delta = await visitor.hear()
        assert (delta["type"], delta["sequence"]) == ("delta", 8)
        assert [agent["id"] for agent in delta["agents"]] == ["agent-7", "agent-8"]
        assert [event["sequence"] for event in delta["events"]] == [7, 8]

    play(scene)


@pytest.mark.parametrize(
    ("generation", "sequence"), [(GENERATION, 4), (GENERATION, 99), (GENERATION - 1, 5), (0, 0)]
)
def test_a_client_whose_past_is_not_known_gets_everything(generation: int, sequence: int) -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start(generation=generation, sequence=sequence)
        assert (await visitor.hear())["type"] == "snapshot"

    play(scene)


def test_a_new_exchange_means_a_new_snapshot() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        old = reception.acme
        reception.control.replicas = {ACME: replica_of(acme_reset(1), GENERATION + 1)}
        old.supersede()
        message = await visitor.hear()
        assert message["type"] == "snapshot"
        assert message["state"]["generation"] == GENERATION + 1

    play(scene)


def test_an_exchange_that_goes_away_is_told_and_the_stream_stays() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        health, reception.control.health = reception.control.health, None
        reception.acme.wake()
        message = await visitor.hear()
        assert message["type"] == "health"
        assert message["health"]["is_exchange_linked"] is False
        reception.control.health = health
        reception.acme.wake()
        assert (await visitor.hear())["health"]["is_exchange_linked"] is True

    play(scene)


def test_a_client_may_wait_for_an_exchange_that_was_never_there() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        health, reception.control.health = reception.control.health, None
        visitor.start()
        assert (await visitor.hear())["type"] == "health"
        reception.control.health = health
        assert (await visitor.hear())["type"] == "snapshot"

    play(scene)


def test_an_alarm_comes_with_all_that_are_in_force() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        alarms = tuple(
            AlarmView(code=code, about="", text=code, since=NOW) for code in ("late", "full")
        )
        reception.acme.take(Changes(tenant=ACME, sequence=6, alarms=alarms))
        assert [alarm["code"] for alarm in (await visitor.hear())["alarms"]] == ["late", "full"]

    play(scene)


def test_another_organisation_hears_nothing_of_ours() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start(STRANGER)
        message = await visitor.hear()
        assert (message["state"]["tenant"], message["state"]["agents"]) == ("other", [])
        reception.acme.take(change(6))
        await pause(3)
        assert visitor.heard_nothing()

    play(scene)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('{"type": "start", "token": "wrong"}', 4401),
        ('{"type": "start", "token": ""}', 4401),
        ('{"type": "start"}', 4401),
        ('{"type": "start", "token": "boss-token", "extra": 1}', 4400),
        ("hello", 4400),
        (f'{{"type": "start", "token": "{LOST}"}}', 4403),
    ],
)
def test_a_wrong_start_is_refused(words: str, code: int) -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.say(words)
        assert await visitor.closed == code
        assert visitor.heard_nothing()

    play(scene)


def test_who_says_nothing_is_dropped() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        assert await visitor.closed == 4408
        assert asyncio.get_running_loop().time() == pytest.approx(5)

    play(scene)


def test_who_speaks_twice_is_dropped() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        visitor.say("and another thing")
        assert await visitor.closed == 4400

    play(scene)


def test_who_does_not_read_is_dropped_and_the_others_go_on() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        slow = StreamVisitor(reception.application)
        async with asyncio.TaskGroup() as group:
            served = group.create_task(slow.run())
            slow.start()
            visitor.start()
            await slow.hear()
            await visitor.hear()
            slow.is_reading.clear()
            for sequence in range(6, 30):
                reception.acme.take(change(sequence))
                assert (await visitor.hear())["sequence"] == sequence
            assert await slow.closed == 4409
            await served

    play(scene, ApiSettings(stream_send_timeout_s=2))


def test_a_stream_too_many_is_refused_and_a_freed_place_is_given_again() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        visitor.start()
        await visitor.hear()
        async with asyncio.TaskGroup() as group:
            second = StreamVisitor(reception.application)
            group.create_task(second.run())
            assert await second.closed == 4429
            visitor.leave()
            await visitor.closed
            third = StreamVisitor(reception.application)
            group.create_task(third.run())
            third.start()
            assert (await third.hear())["type"] == "snapshot"
            third.leave()

    play(scene, ApiSettings(most_streams=1))


def test_a_stream_under_a_strange_name_is_refused() -> None:
    async def scene(reception: Reception, visitor: StreamVisitor) -> None:
        assert await visitor.closed == 1008

    play(scene, host=b"evil.example")


@pytest.mark.parametrize(
    ("origin", "cookie", "code"),
    [
        ("http://localhost:8080", SEALED, None),
        ("http://localhost:8081", SEALED, 4403),
        ("https://attacker.example", SEALED, 4403),
        ("null", SEALED, 4403),
        ("", SEALED, 4403),
        ("http://localhost:8080", "forged", 4401),
        ("http://localhost:8080", "", 4401),
    ],
)
def test_a_page_of_another_site_cannot_follow_with_a_session(
    origin: str, cookie: str, code: int | None
) -> None:
    async def main() -> None:
        lobby = Lobby(clock=running_clock())
        visitor = StreamVisitor(
            lobby.application,
            b"localhost:8080",
            origin=origin,
            cookie=f"{SESSION}={cookie}",
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(visitor.run())
            visitor.say('{"type": "start"}')
            if code is None:
                assert (await visitor.hear())["type"] == "snapshot"
                visitor.leave()
            else:
                assert await visitor.closed == code
                assert visitor.heard_nothing()

    run_virtual(main())
