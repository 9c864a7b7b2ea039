# SPDX-License-Identifier: Apache-2.0
"""A far side written by hand: says exactly what a test wants, message by message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip.endpoint import (
    EndpointConfig,
    Flow,
    Hop,
    OutgoingInvite,
    Send,
    SipEndpoint,
    SipEvent,
)
from centralino.wire.sip.events import SessionInvited
from centralino.wire.sip.message import Request, Response, parse_message, response_to
from tests.unit.wire.sip_machines.link import ANSWER, MS, OFFER, SECOND, E, line_of, seeded_token

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Transport

Lines = tuple[tuple[str, str], ...]

CONTACT = "<sip:us@trunk.test:5061;transport=tls>"
PEER_CONTACT = "<sip:in-du-1.test:5061;transport=tls;x-i=Ab%3d;x-c=1>"


class FarSide:
    """Our endpoint under test, and what the peer has received from it."""

    def __init__(self, config: EndpointConfig | None = None, transport: Transport = "tls") -> None:
        self.endpoint = SipEndpoint(
            config or EndpointConfig(user_agent="test"), token=seeded_token(5)
        )
        self.now = 50 * SECOND
        self.flow = Flow(3, transport, ("192.0.2.3", 5061), ("192.0.2.4", 5061), trunk="t1")
        self.sends: list[Send] = []
        self.got: list[Request | Response] = []
        self.events: list[SipEvent] = []
        self._cseq = 10
        self._branch = 0

    # ---- looking

    def flush(self) -> None:
        """Take what the endpoint produced."""
        for send in self.endpoint.take_sends():
            self.sends.append(send)
            self.got.append(parse_message(send.data))
        self.events.extend(self.endpoint.take_events())

    def seen(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        self.flush()
        return [event for event in self.events if isinstance(event, kind)]

    def only(self, kind: type[E]) -> E:
        """Return the one event of a kind."""
        found = self.seen(kind)
        assert len(found) == 1, self.events
        return found[0]

    def lines(self) -> list[str]:
        """Return what came from the endpoint, in short form."""
        self.flush()
        return [line_of(message) for message in self.got]

    def request(self, method: str, index: int = -1) -> Request:
        """Return a request of that method."""
        self.flush()
        found = [m for m in self.got if isinstance(m, Request) and m.method == method]
        return found[index]

    def response(self, index: int = -1) -> Response:
        """Return a response."""
        self.flush()
        return [m for m in self.got if isinstance(m, Response)][index]

    def wait_ms(self, length_ms: int) -> None:
        """Let time pass."""
        end = self.now + length_ms * MS
        while (at := self.endpoint.next_deadline()) is not None and at <= end:
            self.now = max(self.now, at)
            self.endpoint.tick(self.now)
            self.flush()
        self.now = end

    # ---- the endpoint calls

    def call(self, **changes: object) -> str:
        """Let the endpoint place a call."""
        fields: dict[str, object] = {
            "uri": "sip:+14255550101@sip.test;user=phone",
            "from_": "<sip:+39061@trunk.test>",
            "to": "<sip:+14255550101@sip.test>",
            "contact": CONTACT,
            "hop": Hop("sip.test", 5061, self.flow.transport, trunk="t1"),
            "sdp": OFFER,
        }
        fields.update(changes)
        session = self.endpoint.invite(OutgoingInvite(**fields), self.now)  # type: ignore[arg-type]  # test shorthand
        self.flush()
        return session

    def say(
        self,
        status: int,
        *,
        to: Request | None = None,
        tag: str | None = "far",
        sdp: bytes | None = None,
        headers: Lines = (),
        flow: Flow | None = None,
    ) -> Response:
        """Answer a request of the endpoint, by default its last INVITE."""
        request = to or self.request("INVITE")
        response = response_to(request, status, to_tag=tag)
        for name, value in headers:
            response.headers.add(name, value)
        if status >= 180 and "Contact" not in response.headers and tag is not None:
            response.headers.add("Contact", PEER_CONTACT)
        if sdp is not None:
            response.set_body(sdp, "application/sdp")
        self.endpoint.receive(parse_message(response.to_bytes()), flow or self.flow, self.now)
        self.flush()
        return response

    def established(self, headers: Lines = (), **changes: object) -> str:
        """Place a call and answer it."""
        session = self.call(**changes)
        self.say(200, sdp=ANSWER, headers=headers)
        return session

    # ---- the far side calls

    def tell(
        self,
        method: str,
        *,
        uri: str = "sip:us@trunk.test:5061",
        to_tag: str | None = None,
        from_tag: str = "far",
        call_id: str = "far-call",
        cseq: int | None = None,
        branch: str | None = None,
        headers: Lines = (),
        sdp: bytes | None = None,
        body: bytes = b"",
        flow: Flow | None = None,
    ) -> Request:
        """Send a request to the endpoint."""
        self._branch += 1
        if cseq is None:
            self._cseq += 1
            cseq = self._cseq
        via = f"SIP/2.0/{self.flow.transport.upper()} far.test:5061;branch=z9hG4bK"
        request = Request(method, uri, body=body)
        lines = request.headers
        lines.add("Via", via + (branch or f"far{self._branch}"))
        given = {name.lower() for name, _ in headers}
        if "max-forwards" not in given:
            lines.add("Max-Forwards", "70")
        lines.add("From", f"<sip:them@far.test>;tag={from_tag}")
        lines.add("To", "<sip:us@trunk.test>" + (f";tag={to_tag}" if to_tag else ""))
        lines.add("Call-ID", call_id)
        lines.add("CSeq", f"{cseq} {method}")
        if "contact" not in given:
            lines.add("Contact", PEER_CONTACT)
        for name, value in headers:
            lines.add(name, value)
        if sdp is not None:
            request.set_body(sdp, "application/sdp")
        self.endpoint.receive(parse_message(request.to_bytes()), flow or self.flow, self.now)
        self.flush()
        return request

    def tell_in(self, session: Request, method: str, **more: object) -> Request:
        """Send a request in the dialog that the endpoint's INVITE `session` made."""
        return self.tell(
            method,
            to_tag=session.from_.tag,
            call_id=session.call_id,
            **more,  # type: ignore[arg-type]  # test shorthand
        )

    def invited(self, *, answer: bool = True, headers: Lines = (), **more: object) -> str:
        """Call the endpoint, have it answered and acknowledge; return its session."""
        invite = self.tell("INVITE", sdp=OFFER, headers=headers, **more)  # type: ignore[arg-type]  # test shorthand
        session = self.seen(SessionInvited)[-1].session
        if answer:
            self.endpoint.answer(session, ANSWER, self.now, contact=CONTACT)
            tag = self.response().to.tag
            self.tell("ACK", to_tag=tag, cseq=invite.cseq.number, call_id=invite.call_id)
        return session

    def assert_clean(self) -> None:
        """Check that nothing is left behind once all deadlines have passed."""
        self.wait_ms(400_000)
        left = self.endpoint
        assert (left.open_sessions, left.open_transactions, left.armed_timers) == (0, 0, 0)
