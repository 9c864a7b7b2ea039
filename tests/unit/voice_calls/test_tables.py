# SPDX-License-Identifier: Apache-2.0
"""The pure parts: outcomes, collecting, settings, reading and writing addresses."""

from __future__ import annotations

import sys
from typing import get_args

import msgspec
import pytest

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.call_settings import HoldingSettings, fits
from centralino.adapters.voice.collecting import Collecting
from centralino.adapters.voice.leg_lifecycle import LEG, REPORTED, LegEvent, LegState
from centralino.adapters.voice.profiles import (
    Caller,
    addresses,
    allow_of,
    audio_profile,
    identity,
    read_arrival,
)
from centralino.core.kernel.errors import ConfigError, IllegalTransition
from centralino.core.kernel.ids import LegId, OrderId
from centralino.core.kernel.outcome import CANCELLED, OutcomeReason, Result
from centralino.exchange.orders import Collect, HangUpCause, RejectCause
from centralino.wire.sdp.audio import AudioNegotiator
from centralino.wire.sdp.errors import NegotiationReason
from centralino.wire.sdp.stream import LocalEndpoint
from centralino.wire.sip.events import EndCause, FailCause, SessionFailed
from centralino.wire.sip.flow import Hop
from centralino.wire.sip.headers import Headers
from centralino.wire.sip.message import Request, Response
from tests.kit.requirements import require_package
from tests.unit.voice_calls.world import voice_settings

pytestmark = pytest.mark.unit

TEAMS_TRUNK, CARRIER_TRUNK = voice_settings().trunks
R = OutcomeReason

TEAMS_ENDS = [
    # Status, has it rung, what it means (Microsoft's sub-codes in the comment).
    (403, False, R.FORBIDDEN),  # 10199, 510532, 510534, 510560
    (404, False, R.NOT_FOUND),  # 511404
    (408, True, R.NO_ANSWER),  # 560408
    (408, False, R.TIMEOUT),  # 0: the client took too long
    (410, False, R.MEDIA_FAILED),  # 531000, 531004, 531005
    (412, False, R.INCOMPLETE_NUMBER),  # 510412
    (480, False, R.UNAVAILABLE),  # 10037: signed out
    (480, True, R.NO_ANSWER),  # unanswered, no voicemail
    (484, False, R.INCOMPLETE_NUMBER),
    (486, True, R.BUSY),  # with Q.850 cause 63, which does not count
    (487, True, R.NO_ANSWER),
    (488, False, R.NO_COMMON_CODEC),  # 531000, 531027
    (500, False, R.INTERNAL_ERROR),  # 510482, 510544
    (503, False, R.OVERLOADED),  # 10320
    (504, False, R.UNREACHABLE),  # 549002
    (603, True, R.DECLINED),
]


@pytest.mark.parametrize(("status", "has_rung", "reason"), TEAMS_ENDS)
def test_what_teams_means(status: int, has_rung: bool, reason: OutcomeReason) -> None:
    assert outcomes.of_status(status, has_rung=has_rung, is_teams=True).reason is reason


@pytest.mark.parametrize("status", sorted(outcomes.BY_STATUS))
def test_every_status_has_an_outcome_that_is_no_success(status: int) -> None:
    outcome = outcomes.of_status(status, has_rung=False, is_teams=False)
    assert outcome is outcomes.BY_STATUS[status]
    assert outcome.result is not Result.SUCCESS


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, R.REDIRECTED), (499, R.REJECTED), (599, R.UNKNOWN), (699, R.DECLINED)],
)
def test_a_status_nobody_knows_is_judged_by_its_class(status: int, reason: OutcomeReason) -> None:
    assert outcomes.of_status(status, has_rung=False, is_teams=False).reason is reason


@pytest.mark.parametrize("cause", get_args(FailCause))
def test_every_way_to_fail_has_an_outcome(cause: FailCause) -> None:
    response = Response(486, "Busy Here", Headers()) if cause == "response" else None
    failed = SessionFailed("s", 486 if response else None, response, cause)
    outcome = outcomes.of_failure(failed, has_rung=False, is_teams=False)
    assert (outcome == CANCELLED) == (cause == "cancelled")
    assert outcomes.detail_of(failed).startswith("SIP ")


@pytest.mark.parametrize(
    ("detail", "reason"),
    [("connection refused", R.UNREACHABLE), ("TLS: certificate expired", R.TLS_FAILED)],
)
def test_a_transport_failure_says_whether_tls_was_it(detail: str, reason: OutcomeReason) -> None:
    failed = SessionFailed("s", None, None, "transport", detail=detail)
    assert outcomes.of_failure(failed, has_rung=False, is_teams=True).reason is reason


def test_an_endpoint_without_room_is_our_own_overload() -> None:
    failed = SessionFailed("s", 503, None, "transport", 5, "too many sessions")
    outcome = outcomes.of_failure(failed, has_rung=False, is_teams=True)
    assert (outcome.result, outcome.reason) == (Result.SERVER_ERROR, R.OVERLOADED)


def test_the_tables_are_complete() -> None:
    assert set(outcomes.BY_END) == set(get_args(EndCause))
    assert set(outcomes.BY_NEGOTIATION) == set(get_args(NegotiationReason))
    assert set(outcomes.BY_HANG_UP) == set(outcomes.BY_CANCEL) == set(HangUpCause)
    assert set(outcomes.BY_REJECT) == set(RejectCause)


@pytest.mark.parametrize("reason", list(OutcomeReason))
def test_a_person_is_never_told_as_408_503_or_504(reason: OutcomeReason) -> None:
    """OUT-05, OUT-06: those make Teams try another trunk."""
    outcome = outcomes.NO_ANSWER.__class__(Result.CLIENT_ERROR, reason)
    status = outcomes.status_of(outcome)
    assert status not in (408, 504)
    network = {R.OVERLOADED, R.THROTTLED, R.UNREACHABLE, R.TLS_FAILED}
    assert (status == 503) == (reason in network)


def test_refusals_towards_the_pstn_carry_a_q850_cause() -> None:
    def lines(status: int, *, is_teams: bool = False) -> tuple[tuple[str, str], ...]:
        return outcomes.refusal_lines(status, is_teams=is_teams, retry_after_s=7)

    assert lines(486) == (("Reason", "Q.850;cause=17"),)
    assert lines(499) == lines(486, is_teams=True) == ()
    assert lines(503, is_teams=True) == (("Retry-After", "7"),)


# ---- lifecycle


def test_a_leg_ends_once_and_from_everywhere() -> None:
    for state in LegState:
        if state not in (LegState.NEW, LegState.CLOSING, LegState.ENDED):
            assert LEG.next(state, LegEvent.CLOSE) is LegState.CLOSING
    assert LEG.next(LegState.CLOSING, LegEvent.END) is LegState.ENDED
    for event in LegEvent:
        with pytest.raises(IllegalTransition):
            LEG.next(LegState.ENDED, event)
    assert set(REPORTED.values()) == {"offered", "inviting", "answered"}


# ---- collecting


def order(**fields: object) -> Collect:
    base = Collect(order=OrderId("o"), leg=LegId("l"), collect="c", max_digits=4)
    return msgspec.structs.replace(base, **fields)


def test_keys_until_the_terminator() -> None:
    collecting = Collecting(order())
    assert collecting.begin("", 0, is_prompt_playing=False) == (None, "")
    assert collecting.press("1", 1) is None
    assert collecting.press("#", 2) == "terminator"
    assert collecting.digits == "1"


def test_what_was_typed_too_much_is_given_back() -> None:
    assert Collecting(order(max_digits=2)).begin("1234", 0, is_prompt_playing=False) == (
        "max-digits",
        "34",
    )


def test_no_time_runs_while_a_prompt_plays() -> None:
    collecting = Collecting(order(first_timeout_ms=10))
    collecting.begin("", 0, is_prompt_playing=True)
    assert collecting.tick(10**12) is None
    collecting.prompt_ended(10**12)
    assert collecting.tick(10**12 + 9_999_999) is None
    assert collecting.tick(10**12 + 10_000_000) == "first-timeout"


def test_the_end_of_the_prompt_does_not_stretch_the_time_between_keys() -> None:
    collecting = Collecting(order(inter_digit_timeout_ms=10))
    collecting.begin("1", 0, is_prompt_playing=True)
    collecting.prompt_ended(9_000_000)
    assert collecting.tick(10_000_000) == "inter-digit-timeout"


# ---- settings


@pytest.mark.parametrize(
    ("patterns", "number", "is_fit"),
    [(("*",), "anything", True), (("+39*",), "+3906", True), (("112",), "1122", False)],
)
def test_number_patterns(patterns: tuple[str, ...], number: str, is_fit: bool) -> None:
    assert fits(patterns, number) is is_fit


def test_half_a_fallback_is_refused() -> None:
    with pytest.raises(ConfigError):
        HoldingSettings(fallback_target="+3906")


# ---- addresses

HOP = Hop("sip.teams.test", 5061, "tls")


def test_allow_says_whether_we_take_refer() -> None:
    assert "REFER" in allow_of(TEAMS_TRUNK)
    without = allow_of(msgspec.structs.replace(TEAMS_TRUNK, allow_refer=False))
    assert "REFER" not in without
    for method in ("UPDATE", "PRACK", "INFO"):
        assert method not in without


def test_the_fall_back_offer_is_g711_alone() -> None:
    assert audio_profile(TEAMS_TRUNK, g711_only=True).codecs == ("PCMA", "PCMU")
    only = msgspec.structs.replace(TEAMS_TRUNK, codecs=("G722",))
    assert audio_profile(only, g711_only=True).codecs == ("PCMA", "PCMU")


def test_an_anonymous_caller_is_nowhere() -> None:
    for trunk in (TEAMS_TRUNK, CARRIER_TRUNK):
        from_, headers = identity(trunk, Caller(None, "Mario"))
        assert "Mario" not in from_
        assert headers == (("Privacy", "id"),)


def test_a_short_number_stays_as_it_is() -> None:
    assert addresses(TEAMS_TRUNK, HOP, "112", Caller(None)).uri.startswith("sip:112@")


def arrival(*lines: tuple[str, str], uri: str = "sip:+390699000@x.test") -> Request:
    request = Request("INVITE", uri)
    for name, value in lines:
        request.headers.add(name, value)
    if "From" not in request.headers:
        request.headers.add("From", "<sip:+39333@c.test>;tag=1")
    return request


def test_diversion_is_read_oldest_first() -> None:
    request = arrival(("Diversion", "<sip:+390602@x>;reason=busy, <sip:+390601@x>"))
    assert read_arrival(request, CARRIER_TRUNK).forwarded_by == ("+390601", "+390602")


@pytest.mark.parametrize("history", ["<sip:+3906@x", "<sip:+3906@x?Reason=%>;index=1"])
def test_a_broken_history_is_no_history(history: str) -> None:
    found = read_arrival(arrival(("History-Info", history)), CARRIER_TRUNK)
    assert found.called_number == "+390699000"


@pytest.mark.parametrize(
    "from_", ['"x" <sip:anonymous@anonymous.invalid>;tag=1', "<sip:Anonymous@c.test>;tag=1"]
)
def test_callers_without_a_name(from_: str) -> None:
    found = read_arrival(arrival(("From", from_)), CARRIER_TRUNK)
    assert (found.caller_number, found.caller_name) == (None, None)


def test_a_display_name_cannot_smuggle_anything() -> None:
    found = read_arrival(arrival(("From", '"Ann \\"<b>" <sip:+39333@c.test>;tag=1')), CARRIER_TRUNK)
    assert found.caller_name == "Ann b>".replace(">", "")


def test_opus_is_offered_where_the_trunk_lists_it_and_the_extra_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_package("av")
    trunk = msgspec.structs.replace(TEAMS_TRUNK, codecs=("opus", "PCMA"))
    assert audio_profile(trunk).codecs == ("opus", "PCMA")
    local = LocalEndpoint("192.0.2.1", 4000, 4001)
    profile = audio_profile(trunk)
    offer = AudioNegotiator(profile, local, session_id=1, key=lambda: b"k" * 30).offer()
    assert b"a=rtpmap:111 opus/48000/2" in offer
    monkeypatch.setitem(sys.modules, "av", None)
    assert audio_profile(trunk).codecs == ("PCMA",)
    assert "opus" not in audio_profile(TEAMS_TRUNK).codecs
