# SPDX-License-Identifier: Apache-2.0
"""The kinds of entries that a schedule has, each with the members that it may be written with.

Sources: the resource types "shift", "openShift", "timeOff", "timeOffReason", "schedulingGroup" and
the four kinds of requests.
"""

from __future__ import annotations

from dataclasses import dataclass

from centralino.simulators.graph.fields import (
    Reader,
    Shape,
    count,
    flag,
    listed,
    moment,
    nested,
    one_of,
    text,
)

THEMES = (
    "white",
    "blue",
    "green",
    "purple",
    "pink",
    "yellow",
    "gray",
    "darkBlue",
    "darkGreen",
    "darkPurple",
    "darkPink",
    "darkYellow",
)
SPAN: dict[str, Reader] = {"startDateTime": moment, "endDateTime": moment, "theme": one_of(*THEMES)}
NEEDS_SPAN = ("startDateTime", "endDateTime")
ACTIVITY = nested(
    {
        "isPaid": flag,
        "startDateTime": moment,
        "endDateTime": moment,
        "code": text,
        "displayName": text,
        "theme": one_of(*THEMES),
    },
    needs=NEEDS_SPAN,
)
SHIFT_ITEM = SPAN | {"displayName": text, "notes": text, "activities": listed(ACTIVITY)}
SHIFT = nested(SHIFT_ITEM, needs=NEEDS_SPAN)
TIME_OFF = nested(SPAN | {"timeOffReasonId": text}, needs=NEEDS_SPAN)
OPEN_SHIFT = nested(SHIFT_ITEM | {"openSlotCount": count}, needs=NEEDS_SPAN)
REQUEST: dict[str, Reader] = {"senderMessage": text, "senderUserId": text}
SCHEDULE: dict[str, Reader] = {
    "enabled": flag,
    "timeZone": text,
    "timeClockEnabled": flag,
    "openShiftsEnabled": flag,
    "swapShiftsRequestsEnabled": flag,
    "offerShiftRequestsEnabled": flag,
    "timeOffRequestsEnabled": flag,
    "startDayOfWeek": one_of(
        "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"
    ),
    "workforceIntegrationIds": listed(text),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry."""

    path: str
    prefix: str
    """Of its ids."""
    shape: Shape
    needs: tuple[str, ...] = ()
    type: str = ""
    is_request: bool = False


KINDS = (
    Kind(
        "shifts",
        "SHFT",
        {"userId": text, "schedulingGroupId": text, "sharedShift": SHIFT, "draftShift": SHIFT},
        ("userId",),
        "shift",
    ),
    Kind(
        "openShifts",
        "OPNSHFT",
        {"schedulingGroupId": text, "sharedOpenShift": OPEN_SHIFT, "draftOpenShift": OPEN_SHIFT},
        (),
        "openShift",
    ),
    Kind(
        "timesOff",
        "TOFF",
        {"userId": text, "sharedTimeOff": TIME_OFF, "draftTimeOff": TIME_OFF},
        ("userId",),
        "timeOff",
    ),
    Kind(
        "timeOffReasons",
        "TOR",
        {"displayName": text, "isActive": flag, "code": text},
        ("displayName",),
        "timeOffReason",
    ),
    Kind(
        "schedulingGroups",
        "TAG",
        {"displayName": text, "isActive": flag, "code": text, "userIds": listed(text)},
        ("displayName",),
        "schedulingGroup",
    ),
    Kind(
        "offerShiftRequests",
        "SOFR",
        REQUEST | {"recipientUserId": text, "senderShiftId": text},
        ("senderShiftId", "recipientUserId"),
        "offerShiftRequest",
        is_request=True,
    ),
    Kind(
        "swapShiftsChangeRequests",
        "SWAP",
        REQUEST | {"recipientUserId": text, "senderShiftId": text, "recipientShiftId": text},
        ("senderShiftId", "recipientShiftId", "recipientUserId"),
        "swapShiftsChangeRequest",
        is_request=True,
    ),
    Kind(
        "openShiftChangeRequests",
        "OSCR",
        REQUEST | {"openShiftId": text},
        ("openShiftId",),
        "openShiftChangeRequest",
        is_request=True,
    ),
    Kind(
        "timeOffRequests",
        "TOFR",
        REQUEST | {"startDateTime": moment, "endDateTime": moment, "timeOffReasonId": text},
        ("startDateTime", "endDateTime"),
        "timeOffRequest",
        is_request=True,
    ),
)
PAIRS = {"shifts": "Shift", "openShifts": "OpenShift", "timesOff": "TimeOff"}
"""Kinds with a draft and a shared version, and how their members end."""
