# SPDX-License-Identifier: Apache-2.0
"""An agent passes the customer on from his telephone (REFER); the driver follows it by itself.

The agent's leg stays and becomes the leg of whoever he passed the customer to; from then on
it is a transfer. Until the network says how it ended it is a lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.wrap_up import wrap_up_ms
from centralino.core.interactions.effects import StopRecording
from centralino.core.interactions.events import (
    InteractionHandedOn,
    InteractionReferred,
    ReferFailed,
)
from centralino.core.kernel.instant import seconds
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing import decisions_consult
from centralino.core.routing.decisions_agent import finish_wrap_up

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.commands import (
        ConfirmTransfer,
        FailTransfer,
        RequestTransfer,
    )
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import LegId
    from centralino.core.routing.turn import Turn

REFER_WITHIN = seconds(180)
"""Longest time until the network says how it ended."""
TIMED_OUT = Outcome(Result.UPSTREAM_ERROR, OutcomeReason.TIMEOUT)


def request(turn: Turn, command: RequestTransfer) -> None:
    """The agent's telephone asks that the customer be connected elsewhere."""
    found = _conversation(turn, command.leg)
    if found is None:
        return
    agent, interaction = found
    turn.emit(
        InteractionReferred(
            interaction=interaction.id,
            agent=agent.id,
            target=command.target,
            deadline=turn.within(REFER_WITHIN),
        )
    )


def confirm(turn: Turn, command: ConfirmTransfer) -> None:
    """The other has answered: the agent is out of the conversation and wraps up."""
    if decisions_consult.end_passed_on(turn, command.leg):
        return
    found = _conversation(turn, command.leg)
    if found is None:
        return
    agent, interaction = found
    assert interaction.queue is not None  # noqa: S101 - connected interactions came from one
    queue = turn.index.queues[interaction.queue]
    recording = interaction.recording
    length_ms = wrap_up_ms(queue.wrap_up, queue.wrap_up_for_ms, COMPLETED)
    turn.emit(
        InteractionHandedOn(
            interaction=interaction.id,
            agent=agent.id,
            leg=command.leg,
            target=interaction.refers_to,
            wrap_up_until=turn.within_ms(length_ms),
        )
    )
    if recording is not None:
        turn.order(StopRecording(leg=interaction.leg, recording=recording))
    if length_ms == 0:
        finish_wrap_up(turn, agent)


def fail(turn: Turn, command: FailTransfer) -> None:
    """It did not work: agent and customer talk on."""
    found = _conversation(turn, command.leg)
    if found is not None and found[1].refers_to:
        _fail(turn, found[1], command.outcome)


def expire(turn: Turn, interaction: Interaction) -> None:
    """Nobody has said how it ended."""
    _fail(turn, interaction, TIMED_OUT)


def _fail(turn: Turn, interaction: Interaction, outcome: Outcome) -> None:
    assert interaction.agent is not None  # noqa: S101 - he asked for it
    turn.emit(ReferFailed(interaction=interaction.id, agent=interaction.agent, outcome=outcome))


def _conversation(turn: Turn, leg: LegId) -> tuple[Agent, Interaction] | None:
    """Return agent and customer who talk, ``None`` when this leg is no agent's who does."""
    name = turn.index.agent_legs.get(leg)
    if name is None:
        return None
    agent = turn.state.agents[name]
    if agent.state is not AgentState.CONNECTED or agent.interaction is None:
        return None
    interaction = turn.state.interactions[agent.interaction]
    if interaction.is_provisional or interaction.consult is not None:
        return None
    return (agent, interaction)
