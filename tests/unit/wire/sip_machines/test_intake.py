# SPDX-License-Identifier: Apache-2.0
"""What is refused at the door: RFC 3261 8.2 in order, overload, malformed and stray messages."""

from __future__ import annotations

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import (
    MessageDropped,
    RequestFinished,
    RequestReceived,
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
)
from centralino.wire.sip.flow import Hop
from centralino.wire.sip.message import Request, Response, parse_message
from tests.unit.wire.sip_machines.far_side import CONTACT, FarSide
from tests.unit.wire.sip_machines.link import ANSWER, OFFER, SECOND
from tests.unit.wire.sip_messages.torture import SOUND, to_bytes

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("method", "status"), [("SUBSCRIBE", 405), ("REGISTER", 405), ("FROB", 501)]
)
def test_a_method_we_do_not_serve(method: str, status: int) -> None:
    far = FarSide()
    far.tell(method)
    assert far.response().status == status
    assert "INVITE" in far.response().headers.values("Allow")
    far.assert_clean()


def test_a_method_can_be_allowed() -> None:
    far = FarSide(EndpointConfig(user_agent="t", allow=("INVITE", "ACK", "REGISTER")))
    far.tell("REGISTER")
    assert far.only(RequestReceived).request.method == "REGISTER"


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "PRACK"])
def test_requests_that_need_a_dialog_get_481_without(method: str) -> None:
    far = FarSide()
    far.tell(method)
    assert far.response().status == 481
    far.tell(method, to_tag="unknown")
    assert far.response().status == 481


def test_an_unknown_extension_is_refused() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER, headers=(("Require", "timer, frob"), ("Require", "x2")))
    assert far.response().status == 420
    assert far.response().headers.get("Unsupported") == "frob, x2"


def test_a_merged_request_gets_482() -> None:
    far = FarSide()
    first = far.tell("INVITE", sdp=OFFER)
    far.tell("INVITE", sdp=OFFER, cseq=first.cseq.number)
    assert far.lines() == ["100 INVITE", "482 INVITE"]
    far.tell("INVITE", sdp=OFFER, call_id="another", cseq=first.cseq.number)
    assert far.lines()[-1] == "100 INVITE"


def test_an_invite_out_of_hops_gets_483_but_options_are_answered() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER, headers=(("Max-Forwards", "0"),))
    assert far.response().status == 483
    far.tell("OPTIONS", headers=(("Max-Forwards", "0"),))
    assert far.only(RequestReceived) is not None


def test_too_many_vias_get_483() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_via=2))
    vias = tuple(("Via", f"SIP/2.0/TLS p{n}.test;branch=z9hG4bKp{n}") for n in range(2))
    far.tell("OPTIONS", headers=vias)
    assert far.response().status == 483


def test_sessions_are_bounded() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_sessions=2))
    for number in range(3):
        far.tell("INVITE", sdp=OFFER, call_id=f"c{number}")
    assert far.response().status == 503
    assert far.response().headers.get("Retry-After") == "5"
    assert len(far.seen(SessionInvited)) == 2
    assert far.endpoint.dropped == {"overload": 1}


def test_our_own_calls_and_requests_are_bounded_too() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_sessions=1, max_transactions=2))
    far.call()
    refused = far.call()
    failed = far.only(SessionFailed)
    assert (failed.session, failed.status, failed.cause) == (refused, 503, "transport")
    hop = Hop("x.test", None, "tls")
    for _ in range(2):
        options = Request("OPTIONS", "sip:x.test")
        options.headers.add("From", "<sip:a.test>")
        options.headers.add("To", "<sip:x.test>")
        far.endpoint.request(options, hop, far.now)
    assert far.lines() == ["INVITE", "OPTIONS"]
    assert far.only(RequestFinished).cause == "transport"


def test_a_complete_request_is_sent_as_it_is() -> None:
    far = FarSide()
    options = Request("OPTIONS", "sip:x.test")
    given = [
        ("Max-Forwards", "5"),
        ("From", "<sip:a.test>;tag=t"),
        ("To", "<sip:x.test>"),
        ("Call-ID", "mine"),
        ("CSeq", "77 OPTIONS"),
        ("User-Agent", "me"),
    ]
    for name, value in given:
        options.headers.add(name, value)
    far.endpoint.request(options, Hop("x.test", None, "tls"), far.now)
    sent = far.request("OPTIONS")
    assert list(sent.headers.items())[1:-1] == given
    assert sent.via.host == "localhost"
    far.say(100, to=sent, tag=None)
    far.say(200, to=sent)
    assert far.only(RequestFinished).cause == "response"


def test_a_response_that_cannot_be_read_is_dropped() -> None:
    far = FarSide()
    far.call()
    broken = Response(200, "OK")
    broken.headers.add("Via", "nonsense")
    far.endpoint.receive(broken, far.flow, far.now)
    assert far.only(MessageDropped).reason == "malformed"


def test_the_quoted_nul_of_the_torture_test_is_answered() -> None:
    """RFC 4475 3.1.1.2: the message is sound, only its method is unknown."""
    far = FarSide()
    (case,) = (case for case in SOUND if case.name.startswith("intmeth"))
    asked = parse_message(to_bytes(case.text, case.body))
    far.endpoint.receive(asked, far.flow, far.now)
    far.flush()
    refusal = far.response()
    assert refusal.status == 501
    assert parse_message(refusal.to_bytes()).to.display == asked.to.display
    assert "NUL:\x00" in (asked.to.display or "")


def test_an_invite_without_any_usable_address_gets_400() -> None:
    far = FarSide()
    invite = Request("INVITE", "sip:us@trunk.test")
    for name, value in (
        ("Via", "SIP/2.0/TLS far.test;branch=z9hG4bKnone"),
        ("From", "<nonsense>;tag=f"),
        ("To", "<sip:us@trunk.test>"),
        ("Call-ID", "none"),
        ("CSeq", "1 INVITE"),
    ):
        invite.headers.add(name, value)
    far.endpoint.receive(invite, far.flow, far.now)
    assert far.response().status == 400
    assert far.endpoint.open_sessions == 0


def test_transactions_are_bounded_but_a_session_can_always_end() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_transactions=3))
    session = far.invited()
    tag = far.response().to.tag
    far.tell("OPTIONS")
    far.tell("OPTIONS")
    far.tell("OPTIONS")
    assert far.response().status == 503
    assert far.response().headers.get("Retry-After") == "5"
    assert far.sends[-1].transaction is None
    assert far.only(MessageDropped).reason == "overload"
    again = far.tell("OPTIONS", branch="same")
    far.tell("OPTIONS", branch="same", cseq=again.cseq.number)
    assert far.endpoint.dropped["overload"] == 3
    far.tell("BYE", to_tag=tag)
    assert far.response().status == 200
    assert far.only(SessionEnded).session == session


def test_repeated_requests_are_absorbed() -> None:
    far = FarSide(transport="udp")
    first = far.tell("INVITE", sdp=OFFER, branch="one")
    far.tell("INVITE", sdp=OFFER, branch="one", cseq=first.cseq.number)
    assert far.lines() == ["100 INVITE", "100 INVITE"]
    assert len(far.seen(SessionInvited)) == 1


def test_strays_are_counted() -> None:
    far = FarSide()
    far.tell("ACK", to_tag="nobody")
    far.tell("ACK")
    far.tell("CANCEL")
    assert far.response().status == 481
    assert [event.reason for event in far.seen(MessageDropped)] == ["stray-ack", "stray-ack"]
    assert far.endpoint.dropped == {"stray-ack": 2}
    far.assert_clean()


def test_a_broken_value_deep_inside_is_answered_with_400() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER, headers=(("Contact", "<broken"),))
    assert far.lines()[-1] in ("400 INVITE", "100 INVITE")
    far.established()
    far.tell_in(far.request("INVITE"), "NOTIFY", headers=(("Event", "refer;=x"),))
    assert far.response().status == 400
    assert far.endpoint.dropped["malformed"] >= 1


def test_an_answer_with_a_broken_contact_is_acknowledged_all_the_same() -> None:
    far = FarSide()
    far.call()
    far.say(200, sdp=ANSWER, headers=(("Contact", "<sip:broken"), ("Session-Expires", "x")))
    assert far.lines() == ["INVITE", "ACK"]


def test_bye_before_the_answer_ends_an_incoming_call() -> None:
    far = FarSide()
    session = far.invited(answer=False)
    far.endpoint.ring(session, far.now)
    tag = far.response().to.tag
    far.tell("BYE", to_tag=tag, headers=(("Reason", "Q.850;cause=16"),))
    assert far.lines()[-2:] == ["200 BYE", "487 INVITE"]
    assert far.only(SessionCancelled).reason == "Q.850;cause=16"


def test_a_cancel_after_the_answer_has_no_effect() -> None:
    far = FarSide()
    invite = far.tell("INVITE", sdp=OFFER, branch="one")
    session = far.only(SessionInvited).session
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.tell("CANCEL", branch="one", cseq=invite.cseq.number)
    assert far.lines()[-1] == "200 CANCEL"
    assert not far.seen(SessionCancelled)
    assert far.response().to.tag == far.response(-2).to.tag


def test_an_ack_with_the_branch_of_the_invite_is_understood() -> None:
    far = FarSide()
    invite = far.tell("INVITE", sdp=OFFER, branch="one")
    session = far.only(SessionInvited).session
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    tag = far.response().to.tag
    far.tell("ACK", branch="one", to_tag=tag, cseq=invite.cseq.number)
    assert far.only(SessionEstablished).session == session


def test_a_multipart_body_is_searched_for_the_description() -> None:
    far = FarSide()
    body = (
        b"preamble\r\n--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n--b1\r\n"
        b"Content-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n" + OFFER
    ) + b"\r\n--b1--\r\n"
    kind = (("Content-Type", 'multipart/mixed; boundary="b1"'),)
    far.tell("INVITE", headers=kind, body=body)
    invited = far.only(SessionInvited)
    assert invited.sdp == OFFER
    assert invited.request.body == body


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed",
        "multipart/mixed;boundary=zz",
        "multipart/mixed;=x",
        "multipart/mixed;boundary=b1",
        "multipart/mixed;boundary=b2",
        "text/plain",
        "",
    ],
)
def test_a_body_without_description(kind: str) -> None:
    far = FarSide()
    body = b"--b1\r\nX: y\r\n\r\nx\r\n--b1--\r\n--b2\r\nc: text/plain\r\n\r\n"
    far.tell("INVITE", headers=(("Content-Type", kind),) if kind else (), body=body)
    assert far.only(SessionInvited).sdp is None


def test_upper_case_names_and_unknown_headers_are_fine() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER, headers=(("SUPPORTED", "TIMER"), ("X-MS-UserSite", "a;b,c")))
    assert far.only(SessionInvited).sdp == OFFER


def test_an_unexpected_final_response_without_tag() -> None:
    far = FarSide()
    session = far.call()
    far.say(200, tag=None, sdp=ANSWER)
    assert far.lines() == ["INVITE", "ACK"]
    far.endpoint.bye(session, far.now)
    assert far.request("BYE").to.tag is None
    ok = Response(200, "OK")
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        ok.headers.copy_from(far.request("BYE").headers, name)
    far.endpoint.receive(ok, far.flow, far.now + SECOND)
    assert far.endpoint.open_sessions == 0
