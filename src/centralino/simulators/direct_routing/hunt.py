# SPDX-License-Identifier: Apache-2.0
"""One call to a number over the trunks of a tenant, tried one after the other.

A connection that fails leads to the same trunk once more from another region. No
response within the trunk's failover time, or one of its failover codes, leads to the next
trunk; any other refusal is final. A trunk that says Retry-After stands last for that long
(Microsoft "Trunk failover on outbound calls").
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.transport import CONNECTION_LOST
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.events import (
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import Proxy, TrunkSettings

NO_RESPONSE = 500001
NO_CONNECTION = 569002
LOST_CONNECTION = 549002
REFUSED_BY_SBC = 560000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is called, for whom and with what."""

    number: str
    caller: str
    """User part of From; empty: anonymous."""
    offer: bytes = b""
    name: str = ""
    payer: str = ""
    """Number in P-Asserted-Identity, where the trunk wants it."""
    cause: int = 0
    """``cause`` parameter of the Request-URI of a forwarded call."""
    headers: tuple[tuple[str, str], ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    """Headers for trunks with forwarded call history only."""


class Hunter(Protocol):
    """Whom a hunt reports to."""

    def placed(self, fqdn: str, *, is_again: bool) -> None:
        """An INVITE went out."""

    def progressed(self, status: int) -> None:
        """It rings or so."""

    def answered(self, event: SessionAnswered) -> None:
        """Somebody answered."""

    def refused(self, status: int | None, cause: str) -> None:
        """One trunk refused; perhaps there is another."""

    def failed(self, status: int | None, cause: str, subcode: int) -> None:
        """No trunk is left, or the refusal is final. Last call."""

    def ended(self, cause: str) -> None:
        """The answered call is over. Last call."""

    def in_call(self, event: SipEvent) -> None:
        """Something else happened in the answered call."""

    def close(self) -> None:
        """Drop everything without a word."""


class TrunkHunt:
    """The INVITEs of one call from Teams."""

    def __init__(
        self,
        proxy: DirectRoutingSimulator,
        trunks: list[tuple[str, TrunkSettings]],
        wanted: Wanted,
        hunter: Hunter,
    ) -> None:
        self._proxy = proxy
        self._trunks = list(trunks)
        self._wanted = wanted
        self._hunter = hunter
        self._timer: asyncio.TimerHandle | None = None
        self._current: tuple[str, TrunkSettings] | None = None
        self._is_again = False
        self._is_over = False
        self._last: tuple[int | None, str, int] = (None, "no-trunk", 0)
        self.session = ""
        self.tried: list[str] = []
        self.is_answered = False

    def begin(self) -> None:
        """Try the first trunk."""
        if not self._trunks:
            self._give_up()
            return
        self._current = self._trunks.pop(0)
        self._is_again = False
        self.tried.append(self._current[0])
        self._place(*self._current)

    def _place(self, fqdn: str, trunk: TrunkSettings) -> None:
        proxy = self._proxy
        proxy.forget(self.session)
        invite = self._invite(fqdn, trunk)
        self.session = proxy.stack.endpoint.invite(invite, proxy.stack.now())
        proxy.adopt(self.session, self)
        self._hunter.placed(fqdn, is_again=self._is_again)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(trunk.failover_time_ms / 1000, self._no_response)
        proxy.stack.flush()

    def _invite(self, fqdn: str, trunk: TrunkSettings) -> OutgoingInvite:
        proxy, wanted = self._proxy, self._wanted
        region = proxy.watch.region_for(fqdn, trunk)
        if self._is_again:
            region = _another(region, proxy.settings.proxies)
        cause = f";cause={wanted.cause}" if wanted.cause else ""
        uri = f"sip:{wanted.number}@{fqdn}:{trunk.port};user=phone;transport=tls{cause}"
        headers = [("Record-Route", proxy.record_route(region)), *wanted.headers]
        if trunk.forward_call_history:
            headers += wanted.history
        if trunk.forward_pai and wanted.payer:
            sip = f"<sip:{wanted.payer}@{region.fqdn}:{region.port};user=phone>"
            headers += [
                ("P-Asserted-Identity", f"<tel:{wanted.payer}>,{sip}"),
                ("Privacy", "id"),
            ]
        return OutgoingInvite(
            uri=uri,
            from_=self._from(region),
            to=f"<{uri}>",
            contact=proxy.contact(),
            hop=proxy.hop(fqdn, trunk.port, region),
            sdp=wanted.offer,
            headers=tuple(headers),
        )

    def _from(self, region: Proxy) -> str:
        wanted = self._wanted
        if not wanted.caller:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        name = f'"{wanted.name}" ' if wanted.name else ""
        return f"{name}<sip:{wanted.caller}@{region.fqdn}:{region.port};user=phone>"

    # ---- what comes

    def handle(self, event: SipEvent) -> None:
        """Take an event of the session of now."""
        match event:
            case SessionProgressed(status=status):
                self._stop_timer()
                self._hunter.progressed(status)
            case SessionAnswered():
                self._stop_timer()
                self.is_answered = True
                self._hunter.answered(event)
            case SessionFailed():
                self._failed(event)
            case SessionEnded(cause=cause):
                self._finish()
                self._hunter.ended(cause)
            case SessionReoffered() | _:
                self._hunter.in_call(event)

    def _no_response(self) -> None:
        stack = self._proxy.stack
        self._last = (408, "timeout", NO_RESPONSE)
        stack.endpoint.cancel(
            self.session,
            stack.now(),
            headers=(("Reason", reason(self._proxy.rng, "Failover timer expired")),),
        )
        self.begin()
        stack.flush()

    def _failed(self, event: SessionFailed) -> None:
        self._stop_timer()
        status, cause = event.status, event.cause
        if self._current is None:
            return
        fqdn, trunk = self._current
        self._last = (status, cause, _subcode(event))
        self._hunter.refused(status, cause)
        if event.retry_after_s is not None:
            self._proxy.watch.left_alone(fqdn, event.retry_after_s)
        if self._is_over:
            self._finish()
            self._hunter.failed(*self._last)
        elif cause == "transport" and not self._is_again:
            self._is_again = True
            self._place(fqdn, trunk)
        elif cause in ("timeout", "transport") or status in trunk.failover_codes:
            self.begin()
        else:
            self._give_up()

    def _give_up(self) -> None:
        self._finish()
        self._hunter.failed(*self._last)

    def _finish(self) -> None:
        self._is_over = True
        self._stop_timer()
        self._proxy.forget(self.session)

    # ---- orders

    def hang_up(self, why: str = "") -> None:
        """Cancel or end the call; ``why`` is a Reason for the CANCEL."""
        if self._is_over:
            return
        stack = self._proxy.stack
        if self.is_answered:
            stack.endpoint.bye(self.session, stack.now())
        else:
            self._is_over = True
            self._stop_timer()
            headers = (("Reason", why),) if why else ()
            stack.endpoint.cancel(self.session, stack.now(), headers)
        stack.flush()

    def close(self) -> None:
        """Drop everything without a word, whoever hunts included."""
        self.drop()
        self._hunter.close()

    def drop(self) -> None:
        """Do nothing more."""
        self._is_over = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _subcode(event: SessionFailed) -> int:
    if event.status is not None:
        return REFUSED_BY_SBC + event.status
    if event.cause == "timeout":
        return NO_RESPONSE
    return LOST_CONNECTION if event.detail == CONNECTION_LOST else NO_CONNECTION


def _another(region: Proxy, proxies: tuple[Proxy, ...]) -> Proxy:
    place = next((i for i, p in enumerate(proxies) if p.fqdn == region.fqdn), 0)
    return proxies[(place + 1) % len(proxies)]
