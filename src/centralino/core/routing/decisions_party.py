# SPDX-License-Identifier: Apache-2.0
"""Ringing somebody outside our queues for a customer, and ending it.

A transfer is a new leg that is bridged on our media when it answers; the customer hears
music meanwhile. Nothing here knows what a flow makes of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows.happenings import TransferEnded
from centralino.core.interactions.effects import (
    BridgeLegs,
    CancelRing,
    HangUpLeg,
    PlayPrompts,
    RingParty,
    StopPlaying,
)
from centralino.core.interactions.events import InteractionEnded
from centralino.core.interactions.flow_events import (
    TransferAnswered,
    TransferFailed,
    TransferStarted,
)
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result

if TYPE_CHECKING:
    from centralino.core.flows.actions import Transfer
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import TrunkId
    from centralino.core.routing.turn import Turn

TRANSFERRED = Outcome(Result.SUCCESS, OutcomeReason.TRANSFERRED)

_RESULTS = {
    OutcomeReason.BUSY: "busy",
    OutcomeReason.DECLINED: "busy",
    OutcomeReason.REJECTED: "busy",
    OutcomeReason.NO_ANSWER: "no-answer",
    OutcomeReason.TIMEOUT: "no-answer",
    OutcomeReason.CANCELLED: "no-answer",
}


def start(turn: Turn, interaction: Interaction, action: Transfer) -> TransferEnded | None:
    """Ring somebody; tell at once when he cannot be reached from here."""
    drop(turn, interaction)
    reached = turn.configuration.reach(action.target)
    if reached is None:
        return TransferEnded(ask=action.ask, result="failed")
    leg = LegId(turn.new_id("leg"))
    turn.emit(TransferStarted(interaction=interaction.id, ask=action.ask, leg=leg))
    order_music(turn, interaction)
    order_ring(turn, interaction, leg, reached, action.ring_for_ms)
    return None


def order_ring(
    turn: Turn,
    interaction: Interaction,
    leg: LegId,
    reached: tuple[TrunkId, str],
    ring_for_ms: int,
) -> None:
    """Ring a number about a customer; who is outside sees the company's own, if it has one."""
    trunk, address = reached
    is_outside = trunk == turn.configuration.outside_trunk
    shown = turn.configuration.outside_caller if is_outside else None
    turn.order(
        RingParty(
            leg=leg,
            trunk=trunk,
            target=address,
            caller_number=shown or interaction.caller_number,
            ring_for_ms=ring_for_ms,
            near=interaction.leg,
        )
    )


def order_music(turn: Turn, interaction: Interaction) -> None:
    """Order what the customer hears while it rings, unless his flow plays something."""
    if interaction.transfer is not None and interaction.play is None:
        turn.order(
            PlayPrompts(
                leg=interaction.leg,
                play=f"{interaction.id}/{interaction.transfer.ask}",
                prompts=turn.configuration.transfer_music,
                is_looped=True,
            )
        )


def connect(turn: Turn, interaction: Interaction) -> None:
    """The party answered and the flow hands the customer over to it."""
    assert interaction.transfer is not None  # noqa: S101 - found by its leg
    turn.emit(
        TransferAnswered(
            interaction=interaction.id,
            ask=interaction.transfer.ask,
            leg=interaction.transfer.leg,
            bridge=BridgeId(turn.new_id("bridge")),
        )
    )
    order_bridge(turn, interaction)


def order_bridge(turn: Turn, interaction: Interaction) -> None:
    """Order the bridge; also when it was lost on the way."""
    assert interaction.transfer is not None  # noqa: S101 - they are connected
    assert interaction.bridge is not None  # noqa: S101 - by this bridge
    turn.order(
        BridgeLegs(
            leg=interaction.leg,
            bridge=interaction.bridge,
            agent_leg=interaction.transfer.leg,
        )
    )


def fail(turn: Turn, interaction: Interaction, outcome: Outcome) -> TransferEnded:
    """The party's leg ended before it answered."""
    assert interaction.transfer is not None  # noqa: S101 - found by its leg
    ask = interaction.transfer.ask
    result = _RESULTS.get(outcome.reason, "failed")
    turn.emit(TransferFailed(interaction=interaction.id, ask=ask, result=result, outcome=outcome))
    if interaction.play is None:
        turn.order(StopPlaying(leg=interaction.leg))
    return TransferEnded(ask=ask, result=result)


def drop(turn: Turn, interaction: Interaction) -> None:
    """Stop ringing somebody whose answer would not count any more."""
    party = interaction.transfer
    if party is None or party.is_answered:
        return
    turn.order(CancelRing(leg=party.leg, cause="caller-gone"))
    turn.emit(TransferFailed(interaction=interaction.id, ask=party.ask, result="given-up"))


def end(turn: Turn, interaction: Interaction, *, is_by_customer: bool) -> None:
    """Customer and party have talked: end the other leg and the interaction."""
    assert interaction.transfer is not None  # noqa: S101 - they were connected
    other = interaction.transfer.leg if is_by_customer else interaction.leg
    turn.order(HangUpLeg(leg=other))
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=TRANSFERRED))
