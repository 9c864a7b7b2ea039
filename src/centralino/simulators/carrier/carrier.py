# SPDX-License-Identifier: Apache-2.0
"""The carrier's SIP side and its arrivals."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from centralino.simulators.carrier.caller import CallerCall
from centralino.simulators.carrier.late_offer import LateOffers
from centralino.simulators.carrier.subscriber import SubscriberCall
from centralino.simulators.party.hub import MediaHub
from centralino.simulators.transport import FarStack
from centralino.wire.sip.config import EndpointConfig, OutgoingInvite
from centralino.wire.sip.events import RequestReceived, SessionInvited, SipEvent
from centralino.wire.sip.flow import Hop
from centralino.wire.sip.message import response_to
from centralino.wire.sip.uri import SipUri, parse_uri

if TYPE_CHECKING:
    from types import TracebackType

    from centralino.simulators.party.party import Party
    from centralino.simulators.report import Report
    from centralino.simulators.scenario import Caller, Carrier, Scenario


class CarrierSimulator:
    """A carrier trunk's far end; use as an async context manager."""

    def __init__(self, scenario: Scenario, settings: Carrier, report: Report) -> None:
        self.settings = settings
        self.report = report
        self._rng = random.Random(f"{scenario.seed}/carrier")
        # Of its own, so that who comes when does not depend on how fast messages go.
        self._arrival_rng = random.Random(f"{scenario.seed}/arrivals")
        first, last = scenario.media_ports
        self.hub = MediaHub(scenario.media_address, (first + (last - first) // 2, last), self._rng)
        listened = {caller.tone_hz for caller in settings.callers} | {*settings.listen_for_hz}
        self.tones = tuple(sorted(listened))
        self._calls: dict[str, CallerCall | SubscriberCall] = {}
        self._placed = 0
        self._arrivals: asyncio.Task[None] | None = None
        self.port = settings.port
        self.stack = FarStack(
            EndpointConfig(user_agent="Carrier-Simulator", supported=("timer",)),
            token=lambda: f"{self._rng.getrandbits(80):020x}",
            names=scenario.names,
            on_event=self._event,
        )

        self._late_offers = LateOffers(self.stack)
        self._call_ids: dict[str, str] = {}

    @property
    def contact(self) -> str:
        """Our Contact value."""
        return (
            f"<sip:carrier@{self.settings.address}:{self.port};transport={self.settings.transport}>"
        )

    async def __aenter__(self) -> CarrierSimulator:
        """Open the sockets."""
        if self.settings.transport == "udp":
            self.port = await self.stack.listen_udp(self.settings.address, self.settings.port)
        else:
            self.port = await self.stack.listen_stream(self.settings.address, self.settings.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        if self._arrivals is not None:
            self._arrivals.cancel()
        for call in list(self._calls.values()):
            if isinstance(call, CallerCall):
                call.party.close()
        self.hub.close()
        await self.stack.close()

    # ---- calls

    def call(self, plan: Caller) -> CallerCall:
        """Place one call now."""
        self._placed += 1
        call = CallerCall(self, plan, f"caller-{self._placed}")
        call.begin()
        self._calls[call.session] = call
        self.stack.flush()
        return call

    async def send_callers(self) -> None:
        """Send callers as the scenario's arrivals say; returns when the last has gone."""
        arrivals, loop = self.settings.arrivals, asyncio.get_running_loop()
        started = loop.time()
        due = started + arrivals.first_after_ms / 1000
        for number in range(arrivals.most):
            if due - started > arrivals.stop_after_ms / 1000:
                break
            await _at(due)
            if len(self._calls) < arrivals.at_once:
                self.call(self._next_caller(number))
            due += self._arrival_rng.expovariate(1000 / arrivals.interarrival_ms)
        while self._calls:
            await _at(loop.time() + 0.1)
        self.report.add("carrier", "arrivals.done", placed=self._placed)

    def _next_caller(self, number: int) -> Caller:
        callers = self.settings.callers
        return callers[number] if number < len(callers) else self._arrival_rng.choice(callers)

    def place(self, plan: Caller, party: Party) -> str:
        """Send the INVITE of a caller; return the session."""
        settings = self.settings
        call_id = f"{self._rng.getrandbits(80):020x}@{settings.address}"
        if plan.has_late_offer:
            self._late_offers.expect(call_id, party.answer)
        host = f"{settings.address}:{self.port}"
        user = "anonymous" if plan.is_anonymous else plan.number
        name = f'"{plan.name}" ' if plan.name and not plan.is_anonymous else ""
        origin = (
            '"Anonymous" <sip:anonymous@anonymous.invalid>'
            if plan.is_anonymous
            else f"{name}<sip:{user}@{host};user=phone>"
        )
        target = f"sip:{plan.called}@{settings.target_host}:{settings.target_port};user=phone"
        session = self.stack.endpoint.invite(
            OutgoingInvite(
                uri=target,
                from_=origin,
                to=f"<{target}>",
                contact=self.contact,
                hop=Hop(settings.target_host, settings.target_port, settings.transport),
                sdp=party.offer(),
                call_id=call_id,
                headers=(("Privacy", "id"),) if plan.is_anonymous else (),
            ),
            self.stack.now(),
        )
        self._call_ids[session] = call_id
        return session

    def press(self, call: CallerCall, key: str) -> None:
        """Send a key the way the scenario says."""
        if self.settings.dtmf == "rfc4733":
            call.party.press(key)
            return
        body = f"Signal={key}\r\nDuration=100\r\n".encode()
        self.stack.endpoint.info(call.session, self.stack.now(), "application/dtmf-relay", body)
        self.stack.flush()

    def forget(self, call: CallerCall | SubscriberCall) -> None:
        """Drop a call that is over."""
        self._calls.pop(call.session, None)
        self._late_offers.forget(self._call_ids.pop(call.session, ""))

    def caller_calls(self) -> list[CallerCall]:
        """Return the calls of callers there are now."""
        return [call for call in self._calls.values() if isinstance(call, CallerCall)]

    @property
    def calls_at_once(self) -> int:
        """How many calls are there now."""
        return len(self._calls)

    # ---- events

    def _event(self, event: SipEvent, now: int) -> None:
        match event:
            case RequestReceived(transaction=transaction, request=request):
                self.stack.endpoint.respond(transaction, response_to(request, 200), now)
            case SessionInvited():
                self._invited(event, now)
            case _:
                call = self._calls.get(getattr(event, "session", ""))
                if call is not None:
                    call.handle(event)

    def _invited(self, event: SessionInvited, now: int) -> None:
        uri = parse_uri(event.request.uri)
        number = (uri.user or "") if isinstance(uri, SipUri) else ""
        plan = next((s for s in self.settings.subscribers if s.number == number), None)
        if plan is None:
            self.report.add("carrier", "subscriber.unknown", number=number)
            self.stack.endpoint.reject(event.session, 404, now)
            return
        call = SubscriberCall(self, plan, event)
        self._calls[event.session] = call
        call.begin()


async def _at(when: float) -> None:
    """Return when the loop's clock shows ``when``."""
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[None] = loop.create_future()
    handle = loop.call_at(when, _reach, reached)
    try:
        await reached
    finally:
        handle.cancel()


def _reach(moment: asyncio.Future[None]) -> None:
    if not moment.done():
        moment.set_result(None)
