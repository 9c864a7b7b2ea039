# SPDX-License-Identifier: Apache-2.0
"""Calls that an application makes: to one party, to a group, to a number, into a meeting.

Source: "Create call" of the reference and its examples; "Cloud communications phone number".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.call import ServiceCall
from centralino.simulators.graph.calls.orders import Json, Order, Reply, bad
from centralino.simulators.graph.calls.variants import ToGroup, ToMeeting, ToOne, Variant
from centralino.wire.graph.call_lifecycle import CallState
from centralino.wire.graph.identity import Identity, IdentityKind, read_identity
from centralino.wire.graph.states import CallDirection, Modality, read_word

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.settings import Application, Instance, Meeting
    from centralino.simulators.graph.calls.world import CallWorld

MOST_TARGETS: Final = 5
SERVICE_HOSTED: Final = "#microsoft.graph.serviceHostedMediaConfig"
APP_HOSTED: Final = "#microsoft.graph.appHostedMediaConfig"
ONE: Final = ("Calls.Initiate.All",)
GROUP: Final = ("Calls.InitiateGroupCall.All",)
JOIN: Final = ("Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All")
JOIN_OF_CHAT: Final = (*JOIN, "Calls.JoinGroupCalls.Chat")
MEDIA: Final = ("Calls.AccessMedia.All",)
_CALLABLE: Final = {IdentityKind.USER, IdentityKind.PHONE, IdentityKind.GUEST}


def create(world: CallWorld, order: Order) -> Reply:
    """POST /communications/calls."""
    body = order.body
    application = world.application_of(order.caller)
    config = media_config(order)
    modalities = read_modalities(order, "requestedModalities")
    if orders.word(body, "direction", CallDirection) is CallDirection.INCOMING:
        raise bad("'direction' of a call that is made is outgoing.")
    callback = read_callback(world, order)
    if not callback:
        raise bad("'callbackUri' is missing.")
    _require_tenant(order)
    plan = _plan(world, order, application)
    world.require_room_for(application)
    call = ServiceCall(
        world=world,
        application=application,
        id=world.new_id(),
        direction=CallDirection.OUTGOING,
        state=CallState.ESTABLISHING,
        callback_uri=callback,
        chain_id=world.new_id(),
        tenant_id=order.caller.tenant_id,
        my_participant_id=world.new_id(),
        room=plan.room(world),
        source=plan.source,
        targets=plan.targets,
        began_at=world.now,
        media_config=config,
        modalities=modalities,
        call_options=orders.thing(body, "callOptions"),
        subject=orders.text(body, "subject", most=500) or None,
        chat_info=orders.thing(body, "chatInfo"),
        meeting_info=orders.thing(body, "meetingInfo"),
    )
    if call.room.kind == "pair" or not call.room.past:
        call.chain_id = call.room.id
    world.add_call(call)
    prefetch(world, call)
    plan.start(call)
    context = {"@odata.context": f"{order.base_url}/$metadata#app/calls/$entity"}
    return Reply(201, context | call.write(), f"{order.base_url}/communications/calls/{call.id}")


def media_config(order: Order) -> Json:
    """Return the ``mediaConfig`` that both creating and answering need.

    Raises:
        Refusal: there is none, or the token may not host media itself.
    """
    config = orders.thing(order.body, "mediaConfig")
    kind = (config or {}).get("@odata.type")
    if config is None or kind not in {SERVICE_HOSTED, APP_HOSTED}:
        raise bad("'mediaConfig' must be service-hosted or app-hosted.")
    if kind == APP_HOSTED:
        orders.any_role(order.caller, (*MEDIA, "Calls.AccessMedia.Chat"))
    else:
        orders.things(config, "preFetchMedia", most=100)
    return config


def prefetch(world: CallWorld, call: ServiceCall) -> None:
    """Fetch what the configuration says will be played."""
    for media in orders.things(call.media_config or {}, "preFetchMedia", most=100):
        uri = orders.text(media, "uri")
        world.prompts.get(call.application.id, uri, orders.text(media, "resourceId"))


def read_modalities(order: Order, name: str) -> list[str]:
    """Return a list of modalities.

    Raises:
        Refusal: there is none, or an unknown one.
    """
    found = orders.words(order.body, name, most=4)
    read = [read_word(Modality, one) for one in found]
    known = [one.value for one in read if one is not None]
    if not found or len(known) != len(read):
        raise bad(f"'{name}' must name modalities such as audio.")
    return known


def read_callback(world: CallWorld, order: Order) -> str:
    """Return the callback of a request, empty for none.

    Raises:
        Refusal: it is no https address.
    """
    found = orders.text(order.body, "callbackUri")
    rule = world.settings.habits.http_callbacks
    return orders.web_address(found, "callbackUri", http=rule) if found else ""


def _require_tenant(order: Order) -> None:
    named = orders.text(order.body, "tenantId")
    if named and named.lower() != order.caller.tenant_id.lower():
        raise orders.forbidden("7505", "Request authorization tenant mismatch.")


def _plan(world: CallWorld, order: Order, application: Application) -> Variant:
    """Read which variant a request is.

    Raises:
        Refusal: it is none, or the token may not.
    """
    body, instance = order.body, _instance(order, application)
    source = source_of(application, instance)
    if orders.thing(body, "meetingInfo") is not None:
        orders.any_role(order.caller, JOIN_OF_CHAT)
        return ToMeeting(source, _meeting(world, order))
    targets = orders.things(body, "targets", most=MOST_TARGETS)
    people = [orders.who(one) for one in targets]
    if not people:
        raise bad("'targets' or 'meetingInfo' is missing.")
    if any(one.kind not in _CALLABLE for one in people):
        raise bad("'targets' must be users or phones.")
    written = [_target(world, one) for one in people]
    if len(people) > 1:
        orders.any_role(order.caller, GROUP)
        if any(one.kind is IdentityKind.PHONE for one in people):
            raise bad("A group call is made to users; invite phones into it.")
        return ToGroup(source, written, people)
    orders.any_role(order.caller, ONE)
    if people[0].kind is IdentityKind.PHONE:
        _require_phone(order, people[0], instance)
    return ToOne(source, written, people[0])


def _target(world: CallWorld, identity: Identity) -> Json:
    somebody = world.find_person(identity)
    known = identity if somebody is None else somebody.identity
    return {
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": known.write(),
    }


def _require_phone(order: Order, target: Identity, instance: Instance | None) -> None:
    if not target.id.startswith("+") or not target.id[1:].isdecimal():
        raise bad("A phone is named by its number in E.164, with the plus.")
    if instance is None or not instance.number:
        raise bad("Calls to phones need a source applicationInstance with a number.")
    if not orders.text(order.body, "tenantId"):
        raise bad("'tenantId' is needed for calls to phones.")


def _instance(order: Order, application: Application) -> Instance | None:
    source = orders.thing(order.body, "source") or {}
    identity = source.get("identity")
    named = identity.get("applicationInstance") if isinstance(identity, dict) else None
    if named is None:
        return None
    named_id = named.get("id") if isinstance(named, dict) else None
    for instance in application.instances:
        if isinstance(named_id, str) and instance.id.lower() == named_id.lower():
            return instance
    raise bad("The source applicationInstance is none of this application.")


def source_of(application: Application, instance: Instance | None) -> Json:
    """Return the source of a call that an application makes."""
    own = Identity(IdentityKind.APPLICATION, application.id, application.name)
    identity = own.write()
    if instance is not None:
        number = Identity(IdentityKind.APPLICATION_INSTANCE, instance.id, instance.name).write()
        identity |= number
    return {
        "@odata.type": "#microsoft.graph.participantInfo",
        "identity": identity,
        "region": None,
        "languageId": None,
    }


def _meeting(world: CallWorld, order: Order) -> Meeting | None:
    info = orders.thing(order.body, "meetingInfo") or {}
    if not orders.text(order.body, "tenantId"):
        raise bad("'tenantId' is needed to join a meeting.")
    join_id = orders.text(info, "joinMeetingId")
    if join_id:
        given = orders.text(info, "passcode")
        found = (one for one in world.settings.meetings if one.join_id == join_id)
        return next((one for one in found if one.passcode in {"", given}), None)
    if orders.text(info, "token"):
        raise bad("A token joins only the call that it came with.")
    chat = orders.thing(order.body, "chatInfo") or {}
    thread = orders.text(chat, "threadId")
    if not thread:
        raise bad("'chatInfo.threadId' is needed to join a scheduled meeting.")
    organizer = read_identity(info.get("organizer"))
    if organizer is None:
        raise bad("'meetingInfo.organizer' is missing.")
    meetings = (one for one in world.settings.meetings if one.thread_id == thread)
    return next((one for one in meetings if one.organizer.lower() == organizer.id.lower()), None)
