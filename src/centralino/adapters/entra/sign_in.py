# SPDX-License-Identifier: Apache-2.0
"""A browser signs in: authorization code with PKCE, and a sealed session at the end.

What a sign-in needs to be finished (state, nonce, verifier) travels in a sealed cookie, so
that any edge process can finish what another began. The state must be the one in the cookie,
which makes a forged callback worthless; each is taken once. The id token is verified like any
other token, by our own keys, beside what Microsoft's library checks. Sources: RFC 6749 10.12,
RFC 7636, RFC 9700; Microsoft "OAuth 2.0 authorization code flow".
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import structlog

from centralino.adapters.entra.sealing import Seal, SealBroken
from centralino.adapters.entra.used import UsedOnce
from centralino.adapters.entra.validation import Refused, is_guest, proven
from centralino.core.kernel.errors import NotAllowed, RemoteRejected
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import DirectoryId
from centralino.exchange.sign_in import (
    Begun,
    ConsentNeeded,
    InteractionNeeded,
    Session,
    SignedIn,
    SignInFailed,
)
from centralino.exchange.tokens import Principal, Role, TokenRefused

if TYPE_CHECKING:
    from centralino.adapters.entra.client import EntraClient
    from centralino.adapters.entra.onboarding import Onboardings
    from centralino.adapters.entra.tokens import EntraTokens
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

BEGUN_FOR_S = 600
"""How long a sign-in may take; a code is good for as long."""
ANY_ORGANISATION = "organizations"
_BEGUN, _SESSION = "sign-in", "session"
_SCOPE = "openid profile"
_ACCOUNT_SCOPE = "openid profile offline_access https://graph.microsoft.com/Presence.Read.All"
"""Of the one account whose presence subscription is used."""
_LANGUAGES = ("en", "it")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps for us while it is away."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    directory: str
    to: str
    invitation: str = ""
    """Of an onboarding that this sign-in finishes."""
    binds_account: bool = False
    """The product may act for this account from then on."""

    @property
    def scope(self) -> str:
        """What is asked for."""
        return _ACCOUNT_SCOPE if self.binds_account else _SCOPE


@dataclass(frozen=True, slots=True)
class BoundAccount:
    """The account that may be bound, and who keeps its refresh token."""

    id: str
    """Object id; nobody else's is taken."""
    bind: Callable[[DirectoryId, str, str], None]


class SealedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the browser keeps it."""

    subject: str
    tenant: str
    roles: tuple[str, ...]
    name: str
    ends_at: int


class EntraSignIn:
    """Implements ``SignInPort``."""

    def __init__(
        self,
        client: EntraClient,
        tokens: EntraTokens,
        onboardings: Onboardings,
        seal: Seal,
        clock: ClockPort,
        account: BoundAccount | None = None,
    ) -> None:
        """Take our registration, what verifies, who is onboarded, the seal, the time.

        ``account`` may be bound; without it none may.
        """
        self._account = account
        self._client = client
        self._settings = client.settings
        self._tokens = tokens
        self._onboardings = onboardings
        self._seal = seal
        self._clock = clock
        self._used = UsedOnce(BEGUN_FOR_S * SECOND, clock.now)

    def begin(
        self, redirect_uri: str, *, to: str = "/", language: str = "", binds_account: bool = False
    ) -> Begun:
        """Begin a sign-in of anybody, or of the account that is to be bound."""
        if binds_account and self._account is None:
            raise NotAllowed("no account is named in graph.presence.account")
        return self._begin(
            Flow(
                state=secrets.token_urlsafe(24),
                nonce=secrets.token_urlsafe(24),
                verifier=secrets.token_urlsafe(48),
                redirect_uri=redirect_uri,
                directory=ANY_ORGANISATION,
                to=own_path(to),
                binds_account=binds_account,
            ),
            language,
        )

    def begin_for(self, directory: str, invitation: str, redirect_uri: str) -> Begun:
        """Begin the sign-in that finishes an onboarding."""
        return self._begin(
            Flow(
                state=secrets.token_urlsafe(24),
                nonce=secrets.token_urlsafe(24),
                verifier=secrets.token_urlsafe(48),
                redirect_uri=redirect_uri,
                directory=directory,
                to="/",
                invitation=invitation,
            ),
            "",
        )

    def _begin(self, flow: Flow, language: str) -> Begun:
        query = {
            "client_id": self._settings.client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": flow.redirect_uri,
            "scope": flow.scope,
            "state": flow.state,
            # The library compares the hash; so the nonce itself stays with us.
            "nonce": hashlib.sha256(flow.nonce.encode()).hexdigest(),
            "code_challenge": challenge_of(flow.verifier),
            "code_challenge_method": "S256",
        }
        if language in _LANGUAGES:
            query["ui_locales"] = language
        base = self._settings.pages.rstrip("/")
        url = f"{base}/{flow.directory}/oauth2/v2.0/authorize?{urlencode(query)}"
        return Begun(url, self._seal.seal(_BEGUN, flow), BEGUN_FOR_S)

    async def finish(self, query: Mapping[str, str], cookie: str) -> SignedIn:
        """Finish a sign-in with what the browser brought back."""
        flow = self._flow(query, cookie)
        if query.get("error"):
            log.info("entra.sign_in_refused", code=query["error"][:60])
            raise SignInFailed("the sign-in service did not let you in")
        claims, refresh_token = await self._identify(flow, query)
        directory = str(claims.get("tid", "")).lower()
        if flow.invitation:
            self._onboardings.finish(flow.invitation, directory, claims)
        tenant = self._onboardings.tenants.current().get(directory)
        if tenant is None:
            log.info("entra.sign_in_refused", code="tenant")
            raise NotAllowed("your organisation is not served here")
        if is_guest(claims) and not self._settings.admits_guests:
            raise NotAllowed("guests are not admitted")
        if flow.binds_account:
            self._bind(directory, str(claims.get("oid", "")).lower(), refresh_token)
        found = proven(claims, tenant)
        life_s = int(self._settings.session_for_h * 3600)
        ends_at = self._clock.utc() + life_s * SECOND
        session = Session(found.principal, found.name, ends_at)
        sealed = SealedSession(
            subject=found.principal.subject,
            tenant=found.principal.tenant,
            roles=tuple(sorted(found.principal.roles)),
            name=found.name[:200],
            ends_at=ends_at,
        )
        log.info("entra.signed_in", tenant=tenant, subject=found.principal.subject)
        return SignedIn(session, self._seal.seal(_SESSION, sealed), life_s, flow.to)

    def _bind(self, directory: str, account: str, refresh_token: str) -> None:
        """Keep the refresh token of the one account that is named in the settings."""
        if self._account is None or account != self._account.id.lower():
            raise NotAllowed("only the account of graph.presence.account can be bound")
        if not refresh_token:
            raise SignInFailed("the sign-in service gave no refresh token")
        self._account.bind(DirectoryId(directory), account, refresh_token)
        log.info("entra.account_bound")

    def read(self, cookie: str) -> Session:
        """Return a session."""
        longest_s = 24 * 3600
        try:
            sealed = self._seal.open(_SESSION, cookie, SealedSession, longest_s)
        except SealBroken:
            raise TokenRefused("you are not signed in") from None
        if sealed.ends_at <= self._clock.utc():
            raise TokenRefused("your session is over; sign in again")
        roles = frozenset(Role(role) for role in sealed.roles)
        principal = Principal(sealed.subject, TenantId(sealed.tenant), roles)
        return Session(principal, sealed.name, sealed.ends_at)

    def _flow(self, query: Mapping[str, str], cookie: str) -> Flow:
        """Return the sign-in that this browser began; it is used up."""
        try:
            flow = self._seal.open(_BEGUN, cookie, Flow, BEGUN_FOR_S)
        except SealBroken:
            raise SignInFailed("this sign-in was not begun here, or took too long") from None
        if not secrets.compare_digest(flow.state.encode(), query.get("state", "").encode()):
            raise SignInFailed("this answer belongs to another sign-in")
        if not self._used.take(flow.state):
            raise SignInFailed("this sign-in was finished before")
        return flow

    async def _identify(
        self, flow: Flow, query: Mapping[str, str]
    ) -> tuple[Mapping[str, object], str]:
        """Redeem the code; return what the verified id token says, and the refresh token."""
        asked = {
            "state": flow.state,
            "nonce": flow.nonce,
            "code_verifier": flow.verifier,
            "redirect_uri": flow.redirect_uri,
            "scope": flow.scope.split(),
        }
        response = {"code": query.get("code", ""), "state": flow.state}
        try:
            answer = await self._client.redeem(flow.directory, asked, response)
        except (ConsentNeeded, InteractionNeeded, RemoteRejected) as error:
            log.info("entra.sign_in_refused", code=error.code)
            raise SignInFailed("the sign-in service did not accept the answer") from error
        try:
            claims = await self._tokens.claims(str(answer.get("id_token", "")))
            self._require_id_token(claims, flow)
        except Refused as refused:
            log.warning("entra.id_token_refused", reasons=list(refused.reasons))
            raise SignInFailed("the sign-in service's answer cannot be believed") from None
        refresh_token = answer.get("refresh_token")
        return claims, refresh_token if isinstance(refresh_token, str) else ""

    def _require_id_token(self, claims: Mapping[str, object], flow: Flow) -> None:
        """Judge an id token whose signature is good (OpenID Connect Core 3.1.3.7)."""
        tid = str(claims.get("tid", ""))
        now_s, leeway_s = self._clock.utc() // SECOND, self._settings.leeway_s
        ends_at = claims.get("exp")
        checks = {
            "issuer": claims.get("iss") == f"{self._settings.authority.rstrip('/')}/{tid}/v2.0",
            "audience": claims.get("aud") == self._settings.client_id,
            "expired": isinstance(ends_at, int) and ends_at > now_s - leeway_s,
            "nonce": claims.get("nonce") == hashlib.sha256(flow.nonce.encode()).hexdigest(),
            "tenant": bool(tid) and flow.directory in {ANY_ORGANISATION, tid.lower()},
            "object": bool(claims.get("oid")),
        }
        wrong = tuple(name for name, is_good in checks.items() if not is_good)
        if wrong:
            raise Refused(*wrong)


def own_path(to: str) -> str:
    """Return a path of ours, never the address of somebody else.

    >>> own_path("/desk?x=1"), own_path("//evil.example"), own_path("https://evil.example")
    ('/desk?x=1', '/', '/')
    """
    is_own = to.startswith("/") and not to.startswith(("//", "/\\"))
    is_plain = to.isascii() and to.isprintable() and len(to) <= 500 and "\\" not in to
    return to if is_own and is_plain else "/"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
