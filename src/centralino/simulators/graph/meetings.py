# SPDX-License-Identifier: Apache-2.0
"""Online meetings: made on behalf of an organizer, found by their join link.

An application needs an application access policy for the organizer, beside its permission.
Sources: "Create onlineMeeting", "onlineMeeting: createOrGet", "Get onlineMeeting", "Configure
application access to online meetings".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import Permission
from centralino.simulators.graph.errors import bad_request, forbidden, not_found
from centralino.simulators.graph.fields import Reader, flag, members, moment, nested, one_of, text
from centralino.simulators.graph.identifiers import named_guid
from centralino.simulators.graph.instants import HOUR_NS, iso
from centralino.simulators.graph.odata import PageRule, collection, entity
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.scenario import Person
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

MOST_MEETINGS = 20_000
READ = Permission(
    ("OnlineMeetings.Read.All", "OnlineMeetings.ReadWrite.All"),
    ("OnlineMeetings.Read", "OnlineMeetings.ReadWrite"),
)
WRITE = Permission(("OnlineMeetings.ReadWrite.All",), ("OnlineMeetings.ReadWrite",))
SHAPE: dict[str, Reader] = {
    "subject": text,
    "startDateTime": moment,
    "endDateTime": moment,
    "externalId": text,
    "allowedPresenters": one_of("everyone", "organization", "roleIsPresenter", "organizer"),
    "allowAttendeeToEnableMic": flag,
    "allowAttendeeToEnableCamera": flag,
    "allowRecording": flag,
    "allowTranscription": flag,
    "recordAutomatically": flag,
    "isEntryExitAnnounced": flag,
    "lobbyBypassSettings": nested(
        {
            "scope": one_of(
                "organizer",
                "organization",
                "organizationAndFederated",
                "everyone",
                "invited",
                "organizationExcludingGuests",
            ),
            "isDialInBypassEnabled": flag,
        }
    ),
}
DEFAULTS: Json = {
    "subject": None,
    "externalId": None,
    "allowedPresenters": "everyone",
    "allowAttendeeToEnableMic": True,
    "allowAttendeeToEnableCamera": True,
    "allowRecording": True,
    "allowTranscription": True,
    "recordAutomatically": False,
    "isEntryExitAnnounced": True,
    "lobbyBypassSettings": {"scope": "organization", "isDialInBypassEnabled": False},
}
TOLL_NUMBER = "+390200009999"


class Meetings:
    """The meetings of one tenant."""

    def __init__(self, tenant_id: str) -> None:
        self._tenant_id = tenant_id
        self.rows: dict[str, Json] = {}
        self.organizers: dict[str, str] = {}

    def create(self, organizer: Person, told: Json, now: int) -> Json:
        """Make a meeting; times are from now for an hour when they are not said.

        Raises:
            GraphError: 400, it ends before it starts; 403, there are too many.
        """
        if len(self.rows) >= MOST_MEETINGS:
            raise forbidden("The tenant has too many meetings.")
        number = str(len(self.rows) + 1)
        thread = f"19:meeting_{base64.b64encode(number.encode()).decode()}@thread.v2"
        key = f"1*{organizer.id}*0**{thread}"
        meeting_id = base64.b64encode(key.encode()).decode()
        starts_at = told.get("startDateTime") or iso(now)
        ends_at = told.get("endDateTime") or iso(now + HOUR_NS)
        if ends_at < starts_at:
            raise bad_request("The meeting ends before it starts.")
        row = DEFAULTS | {k: v for k, v in told.items() if v is not None}
        row |= self._places(organizer, thread, number)
        row |= {
            "id": meeting_id,
            "creationDateTime": iso(now),
            "startDateTime": starts_at,
            "endDateTime": ends_at,
            "participants": {"organizer": self._organizer(organizer), "attendees": []},
        }
        self.rows[meeting_id] = row
        self.organizers[meeting_id] = organizer.id
        return row

    def _places(self, organizer: Person, thread: str, number: str) -> Json:
        url = (
            f"https://teams.microsoft.com/l/meetup-join/{thread}/0?context="
            f'{{"Tid":"{self._tenant_id}","Oid":"{organizer.id}"}}'
        )
        digits = f"{int(number):09d}"
        passcode = named_guid(self._tenant_id, f"passcode {number}")[:6]
        return {
            "joinWebUrl": url,
            "joinInformation": {"contentType": "html", "content": f"<a href='{url}'>Join</a>"},
            "chatInfo": {"threadId": thread, "messageId": "0", "replyChainMessageId": None},
            "joinMeetingIdSettings": {
                "joinMeetingId": digits,
                "isPasscodeRequired": True,
                "passcode": passcode,
            },
            "audioConferencing": {
                "conferenceId": digits,
                "tollNumber": TOLL_NUMBER,
                "tollNumbers": [TOLL_NUMBER],
                "tollFreeNumber": None,
                "tollFreeNumbers": [],
                "dialinUrl": f"https://dialin.teams.microsoft.com/{digits}",
            },
        }

    def _organizer(self, person: Person) -> Json:
        user = {"id": person.id, "displayName": person.name, "tenantId": self._tenant_id}
        return {"identity": {"user": user}, "upn": person.upn, "role": "presenter"}

    def of(self, organizer: Person) -> list[Json]:
        """Return somebody's meetings, oldest first."""
        return [row for key, row in self.rows.items() if self.organizers[key] == organizer.id]


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of online meetings."""
    del world
    base = "/users/{user}/onlineMeetings"
    one = f"{base}/{{meeting}}"
    return [
        GraphRoute("POST", base, WRITE, _create, "teams-write"),
        GraphRoute("GET", base, READ, _list, "teams-read"),
        GraphRoute(
            "POST", f"{base}/createOrGet", WRITE, _create_or_get, "teams-write", is_action=True
        ),
        GraphRoute("GET", one, READ, _get, "teams-read"),
        GraphRoute("PATCH", one, WRITE, _patch, "teams-write"),
        GraphRoute("DELETE", one, WRITE, _delete, "teams-write"),
    ]


def _organizer(request: GraphRequest) -> Person:
    """Return whose meetings are meant, if the caller may: his own, or by policy.

    Raises:
        GraphError: 403, there is no application access policy.
    """
    person = request.user()
    if request.caller.is_delegated:
        if person.id != request.caller.user_id:
            raise forbidden("Meetings of others cannot be managed on behalf of a user.")
        return person
    allowed = {one.lower() for one in request.tenant.settings.meeting_apps}
    is_granted = request.tenant.rules["access.meeting_policy_granted"] is True
    if request.caller.app_id not in allowed or not is_granted:
        raise forbidden(
            f"No application access policy found for the app {request.caller.app_id} on the user "
            f"{person.id}."
        )
    return person


def _create(request: GraphRequest) -> Response:
    organizer = _organizer(request)
    row = request.tenant.meetings.create(organizer, members(request.body, SHAPE), request.now)
    return answer(entity(row, request.place, "onlineMeetings/$entity"), 201)


def _create_or_get(request: GraphRequest) -> Response:
    organizer = _organizer(request)
    told = members(request.body, SHAPE, needs=("externalId",))
    for row in request.tenant.meetings.of(organizer):
        if row["externalId"] == told["externalId"]:
            return answer(entity(row, request.place, "onlineMeetings/$entity"))
    row = request.tenant.meetings.create(organizer, told, request.now)
    return answer(entity(row, request.place, "onlineMeetings/$entity"), 201)


def _list(request: GraphRequest) -> Response:
    organizer = _organizer(request)
    text_ = request.options.filter.lower()
    if not text_.startswith(("joinweburl eq", "joinmeetingidsettings/joinmeetingid eq")):
        raise bad_request("Meetings are found by JoinWebUrl or joinMeetingId only.")
    rows = [_filterable(row) for row in request.tenant.meetings.of(organizer)]
    found = collection(rows, request.place, "onlineMeetings", PageRule())
    found["value"] = [{k: v for k, v in row.items() if k not in _ALIASES} for row in found["value"]]
    return answer(found)


_ALIASES = ("JoinWebUrl",)


def _filterable(row: Json) -> Json:
    """Add the spelling that the documentation's filters have."""
    return row | {"JoinWebUrl": row["joinWebUrl"]}


def _find(request: GraphRequest) -> Json:
    organizer = _organizer(request)
    row = request.tenant.meetings.rows.get(request.params["meeting"])
    if row is None or request.tenant.meetings.organizers[row["id"]] != organizer.id:
        raise not_found("Meeting not found.")
    return row


def _get(request: GraphRequest) -> Response:
    return answer(entity(_find(request), request.place, "onlineMeetings/$entity"))


def _patch(request: GraphRequest) -> Response:
    row = _find(request)
    told = members(request.body, SHAPE)
    row.update({name: value for name, value in told.items() if value is not None})
    return answer(entity(row, request.place, "onlineMeetings/$entity"))


def _delete(request: GraphRequest) -> Response:
    row = _find(request)
    del request.tenant.meetings.rows[row["id"]]
    del request.tenant.meetings.organizers[row["id"]]
    return nothing()
