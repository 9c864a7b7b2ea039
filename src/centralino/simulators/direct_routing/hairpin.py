# SPDX-License-Identifier: Apache-2.0
"""A call of the SBC that leads back to a trunk: what follows a transfer to a number.

The INVITE after the REFER comes to the proxies; they call the number over the tenant's
trunks and answer the first call when the second is answered. Audio goes from one to the
other; either end ends both, and what fails the second fails the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.direct_routing.hunt import Wanted
from centralino.simulators.direct_routing.number_leg import NumberLeg
from centralino.simulators.direct_routing.rules import Refused, caller_of
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.stream import Stream
from centralino.wire.sip.events import (
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionInvited,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.direct_routing.transfer import Transfer
    from centralino.simulators.scenario import Tenant


class HairpinCall:
    """The incoming half, and the owner of both."""

    def __init__(
        self,
        proxy: DirectRoutingSimulator,
        tenant: Tenant,
        invited: SessionInvited,
        transfer: Transfer,
    ) -> None:
        """Make the second call.

        Raises:
            Refused: the description of the first is of no use.
        """
        self._proxy = proxy
        self._invited = invited
        self._session = invited.session
        self._is_answered = False
        self._is_over = False
        self._stream = Stream(proxy.hub, proxy.style)
        try:
            self._answer = self._stream.answer(invited.sdp or b"")
        except DescriptionError as error:
            self._stream.close()
            raise Refused(error.status, 531000, error.reason) from error
        user = proxy.directory.user_by_oid(tenant, transfer.transferor_oid)
        payer = user.number if user is not None else ""
        home = proxy.settings.proxies[0]
        by = f"<sip:{payer}@{home.fqdn}:{home.port};user=phone>"
        wanted = Wanted(
            number=transfer.target_number,
            caller=caller_of(invited.request),
            payer=payer,
            history=(("Referred-By", by),) if payer else (),
        )
        self._leg = NumberLeg(proxy, tenant, wanted)
        self._leg.on_progress = self._rings
        self._leg.on_answered = self._pick_up
        self._leg.on_failed = self._failed
        self._leg.on_ended = self._hang_up

    def begin(self) -> None:
        """Call the number."""
        self._leg.begin()

    def _rings(self, status: int) -> None:
        del status
        stack = self._proxy.stack
        headers = self._proxy.answer_headers(self._invited)
        stack.endpoint.ring(self._session, stack.now(), headers=headers)
        stack.flush()

    def _pick_up(self) -> None:
        stack = self._proxy.stack
        self._is_answered = True
        self._stream.join(self._leg.stream)
        stack.endpoint.answer(
            self._session,
            self._answer,
            stack.now(),
            contact=self._proxy.contact(),
            headers=self._proxy.answer_headers(self._invited),
        )
        stack.flush()

    def _failed(self, status: int) -> None:
        stack = self._proxy.stack
        subcode = 560000 + status
        stack.endpoint.reject(
            self._session,
            status,
            stack.now(),
            headers=(
                ("Reason", reason(self._proxy.rng, "The transfer's target failed")),
                ("X-Lab-SubCode", str(subcode)),
            ),
        )
        stack.flush()

    def _hang_up(self) -> None:
        if not self._is_over:
            self._proxy.stack.endpoint.bye(self._session, self._proxy.stack.now())
            self._proxy.stack.flush()

    def handle(self, event: SipEvent) -> None:
        """Take an event of the first call."""
        match event:
            case SessionReoffered(sdp=sdp):
                self._reoffered(sdp)
            case SessionCancelled() | SessionFailed() | SessionEnded():
                self._over()
            case _:
                return

    def _reoffered(self, sdp: bytes | None) -> None:
        stack = self._proxy.stack
        try:
            answer = self._stream.answer(sdp) if sdp else self._stream.offer()
        except DescriptionError as error:
            stack.endpoint.reject_offer(self._session, error.status, stack.now())
            return
        self._stream.is_sending = b"a=inactive" not in answer
        stack.endpoint.accept_offer(self._session, answer, stack.now())

    def _over(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._proxy.report.add(
            "direct-routing",
            "hairpin.over",
            was_answered=self._is_answered,
            forwarded=self._stream.figures.sent,
        )
        self._leg.hang_up()
        self.close()
        self._proxy.forget(self._session)

    def close(self) -> None:
        """Drop everything without a word."""
        self._leg.close()
        self._stream.close()
