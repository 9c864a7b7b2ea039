# SPDX-License-Identifier: Apache-2.0
"""The plain life of a call between two endpoints: set up, refused, cancelled, hung up."""

from __future__ import annotations

import pytest

from centralino.wire.sip.events import (
    RequestFinished,
    RequestReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SessionProgressed,
)
from centralino.wire.sip.flow import Hop, Transport
from centralino.wire.sip.message import Request, parse_message, response_to
from tests.unit.wire.sip_machines.far_side import CONTACT, FarSide
from tests.unit.wire.sip_machines.link import (
    ANSWER,
    OFFER,
    Link,
    last_request,
    last_response,
)

pytestmark = pytest.mark.unit

BOTH = pytest.mark.parametrize("transport", ["udp", "tls"])


@BOTH
def test_a_call_is_set_up_and_hung_up_by_the_caller(transport: Transport) -> None:
    link = Link(transport)
    caller, callee = link.connect()
    answered = link.a.only(SessionAnswered)
    assert (answered.session, answered.sdp) == (caller, ANSWER)
    assert link.b.only(SessionEstablished) == SessionEstablished(callee, None)

    link.do(link.a).bye(caller, link.now)
    link.run_out()

    assert link.a.only(SessionEnded).cause == "bye-sent"
    assert link.b.only(SessionEnded).cause == "bye-received"
    assert link.a.lines() == ["INVITE", "ACK", "BYE"]
    assert link.b.lines() == ["100 INVITE", "200 INVITE", "200 BYE"]
    assert link.a.is_clean
    assert link.b.is_clean


def test_the_callee_may_hang_up_too() -> None:
    link = Link()
    _, callee = link.connect()
    link.do(link.b).bye(callee, link.now)
    link.run_out()
    assert link.a.only(SessionEnded).cause == "bye-received"
    assert link.a.is_clean
    assert link.b.is_clean


def test_requests_in_the_dialog_go_to_the_remote_contact_verbatim() -> None:
    link = Link()
    caller, _ = link.connect()
    link.do(link.a).bye(caller, link.now)
    link.flush()
    bye = last_request(link.a, "BYE")
    assert bye.uri == "sip:b@b.test:5061;transport=tls;x-i=8%3Ab"
    assert last_request(link.a, "ACK").uri == bye.uri
    assert bye.cseq.number == 2


def test_ringing_is_reported_with_early_media() -> None:
    link = Link()
    link.call()
    link.run_for(50)
    callee = link.b.only(SessionInvited).session
    link.do(link.b).ring(callee, link.now)
    link.do(link.b).ring(callee, link.now, status=183, sdp=ANSWER)
    link.run_for(50)
    first, second = link.a.seen(SessionProgressed)
    assert (first.status, first.sdp) == (180, None)
    assert (second.status, second.sdp) == (183, ANSWER)
    assert first.to_tag == second.to_tag != ""
    link.do(link.b).reject(callee, 486, link.now, headers=(("Reason", "Q.850;cause=17"),))
    link.run_out()
    assert link.a.is_clean
    assert link.b.is_clean


@BOTH
def test_a_refused_call_is_acknowledged_by_the_transaction(transport: Transport) -> None:
    link = Link(transport)
    link.call()
    link.run_for(50)
    callee = link.b.only(SessionInvited).session
    retry = (("Retry-After", "7"),)
    link.do(link.b).reject(callee, 503, link.now, headers=retry)
    link.run_out()
    failed = link.a.only(SessionFailed)
    assert (failed.status, failed.cause, failed.retry_after_s) == (503, "response", 7)
    assert link.b.only(SessionFailed).cause == "rejected"
    assert link.a.lines() == ["INVITE", "ACK"]
    invite, ack = link.a.sent
    assert ack.via.branch == invite.via.branch
    assert link.a.is_clean
    assert link.b.is_clean


@BOTH
def test_cancel_leaves_after_the_first_provisional_response(transport: Transport) -> None:
    link = Link(transport)
    caller = link.call()
    reason = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
    link.do(link.a).cancel(caller, link.now, reason)
    link.flush()
    assert link.a.lines() == ["INVITE"]
    link.run_out()
    assert link.a.lines() == ["INVITE", "CANCEL", "ACK"]
    assert link.a.sent[1].via.branch == link.a.sent[0].via.branch
    failed = link.a.only(SessionFailed)
    assert (failed.cause, failed.status) == ("cancelled", 487)
    assert link.b.only(SessionCancelled).reason == reason[0][1]
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_cancel_that_crosses_the_answer_ends_with_ack_and_bye() -> None:
    link = Link()
    caller = link.call()
    link.run_for(50)
    callee = link.b.only(SessionInvited).session
    link.do(link.b).answer(callee, ANSWER, link.now, contact=link.b.contact)
    link.do(link.a).cancel(caller, link.now)
    link.run_out()
    assert link.a.lines() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert link.a.only(SessionFailed).cause == "cancelled"
    assert not link.a.seen(SessionAnswered)
    assert link.b.only(SessionEnded).cause == "bye-received"
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_cancel_without_effect_ends_the_call_after_32_seconds() -> None:
    link = Link()
    link.filter = lambda peer, message: peer is link.a or "100" in str(message)
    caller = link.call()
    link.run_for(50)
    link.do(link.a).cancel(caller, link.now)
    link.run_for(31_000)
    assert not link.a.seen(SessionFailed)
    link.run_for(2_000)
    assert link.a.only(SessionFailed).cause == "cancelled"
    link.run_out()
    assert link.a.is_clean


def test_without_any_response_the_call_fails_after_timer_b() -> None:
    link = Link()
    link.filter = lambda _peer, _message: False
    link.call()
    link.run_for(31_900)
    assert not link.a.seen(SessionFailed)
    link.run_for(200)
    failed = link.a.only(SessionFailed)
    assert (failed.cause, failed.status, failed.response) == ("timeout", None, None)
    assert link.a.lines() == ["INVITE"] * 7
    assert link.a.is_clean


def test_timer_b_stops_at_the_first_provisional_response() -> None:
    link = Link()
    caller = link.call()
    link.run_for(600_000)
    assert not link.a.events
    link.do(link.a).cancel(caller, link.now)
    link.run_out()
    assert link.a.only(SessionFailed).cause == "cancelled"


def test_an_undeliverable_invite_fails_at_once() -> None:
    link = Link("tls")
    link.undeliverable = True
    link.call()
    failed = link.a.only(SessionFailed)
    assert (failed.cause, failed.detail) == ("transport", "unreachable")
    assert link.a.is_clean


@BOTH
def test_the_200_is_repeated_until_the_ack_and_each_time_acknowledged(transport: Transport) -> None:
    link = Link(transport)
    lost = [2]

    def two_acks_are_lost(_peer: object, message: object) -> bool:
        if isinstance(message, Request) and message.method == "ACK" and lost[0]:
            lost[0] -= 1
            return False
        return True

    link.filter = two_acks_are_lost
    link.connect()
    link.run_for(4_000)
    assert link.b.lines().count("200 INVITE") == 3
    acks = [message for message in link.a.sent if getattr(message, "method", "") == "ACK"]
    assert len(acks) == 3
    assert len({ack.to_bytes() for ack in acks}) == 1
    assert link.b.only(SessionEstablished) is not None


def test_without_ack_the_callee_hangs_up() -> None:
    link = Link("tls")
    link.filter = lambda _peer, message: getattr(message, "method", "") != "ACK"
    link.connect()
    link.run_for(33_000)
    assert link.b.only(SessionFailed).cause == "ack-timeout"
    assert link.a.only(SessionEnded).cause == "bye-received"
    link.run_out()
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_bye_before_the_ack_waits_for_it() -> None:
    link = Link()
    link.call()
    link.run_for(50)
    callee = link.b.only(SessionInvited).session
    link.do(link.b).answer(callee, ANSWER, link.now, contact=link.b.contact)
    link.do(link.b).bye(callee, link.now)
    link.flush()
    assert "BYE" not in link.b.lines()
    assert link.b.only(SessionEnded).cause == "bye-sent"
    link.run_out()
    assert link.b.lines()[-1] == "BYE"
    assert link.a.only(SessionEnded).cause == "bye-received"
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_late_offer_is_answered_in_the_ack() -> None:
    link = Link()
    invite = Request("INVITE", "sip:b@b.test")
    for name, value in (
        ("Via", "SIP/2.0/UDP a.test;branch=z9hG4bKlate"),
        ("Max-Forwards", "70"),
        ("From", "<sip:a@a.test>;tag=fa"),
        ("To", "<sip:b@b.test>"),
        ("Call-ID", "late"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:a@a.test>"),
    ):
        invite.headers.add(name, value)
    link.inject(link.b, invite)
    invited = link.b.only(SessionInvited)
    assert invited.sdp is None
    link.do(link.b).answer(invited.session, OFFER, link.now, contact=link.b.contact)
    link.flush()
    ok = last_response(link.b, "200 INVITE")
    ack = Request("ACK", "sip:b@b.test", body=ANSWER)
    for name in ("Via", "From", "Call-ID"):
        ack.headers.copy_from(invite.headers, name)
    ack.headers.set("Via", "SIP/2.0/UDP a.test;branch=z9hG4bKack")
    ack.headers.copy_from(ok.headers, "To")
    ack.headers.add("CSeq", "1 ACK")
    ack.headers.add("Content-Type", "application/sdp")
    link.inject(link.b, ack)
    assert link.b.only(SessionEstablished).sdp == ANSWER


def test_options_go_out_and_are_answered() -> None:
    link = Link()
    options = Request("OPTIONS", "sip:b.test")
    options.headers.add("From", "<sip:a.test>")
    options.headers.add("To", "<sip:b.test>")
    options.headers.add("Contact", "<sip:a.test:5061;transport=tls>")
    asked = link.do(link.a).request(options, Hop("b.test", None, "udp"), link.now)
    link.run_for(50)
    received = link.b.only(RequestReceived)
    assert received.request.via.host == "a.test"
    assert received.request.via.received == "192.0.2.2"
    assert received.request.via.rport == 5061
    answer = response_to(received.request, 200, to_tag="x")
    link.do(link.b).respond(received.transaction, answer, link.now)
    link.run_out()
    finished = link.a.only(RequestFinished)
    assert (finished.transaction, finished.cause) == (asked, "response")
    assert finished.response is not None
    assert finished.response.status == 200
    assert link.a.is_clean
    assert link.b.is_clean


def test_options_without_answer_time_out_on_both_sides() -> None:
    link = Link("tls")
    options = Request("OPTIONS", "sip:b.test")
    options.headers.add("From", "<sip:a.test>")
    options.headers.add("To", "<sip:b.test>")
    link.do(link.a).request(options, Hop("b.test", None, "tls"), link.now)
    link.run_out()
    assert link.a.only(RequestFinished).cause == "timeout"
    assert link.b.only(RequestReceived) is not None
    assert link.b.endpoint.dropped == {"unanswered": 1}
    assert link.a.is_clean
    assert link.b.is_clean


def test_what_arrives_for_a_session_that_is_over_has_no_effect() -> None:
    link = Link()
    caller, callee = link.connect()
    link.do(link.a).bye(caller, link.now)
    link.run_out()
    count = len(link.a.events), len(link.b.events)
    for endpoint, session in ((link.a.endpoint, caller), (link.b.endpoint, callee)):
        endpoint.bye(session, link.now)
        endpoint.cancel(session, link.now)
        endpoint.ring(session, link.now)
        endpoint.answer(session, ANSWER, link.now, contact="<sip:x@y>")
        endpoint.reject(session, 486, link.now)
        endpoint.accept_offer(session, ANSWER, link.now)
        endpoint.info(session, link.now, "a/b", b"")
        assert endpoint.checkpoint(session) is None
    link.run_out()
    assert (len(link.a.events), len(link.b.events)) == count


def test_the_record_route_of_a_proxy_becomes_the_route_of_our_requests() -> None:
    link = Link()
    invite = parse_message(
        b"INVITE sip:b@b.test SIP/2.0\r\nVIA: SIP/2.0/TLS p.test:5061;branch=z9hG4bKrr\r\n"
        b"RECORD-ROUTE: <sip:p1.test:5061;transport=tls;lr>, <sip:p2.test;lr>\r\n"
        b"FROM: <sip:a@a.test>;tag=fa\r\nTO: <sip:b@b.test>\r\nCALL-ID: rr\r\n"
        b"CSEQ: 5 INVITE\r\nMAX-FORWARDS: 70\r\nCONTACT: <sip:in.test;x-c=1%2F;x-i=2>\r\n"
        b"CONTENT-LENGTH: 0\r\n\r\n"
    )
    link.inject(link.b, invite)
    session = link.b.only(SessionInvited).session
    link.do(link.b).ring(session, link.now)
    link.do(link.b).answer(session, OFFER, link.now, contact=link.b.contact)
    link.flush()
    for line in ("180 INVITE", "200 INVITE"):
        assert last_response(link.b, line).headers.values("Record-Route") == [
            "<sip:p1.test:5061;transport=tls;lr>",
            "<sip:p2.test;lr>",
        ]
    ok = last_response(link.b, "200 INVITE")
    ack = Request("ACK", "sip:b@b.test")
    ack.headers.add("Via", "SIP/2.0/TLS p.test:5061;branch=z9hG4bKrrack")
    ack.headers.copy_from(invite.headers, "From")
    ack.headers.copy_from(ok.headers, "To")
    ack.headers.copy_from(ok.headers, "Call-ID")
    ack.headers.add("CSeq", "5 ACK")
    link.inject(link.b, ack)
    link.b.endpoint.bye(session, link.now)
    (send,) = link.b.endpoint.take_sends()
    bye = parse_message(send.data)
    assert isinstance(bye, Request)
    assert bye.uri == "sip:in.test;x-c=1%2F;x-i=2"
    assert bye.headers.get_all("Route") == [
        "<sip:p1.test:5061;transport=tls;lr>",
        "<sip:p2.test;lr>",
    ]
    assert send.hop is not None
    assert (send.hop.host, send.hop.port, send.hop.transport) == ("p1.test", 5061, "tls")
    assert send.flow_id == link.flow_to(link.b).flow_id


def test_two_byes_that_cross_end_both_sides_once() -> None:
    link = Link()
    caller, callee = link.connect()
    link.do(link.a).bye(caller, link.now)
    link.do(link.b).bye(callee, link.now)
    link.run_out()
    assert link.a.only(SessionEnded).cause == "bye-sent"
    assert link.b.only(SessionEnded).cause == "bye-sent"
    assert link.a.lines()[-1] == link.b.lines()[-1] == "200 BYE"
    assert link.a.is_clean
    assert link.b.is_clean


def test_the_peer_may_hang_up_while_our_bye_waits_for_the_ack() -> None:
    far = FarSide()
    session = far.invited(answer=False)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.endpoint.bye(session, far.now)
    tag = far.response().to.tag
    far.tell("INFO", to_tag=tag)
    assert far.response().status == 481
    far.tell("BYE", to_tag=tag)
    assert far.response().status == 200
    assert far.only(SessionEnded).cause == "bye-sent"
    far.assert_clean()
    assert "BYE" not in far.lines()


def test_our_bye_leaves_when_the_ack_never_comes() -> None:
    far = FarSide()
    session = far.invited(answer=False)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.endpoint.bye(session, far.now, (("Reason", "Q.850;cause=16"),))
    far.wait_ms(32_000)
    assert far.request("BYE").headers.get("Reason") == "Q.850;cause=16"
    assert far.only(SessionEnded).cause == "bye-sent"
    far.assert_clean()


def test_an_invite_repeated_after_the_answer_is_absorbed() -> None:
    far = FarSide(transport="udp")
    invite = far.tell("INVITE", sdp=OFFER, branch="one")
    session = far.only(SessionInvited).session
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.tell("INVITE", sdp=OFFER, branch="one", cseq=invite.cseq.number)
    assert far.lines() == ["100 INVITE", "200 INVITE"]
    assert far.only(SessionInvited) is not None


def test_the_peer_may_hang_up_before_it_has_acknowledged() -> None:
    far = FarSide()
    session = far.invited(answer=False)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.tell("BYE", to_tag=far.response().to.tag)
    assert far.only(SessionEnded).cause == "bye-received"
    far.assert_clean()
    assert far.lines() == ["100 INVITE", "200 INVITE", "200 BYE"]


def test_bye_gives_up_whatever_the_call_is_doing() -> None:
    far = FarSide()
    ringing = far.call()
    far.say(180)
    far.endpoint.bye(ringing, far.now)
    far.endpoint.cancel(ringing, far.now)
    assert far.lines() == ["INVITE", "CANCEL"]
    incoming = far.invited(answer=False)
    far.endpoint.bye(incoming, far.now)
    assert far.response().status == 480
    assert far.only(SessionFailed).cause == "rejected"
    answered = far.established()
    far.endpoint.cancel(answered, far.now)
    assert far.only(SessionEnded).cause == "bye-sent"
    far.assert_clean()


# ---- no response in the time given for it


def given_up(transport: Transport = "tls") -> Link:
    """Return a link whose call from `a` got no response within 4 s."""
    link = Link(transport)
    link.filter = lambda peer, _: peer is link.a
    link.call(response_timeout_ms=4000)
    link.run_for(3999)
    assert link.a.seen(SessionFailed) == []
    link.run_for(1)
    failed = link.a.only(SessionFailed)
    assert (failed.cause, failed.status) == ("timeout", None)
    link.filter = lambda _peer, _message: True
    return link


def test_a_call_given_up_is_not_sent_again() -> None:
    link = given_up("udp")
    link.filter = lambda peer, _: peer is link.a
    sent = link.a.lines().count("INVITE")
    assert sent == 4
    link.run_out()
    assert link.a.lines().count("INVITE") == sent
    link.a.only(SessionFailed)
    assert link.a.is_clean


def test_a_late_answer_to_a_call_given_up_is_acknowledged_and_hung_up() -> None:
    link = given_up()
    callee = link.b.only(SessionInvited).session
    link.do(link.b).answer(callee, ANSWER, link.now, contact=link.b.contact)
    link.run_out()
    assert link.a.lines() == ["INVITE", "ACK", "BYE"]
    assert link.b.only(SessionEnded).cause == "bye-received"
    assert link.a.seen(SessionAnswered) == []
    link.a.only(SessionFailed)
    assert link.a.is_clean
    assert link.b.is_clean


def test_late_ringing_of_a_call_given_up_is_cancelled() -> None:
    link = given_up()
    link.do(link.b).ring(link.b.only(SessionInvited).session, link.now)
    link.run_out()
    assert link.a.lines() == ["INVITE", "CANCEL", "ACK"]
    link.b.only(SessionCancelled)
    assert link.a.seen(SessionProgressed) == []
    link.a.only(SessionFailed)
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_late_refusal_of_a_call_given_up_is_acknowledged() -> None:
    link = given_up()
    link.do(link.b).reject(link.b.only(SessionInvited).session, 486, link.now)
    link.run_out()
    assert link.a.lines() == ["INVITE", "ACK"]
    link.a.only(SessionFailed)
    assert link.a.is_clean


def test_a_connection_that_breaks_late_ends_a_call_given_up() -> None:
    link = given_up()
    invite = next(iter(link.a.endpoint._engine.transactions.clients))
    link.a.endpoint.transport_failed(invite, link.now, "gone")
    link.flush()
    link.a.only(SessionFailed)
    assert link.a.is_clean


def test_a_call_cancelled_before_any_response_has_the_same_time() -> None:
    link = Link("tls")
    link.filter = lambda peer, _: peer is link.a
    session = link.call(response_timeout_ms=4000)
    link.do(link.a).cancel(session, link.now)
    link.run_for(4000)
    assert link.a.only(SessionFailed).cause == "cancelled"
    link.run_out()
    assert link.a.is_clean


def test_trying_is_response_enough() -> None:
    link = Link("tls")
    link.call(response_timeout_ms=4000)
    link.run_for(30_000)
    assert link.a.seen(SessionFailed) == []
