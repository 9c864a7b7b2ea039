# SPDX-License-Identifier: Apache-2.0
"""How long an agent finishes what an interaction left to do.

Wrap-up belongs to the agent, not to the queue: the queue only says how long. Whatever the
mode, it has an end, so that nobody is in it for ever.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.kernel.outcome import Outcome, OutcomeReason


class WrapUpMode(StrEnum):
    """Who ends it."""

    NONE = "none"
    """There is none."""
    FIXED = "fixed"
    """Time; the agent may end it sooner."""
    EXTENDABLE = "extendable"
    """Time, which the agent may lengthen."""
    UNTIL_DONE = "until-done"
    """The agent, within the longest time."""


class WrapUp(msgspec.Struct, frozen=True, kw_only=True):
    """The wrap-up of a queue; its length is the queue's ``wrap_up_for_ms``."""

    mode: WrapUpMode = WrapUpMode.FIXED
    only_after: tuple[OutcomeReason, ...] = ()
    """Only conversations that ended so have one; empty is all."""
    extend_by_ms: int = 30_000
    """What one wish for more time adds."""
    most_ms: int = 1_800_000
    """Longest, with all extensions."""


def wrap_up_ms(policy: WrapUp, length_ms: int, outcome: Outcome) -> int:
    """Return how long the wrap-up of a conversation lasts that ended with ``outcome``.

    >>> from centralino.core.kernel.outcome import COMPLETED
    >>> wrap_up_ms(WrapUp(), 5000, COMPLETED)
    5000
    >>> wrap_up_ms(WrapUp(only_after=(OutcomeReason.MEDIA_FAILED,)), 5000, COMPLETED)
    0
    """
    if policy.mode is WrapUpMode.NONE:
        return 0
    if policy.only_after and outcome.reason not in policy.only_after:
        return 0
    return policy.most_ms if policy.mode is WrapUpMode.UNTIL_DONE else length_ms
