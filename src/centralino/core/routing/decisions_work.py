# SPDX-License-Identifier: Apache-2.0
"""Work on channels without a telephone: accepted, kept alive, completed, given back.

Its agent has it beside other work, as far as his capacity goes. Who owns it must show signs of
work where the queue wants that; otherwise it returns to its queue with the place it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.capacity import is_laid_aside
from centralino.core.agents.refusals import RefusalCause
from centralino.core.agents.wrap_up import wrap_up_ms
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.effects import CancelRing
from centralino.core.interactions.events import (
    InteractionEnded,
    InteractionReleased,
    InteractionReturned,
    OwnershipRenewed,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.errors import Conflict, NotFound
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing import decisions_offer

if TYPE_CHECKING:
    from centralino.core.interactions.commands import (
        AcceptOffer,
        CompleteInteraction,
        DeclineOffer,
        NoteActivity,
    )
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.kernel.ids import AgentId, InteractionId
    from centralino.core.routing.turn import Turn

LAPSED = Outcome(Result.CLIENT_ERROR, OutcomeReason.TIMEOUT)


def accept(turn: Turn, command: AcceptOffer) -> None:
    """The agent takes what he is offered in his desk; the first who does has it.

    Raises:
        NotFound: there is no such interaction.
        Conflict: it is not offered to him (any more), or by telephone.
    """
    interaction = _require(turn, command.interaction)
    if interaction.agent == command.agent and interaction.state is InteractionState.CONNECTED:
        return
    made = _offer_to(turn, interaction, command.agent)
    if interaction.channel is Channel.VOICE:
        raise Conflict("a call is accepted by answering the telephone")
    decisions_offer.connect(turn, interaction, made)
    _lease(turn, interaction, is_first=True)


def decline(turn: Turn, command: DeclineOffer) -> None:
    """The agent does not want what he is offered.

    Raises:
        NotFound: there is no such interaction.
        Conflict: it is not offered to him (any more).
    """
    made = _offer_to(turn, _require(turn, command.interaction), command.agent)
    if made.is_reserved:
        raise Conflict("the customer is being called at this moment")
    if made.channel is Channel.VOICE:
        turn.order(CancelRing(leg=made.leg, cause="no-answer"))
    decisions_offer.lose(turn, made, RefusalCause.DECLINED, None)


def note_activity(turn: Turn, command: NoteActivity) -> None:
    """The agent did something for the customer: his lease begins anew.

    Raises:
        NotFound: there is no such interaction.
        Conflict: it is not his.
    """
    interaction = _require_owned(turn, command.interaction, command.agent)
    _lease(turn, interaction, is_first=False)


def complete(turn: Turn, command: CompleteInteraction) -> None:
    """The agent has finished with the customer; repeated during the wrap-up, with that too.

    Raises:
        NotFound: there is no such interaction.
        Conflict: it is not his, or a call.
    """
    interaction = _require(turn, command.interaction)
    if interaction.channel is Channel.VOICE:
        raise Conflict("a call is completed by hanging up")
    if interaction.agent != command.agent:
        raise Conflict(f"{interaction.id} is not the work of {command.agent}")
    if interaction.state is InteractionState.WRAP_UP:
        end_wrapped(turn, interaction)
    else:
        release(turn, interaction, COMPLETED, is_by_customer=False)


def release(
    turn: Turn, interaction: Interaction, outcome: Outcome, *, is_by_customer: bool
) -> None:
    """The customer is served or gone; the agent finishes what is left."""
    assert interaction.agent is not None  # noqa: S101 - connected interactions have one
    assert interaction.queue is not None  # noqa: S101 - and came from a queue
    queue = turn.index.queues[interaction.queue]
    length_ms = wrap_up_ms(queue.wrap_up, queue.wrap_up_for_ms, outcome)
    until = turn.within_ms(length_ms)
    turn.emit(
        InteractionReleased(
            interaction=interaction.id,
            agent=interaction.agent,
            outcome=outcome if not outcome.is_success else COMPLETED,
            is_by_customer=is_by_customer,
            has_agent_leg=False,
            wrap_up_until=until,
            clear_by=until,
        )
    )
    if length_ms == 0:
        end_wrapped(turn, interaction)


def end_wrapped(turn: Turn, interaction: Interaction) -> None:
    """The wrap-up is over."""
    outcome = interaction.outcome or COMPLETED
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=outcome))


def lapse(turn: Turn, interaction: Interaction) -> None:
    """The owner has shown no sign of work: somebody else gets the customer.

    Not while something interrupts that work, such as a call: then his time begins anew.
    """
    assert interaction.agent is not None  # noqa: S101 - it is owned
    assert interaction.queue is not None  # noqa: S101 - it came from a queue
    agent = turn.state.agents[interaction.agent]
    configured = turn.index.agent_configurations.get(agent.id)
    if configured is not None and is_laid_aside(
        configured.capacity, agent.engaged, interaction.channel
    ):
        ownership = turn.index.queues[interaction.queue].ownership
        deadline = turn.within_ms(max(ownership.first_reply_ms, ownership.idle_ms))
        turn.emit(OwnershipRenewed(interaction=interaction.id, deadline=deadline))
        return
    reason, until = decisions_offer.rest(turn, agent, RefusalCause.MISSED)
    turn.emit(
        InteractionReturned(
            interaction=interaction.id,
            agent=agent.id,
            reason=reason,
            outcome=LAPSED,
            until=until,
        )
    )


def _lease(turn: Turn, interaction: Interaction, *, is_first: bool) -> None:
    assert interaction.queue is not None  # noqa: S101 - it came from a queue
    ownership = turn.index.queues[interaction.queue].ownership
    length_ms = ownership.first_reply_ms if is_first else ownership.idle_ms
    deadline = turn.within_ms(length_ms) if length_ms else None
    if deadline != interaction.deadline:
        turn.emit(OwnershipRenewed(interaction=interaction.id, deadline=deadline))


def _require(turn: Turn, name: InteractionId) -> Interaction:
    interaction = turn.state.interactions.get(name)
    if interaction is None:
        raise NotFound(f"there is no interaction {name}", details={"interaction": name})
    return interaction


def _require_owned(turn: Turn, name: InteractionId, agent: AgentId) -> Interaction:
    interaction = _require(turn, name)
    is_his = interaction.agent == agent and interaction.state is InteractionState.CONNECTED
    if not is_his or interaction.channel is Channel.VOICE:
        raise Conflict(f"{name} is not open work of {agent}", details={"interaction": name})
    return interaction


def _offer_to(turn: Turn, interaction: Interaction, agent: AgentId) -> Offer:
    for name in interaction.offers:
        made = turn.state.offers[name]
        if made.agent == agent and made.state is not OfferState.ANSWERED:
            return made
    raise Conflict(
        f"{interaction.id} is not offered to {agent} (any more)",
        details={"interaction": interaction.id, "agent": agent},
    )
