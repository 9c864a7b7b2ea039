# SPDX-License-Identifier: Apache-2.0
"""How a consult ends for each of the three: the customer, who asked, and who was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import AgentUnreadied
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.refusals import RefusalCause
from centralino.core.agents.wrap_up import wrap_up_ms
from centralino.core.interactions.consult_events import (
    ConsultCompleted,
    ConsultEnded,
    InteractionForsaken,
)
from centralino.core.interactions.effects import (
    BridgeLegs,
    HangUpLeg,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from centralino.core.kernel.ids import BridgeId, RecordingId
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.routing import decisions_offer
from centralino.core.routing.decisions_agent import CLEAR_WITHIN, finish_wrap_up
from centralino.core.routing.decisions_customer import order_music
from centralino.core.routing.decisions_recall import leave

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.consult_lifecycle import ConsultState
    from centralino.core.interactions.state import Consult, Interaction
    from centralino.core.kernel.outcome import Outcome
    from centralino.core.routing.turn import Turn


def talk_on(turn: Turn, interaction: Interaction) -> None:
    """Let agent and customer hear each other again."""
    assert interaction.agent is not None  # noqa: S101 - he asked
    assert interaction.bridge is not None  # noqa: S101 - and they had talked
    agent_leg = turn.state.agents[interaction.agent].leg
    assert agent_leg is not None  # noqa: S101 - by telephone
    turn.order(BridgeLegs(leg=interaction.leg, bridge=interaction.bridge, agent_leg=agent_leg))
    if interaction.recording is not None:
        turn.order(ResumeRecording(leg=interaction.leg, recording=interaction.recording))


def hand_over(
    turn: Turn, interaction: Interaction, consult: Consult, *, is_agent_there: bool
) -> None:
    """Let the colleague have the customer; who asked wraps up."""
    agent = turn.state.agents[consult.agent]
    agent_leg, old = agent.leg, interaction.recording
    assert agent_leg is not None  # noqa: S101 - he talked until now
    assert interaction.queue is not None  # noqa: S101 - connected interactions came from one
    is_recorded = turn.index.queues[interaction.queue].is_recorded and consult.colleague is not None
    length_ms = _wrap_up_ms(turn, interaction)
    completed = ConsultCompleted(
        interaction=interaction.id,
        consult=consult.id,
        agent=agent.id,
        colleague=consult.colleague,
        leg=consult.leg,
        bridge=BridgeId(turn.new_id("bridge")),
        recording=RecordingId(turn.new_id("recording")) if is_recorded else None,
        has_agent_leg=is_agent_there,
        wrap_up_until=turn.within_ms(length_ms),
        clear_by=turn.within(CLEAR_WITHIN),
    )
    turn.emit(completed)
    if old is not None:
        turn.order(StopRecording(leg=interaction.leg, recording=old))
    turn.order(BridgeLegs(leg=interaction.leg, bridge=completed.bridge, agent_leg=completed.leg))
    if completed.recording is not None:
        turn.order(
            StartRecording(
                leg=interaction.leg, recording=completed.recording, agent_leg=completed.leg
            )
        )
    if is_agent_there:
        turn.order(HangUpLeg(leg=agent_leg))
    elif length_ms == 0:
        finish_wrap_up(turn, agent)


def forsake(turn: Turn, interaction: Interaction, agent: Agent) -> None:
    """The agent is gone: the customer waits on with the place he had."""
    recording, length_ms = interaction.recording, _wrap_up_ms(turn, interaction)
    assert interaction.connected_at is not None  # noqa: S101 - they had talked
    talked = turn.now - interaction.connected_at
    began = interaction.connected_at if interaction.enqueued_at is None else interaction.enqueued_at
    turn.emit(
        InteractionForsaken(
            interaction=interaction.id,
            agent=agent.id,
            since=Instant(began + talked),
            wrap_up_until=turn.within_ms(length_ms),
        )
    )
    if recording is not None:
        turn.order(StopRecording(leg=interaction.leg, recording=recording))
    order_music(turn, interaction)
    if length_ms == 0:
        finish_wrap_up(turn, agent)


def close(turn: Turn, consult: Consult) -> None:
    """A colleague's phone is quiet who was asked no more."""
    assert consult.closes_as is not None  # noqa: S101 - it was said when he was recalled
    assert consult.outcome is not None  # noqa: S101 - with this outcome
    finish(turn, consult, consult.closes_as, consult.outcome)


def finish(
    turn: Turn,
    consult: Consult,
    result: ConsultState,
    outcome: Outcome,
    cause: RefusalCause = RefusalCause.DECLINED,
) -> None:
    """End a consult that passed nobody on; who does not want to be asked is free all the same."""
    colleague = turn.state.agents[consult.colleague] if consult.colleague is not None else None
    reason, until = "", None
    if colleague is not None and cause is not RefusalCause.DECLINED:
        reason, until = decisions_offer.rest(turn, colleague, cause)
    turn.emit(
        ConsultEnded(
            interaction=consult.interaction,
            consult=consult.id,
            agent=consult.agent,
            colleague=consult.colleague,
            result=result,
            outcome=outcome,
            reason=reason,
            until=until,
        )
    )
    if colleague is None or colleague.state is not AgentState.READY:
        return
    if colleague.id not in turn.index.agent_configurations:
        leave(turn, colleague)
    elif colleague.intended_reason is not None:
        turn.emit(AgentUnreadied(agent=colleague.id, reason=colleague.intended_reason))


def _wrap_up_ms(turn: Turn, interaction: Interaction) -> int:
    assert interaction.queue is not None  # noqa: S101 - connected interactions came from one
    queue = turn.index.queues[interaction.queue]
    return wrap_up_ms(queue.wrap_up, queue.wrap_up_for_ms, COMPLETED)
