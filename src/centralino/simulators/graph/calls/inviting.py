# SPDX-License-Identifier: Apache-2.0
"""Inviting others into a call, which makes a group of it, and taking an invitation back.

Source: the reference pages of invite and remove. An invitation that replaces a call moves the other
party of that call.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.arriving import require_phone_reach
from centralino.simulators.graph.calls.endings import ending
from centralino.simulators.graph.calls.making import GROUP
from centralino.simulators.graph.calls.moving import party
from centralino.simulators.graph.calls.operation import DONE, reply_with
from centralino.simulators.graph.calls.orders import Json, Order, Reply, bad, wrong_state
from centralino.simulators.graph.calls.ringing import Attempt, Wish
from centralino.simulators.graph.calls.roster import target_info
from centralino.wire.graph.identity import Identity, IdentityKind

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.operation import Operation
    from centralino.simulators.graph.calls.people import Seat
    from centralino.simulators.graph.calls.world import CallWorld

MOST_INVITED: Final = 5


def invite(world: CallWorld, order: Order) -> Reply:
    """POST .../participants/invite."""
    call = order.its_call
    orders.any_role(order.caller, GROUP)
    context = orders.context(order.body)
    wanted = orders.things(order.body, "participants", most=MOST_INVITED)
    people = [party(one) for one in wanted]
    if not people:
        raise bad("'participants' must name 1 to 5 parties.")
    if len(people) > 1 and not (call.chat_info or {}).get("threadId"):
        raise bad("Only a group call with chatInfo takes several participants at once.")
    replaced = [_replaced(world, order, one) for one in wanted]
    hidden = [orders.flag(one, "hidden", default=False) for one in wanted]
    if not call.has_media:
        raise wrong_state(f"The call is {call.state.value}; nobody can be invited.")
    for guest, old in zip(people, replaced, strict=True):
        if guest.kind is IdentityKind.PHONE and old is None:
            require_phone_reach(world, call)
    _become_group(world, call)
    operation = call.new_operation("inviteParticipantsOperation", context)
    ids = [world.new_id() for _ in people]
    shown = [_shown(world, guest, name) for guest, name in zip(people, ids, strict=True)]
    operation.members["participants"] = shown
    invitation = _Invitation(call, operation)
    reply = reply_with(order, operation, 200)
    for guest, name, old, is_hidden in zip(people, ids, replaced, hidden, strict=True):
        invitation.begin(guest, name, old, is_hidden)
    return reply


def _replaced(world: CallWorld, order: Order, one: Json) -> ServiceCall | None:
    named = orders.text(one, "replacesCallId")
    if not named:
        return None
    found = world.find_call(order.caller, named)
    if found is None or found.is_group or not found.has_media or found is order.its_call:
        raise bad("'replacesCallId' must be an established call with one party.")
    return found


def _shown(world: CallWorld, guest: Identity, participant_id: str) -> Json:
    somebody = world.find_person(guest)
    return target_info(somebody.identity if somebody else guest, participant_id)


def _become_group(world: CallWorld, call: ServiceCall) -> None:
    """A call between two becomes a group with the first invitation."""
    if call.is_group:
        return
    call.room.kind = "group"
    call.room.thread_id = world.new_thread_id()
    call.chat_info = {
        "@odata.type": "#microsoft.graph.chatInfo",
        "threadId": call.room.thread_id,
        "messageId": "0",
    }
    call.notify_call(chatInfo=call.chat_info)


class _Invitation:
    """Rings several and finishes the operation when it is known who came."""

    def __init__(self, call: ServiceCall, operation: Operation) -> None:
        self._call = call
        self._operation = operation
        self._open: set[str] = set()
        self._has_come = False

    def begin(
        self, guest: Identity, name: str, replaced: ServiceCall | None, is_hidden: bool
    ) -> None:
        """Bring one of them in."""
        self._open.add(name)
        call, world = self._call, self._call.world
        if replaced is not None:
            call.after(f"move-{name}", 0, partial(self._move, name, replaced))
            return
        came, failed = partial(self._came, name, is_hidden), partial(self._failed, name)
        wish = Wish(guest, caller=call.application.name)
        attempt = Attempt(world, wish, came, failed)
        call.invited[name] = attempt
        call.attempts.append(attempt)

    def _came(self, name: str, is_hidden: bool, seat: Seat) -> None:
        self._call.invited.pop(name, None)
        self._call.room.seat(seat, name).is_hidden = is_hidden
        self._has_come = True
        self._settle(name)

    def _failed(self, name: str, why: str) -> None:
        self._call.invited.pop(name, None)
        self._settle(name, why)

    def _move(self, name: str, replaced: ServiceCall) -> None:
        """Take the other party of a call between two into the group, and end that call."""
        other = next((one for one in replaced.room.members if one.seat is not None), None)
        if other is None or other.seat is None or replaced.is_over:
            self._settle(name, "unreachable")
            return
        seat = other.seat
        replaced.is_detached = True
        replaced.room.take_out(other)
        self._came(name, False, seat)
        replaced.end("conversation-ended")
        replaced.room.settle("conversation-ended")

    def _settle(self, name: str, why: str = "") -> None:
        self._open.discard(name)
        if self._open:
            return
        results = self._call.world.settings.results
        self._operation.finish(DONE if self._has_come else ending(why, results))
        if not self._has_come:
            self._call.room.settle("all-others-left")


def uninvite(call: ServiceCall, participant_id: str) -> bool:
    """Stop ringing somebody who was invited; False when nobody of that id is."""
    attempt = call.invited.get(participant_id)
    if attempt is None:
        return False
    attempt.fail("no-answer")
    return True
