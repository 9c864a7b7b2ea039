# SPDX-License-Identifier: Apache-2.0
"""App roles of the registration and the roles of ours that they mean.

The values are what the registration declares (``appRoles[].value``); each may be assigned to
people, groups and applications. A value that is not listed means nothing here.
"""

from __future__ import annotations

from centralino.exchange.tokens import Role

APP_ROLES: dict[str, Role] = {
    "Agent": Role.AGENT,
    "Expert": Role.EXPERT,
    "TeamLead": Role.TEAM_LEAD,
    "Supervisor": Role.SUPERVISOR,
    "QualityAnalyst": Role.QUALITY_ANALYST,
    "Planner": Role.PLANNER,
    "FlowDesigner": Role.FLOW_DESIGNER,
    "TenantAdmin": Role.TENANT_ADMIN,
    "Auditor": Role.AUDITOR,
    "PartnerAdmin": Role.PARTNER_ADMIN,
}


def roles_of(values: object) -> frozenset[Role]:
    """Return our roles of a ``roles`` claim; what is no list of known values gives none.

    >>> sorted(roles_of(["Agent", "Unknown"]))
    [<Role.AGENT: 'agent'>]
    """
    if not isinstance(values, list):
        return frozenset()
    known = (APP_ROLES.get(value) for value in values if isinstance(value, str))
    return frozenset(role for role in known if role is not None)
