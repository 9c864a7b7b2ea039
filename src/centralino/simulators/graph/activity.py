# SPDX-License-Identifier: Apache-2.0
"""Activity feed notifications: what lands in somebody's Teams feed, and when it is refused.

The app must be installed for the recipient and be the token's. What was sent can be read at the
tenant page; the real service has no way to read it back. Sources: "Send activity notifications
to users in Microsoft Teams", "userTeamwork: sendActivityNotification" and its siblings.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import Permission
from centralino.simulators.graph.errors import bad_request, forbidden, not_found
from centralino.simulators.graph.fields import Reader, listed, members, nested, one_of, text
from centralino.simulators.graph.odata import PageRule, collection
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

MOST_KEPT = 500
MOST_RECIPIENTS = 100
MOST_PREVIEW = 150
RESERVED_PARAMETER = "actor"
SEND = Permission(("TeamsActivity.Send", "TeamsActivity.Send.User"), ("TeamsActivity.Send",))
INSTALLED = Permission(
    ("TeamsAppInstallation.ReadForUser.All", "TeamsAppInstallation.ReadWriteForUser.All"),
    ("TeamsAppInstallation.ReadForUser", "TeamsAppInstallation.ReadWriteForUser"),
)


def _chain(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise bad_request(f"'{name}' must be a positive whole number.")
    return value


_PAIR: dict[str, Reader] = {"name": text, "value": text}
SHAPE: dict[str, Reader] = {
    "topic": nested(
        {"source": one_of("entityUrl", "text"), "value": text, "webUrl": text},
        needs=("source", "value"),
    ),
    "activityType": text,
    "previewText": nested({"content": text}, needs=("content",)),
    "templateParameters": listed(nested(_PAIR, needs=("name", "value"))),
    "chainId": _chain,
    "teamsAppId": text,
    "iconId": text,
}


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry of somebody's feed."""

    at: int
    user_id: str
    app_id: str
    told: Json

    @property
    def preview(self) -> str:
        """The first 150 characters, which Teams shows."""
        return str(self.told["previewText"]["content"])[:MOST_PREVIEW]


@dataclass(slots=True)
class ActivityFeed:
    """The feeds of one tenant, newest last; the same chain replaces its former entry."""

    entries: deque[Activity] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    def put(self, entry: Activity) -> None:
        """Add an entry."""
        chain = entry.told.get("chainId")
        if chain is not None:
            same = (entry.user_id, entry.app_id, chain)
            kept = [e for e in self.entries if (e.user_id, e.app_id, e.told.get("chainId")) != same]
            self.entries = deque(kept, maxlen=MOST_KEPT)
        self.entries.append(entry)


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of activity notifications."""
    del world
    name = "sendActivityNotification"
    user = "/users/{user}/teamwork"
    many = f"/teamwork/{name}ToRecipients"
    return [
        GraphRoute("POST", f"{user}/{name}", SEND, _to_user, "activity", is_action=True),
        GraphRoute("POST", f"/chats/{{chat}}/{name}", SEND, _to_chat, "activity", is_action=True),
        GraphRoute("POST", f"/teams/{{team}}/{name}", SEND, _to_team, "activity", is_action=True),
        GraphRoute("POST", many, SEND, _to_many, "activity-many", is_action=True),
        GraphRoute("GET", f"{user}/installedApps", INSTALLED, _installed, "teams-read"),
    ]


def _told(request: GraphRequest) -> Json:
    app_id = request.caller.app_id
    if app_id not in {one.lower() for one in request.tenant.settings.installed_apps}:
        raise forbidden(f"Application with id '{app_id}' is not installed for the recipient.")
    told = members(request.body, SHAPE, needs=("topic", "activityType", "previewText"))
    topic = told["topic"]
    if topic["source"] == "text" and not topic.get("webUrl"):
        raise bad_request("'topic.webUrl' is required when the topic is text.")
    names = [pair["name"] for pair in told.get("templateParameters") or []]
    if RESERVED_PARAMETER in names or len(set(names)) < len(names):
        raise bad_request("Template parameters are named once, and 'actor' is reserved.")
    return told


def _put(request: GraphRequest, user_ids: list[str], told: Json, status: int = 204) -> Response:
    for user_id in user_ids:
        entry = Activity(request.now, user_id, request.caller.app_id, told)
        request.tenant.activity.put(entry)
        name = request.tenant.directory.people[user_id].name
        request.world.tell(request.now, request.tenant.id, "activity.sent", name, entry.preview)
    return nothing(status)


def _to_user(request: GraphRequest) -> Response:
    return _put(request, [request.user().id], _told(request))


def _to_chat(request: GraphRequest) -> Response:
    thread = request.tenant.chats.chat(request.params["chat"], request.caller.user_id)
    inside = {row["userId"] for row in thread.people.values()}
    return _put(request, _recipients(request, inside), _told(request))


def _to_team(request: GraphRequest) -> Response:
    group = request.tenant.directory.team(request.params["team"])
    return _put(request, _recipients(request, set(group.members)), _told(request))


def _recipients(request: GraphRequest, inside: set[str]) -> list[str]:
    """Return whom a chat's or team's notification is for: one of them, or all."""
    told = request.body.get("recipient")
    if not isinstance(told, dict):
        raise bad_request("'recipient' is required.")
    if "userId" not in told:
        return sorted(inside & set(request.tenant.directory.people))
    person = request.tenant.directory.find(str(told["userId"]))
    if person.id not in inside:
        raise not_found("The recipient is not a member.")
    return [person.id]


def _to_many(request: GraphRequest) -> Response:
    rows = request.body.get("recipients")
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_RECIPIENTS:
        raise bad_request(f"'recipients' must hold 1 to {MOST_RECIPIENTS} recipients.")
    find: Callable[[str], Any] = request.tenant.directory.find
    user_ids = [find(str(row.get("userId") if isinstance(row, dict) else "")).id for row in rows]
    return _put(request, user_ids, _told(request), 202)


def _installed(request: GraphRequest) -> Response:
    person = request.user()
    rows = [
        {"id": f"{person.id}##{app_id}", "teamsApp": {"id": app_id, "externalId": app_id}}
        for app_id in request.tenant.settings.installed_apps
    ]
    if "teamsApp" not in request.options.expands:
        rows = [{"id": row["id"]} for row in rows]
    return answer(collection(rows, request.place, "installedApps", PageRule()))
