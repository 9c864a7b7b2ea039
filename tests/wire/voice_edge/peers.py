# SPDX-License-Identifier: Apache-2.0
"""Far sides for the SIP edge: plain sockets that say what a test tells them to.

No SIP stack of ours is in them, so that a fault of ours is not repeated here. Also the
settings of a stack on free ports, and a small application that answers calls.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import ssl
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice.resolver import StaticResolver
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    TlsSettings,
    TransportSettings,
    TrunkSettings,
    VoiceSettings,
)
from centralino.adapters.voice.stack import SipStack
from centralino.adapters.voice.trunks import TrunkRegistry
from centralino.core.kernel.ids import TenantId, TrunkId
from centralino.wire.sip.events import SessionInvited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from typing import Any

    from centralino.exchange.ports import ResolverPort
    from centralino.wire.sip.events import SipEvent
    from tests.kit.certificates import Authority, Identity

LOCAL = "127.0.0.1"
WAIT_S = 10.0
CARRIER = TrunkId("carrier")
TEAMS = TrunkId("teams")
_numbers = itertools.count(1)

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8\r\n"
)


def trunk(**changes: Any) -> TrunkSettings:  # noqa: ANN401  any field of the struct
    """A carrier trunk over UDP from the loopback that is never asked; with changes."""
    settings = TrunkSettings(
        trunk=CARRIER,
        tenant=TenantId("acme"),
        profile="carrier",
        transport="udp",
        contact_host="127.0.0.1",
        match=MatchRule(networks=("127.0.0.0/8",)),
        options=OptionsSettings(enabled=False),
        is_lab=True,
    )
    return msgspec.structs.replace(settings, **changes)


def teams_trunk(proxies: tuple[ProxySettings, ...] = (), **changes: Any) -> TrunkSettings:  # noqa: ANN401
    """A Direct Routing trunk to the given proxies."""
    settings = TrunkSettings(
        trunk=TEAMS,
        tenant=TenantId("acme"),
        profile="teams-direct",
        transport="tls",
        contact_host="sbc1.example.test",
        match=MatchRule(names=("sip.pstnhub.test",)),
        srtp="required",
        proxies=proxies,
        options=OptionsSettings(enabled=False),
        is_lab=True,
    )
    return msgspec.structs.replace(settings, **changes)


def settings_of(*trunks: TrunkSettings, **changes: Any) -> VoiceSettings:  # noqa: ANN401
    """Voice settings with a listener per transport that the trunks use, on free ports."""
    transports = dict.fromkeys(item.transport for item in trunks)
    if "tcp" in transports or "udp" in transports:
        transports = dict.fromkeys(("udp", "tcp", *transports))
    values: dict[str, Any] = {
        "listeners": tuple(
            ListenerSettings(transport=transport, port=0) for transport in transports
        ),
        "trunks": trunks,
        "transport": TransportSettings(connect_s=2.0, backoff_s=0.2),
    }
    return VoiceSettings(**{**values, **changes})


def tls_settings(folder: Path, identity: Identity, roots: Authority, **changes: Any) -> TlsSettings:  # noqa: ANN401
    """Write certificate, key and roots into a folder and name them."""
    number = next(_numbers)
    certificate, key = identity.write(folder, f"own{number}")
    return TlsSettings(
        certificate_file=str(certificate),
        private_key_file=str(key),
        trusted_roots_file=str(roots.write(folder, f"roots{number}")),
        **changes,
    )


class Recorder:
    """Keeps events and alarms; waits for one that fits."""

    def __init__(self) -> None:
        self.events: list[SipEvent] = []
        self.alarms: list[tuple[str, str, TrunkId | None, bool]] = []
        self._changed = asyncio.Condition()
        self._notices: set[asyncio.Task[None]] = set()
        self.then: Callable[[SipEvent, int], None] | None = None

    def on_event(self, event: SipEvent, now: int) -> None:
        self.events.append(event)
        if self.then is not None:
            self.then(event, now)
        self._notify()

    def on_alarm(self, code: str, text: str, trunk: TrunkId | None, cleared: bool) -> None:
        self.alarms.append((code, text, trunk, cleared))
        self._notify()

    def _notify(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.ensure_future(notify())
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    async def wait_for(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(fits)

    async def event(self, kind: type[Any]) -> Any:  # noqa: ANN401
        """Return the first event of a kind, waiting for it."""
        await self.wait_for(lambda: any(isinstance(item, kind) for item in self.events))
        return next(item for item in self.events if isinstance(item, kind))

    async def alarm(self, code: str, *, cleared: bool = False) -> str:
        """Return the text of the first alarm of a code, waiting for it."""

        def fits() -> bool:
            return any(item[0] == code and item[3] is cleared for item in self.alarms)

        await self.wait_for(fits)
        return next(item[1] for item in self.alarms if item[0] == code and item[3] is cleared)


@asynccontextmanager
async def running_stack(
    settings: VoiceSettings, resolver: ResolverPort | None = None
) -> AsyncIterator[tuple[SipStack, Recorder]]:
    """A started stack with a recorder at its events and alarms."""
    random = Random(7)
    stack = SipStack(
        settings,
        clock=SystemClock(),
        resolver=resolver or StaticResolver({}),
        token=lambda: f"{random.getrandbits(80):020x}",
        trunks=TrunkRegistry.from_settings(settings),
        chance=random.random,
    )
    recorder = Recorder()
    stack.on_event = recorder.on_event
    stack.on_alarm = recorder.on_alarm
    try:
        await stack.start()
        yield stack, recorder
    finally:
        await stack.stop()


def port_of(stack: SipStack, transport: str) -> int:
    """Return the port of the first listener of a transport."""
    return next(port for kind, _, port in stack.listening() if kind == transport)


def answer_calls(stack: SipStack, trunk_id: TrunkId = CARRIER) -> Callable[[SipEvent, int], None]:
    """Return a handler that answers every call at once."""

    def handle(event: SipEvent, now: int) -> None:
        if isinstance(event, SessionInvited):
            stack.endpoint.answer(
                event.session, SDP, now, contact=stack.local_contact(trunk_id, "ivr")
            )

    return handle


# ---- messages


def request(
    method: str,
    uri: str,
    via: str,
    *,
    call_id: str = "",
    extra: str = "",
    body: bytes = b"",
    cseq: int = 1,
) -> bytes:
    """Write a request as text; ``via`` is transport and sent-by, as ``UDP 127.0.0.1:5099``."""
    number = next(_numbers)
    head = (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/{via};branch=z9hG4bKtest{number};rport\r\n"
        f"From: <sip:+390612345678@peer.test>;tag=t{number}\r\nTo: <{uri}>\r\n"
        f"Call-ID: {call_id or f'call{number}@peer.test'}\r\nCSeq: {cseq} {method}\r\n"
        f"Max-Forwards: 70\r\nContact: <sip:peer@{via.split()[1]}>\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def options(port: int, via: str, **more: Any) -> bytes:  # noqa: ANN401
    """Write an OPTIONS to a listener of ours."""
    return request("OPTIONS", f"sip:127.0.0.1:{port}", via, **more)


def status(message: bytes) -> int:
    """Return the status of a response."""
    assert message.startswith(b"SIP/2.0 "), message[:80]
    return int(message[8:11])


def response(message: bytes, code: int, extra: str = "") -> bytes:
    """Answer a request as text."""
    head = message.partition(b"\r\n\r\n")[0].decode()
    lines = head.split("\r\n")[1:]
    kept = [
        line for line in lines if re.match(r"(?i)(via|from|to|call-id|cseq|record-route):", line)
    ]
    kept = [
        f"{line};tag=far" if line.lower().startswith("to:") and ";tag=" not in line else line
        for line in kept
    ]
    return (
        f"SIP/2.0 {code} Whatever\r\n" + "\r\n".join(kept) + f"\r\n{extra}Content-Length: 0\r\n\r\n"
    ).encode()


# ---- sockets


class UdpPeer(asyncio.DatagramProtocol):
    """A UDP socket with a queue of what came."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str = LOCAL) -> AsyncIterator[UdpPeer]:
        loop = asyncio.get_running_loop()
        transport, peer = await loop.create_datagram_endpoint(cls, local_addr=(address, 0))
        peer._transport = transport
        try:
            yield peer
        finally:
            transport.close()

    @property
    def place(self) -> tuple[str, int]:
        assert self._transport is not None
        name = self._transport.get_extra_info("sockname")
        return name[0], name[1]

    @property
    def via(self) -> str:
        return f"UDP {self.place[0]}:{self.place[1]}"

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.queue.put_nowait(data)

    def send(self, data: bytes, port: int) -> None:
        assert self._transport is not None
        self._transport.sendto(data, (LOCAL, port))

    async def receive(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.queue.get()


class StreamPeer:
    """A TCP or TLS connection that reads whole messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def via(self) -> str:
        name = self.writer.get_extra_info("sockname")
        kind = "TLS" if self.writer.get_extra_info("ssl_object") is not None else "TCP"
        return f"{kind} {name[0]}:{name[1]}"

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> bytes:
        """Read one message."""
        async with asyncio.timeout(WAIT_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
            return head + (await self.reader.readexactly(int(found[1])) if found else b"")

    async def ended(self) -> bytes:
        """Wait until the far side closes; return what came before."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except OSError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self.writer.wait_closed()
        except TimeoutError:
            self.writer.transport.abort()
        except OSError:
            pass  # it is gone already


@asynccontextmanager
async def connected(
    port: int, context: ssl.SSLContext | None = None, *, address: str = LOCAL
) -> AsyncIterator[StreamPeer]:
    """A connection to a listener of ours, with TLS when a context is given."""
    peer = StreamPeer(
        *await asyncio.open_connection(
            address, port, ssl=context, server_hostname="sbc1.example.test" if context else None
        )
    )
    try:
        yield peer
    finally:
        await peer.close()


class FarServer:
    """A listening far side; every connection is queued, ``on_message`` may answer for it."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[StreamPeer] = asyncio.Queue()
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.on_message: Callable[[bytes], bytes | None] | None = None
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._peers: list[StreamPeer] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @classmethod
    @asynccontextmanager
    async def open(
        cls, context: ssl.SSLContext | None = None, address: str = LOCAL, port: int = 0
    ) -> AsyncIterator[FarServer]:
        far = cls()
        far._server = await asyncio.start_server(far._serve, address, port, ssl=context)
        try:
            yield far
        finally:
            await far.close()

    def reset(self) -> None:
        """Reset every connection that is open."""
        for peer in self._peers:
            peer.writer.transport.abort()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for peer in self._peers:
                peer.writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = StreamPeer(reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        self._peers.append(peer)
        self.accepted += 1
        self.connections.put_nowait(peer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
                message = head + (await reader.readexactly(int(found[1])) if found else b"")
                answer = self.on_message(message) if self.on_message is not None else None
                self.messages.put_nowait(message)
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            self._peers.remove(peer)  # an early 3.11 cannot abort what is closed

    async def receive(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.messages.get()


def client_context(folder: Path, roots: Authority, identity: Identity | None) -> ssl.SSLContext:
    """The TLS side of a peer that connects to us."""
    context = ssl.create_default_context(cafile=str(roots.write(folder, f"r{next(_numbers)}")))
    context.check_hostname = False
    if identity is not None:
        context.load_cert_chain(*identity.write(folder, f"peer{next(_numbers)}"))
    return context


def server_context(folder: Path, identity: Identity, roots: Authority | None) -> ssl.SSLContext:
    """The TLS side of a peer that we connect to; with roots it wants our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(folder, f"far{next(_numbers)}"))
    if roots is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(roots.write(folder, f"farroots{next(_numbers)}")))
    return context
