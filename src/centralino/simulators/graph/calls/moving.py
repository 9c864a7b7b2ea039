# SPDX-License-Identifier: Apache-2.0
"""Calls that move: transfers, blind and after consulting.

Source: the reference page of transfer; RFC 5589 for the words. In a
consultative transfer the page shows two ids and does not say which call is steered, so either of
the two calls may be.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.arriving import require_phone_reach
from centralino.simulators.graph.calls.endings import ending
from centralino.simulators.graph.calls.line import Mouth
from centralino.simulators.graph.calls.making import ONE
from centralino.simulators.graph.calls.orders import Json, Order, Reply, bad, wrong_state
from centralino.simulators.graph.calls.ringing import Attempt, Wish
from centralino.simulators.graph.calls.sound import Tone, sample_at
from centralino.wire.graph.call_lifecycle import CallEvent, CallState
from centralino.wire.graph.identity import Identity, IdentityKind

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.people import Seat
    from centralino.simulators.graph.calls.room import Member
    from centralino.simulators.graph.calls.world import CallWorld

_REACHABLE: Final = {IdentityKind.USER, IdentityKind.PHONE, IdentityKind.GUEST}


def transfer(world: CallWorld, order: Order) -> Reply:
    """POST .../transfer."""
    call = order.its_call
    orders.any_role(order.caller, ONE)
    orders.context(order.body)
    wanted = orders.thing(order.body, "transferTarget")
    if wanted is None:
        raise bad("'transferTarget' is missing.")
    target = party(wanted)
    replaced_id = orders.text(wanted, "replacesCallId")
    if not call.may(CallEvent.TRANSFER_BEGUN):
        raise wrong_state(f"The call is {call.state.value} and cannot be transferred.")
    transferee = _transferee(call, order)
    if target.kind is IdentityKind.PHONE and not replaced_id:
        require_phone_reach(world, call)
    if replaced_id:
        replaced = world.find_call(order.caller, replaced_id)
        if replaced is call:
            raise bad("'replacesCallId' must be another call.")
    else:
        replaced = None
    call.media.stop()
    call.step(CallEvent.TRANSFER_BEGUN)
    _put_aside(call, transferee)
    if replaced_id:
        delay_ms = world.settings.timing.transfer_ms
        call.after("transfer", delay_ms, partial(_consult, call, transferee, replaced))
    else:
        taken, failed = partial(_taken, call, transferee), partial(_failed, call, transferee)
        call.attempts.append(Attempt(world, Wish(target, caller=transferee.name), taken, failed))
    return Reply(202)


def party(wanted: Json) -> Identity:
    """Return who is wanted in a call.

    Raises:
        Refusal: it is nobody, or nobody who can be reached.
    """
    target = orders.who(wanted)
    if target.kind not in _REACHABLE:
        raise bad("A call is taken to users, guests or phones.")
    return target


def _transferee(call: ServiceCall, order: Order) -> Member:
    given = orders.thing(order.body, "transferee")
    others = [one for one in call.room.members if one.call is not call]
    if not call.is_group:
        return others[0]
    named = orders.text(given or {}, "participantId")
    if not named:
        raise bad("'transferee.participantId' is needed in a group call.")
    found = call.room.find(named)
    if found is None or found.seat is None:
        raise orders.no_participant()
    return found


def _put_aside(call: ServiceCall, transferee: Member) -> None:
    """Who is transferred hears ringback instead of the others until somebody answers."""
    music = Mouth()
    music.say(Tone((call.world.settings.ringback_hz,)), sample_at(call.world.now))
    transferee.music = music
    call.room.rewire()
    if call.world.settings.habits.media_inactive == "before":
        _tell_inactive(call)


def _tell_inactive(call: ServiceCall) -> None:
    call.media_state = "inactive"
    call.notify_call(mediaState=call.shown_media_state())


def _taken(call: ServiceCall, transferee: Member, seat: Seat) -> None:
    """The target of a blind transfer has answered."""
    if transferee.seat is None or transferee not in call.room.members:
        seat.person.left(seat)
        return
    _accept(call)
    _unite(call, transferee, seat)
    _complete(call)


def _accept(call: ServiceCall) -> None:
    habit = call.world.settings.habits.media_inactive
    call.media_state = "inactive"
    if habit == "with":
        call.step(CallEvent.TRANSFER_TAKEN, mediaState=call.shown_media_state())
        return
    call.step(CallEvent.TRANSFER_TAKEN)
    if habit == "after":
        _tell_inactive(call)


def _complete(call: ServiceCall, **members: object) -> None:
    delay_ms = call.world.settings.timing.transfer_ms
    call.after("complete", delay_ms, partial(call.end, "transferred", **members))


def _unite(call: ServiceCall, transferee: Member, seat: Seat) -> None:
    """Bring two people together in a room without the application."""
    world, first = call.world, transferee.seat
    if first is None:
        return
    call.room.take_out(transferee)
    room = world.new_room("pair")
    room.seat(first)
    room.seat(seat)
    world.caller_answered(first)
    world.tell("united", first=first.person.person.id, second=seat.person.person.id)


def _failed(call: ServiceCall, transferee: Member, why: str, word: str = "transfer-failed") -> None:
    if call.state is not CallState.TRANSFERRING:
        return
    transferee.music = None
    call.room.rewire()
    call.media_state = "active"
    result = ending(word, call.world.settings.results)
    members: Json = {"resultInfo": result.write()}
    if word == "consultative-transfer-failed":
        members["replacesContext"] = why
    call.step(CallEvent.TRANSFER_FAILED, **members)
    call.media.resume()


def _consult(call: ServiceCall, transferee: Member, replaced: ServiceCall | None) -> None:
    """Join the other party of one call with the other party of another."""
    other = None
    if replaced is not None and replaced.has_media and not replaced.is_group:
        other = next((one for one in replaced.room.members if one.seat is not None), None)
    if replaced is None or other is None or other.seat is None:
        _failed(call, transferee, "replaced-call-gone", "consultative-transfer-failed")
        return
    seat = other.seat
    replaced.is_detached = True
    _accept(call)
    replaced.room.take_out(other)
    _unite(call, transferee, seat)
    replaced.end("transferred", terminationReason="AppTransferred")
    replaced.room.settle("transferred")
    _complete(call, terminationReason="AppTransferred")
