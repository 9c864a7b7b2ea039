# SPDX-License-Identifier: Apache-2.0
"""The API without sockets: an exchange in memory, tokens in memory, and visitors.

``Reception`` is the application as it is served, with two organisations; requests go
through httpx straight into it, streams through :class:`StreamVisitor`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx

from centralino.api.application import create_server_application
from centralino.api.door import Doorkeeper
from centralino.api.settings import ApiSettings
from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.kernel.errors import AppError, NotFound, RemoteUnavailable
from centralino.core.kernel.ids import AgentId, InteractionId, QueueId, TenantId, TrunkId
from centralino.core.routing.explain import Explanation, explain
from centralino.exchange.control import (
    AgentView,
    AlarmView,
    Changes,
    ControlRequest,
    EventView,
    Figures,
    Health,
    Histogram,
    InteractionView,
    QueueView,
    TrunkView,
)
from centralino.exchange.control_answers import AnswerBook
from centralino.exchange.replica import TenantReplica
from centralino.exchange.tokens import Principal, Role, TokenRefused
from tests.unit.core.company import ANNA, Desk

if TYPE_CHECKING:
    from centralino.api.boundary import Boundary
    from centralino.core.kernel.instant import Instant
    from centralino.exchange.directory import DirectoriesPort
    from centralino.exchange.ports import ClockPort

ACME, OTHER = TenantId("acme"), TenantId("other")
NOW = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""
SECOND = 1_000_000_000
BOSS, LOOKER, STRANGER, LOST = "boss-token", "looker-token", "stranger-token", "lost-token"
GENERATION = 7
LENGTHS = Histogram(bounds_s=(0.001, 0.01), counts=(3, 2, 1), sum_s=0.05)


class FrozenClock:
    """Implements ``ClockPort``; time stands still until it is set."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> int:
        """Return the instant."""
        return self.instant

    def utc(self) -> int:
        """Return the instant."""
        return self.instant


class InMemoryTokens:
    """Implements ``TokenPort`` with a table."""

    def __init__(self) -> None:
        boss = frozenset({Role.SUPERVISOR})
        self._table = {
            BOSS: Principal("boss", ACME, boss),
            LOOKER: Principal("looker", ACME, frozenset({Role.AUDITOR})),
            STRANGER: Principal("stranger", OTHER, boss),
            LOST: Principal("lost", TenantId("nowhere"), boss),
        }

    async def verify(self, token: str) -> Principal:
        """Return who is behind a token."""
        if token not in self._table:
            raise TokenRefused("nobody has this token")
        return self._table[token]


class InMemoryControl:
    """Implements ``ControlPort``: replicas that a test changes, commands that it sees."""

    def __init__(self) -> None:
        self.health: Health | None = Health(is_journal_writable=True, is_driver_attached=True)
        self.replicas: Mapping[TenantId, TenantReplica] = {}
        self.done: list[ControlRequest] = []
        self.refusal: AppError | None = None
        self.surprise: Exception | None = None
        self._books = {ACME: AnswerBook(), OTHER: AnswerBook()}

    async def submit(self, request: ControlRequest) -> None:
        """Keep a command, once per key."""
        if self.health is None:
            raise RemoteUnavailable("exchange", "command", "the exchange is away")

        async def decide() -> None:
            if self.refusal is not None:
                raise self.refusal
            name = getattr(request.command, "agent", None)
            if name is not None and self.replicas[request.tenant].agents.get(name) is None:
                raise NotFound(f"there is no agent {name}")
            self.done.append(request)

        await self._books[request.tenant].answer(request.key, request.command, decide)

    async def read_figures(self, tenant: TenantId) -> Figures:
        """Return fixed figures."""
        if self.surprise is not None:
            raise self.surprise
        return Figures(decisions=LENGTHS, commits=LENGTHS)


def acme_reset(sequence: int = 5) -> Changes:
    """Return Acme: one queue, two agents, one customer who waits for 42 s, one who talks."""
    return Changes(
        tenant=ACME,
        sequence=sequence,
        is_reset=True,
        name="Acme",
        queues=(
            QueueView(
                id=QueueId("sales"),
                name="Sales",
                agents=(AgentId("anna"), AgentId("bruno")),
                priority=5,
            ),
        ),
        trunks=(TrunkView(id=TrunkId("carrier"), state="active", since=NOW),),
        alarms=(AlarmView(code="certificate-expires", about="carrier", text="soon", since=NOW),),
        agents=(
            AgentView(id=AgentId("anna"), name="Anna", state="ready", since=NOW),
            talking_agent(),
        ),
        interactions=(waiting_interaction(), talking_interaction()),
        events=(EventView(sequence=3, at=NOW, type="interaction.queued", queue=QueueId("sales")),),
    )


def talking_agent() -> AgentView:
    """Return Bruno, who talks."""
    return AgentView(
        id=AgentId("bruno"),
        name="Bruno",
        state="connected",
        since=None,
        interaction=InteractionId("i-2"),
    )


def waiting_interaction() -> InteractionView:
    """Return a customer who waits for 42 s."""
    since = NOW - 42 * SECOND
    return InteractionView(
        id=InteractionId("i-1"),
        state="queued",
        since=since,
        arrived_at=since - SECOND,
        enqueued_at=since,
        queue=QueueId("sales"),
        trunk=TrunkId("carrier"),
        called_number="+390200000010",
        caller_number=None,
    )


def talking_interaction() -> InteractionView:
    """Return a customer who talks to Bruno."""
    return InteractionView(
        id=InteractionId("i-2"),
        state="connected",
        since=NOW,
        arrived_at=NOW - SECOND,
        enqueued_at=NOW - SECOND,
        queue=QueueId("sales"),
        agent=AgentId("bruno"),
        trunk=TrunkId("carrier"),
        called_number="+390200000010",
        caller_number="+393331234567",
    )


def replica_of(changes: Changes, generation: int = GENERATION) -> TenantReplica:
    """Return a replica that began with a reset."""
    replica = TenantReplica(changes.tenant)
    replica.generation = generation
    replica.first_sequence = changes.sequence
    replica.take(changes)
    return replica


class InMemoryExplanations:
    """Explains one interaction of one tenant that waits."""

    def __init__(self) -> None:
        self.moments: list[Instant | None] = []

    async def explain(
        self, tenant: TenantId, interaction: InteractionId, at: Instant | None
    ) -> Explanation:
        """Return the explanation of a waiting customer."""
        self.moments.append(at)
        if (tenant, interaction) != (ACME, "i-1"):
            raise NotFound(f"there is no interaction {interaction}")
        desk = Desk()
        desk.do(MakeAgentNotReady(agent=ANNA, reason="break"))
        desk.connect_call("in-1")
        desk.queue_call("in-2")
        name = list(desk.engine.state.interactions)[-1]
        found = explain(desk.engine.state, name, at or desk.now)
        return replace(found, interaction=interaction)


@dataclass
class Reception:
    """The served application and what stands behind it."""

    settings: ApiSettings = field(default_factory=ApiSettings)
    clock: ClockPort = field(default_factory=FrozenClock)
    control: InMemoryControl = field(default_factory=InMemoryControl)
    directories: DirectoriesPort | None = None
    acme: TenantReplica = field(init=False)
    application: Boundary = field(init=False)

    def __post_init__(self) -> None:
        self.acme = replica_of(acme_reset())
        other = replica_of(Changes(tenant=OTHER, sequence=1, is_reset=True, name="Other"))
        self.control.replicas = {ACME: self.acme, OTHER: other}
        doorkeeper = Doorkeeper(
            InMemoryTokens(),
            self.control,
            self.clock,
            explanations=InMemoryExplanations(),
            directories=self.directories,
        )
        self.application = create_server_application(doorkeeper, self.settings, generation=1)

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = BOSS,
        headers: Mapping[str, str] | None = None,
        **body: Any,  # noqa: ANN401 - as httpx takes it
    ) -> httpx.Response:
        """Send one request and return its answer."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("authorization", f"Bearer {token}")

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application)  # type: ignore[arg-type]  # ASGI
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8080"
            ) as client:
                return await client.request(method, path, headers=sent, **body)

        return asyncio.run(send())

    def command(
        self, path: str, key: str = "k-1", token: str = BOSS, **body: object
    ) -> httpx.Response:
        """Send one command."""
        return self.ask("POST", path, token, {"Idempotency-Key": key}, **body)


class StreamVisitor:
    """A WebSocket client in memory; ``is_reading`` false lets the server wait for it."""

    def __init__(
        self, application: Boundary, host: bytes = b"127.0.0.1:8080", **headers: str
    ) -> None:
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._application: Any = application
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "scheme": "ws",
            "path": "/v1/live/stream",
            "raw_path": b"/v1/live/stream",
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", host),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }

    async def run(self) -> None:
        """Connect, and serve the connection until it is over."""
        await self._application(self._scope, self._said.get, self._take)
        if not self.closed.done():
            self.closed.set_result(1000)

    def start(self, token: str = BOSS, **position: int) -> None:
        """Say the one thing that a client says."""
        self.say(json.dumps({"type": "start", "token": token, **position}))

    def say(self, text: str) -> None:
        """Say something."""
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """Close the connection."""
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def hear(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(timeout_s):
            return await self._heard.get()

    def heard_nothing(self) -> bool:
        """Tell whether every message was taken."""
        return self._heard.empty()

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.is_reading.wait()
            data = message.get("text") or message.get("bytes")
            self._heard.put_nowait(json.loads(data or ""))
        elif message["type"] == "websocket.close" and not self.closed.done():
            self.closed.set_result(message["code"])
