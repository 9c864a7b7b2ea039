# SPDX-License-Identifier: Apache-2.0
"""Where the requests of a dialog go, and odd corners of the first INVITE."""

from __future__ import annotations

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.dialog import hop_of, sent_by_of
from centralino.wire.sip.digest import Credentials
from centralino.wire.sip.events import (
    ReferProgress,
    ReofferFinished,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SessionProgressed,
)
from centralino.wire.sip.flow import Hop
from tests.unit.wire.sip_machines.far_side import CONTACT, FarSide
from tests.unit.wire.sip_machines.link import ANSWER, HELD, MS, OFFER

pytestmark = pytest.mark.unit

BASE = Hop("old.test", 9, "tls", 4, "t1", "us.test")


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport"),
    [
        ("sip:a@h.test:5061;transport=TLS", "h.test", 5061, "tls"),
        ("sip:h.test", "h.test", None, "tls"),
        ("sip:a@h.test;transport=udp", "h.test", None, "udp"),
        ("sips:a@h.test;transport=tcp", "h.test", None, "tls"),
        ("sip:a@h.test;transport=ws", "h.test", None, "tls"),
        ("sip:[2001:db8::1]:5070", "2001:db8::1", 5070, "tls"),
        ("sip:a@h.test;maddr=192.0.2.7", "192.0.2.7", None, "tls"),
        ("tel:+39061", "old.test", 9, "tls"),
        ("nonsense", "old.test", 9, "tls"),
    ],
)
def test_a_uri_says_where_to_go(uri: str, host: str, port: int | None, transport: str) -> None:
    hop = hop_of(uri, BASE)
    assert (hop.host, hop.port, hop.transport) == (host, port, transport)
    assert (hop.flow_id, hop.trunk, hop.sent_by) == (4, "t1", "us.test")


@pytest.mark.parametrize(
    ("contact", "sent_by"),
    [
        ("<sip:a@h.test:5061;transport=tls>", "h.test:5061"),
        ("sip:h.test", "h.test"),
        ("<tel:+39>", None),
        ("<sip:>", None),
    ],
)
def test_the_contact_says_what_via_says(contact: str, sent_by: str | None) -> None:
    assert sent_by_of(contact) == sent_by


def test_the_hop_may_say_what_via_says() -> None:
    far = FarSide()
    far.call(hop=Hop("sip.test", 5061, "tls", sent_by="other.test:7"))
    assert (far.request("INVITE").via.host, far.request("INVITE").via.port) == ("other.test", 7)
    far.call()
    assert far.request("INVITE").via.host == "trunk.test"


def test_a_strict_router_gets_its_own_uri_and_the_target_as_last_route() -> None:
    far = FarSide()
    far.established(
        headers=(("Record-Route", "<sip:loose.test;lr>"), ("Record-Route", "<sip:strict.test>"))
    )
    ack = far.request("ACK")
    assert ack.uri == "sip:strict.test"
    assert ack.headers.get_all("Route") == [
        "<sip:loose.test;lr>",
        "<sip:in-du-1.test:5061;transport=tls;x-i=Ab%3d;x-c=1>",
    ]


def test_a_broken_route_falls_back_to_where_the_call_went() -> None:
    far = FarSide()
    far.established(headers=(("Record-Route", "<nonsense"),))
    hop = far.sends[-1].hop
    assert hop is not None
    assert hop.host == "sip.test"


def test_headers_given_replace_ours() -> None:
    far = FarSide()
    far.call(
        headers=(("max-forwards", "42"), ("User-Agent", "me"), ("X-Mine", "1"), ("X-Mine", "2")),
        route_set=("<sip:edge.test;lr>",),
        allow=("INVITE", "ACK", "BYE"),
        supported=(),
    )
    headers = far.request("INVITE").headers
    assert headers.get_all("Max-Forwards") == ["42"]
    assert headers.get_all("User-Agent") == ["me"]
    assert headers.get_all("X-Mine") == ["1", "2"]
    assert headers.get_all("Route") == ["<sip:edge.test;lr>"]
    assert headers.get_all("Allow") == ["INVITE, ACK, BYE"]
    assert "Supported" not in headers
    assert "Session-Expires" not in headers


def test_allow_and_supported_of_a_call_hold_for_its_dialog() -> None:
    far = FarSide()
    far.established(allow=("INVITE", "ACK", "BYE"), supported=("timer", "x"))
    assert far.request("INVITE").headers.get("Supported") == "timer, x"
    far.tell_in(far.request("INVITE"), "INFO")
    assert far.response().headers.get("Allow") == "INVITE, ACK, BYE"


def test_an_invite_without_contact_is_answered_to_its_from() -> None:
    far = FarSide()
    session = far.invited(headers=(("Contact", "*"),))
    far.endpoint.bye(session, far.now)
    assert far.request("BYE").uri == "sip:them@far.test"


@pytest.mark.parametrize("method", ["UPDATE", "INFO", "NOTIFY", "REFER"])
def test_requests_of_a_fork_that_only_rings(method: str) -> None:
    far = FarSide()
    far.call()
    far.say(180)
    far.tell_in(far.request("INVITE"), method)
    assert far.response().status in (481, 500)


def test_a_bye_of_a_fork_that_lost_gets_481() -> None:
    far = FarSide()
    far.established()
    far.tell_in(far.request("INVITE"), "BYE", from_tag="loser")
    assert far.response().status == 481
    assert not far.seen(SessionEnded)


def test_prack_without_anything_to_acknowledge() -> None:
    far = FarSide()
    far.established()
    far.tell_in(far.request("INVITE"), "PRACK")
    assert far.response().status == 481


def test_a_prack_may_not_change_the_offer() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    far.endpoint.ring(session, far.now, status=183, sdp=ANSWER)
    ringing = far.response()
    rack = (("RAck", f"{ringing.headers.get('RSeq')} {ringing.cseq.number} INVITE"),)
    far.tell("PRACK", to_tag=ringing.to.tag, headers=rack, sdp=HELD)
    assert far.response().status == 488


def test_the_prack_may_answer_our_offer() -> None:
    far = FarSide()
    invite = far.tell("INVITE", headers=(("Require", "100rel"),))
    session = far.only(SessionInvited).session
    far.endpoint.ring(session, far.now, status=183, sdp=OFFER)
    ringing = far.response()
    rack = (("RAck", f"{ringing.headers.get('RSeq')} {ringing.cseq.number} INVITE"),)
    far.tell("PRACK", to_tag=ringing.to.tag, headers=rack, sdp=ANSWER)
    far.endpoint.answer(session, b"", far.now, contact=CONTACT)
    assert "Content-Type" not in far.response().headers
    far.tell("ACK", to_tag=ringing.to.tag, cseq=invite.cseq.number)
    assert far.only(SessionEstablished).sdp == ANSWER


def test_waiting_reliable_provisionals_are_bounded() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    for _ in range(20):
        far.endpoint.ring(session, far.now)
    tag = far.response().to.tag
    while far.lines()[-1] != "200 PRACK":
        ringing = far.response()
        rack = (("RAck", f"{ringing.headers.get('RSeq')} {ringing.cseq.number} INVITE"),)
        far.tell("PRACK", to_tag=tag, headers=rack)
    assert far.lines().count("180 INVITE") == 9


def test_an_answer_leaves_though_the_prack_never_comes() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    far.endpoint.ring(session, far.now)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.wait_ms(32_000)
    assert far.lines()[-1] == "200 INVITE"


def test_a_reliable_provisional_beyond_the_kept_forks_is_only_reported() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_forks=1))
    far.call()
    far.say(180, tag="one")
    far.say(183, tag="two", headers=(("Require", "100rel"), ("RSeq", "1")))
    far.say(183, tag="one", headers=(("Require", "100rel"), ("RSeq", "none")))
    assert len(far.seen(SessionProgressed)) == 3
    assert "PRACK" not in far.lines()


def test_replaces_ends_a_session_that_waits_for_its_ack() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER)
    first = far.only(SessionInvited).session
    far.endpoint.answer(first, ANSWER, far.now, contact=CONTACT)
    value = f"far-call;to-tag={far.response().to.tag};from-tag=far"
    far.tell("INVITE", call_id="new", from_tag="n", sdp=OFFER, headers=(("Replaces", value),))
    second = far.seen(SessionInvited)[1]
    assert second.replaced_session == first
    far.endpoint.answer(second.session, ANSWER, far.now, contact=CONTACT)
    assert far.only(SessionEnded).cause == "replaced"
    far.endpoint.bye(second.session, far.now)
    far.assert_clean()
    assert far.lines().count("BYE") == 2


def test_a_back_off_waits_while_the_peers_offer_is_open() -> None:
    far = FarSide()
    session = far.invited()
    tag = far.response().to.tag
    far.endpoint.reoffer(session, HELD, far.now)
    far.say(491, to=far.request("INVITE"))
    again = far.tell("INVITE", to_tag=tag, sdp=HELD)
    far.wait_ms(4_000)
    assert far.lines().count("INVITE") == 1
    far.endpoint.accept_offer(session, ANSWER, far.now)
    far.tell("ACK", to_tag=tag, cseq=again.cseq.number)
    far.wait_ms(600)
    assert far.lines().count("INVITE") == 2
    far.say(200, to=far.request("INVITE"), sdp=ANSWER)
    assert far.only(ReofferFinished).status == 200


def test_glare_of_an_answered_but_unacknowledged_call() -> None:
    far = FarSide()
    session = far.invited(answer=False)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT)
    far.tell("INVITE", to_tag=far.response().to.tag, sdp=HELD)
    assert far.response().status == 491


def test_an_offer_that_cannot_be_delivered() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, HELD, far.now)
    far.flush()
    transaction = far.sends[-1].transaction
    assert transaction is not None
    far.endpoint.transport_failed(transaction, far.now, "refused")
    assert far.only(ReofferFinished).status == 503
    assert not far.seen(SessionEnded)
    far.endpoint.transport_failed(transaction, far.now, "refused")
    refer = far.endpoint.refer(session, "<sip:x@y>", far.now)
    far.flush()
    far.endpoint.transport_failed(far.sends[-1].transaction or "", far.now, "refused")
    assert far.only(ReferProgress) == ReferProgress(session, refer, 503, final=True)


def test_a_refer_to_a_peer_that_has_forgotten_us_ends_the_session() -> None:
    far = FarSide()
    session = far.established()
    refer = far.endpoint.refer(session, "<sip:x@y>", far.now)
    far.say(481, to=far.request("REFER"))
    assert far.only(ReferProgress) == ReferProgress(session, refer, 481, final=True)
    assert far.only(SessionEnded).cause == "peer-unknown"


def test_our_refer_without_subscription_is_done_when_accepted() -> None:
    far = FarSide()
    session = far.established()
    refer = far.endpoint.refer(session, "<sip:x@y>", far.now)
    far.say(200, to=far.request("REFER"), headers=(("Refer-Sub", "false"),))
    assert far.only(ReferProgress) == ReferProgress(session, refer, 200, final=True)


@pytest.mark.parametrize("challenge", ["Basic realm=x", "Digest", 'Digest realm="x'])
def test_a_challenge_we_do_not_understand(challenge: str) -> None:
    far = FarSide()
    far.call(credentials=Credentials("u", "p"))
    far.say(401, headers=(("WWW-Authenticate", challenge),))
    assert far.only(SessionFailed).cause == "auth"


def test_the_order_of_timers_and_counters_is_visible() -> None:
    far = FarSide()
    far.call()
    assert (far.endpoint.open_sessions, far.endpoint.open_transactions) == (1, 1)
    assert far.endpoint.armed_timers == 1
    assert far.endpoint.next_deadline() == far.now + 32_000 * MS
