# SPDX-License-Identifier: Apache-2.0
"""Leaving a message: beep, recording of one leg, box, mail.

The media ends the recording by itself after silence or the longest time; a key and the
customer's leaving end it too. A message outlives its interaction until it is mailed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows.happenings import VoicemailEnded
from centralino.core.interactions.effects import (
    CollectKey,
    PlayPrompts,
    SendMail,
    StartRecording,
    StopRecording,
)
from centralino.core.interactions.flow_events import (
    VoicemailDiscarded,
    VoicemailLeft,
    VoicemailMailed,
    VoicemailOpened,
    VoicemailStarted,
)
from centralino.core.kernel.ids import LegId, RecordingId

if TYPE_CHECKING:
    from centralino.core.flows.actions import RecordVoicemail
    from centralino.core.interactions.commands import ConfirmMail, StoreRecording
    from centralino.core.interactions.state import Interaction, Voicemail
    from centralino.core.routing.turn import Turn

BEEP = ("beep",)
SHORTEST_MS = 1000
"""What is shorter is no message."""
_MOST_KEYS = 32


def start(turn: Turn, interaction: Interaction, action: RecordVoicemail) -> None:
    """Beep."""
    turn.emit(
        VoicemailStarted(
            interaction=interaction.id,
            ask=action.ask,
            recording=RecordingId(turn.new_id("voicemail")),
            box=action.box,
            mail_to=action.mail_to,
            language=action.language,
            most_ms=action.max_ms,
            silence_ms=action.silence_ms,
            terminators=action.terminators,
        )
    )
    order_beep(turn, interaction)


def order_beep(turn: Turn, interaction: Interaction) -> None:
    """Order the beep; also when it was lost on the way."""
    voicemail = _of(turn, interaction)
    if voicemail is not None:
        turn.order(PlayPrompts(leg=interaction.leg, play=_beep_of(voicemail), prompts=BEEP))


def finish_play(turn: Turn, interaction: Interaction, play: str) -> bool:
    """Record when the beep is over; tell whether it was the beep."""
    voicemail = _of(turn, interaction)
    if voicemail is None or play != _beep_of(voicemail):
        return False
    if not voicemail.is_open:
        turn.emit(VoicemailOpened(interaction=interaction.id, recording=voicemail.recording))
        order_recording(turn, voicemail)
        _order_keys(turn, voicemail)
    return True


def finish_collect(turn: Turn, interaction: Interaction, collect: str, reason: str) -> bool:
    """End the message at its key; tell whether this collecting was the message's."""
    voicemail = _of(turn, interaction)
    if voicemail is None or collect != _keys_of(voicemail):
        return False
    if reason == "terminator":
        turn.order(StopRecording(leg=voicemail.leg, recording=voicemail.recording))
    elif reason != "stopped":
        _order_keys(turn, voicemail)
    return True


def order_recording(turn: Turn, voicemail: Voicemail) -> None:
    """Order the recording; also when it was lost on the way."""
    turn.order(
        StartRecording(
            leg=voicemail.leg,
            recording=voicemail.recording,
            agent_leg=LegId(""),
            most_ms=voicemail.most_ms,
            silence_ms=voicemail.silence_ms,
        )
    )


def store(turn: Turn, command: StoreRecording) -> tuple[Interaction | None, VoicemailEnded]:
    """Put a message into its box and mail it; return who left it, if he is still there."""
    voicemail = turn.state.voicemails[command.recording]
    interaction = turn.state.interactions.get(voicemail.interaction)
    is_kept = bool(command.path) and command.duration_ms >= SHORTEST_MS
    if is_kept:
        left = VoicemailLeft(
            interaction=voicemail.interaction,
            recording=voicemail.recording,
            box=voicemail.box,
            mail_to=voicemail.mail_to,
            language=voicemail.language,
            path=command.path,
            duration_ms=command.duration_ms,
            caller_number=voicemail.caller_number,
            called_number=voicemail.called_number,
        )
        turn.emit(left)
        if left.mail_to:
            order_mail(turn, voicemail)
    else:
        _discard(turn, voicemail, command.problem or "nothing was said")
    return interaction, VoicemailEnded(ask=voicemail.ask, is_kept=is_kept)


def order_mail(turn: Turn, voicemail: Voicemail) -> None:
    """Order the mail; also after a restart, when it is not known to be on its way."""
    turn.order(
        SendMail(
            leg=voicemail.leg,
            recording=voicemail.recording,
            box=voicemail.box,
            mail_to=voicemail.mail_to,
            path=voicemail.path,
            duration_ms=voicemail.duration_ms,
            caller_number=voicemail.caller_number,
            called_number=voicemail.called_number,
            language=voicemail.language,
        )
    )


def confirm_mail(turn: Turn, command: ConfirmMail) -> None:
    """A message is on its way to its readers."""
    voicemail = turn.state.voicemails.get(command.recording)
    if voicemail is not None and voicemail.path:
        turn.emit(
            VoicemailMailed(
                interaction=voicemail.interaction,
                recording=voicemail.recording,
                problem=command.problem,
            )
        )


def drop(turn: Turn, interaction: Interaction) -> None:
    """End a message whose flow goes on without it, or whose caller leaves."""
    voicemail = _of(turn, interaction)
    if voicemail is None:
        return
    if voicemail.is_open:
        turn.order(StopRecording(leg=voicemail.leg, recording=voicemail.recording))
    else:
        _discard(turn, voicemail, "given up before the beep was over")


def discard_lost(turn: Turn, live: frozenset[LegId]) -> None:
    """Forget messages whose leg is gone and whose file nobody will bring any more."""
    for voicemail in list(turn.state.voicemails.values()):
        is_gone = voicemail.interaction not in turn.state.interactions
        if is_gone and not voicemail.path and voicemail.leg not in live:
            _discard(turn, voicemail, "the recording was lost")


def _discard(turn: Turn, voicemail: Voicemail, reason: str) -> None:
    turn.emit(
        VoicemailDiscarded(
            interaction=voicemail.interaction, recording=voicemail.recording, reason=reason
        )
    )


def _order_keys(turn: Turn, voicemail: Voicemail) -> None:
    turn.order(
        CollectKey(
            leg=voicemail.leg,
            collect=_keys_of(voicemail),
            timeout_ms=0,
            max_digits=_MOST_KEYS,
            terminators=voicemail.terminators,
        )
    )


def _of(turn: Turn, interaction: Interaction) -> Voicemail | None:
    if interaction.voicemail is None:
        return None
    return turn.state.voicemails.get(interaction.voicemail)


def _beep_of(voicemail: Voicemail) -> str:
    return f"{voicemail.interaction}/{voicemail.ask}/beep"


def _keys_of(voicemail: Voicemail) -> str:
    return f"{voicemail.interaction}/{voicemail.ask}/keys"
