# SPDX-License-Identifier: Apache-2.0

"""How a queue chooses, as a configuration says it: strategy, requirements, rings, presence.

Everything here is data. Lengths of time are milliseconds, because people write them; what
they mean is said once, in plain words, in ``docs/explanation/routing.md``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.agents.requirement import Requirement
from centralino.core.kernel.ids import AgentId, QueueId

MOST_OFFERS_AT_ONCE = 50
HELPER_RANK = 100
"""What somebody who is not of a queue ranks it: after all of his own."""


class Strategy(StrEnum):
    """Which of the agents who may take something does; the longest idle where they tie."""

    LONGEST_IDLE = "longest-idle"
    ROUND_ROBIN = "round-robin"
    """The next after the one who was last offered something of the queue, as it lists them."""
    SERIAL = "serial"
    """The first whom the queue lists."""
    LEAST_OCCUPIED = "least-occupied"
    """The smallest part of his capacity in use."""
    FEWEST = "fewest"
    """The fewest accepted since he signed in."""
    FASTEST = "fastest"
    """The shortest mean handling in this queue; who has none yet comes first."""
    BEST_MATCH = "best-match"
    """The largest sum of levels of the skills asked for."""
    RANDOM = "random"
    """Drawn; the same again in a replay."""
    WEIGHTED = "weighted"
    """Drawn in proportion to the weights of their terms."""
    PREDICTED = "predicted"
    """The highest score that was learned; a hold-out share goes to the longest idle."""
    IDLENESS_RATIO = "idleness-ratio"
    """The longest idle of the pool that is idle furthest above its share."""


class Sharing(StrEnum):
    """Which of those who wait an agent gets, among queues of the same rank to him."""

    ORDER = "order"
    """The first by priority (with ageing), then the longest waiting, whatever the queue."""
    RATIO = "ratio"
    """From the queue that is longest above its share of all who wait (Gurvich and Whitt,
    "Queue-and-idleness-ratio controls in many-server service systems", 2009)."""


class Verdict(StrEnum):
    """What a presence means for being offered something."""

    ROUTE = "route"
    LAST = "last"
    """A hint: only when nobody without one may take it."""
    NEVER = "never"
    """A veto."""


class PresenceRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the presence of an agent means; his own state comes first in any case.

    That he is in a call, told of a time before he became free, is our own call and counts
    as unknown.
    """

    available: Verdict = Verdict.ROUTE
    busy: Verdict = Verdict.ROUTE
    in_call: Verdict = Verdict.ROUTE
    in_meeting: Verdict = Verdict.ROUTE
    away: Verdict = Verdict.ROUTE
    do_not_disturb: Verdict = Verdict.NEVER
    offline: Verdict = Verdict.ROUTE
    unknown: Verdict = Verdict.ROUTE
    """Nothing is known, or what is known is too old."""
    most_age_ms: int = 3_600_000
    """What is older counts as unknown."""


EXPERT_PRESENCE = PresenceRules(
    busy=Verdict.NEVER,
    in_call=Verdict.NEVER,
    in_meeting=Verdict.NEVER,
    away=Verdict.NEVER,
    offline=Verdict.NEVER,
    unknown=Verdict.NEVER,
)
"""For people who are no agents by trade: only when they are known to be available."""


class RelaxationStep(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked no longer after a wait; steps add up, and nobody once eligible is lost."""

    after_ms: int
    """Since the wait counts; later than the step before."""
    lower_by: int = 0
    """All levels asked for are lower by so much from here on, on top of earlier steps, but not
    below 1: the skill is still asked for."""
    drops: tuple[str, ...] = ()
    """Skills that are asked for no longer."""
    waives_requirement: bool = False
    """The queue's ``requires`` and the wait's own are asked for no longer."""
    queues: tuple[QueueId, ...] = ()
    """Agents of these queues may help from here on."""


class BorrowRule(msgspec.Struct, frozen=True, kw_only=True):
    """When agents of other queues help; each condition that is given suffices."""

    queues: tuple[QueueId, ...]
    """Whose agents help; those who have nothing of their own to take."""
    predicted_wait_over_ms: int | None = None
    """The last who waits is expected to wait longer: those who wait, times the mean handling,
    by the agents at work."""
    service_level_below_percent: int | None = None
    """Of the last waits that ended, fewer were answered within the target."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What holds between one agent and one of his queues."""

    rank: int = 1
    """He takes nothing of a queue with a larger rank while one with a smaller waits; 1 to 99."""
    delay_ms: int = 0
    """Only what has waited so long comes to him."""
    weight: int = 1
    """His share in drawing, 0 to 1000; 0 is never drawn while another can be."""


class QueueMatching(msgspec.Struct, frozen=True, kw_only=True):
    """How one queue finds agents."""

    strategy: Strategy = Strategy.LONGEST_IDLE
    offers_at_once: int = 1
    """So many agents are rung at once, 1 to 50; the first who accepts has it."""
    requires: Requirement | None = None
    """What agents must be, beside the skills of the queue."""
    relaxation: tuple[RelaxationStep, ...] = ()
    ageing_ms: int = 0
    """Waiting so long counts as much as one step of priority, without end; 0 never."""
    presence: PresenceRules = PresenceRules()
    experts: tuple[AgentId, ...] = ()
    """The last ring: people who help when nobody else can."""
    experts_after_ms: int = 0
    """Only what has waited so long comes to experts."""
    expert_presence: PresenceRules = EXPERT_PRESENCE
    borrowing: tuple[BorrowRule, ...] = ()
    last_agent_hold_ms: int = 0
    """A customer who was talked to before is kept so long for the same agent; 0 not at all."""
    last_agent_within_ms: int = 7 * 24 * 3_600_000
    """How long ago that may have been."""
    service_target_ms: int = 20_000
    """An answer within this is in time, for ``borrowing``."""
    share: int = 1
    """Of all who wait, the part of this queue, in proportion; for sharing by ratio."""
    hold_out_percent: int = 0
    """So many of a hundred are not routed by prediction, to compare with."""
