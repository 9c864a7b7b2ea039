# SPDX-License-Identifier: Apache-2.0
"""Every operation of the calls part, as one table: method, path, who carries it out.

The paths are those of the reference. Permissions that are checked when a call is made or answered
are not checked again by its operations, as the reference says; those that are checked each time
stand with the operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import (
    arriving,
    groups,
    inviting,
    making,
    moving,
    routing,
    talking,
)

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.orders import Order, Reply
    from centralino.simulators.graph.calls.world import CallWorld

Handler = Callable[["CallWorld", "Order"], "Reply"]
CALLS: Final = "/communications/calls"
CALL: Final = f"{CALLS}/{{call}}"
_PARTICIPANT: Final = f"{CALL}/participants/{{participant}}"
_ROUTE: Final = f"{CALL}/audioRoutingGroups/{{group}}"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation."""

    method: str
    path: str
    handler: Handler
    is_action: bool = True
    """Also reached under its qualified name, ``microsoft.graph.answer``."""


def _rows() -> tuple[Row, ...]:
    posts: tuple[tuple[str, Handler], ...] = (
        ("answer", arriving.answer),
        ("reject", arriving.reject),
        ("redirect", arriving.redirect),
        ("transfer", moving.transfer),
        ("playPrompt", talking.play_prompt),
        ("recordResponse", talking.record_response),
        ("subscribeToTone", talking.subscribe_to_tone),
        ("sendDtmfTones", talking.send_tones),
        ("cancelMediaProcessing", talking.cancel_media),
        ("mute", talking.mute),
        ("unmute", talking.unmute),
        ("keepAlive", talking.keep_alive),
        ("updateRecordingStatus", talking.update_recording),
        ("changeScreenSharingRole", talking.change_screen_role),
        ("addLargeGalleryView", talking.add_gallery),
        ("participants/invite", inviting.invite),
    )
    return (
        Row("POST", CALLS, making.create, is_action=False),
        Row("POST", f"{CALLS}/logTeleconferenceDeviceQuality", talking.log_quality),
        Row("GET", CALL, groups.get_call, is_action=False),
        Row("DELETE", CALL, groups.delete_call, is_action=False),
        *(Row("POST", f"{CALL}/{name}", handler) for name, handler in posts),
        Row("GET", f"{CALL}/participants", groups.list_participants, is_action=False),
        Row("GET", _PARTICIPANT, groups.get_participant, is_action=False),
        Row("DELETE", _PARTICIPANT, groups.remove_participant, is_action=False),
        Row("POST", f"{_PARTICIPANT}/mute", groups.mute_participant),
        Row("POST", f"{_PARTICIPANT}/startHoldMusic", groups.start_hold_music),
        Row("POST", f"{_PARTICIPANT}/stopHoldMusic", groups.stop_hold_music),
        Row("GET", f"{CALL}/operations", groups.list_operations, is_action=False),
        Row("GET", f"{CALL}/operations/{{operation}}", groups.get_operation, is_action=False),
        Row("GET", f"{CALL}/contentSharingSessions", groups.list_sharing, is_action=False),
        Row("GET", f"{CALL}/audioRoutingGroups", routing.list_routes, is_action=False),
        Row("POST", f"{CALL}/audioRoutingGroups", routing.create_route, is_action=False),
        Row("GET", _ROUTE, routing.get_route, is_action=False),
        Row("PATCH", _ROUTE, routing.change_route, is_action=False),
        Row("DELETE", _ROUTE, routing.delete_route, is_action=False),
    )


ROWS: Final = _rows()


def spellings(row: Row) -> tuple[str, ...]:
    """Return the paths under which an operation is reached: both roots, both names.

    >>> [path for path in spellings(ROWS[4])][2]
    '/app/calls/{call}/answer'
    """
    names = [row.path]
    if row.is_action:
        head, _, name = row.path.rpartition("/")
        names.append(f"{head}/microsoft.graph.{name}")
    return (*names, *(name.replace("/communications/", "/app/", 1) for name in names))
