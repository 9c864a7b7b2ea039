# SPDX-License-Identifier: Apache-2.0
"""Microsoft's cloud as the edge follows it: presence in, presence out, webhooks dealt with.

One follower per organisation that has signed up. It reads whom to follow from the live state
(people appear and go with each configuration), and has the exchange note what it learns; while
the exchange is away the readings stay here and are told when it is back. Nothing that Microsoft
does or fails to do stops the edge.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.clock import wait
from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.notification import parse_delivery
from centralino.adapters.graph.people import GraphDirectory
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.adapters.graph.publish import PresencePublisher, Showing, showing_of
from centralino.adapters.graph.subscription import Callbacks, PresenceSubscriber
from centralino.api.webhooks import PREFIX, Look, Webhooks, deal_with
from centralino.core.agents.commands import NotePresence
from centralino.core.agents.presence import Availability
from centralino.core.kernel.errors import AppError, NotFound, RemoteError, StorageError
from centralino.core.kernel.instant import Instant
from centralino.exchange.control import ControlRequest
from centralino.exchange.microsoft import DirectoryId, PersonId

if TYPE_CHECKING:
    from centralino.adapters.graph.settings import GraphSettings
    from centralino.adapters.intake.log import IntakeLog
    from centralino.core.kernel.ids import AgentId, TenantId
    from centralino.exchange.control import ControlPort
    from centralino.exchange.directory import DirectoryPort
    from centralino.exchange.intake import Delivered
    from centralino.exchange.microsoft import AccessTokenPort, NotificationProofPort
    from centralino.exchange.ports import ClockPort
    from centralino.exchange.presence import PresenceReading

log = structlog.get_logger(__name__)

NOTIFICATIONS, LIFECYCLE = "graph-notifications", "graph-lifecycle"
CHANNELS: Mapping[str, Look] = {NOTIFICATIONS: parse_delivery, LIFECYCLE: parse_delivery}
"""The webhooks, and what looks at their bodies."""
LOOK_EVERY_S = 5.0
"""How often the live state is looked at for people who came or went."""
TELL_AGAIN_AFTER_S = 2.0
MOST_AT_ONCE = 50
SUBJECT = "microsoft-graph"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD = re.compile(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")


def in_kebab(word: str) -> str:
    """Return one of Microsoft's words as the core writes it.

    >>> in_kebab("BeRightBack"), in_kebab("InACall"), in_kebab("DoNotDisturb")
    ('be-right-back', 'in-a-call', 'do-not-disturb')
    """
    return _WORD.sub("-", word).lower()


def availability_of(word: str) -> Availability:
    """Return the availability of one of Microsoft's words; new words are unknown.

    >>> availability_of("Busy"), availability_of("PresenceUnknown")
    (<Availability.BUSY: 'busy'>, <Availability.UNKNOWN: 'unknown'>)
    """
    try:
        return Availability(in_kebab(word))
    except ValueError:
        return Availability.UNKNOWN


class ExchangePresence:
    """Implements ``PresenceSinkPort``: has the exchange note what agents' presence is."""

    def __init__(self, control: ControlPort, tenant: TenantId) -> None:
        self.agents: dict[PersonId, AgentId] = {}
        """Who of those that are followed is an agent."""
        self._control = control
        self._tenant = tenant
        self._untold: dict[PersonId, PresenceReading] = {}
        self._news = asyncio.Event()

    async def note(self, readings: Sequence[PresenceReading]) -> None:
        """Keep readings until they are told; a newer one of somebody takes the place."""
        self._untold.update((one.person, one) for one in readings)
        self._news.set()

    async def note_outage(self, since: int | None) -> None:
        """Presence ages by itself: the exchange judges it by its age, and needs no word."""

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            waiting = list(self._untold.values())
            for start in range(0, len(waiting), MOST_AT_ONCE):
                some = waiting[start : start + MOST_AT_ONCE]
                done = await asyncio.gather(*(self._tell(one) for one in some))
                if not all(done):
                    await wait(TELL_AGAIN_AFTER_S)
                    self._news.set()
                    break

    async def _tell(self, reading: PresenceReading) -> bool:
        """Tell one reading; False: not now."""
        agent = self.agents.get(reading.person)
        if agent is not None:
            try:
                await self._control.submit(self._request(agent, reading))
            except (RemoteError, StorageError):
                return False
            except NotFound:
                log.info("presence.agent_gone", agent=agent)
        if self._untold.get(reading.person) is reading:
            del self._untold[reading.person]
        return True

    def _request(self, agent: AgentId, reading: PresenceReading) -> ControlRequest:
        command = NotePresence(
            agent=agent,
            availability=availability_of(reading.availability),
            activity=in_kebab(reading.activity),
            is_out_of_office=reading.is_out_of_office,
            source=f"graph-{reading.source}",
            at=Instant(reading.read_at),
            sequence=reading.sequence,
        )
        key = f"presence-{reading.person}-{reading.read_at}-{reading.source}"
        return ControlRequest(tenant=self._tenant, key=key, subject=SUBJECT, command=command)


class DirectoryFollower:
    """Follows one organisation's people; :meth:`run` until cancelled."""

    def __init__(
        self,
        client: GraphClient,
        tenant: TenantId,
        directory: DirectoryId,
        shell: CloudShell,
    ) -> None:
        settings = shell.settings
        self._tenant = tenant
        self._shell = shell
        self.sink = ExchangePresence(shell.control, tenant)
        presence = settings.presence
        self.keeper = PresenceKeeper(client, directory, presence, self.sink, shell.clock)
        self.people = GraphDirectory(client, directory, self.keeper.book, shell.clock)
        self.publisher = PresencePublisher(
            client, directory, shell.application, presence, self.keeper.book, shell.clock
        )
        self.subscriber: PresenceSubscriber | None = None
        if presence.account and shell.callbacks is not None:
            self.subscriber = PresenceSubscriber(
                client, self.keeper, presence, shell.callbacks, shell.clock, secrets.token_urlsafe
            )
        self._ids: dict[str, PersonId] = {}
        self._users: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Follow until cancelled."""
        presence = self._shell.settings.presence
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_after_people())
            if presence.is_followed:
                group.create_task(self.sink.run())
                group.create_task(self.keeper.run())
                if self.subscriber is not None:
                    group.create_task(self.subscriber.run())
            if presence.is_published:
                per_s = self._shell.settings.presence_per_30_s / 30
                group.create_task(self.publisher.run(per_s))

    async def hear(self, delivered: Delivered) -> None:
        """Take a delivery; items of other organisations, and unproven ones, count for nothing.

        What comes with data must be proven by Microsoft's token, beside our own secret.
        """
        if self.subscriber is None:
            return
        delivery = parse_delivery(delivered.body)
        ours = [one for one in delivery.value if self.subscriber.is_for(one)]
        if any(one.encrypted_content is not None for one in ours):
            proof, directory = self._shell.proof, self.keeper.directory
            if not await proof.is_genuine(delivery.validation_tokens, directory):
                return
        await self.subscriber.hear(ours)

    async def _look_after_people(self) -> None:
        while True:
            try:
                await self._look()
            except AppError as error:
                log.warning("presence.people_unknown", tenant=self._tenant, code=error.code)
            await wait(LOOK_EVERY_S)

    async def _look(self) -> None:
        replica = self._shell.control.replicas.get(self._tenant)
        if replica is None:
            return
        agents = {agent.user.lower(): agent for agent in replica.agents if agent.user}
        missing = [user for user in agents if user not in self._ids]
        if missing and self._users != frozenset(agents):
            self._ids |= {user: PersonId(user) for user in missing if _GUID.fullmatch(user)}
            names = [user for user in missing if user not in self._ids]
            self._ids |= await self.people.ids_of(names)
            self._users = frozenset(agents)
        known = {self._ids[user]: agent for user, agent in agents.items() if user in self._ids}
        self.sink.agents = {person: agent.id for person, agent in known.items()}
        if self.subscriber is not None:
            self.subscriber.follow(sorted(known))
        else:
            self.keeper.follow(known)
        if self._shell.settings.presence.is_published:
            self.publisher.show(
                {
                    person: shows
                    for person, agent in known.items()
                    if (shows := showing_of(agent.state, agent.reason)) is not Showing.NOTHING
                }
            )


class CloudShell:
    """What all followers share."""

    def __init__(
        self,
        settings: GraphSettings,
        control: ControlPort,
        clock: ClockPort,
        *,
        application: str,
        callbacks: Callbacks | None,
        proof: NotificationProofPort,
    ) -> None:
        self.proof = proof
        self.settings = settings
        self.control = control
        self.clock = clock
        self.application = application
        """Our client id, which names our presence sessions."""
        self.callbacks = callbacks


class Cloud:
    """All followers, and the webhooks that feed them."""

    def __init__(
        self,
        shell: CloudShell,
        tokens: AccessTokenPort,
        directories: Callable[[], Mapping[TenantId, DirectoryId]],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            shell: what all followers share.
            tokens: access tokens for Graph.
            directories: the organisations that have signed up; asked now and then, because
                more of them may come.
        """
        self._shell = shell
        self._directories = directories
        self.client = GraphClient(shell.settings, tokens, shell.clock)
        self.followers: dict[TenantId, DirectoryFollower] = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    for tenant, directory in self._directories().items():
                        if tenant not in self.followers:
                            follower = DirectoryFollower(
                                self.client, tenant, directory, self._shell
                            )
                            self.followers[tenant] = follower
                            group.create_task(follower.run())
                    await wait(LOOK_EVERY_S)
        finally:
            await self.client.close()

    def directory_of(self, tenant: TenantId) -> DirectoryPort | None:
        """Return an organisation's directory; see ``DirectoriesPort``."""
        follower = self.followers.get(tenant)
        return None if follower is None else follower.people

    async def hear(self, delivered: Delivered) -> None:
        """Deal with one delivery."""
        for follower in self.followers.values():
            await follower.hear(delivered)

    async def deal_with(self, intake: IntakeLog) -> None:
        """Deal with deliveries until cancelled."""
        await deal_with(intake, dict.fromkeys(CHANNELS, self.hear))


def webhooks_of(intake: IntakeLog, clock: ClockPort, secret: str) -> Webhooks:
    """Return the webhooks that Microsoft is given."""
    return Webhooks(intake, clock, secret, CHANNELS)


def callbacks_of(base: str, secret: str) -> Callbacks | None:
    """Return the addresses that Microsoft is given; ``None`` without a public address."""
    if not base:
        return None
    start = f"{base.rstrip('/')}{PREFIX}{secret}/"
    return Callbacks(start + NOTIFICATIONS, start + LIFECYCLE)


def webhook_secret(path: Path) -> str:
    """Return the part of our webhooks' addresses that nobody can guess; made once.

    Raises:
        StorageError: it can neither be read nor written.
    """
    try:
        if path.is_file():
            return path.read_text(encoding="ascii").strip()
        path.parent.mkdir(parents=True, exist_ok=True)
        secret = secrets.token_urlsafe(24)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(secret, encoding="ascii")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return secret
