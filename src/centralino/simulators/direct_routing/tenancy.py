# SPDX-License-Identifier: Apache-2.0
"""From a Contact host to a tenant, from a number to a user.

The order of look-ups is that of Microsoft "Configure a Session Border Controller for
multiple tenants" and "Direct Routing - SIP protocol": the full name, then the name
without its leftmost label. Via, From and To play no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.simulators.scenario import DirectRouting, TeamsUser, Tenant, TrunkSettings


@dataclass(frozen=True, slots=True)
class Directory:
    """Look-ups in the scenario's tenants."""

    settings: DirectRouting

    def tenant_of(self, host: str) -> Tenant | None:
        """Return the tenant that owns ``host`` or its parent domain."""
        name = host.lower()
        return self._owner(name) or self._owner(name.partition(".")[2])

    def _owner(self, domain: str) -> Tenant | None:
        for tenant in self.settings.tenants:
            if domain in (d.lower() for d in tenant.domains):
                return tenant
        return None

    def trunk_of(self, host: str) -> TrunkSettings | None:
        """Return the trunk object of ``host``, its own or the carrier trunk it derives from."""
        name = host.lower()
        for trunk in self.settings.trunks:
            if trunk.fqdn.lower() == name:
                return trunk
        parent = name.partition(".")[2]
        for trunk in self.settings.trunks:
            if trunk.is_carrier and trunk.fqdn.lower() == parent:
                return trunk
        return None

    @staticmethod
    def user_by_number(tenant: Tenant, number: str, extension: str = "") -> TeamsUser | None:
        """Return the user whose number (and extension, where he has one) matches."""
        for user in tenant.users:
            if user.number == number and user.extension == extension:
                return user
        return None

    @staticmethod
    def user_by_oid(tenant: Tenant, oid: str) -> TeamsUser | None:
        """Return the user with that object id."""
        return next((user for user in tenant.users if user.oid == oid), None)
