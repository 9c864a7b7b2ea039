# SPDX-License-Identifier: Apache-2.0
"""Calls that come to an application: how they arrive, and answer, reject, redirect.

Source: the reference pages of the three actions; "Incoming call notifications" and "Compliance
recording" of the Teams documentation for what an invitation of a recorder looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.call import ServiceCall
from centralino.simulators.graph.calls.line import Mouth
from centralino.simulators.graph.calls.making import (
    ONE,
    media_config,
    prefetch,
    read_callback,
    read_modalities,
)
from centralino.simulators.graph.calls.orders import Json, Order, Reply, bad, wrong_state
from centralino.simulators.graph.calls.people import HandError
from centralino.simulators.graph.calls.ringing import Attempt, Wish
from centralino.simulators.graph.calls.roster import party_info, target_info
from centralino.simulators.graph.calls.sound import Tone, sample_at
from centralino.simulators.graph.calls.variants import connect
from centralino.wire.graph.call_lifecycle import CallEvent, CallState
from centralino.wire.graph.identity import Identity, IdentityKind
from centralino.wire.graph.states import CallDirection, RejectReason

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.people import Seat
    from centralino.simulators.graph.calls.settings import Application, Instance
    from centralino.simulators.graph.calls.world import CallWorld

MOST_REDIRECTS: Final = 25
ANSWERING: Final = (
    "Calls.JoinGroupCall.All",
    "Calls.JoinGroupCallAsGuest.All",
    "Calls.Initiate.All",
    "Calls.InitiateGroupCall.All",
    "Calls.AccessMedia.All",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How somebody rings an application."""

    caller: str
    target: str
    """Application id, instance id, or the number of an instance."""
    patience_ms: int = 60_000
    on_behalf_of: str = ""
    observed: str = ""
    """The person whose recording policy invites the application; empty for a plain call."""


def arrive(world: CallWorld, arrival: Arrival) -> ServiceCall:
    """Let somebody ring an application.

    Raises:
        HandError: the caller or the target is not there, or the application is full.
    """
    somebody = world.person(arrival.caller)
    found = world.find_application(arrival.target)
    if found is None:
        raise HandError(f"no application has the id or number {arrival.target!r}")
    application, instance = found
    if world.is_full(application):
        raise HandError(f"{application.name or application.id} has all the calls that it may have")
    room = world.new_room("pair")
    seat = somebody.sit_down()
    seat.is_caller = True
    member = room.seat(seat)
    room.ambience = Mouth()
    ringback = Tone((world.settings.ringback_hz,))
    room.ambience.say(ringback, sample_at(world.now))
    room.rewire()
    call = ServiceCall(
        world=world,
        application=application,
        id=world.new_id(),
        direction=CallDirection.INCOMING,
        state=CallState.INCOMING,
        callback_uri=application.webhook,
        chain_id=room.id,
        tenant_id=world.settings.tenant_id,
        my_participant_id=world.new_id(),
        room=room,
        source=party_info(somebody.identity, somebody) | {"participantId": member.id},
        targets=[],
        began_at=world.now,
    )
    call.targets = [_reached(application, instance, call.my_participant_id)]
    call.is_by_user_name = instance is None
    room.waiting.append(call)
    _dress(world, call, arrival)
    world.add_call(call)
    call.notify_incoming()
    timing = world.settings.timing
    is_recording = bool(arrival.observed)
    limit = timing.answer_recording_within_ms if is_recording else timing.answer_within_ms
    call.after("answer", limit, partial(_not_answered, call))
    call.after("patience", arrival.patience_ms, partial(somebody.leave, seat))
    return call


def _reached(application: Application, instance: Instance | None, participant_id: str) -> Json:
    if instance is None:
        reached = Identity(IdentityKind.APPLICATION, application.id, application.name)
    else:
        kind = IdentityKind.APPLICATION_INSTANCE
        reached = Identity(kind, instance.id, instance.name or application.name)
    return target_info(reached, participant_id)


def _dress(world: CallWorld, call: ServiceCall, arrival: Arrival) -> None:
    """Add what a forwarded call or an invitation of a recorder has beside the rest."""
    context: Json = {
        "@odata.type": "#microsoft.graph.incomingContext",
        "sourceParticipantId": call.room.members[0].id,
        "observedParticipantId": None,
    }
    if arrival.on_behalf_of:
        forwarder = world.person(arrival.on_behalf_of).identity.write()
        context["onBehalfOf"] = forwarder
        route: Json = {
            "@odata.type": "#microsoft.graph.callRoute",
            "routingType": "forwarded",
            "original": forwarder,
            "final": call.targets[0]["identity"],
        }
        call.call_routes = [route]
    if arrival.observed:
        observed = world.person(arrival.observed)
        context["observedParticipantId"] = call.room.members[0].id
        call.meeting_info = {
            "@odata.type": "#microsoft.graph.tokenMeetingInfo",
            "token": world.new_secret(),
        }
        call.extra["applicationMetadata"] = _recorder_data(
            observed.identity, observed.person.region
        )
    call.incoming_context = context


def _recorder_data(observed: Identity, region: str) -> Json:
    return {
        "botData": {
            "mediaHostedRegion": region,
            "user": {"id": observed.id, "participationMethod": "callee"},
            "inviteReasons": ["PolicyBasedRecording"],
        }
    }


def _not_answered(call: ServiceCall) -> None:
    call.room.failure = "not-answered-in-time"
    call.end("not-answered-in-time")


def answer(world: CallWorld, order: Order) -> Reply:
    """POST .../answer."""
    call = order.its_call
    config = media_config(order)
    modalities = read_modalities(order, "acceptedModalities")
    callback = read_callback(world, order)
    if not callback:
        raise bad("'callbackUri' is missing.")
    if orders.text(order.body, "tenantId") not in {"", call.tenant_id}:
        raise orders.forbidden("7505", "Request authorization tenant mismatch.")
    orders.number(order.body, "participantCapacity", 0, least=0, most=10_000)
    options = orders.thing(order.body, "callOptions")
    _require_incoming(call)
    call.callback_uri = callback
    call.media_config, call.modalities = config, modalities
    call.call_options = options
    call.cancel("answer")
    call.cancel("patience")
    call.step(CallEvent.ANSWERED)
    prefetch(world, call)
    call.after("establish", world.settings.timing.establish_ms, partial(_establish, call))
    return Reply(202)


def _establish(call: ServiceCall) -> None:
    room = call.room
    if call in room.waiting:
        room.waiting.remove(call)
    room.ambience = None
    room.admit(call)
    somebody = room.members[0].seat
    connect(call)
    if somebody is not None:
        call.world.caller_answered(somebody)


def reject(world: CallWorld, order: Order) -> Reply:
    """POST .../reject."""
    call = order.its_call
    reason = orders.word(order.body, "reason", RejectReason) or RejectReason.NONE
    callback = read_callback(world, order)
    _require_incoming(call)
    call.callback_uri = callback or call.callback_uri
    call.room.failure = "busy" if reason is RejectReason.BUSY else "declined"
    call.end_rejected()
    return Reply(202)


def _require_incoming(call: ServiceCall) -> None:
    if call.state is not CallState.INCOMING:
        raise wrong_state(f"The call is {call.state.value} and not incoming any more.")


def redirect(world: CallWorld, order: Order) -> Reply:
    """POST .../redirect."""
    call = order.its_call
    orders.any_role(order.caller, ONE)
    targets = orders.things(order.body, "targets", most=MOST_REDIRECTS)
    people = [orders.who(one) for one in targets]
    if not people:
        raise bad("'targets' must name 1 to 25 parties.")
    default = 55 if len(people) == 1 else 60
    timeout_s = orders.number(order.body, "timeout", default, least=15, most=90)
    policies = orders.words(order.body, "routingPolicies", most=10)
    callback = read_callback(world, order)
    if any(one.kind is IdentityKind.PHONE for one in people):
        require_phone_reach(world, call)
    _require_incoming(call)
    call.callback_uri = callback or call.callback_uri
    call.cancel("answer")
    call.cancel("patience")
    call.step(CallEvent.REDIRECTED)
    may_forward = "disableForwarding" not in policies and len(people) == 1
    caller = call.room.members[0].name
    for target in people:
        wish = Wish(target, may_forward, timeout_s * 1000, caller=caller)
        won, lost = partial(_redirected, call), partial(_not_redirected, call)
        call.attempts.append(Attempt(world, wish, won, lost))
    return Reply(202)


def require_phone_reach(world: CallWorld, call: ServiceCall) -> None:
    """Go on only where the call can be taken to a phone.

    Raises:
        Refusal: it came by the application's name or by a meeting's token, or its resource
            account has no number (table of supported scenarios, "Answer call").
    """
    if call.is_by_user_name:
        raise bad("A bot that was reached by its name cannot involve phones.")
    kind = (call.meeting_info or {}).get("@odata.type")
    if kind == "#microsoft.graph.tokenMeetingInfo":
        raise bad("A call that was joined by a token cannot involve phones.")
    if not world.has_number(call.application):
        raise bad("The application has no resource account with a number.")


def _redirected(call: ServiceCall, seat: Seat) -> None:
    room = call.room
    room.ambience = None
    room.seat(seat)
    call.is_detached = True
    room.waiting.remove(call)
    first = room.members[0].seat
    call.end("redirected")
    if first is not None:
        call.world.caller_answered(first)


def _not_redirected(call: ServiceCall, why: str) -> None:
    if not call.is_expecting and not call.is_over:
        call.room.failure = why
        call.end(why)
