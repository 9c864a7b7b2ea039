# SPDX-License-Identifier: Apache-2.0
"""What is to be set up in a tenant, as an administrator writes it, and what is wrong with it.

Rules come from Microsoft's documents and are checked before any script is written, because a
tenant takes hours to show a mistake. Sources: "Plan Direct Routing" (SBC domain names),
"Configure an SBC for multiple tenants", "Set-CsOnlinePSTNGateway".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from centralino.bootstrap.teams.permissions import FEATURES
from centralino.core.flows.reading import Path, Problem, Reading, convert, read_tree

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
Host = Annotated[str, Meta(pattern=rf"^{_LABEL}(\.{_LABEL})+$")]
Guid = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
User = Annotated[str, Meta(pattern=r"^[^@\s'\"]+@[^@\s'\"]+$", max_length=256)]
Number = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{3,14}$")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}$")]
LONGEST_TRUNK = 63


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts share: immutable, no unknown keys."""


class TrunkPlan(_Part, frozen=True, kw_only=True):
    """A session border controller as a Direct Routing trunk."""

    fqdn: Host
    """Its name, in a verified domain of the tenant; never ``onmicrosoft.com``."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 5061
    is_derived: bool = False
    """A carrier's trunk that this tenant uses by its sub-domain: no gateway object is made."""
    media_bypass: bool = False
    forward_history: bool = True
    forward_pai: bool = True
    most_sessions: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    failover_s: Annotated[int, Meta(ge=1, le=60)] = 10
    failover_codes: tuple[Annotated[int, Meta(ge=400, le=699)], ...] = (408, 503, 504)


class PersonPlan(_Part, frozen=True, kw_only=True):
    """Somebody who is called in Teams: an expert, or an agent with the Teams client."""

    user: User
    number: Number
    extension: Annotated[str, Meta(pattern=r"^[0-9]{1,10}$")] = ""


class ResourceAccountPlan(_Part, frozen=True, kw_only=True):
    """An account without a person that owns a number."""

    user: User
    name: Name
    kind: Literal["centralino", "auto-attendant", "call-queue"] = "centralino"
    """``centralino`` belongs to our own application (Extend, Power)."""
    number: Number | None = None
    number_type: Literal["DirectRouting", "CallingPlan", "OperatorConnect"] = "DirectRouting"
    acs_resource: Guid | None = None
    """Immutable id of the Azure Communication Services resource, for Power."""


class RecordingPlan(_Part, frozen=True, kw_only=True):
    """Policy-based recording by our bot."""

    policy: Name
    account: User
    """The resource account of the recording application."""
    is_required: bool = False
    """True: no call without a recorder. A recorder that is away then ends all calls."""


class RoutePlan(_Part, frozen=True, kw_only=True):
    """Which dialled numbers go over the trunks."""

    name: Name
    pattern: Annotated[str, Meta(min_length=1, max_length=512)]
    """A regular expression with ``^`` and ``$``."""
    priority: Annotated[int, Meta(ge=0, le=100)] = 1


class ProvisioningPlan(_Part, frozen=True, kw_only=True):
    """Everything that is to be set up in one tenant."""

    tenant: Guid
    """The directory's id."""
    domains: Annotated[tuple[Host, ...], Meta(min_length=1)]
    """The tenant's verified domains."""
    cloud: Literal["commercial", "gcc-high", "dod"] = "commercial"
    application: Guid
    """Client id of our application registration."""
    trunks: tuple[TrunkPlan, ...] = ()
    routes: tuple[RoutePlan, ...] = ()
    usage: Name = "Centralino"
    voice_policy: Name = "Centralino-Users"
    calling_policy: Name = "Centralino-Calling"
    people: tuple[PersonPlan, ...] = ()
    resource_accounts: tuple[ResourceAccountPlan, ...] = ()
    recording: RecordingPlan | None = None
    features: tuple[str, ...] = ("sign-in", "presence", "people")
    """Which of our features are wanted: the permissions follow from them."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of all trunks."""
        return tuple(trunk.fqdn for trunk in self.trunks)


def read_plan(text: str) -> Reading[ProvisioningPlan]:
    """Return the plan in a YAML text, or everything that is wrong with it, each with its line."""
    reading = convert(read_tree(text), ProvisioningPlan)
    if reading.document is None:
        return reading
    marks = reading.marks
    problems = tuple(
        Problem(marks.line(*path), "", f"{'.'.join(path)}: {reason}")
        for path, reason in judge(reading.document)
    )
    return Reading(None if problems else reading.document, marks, problems)


def judge(plan: ProvisioningPlan) -> Iterator[tuple[Path, str]]:
    """Yield what Microsoft would not take, or would take and not do: where, and why."""
    yield from _judge_trunks(plan)
    yield from _judge_routes(plan)
    yield from _judge_people(plan)
    yield from _judge_accounts(plan)
    for at, feature in enumerate(plan.features):
        if feature not in FEATURES:
            yield ("features", str(at)), f"there is no feature {feature}: {', '.join(FEATURES)}"


def _judge_trunks(plan: ProvisioningPlan) -> Iterator[tuple[Path, str]]:
    ports: dict[tuple[str, int], bool] = {}
    for at, trunk in enumerate(plan.trunks):
        path = ("trunks", str(at), "fqdn")
        if len(trunk.fqdn) > LONGEST_TRUNK:
            yield path, f"longer than {LONGEST_TRUNK} characters"
        if trunk.fqdn.endswith(".onmicrosoft.com"):
            yield path, "a trunk cannot be in onmicrosoft.com: take a domain of your own"
        elif trunk.fqdn.partition(".")[2] not in plan.domains:
            parent = trunk.fqdn.partition(".")[2]
            yield path, f"{parent} is no verified domain of the tenant: add it as a domain first"
        if plan.hosts.count(trunk.fqdn) > 1:
            yield path, f"{trunk.fqdn} is there twice"
        if plan.cloud != "commercial" and trunk.port != 5061:
            yield ("trunks", str(at), "port"), f"the cloud {plan.cloud} takes port 5061 only"
        host = trunk.fqdn.partition(".")[2]
        other = ports.setdefault((host, trunk.port), trunk.media_bypass)
        if other is not trunk.media_bypass:
            reason = "trunks with and without media bypass need different ports"
            yield ("trunks", str(at), "port"), reason


def _judge_routes(plan: ProvisioningPlan) -> Iterator[tuple[Path, str]]:
    priorities: set[int] = set()
    if plan.routes and not plan.trunks:
        yield ("routes",), "a route needs a trunk"
    for at, route in enumerate(plan.routes):
        path = ("routes", str(at), "pattern")
        try:
            re.compile(route.pattern)
        except re.error as error:
            yield path, f"this is no regular expression: {error}"
        if not (route.pattern.startswith("^") and route.pattern.endswith("$")):
            yield path, "begin with ^ and end with $, or it matches inside longer numbers"
        if route.priority in priorities:
            yield ("routes", str(at), "priority"), "another route has this priority"
        priorities.add(route.priority)


def _judge_people(plan: ProvisioningPlan) -> Iterator[tuple[Path, str]]:
    users: set[str] = set()
    numbers: set[tuple[str, str]] = set()
    for at, person in enumerate(plan.people):
        if person.user.lower() in users:
            yield ("people", str(at), "user"), f"{person.user} is there twice"
        users.add(person.user.lower())
        number = (person.number, person.extension)
        if number in numbers:
            yield ("people", str(at), "number"), f"{person.number} is somebody else's"
        numbers.add(number)


def _judge_accounts(plan: ProvisioningPlan) -> Iterator[tuple[Path, str]]:
    taken = {person.number for person in plan.people}
    users = [one.user.lower() for one in plan.resource_accounts]
    for at, account in enumerate(plan.resource_accounts):
        path = ("resource_accounts", str(at))
        if users.count(account.user.lower()) > 1:
            yield (*path, "user"), f"{account.user} is there twice"
        if account.number is not None and account.number in taken:
            yield (*path, "number"), f"{account.number} is somebody else's"
        taken |= {account.number} if account.number else set()
        if account.acs_resource is not None and account.kind != "centralino":
            yield (*path, "acs_resource"), "only accounts of our own application take it"
    if plan.recording is not None and plan.recording.account.lower() not in users:
        yield ("recording", "account"), f"there is no resource account {plan.recording.account}"
