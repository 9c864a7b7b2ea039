# SPDX-License-Identifier: Apache-2.0
"""Who calls the API: what a token proves, as a port.

Adapters verify; the API only asks. A principal
belongs to one tenant, so whatever is done in his name is scoped to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from centralino.core.kernel.errors import AppError

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId


class Role(StrEnum):
    """What somebody is to his organisation."""

    AGENT = "agent"
    EXPERT = "expert"
    """An informal agent, brought in by skill and presence."""
    TEAM_LEAD = "team-lead"
    SUPERVISOR = "supervisor"
    QUALITY_ANALYST = "quality-analyst"
    PLANNER = "planner"
    FLOW_DESIGNER = "flow-designer"
    TENANT_ADMIN = "tenant-admin"
    AUDITOR = "auditor"
    PARTNER_ADMIN = "partner-admin"


class TokenRefused(AppError):
    """The token is missing, unknown, or no longer valid."""

    code = "token-refused"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is behind a token."""

    subject: str
    """Stable and opaque; fit for logs."""
    tenant: TenantId
    roles: frozenset[Role]


class TokenPort(Protocol):
    """Verifies bearer tokens."""

    async def verify(self, token: str) -> Principal:
        """Return who is behind a token.

        Raises:
            TokenRefused: nobody is; the message never repeats the token.
            RemoteUnavailable: it cannot be told now.
        """
        ...
