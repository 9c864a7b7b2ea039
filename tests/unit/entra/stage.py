# SPDX-License-Identifier: Apache-2.0
"""Our token verification over keys and tokens of the simulated Entra, without a socket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec

from centralino.adapters.entra.keys import KeyCache
from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.entra.tenants import OnboardedTenants
from centralino.adapters.entra.tokens import EntraTokens
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.instant import SECOND
from centralino.simulators.entra.description import TEAMS_CLIENTS, Application
from centralino.simulators.entra.directory import Directory
from centralino.simulators.entra.keys import KeyRing
from centralino.simulators.entra.mint import Subject, TokenMint
from centralino.simulators.http.clock import SteppedClock
from centralino.simulators.http.ids import SeededIds
from tests.kit import entra as kit

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.exchange.tokens import Principal
    from centralino.simulators.entra.mint import Defect

AUTHORITY = "https://login.example"
TEAMS = Application(client_id=TEAMS_CLIENTS[1], name="Teams", is_public=True)


class StageClock:
    """Implements ``ClockPort`` on the stage's time."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        return int(self._clock.utc() * SECOND)

    def utc(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return int(self._clock.utc() * SECOND)


class TokenStage:
    """The service's mint and our verification, on one clock."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.time = SteppedClock()
        self.clock = StageClock(self.time)
        self.ring = KeyRing(kit.lent_keys())
        self.mint = TokenMint(
            self.ring,
            self.time,
            SeededIds(1),
            base_url=lambda: AUTHORITY,
            v1_issuer="https://sts.windows.net",
        )
        self.directory = Directory(kit.scenario())
        self.is_away = False
        settings = EntraSettings(
            client_id=kit.CLIENT_ID,
            authority=AUTHORITY,
            application_uris=(kit.URI,),
            tenants=(OnboardedTenant(directory=kit.TENANT_ID, tenant="first"),),
        )
        self.settings = msgspec.structs.replace(settings, **changes)
        self.keys = KeyCache(self._fetch, self.settings, self.clock)
        self.tenants = OnboardedTenants(self.settings, folder / "onboarded.jsonl")
        self.tokens = EntraTokens(self.settings, self.keys, self.tenants, self.clock)

    async def _fetch(self) -> bytes:
        if self.is_away:
            raise RemoteUnavailable("entra", "keys")
        return json.dumps(self.ring.document()).encode()

    def tab_token(
        self, defect: Defect | None = None, person: str = kit.ANNA, *, tenant: int = 0
    ) -> str:
        """Return what Teams gives a tab of ours."""
        found = self.directory.tenants[tenant]
        who = found.person(person)
        assert who is not None
        application = kit.application()
        roles = self.directory.roles_of(found, who, application)
        subject = Subject(
            found, TEAMS, application, kit.URI, who, ("access_as_user",), roles or ("Agent",)
        )
        return self.mint.access_token(subject, defect)

    def daemon_token(self, roles: tuple[str, ...] = ("Supervisor",), **changes: object) -> str:
        """Return what a program gets for our API by client credentials."""
        application = kit.application(**changes)
        daemon = self.directory.application(kit.DAEMON_ID)
        assert daemon is not None
        subject = Subject(self.directory.tenants[0], daemon, application, kit.URI, roles=roles)
        return self.mint.access_token(subject)

    def verify(self, token: str) -> Principal:
        """Return who is behind a token."""
        return asyncio.run(self.tokens.verify(token))
