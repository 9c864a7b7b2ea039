# SPDX-License-Identifier: Apache-2.0
"""What an application does with the sound of a call, and small things that it asks of a call.

Source: the reference pages of playPrompt, recordResponse, subscribeToTone, cancelMediaProcessing,
sendDtmfTones, mute, unmute, keepAlive, updateRecordingStatus, changeScreenSharingRole,
addLargeGalleryView, logTeleconferenceDeviceQuality.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.making import APP_HOSTED, MEDIA
from centralino.simulators.graph.calls.media import MOST_QUEUED, Listening, Task
from centralino.simulators.graph.calls.operation import CANCELLED, reply_with
from centralino.simulators.graph.calls.orders import Order, Reply, bad, wrong_state
from centralino.simulators.http.messages import Refusal
from centralino.wire.graph.result import ResultInfo
from centralino.wire.graph.states import RecordingStatus
from centralino.wire.graph.tones import KEY_OF_TONE, read_stop_tone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.operation import Operation
    from centralino.simulators.graph.calls.prompts import Prompt
    from centralino.simulators.graph.calls.world import CallWorld

MOST_PROMPTS: Final = 20
MOST_TONES: Final = 100
LONGEST_S: Final = 120
KEY_MS: Final = 100
JOINED: Final = "Calls.JoinGroupCall.All"
PROMPT_TYPES: Final = {"#microsoft.graph.mediaPrompt", "microsoft.graph.mediaPrompt", None}


class ScreenRole(StrEnum):
    """``screenSharingRole``."""

    VIEWER = "viewer"
    SHARER = "sharer"


def _require_media(call: ServiceCall) -> None:
    if not call.is_service_hosted:
        raise bad("The call was not made with service-hosted media.")
    if not call.has_media:
        raise wrong_state(f"The call is {call.state.value}; its media does not stand.")


def _require_group(call: ServiceCall) -> None:
    if not call.is_group:
        raise bad("This is only supported for group calls.")
    if not call.has_media:
        raise wrong_state(f"The call is {call.state.value}.")


def read_prompt(world: CallWorld, call: ServiceCall, given: Mapping[str, object]) -> Prompt:
    """Return a prompt that a request names, on its way.

    Raises:
        Refusal: it is no media prompt.
    """
    if given.get("@odata.type") not in PROMPT_TYPES:
        raise bad("A prompt must be a mediaPrompt.")
    media = orders.thing(given, "mediaInfo")
    if media is None:
        raise bad("'mediaInfo' is missing.")
    uri = orders.web_address(
        orders.text(media, "uri"), "uri", http=world.settings.habits.http_callbacks
    )
    return world.prompts.get(call.application.id, uri, orders.text(media, "resourceId"))


def _require_queue(call: ServiceCall) -> None:
    if call.media.queued_count >= MOST_QUEUED:
        raise Refusal(429, "TooManyRequests", "Too many media operations wait in this call.")


def play_prompt(world: CallWorld, order: Order) -> Reply:
    """POST .../playPrompt."""
    call = order.its_call
    given = orders.things(order.body, "prompts", most=MOST_PROMPTS)
    context = orders.context(order.body)
    times = orders.number(order.body, "loop", 1, least=0, most=1_000)
    if not given:
        raise bad("'prompts' must hold 1 to 20 prompts.")
    _require_media(call)
    _require_queue(call)
    prompts = [read_prompt(world, call, one) for one in given]
    operation = call.new_operation("playPromptOperation", context)
    reply = reply_with(order, operation, 200)
    call.media.add(Task(operation, prompts, times=times or None))
    return reply


def record_response(world: CallWorld, order: Order) -> Reply:
    """POST .../recordResponse."""
    call = order.its_call
    orders.any_role(order.caller, MEDIA)
    given = orders.things(order.body, "prompts", most=1)
    context = orders.context(order.body)
    barges_in = orders.flag(order.body, "bargeInAllowed", default=False)
    listening = _listening(order)
    _require_media(call)
    _require_queue(call)
    prompts = [read_prompt(world, call, one) for one in given]
    if barges_in:
        call.media.cancel_all()
    operation = call.new_operation("recordOperation", context)
    operation.members |= {"recordingLocation": None, "recordingAccessToken": None}
    reply = reply_with(order, operation, 200)
    call.media.add(Task(operation, prompts, listening=listening))
    return reply


def _listening(order: Order) -> Listening:
    body = order.body
    stop = [read_stop_tone(one) for one in orders.words(body, "stopTones", most=20)]
    keys = frozenset(key for key in stop if key is not None)
    if None in stop:
        raise bad("'stopTones' has a value that is no tone.")

    def seconds(name: str) -> int:
        return orders.number(body, name, 5, least=1, most=LONGEST_S)

    return Listening(
        initial_silence_s=seconds("initialSilenceTimeoutInSeconds"),
        silence_s=seconds("maxSilenceTimeoutInSeconds"),
        longest_s=seconds("maxRecordDurationInSeconds"),
        has_beep=orders.flag(body, "playBeep", default=True),
        stop_keys=keys,
    )


def subscribe_to_tone(world: CallWorld, order: Order) -> Reply:
    """POST .../subscribeToTone."""
    del world
    call = order.its_call
    orders.any_role(order.caller, MEDIA)
    context = orders.context(order.body)
    _require_media(call)
    call.tones_to_tell = True
    operation = call.new_operation("subscribeToToneOperation", context, is_done=True)
    return reply_with(order, operation, 200)


def cancel_media(world: CallWorld, order: Order) -> Reply:
    """POST .../cancelMediaProcessing."""
    del world
    call = order.its_call
    context = orders.context(order.body)
    _require_media(call)
    operation = call.new_operation("cancelMediaProcessingOperation", context, is_done=True)
    call.media.cancel_all()
    for name in [name for name in call.timers if name.startswith("dtmf-")]:
        call.cancel(name)
    for other in list(call.operations.values()):
        if other.kind == "sendDtmfTonesOperation" and not other.is_over:
            other.finish(CANCELLED, completionReason="mediaOperationCanceled")
    return reply_with(order, operation, 200)


def send_tones(world: CallWorld, order: Order) -> Reply:
    """POST .../sendDtmfTones."""
    call = order.its_call
    context = orders.context(order.body)
    tones = orders.words(order.body, "tones", most=MOST_TONES)
    gap_ms = orders.number(order.body, "delayBetweenTonesMs", 300, least=0, most=60_000)
    keys = [KEY_OF_TONE.get(tone.lower()) for tone in tones]
    if not keys or None in keys:
        raise bad("'tones' must name tones such as tone1, star or pound.")
    _require_media(call)
    operation = call.new_operation("sendDtmfTonesOperation", context)
    operation.members["completionReason"] = None
    for index, key in enumerate(keys):
        at_ms = index * (KEY_MS + gap_ms)
        call.after(f"dtmf-{operation.id}-{index}", at_ms, partial(_send_key, call, key or ""))
    end_ms = len(keys) * KEY_MS + (len(keys) - 1) * gap_ms
    call.after(f"dtmf-{operation.id}", end_ms, partial(_sent, operation))
    del world
    return reply_with(order, operation, 200)


def _send_key(call: ServiceCall, key: str) -> None:
    if call.member is not None:
        call.room.keys_from_service(call.member, key)


def _sent(operation: Operation) -> None:
    operation.finish(
        ResultInfo(200, 0, "Action completed successfully."),
        completionReason="completedSuccessfully",
    )


def mute(world: CallWorld, order: Order) -> Reply:
    """POST .../mute."""
    return _mute_self(world, order, on=True)


def unmute(world: CallWorld, order: Order) -> Reply:
    """POST .../unmute."""
    return _mute_self(world, order, on=False)


def _mute_self(world: CallWorld, order: Order, *, on: bool) -> Reply:
    del world
    call = order.its_call
    context = orders.context(order.body)
    _require_group(call)
    if call.member is not None:
        call.member.is_server_muted = on
        call.room.roster_changed([call.member])
    kind = "muteParticipantOperation" if on else "unmuteParticipantOperation"
    return reply_with(order, call.new_operation(kind, context, is_done=True), 200)


def keep_alive(world: CallWorld, order: Order) -> Reply:
    """POST .../keepAlive."""
    del world
    if order.its_call.has_media:
        order.its_call.keep_alive()
    return Reply(200)


def update_recording(world: CallWorld, order: Order) -> Reply:
    """POST .../updateRecordingStatus."""
    del world
    call = order.its_call
    orders.any_role(order.caller, (JOINED,))
    orders.any_role(order.caller, MEDIA)
    context = orders.context(order.body)
    status = orders.word(order.body, "status", RecordingStatus)
    if status is None or status is RecordingStatus.UNKNOWN:
        raise bad("'status' must be notRecording, recording or failed.")
    if call.member is None or not call.has_media:
        raise wrong_state(f"The call is {call.state.value}.")
    call.member.recording = status
    call.room.roster_changed([call.member])
    operation = call.new_operation("updateRecordingStatusOperation", context, is_done=True)
    return reply_with(order, operation, 200)


def change_screen_role(world: CallWorld, order: Order) -> Reply:
    """POST .../changeScreenSharingRole."""
    del world
    call = order.its_call
    orders.any_role(order.caller, MEDIA)
    role = orders.word(order.body, "role", ScreenRole)
    if role is None:
        raise bad("'role' must be viewer or sharer.")
    if (call.media_config or {}).get("@odata.type") != APP_HOSTED:
        raise bad("This is only supported for app-hosted media.")
    _require_group(call)
    if call.member is not None:
        call.member.shares_screen = role is ScreenRole.SHARER
        call.room.roster_changed([call.member])
    return Reply(202)


def add_gallery(world: CallWorld, order: Order) -> Reply:
    """POST .../addLargeGalleryView."""
    call = order.its_call
    roles = (JOINED, "Calls.JoinGroupCallAsGuest.All", "Calls.InitiateGroupCall.All")
    orders.any_role(order.caller, roles)
    context = orders.context(order.body)
    _require_group(call)
    operation = call.new_operation("addLargeGalleryViewOperation", context)
    world.later(world.settings.timing.establish_ms, operation.finish)
    return reply_with(order, operation, 202)


def log_quality(world: CallWorld, order: Order) -> Reply:
    """POST /communications/calls/logTeleconferenceDeviceQuality."""
    orders.any_role(order.caller, MEDIA)
    quality = orders.thing(order.body, "quality")
    if quality is None or not quality.get("callChainId"):
        raise bad("'quality' must name its callChainId.")
    orders.things(quality, "mediaQualityList", most=100)
    world.tell("device-quality", chain=orders.text(quality, "callChainId"))
    return Reply(200)
