# SPDX-License-Identifier: Apache-2.0
"""Offers: agents are asked, the first who answers has the customer, whoever answers not rests.

Several agents may be asked at once. The first answer wins by compare-and-set; the others are
asked on until customer and agent are known to hear each other, so that nobody is rung anew
when the winner is gone before that, and are then told that it was answered elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.refusals import (
    REASON_OF,
    RefusalCause,
    cause_of,
    pause_until,
    policy_for,
)
from centralino.core.flows.happenings import QueueLeft
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.effects import (
    BridgeLegs,
    CancelRing,
    HangUpLeg,
    PlayPrompts,
    StartRecording,
    StopRecording,
    UnbridgeLeg,
)
from centralino.core.interactions.events import (
    InteractionBridged,
    InteractionReturned,
    OfferAccepted,
    OfferAnswered,
    OfferDeclined,
    OfferFailed,
    OfferMade,
    OfferMissed,
    OfferRang,
)
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.ids import BridgeId, LegId, OfferId, RecordingId
from centralino.core.kernel.instant import seconds
from centralino.core.routing.decisions_customer import order_music
from centralino.core.routing.decisions_dial import (
    DIAL_MARGIN_MS,
    LEASE_MARGIN_MS,
    dial,
    order_ring,
    policy_of,
)
from centralino.core.routing.decisions_flow import hand_over, play_again
from centralino.core.routing.decisions_recall import ELSEWHERE, hang_up_cause, recall, withdraw
from centralino.core.routing.decisions_wait import judge_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.kernel.ids import AgentId
    from centralino.core.kernel.instant import Instant
    from centralino.core.kernel.outcome import Outcome
    from centralino.core.routing.turn import Turn

_VOICE = Channel.VOICE
_RECALLED = OfferState.RECALLED
_ANSWERED = OfferState.ANSWERED
WHISPER_WITHIN = seconds(60)
"""Longest announcement to an agent before he is connected."""
BRIDGE_WITHIN = seconds(2)
"""Longest time until customer and agent count as hearing each other."""


def offer(turn: Turn, interaction: Interaction, agents: Sequence[AgentId], rule: str = "") -> None:
    """Reserve agents for an interaction and call their phones; the first to answer has it."""
    assert interaction.queue is not None  # noqa: S101 - only waiting interactions are offered
    is_reserved = interaction.callback is not None and not interaction.leg
    if is_reserved:
        ring_for_ms = policy_of(turn, turn.state.callbacks[interaction.callback]).ring_for_ms  # type: ignore[index]  # it is one
        deadline = turn.within_ms(ring_for_ms + DIAL_MARGIN_MS + LEASE_MARGIN_MS)
        agents = agents[:1]
    else:
        ring_for_ms = turn.index.queues[interaction.queue].ring_for_ms
        deadline = turn.within_ms(ring_for_ms + LEASE_MARGIN_MS)
    for agent in agents:
        leg = LegId(turn.new_id("leg"))
        turn.emit(
            OfferMade(
                interaction=interaction.id,
                offer=OfferId(turn.new_id("offer")),
                agent=agent,
                leg=leg,
                deadline=deadline,
                channel=interaction.channel,
                is_reserved=is_reserved,
                rule=rule,
            )
        )
        if interaction.channel is _VOICE and not is_reserved:
            order_ring(turn, interaction, agent, leg)
    if is_reserved:
        dial(turn, interaction, is_reserved=True)


def ring(turn: Turn, agent: Agent) -> None:
    """The agent's phone rings."""
    if agent.offer is not None and turn.state.offers[agent.offer].state is OfferState.MADE:
        made = turn.state.offers[agent.offer]
        turn.emit(OfferRang(interaction=made.interaction, offer=made.id))


def answer(turn: Turn, agent: Agent) -> None:
    """The agent answered: the first has the customer, others are told that they are late."""
    assert agent.leg is not None  # noqa: S101 - found by this leg
    if agent.offer is None:
        if agent.state is AgentState.WRAP_UP:
            turn.order(HangUpLeg(leg=agent.leg))
        return
    made = turn.state.offers[agent.offer]
    if made.state is _RECALLED:
        turn.order(HangUpLeg(leg=agent.leg, cause=hang_up_cause(made)))
        return
    interaction = turn.state.interactions[made.interaction]
    if made.state is _ANSWERED:
        return
    if _is_taken(turn, interaction):
        recall(turn, made.id, ELSEWHERE, is_answered=True)
    elif _whisper(turn, interaction):
        _tell_first(turn, interaction, made)
    else:
        connect(turn, interaction, made)


def _is_taken(turn: Turn, interaction: Interaction) -> bool:
    return interaction.is_provisional or any(
        turn.state.offers[name].state is _ANSWERED for name in interaction.offers
    )


def _whisper(turn: Turn, interaction: Interaction) -> tuple[str, ...]:
    assert interaction.queue is not None  # noqa: S101 - it was offered from its queue
    return turn.index.queues[interaction.queue].whisper


def _tell_first(turn: Turn, interaction: Interaction, made: Offer) -> None:
    """Tell the agent whom he is going to have; nobody else is asked any more."""
    turn.emit(
        OfferAnswered(
            interaction=interaction.id,
            offer=made.id,
            agent=made.agent,
            play=f"{made.id}/whisper",
            deadline=turn.within(WHISPER_WITHIN),
        )
    )
    for name in interaction.offers:
        if name != made.id:
            recall(turn, name, ELSEWHERE)
    order_whisper(turn, made)


def order_whisper(turn: Turn, made: Offer) -> None:
    """Order what an agent is told before he is connected; also when it was lost on the way."""
    interaction = turn.state.interactions[made.interaction]
    prompts = _whisper(turn, interaction)
    turn.order(PlayPrompts(leg=made.leg, play=made.expects, prompts=prompts, may_interrupt=True))


def finish_whisper(turn: Turn, agent: Agent, play: str) -> None:
    """What an agent was told is over: connect him."""
    made = turn.state.offers.get(agent.offer) if agent.offer is not None else None
    if made is not None and made.state is _ANSWERED and made.expects == play:
        connect(turn, turn.state.interactions[made.interaction], made)


def connect(turn: Turn, interaction: Interaction, made: Offer) -> None:
    """Connect the agent who was first with the customer."""
    assert interaction.queue is not None  # noqa: S101 - it was offered from its queue
    is_provisional = len(interaction.offers) > 1
    if not is_provisional and interaction.position is not None:
        hand_over(turn, interaction, _answered(interaction))
    is_voice = interaction.channel is _VOICE
    is_recorded = is_voice and turn.index.queues[interaction.queue].is_recorded
    turn.emit(
        OfferAccepted(
            interaction=interaction.id,
            offer=made.id,
            agent=made.agent,
            bridge=BridgeId(turn.new_id("bridge")) if is_voice else None,
            recording=RecordingId(turn.new_id("recording")) if is_recorded else None,
            confirm_by=turn.within(BRIDGE_WITHIN) if is_provisional and is_voice else None,
        )
    )
    judge_wait(turn, interaction)
    if is_voice:
        order_conversation(turn, interaction, made.leg)
    elif is_provisional:
        confirm(turn, interaction)


def confirm_bridged(turn: Turn, agent: Agent) -> None:
    """The agent's leg is in its bridge."""
    if agent.state is AgentState.CONNECTED and agent.interaction is not None:
        interaction = turn.state.interactions[agent.interaction]
        if interaction.is_provisional:
            confirm(turn, interaction)


def confirm(turn: Turn, interaction: Interaction) -> None:
    """Customer and agent hear each other: nobody else is asked any more."""
    others = interaction.offers
    if interaction.position is not None and not interaction.position.is_over:
        hand_over(turn, interaction, _answered(interaction), is_bridged=True)
    turn.emit(InteractionBridged(interaction=interaction.id))
    for name in others:
        recall(turn, name, ELSEWHERE)


def _answered(interaction: Interaction) -> QueueLeft:
    return QueueLeft(ask=interaction.queue_ask, reason="answered")


def order_conversation(turn: Turn, interaction: Interaction, agent_leg: LegId) -> None:
    """Order the bridge and the recording; also when they were lost on the way."""
    assert interaction.bridge is not None  # noqa: S101 - connected interactions have one
    turn.order(BridgeLegs(leg=interaction.leg, bridge=interaction.bridge, agent_leg=agent_leg))
    if interaction.recording is not None:
        turn.order(
            StartRecording(
                leg=interaction.leg, recording=interaction.recording, agent_leg=agent_leg
            )
        )


def take_back(turn: Turn, interaction: Interaction, agent: Agent, outcome: Outcome) -> None:
    """The winner is gone before the two heard each other: the customer waits on."""
    recording = interaction.recording
    reason, until = rest(turn, agent, cause_of(outcome.reason))
    turn.emit(
        InteractionReturned(
            interaction=interaction.id,
            agent=agent.id,
            reason=reason,
            outcome=outcome,
            until=until,
        )
    )
    if recording is not None:
        turn.order(StopRecording(leg=interaction.leg, recording=recording))
    turn.order(UnbridgeLeg(leg=interaction.leg))
    if interaction.position is None:
        order_music(turn, interaction)
    else:
        play_again(turn, interaction)


def end_offered_leg(turn: Turn, made: Offer, outcome: Outcome) -> None:
    """The leg of an agent who is asked is over."""
    if made.state is _RECALLED:
        withdraw(turn, made)
    else:
        lose(turn, made, cause_of(outcome.reason), outcome)


def expire(turn: Turn, made: Offer) -> None:
    """The lease of an offer is over."""
    if made.state is _ANSWERED:
        connect(turn, turn.state.interactions[made.interaction], made)
        return
    if made.channel is _VOICE:
        turn.order(CancelRing(leg=made.leg, cause="no-answer"))
    if made.state is _RECALLED:
        withdraw(turn, made)
    else:
        lose(turn, made, RefusalCause.MISSED, None)


def lose(turn: Turn, made: Offer, cause: RefusalCause, outcome: Outcome | None) -> None:
    """An offer led to nothing: the agent rests, the customer keeps his place."""
    reason, until = rest(turn, turn.state.agents[made.agent], cause)
    if cause is RefusalCause.MISSED:
        turn.emit(
            OfferMissed(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=reason,
                until=until,
            )
        )
    elif outcome is None or cause in {RefusalCause.DECLINED, RefusalCause.BUSY}:
        turn.emit(
            OfferDeclined(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=reason,
                until=until,
            )
        )
    else:
        turn.emit(
            OfferFailed(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=reason,
                outcome=outcome,
                until=until,
            )
        )


def rest(turn: Turn, agent: Agent, cause: RefusalCause) -> tuple[str, Instant | None]:
    """Return what an agent rests for and until when."""
    reason = REASON_OF[cause]
    refusals = 1 + (agent.refusals if agent.refusal_reason == reason else 0)
    policy = policy_for(
        cause,
        turn.configuration.refusals,
        missed_pause_ms=turn.configuration.missed_pause_ms,
        failed_pause_ms=turn.configuration.failed_pause_ms,
    )
    return reason, pause_until(policy, refusals, turn.now)
