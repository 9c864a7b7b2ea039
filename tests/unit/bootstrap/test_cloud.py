# SPDX-License-Identifier: Apache-2.0
"""What the edge learns of presence reaches the exchange, in its words, however often it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from centralino.adapters.clock import wait
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.bootstrap.cloud import (
    CHANNELS,
    Cloud,
    CloudShell,
    DirectoryFollower,
    availability_of,
    callbacks_of,
    in_kebab,
    webhook_secret,
)
from centralino.core.agents.commands import NotePresence
from centralino.core.agents.presence import Availability
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import AgentId, TenantId
from centralino.exchange.control import AgentView, Changes, ControlRequest, Figures, Health
from centralino.exchange.microsoft import DirectoryId
from centralino.exchange.replica import TenantReplica
from tests.unit.graph.far_side import World, run_in_virtual_time

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.adapters.graph.settings import GraphSettings

pytestmark = pytest.mark.unit

TENANT = TenantId("aurora")
DIRECTORY = DirectoryId("11111111-1111-1111-1111-111111111111")
ID = "{:08d}-0000-0000-0000-000000000000"
WORDS = [
    ("BeRightBack", "be-right-back"),
    ("InAConferenceCall", "in-a-conference-call"),
    ("DoNotDisturb", "do-not-disturb"),
    ("OffWork", "off-work"),
    ("UrgentInterruptionsOnly", "urgent-interruptions-only"),
]


class Trusting:
    """Believes every delivery."""

    async def is_genuine(self, tokens: Sequence[str], directory: DirectoryId) -> bool:
        del tokens, directory
        return True


@dataclass
class InMemoryControl:
    """An exchange that may be away."""

    is_away: bool = False
    done: list[ControlRequest] = field(default_factory=list)
    replicas: dict[TenantId, TenantReplica] = field(default_factory=dict)

    @property
    def health(self) -> Health | None:
        return None if self.is_away else Health(is_journal_writable=True, is_driver_attached=True)

    async def submit(self, request: ControlRequest) -> None:
        if self.is_away:
            raise RemoteUnavailable("exchange", "command", "away")
        self.done.append(request)

    async def read_figures(self, tenant: TenantId) -> Figures:
        raise RemoteUnavailable("exchange", "read", tenant)

    def people(self, users: Mapping[str, str], sequence: int = 0) -> None:
        """Show these agents, by id to Teams user."""
        replica = self.replicas.setdefault(TENANT, TenantReplica(TENANT))
        agents = tuple(
            AgentView(id=AgentId(name), name=name, state="ready", user=user)
            for name, user in users.items()
        )
        replica.take(Changes(tenant=TENANT, sequence=sequence, agents=agents))

    @property
    def told(self) -> list[tuple[str, Availability]]:
        """Who was noted as what."""
        commands = [one.command for one in self.done]
        return [(c.agent, c.availability) for c in commands if isinstance(c, NotePresence)]


@dataclass
class Directory:
    """A Graph with users and their presence."""

    users: dict[str, str]
    availability: str = "Available"
    asked: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if request.url.path.endswith("/users"):
            value: list[dict[str, str]] = [
                {"id": one, "userPrincipalName": user}
                for user, one in self.users.items()
                if f"'{user}'" in request.url.params["$filter"]
            ]
        else:
            value = [
                {"id": one, "availability": self.availability, "activity": self.availability}
                for one in json.loads(request.content)["ids"]
            ]
        return httpx.Response(200, json={"value": value})


def followed(
    control: InMemoryControl,
    directory: Directory,
    script: Coroutine[Any, Any, None],
    settings: GraphSettings | None = None,
) -> None:
    async def body(world: World) -> None:
        shell = CloudShell(
            settings or world.settings,
            control,
            world.clock,
            application="our-application",
            callbacks=None,
            proof=Trusting(),
        )
        follower = DirectoryFollower(world.client, TENANT, DIRECTORY, shell)
        task = asyncio.ensure_future(follower.run())
        await script
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run_in_virtual_time(directory.answer, body, settings)


def test_agents_are_found_by_their_teams_user_and_their_presence_is_noted() -> None:
    control = InMemoryControl()
    directory = Directory({"anna@aurora.example": ID.format(1)})
    control.people({"anna": "Anna@aurora.example", "bea": ID.format(2), "softphone": ""})

    async def script() -> None:
        await wait(8)
        assert sorted(control.told) == [
            ("anna", Availability.AVAILABLE),
            ("bea", Availability.AVAILABLE),
        ]
        directory.availability = "DoNotDisturb"
        await wait(12)
        assert control.told[-1][1] is Availability.DO_NOT_DISTURB
        assert len(control.told) == 4

    followed(control, directory, script())
    keys = [one.key for one in control.done]
    assert len(set(keys)) == len(keys)
    assert directory.asked.count("/v1.0/users") == 1


def test_while_the_exchange_is_away_only_the_newest_is_kept_and_told_later() -> None:
    control = InMemoryControl(is_away=True)
    directory = Directory({})
    control.people({"bea": ID.format(2)})

    async def script() -> None:
        await wait(15)
        directory.availability = "Busy"
        await wait(15)
        assert control.done == []
        control.is_away = False
        await wait(5)
        assert control.told == [("bea", Availability.BUSY)]

    followed(control, directory, script())


def test_people_come_and_go_with_the_configuration() -> None:
    control = InMemoryControl()
    directory = Directory({})
    control.people({"bea": ID.format(2)})

    async def script() -> None:
        await wait(8)
        control.people({"carla": ID.format(3)}, 1)
        await wait(8)
        assert {name for name, _ in control.told} == {"bea", "carla"}

    followed(control, directory, script())


@pytest.mark.parametrize(("theirs", "ours"), WORDS)
def test_words_are_written_as_the_core_does(theirs: str, ours: str) -> None:
    assert in_kebab(theirs) == ours


def test_a_new_word_is_unknown() -> None:
    assert availability_of("Levitating") is Availability.UNKNOWN


def test_the_addresses_have_a_secret_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "state" / "webhook.secret"
    secret = webhook_secret(path)
    assert webhook_secret(path) == secret
    assert len(secret) >= 32
    assert path.stat().st_mode & 0o077 == 0
    callbacks = callbacks_of("https://contact.example/", secret)
    assert callbacks is not None
    assert callbacks.notifications.startswith("https://contact.example/v1/webhooks/")
    assert {callbacks.notifications.rpartition("/")[2], callbacks.lifecycle.rpartition("/")[2]} == (
        set(CHANNELS)
    )
    assert callbacks_of("", secret) is None


def test_an_organisation_that_signs_up_is_followed_from_then_on() -> None:
    control = InMemoryControl()
    control.people({"bea": ID.format(2)})
    directory = Directory({})
    signed_up: dict[TenantId, DirectoryId] = {}

    async def body(world: World) -> None:
        shell = CloudShell(
            world.settings,
            control,
            world.clock,
            application="app",
            callbacks=None,
            proof=Trusting(),
        )
        cloud = Cloud(shell, world.tokens, lambda: signed_up)
        await cloud.client.close()
        cloud.client = world.client
        task = asyncio.ensure_future(cloud.run())
        await wait(10)
        assert cloud.followers == {}
        signed_up[TENANT] = DIRECTORY
        await wait(15)
        assert isinstance(cloud.followers[TENANT].keeper, PresenceKeeper)
        assert control.told == [("bea", Availability.AVAILABLE)]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run_in_virtual_time(directory.answer, body)
