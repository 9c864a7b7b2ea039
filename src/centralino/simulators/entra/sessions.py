# SPDX-License-Identifier: Apache-2.0
"""What the service remembers between two requests: codes, refresh tokens, open sign-ins.

A code is good once, for ten minutes. A refresh token is replaced at each use; the old one
stays good until it ends or is revoked, as with the real service. Every table is bounded: the
oldest entry makes room. Source: Microsoft "Refresh tokens in the Microsoft identity platform".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application, Person, Tenant
    from centralino.simulators.entra.scopes import ScopeRequest

CODE_LIFE_S = 600.0
REFRESH_LIFE_S = 90 * 86_400.0
OPEN_LIFE_S = 900.0
MOST_ENTRIES = 50_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UserGrant:
    """A person let a client act for him."""

    tenant: Tenant
    client: Application
    person: Person
    scope: ScopeRequest
    amr: tuple[str, ...] = ("pwd",)
    nonce: str = ""
    redirect_uri: str = ""
    challenge: str = ""
    granted_at: float = 0.0
    wants_client_info: bool = False
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class OpenSignIn:
    """An authorize request (or an admin consent) whose page is open."""

    kind: str
    """``authorize`` or ``consent``."""
    tenant: Tenant | None
    """None: whoever signs in brings his."""
    client: Application
    query: Mapping[str, str]
    redirect_uri: str
    scope: ScopeRequest | None = None
    person: Person | None = None
    """Who chose himself and must still prove a second factor."""
    person_tenant: Tenant | None = None


class Table(Generic[T]):
    """A bounded table whose entries end."""

    def __init__(self, life_s: float, now: Callable[[], float], most: int = MOST_ENTRIES) -> None:
        self._life_s = life_s
        self._now = now
        self._most = most
        self._entries: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def put(self, name: str, value: T) -> None:
        """Keep a value; the oldest makes room when the table is full."""
        self._entries[name] = (self._now(), value)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def change(self, name: str, value: T) -> None:
        """Replace a value; its age stays."""
        self._entries[name] = (self._entries[name][0], value)

    def get(self, name: str) -> T | None:
        """Return a value, ended or not."""
        found = self._entries.get(name)
        return None if found is None else found[1]

    def is_ended(self, name: str) -> bool:
        """Whether a value's life is over."""
        found = self._entries.get(name)
        return found is None or self._now() - found[0] >= self._life_s

    def take(self, name: str) -> T | None:
        """Return a living value and forget it."""
        is_ended = self.is_ended(name)
        found = self._entries.pop(name, None)
        return None if found is None or is_ended else found[1]


class Sessions:
    """All tables, and who was signed out."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.codes: Table[UserGrant] = Table(CODE_LIFE_S, now)
        self.refresh_tokens: Table[UserGrant] = Table(REFRESH_LIFE_S, now)
        self.open: Table[OpenSignIn] = Table(OPEN_LIFE_S, now)
        self.devices: Table[UserGrant | None] = Table(OPEN_LIFE_S, now)
        self.device_requests: dict[str, tuple[str, OpenSignIn]] = {}
        """User code to device code and what it asked for."""
        self._revoked_at: dict[str, float] = {}
        self._now = now

    def revoke(self, oid: str) -> None:
        """End everything that a person granted until now (Graph ``revokeSignInSessions``)."""
        self._revoked_at[oid] = self._now()

    def is_revoked(self, grant: UserGrant) -> bool:
        """Whether a grant was made before its person was signed out."""
        revoked_at = self._revoked_at.get(grant.person.oid)
        return revoked_at is not None and grant.granted_at <= revoked_at

    def use_code(self, code: str) -> None:
        """Mark a code as redeemed."""
        grant = self.codes.get(code)
        if grant is not None:
            self.codes.change(code, replace(grant, is_used=True))
