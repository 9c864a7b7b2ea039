# SPDX-License-Identifier: Apache-2.0
"""What all parts that speak with Microsoft's cloud need: whose directory, and a token for it.

Access tokens are for services (Graph); who signs in here is the matter of ``tokens``. A
token is never logged and never part of an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NewType, Protocol

DirectoryId = NewType("DirectoryId", str)
"""A Microsoft Entra tenant, its GUID in lower case."""

PersonId = NewType("PersonId", str)
"""A user's object id in his directory, a GUID in lower case."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for a service."""

    value: str = field(repr=False)
    expires_at: int
    """UTC nanoseconds."""


class AccessTokenPort(Protocol):
    """Hands out access tokens; keeps them until shortly before they expire.

    Waits at most its configured time-out; concurrent callers share one request.
    """

    async def fetch(self, directory: DirectoryId, *, account: str = "") -> AccessToken:
        """Return a token for Graph.

        Args:
            directory: whose data are to be reached.
            account: the delegated account that was bound, by its object id; empty for the
                application itself.

        Raises:
            RemoteAuthFailed: Entra refuses; the message says what is missing.
            RemoteUnavailable: Entra cannot be reached.
        """
        ...

    def forget(self, directory: DirectoryId, *, account: str = "") -> None:
        """Drop a token that a service has refused."""
        ...


class NotificationProofPort(Protocol):
    """Tells genuine deliveries of Microsoft's from forged ones."""

    async def is_genuine(self, tokens: Sequence[str], directory: DirectoryId) -> bool:
        """Tell whether a delivery's validation tokens prove it for an organisation.

        Raises:
            RemoteError: it cannot be told now.
        """
        ...
