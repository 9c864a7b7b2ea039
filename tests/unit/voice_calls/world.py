# SPDX-License-Identifier: Apache-2.0
"""A driver with everything around it in memory: SIP peers, media workers, the exchange.

`InMemoryEdge` joins real endpoints: ours and one per far side, with a transit time in
virtual time. `InMemoryMedia` keeps what a media worker was told. Facts are collected in
order, as the exchange would get them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from centralino.adapters.voice.call_settings import CallSettings
from centralino.adapters.voice.checkpoint import CheckpointLog
from centralino.adapters.voice.driver import VoiceDriver
from centralino.adapters.voice.edge import Surroundings
from centralino.adapters.voice.inbox import Inbox
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    ProxySettings,
    TlsSettings,
    TrunkSettings,
    VoiceSettings,
)
from centralino.core.kernel.errors import NotFound, RemoteRejected, RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, TenantId, TrunkId
from centralino.exchange import media as m
from centralino.exchange.facts import Answered, Ended, Fact, Offered, OrderFailed
from centralino.exchange.orders import Answer, AnyOrder, Invite
from centralino.wire.sip import events as e
from centralino.wire.sip.config import EndpointConfig, OutgoingInvite
from centralino.wire.sip.endpoint import SipEndpoint
from centralino.wire.sip.flow import Flow, Hop, Send
from centralino.wire.sip.message import Request, parse_message
from tests.kit.virtual_time import VirtualClock, running_clock

if TYPE_CHECKING:
    from centralino.wire.sip.checkpoint import DialogCheckpoint

TENANT = TenantId("acme")
TEAMS = TrunkId("teams")
CARRIER = TrunkId("carrier")
PROXIES = ("sip.teams.test", "sip2.teams.test", "sip3.teams.test")
CARRIER_HOST = "carrier.test"
TRANSIT_S = 0.001
F = TypeVar("F", bound=Fact)
E = TypeVar("E")

KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5"


def sdp(
    *,
    formats: str = "8 0 101",
    direction: str = "sendrecv",
    port: int = 40000,
    secure: bool = False,
    version: int = 1,
    address: str = "192.0.2.9",
) -> bytes:
    """Write a plain description of a far side."""
    profile = "RTP/SAVP" if secure else "RTP/AVP"
    crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n" if secure else ""
    event = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n" if "101" in formats else ""
    return (
        f"v=0\r\no=far 1 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} {profile} {formats}\r\n{event}{crypto}a={direction}\r\n"
    ).encode()


class InMemoryMedia:
    """Media workers that only remember; tests make their events."""

    def __init__(self) -> None:
        self.commands: list[m.Command] = []
        self.open: dict[LegId, m.Reserved] = {}
        self.claimed: set[LegId] = set()
        """Legs reserved since the driver's last start."""
        self.refuse: dict[type[m.Command], str] = {}
        self.reserve_error: Exception | None = None
        self.reserve_gate: asyncio.Event | None = None
        self.is_mute = False
        """Give no final statistics."""
        self.worker: dict[LegId, int] = {}
        """On which worker each leg is: each has its own unless it was to be near another."""
        self._next_worker = itertools.count()
        self._events: asyncio.Queue[m.Event] = asyncio.Queue()
        self._ports = itertools.count(20000, 2)

    async def reserve(
        self, leg: LegId, *, near: LegId | None = None, rtp_port: int = 0
    ) -> m.Reserved:
        if self.reserve_gate is not None:
            await self.reserve_gate.wait()
        if self.reserve_error is not None:
            raise self.reserve_error
        port = rtp_port or next(self._ports)
        reserved = self.open.get(leg) or m.Reserved(
            leg=leg, address="192.0.2.1", rtp_port=port, rtcp_port=port + 1
        )
        self.open[leg] = reserved
        self.claimed.add(leg)
        beside = None if near is None else self.worker.get(near)
        self.worker[leg] = next(self._next_worker) if beside is None else beside
        return reserved

    def is_together(self, legs: Sequence[LegId]) -> bool:
        return len({self.worker[leg] for leg in legs if leg in self.worker}) < 2

    def send(self, leg: LegId, command: m.Command) -> None:
        if leg not in self.open:
            raise NotFound("no such media leg")
        self._take(leg, command)

    async def ask(self, leg: LegId, command: m.Command) -> m.Event:
        code = self.refuse.get(type(command))
        if code is not None:
            raise RemoteRejected("media", "ask", code)
        self.send(leg, command)
        if isinstance(command, m.ReadStatistics):
            return figures(leg)
        return m.Done()

    def release(self, leg: LegId) -> None:
        if self.open.pop(leg, None) is not None and not self.is_mute:
            self.emit(figures(leg, is_final=True))

    def release_unclaimed(self) -> None:
        for leg in set(self.open) - self.claimed:
            del self.open[leg]

    async def next_event(self) -> m.Event:
        return await self._events.get()

    def emit(self, event: m.Event) -> None:
        self._events.put_nowait(event)

    def last(self, kind: type[E]) -> E:
        return next(c for c in reversed(self.commands) if isinstance(c, kind))

    def all(self, kind: type[E]) -> list[E]:
        return [c for c in self.commands if isinstance(c, kind)]

    def _take(self, leg: LegId, command: m.Command) -> None:
        self.commands.append(command)
        if isinstance(command, m.StopMedia):
            play = next(
                (
                    c.play
                    for c in reversed(self.commands)
                    if isinstance(c, m.PlayMedia) and c.leg == leg
                ),
                None,
            )
            if play is not None:
                self.emit(m.Played(leg=leg, play=play, reason="stopped"))
        elif isinstance(command, m.StopRecording):
            self.emit(
                m.Recorded(
                    recording=command.recording, path="x.wav", duration_ms=10, is_complete=True
                )
            )


def figures(leg: LegId, *, is_final: bool = False) -> m.Statistics:
    return m.Statistics(
        leg=leg, received_packets=5, received_bytes=860, sent_packets=5, lost_packets=0,
        late_packets=0, stranger_packets=0, refused_packets=0, jitter_ms=1.0,
        round_trip_ms=None, mos=4.4, is_final=is_final,
    )  # fmt: skip


class FarSide:
    """One SIP peer: a real endpoint, driven by the test."""

    def __init__(self, world: World, host: str, trunk: TrunkId, flow_id: int) -> None:
        self.world = world
        self.host = host
        self.trunk = trunk
        self.flow = Flow(flow_id, "tls", ("192.0.2.1", 5061), ("192.0.2.9", 5061), (host,), trunk)
        self.endpoint = SipEndpoint(
            EndpointConfig(user_agent=host, sent_by=host), token=world.token
        )
        self.events: list[e.SipEvent] = []
        self.requests: list[Request] = []
        """Every request that reached it."""
        self.is_secure = trunk == TEAMS
        self.behave: Callable[[e.SipEvent], None] = lambda event: None
        self.is_cut = False
        self.is_deaf = False
        self.is_mute = False
        """It hears us, and what it says is lost."""
        self._came = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def contact(self) -> str:
        return f"<sip:far@{self.host};transport=tls;x-i=Opaque>"

    def now(self) -> int:
        return self.world.clock.now()

    def sdp(self, **changes: object) -> bytes:
        return sdp(secure=self.is_secure, **changes)  # type: ignore[arg-type]  # passed on

    def flush(self) -> None:
        for send in self.endpoint.take_sends():
            if not self.is_mute:
                self.world.carry(self.world.receive_from, self, send.data)
        events = self.endpoint.take_events()
        self.events += events
        for event in events:
            self.behave(event)
        if events:
            self._came.set()
            self.flush()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.endpoint.next_deadline()
        if at is not None:
            delay = max(at - self.now(), 0) / 1e9
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self.endpoint.tick(self.now())
        self.flush()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def expect(self, kind: type[E], *, timeout_s: float = 200.0) -> E:
        """Wait for the next event of a kind; earlier events of other kinds are dropped."""
        async with asyncio.timeout(timeout_s):
            while True:
                for index, event in enumerate(self.events):
                    if isinstance(event, kind):
                        del self.events[: index + 1]
                        return event
                self._came.clear()
                await self._came.wait()

    def last(self, method: str) -> Request:
        return next(r for r in reversed(self.requests) if r.method == method)

    def count(self, method: str) -> int:
        return sum(r.method == method for r in self.requests)

    # ---- calls it places and takes

    def call(
        self,
        called: str = "+390699000",
        caller: str = "<sip:+39333111222@carrier.test;user=phone>",
        *,
        offer: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        host: str = "sbc.acme.test",
    ) -> str:
        session = self.endpoint.invite(
            OutgoingInvite(
                uri=f"sip:{called}@{host};user=phone",
                from_=caller,
                to=f"<sip:{called}@{host}>",
                contact=self.contact,
                hop=Hop(host, 5061, "tls"),
                sdp=self.sdp() if offer is None else offer,
                headers=headers,
            ),
            self.now(),
        )
        self.flush()
        return session

    def do(self, action: Callable[..., object], *arguments: object, **named: object) -> None:
        """Call a method of the endpoint, then write what it wants to send."""
        action(*arguments, **named)
        self.flush()

    def ring(self, session: str, status: int = 180, early: bytes | None = None) -> None:
        self.endpoint.ring(session, self.now(), status=status, sdp=early)
        self.flush()

    def answer(self, session: str, description: bytes | None = None) -> None:
        self.endpoint.answer(session, description or self.sdp(), self.now(), contact=self.contact)
        self.flush()

    def reject(self, session: str, status: int, **headers: str) -> None:
        lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.endpoint.reject(session, status, self.now(), headers=lines)
        self.flush()

    def bye(self, session: str) -> None:
        self.endpoint.bye(session, self.now())
        self.flush()

    def refer(self, session: str, refer_to: str, referred_by: str | None = None) -> str:
        refer = self.endpoint.refer(session, refer_to, self.now(), referred_by=referred_by)
        self.flush()
        return refer


class InMemoryEdge:
    """A ``SipEdge`` whose peers are in memory."""

    def __init__(self, world: World) -> None:
        self.world = world
        config = EndpointConfig(user_agent="Centralino", sent_by="sbc.acme.test")
        self.endpoint = SipEndpoint(config, token=world.token)
        self.on_event: Callable[[e.SipEvent, int], None] = lambda event, now: None
        self.refusal: Exception | None = None
        self._is_flushing = False
        self._timer: asyncio.TimerHandle | None = None

    def flush(self) -> None:
        if self._is_flushing:
            return
        self._is_flushing = True
        now = self.world.clock.now()
        try:
            while True:
                for send in self.endpoint.take_sends():
                    self._write(send)
                events = self.endpoint.take_events()
                if not events:
                    break
                for event in events:
                    self.on_event(event, now)
        finally:
            self._is_flushing = False
        self._arm()

    def _write(self, send: Send) -> None:
        peer = self.world.peer_of(send)
        if peer is None or peer.is_cut:
            if send.transaction is not None:
                self.world.carry(self._fail, send.transaction)
            return
        if not peer.is_deaf:
            self.world.carry(self.world.deliver, peer, send.data)

    def _fail(self, transaction: str) -> None:
        self.endpoint.transport_failed(transaction, self.world.clock.now(), "refused")
        self.flush()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.endpoint.next_deadline()
        if at is not None:
            delay = max(at - self.world.clock.now(), 0) / 1e9
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self.endpoint.tick(self.world.clock.now())
        self.flush()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        if self.refusal is not None:
            raise self.refusal
        return self.endpoint.invite(invite, now)

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        return self.endpoint.restore(checkpoint, now)

    def hop_for(self, trunk: TrunkId, uri: str = "", *, tried: object = ()) -> Hop:
        del uri
        settings = self.trunk(trunk)
        for proxy in settings.proxies:
            if proxy.host not in tried:  # type: ignore[operator]  # any collection
                return Hop(proxy.host, 5061, settings.transport, None, trunk, "sbc.acme.test")
        raise RemoteUnavailable("trunk", "call", "no proxy is left")

    def trunk(self, trunk: TrunkId) -> TrunkSettings:
        for found in self.world.voice.trunks:
            if found.trunk == trunk:
                return found
        raise NotFound("no such trunk")

    def local_contact(self, trunk: TrunkId, user: str = "") -> str:
        user = f"{user}@" if user else ""
        return f"<sip:{user}{self.trunk(trunk).contact_host}:5061;transport=tls>"


def voice_settings() -> VoiceSettings:
    """Return one Teams trunk with three proxies and one carrier."""
    teams = TrunkSettings(
        trunk=TEAMS,
        tenant=TENANT,
        profile="teams-direct",
        proxies=tuple(ProxySettings(host=host) for host in PROXIES),
        match=MatchRule(names=("sip.pstnhub.test",)),
        contact_host="sbc.acme.test",
        srtp="required",
        codecs=("G722", "PCMA", "PCMU"),
    )
    carrier = TrunkSettings(
        trunk=CARRIER,
        tenant=TENANT,
        profile="carrier",
        transport="tls",
        proxies=(ProxySettings(host=CARRIER_HOST),),
        match=MatchRule(names=("carrier.test",)),
        contact_host="sbc.acme.test",
    )
    return VoiceSettings(
        listeners=(ListenerSettings(transport="tls", port=0),),
        trunks=(teams, carrier),
        tls=TlsSettings(certificate_file="c.pem", private_key_file="k.pem"),
        media_address="192.0.2.1",
    )


@dataclass
class World:
    """Everything; made by `running_world`."""

    folder: Path
    settings: CallSettings = field(default_factory=CallSettings)
    voice: VoiceSettings = field(default_factory=voice_settings)
    generation: int = 1

    def __post_init__(self) -> None:
        self.clock: VirtualClock = running_clock()
        self._tokens = itertools.count(self.generation * 1_000_000)
        self.media = InMemoryMedia()
        self.edge = InMemoryEdge(self)
        self.peers: dict[str, FarSide] = {}
        for host, trunk in [*((p, TEAMS) for p in PROXIES), (CARRIER_HOST, CARRIER)]:
            self.peers[host] = FarSide(self, host, trunk, len(self.peers) + 1)
        self.teams = self.peers[PROXIES[0]]
        self.carrier = self.peers[CARRIER_HOST]
        self.facts: list[Fact] = []
        self.last_caller: LegId | None = None
        self._orders = itertools.count(1)
        self._news = asyncio.Event()
        self._arrives_at = 0.0
        self.running: list[asyncio.Task[None]] = []
        self.start_driver()

    def start_driver(self) -> None:
        self.inbox = Inbox(
            self.folder / "inbox", "connect", self.generation, self.clock, self.voice.inbox_facts
        )
        self.store = CheckpointLog(self.folder / "legs")
        self.driver = VoiceDriver(
            Surroundings(
                edge=self.edge,
                media=self.media,
                clock=self.clock,
                settings=self.settings,
                inbox=self.inbox,
                store=self.store,
                voice=self.voice,
                token=self.token,
                key=lambda: b"k" * 30,
            )
        )
        self.edge.on_event = self.driver.on_event

    def token(self) -> str:
        return f"t{next(self._tokens)}x"

    # ---- the network

    def carry(self, action: Callable[..., None], *arguments: object) -> None:
        """Run `action` after the transit time; what is sent first arrives first."""
        loop = asyncio.get_running_loop()
        self._arrives_at = max(self._arrives_at + 2e-9, loop.time() + TRANSIT_S)
        loop.call_at(self._arrives_at, action, *arguments)

    def peer_of(self, send: Send) -> FarSide | None:
        if send.hop is not None and send.hop.host in self.peers:
            return self.peers[send.hop.host]
        return next((p for p in self.peers.values() if p.flow.flow_id == send.flow_id), None)

    def deliver(self, peer: FarSide, data: bytes) -> None:
        message = parse_message(data)
        if isinstance(message, Request):
            peer.requests.append(message)
        flow = Flow(1, "tls", ("192.0.2.9", 5061), ("192.0.2.1", 5061))
        peer.endpoint.receive(message, flow, self.clock.now())
        peer.flush()

    def receive_from(self, peer: FarSide, data: bytes) -> None:
        self.edge.endpoint.receive(parse_message(data), peer.flow, self.clock.now())
        self.edge.flush()

    # ---- the exchange

    async def read_facts(self) -> None:
        while True:
            self.facts += await self.driver.next_facts()
            self._news.set()

    async def fact(self, kind: type[F], leg: str | None = None, *, timeout_s: float = 300.0) -> F:
        """Wait for the next fact of a kind and take it; others stay."""
        async with asyncio.timeout(timeout_s):
            while True:
                for index, fact in enumerate(self.facts):
                    if isinstance(fact, kind) and leg in (None, fact.leg):
                        del self.facts[index]
                        return fact
                self._news.clear()
                await self._news.wait()

    def has(self, kind: type[Fact], leg: str | None = None) -> bool:
        return any(isinstance(fact, kind) and leg in (None, fact.leg) for fact in self.facts)

    def order_id(self) -> OrderId:
        return OrderId(f"o{next(self._orders)}")

    def order(self, kind: Callable[..., AnyOrder], leg: str, **fields: object) -> OrderId:
        """Submit one order; returns its id."""
        order_id = self.order_id()
        self.driver.submit([kind(order=order_id, leg=LegId(leg), **fields)])
        return order_id

    async def settle(self, seconds: float = 0.05) -> None:
        """Let virtual time pass."""
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, done.set)
        await done.wait()

    # ---- usual beginnings

    async def answered_caller(
        self, peer: FarSide | None = None, *, near: LegId | None = None
    ) -> tuple[LegId, str]:
        """A call from the carrier, answered; returns the leg and the far side's session."""
        far = peer or self.carrier
        session = far.call()
        offered = await self.fact(Offered)
        self.order(Answer, offered.leg, near=near)
        await self.fact(Answered, offered.leg)
        self.last_caller = offered.leg
        return offered.leg, session

    def ring_agent(self, leg: str, **fields: object) -> OrderId:
        """Order a call to a Teams user, for the last caller if there is one."""
        asked: dict[str, object] = {
            "tenant": TENANT,
            "trunk": TEAMS,
            "target": "+390612345",
            "caller_number": "+39333111222",
            "near": self.last_caller,
        }
        return self.order(Invite, leg, **(asked | fields))

    async def answered_agent(self, leg: str) -> str:
        """A call to a Teams user, rung and answered; returns the far side's session."""
        self.ring_agent(leg)
        invited = await self.teams.expect(e.SessionInvited)
        self.teams.ring(invited.session)
        self.teams.answer(invited.session)
        await self.fact(Answered, leg)
        return invited.session

    async def ended(self, leg: str) -> Ended:
        return await self.fact(Ended, leg)

    async def failed(self, order: OrderId) -> OrderFailed:
        fact = await self.fact(OrderFailed)
        assert fact.order == order
        return fact


@asynccontextmanager
async def running_world(folder: Path, **fields: object) -> AsyncIterator[World]:
    """Run a world's tasks while the block is open."""
    world = World(folder, **fields)  # type: ignore[arg-type]  # passed on
    async with asyncio.TaskGroup() as tasks:
        running = world.running = [
            tasks.create_task(world.driver.run()),
            tasks.create_task(world.read_facts()),
        ]
        await world.settle(0.001)
        try:
            yield world
        finally:
            for task in running:
                task.cancel()
            world.edge.close()
            for peer in world.peers.values():
                peer.close()
            world.inbox.close()
            world.store.close()
