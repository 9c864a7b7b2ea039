# SPDX-License-Identifier: Apache-2.0
"""Paths of calendars: a view of a span, who is free when, a new event.

Sources: "List calendarView", "calendar: getSchedule", "Create event". Presence follows a new event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.simulators.graph.calendars import DIGITS, preferred_zone, read_time
from centralino.simulators.graph.callers import Permission, both
from centralino.simulators.graph.change import Change
from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.odata import PageRule, collection
from centralino.simulators.graph.requests import GraphRoute, answer

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

READ = both("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite")
READ_BASIC = Permission(
    ("Calendars.ReadBasic.All", *READ.application), (*READ.delegated, "Calendars.Read.Shared")
)
WRITE = both("Calendars.ReadWrite")
EVENTS = PageRule(10, 1000, ("subject",))


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of calendars."""
    del world
    user = "/users/{user}"
    return [
        GraphRoute("GET", f"{user}/calendarView", READ_BASIC, _view, "outlook", "user"),
        GraphRoute("GET", f"{user}/calendar/calendarView", READ_BASIC, _view, "outlook", "user"),
        GraphRoute(
            "POST",
            f"{user}/calendar/getSchedule",
            READ_BASIC,
            _schedule,
            "outlook",
            "user",
            is_action=True,
        ),
        GraphRoute("POST", f"{user}/events", WRITE, _create, "outlook", "user"),
    ]


def _view(request: GraphRequest) -> Response:
    person = request.user()
    zone = preferred_zone(dict(request.http.headers))
    rows = request.tenant.calendars.view(person, request.place.query, zone)
    fragment = f"users('{person.id}')/calendarView"
    return answer(collection(rows, request.place, fragment, EVENTS))


def _schedule(request: GraphRequest) -> Response:
    request.user()
    rows = request.tenant.calendars.schedules(request.body)
    context = request.place.context("Collection(microsoft.graph.scheduleInformation)")
    return answer({"@odata.context": context, "value": rows})


def _create(request: GraphRequest) -> Response:
    person, tenant, body = request.user(), request.tenant, request.body
    starts_at, zone = read_time(body.get("start"), "start")
    ends_at, _ = read_time(body.get("end"), "end")
    show_as = str(body.get("showAs") or "busy")
    if show_as not in DIGITS:
        raise bad_request(f"showAs '{show_as}' is not known.")
    subject = str(body.get("subject") or "")[:255]
    event = tenant.calendars.add(person.id, starts_at, ends_at, subject, show_as)
    tenant.calendar_changed(person.id, request.now)
    resource = f"users/{person.id}/events/{event.id}"
    data = {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": resource, "id": event.id}
    change = Change(tenant.id, (f"users/{person.id}/events",), "created", resource, data)
    request.world.publish(change, request.now)
    row = tenant.calendars.row(person, event, zone)
    fragment = f"users('{person.id}')/events/$entity"
    return answer({"@odata.context": request.place.context(fragment), **row}, 201)
