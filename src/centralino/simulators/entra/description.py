# SPDX-License-Identifier: Apache-2.0
"""Tenants, people, groups and application registrations, as data of a scenario.

Words are Entra's. Ids are GUIDs. Sources: Microsoft "Application and service principal
objects in Microsoft Entra ID", "Add app roles to your application and receive them in the
token", "Permissions and consent in the Microsoft identity platform".
"""

from __future__ import annotations

from typing import Literal

import msgspec

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
"""Application id of Microsoft Graph in every tenant."""
GRAPH_URI = "https://graph.microsoft.com"
CHANGE_TRACKING_ID = "0bf30f3b-4a52-48df-9a82-234910c4a086"
"""Publisher of change notifications, ``appid`` of validation tokens."""
TEAMS_CLIENTS = (
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
    "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
)
"""Teams on desktop and mobile, and Teams on the web."""

Member = Literal["User", "Application"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that refuse unknown keys."""


class Secret(Struct, frozen=True, kw_only=True):
    """A client secret."""

    value: str
    ends_at: float | None = None
    """Seconds since the Unix epoch; None never ends."""


class AppRole(Struct, frozen=True, kw_only=True):
    """A role that an application declares."""

    value: str
    name: str = ""
    allowed: tuple[Member, ...] = ("User",)


class Permission(Struct, frozen=True, kw_only=True):
    """What an application asks of a resource."""

    resource: str = GRAPH_ID
    scopes: tuple[str, ...] = ()
    """Delegated permissions."""
    roles: tuple[str, ...] = ()
    """Application permissions."""


class Application(Struct, frozen=True, kw_only=True):
    """An application registration."""

    client_id: str
    name: str
    home_tenant: str = ""
    is_multi_tenant: bool = True
    is_public: bool = False
    """A client without secret (mobile, desktop)."""
    requires_pkce: bool = True
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[str, ...] = ()
    """PEM of the certificates whose keys may sign client assertions."""
    redirect_uris: tuple[str, ...] = ()
    identifier_uris: tuple[str, ...] = ()
    """As a resource: ``api://...``."""
    token_version: Literal[1, 2] = 2
    """``requestedAccessTokenVersion``."""
    scopes: tuple[str, ...] = ()
    """Delegated permissions that it exposes; for Graph any."""
    roles: tuple[AppRole, ...] = ()
    pre_authorized: tuple[str, ...] = ()
    """Clients that need no consent for its scopes."""
    wants: tuple[Permission, ...] = ()
    """What an admin is asked to consent to."""

    def role(self, value: str) -> AppRole | None:
        """Return a declared role."""
        return next((role for role in self.roles if role.value == value), None)


class Group(Struct, frozen=True, kw_only=True):
    """A security group; nested groups are not expanded."""

    id: str
    name: str
    roles: dict[str, tuple[str, ...]] = {}
    """App roles assigned to the group: client id to values."""


class Person(Struct, frozen=True, kw_only=True):
    """A scripted person, plainly fictional."""

    oid: str
    upn: str
    name: str
    language: Literal["en", "it"] = "en"
    groups: tuple[str, ...] = ()
    """Ids of the groups that he is a direct member of."""
    roles: dict[str, tuple[str, ...]] = {}
    """App roles assigned to him: client id to values."""
    is_admin: bool = False
    """May consent for the tenant."""
    is_enabled: bool = True
    needs_mfa: bool = False
    """Conditional access asks him for a second factor before a resource is reached on his
    behalf."""
    home_tenant: str = ""
    """Of a guest: the tenant that he comes from."""


class Tenant(Struct, frozen=True, kw_only=True):
    """An organisation."""

    id: str
    domain: str
    name: str
    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    consents: tuple[str, ...] = ()
    """Client ids of applications that an admin has consented to, with all they want."""

    def person(self, oid_or_upn: str) -> Person | None:
        """Return a person by object id or user principal name, in any case."""
        wanted = oid_or_upn.lower()
        found = (one for one in self.people if wanted in {one.oid.lower(), one.upn.lower()})
        return next(found, None)

    def members(self, group: str) -> tuple[Person, ...]:
        """Return the direct members of a group."""
        return tuple(one for one in self.people if group in one.groups)


class EntraScenario(Struct, frozen=True, kw_only=True):
    """The simulated sign-in service."""

    address: str = "127.0.0.1"
    host: str = "localhost"
    """Name in its addresses and its certificate."""
    port: int = 8443
    page_port: int | None = None
    """A second port with the same over plain HTTP, for browsers that do not trust the
    certificate; tokens name the first one all the same. None: there is none."""
    certificate: str = ""
    """PEM file; the leaf and its intermediates."""
    private_key: str = ""
    tenants: tuple[Tenant, ...] = ()
    applications: tuple[Application, ...] = ()
    v1_issuer: str = "https://sts.windows.net"
    clock_skew_s: float = 0.0
    """How far the service's clock is ahead of ours."""


GRAPH = Application(
    client_id=GRAPH_ID,
    name="Microsoft Graph",
    identifier_uris=(GRAPH_URI,),
    token_version=1,
)
"""Known in every tenant; takes any permission by name."""
