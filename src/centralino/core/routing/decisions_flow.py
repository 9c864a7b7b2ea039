# SPDX-License-Identifier: Apache-2.0
"""Runs flows for customers: what a flow asks for is done, what happens is told to it.

The position is kept in the state by events, so a flow goes on after any restart. Answers
the engine has at once are told in the same decision. A flow that nothing would ever move
again is ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.flows import actions, happenings, interpreter
from centralino.core.flows.position import CallFacts
from centralino.core.interactions.effects import (
    CollectKey,
    HangUpLeg,
    PlayPrompts,
    PlaySounds,
    RequestLookup,
    StopCollecting,
    StopPlaying,
)
from centralino.core.interactions.events import InteractionEnded
from centralino.core.interactions.flow_events import FlowAdvanced
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.instant import Instant, seconds
from centralino.core.kernel.outcome import COMPLETED, INTERNAL_ERROR
from centralino.core.routing import decisions_party as party
from centralino.core.routing import decisions_queue as queues
from centralino.core.routing import decisions_voicemail as voicemail
from centralino.core.routing.decisions_customer import drop_ways, store_recording

if TYPE_CHECKING:
    from centralino.core.flows.turn import Turn as Step
    from centralino.core.interactions import commands
    from centralino.core.interactions.commands import LegView
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import InteractionId, LegId
    from centralino.core.kernel.outcome import Outcome
    from centralino.core.routing.turn import Turn

STUCK_AFTER = seconds(3600)
"""When a flow that waits for nothing is ended; the interpreter never lets it come to that."""


def has_flow(turn: Turn, interaction: Interaction) -> bool:
    """Tell whether the number a customer called is answered by a flow of the catalogue."""
    number = turn.index.numbers.get(interaction.called_number)
    return number is not None and turn.index.library.newest_version(number.flow) is not None


def begin(turn: Turn, interaction: Interaction) -> None:
    """The call is connected: its flow begins."""
    number = turn.index.numbers[interaction.called_number]
    facts = CallFacts(
        called_number=interaction.called_number,
        caller_number=interaction.caller_number or "",
        caller_name=interaction.caller_name or "",
        language=number.language,
    )
    _go_on(turn, interaction, interpreter.begin(turn.index.library, number.flow, facts, turn.now))


def tell(turn: Turn, interaction: Interaction, happening: happenings.AnyHappening) -> None:
    """Let the flow go on after something happened."""
    step = _resumed(turn, interaction, happening)
    if step is not None:
        _go_on(turn, interaction, step)


def hand_over(
    turn: Turn,
    interaction: Interaction,
    happening: happenings.AnyHappening,
    *,
    is_bridged: bool = False,
) -> None:
    """Tell the flow that somebody talks to the customer now; it is over from here.

    ``is_bridged``: he hears the other already, and nothing plays any more.
    """
    step = _step_after(turn, interaction, happening)
    position = interaction.position if step is None else step.position
    assert position is not None  # noqa: S101 - who is in a flow has one
    over = msgspec.structs.replace(position, end="connected", expects=(), deadline=None)
    kept: list[actions.AnyAction] = [
        action
        for action in (() if step is None else step.actions)
        if isinstance(action, actions.StopCollect)
        or (isinstance(action, actions.StopPlay) and not is_bridged)
    ]
    turn.emit(
        FlowAdvanced(
            interaction=interaction.id,
            position=over,
            actions=tuple(kept),
            entries=() if step is None else step.entries,
        )
    )
    for action in kept:
        _DO[type(action)](turn, interaction, action)


def _resumed(
    turn: Turn, interaction: Interaction, happening: happenings.AnyHappening
) -> Step | None:
    """Return the flow's next step, ``None`` when nothing comes of it.

    While somebody has just answered the flow stands still: it is over, or goes on as it was.
    """
    if interaction.is_provisional:
        return None
    return _step_after(turn, interaction, happening)


def _step_after(
    turn: Turn, interaction: Interaction, happening: happenings.AnyHappening
) -> Step | None:
    position = interaction.position
    if position is None or position.is_over:
        return None
    step = interpreter.resume(turn.index.library, position, happening, turn.now)
    if step.position == position and not step.actions and not step.entries:
        return None
    return step


def _go_on(turn: Turn, interaction: Interaction, step: Step) -> None:
    """Carry out a step and the steps that its immediate answers lead to."""
    answers: deque[happenings.AnyHappening] = deque()
    following: Step | None = step
    while following is not None:
        answers.extend(_carry_out(turn, interaction, following))
        following = None
        while answers and following is None:
            if interaction.id not in turn.state.interactions:
                return
            following = _resumed(turn, interaction, answers.popleft())


def _carry_out(turn: Turn, interaction: Interaction, step: Step) -> list[happenings.AnyHappening]:
    turn.emit(
        FlowAdvanced(
            interaction=interaction.id,
            position=step.position,
            actions=step.actions,
            entries=step.entries,
            deadline=_deadline(turn, step),
        )
    )
    answers = []
    for action in step.actions:
        answer = _DO[type(action)](turn, interaction, action)
        if answer is not None:
            answers.append(answer)
        if interaction.id not in turn.state.interactions:
            return []
    _drop_unexpected(turn, interaction)
    return answers


def _deadline(turn: Turn, step: Step) -> Instant | None:
    if step.position.is_over:
        return None
    if step.position.deadline is None:
        return turn.within(STUCK_AFTER)
    return Instant(max(step.position.deadline, turn.now + 1))


def _drop_unexpected(turn: Turn, interaction: Interaction) -> None:
    """End what still runs for the customer although his flow does not wait for it."""
    position = interaction.position
    assert position is not None  # noqa: S101 - it has just been kept
    if interaction.transfer is not None and interaction.transfer.ask not in position.expects:
        party.drop(turn, interaction)
    left = interaction.voicemail and turn.state.voicemails.get(interaction.voicemail)
    if left and left.ask not in position.expects:
        voicemail.drop(turn, interaction)


# --------------------------------------------------------------------- what a flow asks
def _name(interaction: Interaction, ask: str) -> str:
    return f"{interaction.id}/{ask}"


def _ask(interaction: Interaction, name: str) -> str:
    return name.removeprefix(f"{interaction.id}/")


def _play(turn: Turn, interaction: Interaction, action: actions.Play) -> None:
    clips = tuple(sound.name for sound in action.sounds if isinstance(sound, actions.Clip))
    name = _name(interaction, action.ask)
    if len(clips) == len(action.sounds):
        turn.order(
            PlayPrompts(
                leg=interaction.leg,
                play=name,
                prompts=clips,
                is_looped=action.is_looped,
                may_interrupt=action.may_interrupt,
            )
        )
    else:
        turn.order(
            PlaySounds(
                leg=interaction.leg,
                play=name,
                sounds=action.sounds,
                is_looped=action.is_looped,
                may_interrupt=action.may_interrupt,
            )
        )


def _stop_play(turn: Turn, interaction: Interaction, action: actions.StopPlay) -> None:
    turn.order(StopPlaying(leg=interaction.leg))


def _collect(turn: Turn, interaction: Interaction, action: actions.Collect) -> None:
    turn.order(
        CollectKey(
            leg=interaction.leg,
            collect=_name(interaction, action.ask),
            timeout_ms=action.first_timeout_ms,
            max_digits=action.max_digits,
            terminators=action.terminators,
            inter_digit_timeout_ms=action.inter_digit_timeout_ms,
            forgets_earlier=action.forgets_earlier,
        )
    )


def _stop_collect(turn: Turn, interaction: Interaction, action: actions.StopCollect) -> None:
    turn.order(StopCollecting(leg=interaction.leg))


def _lookup(turn: Turn, interaction: Interaction, action: actions.Lookup) -> None:
    turn.order(
        RequestLookup(
            leg=interaction.leg,
            interaction=interaction.id,
            ask=action.ask,
            method=action.method,
            url=action.url,
            headers=action.headers,
            secrets=action.secrets,
            body=action.body,
            timeout_ms=action.timeout_ms,
        )
    )


def _hang_up(turn: Turn, interaction: Interaction, action: actions.HangUp) -> None:
    is_error = action.cause == "error"
    drop_ways(turn, interaction)
    turn.order(HangUpLeg(leg=interaction.leg, cause="error" if is_error else "normal"))
    outcome = INTERNAL_ERROR if is_error else COMPLETED
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=outcome))


_DO: dict[
    type[actions.AnyAction], Callable[[Turn, Interaction, Any], happenings.AnyHappening | None]
] = {
    actions.Play: _play,
    actions.StopPlay: _stop_play,
    actions.Collect: _collect,
    actions.StopCollect: _stop_collect,
    actions.Lookup: _lookup,
    actions.EnterQueue: queues.enter,
    actions.ReadQueue: queues.read,
    actions.LeaveQueue: queues.leave,
    actions.BookCallback: queues.book_callback,
    actions.Transfer: party.start,
    actions.RecordVoicemail: voicemail.start,
    actions.HangUp: _hang_up,
}


# ----------------------------------------------------------------------- what happens
def finish_play(turn: Turn, interaction: Interaction, command: commands.FinishPlay) -> None:
    """What was played to a customer in a flow is over."""
    if not voicemail.finish_play(turn, interaction, command.play):
        ask = _ask(interaction, command.play)
        is_failed = command.reason == "failed"
        tell(turn, interaction, happenings.PlayFinished(ask=ask, is_failed=is_failed))


def finish_collect(turn: Turn, interaction: Interaction, command: commands.FinishCollect) -> None:
    """A customer in a flow pressed keys, or not in time."""
    if not voicemail.finish_collect(turn, interaction, command.collect, command.reason):
        ask = _ask(interaction, command.collect)
        happening = happenings.Collected(ask=ask, digits=command.digits, reason=command.reason)
        tell(turn, interaction, happening)


def answer_lookup(turn: Turn, command: commands.AnswerLookup) -> None:
    """A web service answered."""
    happening = happenings.LookupAnswered(ask=command.ask, status=command.status, body=command.body)
    _tell_by_name(turn, command.interaction, happening)


def fail_lookup(turn: Turn, command: commands.FailLookup) -> None:
    """A web service did not answer."""
    happening = happenings.LookupFailed(ask=command.ask, reason=command.reason)
    _tell_by_name(turn, command.interaction, happening)


def _tell_by_name(turn: Turn, name: InteractionId, happening: happenings.AnyHappening) -> None:
    interaction = turn.state.interactions.get(name)
    if interaction is not None:
        tell(turn, interaction, happening)


def answer_party(turn: Turn, leg: LegId) -> None:
    """The party of a transfer answered."""
    interaction = turn.state.interactions[turn.index.party_legs[leg]]
    if interaction.state is InteractionState.IN_FLOW and interaction.transfer is not None:
        ask = interaction.transfer.ask
        hand_over(turn, interaction, happenings.TransferEnded(ask=ask, result="answered"))
        party.connect(turn, interaction)


def end_party(turn: Turn, leg: LegId, outcome: Outcome) -> None:
    """The leg of a transfer's party is over."""
    interaction = turn.state.interactions[turn.index.party_legs[leg]]
    if interaction.state is InteractionState.TRANSFERRED:
        party.end(turn, interaction, is_by_customer=False)
    else:
        tell(turn, interaction, party.fail(turn, interaction, outcome))


def take_recording(turn: Turn, command: commands.StoreRecording) -> None:
    """A recording is on disk: of a conversation, or a message."""
    if command.recording not in turn.state.voicemails:
        store_recording(turn, command)
        return
    if turn.state.voicemails[command.recording].path:
        return
    interaction, happening = voicemail.store(turn, command)
    if interaction is not None:
        tell(turn, interaction, happening)


def leave_unattended(turn: Turn) -> None:
    """Take those out of their queues who do not want to wait for nobody."""
    for interaction in queues.left_unattended(turn):
        happening = happenings.QueueLeft(ask=interaction.queue_ask, reason="no-agents")
        queues.dequeue(turn, interaction, "no-agents", keeps_place=False)
        tell(turn, interaction, happening)


def expire(turn: Turn, interaction: Interaction) -> None:
    """The flow's deadline has come."""
    step = _resumed(turn, interaction, happenings.Deadline())
    if step is not None:
        _go_on(turn, interaction, step)
    else:
        _hang_up(turn, interaction, actions.HangUp(cause="error"))


def restore(turn: Turn, interaction: Interaction, view: LegView) -> None:
    """Order again what a driver should be doing for a customer in a flow and is not."""
    left = interaction.voicemail and turn.state.voicemails.get(interaction.voicemail)
    if left and left.is_open:
        if view.recording != left.recording:
            voicemail.order_recording(turn, left)
    elif left:
        if view.play is None:
            voicemail.order_beep(turn, interaction)
    elif interaction.play is not None:
        if view.play != _name(interaction, interaction.play.ask):
            _play(turn, interaction, interaction.play)
            _collect_again(turn, interaction)
    else:
        _collect_again(turn, interaction)
        if view.play is None:
            party.order_music(turn, interaction)


def play_again(turn: Turn, interaction: Interaction) -> None:
    """Order what the customer heard and was asked before somebody answered in vain."""
    if interaction.play is not None:
        _play(turn, interaction, interaction.play)
    _collect_again(turn, interaction)


def _collect_again(turn: Turn, interaction: Interaction) -> None:
    if interaction.collect is not None:
        _collect(turn, interaction, interaction.collect)
