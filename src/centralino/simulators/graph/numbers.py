# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers of a tenant, who has which, and the policies of its users.

Assigning is asynchronous: 202 with the operation's place, which ends a little later. Sources:
the metadata of ``microsoft.graph.teamsAdministration``; status codes and permission names are not
sure and stand in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import both
from centralino.simulators.graph.errors import bad_request, conflict, not_found
from centralino.simulators.graph.fields import listed, members, nested, one_of, text
from centralino.simulators.graph.identifiers import named_guid
from centralino.simulators.graph.instants import NS_PER_S, iso
from centralino.simulators.graph.odata import PageRule, collection, entity
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.scenario import Tenant
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

NUMBERS = both("TeamsTelephoneNumber.ReadWrite.All")
READ_NUMBERS = both("TeamsTelephoneNumber.Read.All", "TeamsTelephoneNumber.ReadWrite.All")
USERS = both("TeamsUserConfiguration.Read.All")
POLICIES = both("TeamsPolicyUserAssign.ReadWrite.All")
BASE = "/admin/teams/telephoneNumberManagement"
SPACE = "microsoft.graph.teamsAdministration"
TAKES_NS = 2 * NS_PER_S
"""From the order to its end."""
MOST_OPERATIONS = 1000
CATEGORY = one_of("primary", "private", "alternate")
TYPE = one_of("directRouting", "callingPlan", "operatorConnect")


@dataclass(slots=True)
class Numbers:
    """The numbers of one tenant, with what was ordered."""

    rows: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, Json] = field(default_factory=dict)
    done_at: dict[str, int] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    """(user id, policy type) to policy id."""

    @classmethod
    def of(cls, tenant: Tenant) -> Numbers:
        """Return the numbers of a scenario's tenant."""
        made = cls()
        for person in tenant.people:
            if person.number:
                made._add(tenant.id, person.number, person.id, "userAssigned")
        for account in tenant.resource_accounts:
            if account.number:
                made._add(tenant.id, account.number, account.id, "voiceApplicationAssigned")
        for number in tenant.free_numbers:
            made._add(tenant.id, number, None, "unassigned")
        return made

    def _add(self, tenant_id: str, number: str, target: str | None, status: str) -> None:
        self.rows[number] = {
            "id": named_guid(tenant_id, number),
            "telephoneNumber": number,
            "numberType": "directRouting",
            "numberSource": "online",
            "activationState": "activated",
            "assignmentStatus": status,
            "assignmentTargetId": target,
            "assignmentCategory": "primary" if target else None,
            "capabilities": ["userAssignment", "voiceApplicationAssignment"],
            "isoCountryCode": "IT",
            "city": None,
            "civicAddressId": None,
            "locationId": None,
            "networkSiteId": None,
            "operatorId": "00000000-0000-0000-0000-000000000000",
            "portInStatus": None,
            "reverseNumberLookupOptions": [],
            "supportedCustomerActions": [],
        }

    def number_of(self, target_id: str) -> list[Json]:
        """Return the numbers that somebody has, as user configurations show them."""
        return [
            {"telephoneNumber": row["telephoneNumber"], "assignmentCategory": "primary"}
            for row in self.rows.values()
            if row["assignmentTargetId"] == target_id
        ]


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of telephone number management and Teams administration."""
    del world
    numbers = f"{BASE}/numberAssignments"
    users, policy = "/admin/teams/userConfigurations", "/admin/teams/policy"
    found = [
        GraphRoute("GET", numbers, READ_NUMBERS, _list, "teams-read"),
        GraphRoute("GET", f"{numbers}/{{number}}", READ_NUMBERS, _get, "teams-read"),
        GraphRoute("GET", f"{BASE}/operations", READ_NUMBERS, _operations, "teams-read"),
        GraphRoute("GET", f"{BASE}/operations/{{id}}", READ_NUMBERS, _operation, "teams-read"),
        GraphRoute("GET", users, USERS, _users, "teams-read"),
        GraphRoute("GET", f"{users}/{{user}}", USERS, _user, "teams-read"),
        GraphRoute("GET", f"{policy}/userAssignments", POLICIES, _assignments, "teams-read"),
    ]
    actions = (
        (f"{numbers}/{SPACE}.assignNumber", NUMBERS, _assign),
        (f"{numbers}/{SPACE}.unassignNumber", NUMBERS, _unassign),
        (f"{policy}/userAssignments/{SPACE}.assign", POLICIES, _assign_policies),
        (f"{policy}/userAssignments/{SPACE}.unassign", POLICIES, _unassign_policies),
    )
    for path, permission, handler in actions:
        found.append(GraphRoute("POST", path, permission, handler, "teams-write"))
    path = f"{policy}/{SPACE}.getPolicyId(type={{type}},name={{name}})"
    found.append(GraphRoute("GET", path, POLICIES, _policy_id, "teams-read"))
    return found


def _list(request: GraphRequest) -> Response:
    rows = list(request.tenant.numbers.rows.values())
    return answer(collection(rows, request.place, "numberAssignments", PageRule(100, 1000)))


def _get(request: GraphRequest) -> Response:
    for row in request.tenant.numbers.rows.values():
        if request.params["number"] in {row["id"], row["telephoneNumber"]}:
            return answer(entity(row, request.place, "numberAssignments/$entity"))
    raise not_found("The telephone number does not exist.")


def _number(request: GraphRequest, told: Json) -> Json:
    row = request.tenant.numbers.rows.get(told["telephoneNumber"])
    if row is None:
        raise not_found("The telephone number does not exist.")
    if told.get("numberType") not in {None, row["numberType"]}:
        raise bad_request(f"The telephone number is of the type {row['numberType']}.")
    return row


def _assign(request: GraphRequest) -> Response:
    shape = {
        "telephoneNumber": text,
        "assignmentTargetId": text,
        "numberType": TYPE,
        "assignmentCategory": CATEGORY,
        "locationId": text,
    }
    told = members(request.body, shape, needs=("telephoneNumber", "assignmentTargetId"))
    row = _number(request, told)
    if row["assignmentTargetId"] is not None:
        raise conflict("The telephone number is assigned already.")
    target, status = _target(request, told["assignmentTargetId"])
    row |= {
        "assignmentTargetId": target,
        "assignmentStatus": status,
        "assignmentCategory": told.get("assignmentCategory") or "primary",
    }
    return _ordered(request, row)


def _target(request: GraphRequest, key: str) -> tuple[str, str]:
    for account in request.tenant.settings.resource_accounts:
        if account.id == key.lower():
            if not account.is_licensed:
                raise bad_request("The resource account has no Teams Phone licence.")
            return account.id, "voiceApplicationAssigned"
    return request.tenant.directory.find(key).id, "userAssigned"


def _unassign(request: GraphRequest) -> Response:
    shape = {"telephoneNumber": text, "numberType": TYPE}
    row = _number(request, members(request.body, shape, needs=("telephoneNumber",)))
    if row["assignmentTargetId"] is None:
        raise conflict("The telephone number is not assigned.")
    row |= {
        "assignmentTargetId": None,
        "assignmentStatus": "unassigned",
        "assignmentCategory": None,
    }
    return _ordered(request, row)


def _ordered(request: GraphRequest, row: Json) -> Response:
    """Answer 202 with the place of the operation."""
    numbers = request.tenant.numbers
    key = request.tenant.ids.guid("number operation")
    base = request.place.base_url + BASE
    number = {
        "resourceLocation": f"{base}/numberAssignments/{row['id']}",
        "status": "running",
        "statusDetail": None,
    }
    numbers.operations[key] = {
        "id": key,
        "createdDateTime": iso(request.now),
        "status": "running",
        "numbers": [number],
    }
    numbers.done_at[key] = request.now + TAKES_NS
    while len(numbers.operations) > MOST_OPERATIONS:
        oldest = next(iter(numbers.operations))
        del numbers.operations[oldest], numbers.done_at[oldest]
    return nothing(202, location=f"{base}/operations/{key}")


def _settled(request: GraphRequest, key: str) -> Json:
    row = request.tenant.numbers.operations[key]
    if request.now >= request.tenant.numbers.done_at[key]:
        row["status"] = "succeeded"
        for number in row["numbers"]:
            number["status"] = "succeeded"
    return row


def _operations(request: GraphRequest) -> Response:
    rows = [_settled(request, key) for key in request.tenant.numbers.operations]
    return answer(collection(rows, request.place, "operations", PageRule(100, 1000)))


def _operation(request: GraphRequest) -> Response:
    key = request.params["id"].lower()
    if key not in request.tenant.numbers.operations:
        raise not_found("The operation does not exist.")
    return answer(entity(_settled(request, key), request.place, "operations/$entity"))


# ---- users and policies


def _configuration(request: GraphRequest, user_id: str, upn: str, kind: str) -> Json:
    numbers = request.tenant.numbers
    held = numbers.number_of(user_id)
    policies = [
        {
            "policyType": policy_type,
            "policyAssignment": {
                "policyId": policy_id,
                "displayName": policy_id,
                "assignmentType": "direct",
                "groupId": None,
            },
        }
        for (owner, policy_type), policy_id in numbers.policies.items()
        if owner == user_id
    ]
    created_at = request.tenant.directory.created_at
    return {
        "id": user_id,
        "userPrincipalName": upn,
        "tenantId": request.tenant.id,
        "accountType": kind,
        "isEnterpriseVoiceEnabled": bool(held),
        "featureTypes": ["Teams", "PhoneSystem"] if held else ["Teams"],
        "telephoneNumbers": held,
        "effectivePolicyAssignments": policies,
        "createdDateTime": created_at,
        "modifiedDateTime": created_at,
    }


def _configurations(request: GraphRequest) -> list[Json]:
    people = request.tenant.directory.people.values()
    accounts = request.tenant.settings.resource_accounts
    return [_configuration(request, p.id, p.upn, "user") for p in people] + [
        _configuration(request, a.id, a.upn, "resourceAccount") for a in accounts
    ]


def _users(request: GraphRequest) -> Response:
    rows = _configurations(request)
    return answer(collection(rows, request.place, "userConfigurations", PageRule(100, 1000)))


def _user(request: GraphRequest) -> Response:
    wanted = request.params["user"].lower()
    for row in _configurations(request):
        if wanted in {row["id"], row["userPrincipalName"].lower()}:
            return answer(entity(row, request.place, "userConfigurations/$entity"))
    raise not_found("The user configuration does not exist.")


def _assignments(request: GraphRequest) -> Response:
    rows = [
        {
            "id": named_guid(user_id, policy_type),
            "userId": user_id,
            "policyType": policy_type,
            "policyId": policy,
        }
        for (user_id, policy_type), policy in request.tenant.numbers.policies.items()
    ]
    return answer(collection(rows, request.place, "userAssignments", PageRule(100, 1000)))


_ASSIGNMENT = {"userId": text, "policyType": text, "policyId": text}


def _told_assignments(request: GraphRequest, *needs: str) -> list[Json]:
    reader = listed(nested(_ASSIGNMENT, needs=needs))
    told = members(request.body, {"value": reader}, needs=("value",))["value"]
    for row in told:
        row["userId"] = request.tenant.directory.find(row["userId"]).id
    return list(told)


def _assign_policies(request: GraphRequest) -> Response:
    for row in _told_assignments(request, "userId", "policyType", "policyId"):
        request.tenant.numbers.policies[row["userId"], row["policyType"]] = row["policyId"]
    return nothing()


def _unassign_policies(request: GraphRequest) -> Response:
    for row in _told_assignments(request, "userId", "policyType"):
        request.tenant.numbers.policies.pop((row["userId"], row["policyType"]), None)
    return nothing()


def _policy_id(request: GraphRequest) -> Response:
    kind, name = (request.params[key].strip("'") for key in ("type", "name"))
    key = named_guid(request.tenant.id, f"{kind}/{name}")
    row = {"id": key, "name": name, "policyId": key}
    return answer(collection([row], request.place, "getPolicyId", PageRule()))
