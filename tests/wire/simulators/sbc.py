# SPDX-License-Identifier: Apache-2.0
"""A small border controller, for judging the simulated proxies before the product is there."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.direct_routing.services import MUSIC_HZ, PARK_HZ
from centralino.simulators.messages import MessageRecorder
from centralino.simulators.party.description import Style
from centralino.simulators.party.hub import MediaHub
from centralino.simulators.party.party import Party
from centralino.simulators.report import Report
from centralino.simulators.scenario import (
    Caller,
    Carrier,
    DirectRouting,
    Fault,
    Proxy,
    Scenario,
    Subscriber,
    TeamsUser,
    Tenant,
    TlsFiles,
    TrunkSettings,
)
from centralino.simulators.transport import FarStack
from centralino.wire.sip.config import EndpointConfig, OutgoingInvite
from centralino.wire.sip.events import (
    ReferReceived,
    RequestFinished,
    RequestReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionInvited,
    SessionProgressed,
    SessionReoffered,
    SipEvent,
)
from centralino.wire.sip.flow import Hop
from centralino.wire.sip.message import Request, response_to
from tests.kit.certificates import trusted_authority
from tests.kit.ports import free_tcp_port, free_udp_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.kit.certificates import Identity

TRUNK = "cust1.sbc.test"
PROXIES = ("sip.pstnhub.test", "sip2.pstnhub.test", "sip3.pstnhub.test")
SBC_TONE = 440
"""Of calls that the border controller places."""
TAKEN_TONE = 620
"""Of calls that it takes."""
TONES = (SBC_TONE, TAKEN_TONE, 500, 520, 1040, MUSIC_HZ, PARK_HZ)
_INTERVAL = re.compile(rb"(?im)^session-expires:\s*([0-9]+)")
WITHOUT_REFER = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")


class Sbc:
    """Sends and takes calls at the trunk's name; speaks a tone of its own."""

    def __init__(
        self, names: dict[str, str], folder: Path, identity: Identity, style: Style
    ) -> None:
        rng = random.Random(5)
        ports = free_udp_range(40)
        self.hub = MediaHub("127.0.0.1", (ports[0], ports[-1]), rng)
        self.report = Report(lambda: 0.0)
        self.progress: list[tuple[int, str]] = []
        self.parties: dict[str, Party] = {}
        self.port = 0
        self.refuse_with = 0
        self.follows_refer = True
        self.spoil_refer = False
        self.retry_after_s: int | None = None
        self.is_ringing = False
        self.invited: list[Request] = []
        self.allow: tuple[str, ...] | None = None
        self._style = style
        self._refers: dict[str, tuple[str, str]] = {}
        self._names = names
        self._files = identity.write(folder, "sbc")
        self._authorities = trusted_authority().write(folder)
        words = itertools.count(1)
        self.stack = FarStack(
            EndpointConfig(user_agent="Test-SBC"),
            token=lambda: f"w{next(words):012d}",
            names=names,
            on_event=self._event,
        )

    async def start(self) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for context in (server, client):
            context.load_cert_chain(*self._files)
            context.load_verify_locations(self._authorities)
        server.verify_mode = ssl.CERT_REQUIRED
        self.stack.client_tls = client
        self.port = await self.stack.listen_stream("127.0.0.1", self.port, server)

    async def close(self) -> None:
        for party in self.parties.values():
            party.close()
        self.hub.close()
        await self.stack.close()

    @property
    def contact(self) -> str:
        return f"<sip:{TRUNK}:{self.port};transport=tls>"

    def party(self, own_hz: int = SBC_TONE) -> Party:
        party = Party(self.hub, self._style, tone_hz=own_hz, listen_for=TONES)
        party.on_heard = lambda hz: self.report.add("sbc", "heard", tone_hz=hz, own_hz=own_hz)
        return party

    def call(
        self,
        number: str,
        proxy_port: int,
        *,
        contact: str = "",
        uri: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> str:
        """Call a number through the first proxy; return the session."""
        party = self.party()
        target = uri or f"sip:{number}@{PROXIES[0]}:{proxy_port};user=phone"
        session = self.stack.endpoint.invite(
            OutgoingInvite(
                uri=target,
                from_=f"<sip:+390612345678@{TRUNK};user=phone>",
                to=f"<{target}>",
                contact=contact or self.contact,
                hop=Hop(PROXIES[0], proxy_port, "tls"),
                sdp=party.offer(),
                headers=headers,
                allow=self.allow,
            ),
            self.stack.now(),
        )
        self.parties[session] = party
        self.stack.flush()
        return session

    def options(self, proxy: str, port: int, *, contact: str = "") -> None:
        """Ask a proxy whether it is there."""
        request = Request("OPTIONS", f"sip:{proxy}:{port};transport=tls")
        request.headers.add("From", f"<sip:{TRUNK}>")
        request.headers.add("To", f"<sip:{proxy}>")
        request.headers.add("Contact", contact or self.contact)
        self.stack.endpoint.request(request, Hop(proxy, port, "tls"), self.stack.now())
        self.stack.flush()

    def reoffer(self, session: str, direction: str) -> None:
        self.stack.endpoint.reoffer(
            session, self.parties[session].offer(direction), self.stack.now()
        )
        self.stack.flush()

    def hang_up(self, session: str) -> None:
        self.stack.endpoint.bye(session, self.stack.now())
        self.stack.flush()

    def cancel(self, session: str, reason: str = "") -> None:
        headers = (("Reason", reason),) if reason else ()
        self.stack.endpoint.cancel(session, self.stack.now(), headers)
        self.stack.flush()

    def _event(self, event: SipEvent, now: int) -> None:
        endpoint = self.stack.endpoint
        match event:
            case RequestReceived(transaction=transaction, request=request):
                self.report.add("sbc", "request", method=request.method)
                endpoint.respond(transaction, response_to(request, 200), now)
            case RequestFinished(response=response):
                status = response.status if response is not None else None
                self.report.add("sbc", "finished", status=status)
            case SessionProgressed(status=status, to_tag=tag):
                self.progress.append((status, tag))
            case SessionAnswered(session=session, sdp=sdp, to_tag=tag):
                self.parties[session].accept(sdp or b"")
                self.parties[session].start()
                self._notify(session, 200, now)
                self.report.add("sbc", "answered", session=session, tag=tag)
            case SessionFailed(session=session, status=status, cause=cause, response=response):
                subcode = response.headers.get("X-Lab-SubCode") if response is not None else None
                self._notify(session, status or 503, now)
                self.report.add("sbc", "failed", status=status, cause=cause, subcode=subcode)
            case SessionEnded(session=session, cause=cause):
                party = self.parties[session]
                self.report.add(
                    "sbc",
                    "ended",
                    cause=cause,
                    tones_heard=party.ear.tones_heard(),
                    own_hz=party.tone_hz,
                )
            case SessionCancelled(reason=reason):
                self.report.add("sbc", "cancelled", reason=reason)
            case SessionInvited():
                self._invited(event, now)
            case _:
                self._in_call(event, now)

    def _in_call(self, event: SipEvent, now: int) -> None:
        endpoint = self.stack.endpoint
        match event:
            case SessionReoffered(session=session, sdp=sdp):
                answer = self.parties[session].answer(sdp or b"")
                self.report.add("sbc", "reoffered", is_inactive=b"a=inactive" in answer)
                endpoint.accept_offer(session, answer, now)
            case ReferReceived():
                self._refer(event, now)
            case _:
                return

    def _invited(self, event: SessionInvited, now: int) -> None:
        self.report.add("sbc", "invited", uri=event.request.uri)
        self.invited.append(event.request)
        if self.refuse_with:
            after = self.retry_after_s
            headers = () if after is None else (("Retry-After", str(after)),)
            self.stack.endpoint.reject(event.session, self.refuse_with, now, headers=headers)
            return
        if self.is_ringing:
            self.stack.endpoint.ring(event.session, now)
            return
        party = self.party(TAKEN_TONE)
        self.parties[event.session] = party
        answer = party.answer(event.sdp or b"")
        party.start()
        self.stack.endpoint.answer(event.session, answer, now, contact=self.contact)

    def _refer(self, event: ReferReceived, now: int) -> None:
        self.report.add("sbc", "referred", to=event.refer_to, by=event.referred_by)
        self.stack.endpoint.accept_refer(event.session, event.refer, now)
        uri = event.refer_to.strip("<>")
        by = event.referred_by or ""
        if self.spoil_refer:
            by = by.replace("%3d", "%3D")
        party = self.party()
        session = self.stack.endpoint.invite(
            OutgoingInvite(
                uri=uri,
                from_=f"<sip:+390612345678@{TRUNK};user=phone>",
                to=f"<{uri}>",
                contact=self.contact,
                hop=Hop(PROXIES[0], int(uri.split(":")[2].split(";")[0]), "tls"),
                sdp=party.offer(),
                headers=(("Referred-By", by),),
            ),
            now,
        )
        self.parties[session] = party
        self._refers[session] = (event.session, event.refer)

    def _notify(self, session: str, status: int, now: int) -> None:
        """Tell whoever sent the REFER how the call that followed ended."""
        if session in self._refers:
            referring, refer = self._refers.pop(session)
            self.stack.endpoint.notify_refer(referring, refer, status, "", final=True, now=now)


@dataclass(frozen=True)
class World:
    """The simulated proxies and a border controller before them."""

    teams: DirectRoutingSimulator
    sbc: Sbc
    report: Report
    proxy_port: int
    messages: MessageRecorder

    def intervals(self) -> list[str]:
        """Return the session intervals of the INVITEs that the proxies got."""
        seen = [m.raw for m in self.messages.messages if m.is_incoming and m.what == "INVITE"]
        found = [_INTERVAL.search(raw) for raw in seen]
        return [match.group(1).decode() for match in found if match is not None]


def colleague(**changes: object) -> TeamsUser:
    """Return a second Teams user, at +14255550102, who speaks 520 Hz."""
    fields: dict[str, object] = {
        "oid": "99999999-2222-3333-4444-555555555555",
        "upn": "bert@cust1.test",
        "name": "Bert Example",
        "number": "+14255550102",
        "tone_hz": 520,
        **changes,
    }
    return user(**fields)


def user(**changes: object) -> TeamsUser:
    """Return a Teams user at +14255550101 who speaks 500 Hz."""
    fields: dict[str, object] = {
        "oid": "11111111-2222-3333-4444-555555555555",
        "upn": "anna@cust1.test",
        "name": "Anna Example",
        "number": "+14255550101",
        "tone_hz": 500,
        "answer_after_ms": 120,
        **changes,
    }
    return TeamsUser(**fields)  # type: ignore[arg-type] # fields of the struct


@asynccontextmanager
async def world(
    folder: Path,
    *users: TeamsUser,
    certificate_name: str = TRUNK,
    faults: tuple[Fault, ...] = (),
    style: Style | None = None,
    failover_time_ms: int = 10000,
    forward_call_history: bool = False,
    identity: Identity | None = None,
    eku: Literal["off", "warn", "strict"] = "warn",
    **changes: object,
) -> AsyncIterator[World]:
    """Run the proxies with these users, and a border controller.

    Args:
        folder: for certificates.
        users: the Teams users.
        certificate_name: the name in the border controller's certificate.
        faults: what goes wrong.
        style: how the border controller describes its media.
        failover_time_ms: of the trunk.
        forward_call_history: of the trunk.
        identity: the border controller's certificate, when the usual one will not do.
        eku: the rule about client authentication.
        changes: of the settings of the proxies.
    """
    port, sbc_port = free_tcp_port("127.0.0.2"), free_tcp_port()
    names = {
        **{name: f"127.0.0.{2 + i}" for i, name in enumerate(PROXIES)},
        "*.pstnhub.test": "127.0.0.2",
        TRUNK: "127.0.0.1",
        "dead.sbc.test": "127.0.0.1",
    }
    issued = trusted_authority().issue(*PROXIES, "*.pstnhub.test")
    certificate, key = issued.write(folder, "proxies")
    ports = free_udp_range(60)
    settings = DirectRouting(
        proxies=tuple(
            Proxy(fqdn=name, address=f"127.0.0.{2 + i}", port=port)
            for i, name in enumerate(PROXIES)
        ),
        tls=TlsFiles(
            certificate=str(certificate),
            private_key=str(key),
            authorities=str(trusted_authority().write(folder)),
            require_client_auth_eku=eku,
        ),
        tenants=(
            Tenant(
                id="t1",
                domains=("cust1.sbc.test", "dead.sbc.test"),
                users=users,
                trunks=(TRUNK, "dead.sbc.test"),
            ),
        ),
        trunks=(
            TrunkSettings(
                fqdn=TRUNK,
                port=sbc_port,
                failover_time_ms=failover_time_ms,
                forward_call_history=forward_call_history,
            ),
            TrunkSettings(fqdn="dead.sbc.test", port=free_tcp_port()),
        ),
        faults=faults,
    )
    line = Carrier(
        address="127.0.0.1",
        port=0,
        target_host="127.0.0.1",
        target_port=9,
        callers=(Caller(number="+390612345678", called="x", tone_hz=SBC_TONE),),
        subscribers=(Subscriber(number="+390612345679", tone_hz=TAKEN_TONE),),
    )
    scenario = Scenario(
        names=names,
        direct_routing=settings,
        carrier=line,
        media_ports=(ports[0], ports[-1]),
    )
    settings = msgspec.structs.replace(settings, **changes)
    scenario = msgspec.structs.replace(scenario, direct_routing=settings)
    report = Report(lambda: 0.0)
    own = identity or trusted_authority().issue(certificate_name)
    sbc = Sbc(names, folder, own, style or Style(is_secure=True))
    sbc.port = sbc_port
    async with DirectRoutingSimulator(scenario, settings, report) as teams:
        await sbc.start()
        try:
            messages = MessageRecorder(asyncio.get_running_loop().time)
            teams.stack.record = messages.recorder("direct-routing")
            yield World(teams, sbc, report, port, messages)
        finally:
            await sbc.close()
