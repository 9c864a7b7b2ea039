# SPDX-License-Identifier: Apache-2.0
"""The one classifier of SIP: statuses and causes to ``Outcome``, and back where we answer.

Nothing above this folder ever sees a SIP status. Teams' own habits (Microsoft "Direct
Routing - SIP response codes"): its Q.850 Reason says 63 for nearly everything, so only the
SIP status counts; its 410 speaks of media, not of numbers. Towards callers 408, 503 and 504
make Teams and carriers try another trunk, so a person's decision never gets one of them
(OUT-05, OUT-06).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.outcome import (
    CANCELLED,
    COMPLETED,
    INTERNAL_ERROR,
    Outcome,
    OutcomeReason,
    Result,
)
from centralino.exchange.orders import HangUpCause, RejectCause

if TYPE_CHECKING:
    from centralino.wire.sdp.errors import NegotiationReason
    from centralino.wire.sip.events import EndCause, SessionFailed

_R = OutcomeReason


def _client(reason: OutcomeReason) -> Outcome:
    return Outcome(Result.CLIENT_ERROR, reason)


def _upstream(reason: OutcomeReason) -> Outcome:
    return Outcome(Result.UPSTREAM_ERROR, reason)


def _server(reason: OutcomeReason) -> Outcome:
    return Outcome(Result.SERVER_ERROR, reason)


NO_ANSWER = _client(_R.NO_ANSWER)
MEDIA_TIMEOUT = _upstream(_R.MEDIA_TIMEOUT)
MEDIA_FAILED = _server(_R.MEDIA_FAILED)
OVERLOADED = _server(_R.OVERLOADED)
UNREACHABLE = _upstream(_R.UNREACHABLE)
TRANSFERRED = Outcome(Result.SUCCESS, _R.TRANSFERRED)
REDIRECTED = Outcome(Result.SUCCESS, _R.REDIRECTED)
ANSWERED_ELSEWHERE = Outcome(Result.SUCCESS, _R.ANSWERED_ELSEWHERE)
LOST_BY_RESTART = Outcome(Result.INDETERMINATE, _R.UNKNOWN)
LOOP_DETECTED = _client(_R.LOOP_DETECTED)
NO_DECISION = _server(_R.TIMEOUT)

BY_STATUS: dict[int, Outcome] = {
    400: _server(_R.PROTOCOL_ERROR),
    401: _server(_R.AUTH_FAILED),
    402: _client(_R.FORBIDDEN),
    403: _client(_R.FORBIDDEN),
    404: _client(_R.NOT_FOUND),
    405: _server(_R.PROTOCOL_ERROR),
    406: _client(_R.NO_COMMON_CODEC),
    407: _server(_R.AUTH_FAILED),
    408: _upstream(_R.TIMEOUT),
    410: _client(_R.GONE),
    412: _client(_R.INCOMPLETE_NUMBER),
    413: _server(_R.PROTOCOL_ERROR),
    414: _server(_R.PROTOCOL_ERROR),
    415: _client(_R.NO_COMMON_CODEC),
    416: _server(_R.PROTOCOL_ERROR),
    420: _server(_R.PROTOCOL_ERROR),
    421: _server(_R.PROTOCOL_ERROR),
    422: _server(_R.PROTOCOL_ERROR),
    423: _server(_R.PROTOCOL_ERROR),
    429: _client(_R.THROTTLED),
    433: _client(_R.FORBIDDEN),
    480: _client(_R.UNAVAILABLE),
    481: _upstream(_R.PEER_LOST),
    482: _client(_R.LOOP_DETECTED),
    483: _client(_R.LOOP_DETECTED),
    484: _client(_R.INCOMPLETE_NUMBER),
    485: _client(_R.NOT_FOUND),
    486: _client(_R.BUSY),
    487: _client(_R.CANCELLED),
    488: _client(_R.NO_COMMON_CODEC),
    491: _upstream(_R.PROTOCOL_ERROR),
    493: _client(_R.ENCRYPTION_REQUIRED),
    494: _client(_R.ENCRYPTION_REQUIRED),
    500: _upstream(_R.INTERNAL_ERROR),
    501: _upstream(_R.PROTOCOL_ERROR),
    502: _upstream(_R.UNREACHABLE),
    503: _upstream(_R.OVERLOADED),
    504: _upstream(_R.UNREACHABLE),
    505: _upstream(_R.PROTOCOL_ERROR),
    513: _server(_R.PROTOCOL_ERROR),
    580: _upstream(_R.REJECTED),
    600: _client(_R.BUSY),
    603: _client(_R.DECLINED),
    604: _client(_R.NOT_FOUND),
    606: _client(_R.NO_COMMON_CODEC),
    607: _client(_R.DECLINED),
    608: _client(_R.REJECTED),
}
"""Final status of an INVITE of ours."""

AFTER_RINGING: dict[int, Outcome] = {408: NO_ANSWER, 480: NO_ANSWER, 487: NO_ANSWER}
"""The same once it rang: somebody could have answered and did not."""

FROM_TEAMS: dict[int, Outcome] = {
    410: _upstream(_R.MEDIA_FAILED),
    412: _client(_R.INCOMPLETE_NUMBER),
}
"""What the Direct Routing proxy means otherwise (sub-codes 531000, 531004, 531005; 510412)."""

_BY_CLASS: dict[int, Outcome] = {
    3: _client(_R.REDIRECTED),
    4: _client(_R.REJECTED),
    5: _upstream(_R.UNKNOWN),
    6: _client(_R.DECLINED),
}

BY_END: dict[EndCause, Outcome] = {
    "bye-received": COMPLETED,
    "bye-sent": COMPLETED,
    "timer-expired": _upstream(_R.SESSION_EXPIRED),
    "transport": _upstream(_R.UNREACHABLE),
    "replaced": Outcome(Result.SUCCESS, _R.REPLACED),
    "ack-timeout": _upstream(_R.PEER_LOST),
    "peer-unknown": _upstream(_R.PEER_LOST),
}
"""How an answered session ended."""

BY_HANG_UP: dict[HangUpCause, Outcome] = {
    HangUpCause.NORMAL: COMPLETED,
    HangUpCause.ANSWERED_ELSEWHERE: ANSWERED_ELSEWHERE,
    HangUpCause.NO_ANSWER: NO_ANSWER,
    HangUpCause.CALLER_GONE: CANCELLED,
    HangUpCause.ERROR: INTERNAL_ERROR,
}
"""Our own end of an answered leg."""

BY_CANCEL: dict[HangUpCause, Outcome] = BY_HANG_UP | {HangUpCause.NORMAL: CANCELLED}
"""Our own end of a leg that has not answered."""

BY_REJECT: dict[RejectCause, tuple[int, Outcome]] = {
    RejectCause.BUSY: (486, _client(_R.BUSY)),
    RejectCause.DECLINED: (603, _client(_R.DECLINED)),
    RejectCause.UNAVAILABLE: (480, _client(_R.UNAVAILABLE)),
    RejectCause.NOT_FOUND: (404, _client(_R.NOT_FOUND)),
    RejectCause.FORBIDDEN: (403, _client(_R.FORBIDDEN)),
    RejectCause.OVERLOADED: (503, OVERLOADED),
}
"""Our refusal: status sent and outcome told. Only overload asks for another trunk."""

BY_NEGOTIATION: dict[NegotiationReason, Outcome] = {
    "bad-sdp": _client(_R.PROTOCOL_ERROR),
    "no-audio": _client(_R.NO_COMMON_CODEC),
    "no-address": _client(_R.PROTOCOL_ERROR),
    "no-common-codec": _client(_R.NO_COMMON_CODEC),
    "duplicate-payload-type": _client(_R.PROTOCOL_ERROR),
    "srtp-required": _client(_R.ENCRYPTION_REQUIRED),
    "srtp-forbidden": _client(_R.ENCRYPTION_REQUIRED),
    "no-acceptable-crypto": _client(_R.ENCRYPTION_REQUIRED),
    "rtcp-mux-changed": _client(_R.PROTOCOL_ERROR),
}
"""Why a description could not be agreed to."""

_STATUS_OF: dict[OutcomeReason, int] = {
    _R.COMPLETED: 480,
    _R.CANCELLED: 487,
    _R.ANSWERED_ELSEWHERE: 487,
    _R.BUSY: 486,
    _R.DECLINED: 603,
    _R.NO_ANSWER: 480,
    _R.UNAVAILABLE: 480,
    _R.NOT_FOUND: 404,
    _R.GONE: 410,
    _R.INCOMPLETE_NUMBER: 484,
    _R.NO_COMMON_CODEC: 488,
    _R.ENCRYPTION_REQUIRED: 488,
    _R.FORBIDDEN: 403,
    _R.AUTH_FAILED: 500,
    _R.LOOP_DETECTED: 482,
    _R.THROTTLED: 503,
    _R.OVERLOADED: 503,
    _R.UNREACHABLE: 503,
    _R.TLS_FAILED: 503,
    _R.TIMEOUT: 480,
    _R.MEDIA_FAILED: 500,
    _R.REJECTED: 480,
    _R.REDIRECTED: 480,
    _R.INTERNAL_ERROR: 500,
}

_Q850: dict[int, int] = {
    403: 21,
    404: 1,
    410: 22,
    480: 18,
    482: 25,
    484: 28,
    486: 17,
    487: 31,
    488: 127,
    500: 41,
    503: 41,
    603: 21,
}
"""RFC 4497 8.4.4, for Reason towards the PSTN."""


def of_status(status: int, *, has_rung: bool, is_teams: bool) -> Outcome:
    """Classify the final response to an INVITE of ours."""
    if is_teams and status in FROM_TEAMS:
        return FROM_TEAMS[status]
    if has_rung and status in AFTER_RINGING:
        return AFTER_RINGING[status]
    return BY_STATUS.get(status) or _BY_CLASS.get(status // 100, INTERNAL_ERROR)


def of_failure(failed: SessionFailed, *, has_rung: bool, is_teams: bool) -> Outcome:
    """Classify the end of a session that was never established."""
    if failed.cause == "auth":
        return _server(_R.AUTH_FAILED)
    if failed.cause == "cancelled":
        return CANCELLED
    if failed.cause == "ack-timeout":
        return _upstream(_R.PEER_LOST)
    if failed.cause == "timeout":
        return _upstream(_R.TIMEOUT)
    if is_without_room(failed):
        return OVERLOADED
    if failed.cause == "transport":
        lowered = failed.detail.lower()
        is_tls = "tls" in lowered or "certificate" in lowered
        return _upstream(_R.TLS_FAILED) if is_tls else UNREACHABLE
    return of_status(failed.status or 500, has_rung=has_rung, is_teams=is_teams)


def is_without_room(failed: SessionFailed) -> bool:
    """Tell whether our own endpoint had no room for a call: no proxy would change that."""
    return failed.cause == "transport" and failed.status == 503


def detail_of(failed: SessionFailed) -> str:
    """Return the protocol's own words for a failure."""
    if failed.response is not None:
        return f"SIP {failed.response.status} {failed.response.reason}"[:120]
    return f"SIP {failed.cause} {failed.detail}".strip()[:120]


def status_of(outcome: Outcome) -> int:
    """Return the status that tells a caller of an outcome: never 408 or 504.

    503 only where another trunk could do better: nothing of the attempt reached anybody.
    """
    return _STATUS_OF.get(outcome.reason, 500)


def refusal_lines(
    status: int, *, is_teams: bool, retry_after_s: int
) -> tuple[tuple[str, str], ...]:
    """Return the header lines of a refusal: when to come again, or the PSTN's own cause."""
    if status == 503:
        return (("Retry-After", str(retry_after_s)),)
    cause = None if is_teams else _Q850.get(status)
    return () if cause is None else (("Reason", f"Q.850;cause={cause}"),)
