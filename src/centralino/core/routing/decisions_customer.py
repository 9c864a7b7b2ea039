# SPDX-License-Identifier: Apache-2.0
"""What happens to a customer from arrival until an agent talks to him.

Each state before ``queued`` is a lease: if a driver never reports the end of a greeting
or a menu, the deadline moves the customer on, so that nobody is stuck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows.menu import Choose, decide_choice
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.effects import (
    AnswerCall,
    CollectKey,
    HangUpLeg,
    PlayPrompts,
    RejectCall,
)
from centralino.core.interactions.events import (
    InteractionArrived,
    InteractionEnded,
    InteractionGreeted,
    InteractionPrompted,
    InteractionQueued,
    RecordingCompleted,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import InteractionId, LegId
from centralino.core.kernel.instant import seconds
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing import decisions_party, decisions_voicemail
from centralino.core.routing.decisions_recall import recall_all
from centralino.core.routing.decisions_wish import wish_for

if TYPE_CHECKING:
    from centralino.core.interactions.commands import (
        FinishCollect,
        FinishPlay,
        ReceiveCall,
        StoreRecording,
    )
    from centralino.core.interactions.state import Interaction
    from centralino.core.routing.turn import Turn

ANSWER_WITHIN = seconds(20)
"""Longest time from our answer to the driver's word that the call is connected."""
GREET_WITHIN = seconds(120)
"""Longest greeting."""
PROMPT_WITHIN = seconds(120)
"""Longest menu, without the wait for a key."""

_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})

ABANDONED = Outcome(Result.CLIENT_ERROR, OutcomeReason.ABANDONED)
NOT_FOUND = Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND)
OVERLOADED = Outcome(Result.SERVER_ERROR, OutcomeReason.OVERLOADED)
NOT_CONNECTED = Outcome(Result.UPSTREAM_ERROR, OutcomeReason.TIMEOUT)


def receive_call(turn: Turn, command: ReceiveCall) -> None:
    """A call comes in: answer it, or refuse it and say why."""
    if command.leg in turn.index.customer_legs:
        return
    interaction = InteractionId(turn.new_id("interaction"))
    turn.emit(
        InteractionArrived(
            interaction=interaction,
            leg=command.leg,
            trunk=command.trunk,
            called_number=command.called_number,
            caller_number=command.caller_number,
            caller_name=command.caller_name,
            deadline=turn.within(ANSWER_WITHIN),
        )
    )
    if command.called_number not in turn.index.numbers:
        turn.order(RejectCall(leg=command.leg, cause="not-found"))
        turn.emit(InteractionEnded(interaction=interaction, outcome=NOT_FOUND))
    elif len(turn.state.interactions) > turn.configuration.most_interactions:
        turn.order(RejectCall(leg=command.leg, cause="overloaded"))
        turn.emit(InteractionEnded(interaction=interaction, outcome=OVERLOADED))
    else:
        turn.order(AnswerCall(leg=command.leg))


def greet(turn: Turn, interaction: Interaction) -> None:
    """The call is connected: play the greeting, or go on when there is none."""
    play = f"{interaction.id}/greeting"
    deadline = turn.within(GREET_WITHIN)
    turn.emit(InteractionGreeted(interaction=interaction.id, play=play, deadline=deadline))
    if turn.index.flow_of[interaction.called_number].greeting:
        order_greeting(turn, interaction)
    else:
        prompt(turn, interaction)


def order_greeting(turn: Turn, interaction: Interaction) -> None:
    """Order the greeting; also when it was lost on the way."""
    flow = turn.index.flow_of[interaction.called_number]
    turn.order(
        PlayPrompts(
            leg=interaction.leg,
            play=f"{interaction.id}/greeting",
            prompts=flow.greeting,
            may_interrupt=True,
        )
    )


def prompt(turn: Turn, interaction: Interaction) -> None:
    """Begin the menu, or begin it again."""
    flow = turn.index.flow_of[interaction.called_number]
    attempt = interaction.menu_attempt + 1
    turn.emit(
        InteractionPrompted(
            interaction=interaction.id,
            attempt=attempt,
            collect=f"{interaction.id}/menu-{attempt}",
            deadline=turn.within_ms(flow.key_timeout_ms + PROMPT_WITHIN // 1_000_000),
        )
    )
    order_menu(turn, interaction)


def order_menu(turn: Turn, interaction: Interaction) -> None:
    """Order the menu and the collecting of a key."""
    flow = turn.index.flow_of[interaction.called_number]
    name = interaction.expects
    turn.order(PlayPrompts(leg=interaction.leg, play=name, prompts=flow.menu, may_interrupt=True))
    turn.order(CollectKey(leg=interaction.leg, collect=name, timeout_ms=flow.key_timeout_ms))


def finish_play(turn: Turn, command: FinishPlay) -> None:
    """The greeting is over: open the menu."""
    interaction = customer_of(turn, command.leg)
    if interaction is None:
        return
    if interaction.state is InteractionState.GREETED and interaction.expects == command.play:
        prompt(turn, interaction)
    elif command.play == f"{interaction.id}/callback" and interaction.state in _WAITING:
        order_music(turn, interaction)


def finish_collect(turn: Turn, command: FinishCollect) -> None:
    """A key was pressed, or none in time."""
    interaction = customer_of(turn, command.leg)
    if (
        interaction is not None
        and interaction.state is InteractionState.CHOOSING
        and interaction.expects == command.collect
    ):
        choose(turn, interaction, command.digits)


def choose(turn: Turn, interaction: Interaction, digits: str) -> None:
    """Follow the flow's answer to the keys."""
    flow = turn.index.flow_of[interaction.called_number]
    choice = decide_choice(flow, digits, interaction.menu_attempt)
    if not isinstance(choice, Choose):
        prompt(turn, interaction)
        return
    queue = turn.index.queues[choice.queue]
    turn.emit(
        InteractionQueued(
            interaction=interaction.id,
            queue=queue.id,
            priority=queue.priority,
            digit=choice.digit,
            wish=wish_for(turn, queue.id, interaction.caller_number),
        )
    )
    order_music(turn, interaction)


def order_music(turn: Turn, interaction: Interaction) -> None:
    """Order the music of the queue in which the customer waits, if it has any."""
    assert interaction.queue is not None  # noqa: S101 - only waiting customers come here
    music = turn.index.queues[interaction.queue].music
    if not music or interaction.channel is not Channel.VOICE:
        return
    turn.order(
        PlayPrompts(
            leg=interaction.leg,
            play=f"{interaction.id}/music",
            prompts=music,
            is_looped=True,
        )
    )


def lose_customer(turn: Turn, interaction: Interaction, outcome: Outcome) -> None:
    """The customer has gone before an agent was connected."""
    has_left_message = interaction.has_left_message or interaction.voicemail is not None
    drop_ways(turn, interaction)
    if outcome.is_success:
        outcome = COMPLETED if has_left_message else ABANDONED
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=outcome))


def drop_ways(turn: Turn, interaction: Interaction) -> None:
    """End whatever runs for a customer whose interaction is going to end."""
    recall_all(turn, interaction)
    decisions_party.drop(turn, interaction)
    decisions_voicemail.drop(turn, interaction)


def expire(turn: Turn, interaction: Interaction) -> None:
    """The driver did not say what it should have: move the customer on."""
    if interaction.state is InteractionState.ARRIVED:
        turn.order(HangUpLeg(leg=interaction.leg, cause="error"))
        turn.emit(InteractionEnded(interaction=interaction.id, outcome=NOT_CONNECTED))
    elif interaction.state is InteractionState.GREETED:
        prompt(turn, interaction)
    else:
        choose(turn, interaction, "")


def store_recording(turn: Turn, command: StoreRecording) -> None:
    """A recording is on disk."""
    recording = turn.state.recordings.get(command.recording)
    if recording is None:
        return
    turn.emit(
        RecordingCompleted(
            interaction=recording.interaction,
            recording=command.recording,
            path=command.path,
            duration_ms=command.duration_ms,
            channels=command.channels,
            is_complete=command.is_complete,
            problem=command.problem,
        )
    )


def customer_of(turn: Turn, leg: LegId) -> Interaction | None:
    """Return the interaction whose customer is on this leg."""
    name = turn.index.customer_legs.get(leg)
    return turn.state.interactions[name] if name is not None else None
