# SPDX-License-Identifier: Apache-2.0
"""Users and groups of one tenant, as Graph shows them.

A user is found by object id or by user principal name. What is not asked for by ``$select`` is
the short set of members that Graph returns by default ("List users").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.errors import no_such_user

if TYPE_CHECKING:
    from centralino.simulators.graph.scenario import Group, Person, Tenant

Json = dict[str, Any]

USER_MEMBERS = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What a user is shown with when nothing is selected."""

TEAMS_PHONE_SKU = "e43b5b99-8dfb-405f-9987-dc307f34bcbd"
TEAMS_SKU = "57ff2da0-773e-42df-b2af-ffb7a2317929"


class Directory:
    """Who and what there is in a tenant."""

    def __init__(self, tenant: Tenant, created_at: str) -> None:
        self._tenant = tenant
        self.created_at = created_at
        self.people: dict[str, Person] = {person.id: person for person in tenant.people}
        self.groups: dict[str, Group] = {group.id: group for group in tenant.groups}
        self._by_upn = {person.upn.lower(): person for person in tenant.people}

    def find(self, key: str) -> Person:
        """Return a person by object id or user principal name.

        Raises:
            GraphError: 404.
        """
        found = self.people.get(key.lower()) or self._by_upn.get(key.lower())
        if found is None:
            raise no_such_user(key)
        return found

    def group(self, key: str) -> Group:
        """Return a group by object id.

        Raises:
            GraphError: 404.
        """
        found = self.groups.get(key.lower())
        if found is None:
            raise no_such_user(key)
        return found

    def team(self, key: str) -> Group:
        """Return a group that is a team.

        Raises:
            GraphError: 404.
        """
        found = self.group(key)
        if not found.is_team:
            raise no_such_user(key)
        return found

    def by_number(self, number: str) -> Person | None:
        """Return who has a telephone number."""
        return next((p for p in self.people.values() if p.number and p.number == number), None)

    def user_rows(self) -> list[Json]:
        """Return all users in full, by name."""
        ordered = sorted(self.people.values(), key=lambda person: (person.name, person.id))
        return [self.user(person) for person in ordered]

    def group_rows(self) -> list[Json]:
        """Return all groups, by name."""
        ordered = sorted(self.groups.values(), key=lambda group: (group.name, group.id))
        return [self.group_row(group) for group in ordered]

    def user(self, person: Person) -> Json:
        """Return a user in full."""
        given, _, family = person.name.partition(" ")
        skus = (TEAMS_SKU, TEAMS_PHONE_SKU) if person.number else (TEAMS_SKU,)
        return {
            "id": person.id,
            "displayName": person.name,
            "givenName": given,
            "surname": family,
            "mail": person.upn,
            "userPrincipalName": person.upn,
            "jobTitle": person.job_title or None,
            "department": person.department or None,
            "businessPhones": [person.number] if person.number else [],
            "mobilePhone": person.mobile or None,
            "officeLocation": None,
            "preferredLanguage": person.language,
            "accountEnabled": person.is_enabled,
            "userType": "Guest" if person.is_guest else "Member",
            "companyName": self._tenant.name,
            "createdDateTime": self.created_at,
            "imAddresses": [person.upn],
            "usageLocation": "IT",
            "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in skus],
        }

    def group_row(self, group: Group) -> Json:
        """Return a group."""
        return {
            "id": group.id,
            "displayName": group.name,
            "description": group.description or None,
            "createdDateTime": self.created_at,
            "groupTypes": ["Unified"] if group.is_team else [],
            "mail": f"{_nickname(group.name)}@{self._tenant.domain}" if group.is_team else None,
            "mailEnabled": group.is_team,
            "mailNickname": _nickname(group.name),
            "securityEnabled": not group.is_team,
            "visibility": "Private",
        }

    def members(self, group: Group) -> list[Json]:
        """Return the direct members as directory objects."""
        rows = []
        for key in group.members:
            if key in self.people:
                row = _short(self.user(self.people[key]))
                rows.append({"@odata.type": "#microsoft.graph.user", **row})
            elif key in self.groups:
                row = self.group_row(self.groups[key])
                rows.append({"@odata.type": "#microsoft.graph.group", **row})
        return rows

    def transitive_members(self, group: Group) -> list[Json]:
        """Return direct and indirect members, each once."""
        found: dict[str, Json] = {}
        waiting, seen = [group], {group.id}
        while waiting:
            for row in self.members(waiting.pop(0)):
                found.setdefault(row["id"], row)
                inner = self.groups.get(row["id"])
                if inner is not None and inner.id not in seen:
                    seen.add(inner.id)
                    waiting.append(inner)
        return list(found.values())

    def groups_of(self, person: Person) -> list[Json]:
        """Return the groups that somebody is a direct member of."""
        mine = (group for group in self.groups.values() if person.id in group.members)
        return [{"@odata.type": "#microsoft.graph.group", **self.group_row(g)} for g in mine]

    def is_member(self, person: Person, group_id: str) -> bool:
        """Tell whether somebody is a direct or indirect member."""
        group = self.groups.get(group_id.lower())
        if group is None:
            return False
        return any(row["id"] == person.id for row in self.transitive_members(group))

    def colleagues(self, person: Person) -> list[Json]:
        """Return others as ``person`` resources, the nearest first: same department, then name."""

        def distance(other: Person) -> tuple[bool, str]:
            return other.department != person.department, other.name

        others = (other for other in self.people.values() if other is not person)
        return [
            self._colleague(other, rank) for rank, other in enumerate(sorted(others, key=distance))
        ]

    def _colleague(self, other: Person, rank: int) -> Json:
        given, _, family = other.name.partition(" ")
        address = {"address": other.upn, "relevanceScore": float(max(1, 30 - rank))}
        return {
            "id": other.id,
            "displayName": other.name,
            "givenName": given,
            "surname": family,
            "birthday": "",
            "companyName": self._tenant.name,
            "department": other.department or None,
            "imAddress": f"sip:{other.upn}",
            "isFavorite": False,
            "jobTitle": other.job_title or None,
            "officeLocation": None,
            "personNotes": "",
            "personType": {"class": "Person", "subclass": "OrganizationUser"},
            "phones": [{"type": "business", "number": other.number}] if other.number else [],
            "postalAddresses": [],
            "profession": "",
            "scoredEmailAddresses": [address],
            "userPrincipalName": other.upn,
            "websites": [],
            "yomiCompany": "",
        }


def by_default(rows: Iterable[Json], selects: Sequence[str]) -> list[Json]:
    """Return users with what Graph shows by default, or in full when something is selected."""
    return list(rows) if selects else [_short(row) for row in rows]


def _short(row: Json) -> Json:
    return {name: row[name] for name in USER_MEMBERS}


def _nickname(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
