# SPDX-License-Identifier: Apache-2.0
"""A call that Microsoft places to a number for somebody else, with a stream to join.

Transfers to a number, forwarded calls and simultaneous ringing are all this: they come
out of the tenant's trunks as an INVITE of its own, and Microsoft carries the audio between
the two calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.hunt import TrunkHunt, Wanted
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.stream import Stream
from centralino.wire.sip.events import SessionAnswered, SessionReoffered, SipEvent

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import Tenant

DEFAULT_FAILURE = 408


class NumberLeg:
    """The outgoing half of a hairpin."""

    def __init__(self, proxy: DirectRoutingSimulator, tenant: Tenant, wanted: Wanted) -> None:
        """Prepare the call; the offer is the stream's, whatever ``wanted`` says."""
        self._proxy = proxy
        self._number = wanted.number
        self.stream = Stream(proxy.hub, proxy.style)
        wanted = replace(wanted, offer=self.stream.offer())
        self._hunt = TrunkHunt(proxy, proxy.watch.trunks_in_order(tenant), wanted, self)
        self.on_progress: Callable[[int], None] = _no_news
        self.on_answered: Callable[[], None] = _nothing
        self.on_failed: Callable[[int], None] = _no_news
        """Told the status that fits; the leg is closed."""
        self.on_ended: Callable[[], None] = _nothing

    def begin(self) -> None:
        """Call the first trunk."""
        self._hunt.begin()

    def hang_up(self, why: str = "") -> None:
        """Cancel or end the call and say no more of it."""
        self.on_failed = _no_news
        self.on_answered = self.on_ended = _nothing
        self._hunt.hang_up(why)
        self.stream.close()

    def close(self) -> None:
        """Drop everything without a word."""
        self._hunt.drop()
        self.stream.close()

    # ---- Hunter

    def placed(self, fqdn: str, *, is_again: bool) -> None:
        """An INVITE went out."""
        self._tell("placed", trunk=fqdn, is_again=is_again)

    def progressed(self, status: int) -> None:
        """It rings."""
        self.on_progress(status)

    def answered(self, event: SessionAnswered) -> None:
        """Somebody answered."""
        try:
            self.stream.accept(event.sdp or b"")
        except DescriptionError as error:
            self._tell("refused-media", reason=error.reason)
            failed = self.on_failed
            self.hang_up()
            failed(error.status)
            return
        self._tell("answered")
        self.on_answered()

    def refused(self, status: int | None, cause: str) -> None:
        """One trunk refused."""
        self._tell("refused", status=status, cause=cause)

    def failed(self, status: int | None, cause: str, subcode: int) -> None:
        """Nobody is left to try."""
        self._tell("failed", status=status, cause=cause, subcode=subcode)
        self.stream.close()
        self.on_failed(status or DEFAULT_FAILURE)

    def ended(self, cause: str) -> None:
        """The call is over."""
        self._tell("ended", how=cause, forwarded=self.stream.figures.sent)
        self.stream.close()
        self.on_ended()

    def in_call(self, event: SipEvent) -> None:
        """Answer re-INVITEs as they come."""
        if not isinstance(event, SessionReoffered):
            return
        stack, session = self._proxy.stack, self._hunt.session
        try:
            answer = self.stream.answer(event.sdp) if event.sdp else self.stream.offer()
        except DescriptionError as error:
            stack.endpoint.reject_offer(session, error.status, stack.now())
            return
        self.stream.is_sending = b"a=inactive" not in answer
        stack.endpoint.accept_offer(session, answer, stack.now())

    def _tell(self, what: str, **fields: object) -> None:
        self._proxy.report.add("direct-routing", f"hairpin.{what}", number=self._number, **fields)


def _nothing() -> None:
    return


def _no_news(status: int) -> None:
    del status
