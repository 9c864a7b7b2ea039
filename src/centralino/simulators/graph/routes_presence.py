# SPDX-License-Identifier: Apache-2.0
"""Paths of presence: read one or 650, set and clear, status message, work location.

Sources: the pages "presence: ..." and "cloudCommunications: getPresencesByUserId", "presence
resource type". Reading another person leaves out when his status message was written and ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.calendars import read_time
from centralino.simulators.graph.callers import Permission
from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.instants import duration, iso
from centralino.simulators.graph.odata import entity
from centralino.simulators.graph.presence import UNKNOWN, Pair, application_pair
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.scenario import Person
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

MOST_IDS = 650
MOST_STATUS = 280
READ = Permission(
    ("Presence.Read.All", "Presence.ReadWrite.All"),
    ("Presence.Read", "Presence.Read.All", "Presence.ReadWrite", "Presence.ReadWrite.All"),
)
READ_ALL = Permission(
    ("Presence.Read.All", "Presence.ReadWrite.All"),
    ("Presence.Read.All", "Presence.ReadWrite.All"),
)
SET_APPLICATION = Permission(("Presence.ReadWrite.All",))
SET = Permission(("Presence.ReadWrite.All",), ("Presence.ReadWrite", "Presence.ReadWrite.All"))
LOCATION = Permission((), ("Presence.ReadWrite", "Presence.ReadWrite.All"))
LOCATIONS = frozenset({"unspecified", "office", "remote", "timeOff"})


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of presence."""
    session = SET if world.scenario.presence.delegated_set_presence else SET_APPLICATION
    actions = (
        ("setPresence", session, _set_presence),
        ("clearPresence", session, _clear_presence),
        ("setUserPreferredPresence", SET, _prefer),
        ("clearUserPreferredPresence", SET, _clear_preferred),
        ("setStatusMessage", SET, _set_status),
        ("setManualLocation", LOCATION, _set_location),
        ("setAutomaticLocation", LOCATION, _set_location),
        ("clearLocation", LOCATION, _clear_location),
        ("clearAutomaticLocation", LOCATION, _clear_location),
    )
    found = [
        GraphRoute("GET", "/users/{user}/presence", READ, _get, "presence"),
        GraphRoute("GET", "/communications/presences/{user}", READ, _get, "presence"),
        GraphRoute(
            "POST",
            "/communications/getPresencesByUserId",
            READ_ALL,
            _get_many,
            "presence",
            is_action=True,
        ),
    ]
    for name, permission, handler in actions:
        for base in ("/users/{user}/presence", "/communications/presences/{user}"):
            path = f"{base}/{name}"
            found.append(GraphRoute("POST", path, permission, handler, "presence", is_action=True))
    return found


def shown_presence(tenant: SimulatedTenant, user_id: str, reader_id: str, now: int) -> Json:
    """Return a presence as its reader sees it; an unknown user is PresenceUnknown."""
    if user_id not in tenant.board:
        return _row(user_id, UNKNOWN, 0) | {"outOfOfficeSettings": None, "statusMessage": None}
    sources = tenant.board.sources(user_id)
    message = sources.status_message
    if message is not None and reader_id != user_id:
        message = {"message": message["message"]}
    is_out = sources.is_out_of_office(now)
    return _row(user_id, tenant.board.shown(user_id), tenant.board.sequence(user_id)) | {
        "outOfOfficeSettings": {
            "message": sources.out_of_office_message if is_out else None,
            "isOutOfOffice": is_out,
        },
        "statusMessage": message,
        "workLocation": sources.work_location,
    }


def _row(user_id: str, pair: Pair, sequence: int) -> Json:
    return {
        "id": user_id,
        "availability": pair.availability,
        "activity": pair.activity,
        "sequenceNumber": f"A{sequence:010d}",
        "workLocation": None,
    }


def _get(request: GraphRequest) -> Response:
    person = request.user()
    _require_own(request, person)
    row = shown_presence(request.tenant, person.id, request.caller.user_id, request.now)
    fragment = f"users('{person.id}')/presence/$entity"
    return answer(entity(row, request.place, fragment))


def _require_own(request: GraphRequest, person: Person) -> None:
    """Let ``Presence.Read`` reach its own user only."""
    if request.caller.is_delegated and person.id != request.caller.user_id:
        READ_ALL.require(request.caller)


def _get_many(request: GraphRequest) -> Response:
    ids = request.body.get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise bad_request("'ids' must be a list of user ids.", "InvalidRequest")
    if len(ids) > MOST_IDS:
        raise bad_request(f"At most {MOST_IDS} ids in one request.", "InvalidRequest")
    reader, now = request.caller.user_id, request.now
    rows = [shown_presence(request.tenant, one.lower(), reader, now) for one in ids]
    context = request.place.context("Collection(microsoft.graph.presence)")
    return answer({"@odata.context": context, "value": rows})


def _set_presence(request: GraphRequest) -> Response:
    person = request.user()
    _require_session(request)
    body = request.body
    pair = application_pair(
        body.get("availability"), body.get("activity"), request.tenant.board.rules
    )
    length = _length(request)
    sources = request.tenant.board.sources(person.id)
    sources.set_session(request.caller.app_id, pair, length, request.now)
    return _changed(request, person)


def _require_session(request: GraphRequest) -> None:
    if request.text("sessionId").lower() != request.caller.app_id.lower():
        message = "sessionId must be the id of the calling application."
        raise bad_request(message, "InvalidArgument")


def _clear_presence(request: GraphRequest) -> Response:
    person = request.user()
    _require_session(request)
    request.tenant.board.sources(person.id).sessions.pop(request.caller.app_id, None)
    return _changed(request, person)


def _prefer(request: GraphRequest) -> Response:
    person = _own(request)
    pair = Pair(request.text("availability"), request.text("activity"))
    request.tenant.board.sources(person.id).prefer(pair, _length(request), request.now)
    return _changed(request, person)


def _clear_preferred(request: GraphRequest) -> Response:
    person = _own(request)
    request.tenant.board.sources(person.id).preferred = None
    return _changed(request, person)


def _own(request: GraphRequest) -> Person:
    """Return whose presence is set; on behalf of a user only his own."""
    person = request.user()
    if request.caller.is_delegated and person.id != request.caller.user_id:
        Permission((), ("Presence.ReadWrite.All",)).require(request.caller)
    return person


def _set_status(request: GraphRequest) -> Response:
    person = _own(request)
    sources = request.tenant.board.sources(person.id)
    told = request.body.get("statusMessage")
    message = told.get("message") if isinstance(told, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(told, dict) or not isinstance(content, str):
        raise bad_request("'statusMessage' must have a message with content.", "InvalidRequest")
    if len(content) > MOST_STATUS:
        raise bad_request(f"A status message has at most {MOST_STATUS} characters.")
    sources.status_expires_at, expiry = None, told.get("expiryDateTime")
    if expiry is not None:
        ends_at, _ = read_time(expiry, "expiryDateTime")
        if ends_at <= request.now:
            raise bad_request("expiryDateTime lies in the past.", "InvalidArgument")
        sources.status_expires_at = ends_at
    sources.status_message = None
    if content:
        kind = str((message or {}).get("contentType") or "text").lower()
        sources.status_message = {
            "message": {"content": content, "contentType": "html" if kind == "html" else "text"},
            "expiryDateTime": expiry,
            "publishedDateTime": iso(request.now),
        }
    return _changed(request, person)


def _set_location(request: GraphRequest) -> Response:
    person = _own(request)
    kind = request.text("workLocationType")
    if kind not in LOCATIONS:
        raise bad_request(f"workLocationType '{kind}' is not known.", "InvalidArgument")
    is_manual = request.http.path.lower().endswith("setmanuallocation")
    request.tenant.board.sources(person.id).work_location = {
        "workLocationType": kind,
        "placeId": request.body.get("placeId"),
        "source": "manual" if is_manual else "automatic",
    }
    return nothing()


def _clear_location(request: GraphRequest) -> Response:
    request.tenant.board.sources(_own(request).id).work_location = None
    return nothing()


def _length(request: GraphRequest) -> int | None:
    told = request.body.get("expirationDuration")
    return None if told is None else duration(told, "expirationDuration")


def _changed(request: GraphRequest, person: Person) -> Response:
    request.tenant.board.changed(person.id, request.now)
    return nothing(200)
