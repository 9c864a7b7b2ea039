# SPDX-License-Identifier: Apache-2.0
"""What an offer that led to nothing means for its agent, per cause.

Each cause has a pause that may grow from one refusal to the next, a longest pause, and a
count after which the agent is signed out until he, or somebody in charge, says otherwise. So
no telephone is rung in a loop, and nobody is kicked out without a reason that is shown.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.agents.lifecycle import NotReadyReason
from centralino.core.kernel.instant import Instant, after, milliseconds
from centralino.core.kernel.outcome import OutcomeReason


class RefusalCause(StrEnum):
    """Why an offer led to nothing."""

    MISSED = "missed"
    DECLINED = "declined"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not-found"


REASON_OF = {
    RefusalCause.MISSED: NotReadyReason.MISSED_OFFER,
    RefusalCause.DECLINED: NotReadyReason.DECLINED_OFFER,
    RefusalCause.BUSY: NotReadyReason.PHONE_BUSY,
    RefusalCause.UNREACHABLE: NotReadyReason.TECHNICAL_ISSUE,
    RefusalCause.NOT_FOUND: NotReadyReason.PHONE_NOT_FOUND,
}
"""What the agent is shown as not ready for."""

_CAUSES = {
    OutcomeReason.NO_ANSWER: RefusalCause.MISSED,
    OutcomeReason.TIMEOUT: RefusalCause.MISSED,
    OutcomeReason.CANCELLED: RefusalCause.MISSED,
    OutcomeReason.DECLINED: RefusalCause.DECLINED,
    OutcomeReason.REJECTED: RefusalCause.DECLINED,
    OutcomeReason.COMPLETED: RefusalCause.DECLINED,
    OutcomeReason.BUSY: RefusalCause.BUSY,
    OutcomeReason.NOT_FOUND: RefusalCause.NOT_FOUND,
    OutcomeReason.GONE: RefusalCause.NOT_FOUND,
    OutcomeReason.INCOMPLETE_NUMBER: RefusalCause.NOT_FOUND,
}


def cause_of(reason: OutcomeReason) -> RefusalCause:
    """Return why an offer led to nothing whose leg ended so.

    >>> cause_of(OutcomeReason.BUSY).value, cause_of(OutcomeReason.TLS_FAILED).value
    ('busy', 'unreachable')
    """
    return _CAUSES.get(reason, RefusalCause.UNREACHABLE)


class RefusalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What follows one cause."""

    pause_ms: int
    """After the first in a row."""
    growth: int = 1
    """Each further one in a row pauses so many times as long; at least 1."""
    most_pause_ms: int = 3_600_000
    """No pause is longer."""
    signed_out_after: int = 0
    """So many in a row end in not ready until he comes back by himself; 0 never."""


class RefusalPolicies(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of each cause; one left out follows the tenant's plain pauses."""

    missed: RefusalPolicy | None = None
    declined: RefusalPolicy | None = None
    busy: RefusalPolicy | None = None
    unreachable: RefusalPolicy | None = None
    not_found: RefusalPolicy | None = None


UNREACHABLE_GROWTH = 2
MOST_UNREACHABLE_MS = 300_000
NOT_FOUND_FACTOR = 6
"""Nobody of that name: the first pause is so many times that of an unreachable phone."""


def policy_for(
    cause: RefusalCause, policies: RefusalPolicies, *, missed_pause_ms: int, failed_pause_ms: int
) -> RefusalPolicy:
    """Return the policy of a cause, from the tenant's own or from its plain pauses."""
    own: RefusalPolicy | None = getattr(policies, cause.name.lower())
    if own is not None:
        return own
    if cause is RefusalCause.UNREACHABLE:
        most = max(failed_pause_ms, MOST_UNREACHABLE_MS)
        return RefusalPolicy(
            pause_ms=failed_pause_ms, growth=UNREACHABLE_GROWTH, most_pause_ms=most
        )
    if cause is RefusalCause.NOT_FOUND:
        return RefusalPolicy(pause_ms=NOT_FOUND_FACTOR * failed_pause_ms, growth=UNREACHABLE_GROWTH)
    return RefusalPolicy(pause_ms=missed_pause_ms)


def pause_until(policy: RefusalPolicy, refusals: int, now: Instant) -> Instant | None:
    """Return when an agent is ready again after ``refusals`` in a row, this one counted.

    ``None`` when only he decides.

    >>> policy = RefusalPolicy(pause_ms=10, growth=2, most_pause_ms=30, signed_out_after=4)
    >>> [pause_until(policy, n, Instant(0)) for n in (1, 2, 3, 4)]
    [10000000, 20000000, 30000000, None]
    """
    if policy.signed_out_after and refusals >= policy.signed_out_after:
        return None
    factor = min(policy.growth ** min(refusals - 1, 30), 1 << 30)
    return after(now, milliseconds(min(policy.pause_ms * factor, policy.most_pause_ms)))
