# SPDX-License-Identifier: Apache-2.0
"""Servers inside Microsoft that take calls by REFER: music on hold and call park.

The REFER names a service instead of a user; the INVITE that follows is answered at once
and hears the service's tone. The call comes back by an INVITE with Replaces: from the
user who held it, from whoever retrieves it, or from the one who picks up a call from a
queue (Microsoft "Direct Routing - SIP protocol"; fact sheet, sections 12 and 13).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from centralino.simulators.direct_routing.outgoing import UserOutgoingCall
from centralino.simulators.scenario import Action, OutgoingCall, TeamsUser
from centralino.wire.sip.uri import SipUri, parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.direct_routing.talk import Talk
    from centralino.simulators.direct_routing.transfer import Transfer
    from centralino.simulators.scenario import Tenant, TrunkSettings

MUSIC_HZ, PARK_HZ = 1180, 1260
_HZ = {"music": MUSIC_HZ, "park": PARK_HZ}


@dataclass(frozen=True, slots=True)
class Return:
    """Who gets a call back from a service, and when."""

    oid: str
    after_ms: int | None
    """From the answer of the service; None: the call stays there."""
    customer: str
    actions: tuple[Action, ...] = ()


class Services:
    """Music, park, and calls taken over."""

    def __init__(self, proxy: DirectRoutingSimulator) -> None:
        self._proxy = proxy
        self._returns: dict[str, Return] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """Bring nothing back any more."""
        for timer in self._timers:
            timer.cancel()

    # ---- into a service

    def hold_with_music(self, call: Talk, hold: Action, rest: tuple[Action, ...]) -> None:
        """Hold a call by REFER to the music service; ``rest`` is what its user does later."""
        resume = next((action for action in rest if action.do == "resume"), None)
        after_ms = None if resume is None else resume.at_ms - hold.at_ms
        later = tuple(
            msgspec.structs.replace(action, at_ms=action.at_ms - resume.at_ms)
            for action in rest
            if resume is not None and action.at_ms > resume.at_ms
        )
        self._send_to(call, "music", Return(call.user.oid, after_ms, call.customer, later))

    def park(self, call: Talk, action: Action) -> None:
        """Park a call for the user that the action names."""
        after_ms = self._proxy.settings.park_for_ms
        self._send_to(call, "park", Return(action.target, after_ms, call.customer))

    def _send_to(self, call: Talk, service: str, plan: Return) -> None:
        if not call.may_refer:
            call.tell("service-needs-refer", service=service)
            return
        transfer = self._proxy.transfers.make(call.tenant.id, call.user.oid, service=service)
        self._returns[transfer.correlation] = plan
        call.refer(transfer)

    def user_of(self, transfer: Transfer) -> TeamsUser:
        """Return the service as somebody who can be called."""
        service = transfer.service
        return TeamsUser(
            oid=f"28:{service}",
            upn=f"{service}@service",
            name=service.capitalize(),
            number="",
            tone_hz=_HZ[service],
            behaviour="immediate-answer",
        )

    # ---- and out of it

    def answered(self, transfer: Transfer, session: str, tenant: Tenant) -> None:
        """Take notice that the service has the call of ``session``."""
        plan = self._returns.pop(transfer.correlation, None)
        if plan is None or plan.after_ms is None:
            return
        self._after(
            plan.after_ms,
            lambda: self.pick_up(session, tenant, plan.oid, plan.customer, actions=plan.actions),
        )

    def pick_up(
        self,
        session: str,
        tenant: Tenant,
        oid: str,
        customer: str,
        *,
        actions: tuple[Action, ...] = (),
    ) -> None:
        """Let a user take over the call of ``session`` by INVITE with Replaces."""
        proxy = self._proxy
        dialog = proxy.stack.endpoint.checkpoint(session)
        user = proxy.directory.user_by_oid(tenant, oid)
        trunk = None if dialog is None else self._trunk_of(dialog.remote_target)
        if dialog is None or user is None or trunk is None:
            proxy.report.add("direct-routing", "pick-up.impossible", user=oid)
            return
        replaces = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
        plan = OutgoingCall(at_ms=0, user=oid, number=customer, talk_for_ms=0, actions=actions)
        call = UserOutgoingCall(proxy, tenant, user, plan, replaces=replaces, trunk=trunk)
        call.begin()

    def _trunk_of(self, contact: str) -> tuple[str, TrunkSettings] | None:
        uri = parse_uri(contact)
        host = uri.host if isinstance(uri, SipUri) else ""
        trunk = self._proxy.directory.trunk_of(host)
        return None if trunk is None else (host, trunk)

    def _after(self, delay_ms: int, call: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._timers.add(loop.call_later(delay_ms / 1000, call))
