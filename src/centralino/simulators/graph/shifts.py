# SPDX-License-Identifier: Apache-2.0
"""Shifts: a team's schedule with its groups, shifts, times off, open shifts and requests.

Every kind of entry has the same five paths; what differs stands in :data:`KINDS`. An application
alone says for whom it acts (``MS-APP-ACTS-AS``). Sources: "schedule resource type", "List shifts",
"shift: replace", "Get shift", "offerShiftRequest: approve" and their siblings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import both
from centralino.simulators.graph.change import Change
from centralino.simulators.graph.errors import bad_request, conflict, forbidden, not_found
from centralino.simulators.graph.fields import flag, members, moment, text
from centralino.simulators.graph.instants import NS_PER_MS, instant, iso
from centralino.simulators.graph.odata import PageRule, collection, entity
from centralino.simulators.graph.requests import GraphRoute, answer, nothing
from centralino.simulators.graph.shift_kinds import KINDS, NEEDS_SPAN, PAIRS, SCHEDULE, Kind

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest, Handler
    from centralino.simulators.graph.scenario import ShiftPlan
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

MOST_ENTRIES = 20_000
READ = both("Schedule.Read.All", "Schedule.ReadWrite.All")
WRITE = both("Schedule.ReadWrite.All")
PAGE = PageRule(100, 1000)


@dataclass(slots=True)
class Schedule:
    """The schedule of one team."""

    row: Json
    entries: dict[str, dict[str, Json]] = field(
        default_factory=lambda: {kind.path: {} for kind in KINDS}
    )


@dataclass(slots=True)
class Schedules:
    """The schedules of one tenant."""

    by_team: dict[str, Schedule] = field(default_factory=dict)

    def of(self, team_id: str) -> Schedule:
        """Return the schedule of a team.

        Raises:
            GraphError: 404, it has none.
        """
        found = self.by_team.get(team_id)
        if found is None:
            raise not_found("Schedule not found for the team.", "NotFound")
        return found


def new_schedule(team_id: str) -> Schedule:
    """Return an empty schedule."""
    names = [name for name in SCHEDULE if name.endswith("Enabled") and name != "timeClockEnabled"]
    row: Json = {
        "id": team_id,
        "enabled": True,
        "timeZone": "Europe/Rome",
        "provisionStatus": "Completed",
        "provisionStatusCode": None,
        "timeClockEnabled": False,
        "startDayOfWeek": "monday",
        "workforceIntegrationIds": [],
    }
    return Schedule(row | dict.fromkeys(names, True))


def plan(tenant: SimulatedTenant, rows: tuple[ShiftPlan, ...], now: int) -> None:
    """Put a scenario's shifts and times off into the schedules, shared from the start."""
    for told in rows:
        schedule = tenant.schedules.by_team.setdefault(told.team, new_schedule(told.team))
        starts_at = now + told.at_ms * NS_PER_MS
        span = {
            "startDateTime": iso(starts_at),
            "endDateTime": iso(starts_at + told.for_ms * NS_PER_MS),
            "theme": "blue",
        }
        path = "timesOff" if told.is_time_off else "shifts"
        item = span | ({} if told.is_time_off else {"displayName": told.label, "activities": []})
        kind = next(kind for kind in KINDS if kind.path == path)
        row = {"userId": told.who, f"shared{PAIRS[path]}": item}
        _keep(tenant, schedule, kind, row, now)


def _keep(tenant: SimulatedTenant, schedule: Schedule, kind: Kind, told: Json, now: int) -> Json:
    entry_id = f"{kind.prefix}_{tenant.ids.guid('schedule entry')}"
    row: Json = {"id": entry_id, "createdDateTime": iso(now), "lastModifiedDateTime": iso(now)}
    if kind.path in PAIRS:
        end = PAIRS[kind.path]
        row |= {f"shared{end}": None, f"draft{end}": None, "isStagedForDeletion": False}
    if kind.is_request:
        row |= {"state": "pending", "assignedTo": "manager", "senderDateTime": iso(now)}
    row |= told
    schedule.entries[kind.path][entry_id] = row
    return row


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of schedules."""
    del world
    base = "/teams/{team}/schedule"
    found = [
        GraphRoute("GET", base, READ, _get_schedule, "schedule-read"),
        GraphRoute("PUT", base, WRITE, _put_schedule, "schedule-write"),
        GraphRoute("POST", f"{base}/share", WRITE, _share, "schedule-write", is_action=True),
    ]
    for kind in KINDS:
        found += _kind_routes(f"{base}/{kind.path}", kind)
    return found


def _kind_routes(base: str, kind: Kind) -> list[GraphRoute]:
    one = f"{base}/{{entry}}"

    def bound(handler: Any) -> Handler:  # noqa: ANN401 - a handler that also takes a kind
        return lambda request: handler(request, kind)

    found = [
        GraphRoute("GET", base, READ, bound(_list), "schedule-read"),
        GraphRoute("POST", base, WRITE, bound(_create), "schedule-write"),
        GraphRoute("GET", one, READ, bound(_get), "schedule-read"),
        GraphRoute("PUT", one, WRITE, bound(_replace), "schedule-write"),
        GraphRoute("PATCH", one, WRITE, bound(_change), "schedule-write"),
        GraphRoute("DELETE", one, WRITE, bound(_delete), "schedule-delete"),
    ]
    if kind.is_request:
        for name, state in (("approve", "approved"), ("decline", "declined")):
            decide = _decider(kind, state)
            found.append(
                GraphRoute("POST", f"{one}/{name}", WRITE, decide, "schedule-write", is_action=True)
            )
    return found


# ---- the schedule


def _acting(request: GraphRequest) -> str:
    """Return for whom the caller acts.

    Raises:
        GraphError: 403, an application did not say; 404, there is no such user.
    """
    if request.caller.is_delegated:
        return request.caller.user_id
    told = request.http.headers.get("ms-app-acts-as", "")
    if not told:
        raise forbidden("The header MS-APP-ACTS-AS is required with application permissions.")
    return request.tenant.directory.find(told).id


def _schedule(request: GraphRequest) -> Schedule:
    _acting(request)
    group = request.tenant.directory.team(request.params["team"])
    return request.tenant.schedules.of(group.id)


def _get_schedule(request: GraphRequest) -> Response:
    return answer(entity(_schedule(request).row, request.place, "schedule/$entity"))


def _put_schedule(request: GraphRequest) -> Response:
    _acting(request)
    group = request.tenant.directory.team(request.params["team"])
    told = members(request.body, SCHEDULE, needs=("enabled", "timeZone"))
    schedule = request.tenant.schedules.by_team.setdefault(group.id, new_schedule(group.id))
    schedule.row.update({name: value for name, value in told.items() if value is not None})
    return answer(entity(schedule.row, request.place, "schedule/$entity"))


def _share(request: GraphRequest) -> Response:
    """Publish the drafts of a span."""
    schedule = _schedule(request)
    told = members(
        request.body,
        {"notifyTeam": flag, "startDateTime": moment, "endDateTime": moment},
        needs=NEEDS_SPAN,
    )
    starts_at, ends_at = instant(told["startDateTime"]), instant(told["endDateTime"])
    for path, end in PAIRS.items():
        for row in schedule.entries[path].values():
            draft = row[f"draft{end}"]
            if draft is not None and starts_at <= instant(draft["startDateTime"]) < ends_at:
                row |= {f"shared{end}": draft, f"draft{end}": None}
                row["lastModifiedDateTime"] = iso(request.now)
    return nothing()


# ---- its entries


def _list(request: GraphRequest, kind: Kind) -> Response:
    _require_distinct(request.options.filter)
    rows = list(_schedule(request).entries[kind.path].values())
    return answer(collection(rows, request.place, kind.path, PAGE))


def _require_distinct(text_: str) -> None:
    """Shifts takes a member once per operator in a filter."""
    for member in ("startDateTime", "endDateTime"):
        for shared in ("sharedShift", "draftShift", "sharedTimeOff", "draftTimeOff"):
            if text_.count(f"{shared}/{member}") > 1:
                raise bad_request(f"'{shared}/{member}' may stand in a filter once.")


def _find(request: GraphRequest, kind: Kind) -> Json:
    found = _schedule(request).entries[kind.path].get(request.params["entry"])
    if found is None:
        raise not_found(f"No such entry in {kind.path}.")
    return found


def _get(request: GraphRequest, kind: Kind) -> Response:
    return answer(entity(_find(request, kind), request.place, f"{kind.path}/$entity"))


def _read(request: GraphRequest, kind: Kind, *, is_whole: bool) -> Json:
    told = members(request.body, kind.shape, needs=kind.needs if is_whole else ())
    if told.get("userId"):
        told["userId"] = request.tenant.directory.find(told["userId"]).id
    for item in told.values():
        if isinstance(item, dict) and item["endDateTime"] <= item["startDateTime"]:
            raise bad_request("The entry ends before it starts.")
        if isinstance(item, dict) and item.get("theme") is None:
            item["theme"] = "blue"
    end = PAIRS.get(kind.path)
    if is_whole and end is not None and not (told.get(f"shared{end}") or told.get(f"draft{end}")):
        raise bad_request(f"Either 'shared{end}' or 'draft{end}' is required.")
    return told


def _create(request: GraphRequest, kind: Kind) -> Response:
    schedule = _schedule(request)
    if len(schedule.entries[kind.path]) >= MOST_ENTRIES:
        raise forbidden("The schedule is full.")
    told = _read(request, kind, is_whole=True)
    if kind.is_request:
        told.setdefault("senderUserId", _acting(request))
    row = _keep(request.tenant, schedule, kind, told, request.now)
    _publish(request, kind, row, "created")
    return answer(entity(row, request.place, f"{kind.path}/$entity"), 201)


def _replace(request: GraphRequest, kind: Kind) -> Response:
    return _update(request, kind, _read(request, kind, is_whole=True))


def _change(request: GraphRequest, kind: Kind) -> Response:
    return _update(request, kind, _read(request, kind, is_whole=False))


def _update(request: GraphRequest, kind: Kind, told: Json) -> Response:
    row = _find(request, kind)
    row |= told | {"lastModifiedDateTime": iso(request.now)}
    _publish(request, kind, row, "updated")
    return answer(entity(row, request.place, f"{kind.path}/$entity"))


def _delete(request: GraphRequest, kind: Kind) -> Response:
    row = _find(request, kind)
    del _schedule(request).entries[kind.path][row["id"]]
    _publish(request, kind, row, "deleted")
    return nothing()


def _decider(kind: Kind, state: str) -> Handler:
    def decide(request: GraphRequest) -> Response:
        row = _find(request, kind)
        if row["state"] != "pending":
            raise conflict(f"The request is {row['state']} already.")
        told = members(request.body, {"message": text})
        row |= {
            "state": state,
            "managerActionMessage": told.get("message"),
            "managerActionDateTime": iso(request.now),
            "managerUserId": _acting(request),
            "lastModifiedDateTime": iso(request.now),
        }
        _publish(request, kind, row, "updated")
        return nothing()

    return decide


def _publish(request: GraphRequest, kind: Kind, row: Json, change: str) -> None:
    team = request.params["team"]
    base = f"teams/{team}/schedule/{kind.path}"
    resource = f"{base}/{row['id']}"
    data = {"@odata.type": f"#Microsoft.Graph.{kind.type}", "@odata.id": resource, "id": row["id"]}
    told = Change(request.tenant.id, (base.lower(),), change, resource, data, data | row)
    request.world.publish(told, request.now)
