# SPDX-License-Identifier: Apache-2.0
"""How each event of a flow and its ways out changes the state; the other half of ``evolve``.

What plays to a customer and which keys are awaited is read off the actions of his flow, so
that it can be ordered again when a driver has lost it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.flows import actions
from centralino.core.interactions import flow_events as flows
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep
from centralino.core.interactions.state import Callback, Interaction, PartyCall, Voicemail
from centralino.core.interactions.transfer_lifecycle import TRANSFER, TransferStep

if TYPE_CHECKING:
    from centralino.core.kernel.ids import InteractionId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState


def _step(state: TenantState, name: InteractionId, step: InteractionStep) -> Interaction:
    interaction = state.interactions[name]
    interaction.state = INTERACTION.next(interaction.state, step)
    return interaction


def _advanced(state: TenantState, index: Index, event: flows.FlowAdvanced, at: Instant) -> None:
    interaction = _step(state, event.interaction, InteractionStep.FLOWED)
    interaction.position = event.position
    interaction.deadline = event.deadline
    expected = event.position.expects
    if interaction.collect is not None and interaction.collect.ask not in expected:
        interaction.collect = None
    playing = interaction.play
    if playing is not None and not playing.is_looped and playing.ask not in expected:
        interaction.play = None
    for action in event.actions:
        match action:
            case actions.Play():
                interaction.play = action
            case actions.StopPlay():
                interaction.play = None
            case actions.Collect():
                interaction.collect = action
            case actions.StopCollect():
                interaction.collect = None
            case _:
                pass
    index.note_interaction(interaction)


def _turned_away(
    state: TenantState, index: Index, event: flows.InteractionTurnedAway, at: Instant
) -> None:
    pass


def _dequeued(
    state: TenantState, index: Index, event: flows.InteractionDequeued, at: Instant
) -> None:
    interaction = _step(state, event.interaction, InteractionStep.DEQUEUED)
    index.leave_queue(interaction)
    if event.keeps_place and interaction.enqueued_at is not None:
        interaction.places[event.queue] = interaction.enqueued_at
    interaction.queue = interaction.enqueued_at = None
    interaction.queue_ask = ""
    interaction.skills = {}
    interaction.leaves_unattended = False
    index.note_interaction(interaction)


def _transfer_started(
    state: TenantState, index: Index, event: flows.TransferStarted, at: Instant
) -> None:
    state.interactions[event.interaction].transfer = PartyCall(event.ask, event.leg)
    index.party_legs[event.leg] = event.interaction


def _transfer_answered(
    state: TenantState, index: Index, event: flows.TransferAnswered, at: Instant
) -> None:
    interaction = _step(state, event.interaction, InteractionStep.TRANSFERRED)
    interaction.bridge = event.bridge
    interaction.play = interaction.collect = interaction.deadline = None
    if interaction.transfer is not None:
        party = interaction.transfer
        party.state = TRANSFER.next(party.state, TransferStep.ANSWERED)
    index.note_interaction(interaction)


def _transfer_failed(
    state: TenantState, index: Index, event: flows.TransferFailed, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    if interaction.transfer is not None:
        party = interaction.transfer
        party.state = TRANSFER.next(party.state, TransferStep.FAILED)
        index.party_legs.pop(party.leg, None)
        interaction.transfer = None


def _voicemail_started(
    state: TenantState, index: Index, event: flows.VoicemailStarted, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.voicemail = event.recording
    state.voicemails[event.recording] = Voicemail(
        recording=event.recording,
        interaction=event.interaction,
        leg=interaction.leg,
        ask=event.ask,
        box=event.box,
        mail_to=event.mail_to,
        language=event.language,
        caller_number=interaction.caller_number,
        called_number=interaction.called_number,
        most_ms=event.most_ms,
        silence_ms=event.silence_ms,
        terminators=event.terminators,
    )


def _voicemail_opened(
    state: TenantState, index: Index, event: flows.VoicemailOpened, at: Instant
) -> None:
    state.voicemails[event.recording].is_open = True


def _voicemail_left(
    state: TenantState, index: Index, event: flows.VoicemailLeft, at: Instant
) -> None:
    _leave_box(state, event)
    if event.mail_to:
        voicemail = state.voicemails[event.recording]
        voicemail.path, voicemail.duration_ms = event.path, event.duration_ms
    else:
        del state.voicemails[event.recording]


def _voicemail_discarded(
    state: TenantState, index: Index, event: flows.VoicemailDiscarded, at: Instant
) -> None:
    _leave_box(state, event)
    del state.voicemails[event.recording]


def _leave_box(state: TenantState, event: flows.VoicemailLeft | flows.VoicemailDiscarded) -> None:
    interaction = state.interactions.get(event.interaction)
    if interaction is not None and interaction.voicemail == event.recording:
        interaction.voicemail = None
        interaction.has_left_message |= isinstance(event, flows.VoicemailLeft)


def _voicemail_mailed(
    state: TenantState, index: Index, event: flows.VoicemailMailed, at: Instant
) -> None:
    del state.voicemails[event.recording]


def _callback_booked(
    state: TenantState, index: Index, event: flows.CallbackBooked, at: Instant
) -> None:
    callback = Callback(
        id=event.callback,
        queue=event.queue,
        number=event.number,
        priority=event.priority,
        skills=event.skills,
        since=event.since,
        booked_for=event.interaction or None,
        called_number=event.called_number,
        deadline=event.due_at,
        expires_at=event.expires_at,
    )
    state.callbacks[event.callback] = callback
    index.note_callback(callback)


FLOW_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    flows.FlowAdvanced: _advanced,
    flows.InteractionTurnedAway: _turned_away,
    flows.InteractionDequeued: _dequeued,
    flows.TransferStarted: _transfer_started,
    flows.TransferAnswered: _transfer_answered,
    flows.TransferFailed: _transfer_failed,
    flows.VoicemailStarted: _voicemail_started,
    flows.VoicemailOpened: _voicemail_opened,
    flows.VoicemailLeft: _voicemail_left,
    flows.VoicemailDiscarded: _voicemail_discarded,
    flows.VoicemailMailed: _voicemail_mailed,
    flows.CallbackBooked: _callback_booked,
}
"""Every event of a flow."""
