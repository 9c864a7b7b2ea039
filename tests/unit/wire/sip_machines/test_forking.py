# SPDX-License-Identifier: Apache-2.0
"""Several To tags, late answers, challenges, 422 and reliable provisionals of one INVITE."""

from __future__ import annotations

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.digest import Credentials, NonceStore, challenge
from centralino.wire.sip.events import (
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
)
from tests.unit.wire.sip_machines.far_side import FarSide
from tests.unit.wire.sip_machines.link import ANSWER

pytestmark = pytest.mark.unit


def test_every_fork_is_reported_and_one_wins() -> None:
    far = FarSide()
    session = far.call()
    far.say(100, tag=None)
    for tag in ("desk", "mobile", "desk"):
        far.say(180, tag=tag)
    far.say(183, tag="media", sdp=ANSWER)
    far.say(200, tag="mobile", sdp=ANSWER)
    assert [event.to_tag for event in far.seen(SessionProgressed)] == [
        "desk",
        "mobile",
        "desk",
        "media",
    ]
    answered = far.only(SessionAnswered)
    assert answered.to_tag == "mobile"
    assert answered.early_tags == ("desk", "mobile", "media")
    far.endpoint.bye(session, far.now)
    assert far.request("BYE").to.tag == "mobile"


def test_a_200_with_a_tag_never_seen_is_accepted() -> None:
    far = FarSide()
    far.call()
    far.say(180, tag="desk")
    far.say(200, tag="voicemail", sdp=ANSWER)
    assert far.only(SessionAnswered).to_tag == "voicemail"
    assert far.request("ACK").to.tag == "voicemail"


def test_a_late_200_of_another_fork_is_acknowledged_and_hung_up() -> None:
    far = FarSide()
    session = far.call()
    far.say(200, tag="one", sdp=ANSWER)
    far.wait_ms(1000)
    far.say(200, tag="two", sdp=ANSWER)
    assert far.lines() == ["INVITE", "ACK", "ACK", "BYE"]
    assert far.request("ACK").to.tag == "two"
    bye = far.request("BYE")
    assert (bye.to.tag, bye.uri) == ("two", "sip:in-du-1.test:5061;transport=tls;x-i=Ab%3d;x-c=1")
    far.say(200, to=bye)
    far.say(200, tag="two", sdp=ANSWER)
    assert far.lines()[4:] == ["ACK"]
    far.endpoint.bye(session, far.now)
    far.say(200, to=far.request("BYE"))
    assert far.only(SessionEnded).cause == "bye-sent"
    far.say(200, tag="three", sdp=ANSWER)
    assert far.request("BYE").to.tag == "three"
    far.say(481, to=far.request("BYE"))
    assert len(far.seen(SessionEnded)) == 1
    far.assert_clean()


def test_the_number_of_kept_forks_is_bounded() -> None:
    far = FarSide(EndpointConfig(user_agent="t", max_forks=3))
    far.call()
    for number in range(10):
        far.say(180, tag=f"f{number}")
    assert len(far.seen(SessionProgressed)) == 10
    far.say(200, tag="f9", sdp=ANSWER)
    assert far.only(SessionAnswered).early_tags == ("f0", "f1", "f2")
    for number in range(20):
        far.say(200, tag=f"late{number}", sdp=ANSWER)
    assert far.endpoint.dropped == {"too-many-forks": 17}


def test_a_response_of_no_transaction_is_dropped() -> None:
    far = FarSide()
    session = far.call()
    invite = far.request("INVITE")
    far.say(603, tag="x")
    assert far.only(SessionFailed).status == 603
    far.say(200, to=invite, tag="late", sdp=ANSWER)
    assert far.endpoint.dropped == {"stray-response": 1}
    assert session
    far.assert_clean()


def test_a_bye_that_overtakes_the_200_ends_the_call_when_that_comes() -> None:
    far = FarSide()
    far.call()
    invite = far.request("INVITE")
    far.tell_in(invite, "BYE")
    assert far.response().status == 200
    far.say(200, sdp=ANSWER)
    assert far.only(SessionAnswered) is not None
    assert far.only(SessionEnded).cause == "bye-received"
    far.assert_clean()


# ---- challenges


def ask(algorithm: str = "SHA-256") -> str:
    nonce = NonceStore(b"0123456789abcdef").issue(1)
    return challenge("carrier", nonce, algorithm=algorithm)  # type: ignore[arg-type]  # test shorthand


def test_a_challenge_is_answered_with_another_invite() -> None:
    far = FarSide()
    far.call(credentials=Credentials("us", "secret"))
    far.say(407, headers=(("Proxy-Authenticate", ask()),))
    first, second = far.request("INVITE", 0), far.request("INVITE", 1)
    assert "Proxy-Authorization" not in first.headers
    assert 'username="us"' in (second.headers.get("Proxy-Authorization") or "")
    assert (first.call_id, first.from_.tag) == (second.call_id, second.from_.tag)
    assert second.cseq.number == first.cseq.number + 1
    assert second.to.tag is None
    assert second.via.branch != first.via.branch
    far.say(200, sdp=ANSWER)
    ack = far.request("ACK")
    assert ack.headers.get("Proxy-Authorization") == second.headers.get("Proxy-Authorization")
    assert ack.cseq.number == second.cseq.number


@pytest.mark.parametrize("credentials", [None, Credentials("us", "wrong")])
def test_an_unanswerable_challenge_fails_the_call(credentials: Credentials | None) -> None:
    far = FarSide()
    far.call(credentials=credentials)
    far.say(401, headers=(("WWW-Authenticate", ask("MD5")),))
    if credentials is not None:
        far.say(401, headers=(("WWW-Authenticate", ask("MD5")),))
    failed = far.only(SessionFailed)
    assert (failed.cause, failed.status) == ("auth", 401)
    far.assert_clean()


def test_requests_in_the_dialog_answer_challenges_too() -> None:
    far = FarSide()
    session = far.established(credentials=Credentials("us", "secret"))
    far.endpoint.bye(session, far.now)
    bye = far.request("BYE")
    far.say(401, to=bye, headers=(("WWW-Authenticate", ask()),))
    again = far.request("BYE")
    assert again.cseq.number == bye.cseq.number + 1
    assert "Authorization" in again.headers
    far.say(200, to=again)
    far.assert_clean()


def test_a_stale_nonce_is_answered_once_more() -> None:
    far = FarSide()
    far.call(credentials=Credentials("us", "secret"))
    far.say(401, headers=(("WWW-Authenticate", ask()),))
    far.say(401, headers=(("WWW-Authenticate", ask() + ", stale=true"),))
    assert far.request("INVITE").cseq.number == 3
    far.say(401, headers=(("WWW-Authenticate", ask() + ", stale=true"),))
    assert far.only(SessionFailed).cause == "auth"


# ---- 422


def test_a_longer_session_interval_is_taken_over() -> None:
    far = FarSide()
    far.call()
    far.say(422, headers=(("Min-SE", "3600"),))
    invite = far.request("INVITE")
    assert invite.cseq.number == 2
    assert invite.headers.get("Session-Expires") == "3600;refresher=uac"
    assert invite.headers.get("Min-SE") == "3600"
    far.say(422, headers=(("Min-SE", "3600"),))
    assert far.only(SessionFailed).status == 422


def test_a_cancelled_call_is_not_tried_again() -> None:
    far = FarSide()
    session = far.call()
    far.say(100, tag=None)
    far.endpoint.cancel(session, far.now)
    far.say(422, headers=(("Min-SE", "3600"),))
    assert far.only(SessionFailed).cause == "cancelled"
    assert far.lines().count("INVITE") == 1


# ---- reliable provisional responses


def reliable(number: int) -> tuple[tuple[str, str], ...]:
    return (("Require", "100rel"), ("RSeq", str(number)))


def test_a_reliable_provisional_is_acknowledged_once() -> None:
    far = FarSide()
    far.call()
    far.say(183, sdp=ANSWER, headers=reliable(7))
    far.say(183, sdp=ANSWER, headers=reliable(7))
    far.say(183, headers=reliable(9))
    far.say(180, headers=reliable(8))
    assert far.lines() == ["INVITE", "PRACK", "PRACK"]
    assert [far.request("PRACK", index).headers.get("RAck") for index in (0, 1)] == [
        "7 1 INVITE",
        "8 1 INVITE",
    ]
    assert far.request("PRACK").cseq.number == 3
    assert len(far.seen(SessionProgressed)) == 2
    for index in (0, 1):
        far.say(200, to=far.request("PRACK", index))
    far.say(200)
    answered = far.only(SessionAnswered)
    assert answered.sdp == ANSWER
    far.endpoint.bye(answered.session, far.now)
    assert far.request("BYE").cseq.number == 4


def test_a_caller_who_requires_it_gets_reliable_provisionals_one_by_one() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    far.endpoint.ring(session, far.now)
    far.endpoint.ring(session, far.now, status=183, sdp=ANSWER)
    far.endpoint.answer(session, ANSWER, far.now, contact="<sip:us@trunk.test>")
    first = far.response()
    assert first.status == 180
    far.wait_ms(500)
    assert far.lines() == ["100 INVITE", "180 INVITE", "180 INVITE"]
    number = first.headers.get("RSeq") or ""
    cseq = first.cseq.number
    tag = first.to.tag
    far.tell("PRACK", to_tag=tag, headers=(("RAck", f"{int(number) + 5} {cseq} INVITE"),))
    assert far.response().status == 481
    far.tell("PRACK", to_tag=tag, headers=(("RAck", f"{number} {cseq} INVITE"),))
    assert far.lines()[4:] == ["200 PRACK", "200 INVITE"]


def test_queued_reliable_provisionals_follow_each_prack() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    far.endpoint.ring(session, far.now)
    far.endpoint.ring(session, far.now, status=183, sdp=ANSWER)
    first = far.response()
    rack = f"{first.headers.get('RSeq')} {first.cseq.number} INVITE"
    far.tell("PRACK", to_tag=first.to.tag, headers=(("RAck", rack),))
    second = far.response()
    assert second.status == 183
    assert int(second.headers.get("RSeq") or "") == int(first.headers.get("RSeq") or "") + 1


def test_a_provisional_never_acknowledged_ends_the_call_with_504() -> None:
    far = FarSide()
    session = far.invited(answer=False, headers=(("Require", "100rel"),))
    far.endpoint.ring(session, far.now)
    far.wait_ms(33_000)
    assert far.response(-1).status == 504
    failed = far.only(SessionFailed)
    assert (failed.cause, failed.status) == ("rejected", 504)
    far.assert_clean()
