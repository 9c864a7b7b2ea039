# SPDX-License-Identifier: Apache-2.0
"""Paths of call records and of the two telephone reports; applications only.

Sources: "Get callRecord", "List callRecords", "callRecord: getPstnCalls", "callRecord:
getDirectRoutingCalls". Sessions come 60 at a time, participants 130, report rows 1,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.simulators.graph import reports
from centralino.simulators.graph.callers import Permission
from centralino.simulators.graph.errors import not_found
from centralino.simulators.graph.odata import (
    Json,
    Options,
    PageRule,
    Place,
    collection,
    entity,
)
from centralino.simulators.graph.records import PARTICIPANTS_PAGE, RECORDS_PAGE
from centralino.simulators.graph.requests import GraphRoute, answer

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

READ = Permission(("CallRecords.Read.All",))
READ_PSTN = Permission(("CallRecord-PstnCalls.Read.All", "CallRecords.Read.All"))
RECORDS = PageRule(RECORDS_PAGE, RECORDS_PAGE)
SESSIONS = PageRule(60, 60)
PARTICIPANTS = PageRule(PARTICIPANTS_PAGE, PARTICIPANTS_PAGE)
ROWS = PageRule(reports.ROWS_PAGE, reports.ROWS_PAGE, next_by_skip=True)
BASE = "/communications/callRecords"


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of call records."""
    del world
    one = f"{BASE}/{{id}}"
    found = [
        GraphRoute("GET", BASE, READ, _list, "records"),
        GraphRoute("GET", one, READ, _get, "records", "id"),
        GraphRoute("GET", f"{one}/sessions", READ, _sessions, "records", "id"),
        GraphRoute("GET", f"{one}/sessions/{{part}}", READ, _session, "records", "id"),
        GraphRoute("GET", f"{one}/sessions/{{part}}/segments", READ, _segments, "records", "id"),
        GraphRoute("GET", f"{one}/participants_v2", READ, _participants, "records", "id"),
        GraphRoute("GET", f"{one}/organizer_v2", READ, _organizer, "records", "id"),
    ]
    days = "(fromDateTime={from},toDateTime={to})"
    for name, handler in (("getPstnCalls", _pstn), ("getDirectRoutingCalls", _direct)):
        for spelling in (name, f"microsoft.graph.callRecords.{name}"):
            path = f"{BASE}/{spelling}{days}"
            found.append(GraphRoute("GET", path, READ_PSTN, handler, "records"))
    return found


def _list(request: GraphRequest) -> Response:
    rows = request.tenant.records.rows()

    def show(row: Json, options: Options) -> Json:
        # Filters may ask for participants; they are shown when they are expanded.
        del options
        return {name: value for name, value in row.items() if name != "participants_v2"}

    return answer(collection(rows, request.place, "communications/callRecords", RECORDS, show=show))


def _get(request: GraphRequest) -> Response:
    record_id = request.params["id"]
    records, options, place = request.tenant.records, request.options, request.place
    row = records.get(record_id)
    bare = Place(place.base_url, f"{BASE}/{record_id}")
    if "sessions" in options.expands:
        wants_segments = "segments" in options.expand_of("sessions")
        rows = [_shown(session, segments=wants_segments) for session in records.sessions(record_id)]
        row |= _nested("sessions", rows, bare, SESSIONS)
    if "participants_v2" in options.expands:
        row |= _nested("participants_v2", records.participants(record_id), bare, PARTICIPANTS)
    if "organizer_v2" in options.expands:
        row["organizer_v2"] = records.organizer(record_id)
    return answer(entity(row, place, "communications/callRecords/$entity"))


def _nested(name: str, rows: list[Json], record: Place, rule: PageRule) -> Json:
    """Return an expanded collection: its first page, and the link to the next."""
    inner = Place(record.base_url, f"{record.path}/{name}")
    page = collection(rows, inner, name, rule)
    found = {f"{name}@odata.context": page["@odata.context"], name: page["value"]}
    if "@odata.nextLink" in page:
        found[f"{name}@odata.nextLink"] = page["@odata.nextLink"]
    return found


def _shown(session: Json, *, segments: bool) -> Json:
    if segments:
        return session
    return {name: value for name, value in session.items() if name != "segments"}


def _sessions(request: GraphRequest) -> Response:
    wants = "segments" in request.options.expands
    rows = [
        _shown(s, segments=wants) for s in request.tenant.records.sessions(request.params["id"])
    ]
    return answer(collection(rows, request.place, "sessions", SESSIONS))


def _session(request: GraphRequest) -> Response:
    row = _find_session(request)
    wants = "segments" in request.options.expands
    return answer(entity(_shown(row, segments=wants), request.place, "sessions/$entity"))


def _segments(request: GraphRequest) -> Response:
    return answer(
        collection(_find_session(request)["segments"], request.place, "segments", SESSIONS)
    )


def _find_session(request: GraphRequest) -> Json:
    wanted = request.params["part"].lower()
    for row in request.tenant.records.sessions(request.params["id"]):
        if row["id"] == wanted:
            return row
    raise not_found("Session not found.")


def _participants(request: GraphRequest) -> Response:
    rows = request.tenant.records.participants(request.params["id"])
    return answer(collection(rows, request.place, "participants_v2", PARTICIPANTS))


def _organizer(request: GraphRequest) -> Response:
    row = request.tenant.records.organizer(request.params["id"])
    return answer(entity(row, request.place, "organizer_v2/$entity"))


def _report(request: GraphRequest, rows: list[Json], kind: str) -> Response:
    found = reports.between(rows, request.params["from"], request.params["to"])
    fragment = f"Collection(microsoft.graph.callRecords.{kind})"
    document = collection(found, request.place, fragment, ROWS)
    document["@odata.count"] = len(document["value"])
    return answer(document)


def _pstn(request: GraphRequest) -> Response:
    return _report(request, request.tenant.reports.pstn, "pstnCallLogRow")


def _direct(request: GraphRequest) -> Response:
    return _report(request, request.tenant.reports.direct_routing, "directRoutingLogRow")
