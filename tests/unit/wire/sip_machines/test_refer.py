# SPDX-License-Identifier: Apache-2.0
"""REFER, NOTIFY and Replaces, both sides; test-plan cases TRF-01, TRF-07 to TRF-13."""

from __future__ import annotations

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import (
    ReferProgress,
    ReferReceived,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
)
from centralino.wire.sip.message import Request
from tests.unit.wire.sip_machines.far_side import CONTACT, FarSide
from tests.unit.wire.sip_machines.link import ANSWER, OFFER, Link

pytestmark = pytest.mark.unit

REFER_TO = "<sip:sip.pstnhub.test:5061;transport=tls;x-m=8:orgid:1a2B-3c4D;x-t=Ab%2fCd>"
REFERRED_BY = "<sip:sip.pstnhub.test:5061;x-m=8:orgid:9;x-ti=7;x-tt=aHR0cHM6Ly9hcGkt%3d>"
ASKED = (("Refer-To", REFER_TO), ("Referred-By", REFERRED_BY))


def fragments(far: FarSide) -> list[tuple[bytes, str | None]]:
    """Return what the NOTIFYs said."""
    far.flush()
    return [
        (message.body, message.headers.get("Subscription-State"))
        for message in far.got
        if isinstance(message, Request) and message.method == "NOTIFY"
    ]


def test_a_refer_is_passed_on_verbatim_and_its_progress_reported() -> None:
    far = FarSide()
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    asked = far.only(ReferReceived)
    assert (asked.refer_to, asked.referred_by) == (REFER_TO, REFERRED_BY)
    far.endpoint.accept_refer(session, asked.refer, far.now)
    assert far.lines()[-2:] == ["202 REFER", "NOTIFY"]
    notify = far.request("NOTIFY")
    assert notify.headers.get("Event") == "refer"
    assert notify.headers.get("Content-Type") == "message/sipfrag;version=2.0"
    assert notify.headers.get("Contact") == CONTACT
    far.say(200, to=notify)
    for status, reason, final in ((180, "Ringing", False), (200, "OK", True)):
        far.endpoint.notify_refer(session, asked.refer, status, reason, final=final, now=far.now)
        far.say(200, to=far.request("NOTIFY"))
    assert fragments(far) == [
        (b"SIP/2.0 100 Trying\r\n", "active;expires=180"),
        (b"SIP/2.0 180 Ringing\r\n", "active;expires=180"),
        (b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource"),
    ]
    far.tell_in(far.request("INVITE"), "BYE")
    assert far.only(SessionEnded).cause == "bye-received"
    far.assert_clean()


def test_notifies_leave_one_by_one_and_only_the_newest_waits() -> None:
    far = FarSide()
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    refer = far.only(ReferReceived).refer
    far.endpoint.accept_refer(session, refer, far.now)
    for status in (100, 180, 183):
        far.endpoint.notify_refer(session, refer, status, "", final=False, now=far.now)
    far.endpoint.notify_refer(session, refer, 603, "Decline", final=True, now=far.now)
    assert len(fragments(far)) == 1
    far.say(200, to=far.request("NOTIFY"))
    assert [body for body, _ in fragments(far)] == [
        b"SIP/2.0 100 Trying\r\n",
        b"SIP/2.0 603 Decline\r\n",
    ]
    far.endpoint.notify_refer(session, refer, 200, "OK", final=True, now=far.now)
    assert len(fragments(far)) == 2


def test_the_final_notify_leaves_before_our_bye() -> None:
    far = FarSide()
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    refer = far.only(ReferReceived).refer
    far.endpoint.accept_refer(session, refer, far.now)
    far.endpoint.notify_refer(session, refer, 487, "Gone", final=True, now=far.now)
    far.endpoint.bye(session, far.now)
    assert far.lines()[-3:] == ["NOTIFY", "NOTIFY", "BYE"]
    far.assert_clean()


def test_a_lost_answer_to_a_notify_does_not_end_the_session() -> None:
    far = FarSide(transport="udp")
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    refer = far.only(ReferReceived).refer
    far.endpoint.accept_refer(session, refer, far.now)
    far.endpoint.notify_refer(session, refer, 200, "OK", final=True, now=far.now)
    far.wait_ms(33_000)
    assert [body for body, _ in fragments(far)][-1] == b"SIP/2.0 200 OK\r\n"
    assert not far.seen(SessionEnded)
    far.endpoint.bye(session, far.now)
    far.assert_clean()


def test_a_subscription_the_peer_does_not_know_is_closed() -> None:
    far = FarSide()
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    refer = far.only(ReferReceived).refer
    far.endpoint.accept_refer(session, refer, far.now)
    far.say(481, to=far.request("NOTIFY"))
    far.endpoint.notify_refer(session, refer, 200, "OK", final=True, now=far.now)
    assert len(fragments(far)) == 1
    assert not far.seen(SessionEnded)


def test_a_transfer_without_result_expires() -> None:
    far = FarSide(EndpointConfig(user_agent="t", refer_expires_s=20))
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
    far.endpoint.accept_refer(session, far.only(ReferReceived).refer, far.now)
    far.say(200, to=far.request("NOTIFY"))
    far.wait_ms(20_000)
    assert fragments(far)[-1] == (b"SIP/2.0 408 Request Timeout\r\n", "terminated;reason=timeout")


def test_without_implicit_subscription_nothing_is_notified() -> None:
    far = FarSide()
    session = far.established()
    far.tell_in(far.request("INVITE"), "REFER", headers=(*ASKED, ("Refer-Sub", "false")))
    refer = far.only(ReferReceived).refer
    far.endpoint.accept_refer(session, refer, far.now)
    assert far.response().headers.get("Refer-Sub") == "false"
    far.endpoint.notify_refer(session, refer, 200, "OK", final=True, now=far.now)
    assert fragments(far) == []


def test_refused_unanswered_and_malformed_refers() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    far.tell_in(invite, "REFER", headers=ASKED)
    far.endpoint.reject_refer(session, far.seen(ReferReceived)[0].refer, 603, far.now)
    assert far.response().status == 603
    far.tell_in(invite, "REFER", headers=ASKED)
    far.wait_ms(33_000)
    late = far.seen(ReferReceived)[1].refer
    far.endpoint.accept_refer(session, late, far.now)
    far.endpoint.reject_refer(session, late, 603, far.now)
    assert far.lines()[-1] == "603 REFER"
    far.tell_in(invite, "REFER")
    assert far.response().status == 400
    far.tell_in(invite, "REFER", headers=(*ASKED, ("Refer-To", "<sip:two@x>")))
    assert far.response().status == 400
    assert len(far.seen(ReferReceived)) == 2


def test_the_second_refer_has_its_own_event_id() -> None:
    far = FarSide()
    session = far.established()
    for index in (0, 1):
        far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
        far.endpoint.accept_refer(session, far.seen(ReferReceived)[index].refer, far.now)
    assert [far.request("NOTIFY", index).headers.get("Event") for index in (0, 1)] == [
        "refer",
        "refer;id=12",
    ]


def test_open_refers_are_bounded() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_refers=2))
    session = far.established()
    for _ in range(3):
        far.tell_in(far.request("INVITE"), "REFER", headers=ASKED)
        far.endpoint.refer(session, REFER_TO, far.now)
    assert far.lines().count("503 REFER") == 1
    assert far.lines().count("REFER") == 2
    assert far.only(ReferProgress).status == 503
    far.tell_in(far.request("INVITE"), "BYE")
    assert far.lines()[-2:] == ["481 REFER", "481 REFER"]
    assert [event.final for event in far.seen(ReferProgress)] == [True, True, True]
    far.assert_clean()


# ---- we ask


def notify(far: FarSide, text: str, state: str, event: str = "refer") -> int:
    headers = (
        ("Event", event),
        ("Subscription-State", state),
        ("Content-Type", "message/sipfrag"),
    )
    far.tell_in(far.request("INVITE"), "NOTIFY", headers=headers, body=text.encode())
    return far.response().status


def test_our_refer_is_followed_to_its_end() -> None:
    far = FarSide()
    session = far.established()
    refer = far.endpoint.refer(session, REFER_TO, far.now, referred_by=REFERRED_BY)
    sent = far.request("REFER")
    assert sent.headers.get("Refer-To") == REFER_TO
    assert sent.headers.get("Referred-By") == REFERRED_BY
    far.say(202, to=sent)
    assert notify(far, "SIP/2.0 180 Ringing\r\n", "active;expires=60") == 200
    assert notify(far, "SIP/2.0 200 OK", "terminated", f"refer;id={sent.cseq.number}") == 200
    assert far.seen(ReferProgress) == [
        ReferProgress(session, refer, 202, final=False),
        ReferProgress(session, refer, 180, final=False),
        ReferProgress(session, refer, 200, final=True),
    ]
    assert notify(far, "SIP/2.0 200 OK", "terminated") == 481


def test_a_notify_may_overtake_the_202() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.refer(session, REFER_TO, far.now)
    assert notify(far, "SIP/2.0 100 Trying", "active;expires=60") == 200
    far.say(202, to=far.request("REFER"))
    assert notify(far, "SIP/2.0 603 Decline", "active;expires=50") == 200
    assert [(e.status, e.final) for e in far.seen(ReferProgress)] == [
        (100, False),
        (202, False),
        (603, True),
    ]


@pytest.mark.parametrize("status", [405, 603])
def test_a_refused_refer(status: int) -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.refer(session, REFER_TO, far.now)
    far.say(status, to=far.request("REFER"))
    progress = far.only(ReferProgress)
    assert (progress.status, progress.final) == (status, True)
    assert not far.seen(SessionEnded)


def test_a_refer_without_news_times_out() -> None:
    far = FarSide()
    session = far.established()
    far.endpoint.refer(session, REFER_TO, far.now)
    far.say(202, to=far.request("REFER"))
    far.wait_ms(180_000)
    assert far.seen(ReferProgress)[-1] == ReferProgress(session, "out-1", 408, final=True)


def test_the_end_of_the_session_finishes_a_refer() -> None:
    far = FarSide()
    session = far.established()
    refer = far.endpoint.refer(session, REFER_TO, far.now)
    far.endpoint.bye(session, far.now)
    assert far.only(ReferProgress) == ReferProgress(session, refer, 481, final=True)
    assert isinstance(far.events[-1], SessionEnded)
    far.endpoint.refer(session, REFER_TO, far.now)
    assert far.seen(ReferProgress)[-1].status == 481


def test_a_notify_of_another_package_or_of_nothing() -> None:
    far = FarSide()
    far.established()
    assert notify(far, "", "active", "presence") == 489
    assert notify(far, "", "active", "refer") == 481
    assert notify(far, "", "active", "refer;id=5") == 481


def test_a_transfer_between_two_endpoints() -> None:
    link = Link()
    caller, callee = link.connect()
    refer = link.do(link.a).refer(caller, REFER_TO, link.now, referred_by=REFERRED_BY)
    link.run_for(50)
    asked = link.b.only(ReferReceived)
    assert (asked.refer_to, asked.referred_by) == (REFER_TO, REFERRED_BY)
    link.do(link.b).accept_refer(callee, asked.refer, link.now)
    link.do(link.b).notify_refer(callee, asked.refer, 180, "Ringing", final=False, now=link.now)
    link.do(link.b).notify_refer(callee, asked.refer, 200, "OK", final=True, now=link.now)
    link.run_for(200)
    assert [event.status for event in link.a.seen(ReferProgress)] == [202, 100, 200]
    link.do(link.a).bye(caller, link.now)
    link.run_out()
    assert len([e for e in link.a.seen(ReferProgress) if e.final]) == 1
    assert refer
    assert link.a.is_clean
    assert link.b.is_clean


# ---- Replaces


def replaces(far: FarSide, call_id: str, to_tag: str | None, from_tag: str, more: str = "") -> None:
    value = f"{call_id};to-tag={to_tag};from-tag={from_tag}{more}"
    far.tell("INVITE", call_id="new", from_tag="n", sdp=OFFER, headers=(("Replaces", value),))


def test_replaces_names_the_session_and_ends_it_when_answered() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    replaces(far, invite.call_id, invite.from_.tag, "far")
    invited = far.only(SessionInvited)
    assert invited.replaced_session == session
    assert invited.replaces is not None
    assert not far.seen(SessionEnded)
    far.endpoint.answer(invited.session, ANSWER, far.now, contact=CONTACT)
    ended = far.only(SessionEnded)
    assert (ended.session, ended.cause) == (session, "replaced")
    assert far.lines()[-2:] == ["200 INVITE", "BYE"]


def test_replaces_of_an_unknown_dialog_gets_481() -> None:
    far = FarSide()
    far.established()
    invite = far.request("INVITE")
    for call_id, to_tag, from_tag in (
        ("bogus", invite.from_.tag, "far"),
        (invite.call_id, "bogus", "far"),
        (invite.call_id, invite.from_.tag, "bogus"),
    ):
        replaces(far, call_id, to_tag, from_tag)
        assert far.response().status == 481
    assert not far.seen(SessionInvited)


def test_replaces_early_only_of_an_answered_dialog_gets_486() -> None:
    far = FarSide()
    far.established()
    invite = far.request("INVITE")
    replaces(far, invite.call_id, invite.from_.tag, "far", ";early-only")
    assert far.response().status == 486


def test_replaces_of_a_dialog_that_is_over_gets_603() -> None:
    far = FarSide()
    session = far.established()
    invite = far.request("INVITE")
    far.endpoint.bye(session, far.now)
    replaces(far, invite.call_id, invite.from_.tag, "far")
    assert far.response().status == 603


def test_replaces_of_a_ringing_call_of_ours_cancels_that() -> None:
    far = FarSide()
    far.call()
    ringing = far.request("INVITE")
    far.say(180, tag="desk")
    replaces(far, ringing.call_id, ringing.from_.tag, "desk", ";early-only")
    invited = far.only(SessionInvited)
    far.endpoint.answer(invited.session, ANSWER, far.now, contact=CONTACT)
    assert far.lines()[-1] == "CANCEL"
    far.say(487, to=ringing, tag="desk")
    assert far.only(SessionFailed).cause == "cancelled"


def test_replaces_of_a_call_that_rings_here_gets_481() -> None:
    far = FarSide()
    far.invited(answer=False)
    tag = far.response().to.tag
    replaces(far, "far-call", tag or "none", "far")
    assert far.response().status == 481


def test_two_replaces_headers_are_refused() -> None:
    far = FarSide()
    far.tell(
        "INVITE",
        sdp=OFFER,
        headers=(("Replaces", "a;to-tag=1;from-tag=2"), ("Replaces", "b;to-tag=1;from-tag=2")),
    )
    assert far.response().status == 400
    far.tell("INVITE", sdp=OFFER, cseq=99, headers=(("Replaces", "broken"),))
    assert far.response().status == 400
    assert not far.seen(SessionEstablished)
