# SPDX-License-Identifier: Apache-2.0
"""Calendars of one tenant: events, views of a span, and who is free when.

Times are shown in the zone that ``Prefer: outlook.timezone`` asks for, UTC without. Sources: "List
calendarView", "calendar: getSchedule", "dateTimeTimeZone resource type".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.instants import MINUTE_NS, NS_PER_MS, NS_PER_S, instant, naive_iso
from centralino.simulators.graph.presence import Appointment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.simulators.graph.directory import Directory
    from centralino.simulators.graph.identifiers import Identifiers
    from centralino.simulators.graph.scenario import Person

Json = dict[str, Any]

DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4"}
BUSY_FIRST = ("oof", "busy", "tentative", "workingElsewhere", "free")
LEAST_INTERVAL_MIN, MOST_INTERVAL_MIN, USUAL_INTERVAL_MIN = 5, 1440, 30
MOST_SCHEDULES = 20
MOST_SPAN_NS = 62 * 24 * 60 * MINUTE_NS
MOST_EVENTS = 10_000

WINDOWS_ZONES = {
    "utc": "UTC",
    "gmt standard time": "Europe/London",
    "w. europe standard time": "Europe/Berlin",
    "central europe standard time": "Europe/Budapest",
    "romance standard time": "Europe/Paris",
    "eastern standard time": "America/New_York",
    "central standard time": "America/Chicago",
    "pacific standard time": "America/Los_Angeles",
}
"""Names of Windows for the zones most asked for (Unicode CLDR, windowsZones); IANA's work too."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one calendar."""

    id: str
    owner_id: str
    starts_at: int
    ends_at: int
    subject: str
    show_as: str


class Calendars:
    """The events of everybody, in order of their start."""

    def __init__(self, directory: Directory, ids: Identifiers) -> None:
        self._directory = directory
        self._ids = ids
        self._events: dict[str, list[Event]] = {}

    def add_script(self, person: Person, now: int) -> None:
        """Take the appointments of somebody's script."""
        for row in person.appointments:
            for turn in range(row.times if row.every_ms else 1):
                starts_at = now + (row.at_ms + turn * row.every_ms) * NS_PER_MS
                ends_at = starts_at + row.for_ms * NS_PER_MS
                self.add(person.id, starts_at, ends_at, row.subject, row.show_as)

    def add(
        self, owner_id: str, starts_at: int, ends_at: int, subject: str, show_as: str = "busy"
    ) -> Event:
        """Add an event; the caller tells the presence board.

        Raises:
            GraphError: 400, it ends before it starts, or the calendar is full.
        """
        events = self._events.setdefault(owner_id, [])
        if ends_at < starts_at or len(events) >= MOST_EVENTS:
            raise bad_request("The event ends before it starts, or the calendar is full.")
        token = self._ids.hexadecimal("event", 40).upper()
        event = Event(f"AAMk{token}=", owner_id, starts_at, ends_at, subject, show_as)
        events.append(event)
        events.sort(key=lambda one: (one.starts_at, one.id))
        return event

    def between(self, owner_id: str, starts_at: int, ends_at: int) -> list[Event]:
        """Return the events that touch a span."""
        events = self._events.get(owner_id, ())
        return [one for one in events if one.starts_at < ends_at and one.ends_at > starts_at]

    def appointments(self, owner_id: str) -> tuple[Appointment, ...]:
        """Return what shows in the presence: what is busy, and what is out of office."""
        shown = (one for one in self._events.get(owner_id, ()) if one.show_as in {"busy", "oof"})
        return tuple(Appointment(one.starts_at, one.ends_at, one.show_as == "oof") for one in shown)

    def view(self, person: Person, query: Iterable[tuple[str, str]], zone: str) -> list[Json]:
        """Return the events of a ``calendarView``.

        Raises:
            GraphError: 400, the span is missing or wrong.
        """
        values = {name.lower(): value for name, value in query}
        if "startdatetime" not in values or "enddatetime" not in values:
            raise bad_request(
                "This request requires a time window specified by the query string parameters "
                "StartDateTime and EndDateTime.",
                "ErrorInvalidParameter",
            )
        starts_at = instant(values["startdatetime"], "startDateTime")
        ends_at = instant(values["enddatetime"], "endDateTime")
        if ends_at < starts_at:
            raise bad_request("EndDateTime is before StartDateTime.", "ErrorInvalidParameter")
        return [self.row(person, one, zone) for one in self.between(person.id, starts_at, ends_at)]

    def row(self, person: Person, event: Event, zone: str) -> Json:
        """Return an event with its times in a zone."""
        address = {"emailAddress": {"name": person.name, "address": person.upn}}
        return {
            "id": event.id,
            "subject": event.subject,
            "showAs": event.show_as,
            "isAllDay": False,
            "isCancelled": False,
            "isOrganizer": True,
            "type": "singleInstance",
            "sensitivity": "normal",
            "importance": "normal",
            "start": shown_time(event.starts_at, zone),
            "end": shown_time(event.ends_at, zone),
            "organizer": address,
            "attendees": [],
            "location": {"displayName": "", "locationType": "default"},
            "body": {"contentType": "html", "content": ""},
            "bodyPreview": "",
        }

    def schedules(self, body: Json) -> list[Json]:
        """Return the answer's rows of ``getSchedule``.

        Raises:
            GraphError: 400, something is missing or out of range.
        """
        addresses = body.get("schedules")
        if not isinstance(addresses, list) or not 0 < len(addresses) <= MOST_SCHEDULES:
            raise bad_request(f"schedules must be 1 to {MOST_SCHEDULES} addresses.")
        starts_at, zone = read_time(body.get("startTime"), "startTime")
        ends_at, _ = read_time(body.get("endTime"), "endTime")
        minutes = body.get("availabilityViewInterval", USUAL_INTERVAL_MIN)
        if not isinstance(minutes, int) or not LEAST_INTERVAL_MIN <= minutes <= MOST_INTERVAL_MIN:
            raise bad_request("availabilityViewInterval must be from 5 to 1440.")
        if not starts_at < ends_at <= starts_at + MOST_SPAN_NS:
            raise bad_request("The span must be positive and at most 62 days.")
        span = (starts_at, ends_at)
        return [self._schedule(str(one), span, minutes, zone) for one in addresses]

    def _schedule(self, address: str, span: tuple[int, int], minutes: int, zone: str) -> Json:
        person = next(
            (p for p in self._directory.people.values() if p.upn.lower() == address.lower()), None
        )
        if person is None:
            message = f"Unable to resolve e-mail address {address} to an Active Directory object."
            error = {"message": message, "responseCode": "ErrorMailRecipientNotFound"}
            return {"scheduleId": address, "availabilityView": "", "error": error}
        events = self.between(person.id, *span)
        items = [_item(event, zone) for event in events if event.show_as != "free"]
        return {
            "scheduleId": address,
            "availabilityView": _digits(events, span, minutes * MINUTE_NS),
            "scheduleItems": items,
            "workingHours": _working_hours(person),
        }


def _digits(events: list[Event], span: tuple[int, int], step_ns: int) -> str:
    digits = []
    for starts_at in range(*span, step_ns):
        ends_at = starts_at + step_ns
        shows = {e.show_as for e in events if e.starts_at < ends_at and e.ends_at > starts_at}
        digits.append(DIGITS[next((name for name in BUSY_FIRST if name in shows), "free")])
    return "".join(digits)


def _item(event: Event, zone: str) -> Json:
    return {
        "isPrivate": False,
        "status": event.show_as,
        "subject": event.subject,
        "location": "",
        "start": shown_time(event.starts_at, zone),
        "end": shown_time(event.ends_at, zone),
    }


def _working_hours(person: Person) -> Json:
    return {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": f"{person.works_from_hour:02d}:00:00.0000000",
        "endTime": f"{person.works_to_hour:02d}:00:00.0000000",
        "timeZone": {"name": person.time_zone},
    }


def preferred_zone(headers: dict[str, str]) -> str:
    """Return the zone of ``Prefer: outlook.timezone="..."``, UTC without.

    Raises:
        GraphError: 400, there is no such zone.
    """
    match = re.search(r'outlook\.timezone="([^"]+)"', headers.get("prefer", ""))
    name = match[1] if match is not None else "UTC"
    _zone(name)
    return name


def read_time(value: object, name: str) -> tuple[int, str]:
    """Return the instant and the zone of a ``dateTimeTimeZone``.

    Raises:
        GraphError: 400, it is none.
    """
    if not isinstance(value, dict) or not isinstance(value.get("dateTime"), str):
        raise bad_request(f"{name} must be an object with dateTime and timeZone.")
    zone = str(value.get("timeZone") or "UTC")
    text = value["dateTime"]
    if text.endswith("Z") or re.search(r"[+-]\d\d:\d\d$", text):
        return instant(text, name), zone
    as_utc = instant(text, name)
    local = datetime.fromtimestamp(as_utc // NS_PER_S, UTC).replace(tzinfo=_zone(zone))
    return round(local.timestamp()) * NS_PER_S + as_utc % NS_PER_S, zone


def shown_time(moment: int, zone: str) -> Json:
    """Return an instant as ``dateTimeTimeZone``."""
    local = datetime.fromtimestamp(moment // NS_PER_S, _zone(zone))
    offset = local.utcoffset()
    shift = round(offset.total_seconds()) * NS_PER_S if offset is not None else 0
    return {"dateTime": naive_iso(moment + shift), "timeZone": zone}


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(WINDOWS_ZONES.get(name.lower(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"A valid TimeZone value must be specified; '{name[:60]}' is none."
        raise bad_request(message, "TimeZoneNotSupportedException") from error
