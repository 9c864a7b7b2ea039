# SPDX-License-Identifier: Apache-2.0
"""Our side of Graph against the simulated tenant, over sockets: presence, subscriptions, people."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.notification import parse_delivery
from centralino.adapters.graph.people import GraphDirectory
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.adapters.graph.presence_book import PresenceBook
from centralino.adapters.graph.publish import PresencePublisher, Showing
from centralino.adapters.graph.settings import GraphSettings, PresenceSettings
from centralino.adapters.graph.subscription import PresenceSubscriber
from centralino.adapters.intake.log import IntakeLog
from centralino.api.server import listen, serve
from centralino.api.settings import ApiSettings
from centralino.api.webhooks import deal_with
from centralino.bootstrap.cloud import CHANNELS, callbacks_of, webhooks_of
from centralino.core.kernel.errors import NotFound, RemoteRejected
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import AccessToken, DirectoryId, PersonId
from centralino.exchange.presence import PresenceSource
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import graph_tenant as kit
from tests.kit.graph_stage import IssuedTokens

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.exchange.intake import Delivered
    from centralino.exchange.presence import PresenceReading

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

DIRECTORY = DirectoryId(kit.TENANT)
ANNA, BRUNO, CARLA = PersonId(kit.ANNA), PersonId(kit.BRUNO), PersonId(kit.CARLA)
ALL = ("Presence.ReadWrite.All", "User.Read.All", "GroupMember.Read.All", "Calendars.Read")
ACCOUNT = kit.CARLA


@dataclass
class Tokens:
    """Tokens with these permissions."""

    issued: IssuedTokens
    roles: tuple[str, ...]

    async def fetch(self, directory: DirectoryId, *, account: str = "") -> AccessToken:
        assert directory == DIRECTORY
        if account:
            return AccessToken(self.issued.user(account, "Presence.Read.All"), 0)
        return AccessToken(self.issued.app(*self.roles), 0)

    def forget(self, directory: DirectoryId, *, account: str = "") -> None:
        del directory, account


@dataclass
class Heard:
    """A sink that can be waited for."""

    noted: list[PresenceReading] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def note(self, readings: Any) -> None:  # noqa: ANN401 - as the port says
        self.noted += readings
        self._news.set()

    async def note_outage(self, since: int | None) -> None:
        del since

    async def until(self, wanted: Callable[[PresenceReading], bool]) -> PresenceReading:
        """Return the first reading like that, however long it takes."""
        while True:
            for reading in self.noted:
                if wanted(reading):
                    return reading
            self._news.clear()
            async with asyncio.timeout(20):
                await self._news.wait()


@dataclass
class Stage:
    graph: GraphSimulator
    client: GraphClient
    settings: GraphSettings
    sink: Heard
    keeper: PresenceKeeper
    clock: SystemClock

    def shows(self, person: str, client: Any) -> None:  # noqa: ANN401 - a word of the model
        """Let somebody's Teams say something else."""
        board = self.graph.world.tenants[kit.TENANT].board
        board.sources(person).client = client
        board.changed(person, self.graph.application.now())
        self.graph.world.changed()


@asynccontextmanager
async def stage(
    roles: tuple[str, ...] = ALL, presence: PresenceSettings | None = None
) -> AsyncIterator[Stage]:
    issued = IssuedTokens()
    graph = GraphSimulator(
        kit.scenario(port=0),
        checker=issued,
        clock=LoopClock(lambda: SystemClock().utc() / SECOND),
        validation_token=lambda app, tenant: f"token of {app} in {tenant}",
    )
    async with graph:
        settings = GraphSettings(
            base_url=graph.url, presence=presence or PresenceSettings(poll_every_s=2)
        )
        clock, sink = SystemClock(), Heard()
        client = GraphClient(settings, Tokens(issued, roles), clock)
        keeper = PresenceKeeper(client, DIRECTORY, settings.presence, sink, clock)
        try:
            yield Stage(graph, client, settings, sink, keeper, clock)
        finally:
            await client.close()


@asynccontextmanager
async def running(*work: Any) -> AsyncIterator[None]:  # noqa: ANN401 - coroutines
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def test_presence_is_polled_and_a_change_is_noted() -> None:
    async def scene() -> None:
        async with stage() as on:
            on.keeper.follow([ANNA, BRUNO, CARLA])
            async with running(on.keeper.run()):
                first = await on.sink.until(lambda one: one.person == ANNA)
                assert (first.availability, first.source) == ("Available", PresenceSource.POLL)
                on.shows(kit.ANNA, "away")
                second = await on.sink.until(lambda one: one.availability == "Away")
                assert second.person == ANNA
            assert len(on.keeper.book) == 3

    asyncio.run(scene())


def test_without_the_permission_its_name_is_said() -> None:
    async def scene() -> None:
        async with stage(roles=("User.Read.All",)) as on:
            on.keeper.follow([ANNA])
            with pytest.raises(RemoteRejected, match=r"Presence\.Read\.All"):
                await on.keeper.poll_all()

    asyncio.run(scene())


def test_a_subscription_tells_changes_through_our_own_webhook(tmp_path: Path) -> None:
    async def scene() -> None:
        presence = PresenceSettings(account=ACCOUNT, poll_every_subscribed_s=3600)
        async with stage(presence=presence) as on:
            listener = listen("127.0.0.1", 0)
            secret = secrets.token_urlsafe(16)
            callbacks = callbacks_of(f"http://127.0.0.1:{listener.getsockname()[1]}", secret)
            assert callbacks is not None
            intake = IntakeLog(tmp_path)
            subscriber = PresenceSubscriber(
                on.client, on.keeper, presence, callbacks, on.clock, secrets.token_urlsafe
            )

            async def hear(delivered: Delivered) -> None:
                await subscriber.hear(parse_delivery(delivered.body).value)

            ready = asyncio.Event()
            hooks: Any = webhooks_of(intake, on.clock, secret)
            async with running(
                serve(hooks, ApiSettings(), listener, ready.set),
                deal_with(intake, dict.fromkeys(CHANNELS, hear)),
                on.keeper.run(),
            ):
                await ready.wait()
                subscriber.follow([ANNA, BRUNO])
                await subscriber.look()
                assert subscriber.active is not None
                await on.sink.until(lambda one: one.person == BRUNO)
                on.shows(kit.ANNA, "away")
                told = await on.sink.until(lambda one: one.availability == "Away")
                assert (told.person, told.source) == (ANNA, PresenceSource.NOTIFICATION)
                former = subscriber.active
                subscriber.follow([ANNA])
                await subscriber.look()
                assert subscriber.active is not former
                await subscriber.close()
            intake.close()

    asyncio.run(scene())


def test_what_we_tell_shows_in_teams_and_goes_away() -> None:
    async def scene() -> None:
        async with stage() as on:
            book = PresenceBook()
            publisher = PresencePublisher(
                on.client, DIRECTORY, kit.APP, on.settings.presence, book, on.clock
            )
            on.keeper.follow([CARLA])
            async with running(publisher.run(40.0), on.keeper.run()):
                await on.sink.until(lambda one: one.availability == "Offline")
                publisher.show({CARLA: Showing.IN_A_CALL})
                busy = await on.sink.until(lambda one: one.activity == "InACall")
                assert busy.availability == "Busy"
                on.sink.noted.clear()
                publisher.show({})
                await on.sink.until(lambda one: one.availability == "Offline")

    asyncio.run(scene())


def test_people_are_found_with_their_presence() -> None:
    async def scene() -> None:
        async with stage() as on:
            people = GraphDirectory(on.client, DIRECTORY, on.keeper.book, on.clock)
            [found] = await people.search("ann")
            assert (found.person.name, found.person.user) == ("Anna Riva", "anna@north.example")
            assert found.presence is not None
            assert found.presence.availability == "Available"
            assert [one.person.id for one in await people.search("Sales")] == [ANNA, BRUNO]
            assert await people.search("O'Nobody") == []

    asyncio.run(scene())


def test_groups_are_read_with_the_groups_inside_them() -> None:
    async def scene() -> None:
        async with stage() as on:
            people = GraphDirectory(on.client, DIRECTORY, on.keeper.book, on.clock)
            assert {one.id for one in await people.members(kit.TEAM)} == {ANNA, BRUNO, CARLA}
            with pytest.raises(NotFound):
                await people.members("99999999-0000-4000-8000-000000000001")

    asyncio.run(scene())


def test_users_are_named_by_their_address() -> None:
    async def scene() -> None:
        async with stage() as on:
            people = GraphDirectory(on.client, DIRECTORY, on.keeper.book, on.clock)
            names = ["Anna@north.example", "nobody@north.example", "carla@north.example"]
            assert await people.ids_of(names) == {
                "anna@north.example": ANNA,
                "carla@north.example": CARLA,
            }

    asyncio.run(scene())


def test_calendars_say_when_somebody_is_free() -> None:
    async def scene() -> None:
        async with stage() as on:
            people = GraphDirectory(on.client, DIRECTORY, on.keeper.book, on.clock)
            now = on.clock.utc() // (60 * SECOND) * 60 * SECOND
            [free, unknown] = await people.availability(
                ["anna@north.example", "nobody@north.example"], now, 120
            )
            assert free.is_free_at(0) is True
            assert unknown.is_free_at(0) is None

    asyncio.run(scene())
