# SPDX-License-Identifier: Apache-2.0
"""re-INVITE and UPDATE: changes, refreshes, glare, and what the peer does wrong."""

from __future__ import annotations

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import (
    InfoReceived,
    ReofferFinished,
    SessionEnded,
    SessionInvited,
    SessionRefreshed,
    SessionReoffered,
)
from centralino.wire.sip.offers import is_same_description
from tests.unit.wire.sip_machines.far_side import CONTACT, FarSide
from tests.unit.wire.sip_machines.link import ANSWER, HELD, OFFER, Link

pytestmark = pytest.mark.unit

REHELD = ANSWER.replace(b"7 1 IN", b"7 2 IN").replace(b"sendrecv", b"inactive")


def test_a_reoffer_and_its_answer() -> None:
    link = Link()
    caller, callee = link.connect()
    link.do(link.a).reoffer(caller, HELD, link.now)
    link.run_for(100)
    reoffered = link.b.only(SessionReoffered)
    assert (reoffered.session, reoffered.sdp) == (callee, HELD)
    link.do(link.b).accept_offer(callee, REHELD, link.now)
    link.run_for(100)
    assert link.a.only(ReofferFinished) == ReofferFinished(caller, 200, REHELD)
    assert link.a.lines()[-2:] == ["INVITE", "ACK"]
    link.do(link.b).bye(callee, link.now)
    link.run_out()
    assert link.a.is_clean
    assert link.b.is_clean


def test_a_refused_reoffer_leaves_the_session_as_it_was() -> None:
    link = Link()
    caller, callee = link.connect()
    link.do(link.a).reoffer(caller, HELD, link.now)
    link.run_for(100)
    link.do(link.b).reject_offer(callee, 488, link.now)
    link.run_for(100)
    assert link.a.only(ReofferFinished).status == 488
    assert not link.a.seen(SessionEnded)
    checkpoint = link.a.endpoint.checkpoint(caller)
    assert checkpoint is not None
    assert checkpoint.local_sdp == OFFER.decode()


def test_a_refresh_is_answered_inside_with_the_unchanged_description() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "INVITE", sdp=ANSWER)
    assert far.only(SessionRefreshed).session == session
    assert not far.seen(SessionReoffered)
    assert far.response().body == OFFER
    head, _, tail = ANSWER.partition(b"m=")
    medium, attribute = tail.splitlines(keepends=True)
    shuffled = head + attribute + b"m=" + medium
    far.tell_in(invite, "ACK", cseq=far.response().cseq.number)
    far.tell_in(invite, "INVITE", sdp=shuffled)
    assert len(far.seen(SessionRefreshed)) == 2


def test_what_counts_as_the_same_description() -> None:
    assert is_same_description(ANSWER, ANSWER)
    assert not is_same_description(None, ANSWER)
    assert not is_same_description(ANSWER, REHELD)
    same_version = ANSWER.replace(b"sendrecv", b"sendonly")
    assert not is_same_description(ANSWER, same_version)
    two = ANSWER + b"m=video 6 RTP/SAVP 9\r\na=inactive\r\n"
    swapped = two.replace(b"inactive", b"x").replace(b"sendrecv", b"inactive")
    assert not is_same_description(two, swapped.replace(b"=x", b"=sendrecv"))


def test_two_offers_at_once_are_resolved_by_back_off() -> None:
    link = Link()
    caller, callee = link.connect()
    link.do(link.a).reoffer(caller, HELD, link.now)
    link.do(link.b).reoffer(callee, REHELD, link.now)
    start = link.now
    while not (link.a.seen(ReofferFinished) and link.b.seen(ReofferFinished)):
        link.run_for(10)
        assert link.now - start < 10_000_000_000
        for peer, session, sdp in ((link.a, caller, OFFER), (link.b, callee, ANSWER)):
            for event in peer.events:
                if isinstance(event, SessionReoffered):
                    peer.endpoint.accept_offer(session, sdp, link.now)
    assert "491 INVITE" in link.a.lines()
    assert "491 INVITE" in link.b.lines()
    assert link.a.only(ReofferFinished).status == 200
    assert link.b.only(ReofferFinished).status == 200


@pytest.mark.parametrize(("caller_waits", "low", "high"), [(True, 2100, 4000), (False, 0, 2000)])
def test_the_back_off_depends_on_who_made_the_call(caller_waits: bool, low: int, high: int) -> None:
    for _ in range(10):
        far = FarSide()
        session = far.established() if caller_waits else far.invited()
        far.endpoint.reoffer(session, HELD, far.now)
        start = far.now
        count = far.lines().count("INVITE")
        far.say(491, to=far.request("INVITE"))
        while far.lines().count("INVITE") == count:
            deadline = far.endpoint.next_deadline()
            assert deadline is not None
            far.wait_ms(max(0, (deadline - far.now) // 1_000_000))
        waited_ms = (far.now - start) // 1_000_000
        assert low <= waited_ms <= high


def test_glare_for_ever_is_given_up() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, HELD, far.now)
    for _ in range(8):
        far.say(491, to=far.request("INVITE"))
        far.wait_ms(4_100)
    assert far.only(ReofferFinished).status == 491
    assert not far.seen(SessionEnded)


def test_an_offer_waits_for_the_one_before_and_the_last_one_wins() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, b"first", far.now)
    far.endpoint.reoffer(session, b"second", far.now)
    far.endpoint.reoffer(session, b"third", far.now)
    assert far.lines().count("INVITE") == 2
    assert far.only(ReofferFinished).status == 491
    far.say(200, to=far.request("INVITE"), sdp=ANSWER)
    assert far.request("INVITE").body == b"third"
    far.say(200, to=far.request("INVITE"), sdp=ANSWER)
    assert [event.status for event in far.seen(ReofferFinished)] == [491, 200, 200]


def test_an_offer_before_the_ack_waits_for_it() -> None:
    link = Link()
    link.call()
    link.run_for(50)
    callee = link.b.only(SessionInvited).session
    link.do(link.b).answer(callee, ANSWER, link.now, contact=link.b.contact)
    link.do(link.b).reoffer(callee, REHELD, link.now)
    link.flush()
    assert "INVITE" not in link.b.lines()
    link.run_for(100)
    assert link.b.lines()[-1] == "INVITE"


def test_a_second_reinvite_before_the_first_is_answered_gets_500() -> None:
    far = FarSide()
    far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "INVITE", sdp=REHELD)
    far.tell_in(invite, "INVITE", sdp=HELD)
    assert far.response().status == 500
    assert "Retry-After" in far.response().headers


def test_an_old_sequence_number_gets_500() -> None:
    far = FarSide()
    far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "INFO", cseq=20)
    far.tell_in(invite, "INFO", cseq=19)
    assert far.response().status == 500
    assert len(far.seen(InfoReceived)) == 1


def test_a_reinvite_can_be_cancelled() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    again = far.tell_in(invite, "INVITE", sdp=REHELD)
    branch = (again.via.branch or "").removeprefix("z9hG4bK")
    far.tell_in(invite, "CANCEL", cseq=again.cseq.number, branch=branch)
    assert far.lines()[-2:] == ["200 CANCEL", "487 INVITE"]
    far.endpoint.accept_offer(session, ANSWER, far.now)
    assert far.lines()[-1] == "487 INVITE"


def test_a_reinvite_without_offer_gets_ours_and_the_ack_answers() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    again = far.tell_in(invite, "INVITE")
    assert far.only(SessionReoffered).sdp is None
    far.endpoint.accept_offer(session, HELD, far.now)
    far.tell_in(invite, "ACK", cseq=again.cseq.number, sdp=REHELD)
    assert far.only(ReofferFinished) == ReofferFinished(session, 200, REHELD)


def test_the_200_of_a_reinvite_is_repeated_and_a_lost_ack_ends_the_session() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "INVITE", sdp=REHELD)
    far.endpoint.accept_offer(session, HELD, far.now)
    far.wait_ms(1_600)
    assert far.lines().count("200 INVITE") == 3
    far.wait_ms(31_000)
    assert far.only(SessionEnded).cause == "ack-timeout"
    far.assert_clean()


@pytest.mark.parametrize("status", [481, 408, None])
def test_a_peer_that_does_not_know_the_dialog_ends_the_session(status: int | None) -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, HELD, far.now)
    if status is None:
        far.wait_ms(33_000)
    else:
        far.say(status, to=far.request("INVITE"))
    assert far.only(ReofferFinished).status == (status or 408)
    assert far.only(SessionEnded).cause == "peer-unknown"
    assert far.lines()[-1] == "BYE"
    far.assert_clean()


def test_a_reinvite_that_is_never_answered_after_a_100_ends_the_session() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, HELD, far.now)
    far.say(100, to=far.request("INVITE"), tag=None)
    far.wait_ms(179_000)
    assert not far.seen(ReofferFinished)
    far.wait_ms(1_000)
    assert far.only(ReofferFinished).status == 408
    assert far.only(SessionEnded).cause == "peer-unknown"
    far.assert_clean()


def test_the_end_of_the_session_finishes_every_open_offer() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.reoffer(session, b"first", far.now)
    far.endpoint.reoffer(session, b"second", far.now)
    reinvite = far.request("INVITE")
    far.endpoint.bye(session, far.now)
    assert [event.status for event in far.seen(ReofferFinished)] == [487, 487]
    assert isinstance(far.events[-1], SessionEnded)
    far.say(200, to=reinvite, sdp=ANSWER)
    assert far.lines()[-1] == "ACK"
    far.endpoint.reoffer(session, b"third", far.now)
    assert far.seen(ReofferFinished)[-1].status == 487
    far.assert_clean()


def test_a_bye_while_we_consider_an_offer_answers_that_with_487() -> None:
    far = FarSide()
    far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "INVITE", sdp=REHELD)
    far.tell_in(invite, "BYE")
    assert far.lines()[-2:] == ["200 BYE", "487 INVITE"]
    far.assert_clean()


def test_an_update_is_answered_and_needs_no_ack() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "UPDATE", sdp=REHELD)
    far.endpoint.accept_offer(session, HELD, far.now)
    assert (far.response().status, far.response().body) == (200, HELD)
    far.tell_in(invite, "UPDATE")
    assert far.response().status == 200
    assert far.only(SessionRefreshed) is not None
    far.tell_in(invite, "UPDATE", sdp=OFFER)
    far.wait_ms(33_000)
    far.endpoint.accept_offer(session, HELD, far.now)
    far.endpoint.bye(session, far.now)
    far.assert_clean()


@pytest.mark.parametrize(
    ("prefer", "allow", "method"),
    [(True, "INVITE, UPDATE", "UPDATE"), (True, "INVITE", "INVITE"), (False, "UPDATE", "INVITE")],
)
def test_update_is_sent_only_when_wished_and_allowed(prefer: bool, allow: str, method: str) -> None:
    far = FarSide(EndpointConfig(user_agent="t", prefer_update=prefer))
    session = far.established(headers=(("Allow", allow),))
    far.endpoint.reoffer(session, HELD, far.now)
    sent = far.request(method)
    assert (sent.body, sent.headers.get("Content-Type")) == (HELD, "application/sdp")
    far.say(200, to=sent, sdp=ANSWER)
    assert far.only(ReofferFinished).status == 200


def test_a_target_refresh_moves_the_remote_target() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    moved = "<sip:elsewhere.test:5071;transport=tls;x-i=9>"
    far.tell_in(invite, "INVITE", sdp=ANSWER, headers=(("Contact", moved),))
    far.endpoint.bye(session, far.now)
    assert far.request("BYE").uri == "sip:elsewhere.test:5071;transport=tls;x-i=9"


def test_requests_are_accepted_from_any_flow_and_the_last_live_one_is_used() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.info(session, far.now, "application/dtmf-relay", b"Signal=1")
    far.flush()
    assert far.sends[-1].flow_id == 3
    other = type(far.flow)(8, "tls", ("192.0.2.3", 5061), ("192.0.2.99", 41000))
    far.tell_in(far.request("INVITE"), "INFO", flow=other, body=b"x")
    assert far.only(InfoReceived).request.body == b"x"
    assert far.sends[-1].flow_id == 8
    far.endpoint.info(session, far.now, "application/dtmf-relay", b"Signal=2")
    far.flush()
    assert far.sends[-1].flow_id == 8
    far.endpoint.flow_closed(8, far.now)
    far.flush()
    far.endpoint.bye(session, far.now)
    far.flush()
    send = far.sends[-1]
    assert send.flow_id is None
    assert send.hop is not None
    assert (send.hop.host, send.hop.port, send.hop.trunk) == ("in-du-1.test", 5061, "t1")


def test_info_with_an_unknown_dialog_ends_the_session() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.info(session, far.now, "application/dtmf-relay", b"Signal=1")
    far.say(481, to=far.request("INFO"))
    assert far.only(SessionEnded).cause == "peer-unknown"


def test_options_in_a_dialog_are_answered() -> None:
    far = FarSide()
    far.established()
    far.tell_in(far.request("INVITE"), "OPTIONS")
    assert far.response().status == 200
    assert "Allow" in far.response().headers


def test_the_allow_given_with_the_answer_holds_for_the_dialog() -> None:
    far = FarSide()
    invite = far.tell("INVITE", sdp=OFFER)
    session = far.only(SessionInvited).session
    allow = (("Allow", "INVITE, ACK, BYE, CANCEL, NOTIFY"),)
    far.endpoint.answer(session, ANSWER, far.now, contact=CONTACT, headers=allow)
    tag = far.response().to.tag
    far.tell("ACK", to_tag=tag, cseq=invite.cseq.number)
    far.tell("INFO", to_tag=tag)
    assert far.response().status == 405
    assert far.response().headers.get("Allow") == allow[0][1]
