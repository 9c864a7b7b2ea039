# SPDX-License-Identifier: Apache-2.0
"""Who asks: an application, alone or on behalf of a user, and what it may.

A route names the permissions of which any one suffices, apart for applications (``roles``) and
on behalf of users (``scp``); what is not there is refused with a message that names it. Source:
Microsoft Graph permissions reference, and the permission tables of the pages of each operation.
"""

from __future__ import annotations

from dataclasses import dataclass

from centralino.simulators.graph.errors import forbidden


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token says is asking."""

    tenant_id: str
    app_id: str
    user_id: str = ""
    """Whom it acts for; empty for an application alone."""
    roles: frozenset[str] = frozenset()
    """Application permissions."""
    scopes: frozenset[str] = frozenset()
    """Delegated permissions."""
    app_name: str = ""

    @property
    def is_delegated(self) -> bool:
        """Whether it acts on behalf of a user."""
        return bool(self.user_id)

    @property
    def permissions(self) -> frozenset[str]:
        """What it may, of the kind that counts."""
        return self.scopes if self.is_delegated else self.roles


@dataclass(frozen=True, slots=True)
class Permission:
    """Any one of these; an empty side is not supported at all."""

    application: tuple[str, ...] = ()
    delegated: tuple[str, ...] = ()
    needs_none: bool = False
    """Any valid token will do."""

    def require(self, caller: Caller) -> None:
        """Let pass who has one of them.

        Raises:
            GraphError: 403, the message names what is missing.
        """
        if self.needs_none:
            return
        names = self.delegated if caller.is_delegated else self.application
        if not names:
            raise _unsupported(caller)
        if caller.permissions.isdisjoint(names):
            raise _missing(caller, names)


def both(*names: str) -> Permission:
    """Return a permission of the same names for applications and on behalf of users."""
    return Permission(names, names)


ANYBODY = Permission(needs_none=True)


def _unsupported(caller: Caller) -> Exception:
    context = "delegated" if caller.is_delegated else "application-only"
    return forbidden(f"Requested API is not supported in {context} context.")


def _missing(caller: Caller, names: tuple[str, ...]) -> Exception:
    kind, plural = ("scope", "Scopes") if caller.is_delegated else ("role", "Roles")
    there = ", ".join(sorted(caller.permissions))
    return forbidden(
        f"Missing {kind} permissions on the request. API requires one of '{', '.join(names)}'. "
        f"{plural} on the request '{there}'."
    )
