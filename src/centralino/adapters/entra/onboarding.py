# SPDX-License-Identifier: Apache-2.0
"""An organisation is taken in: invitation, consent of its administrator, sign-in, record.

The consent page sends the browser back with an organisation's id that nobody signed, so it
proves nothing. The administrator therefore signs in at that organisation at once, and the
verified id token says which one it is; only then is it recorded, for good. An invitation is
for one tenant of ours and is used once. Source: Microsoft "Admin consent on the Microsoft
identity platform".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import structlog

from centralino.adapters.entra.sealing import Seal, SealBroken
from centralino.adapters.entra.tenants import OnboardedTenants, Onboarding
from centralino.adapters.entra.used import UsedOnce
from centralino.adapters.entra.validation import is_guest
from centralino.core.kernel.errors import AlreadyExists, NotAllowed
from centralino.core.kernel.instant import SECOND
from centralino.exchange.sign_in import Begun, SignInFailed

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings
    from centralino.adapters.entra.sign_in import EntraSignIn
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

INVITED_FOR_S = 7 * 86_400
CONSENT_FOR_S = 3600
_INVITATION, _CONSENT = "invitation", "consent"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCOPE = "https://graph.microsoft.com/.default"


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody may become this tenant."""

    id: str
    tenant: str


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps while it is at the consent page."""

    state: str
    invitation: str
    """Sealed, as it came."""


class Onboardings:
    """Who was onboarded, and what an invitation leads to."""

    def __init__(self, tenants: OnboardedTenants, seal: Seal, clock: ClockPort) -> None:
        """Take the record, the seal, the time."""
        self.tenants = tenants
        self._seal = seal
        self._clock = clock

    def read(self, invitation: str) -> Invitation:
        """Return an invitation that may still be used.

        Raises:
            SignInFailed: it is not ours, over, or used.
        """
        try:
            found = self._seal.open(_INVITATION, invitation, Invitation, INVITED_FOR_S)
        except SealBroken:
            raise SignInFailed("this invitation is not valid, or older than a week") from None
        if self.tenants.is_used(found.id):
            raise SignInFailed("this invitation has been used")
        return found

    def invite(self, tenant: TenantId) -> str:
        """Return a new invitation."""
        return self._seal.seal(_INVITATION, Invitation(id=secrets.token_urlsafe(18), tenant=tenant))

    def finish(self, invitation: str, directory: str, claims: Mapping[str, object]) -> None:
        """Record the organisation of who has signed in.

        Raises:
            SignInFailed: the invitation cannot be used any more.
            NotAllowed: he is a guest there.
            StorageError: it cannot be written.
        """
        found = self.read(invitation)
        if is_guest(claims):
            raise NotAllowed("a guest cannot bring in the organisation that he visits")
        try:
            self.tenants.record(
                Onboarding(
                    directory=directory,
                    tenant=found.tenant,
                    invitation=found.id,
                    by=str(claims.get("oid", "")).lower(),
                    at=self._clock.utc(),
                )
            )
        except AlreadyExists as error:
            raise SignInFailed(error.message) from error
        log.info("entra.onboarded", tenant=found.tenant, directory=directory)


class EntraOnboarding:
    """Implements ``OnboardingPort``."""

    def __init__(
        self,
        settings: EntraSettings,
        onboardings: Onboardings,
        sign_in: EntraSignIn,
        seal: Seal,
        clock: ClockPort,
    ) -> None:
        """Take the settings, the record, the sign-in that finishes, the seal, the time."""
        self._settings = settings
        self._onboardings = onboardings
        self._sign_in = sign_in
        self._seal = seal
        self._used = UsedOnce(CONSENT_FOR_S * SECOND, clock.now)

    def invite(self, tenant: TenantId) -> str:
        """Return an invitation."""
        return self._onboardings.invite(tenant)

    def begin(self, invitation: str, redirect_uri: str) -> Begun:
        """Send an administrator to the consent page."""
        self._onboardings.read(invitation)
        consent = Consent(state=secrets.token_urlsafe(24), invitation=invitation)
        query = {
            "client_id": self._settings.client_id,
            "scope": _SCOPE,
            "redirect_uri": redirect_uri,
            "state": consent.state,
        }
        base = self._settings.pages.rstrip("/")
        url = f"{base}/organizations/v2.0/adminconsent?{urlencode(query)}"
        return Begun(url, self._seal.seal(_CONSENT, consent), CONSENT_FOR_S)

    def consented(self, query: Mapping[str, str], cookie: str, redirect_uri: str) -> Begun:
        """Take the consent's answer and send the administrator to sign in."""
        try:
            consent = self._seal.open(_CONSENT, cookie, Consent, CONSENT_FOR_S)
        except SealBroken:
            raise SignInFailed("this onboarding was not begun here, or took too long") from None
        if not secrets.compare_digest(consent.state.encode(), query.get("state", "").encode()):
            raise SignInFailed("this answer belongs to another onboarding")
        if not self._used.take(consent.state):
            raise SignInFailed("this answer was taken before")
        directory = query.get("tenant", "").lower()
        is_given = query.get("admin_consent", "").lower() == "true"
        if query.get("error") or not is_given or not _GUID.fullmatch(directory):
            raise SignInFailed("the administrator did not consent")
        self._onboardings.read(consent.invitation)
        return self._sign_in.begin_for(directory, consent.invitation, redirect_uri)
