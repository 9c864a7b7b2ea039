# SPDX-License-Identifier: Apache-2.0
"""Where an INVITE from an SBC leads: a user, a forward, a transfer's target, or nowhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from centralino.simulators.direct_routing import history
from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.direct_routing.hairpin import HairpinCall
from centralino.simulators.direct_routing.rules import Refused, admit, check_shape, contact_host
from centralino.simulators.direct_routing.user import UserCall

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import TeamsUser, Tenant
    from centralino.wire.sip.events import SessionInvited


class Reception:
    """Takes INVITEs of SBCs."""

    def __init__(self, proxy: DirectRoutingSimulator) -> None:
        self._proxy = proxy
        self._taken: Counter[str] = Counter()
        """User to how many calls have reached him."""

    def receive(self, event: SessionInvited, now: int) -> None:
        """Lead a call to where it belongs, or refuse it."""
        try:
            if self._proxy.transfers.is_replacement(event.request):
                self._after_transfer(event)
            else:
                self._new_call(event)
        except Refused as refused:
            self._refuse(event, refused, now)

    def _refuse(self, event: SessionInvited, refused: Refused, now: int) -> None:
        proxy = self._proxy
        proxy.report.add(
            "direct-routing",
            "invite.refused",
            status=refused.status,
            subcode=refused.subcode,
            sentence=refused.sentence,
        )
        headers = (
            ("Reason", reason(proxy.rng, refused.sentence)),
            ("X-Lab-SubCode", str(refused.subcode)),
        )
        proxy.stack.endpoint.reject(event.session, refused.status, now, headers=headers)

    def _new_call(self, event: SessionInvited) -> None:
        proxy = self._proxy
        admitted = admit(event.request, proxy.directory, event.flow.peer_names)
        user, tenant = admitted.user, admitted.tenant
        if admitted.goes_to_voicemail or not user.forward_to:
            call = self._call(tenant, user, event)
            call.begin(to_voicemail=admitted.goes_to_voicemail)
            return
        self._require_no_loop(event, user)
        if user.forward_to.startswith("+"):
            self._call(tenant, user, event).forward(user.forward_to)
            return
        target = proxy.directory.user_by_oid(tenant, user.forward_to)
        if target is None:
            raise Refused(480, 10037, "The forward's target was not found")
        proxy.stack.endpoint.ring(
            event.session,
            proxy.stack.now(),
            status=181,
            headers=proxy.answer_headers(event),
        )
        self._call(tenant, target, event).begin()

    def _call(self, tenant: Tenant, user: TeamsUser, event: SessionInvited) -> UserCall:
        call = UserCall(self._proxy, tenant, self._in_turn(user), event)
        self._proxy.adopt(event.session, call)
        return call

    def _in_turn(self, user: TeamsUser) -> TeamsUser:
        """Return the user as he is for his next call."""
        if not user.turns:
            return user
        turn = user.turns[self._taken[user.oid] % len(user.turns)]
        self._taken[user.oid] += 1
        return msgspec.structs.replace(
            user,
            behaviour=turn.behaviour,
            answer_after_ms=turn.answer_after_ms,
            actions=turn.actions,
        )

    def _require_no_loop(self, event: SessionInvited, user: TeamsUser) -> None:
        """Refuse a call that comes round again.

        Raises:
            Refused: History-Info shows it, or too many calls to him are open at once.
        """
        open_now = [call for call in self._proxy.user_calls() if call.user.oid == user.oid]
        is_loop = history.is_loop(history.entries_of(event.request), user.number)
        if is_loop or len(open_now) >= self._proxy.settings.most_forwards:
            raise Refused(500, 510482, "Loop detected")

    def _after_transfer(self, event: SessionInvited) -> None:
        proxy = self._proxy
        check_shape(event.request)
        tenant = proxy.directory.tenant_of(contact_host(event.request))
        if tenant is None:
            raise Refused(403, 510532, "No trunk config was found")
        transfer = proxy.transfers.verify(event.request, tenant.id)
        proxy.report.add("direct-routing", "transfer.verified", correlation=transfer.correlation)
        if transfer.service:
            call = self._call(tenant, proxy.services.user_of(transfer), event)
            call.begin()
            proxy.services.answered(transfer, event.session, tenant)
            return
        user = (
            proxy.directory.user_by_oid(tenant, transfer.target_oid)
            if transfer.target_oid
            else proxy.directory.user_by_number(tenant, transfer.target_number)
        )
        if user is not None:
            self._call(tenant, user, event).begin(at_once=transfer.is_consulted)
        elif transfer.target_number:
            hairpin = HairpinCall(proxy, tenant, event, transfer)
            proxy.adopt(event.session, hairpin)
            hairpin.begin()
        else:
            raise Refused(404, 10202, "The transfer's target was not found")
