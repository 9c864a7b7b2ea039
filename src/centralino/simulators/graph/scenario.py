# SPDX-License-Identifier: Apache-2.0
"""What the simulated tenants are and do, as data; unknown keys are refused.

Times are milliseconds from the start of the simulation. Whatever the fidelity ledger calls open
is a setting here, its default the ledger's choice.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from centralino.simulators.graph.presence import Client

ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that refuse unknown keys."""


class Appointment(Struct, frozen=True, kw_only=True):
    """An event of somebody's calendar."""

    at_ms: int
    """May be negative: it has begun before."""
    for_ms: int
    subject: str = "Meeting"
    show_as: ShowAs = "busy"
    every_ms: int = 0
    """Repeated after so long; 0: once."""
    times: int = 1


class Step(Struct, frozen=True, kw_only=True):
    """Something a scripted person does by himself."""

    at_ms: int
    do: Literal[
        "sign-in",
        "sign-out",
        "active",
        "idle",
        "away",
        "present",
        "stop-presenting",
        "prefer",
        "clear-preferred",
        "out-of-office",
        "back",
        "status",
        "call",
        "hang-up",
    ]
    availability: str = ""
    activity: str = ""
    """Of ``prefer``; the availability when empty."""
    text: str = ""
    """Of ``out-of-office`` and ``status``."""
    who: str = ""
    """Of ``call``: the user id to ring."""
    every_ms: int = 0
    """Repeated after so long; 0: once."""


class Phone(Struct, frozen=True, kw_only=True):
    """What somebody does when his Teams client rings."""

    does: Literal["by-hand", "answer", "decline", "no-answer", "busy"] = "by-hand"
    """``by-hand`` leaves it to whoever sits at the tenant page."""
    after_ms: int = 1500
    talk_for_ms: int = 0
    """Hangs up that long after the answer; 0 leaves it to the other side."""


class Person(Struct, frozen=True, kw_only=True):
    """Somebody in the directory."""

    id: str
    """Object id, a GUID in lower case."""
    upn: str
    name: str
    job_title: str = ""
    department: str = ""
    number: str = ""
    """E.164; empty: no telephone number."""
    mobile: str = ""
    language: str = "en-US"
    is_guest: bool = False
    is_enabled: bool = True
    has_photo: bool = False
    client: Client = "signed-out"
    """What his Teams clients say at the start."""
    appointments: tuple[Appointment, ...] = ()
    script: tuple[Step, ...] = ()
    phone: Phone = Phone()
    time_zone: str = "UTC"
    """IANA name; of his working hours."""
    works_from_hour: int = 8
    works_to_hour: int = 17


class Channel(Struct, frozen=True, kw_only=True):
    """A channel of a team."""

    id: str
    name: str


class Group(Struct, frozen=True, kw_only=True):
    """A group, and the team on it when there is one."""

    id: str
    name: str
    description: str = ""
    members: tuple[str, ...] = ()
    """User ids, or ids of other groups."""
    owners: tuple[str, ...] = ()
    is_team: bool = False
    channels: tuple[Channel, ...] = ()


class ShiftPlan(Struct, frozen=True, kw_only=True):
    """A shift of a team's schedule."""

    team: str
    who: str
    at_ms: int
    for_ms: int
    label: str = ""
    is_time_off: bool = False


class ResourceAccount(Struct, frozen=True, kw_only=True):
    """An application instance: how an application has a telephone number."""

    id: str
    upn: str
    name: str
    app_id: str
    number: str = ""
    is_licensed: bool = True


class Tenant(Struct, frozen=True, kw_only=True):
    """One Microsoft 365 tenant."""

    id: str
    name: str
    domain: str
    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    shifts: tuple[ShiftPlan, ...] = ()
    resource_accounts: tuple[ResourceAccount, ...] = ()
    free_numbers: tuple[str, ...] = ()
    """Direct Routing numbers that nobody has yet."""
    installed_apps: tuple[str, ...] = ()
    """Application ids whose Teams app everybody has; activity feed notifications need that."""
    meeting_apps: tuple[str, ...] = ()
    """Application ids that an application access policy lets manage meetings."""
    settings: dict[str, bool | int | str | list[str]] = {}
    """Tenant settings that differ from a healthy tenant's; names in ``tenant_settings``."""


class PresenceSettings(Struct, frozen=True, kw_only=True):
    """How presence behaves where Microsoft does not promise."""

    lag_mean_ms: float = 3000.0
    lag_most_ms: float = 60000.0
    preferred_beats_calls: bool = True
    takes_presenting: bool = True
    faded_availability: str = "Available"
    faded_activity: str = "AvailableInactive"
    out_of_office_is_activity: bool = True
    delegated_set_presence: bool = False
    """``setPresence`` also works on behalf of a user."""


class SubscriptionSettings(Struct, frozen=True, kw_only=True):
    """How subscriptions and deliveries behave where Microsoft does not promise."""

    allows_http_loopback: bool = False
    reaches_any_host: bool = False
    """Endpoints may be anywhere; else only on the loopback."""
    rich_presence_only: bool = True
    refuses_duplicates: bool = True
    clamps_lifetime: bool = False
    reauthorize_before_minutes: int = 15
    handshake_within_s: float = 10.0
    retry_first_s: float = 10.0
    retry_most_s: float = 600.0
    give_up_s: float = 14400.0
    most_in_batch: int = 50


class DeliveryFaults(Struct, frozen=True, kw_only=True):
    """What goes wrong with notifications on purpose; ratios from 0 to 1."""

    duplicates: float = 0.0
    swaps: float = 0.0
    losses: float = 0.0
    silent_kinds: tuple[str, ...] = ()
    """Subscriptions of these kinds are valid and never notified."""
    refuses_renewal_kinds: tuple[str, ...] = ()
    """A PATCH of subscriptions of these kinds answers 404."""


class RecordSettings(Struct, frozen=True, kw_only=True):
    """When call records appear, and for how long."""

    first_after_ms: int = 900_000
    """Version 1, after the end of the call: "typically 15 min, up to 60"."""
    second_after_ms: int = 1_200_000
    """Version 2, with the later participants' data."""
    kept_for_days: int = 30


class RouteFault(Struct, frozen=True, kw_only=True):
    """Something that goes wrong with requests on purpose."""

    route: str = "*"
    """Method and path as the route is declared: ``GET /v1.0/users/{user}/presence``; ``*``: all."""
    do: Literal["respond", "silence", "cut"] = "respond"
    status: int = 503
    code: str = "serviceNotAvailable"
    message: str = "Service unavailable."
    retry_after_s: int | None = None
    after: int = 0
    """So many such requests pass first."""
    times: int | None = 1
    """How many it meets; null: all that follow."""
    is_late: bool = False
    """The request is carried out, and only its answer goes wrong."""


class RouteLatency(Struct, frozen=True, kw_only=True):
    """How long answers take, evenly drawn from the seed."""

    route: str = "*"
    least_ms: int = 0
    most_ms: int = 0


class GraphScenario(Struct, frozen=True, kw_only=True):
    """Microsoft Graph of some tenants."""

    tenants: tuple[Tenant, ...]
    address: str = "127.0.0.1"
    host: str = "localhost"
    """Name in its address and its certificate."""
    port: int = 8444
    certificate: str = ""
    """PEM file, leaf and intermediates; plain HTTP on the loopback without."""
    private_key: str = ""
    authorities: str = ""
    """PEM file of the roots that notification endpoints chain to; the machine's without."""
    has_page: bool = True
    """The tenant page and its hand-operated telephones are served below ``/simulator``."""
    route_faults: tuple[RouteFault, ...] = ()
    latencies: tuple[RouteLatency, ...] = ()
    presence: PresenceSettings = PresenceSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    faults: DeliveryFaults = DeliveryFaults()
    records: RecordSettings = RecordSettings()
    throttles: bool = True
    """Requests above Microsoft's limits get 429."""
