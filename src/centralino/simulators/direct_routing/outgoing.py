# SPDX-License-Identifier: Apache-2.0
"""One call that a Teams user places to a number, over the trunks of his tenant.

Healthy trunks come in random order, demoted ones last. No response within the trunk's
failover time, or one of its failover codes, leads to the next trunk; any other
refusal is final (Microsoft "Trunk failover on outbound calls").
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.party import Party
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.events import (
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionReoffered,
    SipEvent,
)
from centralino.wire.sip.flow import Hop

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import OutgoingCall, TeamsUser, Tenant, TrunkSettings


class UserOutgoingCall:
    """A call from a Teams user to the SBC."""

    def __init__(
        self, proxy: DirectRoutingSimulator, tenant: Tenant, user: TeamsUser, plan: OutgoingCall
    ) -> None:
        self._proxy = proxy
        self._tenant = tenant
        self._user = user
        self._plan = plan
        self._trunks = proxy.watch.trunks_in_order(tenant)
        self._party = Party(
            proxy.hub,
            proxy.style,
            tone_hz=user.tone_hz,
            listen_for=proxy.tones,
            is_muted=user.is_muted,
        )
        self._party.on_heard = lambda hz: self._report("outgoing.heard", tone_hz=hz)
        self._offer = self._party.offer()
        self._timer: asyncio.TimerHandle | None = None
        self._tried: list[str] = []
        self._is_answered = False
        self._is_over = False
        self._was_timed_out = False
        self.session = ""

    def begin(self) -> None:
        """Try the first trunk."""
        self._try_next()

    def _try_next(self) -> None:
        if not self._trunks:
            self._over("no-trunk", None)
            return
        fqdn, trunk = self._trunks.pop(0)
        self._tried.append(fqdn)
        self._was_timed_out = False
        self._proxy.forget(self.session)
        self.session = self._proxy.stack.endpoint.invite(
            self._invite(fqdn, trunk), self._proxy.stack.now()
        )
        self._proxy.adopt(self.session, self)
        self._proxy.stack.flush()
        self._report("outgoing.placed", trunk=fqdn)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(trunk.failover_time_ms / 1000, self._no_response)
        self._codes = trunk.failover_codes

    def _invite(self, fqdn: str, trunk: TrunkSettings) -> OutgoingInvite:
        proxy = self._proxy
        home = proxy.settings.proxies[0]
        uri = f"sip:{self._plan.number}@{fqdn}:{trunk.port};user=phone;transport=tls"
        caller = f"sip:{self._user.number}@{home.fqdn}:{home.port};user=phone"
        headers: list[tuple[str, str]] = [("Record-Route", proxy.record_route())]
        if trunk.forward_pai:
            headers += [
                ("P-Asserted-Identity", f"<tel:{self._user.number}>,<{caller}>"),
                ("Privacy", "id"),
            ]
        return OutgoingInvite(
            uri=uri,
            from_=f'"{self._user.name}" <{caller}>',
            to=f"<{uri}>",
            contact=proxy.contact(),
            hop=Hop(fqdn, trunk.port, "tls", sent_by=proxy.sent_by()),
            sdp=self._offer,
            headers=tuple(headers),
        )

    def handle(self, event: SipEvent) -> None:
        """Take an event of this session."""
        match event:
            case SessionProgressed(status=status):
                self._stop_timer()
                self._report("outgoing.progress", status=status)
            case SessionAnswered(sdp=sdp):
                self._answered(sdp)
            case SessionReoffered(sdp=sdp):
                stack = self._proxy.stack
                answer = self._party.answer(sdp) if sdp else self._party.offer()
                stack.endpoint.accept_offer(self.session, answer, stack.now())
            case SessionFailed(status=status, cause=cause):
                self._failed(status, cause)
            case SessionEnded(cause=cause):
                self._over(cause, 200)
            case _:
                return

    def _answered(self, sdp: bytes | None) -> None:
        self._stop_timer()
        try:
            self._party.accept(sdp or b"")
        except DescriptionError as error:
            self._report("outgoing.refused-media", reason=error.reason)
            self.hang_up()
            return
        self._is_answered = True
        self._party.start()
        self._report("outgoing.answered")
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._plan.talk_for_ms / 1000, self.hang_up)

    def _no_response(self) -> None:
        stack = self._proxy.stack
        self._was_timed_out = True
        stack.endpoint.cancel(
            self.session,
            stack.now(),
            headers=(("Reason", reason(self._proxy.rng, "Failover timer expired")),),
        )
        self._try_next()
        stack.flush()

    def _failed(self, status: int | None, cause: str) -> None:
        self._stop_timer()
        may_fail_over = cause in ("timeout", "transport") or status in self._codes
        self._report("outgoing.refused", status=status, cause=cause)
        if may_fail_over and not self._was_timed_out:
            self._try_next()
        else:
            self._over(cause, status)

    def press(self, keys: str) -> None:
        """Press keys in the call."""
        self._party.press(keys)

    def hang_up(self) -> None:
        """End the call."""
        if not self._is_over:
            self._proxy.stack.endpoint.bye(self.session, self._proxy.stack.now())
            self._proxy.stack.flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self, how: str, status: int | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._stop_timer()
        self._party.close()
        self._report(
            "outgoing.ended",
            how=how,
            status=status,
            was_answered=self._is_answered,
            trunks=self._tried,
            tones_heard=self._party.ear.tones_heard(),
        )
        self._proxy.forget(self.session)

    def close(self) -> None:
        """Drop everything without a word."""
        self._stop_timer()
        self._party.close()

    def _report(self, what: str, **fields: object) -> None:
        self._proxy.report.add(
            "direct-routing",
            what,
            user=self._user.oid,
            number=self._plan.number,
            own_tone_hz=self._user.tone_hz,
            **fields,
        )
