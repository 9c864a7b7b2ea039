# SPDX-License-Identifier: Apache-2.0
"""Sign-in put together from the settings: verification, browsers, onboarding, tokens for Graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.adapters.entra.access import EntraAccess, EntraDelegation
from centralino.adapters.entra.client import EntraClient
from centralino.adapters.entra.keys import KeyCache
from centralino.adapters.entra.onboarding import EntraOnboarding, Onboardings
from centralino.adapters.entra.sealing import Seal
from centralino.adapters.entra.sign_in import BoundAccount, EntraSignIn
from centralino.adapters.entra.tenants import OnboardedTenants
from centralino.adapters.entra.tokens import EntraTokens, NoSignIn
from centralino.api.door import Doorkeeper
from centralino.core.kernel.errors import ConfigError

if TYPE_CHECKING:
    from centralino.bootstrap.layout import Layout
    from centralino.bootstrap.settings import Settings
    from centralino.exchange.control import ControlPort
    from centralino.exchange.directory import DirectoriesPort
    from centralino.exchange.ports import ClockPort


@dataclass(frozen=True, slots=True)
class SignInParts:
    """What signs people in."""

    client: EntraClient
    tokens: EntraTokens
    tenants: OnboardedTenants
    access: EntraAccess
    """Tokens for Graph."""
    sign_in: EntraSignIn
    onboarding: EntraOnboarding

    def doorkeeper(
        self, control: ControlPort, clock: ClockPort, directories: DirectoriesPort | None
    ) -> Doorkeeper:
        """Return who lets people in by these parts."""
        return Doorkeeper(
            self.tokens,
            control,
            clock,
            sign_in=self.sign_in,
            onboarding=self.onboarding,
            delegation=EntraDelegation(self.tokens, self.access),
            directories=directories,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()


def sign_in_parts(settings: Settings, layout: Layout, clock: ClockPort) -> SignInParts | None:
    """Return the parts; ``None`` where no sign-in is set up.

    Raises:
        ConfigError: a setting contradicts another, or a file cannot be read.
        StorageError: the record of organisations cannot be read.
    """
    entra = settings.entra
    if not entra.client_id:
        return None
    _require_known_tenants(settings)
    client = EntraClient(entra)
    tenants = OnboardedTenants(entra, layout.onboarded)
    tokens = EntraTokens(entra, KeyCache(client.fetch_keys, entra, clock), tenants, clock)
    seal = Seal.of_file(layout.session_key, clock.utc)
    onboardings = Onboardings(tenants, seal, clock)
    access = EntraAccess(client, clock, layout.accounts)
    named = settings.graph.presence.account
    account = BoundAccount(named, access.bind) if named else None
    sign_in = EntraSignIn(client, tokens, onboardings, seal, clock, account)
    return SignInParts(
        client,
        tokens,
        tenants,
        access,
        sign_in,
        EntraOnboarding(entra, onboardings, sign_in, seal, clock),
    )


def doorkeeper_of(
    parts: SignInParts | None,
    control: ControlPort,
    clock: ClockPort,
    directories: DirectoriesPort | None = None,
) -> Doorkeeper:
    """Return who lets people in; without sign-in he lets in nobody."""
    if parts is None:
        return Doorkeeper(NoSignIn(), control, clock)
    return parts.doorkeeper(control, clock, directories)


def _require_known_tenants(settings: Settings) -> None:
    known = {one.tenant for one in settings.tenants}
    for one in settings.entra.tenants:
        if one.tenant not in known:
            hint = f"one of: {', '.join(sorted(known))}"
            raise ConfigError("entra.tenants", f"there is no tenant {one.tenant!r}", hint)
