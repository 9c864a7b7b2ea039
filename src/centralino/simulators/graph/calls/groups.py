# SPDX-License-Identifier: Apache-2.0
"""Participants of a group and hold music; what can be asked about a call.

Source: the reference pages of call and participant. Participants of a call between
two cannot be asked for ("Get participant").
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.endings import ending
from centralino.simulators.graph.calls.inviting import uninvite
from centralino.simulators.graph.calls.line import Mouth
from centralino.simulators.graph.calls.operation import reply_with
from centralino.simulators.graph.calls.orders import (
    Json,
    Order,
    Reply,
    bad,
    forbidden,
    no_participant,
    wrong_state,
)
from centralino.simulators.graph.calls.roster import participant
from centralino.simulators.graph.calls.sound import Clip, Tone, sample_at
from centralino.simulators.graph.calls.talking import read_prompt
from centralino.simulators.http.messages import Refusal

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.operation import Operation
    from centralino.simulators.graph.calls.prompts import Prompt
    from centralino.simulators.graph.calls.room import Member
    from centralino.simulators.graph.calls.world import CallWorld

IN_GROUPS: Final = (
    "Calls.JoinGroupCall.All",
    "Calls.JoinGroupCallAsGuest.All",
    "Calls.InitiateGroupCall.All",
)
REMOVING: Final = ("Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All")


def _member(order: Order) -> Member:
    call = order.its_call
    found = call.room.find(order.params.get("participant", ""))
    if found is None or call.member is None:
        raise no_participant()
    return found


def _require_roster(order: Order) -> None:
    orders.any_role(order.caller, IN_GROUPS)
    if not order.its_call.is_group:
        raise bad("Participants of peer-to-peer calls are not supported.")


def list_participants(world: CallWorld, order: Order) -> Reply:
    """GET .../participants."""
    del world
    _require_roster(order)
    call = order.its_call
    shown = [participant(one) for one in call.room.members if not one.is_hidden]
    return Reply(200, collection(order, "participants", list(shown)))


def get_participant(world: CallWorld, order: Order) -> Reply:
    """GET .../participants/{id}."""
    del world
    _require_roster(order)
    return Reply(200, participant(_member(order)))


def collection(order: Order, name: str, value: list[object]) -> Json:
    """Return a collection of a call as OData has it."""
    base, call_id = order.base_url, order.its_call.id
    context = f"{base}/$metadata#communications/calls('{call_id}')/{name}"
    return {"@odata.context": context, "value": value}


def remove_participant(world: CallWorld, order: Order) -> Reply:
    """DELETE .../participants/{id}."""
    del world
    call = order.its_call
    orders.any_role(order.caller, REMOVING)
    if not call.application.may_remove_participants:
        raise forbidden(
            "7504",
            "The tenant's application meeting configuration does not allow this application to"
            " remove participants (AllowRemoveParticipantAppIds).",
        )
    if uninvite(call, order.params.get("participant", "")):
        return Reply(204)
    member = _member(order)
    if member.seat is not None:
        call.room.leave(member, "removed")
    elif member.call is not None:
        member.call.end("removed")
    return Reply(204)


def mute_participant(world: CallWorld, order: Order) -> Reply:
    """POST .../participants/{id}/mute."""
    del world
    _require_roster(order)
    context = orders.context(order.body)
    member = _member(order)
    member.is_server_muted = True
    member.room.roster_changed([member])
    operation = order.its_call.new_operation("muteParticipantOperation", context, is_done=True)
    return reply_with(order, operation, 200)


def start_hold_music(world: CallWorld, order: Order) -> Reply:
    """POST .../participants/{id}/startHoldMusic."""
    call = order.its_call
    context = orders.context(order.body)
    custom = orders.thing(order.body, "customPrompt")
    member = _member(order)
    if member.seat is None:
        raise bad("Only people can be put on hold.")
    if not call.has_media:
        raise wrong_state(f"The call is {call.state.value}.")
    if any(one.music is not None for one in call.room.members) or "hold" in call.timers:
        raise wrong_state("Only one participant can be on hold at a time.")
    prompt = read_prompt(world, call, custom) if custom is not None else None
    operation = call.new_operation("startHoldMusicOperation", context)
    reply = reply_with(order, operation, 202)
    begin = partial(_begin_hold, call, member, operation, prompt)
    if prompt is None or prompt.is_settled:
        call.after("hold", 0, begin)
    else:
        limit_ms = world.settings.timing.fetch_ms + 1
        call.after("hold", limit_ms, begin)
        prompt.when_ready(begin)
    return reply


def _begin_hold(
    call: ServiceCall, member: Member, operation: Operation, prompt: Prompt | None
) -> None:
    call.cancel("hold")
    if operation.is_over or call.is_over:
        return
    if member not in call.room.members:
        operation.finish(ending("unreachable", call.world.settings.results))
        return
    if prompt is not None and prompt.samples is None:
        operation.finish(ending(prompt.failure, call.world.settings.results))
        return
    music = Mouth()
    tune = Tone((call.world.settings.music_hz,))
    sound = tune if prompt is None or prompt.samples is None else Clip(prompt.samples, None)
    music.say(sound, sample_at(call.world.now))
    member.music = music
    call.room.roster_changed([member])
    operation.finish()


def stop_hold_music(world: CallWorld, order: Order) -> Reply:
    """POST .../participants/{id}/stopHoldMusic."""
    call = order.its_call
    context = orders.context(order.body)
    member = _member(order)
    if member.music is None:
        raise wrong_state("The participant is not on hold.")
    operation = call.new_operation("stopHoldMusicOperation", context)
    reply = reply_with(order, operation, 202)
    member.music = None
    call.room.roster_changed([member])
    world.later(0, operation.finish)
    return reply


def get_call(world: CallWorld, order: Order) -> Reply:
    """GET /communications/calls/{id}."""
    del world
    context = f"{order.base_url}/$metadata#communications/calls/$entity"
    return Reply(200, {"@odata.context": context} | order.its_call.write())


def delete_call(world: CallWorld, order: Order) -> Reply:
    """DELETE /communications/calls/{id}."""
    del world
    order.its_call.hang_up()
    return Reply(204)


def get_operation(world: CallWorld, order: Order) -> Reply:
    """GET .../operations/{id}."""
    del world
    found = order.its_call.operations.get(order.params.get("operation", ""))
    if found is None:
        raise Refusal(404, "itemNotFound", "Operation not found.")
    return Reply(200, found.write())


def list_operations(world: CallWorld, order: Order) -> Reply:
    """GET .../operations."""
    del world
    found = [one.write() for one in order.its_call.operations.values() if not one.is_over]
    return Reply(200, collection(order, "operations", list(found)))


def list_sharing(world: CallWorld, order: Order) -> Reply:
    """GET .../contentSharingSessions."""
    del world
    return Reply(200, collection(order, "contentSharingSessions", []))
