# SPDX-License-Identifier: Apache-2.0
"""When customers of a queue are called back, how often, and what they hear first."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.kernel.outcome import OutcomeReason


class CallbackMode(StrEnum):
    """What must be there before a customer is called."""

    RESERVE = "reserve"
    """An agent, reserved for him."""
    LEAD = "lead"
    """Nobody: he is called when his turn is near, and waits the rest on the line."""


class CallbackPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue calls back."""

    mode: CallbackMode = CallbackMode.RESERVE
    lead_ms: int = 60_000
    """In mode ``lead``: he is called when he would wait no longer than this."""
    ring_for_ms: int = 30_000
    attempts: int = 3
    """So often he is called at most."""
    busy_retry_ms: int = 300_000
    no_answer_retry_ms: int = 900_000
    failed_retry_ms: int = 300_000
    """After anything else that may pass."""
    give_up_after_ms: int = 172_800_000
    """From the booking, or from the time he was promised."""
    calendar: str = ""
    """Nobody is called outside its open hours; empty calls at any time."""
    caller_number: str | None = None
    """Number he is shown; the tenant's own when left out."""
    prompts: tuple[str, ...] = ()
    """What he hears when he answers; the queue's music when there is none."""

    def retry_ms(self, reason: OutcomeReason) -> int | None:
        """Return after how long a call that ended so is tried again, ``None`` never."""
        if reason in {OutcomeReason.BUSY, OutcomeReason.DECLINED, OutcomeReason.REJECTED}:
            return self.busy_retry_ms
        if reason in {OutcomeReason.NO_ANSWER, OutcomeReason.TIMEOUT, OutcomeReason.CANCELLED}:
            return self.no_answer_retry_ms
        if reason in _HOPELESS:
            return None
        return self.failed_retry_ms


_HOPELESS = frozenset(
    {OutcomeReason.NOT_FOUND, OutcomeReason.GONE, OutcomeReason.INCOMPLETE_NUMBER}
)
