# SPDX-License-Identifier: Apache-2.0
"""Session timers (RFC 4028) over virtual hours; test-plan cases TMR-01 to TMR-06."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import SessionEnded, SessionFailed, SessionRefreshed
from tests.unit.wire.sip_machines.far_side import FarSide
from tests.unit.wire.sip_machines.link import ANSWER, OFFER, Link

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Transport

pytestmark = pytest.mark.unit

HOUR_MS = 3_600_000


def timer(value: str) -> tuple[tuple[str, str], ...]:
    return (("Supported", "timer"), ("Session-Expires", value))


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_a_call_lasts_four_hours_on_refreshes(transport: Transport) -> None:
    link = Link(transport)
    caller, _ = link.connect()
    link.run_for(4 * HOUR_MS)
    assert not link.a.seen(SessionEnded)
    assert len(link.a.seen(SessionRefreshed)) == len(link.b.seen(SessionRefreshed)) == 16
    offers = [message for message in link.a.sent if getattr(message, "method", "") == "INVITE"]
    assert len(offers) == 17
    assert {offer.body for offer in offers} == {OFFER}
    link.do(link.a).bye(caller, link.now)
    link.run_out()
    assert link.a.is_clean
    assert link.b.is_clean


def test_we_refresh_at_half_the_interval_when_asked_to() -> None:
    far = FarSide()
    far.established(headers=timer("1800;refresher=uac"))
    far.wait_ms(899_999)
    assert far.lines() == ["INVITE", "ACK"]
    far.wait_ms(1)
    again = far.request("INVITE")
    assert (again.body, again.headers.get("Session-Expires")) == (OFFER, "1800;refresher=uac")
    far.say(200, to=again, sdp=ANSWER, headers=timer("600;refresher=uac"))
    assert far.only(SessionRefreshed) is not None
    far.wait_ms(300_000)
    assert far.lines().count("INVITE") == 3


def test_a_peer_that_stops_refreshing_is_hung_up_on() -> None:
    far = FarSide()
    far.established(headers=timer("1800;refresher=uas"))
    far.wait_ms(1_767_999)
    assert not far.seen(SessionEnded)
    far.wait_ms(1)
    assert far.only(SessionEnded).cause == "timer-expired"
    assert far.lines()[-1] == "BYE"
    far.assert_clean()


def test_a_short_interval_ends_a_third_before_its_expiry() -> None:
    far = FarSide()
    far.established(headers=timer("90;refresher=uas"))
    far.wait_ms(59_999)
    assert not far.seen(SessionEnded)
    far.wait_ms(1)
    assert far.only(SessionEnded).cause == "timer-expired"


def test_a_peer_without_timer_is_never_refreshed() -> None:
    far = FarSide()
    far.established()
    far.wait_ms(4 * HOUR_MS)
    assert far.lines() == ["INVITE", "ACK"]
    far.invited(call_id="second")
    assert "Session-Expires" not in far.response(1).headers
    far.wait_ms(4 * HOUR_MS)
    assert not far.seen(SessionEnded)


def test_refreshes_of_the_peer_keep_the_session_alive() -> None:
    far = FarSide()
    far.invited(headers=timer("1800"))
    ok = far.response()
    assert ok.headers.get("Session-Expires") == "1800;refresher=uac"
    assert "timer" in ok.headers.values("Require")
    for _ in range(10):
        far.wait_ms(900_000)
        again = far.tell("INVITE", to_tag=ok.to.tag, sdp=OFFER, headers=timer("1800;refresher=uac"))
        far.tell("ACK", to_tag=ok.to.tag, cseq=again.cseq.number)
    assert len(far.seen(SessionRefreshed)) == 10
    assert not far.seen(SessionEnded)
    far.wait_ms(1_768_000)
    assert far.only(SessionEnded).cause == "timer-expired"


def test_the_peer_may_make_us_the_refresher() -> None:
    far = FarSide()
    far.invited(headers=timer("300;refresher=uas"))
    assert far.response().headers.get("Session-Expires") == "300;refresher=uas"
    far.wait_ms(150_000)
    assert far.request("INVITE").headers.get("Session-Expires") == "300;refresher=uac"


def test_a_too_small_interval_is_refused() -> None:
    far = FarSide()
    far.tell("INVITE", sdp=OFFER, headers=timer("60"))
    assert far.response().status == 422
    assert far.response().headers.get("Min-SE") == "90"
    assert not far.events
    assert far.endpoint.open_sessions == 0


def test_the_min_se_of_the_caller_is_respected() -> None:
    far = FarSide()
    far.invited(headers=(*timer("100"), ("Min-SE", "300")))
    assert far.response().headers.get("Session-Expires") == "300;refresher=uac"


def test_a_refresh_answered_with_422_is_repeated_with_the_longer_interval() -> None:
    far = FarSide()
    session = far.established(headers=timer("200;refresher=uac"))
    far.wait_ms(100_000)
    far.say(422, to=far.request("INVITE"), headers=(("Min-SE", "400"),))
    again = far.request("INVITE")
    assert again.headers.get("Session-Expires") == "400;refresher=uac"
    far.say(200, to=again, sdp=ANSWER, headers=timer("400;refresher=uac"))
    assert far.only(SessionRefreshed).session == session


def test_a_failed_refresh_is_tried_again_and_then_the_session_ends() -> None:
    far = FarSide()
    far.established(headers=timer("600;refresher=uac"))
    tries = 0
    for _ in range(600):
        far.wait_ms(1_000)
        if far.lines()[-1] == "INVITE":
            tries += 1
            far.say(500, to=far.request("INVITE"))
    assert tries >= 3
    assert far.only(SessionEnded).cause == "timer-expired"


def test_a_refresh_without_any_response_ends_the_session() -> None:
    far = FarSide()
    far.established(headers=timer("600;refresher=uac"))
    far.wait_ms(333_000)
    assert far.only(SessionEnded).cause == "peer-unknown"


def test_timers_can_be_switched_off_per_call() -> None:
    far = FarSide()
    far.established(headers=timer("1800;refresher=uac"), timer=False)
    assert "Session-Expires" not in far.request("INVITE").headers
    far.wait_ms(HOUR_MS)
    assert far.lines() == ["INVITE", "ACK"]


def test_a_refresh_by_update_carries_no_description() -> None:
    far = FarSide(EndpointConfig(user_agent="t", prefer_update=True))
    far.established(headers=(*timer("600;refresher=uac"), ("Allow", "INVITE, UPDATE")))
    far.wait_ms(300_000)
    update = far.request("UPDATE")
    assert (update.body, update.headers.get("Content-Type")) == (b"", None)
    far.say(200, to=update, headers=timer("600;refresher=uac"))
    assert far.only(SessionRefreshed) is not None


def test_an_interval_below_our_minimum_in_an_answer_is_not_taken() -> None:
    far = FarSide()
    far.established(headers=timer("1;refresher=uac"))
    far.wait_ms(44_000)
    assert far.lines() == ["INVITE", "ACK"]
    far.wait_ms(1_500)
    assert far.lines()[-1] == "INVITE"
    assert not far.seen(SessionEnded)
    assert not far.seen(SessionFailed)
