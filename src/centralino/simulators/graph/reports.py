# SPDX-License-Identifier: Apache-2.0
"""The two telephone reports of a tenant: rows of Direct Routing calls and of PSTN calls.

Whoever simulates such calls hands in rows, made by :func:`direct_routing_row` or
:func:`pstn_row`. Sources: "callRecord: getDirectRoutingCalls", "callRecord: getPstnCalls".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.instants import DAY_NS, NS_PER_S, instant, iso

if TYPE_CHECKING:
    from centralino.simulators.graph.records import Party

Json = dict[str, Any]

NEVER = "0001-01-01T00:00:00Z"
MOST_ROWS = 50_000
MOST_DAYS = 90
ROWS_PAGE = 1000


@dataclass(slots=True)
class Reports:
    """The rows of one tenant, each list in order of its start."""

    direct_routing: list[Json] = field(default_factory=list)
    pstn: list[Json] = field(default_factory=list)

    def add_direct_routing(self, row: Json) -> None:
        """Take a row of the Direct Routing report."""
        _insert(self.direct_routing, row)

    def add_pstn(self, row: Json) -> None:
        """Take a row of the PSTN report."""
        _insert(self.pstn, row)


def between(rows: list[Json], from_text: str, to_text: str) -> list[Json]:
    """Return the rows that start in a span of days: the first day counts, the last does not.

    Raises:
        GraphError: 400, the days are wrong or more than 90.
    """
    starts_at = instant(from_text, "fromDateTime")
    ends_at = instant(to_text, "toDateTime")
    if not starts_at < ends_at <= starts_at + MOST_DAYS * DAY_NS:
        raise bad_request(f"The span must be positive and at most {MOST_DAYS} days.")
    return [row for row in rows if starts_at <= instant(row["startDateTime"]) < ends_at]


def direct_routing_row(  # noqa: PLR0913 - the columns of the report
    *,
    row_id: str,
    correlation_id: str,
    party: Party,
    caller: str,
    callee: str,
    call_type: str,
    invited_at: int,
    answered_at: int | None,
    ended_at: int,
    sip_code: int,
    trunk: str,
) -> Json:
    """Return a ``directRoutingLogRow``; the last digits of the other side's number are masked."""
    is_inbound = call_type.startswith("ByotIn")
    starts_at = answered_at if answered_at is not None else invited_at
    return {
        "id": row_id,
        "correlationId": correlation_id,
        "userId": party.user_id or None,
        "userPrincipalName": party.upn or None,
        "userDisplayName": party.name or None,
        "startDateTime": iso(starts_at),
        "inviteDateTime": iso(invited_at),
        "failureDateTime": NEVER if answered_at is not None else iso(ended_at),
        "endDateTime": iso(ended_at),
        "duration": (ended_at - answered_at) // NS_PER_S if answered_at is not None else 0,
        "callType": call_type,
        "successfulCall": answered_at is not None,
        "callerNumber": _masked(caller) if is_inbound else caller,
        "calleeNumber": callee if is_inbound else _masked(callee),
        "mediaPathLocation": "EUWE",
        "signalingLocation": "EUWE",
        "finalSipCode": sip_code,
        "callEndSubReason": 0 if answered_at is not None else 560_000 + sip_code,
        "finalSipCodePhrase": "OK" if answered_at is not None else "Failed",
        "trunkFullyQualifiedDomainName": trunk,
        "mediaBypassEnabled": False,
    }


def pstn_row(  # noqa: PLR0913 - the columns of the report
    *,
    row_id: str,
    call_id: str,
    party: Party,
    caller: str,
    callee: str,
    call_type: str,
    starts_at: int,
    ends_at: int,
) -> Json:
    """Return a ``pstnCallLogRow``."""
    return {
        "id": row_id,
        "callId": call_id,
        "userId": party.user_id or None,
        "userPrincipalName": party.upn or None,
        "userDisplayName": party.name or None,
        "startDateTime": iso(starts_at),
        "endDateTime": iso(ends_at),
        "duration": (ends_at - starts_at) // NS_PER_S,
        "charge": 0,
        "callType": call_type,
        "currency": "EUR",
        "calleeNumber": callee,
        "callerNumber": caller,
        "usageCountryCode": "IT",
        "tenantCountryCode": "IT",
        "connectionCharge": 0,
        "destinationContext": "Domestic",
        "destinationName": "Italy",
        "conferenceId": None,
        "licenseCapability": "MCOPSTN1",
        "inventoryType": "Subscriber",
        "operator": "Microsoft",
        "callDurationSource": "microsoft",
    }


def _insert(rows: list[Json], row: Json) -> None:
    rows.append(row)
    rows.sort(key=lambda one: str(one["startDateTime"]))
    del rows[:-MOST_ROWS]


def _masked(number: str) -> str:
    return number[:-3] + "***" if len(number) > 6 else number
