# SPDX-License-Identifier: Apache-2.0
"""Calling phones: an agent's, and that of a customer whom we promised to call back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows.nodes import Target
from centralino.core.interactions.callback_events import CallbackDialled
from centralino.core.interactions.callback_policy import CallbackPolicy
from centralino.core.interactions.effects import RingAgent, RingParty
from centralino.core.interactions.flow_events import CallbackBooked
from centralino.core.kernel.ids import CallbackId, InteractionId, LegId
from centralino.core.kernel.instant import Instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.interactions.state import Callback, Interaction
    from centralino.core.kernel.ids import AgentId, QueueId, TrunkId
    from centralino.core.routing.turn import Turn

LEASE_MARGIN_MS = 5000
"""How much longer than the ringing an offer's lease lasts."""
DIAL_MARGIN_MS = 5000
"""How much longer than the ringing the call of a customer may last."""


def policy_of(turn: Turn, callback: Callback) -> CallbackPolicy:
    """Return how a callback's queue calls back."""
    queue = turn.index.queues.get(callback.queue)
    return (queue.callbacks if queue else None) or CallbackPolicy()


def way_to(turn: Turn, number: str) -> tuple[TrunkId, str] | None:
    """Return the trunk and address of a customer, ``None`` when there is no way out."""
    return turn.configuration.reach(Target(number=number))


def dial(turn: Turn, interaction: Interaction, *, is_reserved: bool) -> None:
    """Call the customer; ``is_reserved`` when an agent is kept for him."""
    assert interaction.callback is not None  # noqa: S101 - only callbacks are dialled
    callback = turn.state.callbacks[interaction.callback]
    policy = policy_of(turn, callback)
    reached = way_to(turn, callback.number)
    assert reached is not None  # noqa: S101 - nobody is queued whom there is no way to
    trunk, address = reached
    leg = LegId(turn.new_id("leg"))
    turn.emit(
        CallbackDialled(
            callback=callback.id,
            interaction=interaction.id,
            leg=leg,
            attempt=callback.attempts + 1,
            deadline=turn.within_ms(policy.ring_for_ms + DIAL_MARGIN_MS),
            is_reserved=is_reserved,
        )
    )
    shown = policy.caller_number or turn.configuration.outside_caller or callback.called_number
    turn.order(
        RingParty(
            leg=leg,
            trunk=trunk,
            target=address,
            caller_number=shown or None,
            ring_for_ms=policy.ring_for_ms,
        )
    )


def order_ring(turn: Turn, interaction: Interaction, agent: AgentId, leg: LegId) -> None:
    """Call an agent's phone."""
    assert interaction.queue is not None  # noqa: S101 - it is being offered from its queue
    phone = turn.index.agent_configurations[agent]
    turn.order(
        RingAgent(
            leg=leg,
            agent=agent,
            trunk=phone.trunk,
            target=phone.target,
            caller_number=interaction.caller_number,
            ring_for_ms=turn.index.queues[interaction.queue].ring_for_ms,
            near=interaction.leg,
        )
    )


def book(  # noqa: PLR0913 - what is promised
    turn: Turn,
    queue: QueueId,
    number: str,
    priority: int | None,
    skills: Mapping[str, int],
    *,
    since: Instant | None = None,
    at: Instant | None = None,
    interaction: Interaction | None = None,
) -> CallbackId:
    """Promise to call somebody back, with the place of ``since``, not before ``at``."""
    configured = turn.index.queues[queue]
    policy = configured.callbacks
    begins = turn.now if at is None else max(at, turn.now)
    kept = begins if since is None else since
    name = CallbackId(turn.new_id("callback"))
    turn.emit(
        CallbackBooked(
            interaction=InteractionId("") if interaction is None else interaction.id,
            callback=name,
            queue=queue,
            number=number,
            priority=configured.priority if priority is None else priority,
            since=kept,
            skills=dict(skills),
            due_at=None if policy is None else begins,
            expires_at=None
            if policy is None
            else Instant(begins + policy.give_up_after_ms * 1_000_000),
            called_number="" if interaction is None else interaction.called_number,
        )
    )
    return name
