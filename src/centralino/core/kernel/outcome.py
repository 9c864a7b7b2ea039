# SPDX-License-Identifier: Apache-2.0
"""How a leg or an interaction ended, in one closed vocabulary for all models.

Each adapter owns one classifier table from its own codes (SIP status, Graph
resultInfo, Call Automation subcode) to an :class:`Outcome`; nothing above an adapter
ever looks at such a code. Results say whose matter it was, reasons say what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from typing_extensions import override


class Result(StrEnum):
    """Whose matter the end was."""

    SUCCESS = "success"
    """It ended as people end calls."""
    CLIENT_ERROR = "client-error"
    """The called or calling party caused it: busy, declined, unknown number."""
    UPSTREAM_ERROR = "upstream-error"
    """The network or the service beyond us failed."""
    SERVER_ERROR = "server-error"
    """We failed."""
    INDETERMINATE = "indeterminate"
    """It cannot be known; the far side must be read before anything is repeated."""


class OutcomeReason(StrEnum):
    """What happened."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ANSWERED_ELSEWHERE = "answered-elsewhere"
    ABANDONED = "abandoned"
    TRANSFERRED = "transferred"
    REPLACED = "replaced"
    REDIRECTED = "redirected"
    QUEUE_CLOSED = "queue-closed"
    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no-answer"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not-found"
    GONE = "gone"
    INCOMPLETE_NUMBER = "incomplete-number"
    NO_COMMON_CODEC = "no-common-codec"
    ENCRYPTION_REQUIRED = "encryption-required"
    FORBIDDEN = "forbidden"
    AUTH_FAILED = "auth-failed"
    LOOP_DETECTED = "loop-detected"
    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls-failed"
    PROTOCOL_ERROR = "protocol-error"
    SESSION_EXPIRED = "session-expired"
    MEDIA_TIMEOUT = "media-timeout"
    MEDIA_FAILED = "media-failed"
    PEER_LOST = "peer-lost"
    REJECTED = "rejected"
    INTERNAL_ERROR = "internal-error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a leg or an interaction."""

    result: Result
    reason: OutcomeReason

    @property
    def is_success(self) -> bool:
        """Whether the end was a normal one."""
        return self.result is Result.SUCCESS

    @override
    def __str__(self) -> str:
        """Return ``result/reason``, as logs and reports show it."""
        return f"{self.result}/{self.reason}"


COMPLETED = Outcome(Result.SUCCESS, OutcomeReason.COMPLETED)
CANCELLED = Outcome(Result.SUCCESS, OutcomeReason.CANCELLED)
INTERNAL_ERROR = Outcome(Result.SERVER_ERROR, OutcomeReason.INTERNAL_ERROR)
