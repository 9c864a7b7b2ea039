# SPDX-License-Identifier: Apache-2.0
"""An agent asks a colleague while his customer hears music, and leaves the customer to him or not.

Whatever ends it, the customer loses nothing: he has his agent again, or the colleague, or waits
on with the place he had. Two hang-ups that cross are decided in the order in which they are
told; the second finds a state in which it changes nothing, or ends what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.refusals import RefusalCause, cause_of
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_events import (
    ConsultAnswered,
    ConsultRang,
    ConsultRequested,
)
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.effects import (
    BridgeLegs,
    CancelRing,
    HangUpLeg,
    PauseRecording,
    PlayPrompts,
    RingAgent,
    UnbridgeLeg,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.kernel.ids import BridgeId, ConsultId, LegId
from centralino.core.kernel.instant import seconds
from centralino.core.kernel.outcome import (
    CANCELLED,
    COMPLETED,
    Outcome,
    OutcomeReason,
    Result,
)
from centralino.core.routing import decisions_consult_end as ending
from centralino.core.routing.decisions_customer import ABANDONED
from centralino.core.routing.decisions_dial import LEASE_MARGIN_MS, way_to
from centralino.core.routing.decisions_party import order_ring
from centralino.core.routing.decisions_recall import recall_consult
from centralino.core.routing.decisions_supervision import require_free

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.commands import LegView
    from centralino.core.interactions.consult_commands import (
        CompleteConsult,
        EndConsult,
        RequestConsult,
    )
    from centralino.core.interactions.state import Consult, Interaction
    from centralino.core.kernel.ids import AgentId, InteractionId
    from centralino.core.routing.turn import Turn

TALK_WITHIN = seconds(900)
"""Longest time that a customer is kept waiting for two who talk about him."""
EXPIRED = Outcome(Result.CLIENT_ERROR, OutcomeReason.TIMEOUT)
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
DECLINED = Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED)

_RESULTS = {
    RefusalCause.MISSED: ConsultState.NO_ANSWER,
    RefusalCause.DECLINED: ConsultState.DECLINED,
    RefusalCause.BUSY: ConsultState.DECLINED,
}
"""What a consult is that led to nothing; of every other cause it has failed."""


# --------------------------------------------------------------------------------- wishes
def request(turn: Turn, command: RequestConsult) -> None:
    """Let an agent ask a colleague; asking the same again changes nothing.

    Raises:
        NotFound, Conflict: either is not there, the two do not talk, somebody else is being
            asked, or the colleague is not free.
        InvalidInput: nobody or two are named, or the number cannot be called.
    """
    interaction = _require_talking(turn, command.interaction, command.agent)
    if (command.colleague is None) == (not command.number):
        raise InvalidInput("either a colleague or a number", details={"path": "colleague"})
    known = _of(turn, interaction)
    if known is not None:
        if (known.colleague, known.number) == (command.colleague, command.number):
            return
        raise Conflict(
            f"{command.agent} is asking {known.colleague or known.number} already",
            details={"consult": known.id},
        )
    if interaction.refers_to:
        raise Conflict("his telephone is passing the customer on at this moment")
    if command.colleague is not None:
        require_free(turn, command.colleague, interaction)
    elif way_to(turn, command.number) is None:
        raise InvalidInput("the number cannot be called from here", details={"path": "number"})
    _begin(turn, interaction, command)


def _begin(turn: Turn, interaction: Interaction, command: RequestConsult) -> None:
    assert interaction.queue is not None  # noqa: S101 - connected interactions came from one
    queue = turn.index.queues[interaction.queue]
    leg = LegId(turn.new_id("leg"))
    requested = ConsultRequested(
        interaction=interaction.id,
        consult=ConsultId(turn.new_id("consult")),
        agent=command.agent,
        colleague=command.colleague,
        number=command.number,
        leg=leg,
        deadline=turn.within_ms(queue.ring_for_ms + LEASE_MARGIN_MS),
    )
    turn.emit(requested)
    order_hold(turn, interaction)
    if interaction.recording is not None:
        turn.order(PauseRecording(leg=interaction.leg, recording=interaction.recording))
    if command.colleague is not None:
        phone = turn.index.agent_configurations[command.colleague]
        turn.order(
            RingAgent(
                leg=leg,
                agent=command.colleague,
                trunk=phone.trunk,
                target=phone.target,
                caller_number=interaction.caller_number,
                ring_for_ms=queue.ring_for_ms,
                near=interaction.leg,
            )
        )
    else:
        reached = way_to(turn, command.number)
        assert reached is not None  # noqa: S101 - whoever is asked can be called
        order_ring(turn, interaction, leg, reached, queue.ring_for_ms)
    agent_leg = turn.state.agents[command.agent].leg
    assert agent_leg is not None  # noqa: S101 - he talks by telephone
    turn.order(
        PlayPrompts(
            leg=agent_leg,
            play=f"{requested.consult}/ringing",
            prompts=turn.configuration.transfer_music,
            is_looped=True,
        )
    )


def complete(turn: Turn, command: CompleteConsult) -> None:
    """Leave the customer to the colleague.

    Raises:
        NotFound, Conflict: there is no such interaction, it is not his, or he talks to no
            colleague about it.
    """
    interaction = _require_talking(turn, command.interaction, command.agent)
    consult = _of(turn, interaction)
    if consult is None or consult.state is not ConsultState.TALKING:
        raise Conflict(
            f"{command.agent} talks to no colleague about {interaction.id}",
            details={"interaction": interaction.id},
        )
    ending.hand_over(turn, interaction, consult, is_agent_there=True)


def end(turn: Turn, command: EndConsult) -> None:
    """End a consult; who asked has his customer again. Without one it changes nothing.

    Raises:
        NotFound, Conflict: there is no such interaction, or he has no part in it.
    """
    interaction = turn.state.interactions.get(command.interaction)
    if interaction is None:
        raise NotFound(f"there is no interaction {command.interaction}")
    consult = _of(turn, interaction)
    if command.agent not in (interaction.agent, consult.colleague if consult else None):
        raise Conflict(
            f"{command.agent} has no part in {interaction.id}",
            details={"interaction": interaction.id},
        )
    if consult is None:
        return
    if consult.state is ConsultState.TALKING:
        recall_consult(turn, interaction, ConsultState.RETURNED, COMPLETED)
    elif command.agent == consult.agent:
        recall_consult(turn, interaction, ConsultState.ABANDONED, CANCELLED)
    else:
        recall_consult(turn, interaction, ConsultState.DECLINED, DECLINED)
    ending.talk_on(turn, interaction)


# ------------------------------------------------------------------ what the telephones tell
def ring(turn: Turn, leg: LegId) -> None:
    """The colleague's phone rings."""
    consult = turn.state.consults[turn.index.consult_legs[leg]]
    if consult.state is ConsultState.REQUESTED:
        turn.emit(
            ConsultRang(
                interaction=consult.interaction,
                consult=consult.id,
                agent=consult.agent,
                colleague=consult.colleague,
            )
        )


def answer(turn: Turn, leg: LegId) -> None:
    """The colleague has answered: the two talk, unless it is over already."""
    consult = turn.state.consults[turn.index.consult_legs[leg]]
    if consult.state is ConsultState.CLOSING:
        turn.order(HangUpLeg(leg=leg, cause="caller-gone"))
    elif consult.state is not ConsultState.TALKING:
        turn.emit(
            ConsultAnswered(
                interaction=consult.interaction,
                consult=consult.id,
                agent=consult.agent,
                colleague=consult.colleague,
                bridge=BridgeId(turn.new_id("bridge")),
                deadline=turn.within(TALK_WITHIN),
            )
        )
        _order_talk(turn, consult)


def end_leg(turn: Turn, leg: LegId, outcome: Outcome) -> None:
    """The colleague's leg is over."""
    consult = turn.state.consults[turn.index.consult_legs[leg]]
    if consult.state is ConsultState.CLOSING:
        ending.close(turn, consult)
        return
    if consult.state is ConsultState.TALKING:
        ending.finish(turn, consult, ConsultState.RETURNED, COMPLETED)
    else:
        cause = cause_of(outcome.reason)
        ending.finish(turn, consult, _RESULTS.get(cause, ConsultState.FAILED), outcome, cause)
    ending.talk_on(turn, turn.state.interactions[consult.interaction])


def leave_customer(turn: Turn, agent: Agent) -> bool:
    """An agent's leg is over: tell whether he was asking, and let the customer go on.

    Who hangs up on a colleague to whom he talks leaves the customer to him, as telephones do.
    Before the colleague has answered the customer waits on with the place he had.
    """
    interaction = turn.state.interactions.get(agent.interaction) if agent.interaction else None
    consult = _of(turn, interaction) if interaction is not None else None
    if interaction is None or consult is None or consult.agent != agent.id:
        return False
    if consult.state is ConsultState.TALKING:
        ending.hand_over(turn, interaction, consult, is_agent_there=False)
    else:
        recall_consult(turn, interaction, ConsultState.ABANDONED, ABANDONED)
        ending.forsake(turn, interaction, agent)
    return True


def end_passed_on(turn: Turn, leg: LegId) -> bool:
    """A phone has passed on (REFER) whoever it talked to: who is there now is nobody we know.

    Tell whether it has a part in a consult; then it is out of it, and its leg is ended.
    """
    agent = turn.index.agent_legs.get(leg)
    if leg in turn.index.consult_legs:
        turn.order(HangUpLeg(leg=leg))
        end_leg(turn, leg, COMPLETED)
        return True
    if agent is not None and leave_customer(turn, turn.state.agents[agent]):
        turn.order(HangUpLeg(leg=leg))
        return True
    return False


def expire(turn: Turn, consult: Consult) -> None:
    """The lease of a consult is over."""
    interaction = turn.state.interactions.get(consult.interaction)
    if consult.state is ConsultState.CLOSING or interaction is None:
        turn.order(HangUpLeg(leg=consult.leg))
        ending.close(turn, consult)
    elif consult.state is ConsultState.TALKING:
        recall_consult(turn, interaction, ConsultState.EXPIRED, EXPIRED)
        ending.talk_on(turn, interaction)
    else:
        turn.order(CancelRing(leg=consult.leg, cause="no-answer"))
        ending.finish(turn, consult, ConsultState.NO_ANSWER, NO_ANSWER, RefusalCause.MISSED)
        ending.talk_on(turn, interaction)


# ------------------------------------------------------------------- a driver that comes back
def restore(turn: Turn, view: LegView) -> None:
    """Order again what a colleague's leg lacks."""
    consult = turn.state.consults[turn.index.consult_legs[view.leg]]
    if consult.state is ConsultState.CLOSING:
        if view.state == "answered":
            turn.order(HangUpLeg(leg=view.leg, cause="caller-gone"))
        else:
            turn.order(CancelRing(leg=view.leg, cause="caller-gone"))
    elif consult.state is not ConsultState.TALKING:
        if view.state == "answered":
            answer(turn, view.leg)
    elif view.bridge != consult.bridge:
        _order_talk(turn, consult)


def restore_hold(turn: Turn, interaction: Interaction, view: LegView) -> None:
    """Order again what a customer lacks whose agent asks a colleague."""
    if view.play is None:
        order_hold(turn, interaction)


# ----------------------------------------------------------------------------------- pieces
def order_hold(turn: Turn, interaction: Interaction) -> None:
    """Take the customer out of the conversation and let him hear music."""
    assert interaction.queue is not None  # noqa: S101 - connected interactions came from one
    music = turn.index.queues[interaction.queue].music or turn.configuration.transfer_music
    turn.order(UnbridgeLeg(leg=interaction.leg))
    turn.order(
        PlayPrompts(
            leg=interaction.leg, play=f"{interaction.id}/hold", prompts=music, is_looped=True
        )
    )


def _order_talk(turn: Turn, consult: Consult) -> None:
    agent_leg = turn.state.agents[consult.agent].leg
    assert agent_leg is not None  # noqa: S101 - he asks by telephone
    assert consult.bridge is not None  # noqa: S101 - they talk in this bridge
    turn.order(BridgeLegs(leg=consult.leg, bridge=consult.bridge, agent_leg=agent_leg))


def _of(turn: Turn, interaction: Interaction) -> Consult | None:
    return None if interaction.consult is None else turn.state.consults[interaction.consult]


def _require_talking(turn: Turn, name: InteractionId, agent: AgentId) -> Interaction:
    """Return a call in which an agent talks to the customer."""
    interaction = turn.state.interactions.get(name)
    if interaction is None:
        raise NotFound(f"there is no interaction {name}", details={"interaction": name})
    is_his = interaction.agent == agent and interaction.state is InteractionState.CONNECTED
    if not is_his or interaction.is_provisional or interaction.channel is not Channel.VOICE:
        raise Conflict(
            f"{agent} talks to nobody in {name}",
            details={"interaction": name, "state": interaction.state},
        )
    return interaction
