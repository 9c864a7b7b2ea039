# SPDX-License-Identifier: Apache-2.0
"""Tokens for Graph: of the application, of a bound account, on behalf of who is signed in.

Kept until shortly before they end, in a bounded table; concurrent callers share one request.
Of a person's own token only a digest is kept as the name of what was got for it. The refresh
token of a bound account is in a file that only the product's user can read, and is replaced
there at each use. Source: Microsoft "OAuth 2.0 On-Behalf-Of flow".
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import RemoteAuthFailed, StorageError
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import AccessToken, DirectoryId
from centralino.exchange.tokens import TokenRefused

if TYPE_CHECKING:
    from centralino.adapters.entra.client import Answer, EntraClient
    from centralino.adapters.entra.tokens import EntraTokens
    from centralino.exchange.ports import ClockPort

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
MOST_TOKENS = 10_000
RENEW_BEFORE_S = 300
_SERVICE = "entra"


class EntraAccess:
    """Implements ``AccessTokenPort``, and exchanges people's tokens."""

    def __init__(
        self,
        client: EntraClient,
        clock: ClockPort,
        accounts: Path,
        *,
        scope: str = GRAPH_SCOPE,
    ) -> None:
        """Take the client, the time, and the folder of bound accounts.

        Args:
            client: our registration.
            clock: UTC for the ends of tokens.
            accounts: folder with one file per bound account, its refresh token.
            scope: what is asked for; Graph's own by default.
        """
        self._client = client
        self._clock = clock
        self._accounts = accounts
        self._scope = scope
        self._tokens: OrderedDict[str, AccessToken] = OrderedDict()
        self._asking: dict[str, asyncio.Task[AccessToken]] = {}

    async def fetch(self, directory: DirectoryId, *, account: str = "") -> AccessToken:
        """Return a token for Graph of the application, or of a bound account.

        Raises:
            RemoteAuthFailed: refused; the message says what is missing.
            RemoteUnavailable: the service cannot be reached; also RemoteThrottled and -Timeout.
        """
        if account:
            return await self._get(
                f"{directory}/{account}", lambda: self._of_account(directory, account)
            )
        return await self._get(
            directory, lambda: self._client.for_application(directory, self._scope)
        )

    def forget(self, directory: DirectoryId, *, account: str = "") -> None:
        """Drop a token that a service has refused."""
        self._tokens.pop(f"{directory}/{account}" if account else directory, None)

    async def on_behalf_of(self, directory: DirectoryId, token: str) -> AccessToken:
        """Return a token for Graph in the name of whose (verified) token this is.

        Raises:
            ConsentNeeded: he or an administrator must consent, or he must prove himself.
            RemoteError: as :meth:`fetch`.
        """
        digest = hashlib.sha256(token.encode()).hexdigest()
        return await self._get(
            f"{directory}#{digest}",
            lambda: self._client.on_behalf_of(directory, token, self._scope),
        )

    def bind(self, directory: DirectoryId, account: str, refresh_token: str) -> None:
        """Keep the refresh token of an account that the product may act for.

        Raises:
            StorageError: it cannot be written.
        """
        bind_account(self._accounts, directory, account, refresh_token)
        self.forget(directory, account=account)

    async def _get(self, name: str, ask: Callable[[], Awaitable[Answer]]) -> AccessToken:
        found = self._tokens.get(name)
        if found is not None and found.expires_at - RENEW_BEFORE_S * SECOND > self._clock.utc():
            self._tokens.move_to_end(name)
            return found
        asking = self._asking.get(name)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(name, ask))
            self._asking[name] = asking
            asking.add_done_callback(lambda _: self._asking.pop(name, None))
        return await asyncio.shield(asking)

    async def _ask(self, name: str, ask: Callable[[], Awaitable[Answer]]) -> AccessToken:
        asked_at = self._clock.utc()
        answer = await ask()
        value, life_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not isinstance(life_s, int):
            raise RemoteAuthFailed(_SERVICE, "token", "the sign-in service gave no token")
        token = AccessToken(value, asked_at + life_s * SECOND)
        self._tokens[name] = token
        self._tokens.move_to_end(name)
        while len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        return token

    async def _of_account(self, directory: DirectoryId, account: str) -> Answer:
        path = account_file(self._accounts, directory, account)
        try:
            refresh_token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            text = "the account is not bound: sign it in for the product once"
            raise RemoteAuthFailed(_SERVICE, "account", text) from error
        answer = await self._client.refresh(directory, refresh_token, self._scope)
        fresh = answer.get("refresh_token")
        if isinstance(fresh, str) and fresh != refresh_token:
            bind_account(self._accounts, directory, account, fresh)
        return answer


class EntraDelegation:
    """Implements ``DelegationPort``."""

    def __init__(self, tokens: EntraTokens, access: EntraAccess) -> None:
        """Take what verifies and what exchanges."""
        self._tokens = tokens
        self._access = access

    async def require(self, token: str) -> None:
        """See that a token of a person can be exchanged."""
        found = await self._tokens.prove(token)
        if found.is_application:
            raise TokenRefused("only a person's token can be exchanged")
        await self._access.on_behalf_of(DirectoryId(found.directory), token)


def account_file(accounts: Path, directory: str, account: str) -> Path:
    """Return where the refresh token of an account is kept."""
    name = hashlib.sha256(f"{directory}/{account}".encode()).hexdigest()[:32]
    return accounts / f"{name}.token"


def bind_account(accounts: Path, directory: str, account: str, refresh_token: str) -> None:
    """Keep the refresh token of an account, readable by the product's user only.

    Raises:
        StorageError: it cannot be written.
    """
    path = account_file(accounts, directory, account)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(refresh_token, encoding="ascii")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
