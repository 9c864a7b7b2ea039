# SPDX-License-Identifier: Apache-2.0
"""Who and what there is, and what was consented to: look-ups over a scenario, and the grants.

A grant is what a tenant's admin (or the person, for harmless scopes) allowed one client on
one resource. The scenario is never changed; grants are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.simulators.entra.description import GRAPH, GRAPH_ID, Application

if TYPE_CHECKING:
    from centralino.simulators.entra.description import EntraScenario, Permission, Person, Tenant

SIGN_IN_SCOPES = ("openid", "profile", "email", "offline_access")
ANY_TENANT = ("common", "organizations")
_USER_MAY_CONSENT = frozenset({*SIGN_IN_SCOPES, "User.Read"})


@dataclass(slots=True)
class Grant:
    """What a client may do with a resource in one tenant."""

    scopes: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)


class Directory:
    """All tenants of the simulated service."""

    def __init__(self, scenario: EntraScenario) -> None:
        """Take a scenario, and the consents that it begins with."""
        self.tenants = scenario.tenants
        self.applications = (GRAPH, *scenario.applications)
        self._grants: dict[tuple[str, str, str], Grant] = {}
        self._principals: set[tuple[str, str]] = set()
        for tenant in scenario.tenants:
            for client_id in tenant.consents:
                application = self.application(client_id)
                if application is not None:
                    self.consent(tenant, application)

    def tenant(self, name: str) -> Tenant | None:
        """Return a tenant by GUID or domain, in any case."""
        wanted = name.lower()
        found = (one for one in self.tenants if wanted in {one.id.lower(), one.domain.lower()})
        return next(found, None)

    def application(self, client_id: str) -> Application | None:
        """Return an application by client id, in any case."""
        wanted = client_id.lower()
        return next((one for one in self.applications if one.client_id.lower() == wanted), None)

    def resource(self, name: str) -> Application | None:
        """Return an application by identifier URI or client id."""
        wanted = name.rstrip("/")
        for application in self.applications:
            if wanted in application.identifier_uris or wanted == application.client_id:
                return application
        return None

    def is_known_in(self, tenant: Tenant, application: Application) -> bool:
        """Whether a tenant has a service principal of an application."""
        is_home = application.home_tenant.lower() == tenant.id.lower()
        is_graph = application.client_id == GRAPH_ID
        return is_home or is_graph or (tenant.id, application.client_id) in self._principals

    def consent(
        self, tenant: Tenant, application: Application, wants: tuple[Permission, ...] | None = None
    ) -> None:
        """Record an admin's consent to all that an application wants, or to less."""
        self._principals.add((tenant.id, application.client_id))
        for permission in application.wants if wants is None else wants:
            grant = self._grant(tenant, application, permission.resource)
            grant.scopes.update(permission.scopes)
            grant.roles.update(permission.roles)

    def withdraw(self, tenant: Tenant, application: Application) -> None:
        """Remove an application from a tenant, with all its grants."""
        self._principals.discard((tenant.id, application.client_id))
        for key in list(self._grants):
            if key[:2] == (tenant.id, application.client_id):
                del self._grants[key]

    def granted_scopes(
        self, tenant: Tenant, client: Application, resource: Application
    ) -> frozenset[str]:
        """Return the delegated permissions that a client has, without the sign-in ones."""
        grant = self._grants.get((tenant.id, client.client_id, resource.client_id), Grant())
        found = set(grant.scopes)
        if client.client_id in resource.pre_authorized or client is resource:
            found.update(resource.scopes)
        return frozenset(found)

    def granted_roles(
        self, tenant: Tenant, client: Application, resource: Application
    ) -> tuple[str, ...]:
        """Return the application permissions that a client has."""
        grant = self._grants.get((tenant.id, client.client_id, resource.client_id), Grant())
        return tuple(sorted(grant.roles))

    def user_consents(
        self, tenant: Tenant, client: Application, resource: Application, scopes: tuple[str, ...]
    ) -> bool:
        """Let a person consent for himself where he may; whether all is granted then."""
        own = {scope for scope in scopes if scope in _USER_MAY_CONSENT}
        if own - set(SIGN_IN_SCOPES):
            self._grant(tenant, client, resource.client_id).scopes.update(own)
        wanted = set(scopes) - set(SIGN_IN_SCOPES)
        return wanted <= self.granted_scopes(tenant, client, resource)

    def roles_of(self, tenant: Tenant, person: Person, resource: Application) -> tuple[str, ...]:
        """Return the app roles of a person, his own and those of his groups, sorted."""
        found = set(person.roles.get(resource.client_id, ()))
        for group in tenant.groups:
            if group.id in person.groups:
                found.update(group.roles.get(resource.client_id, ()))
        return tuple(sorted(found))

    def _grant(self, tenant: Tenant, client: Application, resource: str) -> Grant:
        key = (tenant.id, client.client_id, resource)
        return self._grants.setdefault(key, Grant())
