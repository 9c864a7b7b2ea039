# SPDX-License-Identifier: Apache-2.0
"""The SIP proxies: three addresses, one service.

One endpoint answers for all three, as dialogs may move between them. Requests are
looked at before the endpoint sees them, so that faults of the scenario can happen to
them. Every message can be recorded as a JSON line for ladders and assertions.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Protocol

from centralino.simulators.direct_routing import tls
from centralino.simulators.direct_routing.dress import (
    ALLOW,
    PRODUCT,
    opaque,
    upper_case_names,
)
from centralino.simulators.direct_routing.faults import FaultBook
from centralino.simulators.direct_routing.outgoing import UserOutgoingCall
from centralino.simulators.direct_routing.reception import Reception
from centralino.simulators.direct_routing.services import Services
from centralino.simulators.direct_routing.tenancy import Directory
from centralino.simulators.direct_routing.transfer import TransferBook
from centralino.simulators.direct_routing.trunk_watch import TrunkWatch
from centralino.simulators.direct_routing.user import UserCall
from centralino.simulators.party.description import Style
from centralino.simulators.party.hub import MediaHub
from centralino.simulators.transport import FarStack
from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import (
    RequestFinished,
    RequestReceived,
    SessionInvited,
    SipEvent,
)
from centralino.wire.sip.flow import Hop

if TYPE_CHECKING:
    from types import TracebackType

    from centralino.simulators.report import Report
    from centralino.simulators.scenario import (
        DirectRouting,
        OutgoingCall,
        Proxy,
        Scenario,
    )


REGIONS = ("eu", "us", "as")


class Call(Protocol):
    """A call of a Teams user."""

    def handle(self, event: SipEvent) -> None:
        """Take an event of the call's session."""
        ...

    def close(self) -> None:
        """Drop everything without a word."""
        ...


class DirectRoutingSimulator:
    """Microsoft's side of Direct Routing; use as an async context manager."""

    def __init__(self, scenario: Scenario, settings: DirectRouting, report: Report) -> None:
        self.settings = settings
        self.report = report
        self.rng = random.Random(f"{scenario.seed}/direct-routing")
        first, last = scenario.media_ports
        self.hub = MediaHub(
            scenario.media_address, (first, first + (last - first) // 2 - 1), self.rng
        )
        self.directory = Directory(settings)
        self.style = Style(
            codecs=settings.codecs,
            is_secure=True,
            writes_mki_line=settings.offer_mki_line,
            is_microsoft=True,
            rtcp_mux=settings.rtcp_mux,
            offers_more=settings.offers_more,
        )
        self.tones = caller_tones(scenario)
        home = settings.proxies[0]
        self.transfers = TransferBook(self.rng, home.fqdn, home.port)
        self.watch = TrunkWatch(self)
        self.health = self.watch.health
        self.services = Services(self)
        self.reception = Reception(self)
        self.ports: dict[str, int] = {}
        self._calls: dict[str, Call] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self.stack = FarStack(
            EndpointConfig(
                user_agent=PRODUCT,
                allow=ALLOW,
                supported=("timer",),
                session_expires_s=settings.session_expires_s,
                min_se_s=settings.min_se_s,
                sent_by=self.sent_by(),
            ),
            token=self.token,
            names=scenario.names,
            on_event=self._event,
        )
        if settings.upper_case_headers:
            self.stack.rewrite = upper_case_names
        self.stack.connects_for_each_request = settings.connects_for_each_request
        self.stack.connects_from_own_addresses = settings.connects_from_own_addresses
        self.faults = FaultBook(settings, self.stack)
        self.faults.watch(self)
        self.stack.inspect = self.faults.inspect

    async def __aenter__(self) -> DirectRoutingSimulator:
        """Listen on the three addresses."""
        files = self.settings.tls
        self.stack.client_tls = tls.client_context(files)
        for proxy in self.settings.proxies:
            context = tls.server_context(files, self.watch.handshake_failed)
            self.ports[proxy.fqdn] = await self.stack.listen_stream(
                proxy.address, proxy.port, context
            )
        self.watch.start()
        loop = asyncio.get_running_loop()
        for plan in self.settings.calls:
            self._timers.append(loop.call_later(plan.at_ms / 1000, self.place, plan))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        for timer in self._timers:
            timer.cancel()
        self.watch.close()
        self.services.close()
        for call in list(self._calls.values()):
            call.close()
        self.hub.close()
        await self.stack.close()

    # ---- words of ours

    def token(self) -> str:
        """Return a random word."""
        return f"{self.rng.getrandbits(80):020x}"

    def _regional(self, label: str) -> str:
        home = self.settings.proxies[0].fqdn
        return f"{label}.{home.partition('.')[2]}"

    def _label(self, region: Proxy | None) -> str:
        proxies = self.settings.proxies
        proxy = region or proxies[0]
        place = next((i for i, p in enumerate(proxies) if p.fqdn == proxy.fqdn), 0)
        return proxy.region or REGIONS[place % len(REGIONS)]

    def sent_by(self, region: Proxy | None = None) -> str:
        """Return the host of the Via of a region; the first proxy's when none is given."""
        port = self.settings.proxies[0].port
        return f"{self._regional(f'sip-du-a-{self._label(region)}')}:{port}"

    def record_route(self, region: Proxy | None = None) -> str:
        """Return the Record-Route value of a region."""
        return f"<sip:{self.sent_by(region)};transport=tls;lr>"

    def hop(self, host: str, port: int, region: Proxy | None = None) -> Hop:
        """Return the way to an SBC from a region."""
        proxy = region or self.settings.proxies[0]
        own = proxy.address if self.settings.connects_from_own_addresses else None
        return Hop(host, port, "tls", trunk=own, sent_by=self.sent_by(region))

    def contact(self) -> str:
        """Return a Contact at a host of its own, with parameters nobody may touch."""
        host = self._regional("api-du-a-euwe")
        port = self.settings.proxies[0].port
        return f"<sip:{host}:{port};transport=tls;{opaque(self.rng)}>"

    def answer_headers(self, invited: SessionInvited) -> tuple[tuple[str, str], ...]:
        """Return what our responses to an INVITE carry beside the usual."""
        own = invited.request.headers.values("Record-Route")
        return (("Record-Route", ",".join([self.record_route(), *own])),)

    def adopt(self, session: str, call: Call) -> None:
        """Lead a session's events to ``call``."""
        self._calls[session] = call

    def forget(self, session: str) -> None:
        """Lead them nowhere."""
        self._calls.pop(session, None)

    def user_call(self, session: str) -> UserCall | None:
        """Return the call to a Teams user with that session."""
        call = self._calls.get(session)
        return call if isinstance(call, UserCall) else None

    def user_calls(self) -> list[UserCall]:
        """Return the calls to Teams users there are."""
        return [call for call in self._calls.values() if isinstance(call, UserCall)]

    # ---- calls of users

    def place(self, plan: OutgoingCall) -> UserOutgoingCall | None:
        """Let a Teams user call a number now."""
        for tenant in self.settings.tenants:
            user = self.directory.user_by_oid(tenant, plan.user)
            if user is not None:
                call = UserOutgoingCall(self, tenant, user, plan)
                call.begin()
                return call
        return None

    # ---- events

    def _event(self, event: SipEvent, now: int) -> None:
        match event:
            case RequestReceived():
                self.watch.options_received(event, now)
            case RequestFinished():
                self.watch.options_answered(event)
            case SessionInvited():
                self.reception.receive(event, now)
            case _:
                call = self._calls.get(getattr(event, "session", ""))
                if call is not None:
                    call.handle(event)


def caller_tones(scenario: Scenario) -> tuple[int, ...]:
    """Return every tone a Teams user may hear: callers' and other users'."""
    tones: set[int] = set()
    if scenario.carrier is not None:
        tones |= {caller.tone_hz for caller in scenario.carrier.callers}
        tones |= {subscriber.tone_hz for subscriber in scenario.carrier.subscribers}
    if scenario.direct_routing is not None:
        for tenant in scenario.direct_routing.tenants:
            tones |= {user.tone_hz for user in tenant.users}
    return tuple(sorted(tones))
