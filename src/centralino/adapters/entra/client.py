# SPDX-License-Identifier: Apache-2.0
"""Our registration at Entra as a client: Microsoft's own library, kept off the event loop.

The library is synchronous, so each call runs in a thread; its HTTP goes through a client of
ours with a time-out and our certificate authorities. It keeps no tokens: those that are kept
have their own bounded table (``access``). Built lazily, one per organisation, because the
library fetches a discovery document when it is made. Arguments: facts of msal 1.39.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import msal
from typing_extensions import override

from centralino.adapters.entra.outcomes import SERVICE, error_of
from centralino.core.kernel.errors import (
    ConfigError,
    RemoteAuthFailed,
    RemoteRejected,
    RemoteTimeout,
    RemoteUnavailable,
)

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings

MOST_ORGANISATIONS = 1000
MOST_BYTES = 256 << 10
"""Longest answer that is read."""
Answer = Mapping[str, object]


class _KeepsNothing(msal.TokenCache):  # type: ignore[misc] # the library has no types
    """The library's cache, which here stays empty."""

    @override
    def add(self, event: object, now: object = None) -> None:
        """Forget it."""


class EntraClient:
    """Asks the token endpoint and the key document."""

    def __init__(self, settings: EntraSettings) -> None:
        """Prepare; nothing is asked yet.

        Raises:
            ConfigError: the authority is no HTTPS address, or a file cannot be read.
        """
        self.settings = settings
        self._authority = _judged(settings.authority)
        trust = _trust(settings.ca_file)
        self._credential = _credential(settings)
        limits = httpx.Limits(max_connections=16)
        self._http = httpx.AsyncClient(
            verify=trust, timeout=settings.timeout_s, limits=limits, trust_env=False
        )
        self._blocking_http = httpx.Client(
            verify=trust, timeout=settings.timeout_s, limits=limits, trust_env=False
        )
        self._applications: OrderedDict[str, msal.ConfidentialClientApplication] = OrderedDict()
        self._making = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        self._blocking_http.close()

    async def fetch_keys(self) -> bytes:
        """Return the key document, the same for all organisations.

        Raises:
            RemoteTimeout, RemoteUnavailable, RemoteRejected: it cannot be had now.
        """
        url = f"{self._authority}/common/discovery/v2.0/keys"
        try:
            answer = await self._http.get(url)
        except httpx.TimeoutException as error:
            raise RemoteTimeout(SERVICE, "keys", "the sign-in service does not answer") from error
        except httpx.HTTPError as error:
            raise RemoteUnavailable(SERVICE, "keys", _unreachable(error)) from error
        if answer.status_code != httpx.codes.OK or len(answer.content) > MOST_BYTES:
            raise RemoteRejected(SERVICE, "keys", "the sign-in service gave no keys")
        return answer.content

    async def for_application(self, directory: str, scope: str) -> Answer:
        """Return a token of the application itself; raises as :meth:`redeem`."""
        return await self._ask(
            directory, "client-credentials", lambda app: app.acquire_token_for_client([scope])
        )

    async def on_behalf_of(self, directory: str, assertion: str, scope: str) -> Answer:
        """Exchange a person's token for one of another service; raises as :meth:`redeem`."""
        return await self._ask(
            directory,
            "on-behalf-of",
            lambda app: app.acquire_token_on_behalf_of(assertion, [scope]),
        )

    async def refresh(self, directory: str, refresh_token: str, scope: str) -> Answer:
        """Exchange a refresh token; raises as :meth:`redeem`."""
        return await self._ask(
            directory,
            "refresh",
            lambda app: app.acquire_token_by_refresh_token(refresh_token, [scope]),
            keeps_access=True,
        )

    async def redeem(
        self, directory: str, flow: Mapping[str, object], response: Mapping[str, str]
    ) -> Answer:
        """Redeem the code of a finished sign-in.

        Raises:
            ConsentNeeded: somebody must consent or prove himself.
            RemoteAuthFailed, RemoteRejected: refused; the message says what to do.
            RemoteThrottled, RemoteTimeout, RemoteUnavailable: not now.
        """
        return await self._ask(
            directory,
            "authorization-code",
            lambda app: app.acquire_token_by_auth_code_flow(dict(flow), dict(response)),
        )

    async def _ask(
        self,
        directory: str,
        operation: str,
        call: Callable[[Any], Any],
        *,
        keeps_access: bool = False,
    ) -> Answer:
        """Call the library in a thread, and judge its answer."""
        try:
            application = await self._application(directory, keeps_access=keeps_access)
            answer = await asyncio.to_thread(call, application)
        except httpx.TimeoutException as error:
            text = "the sign-in service does not answer"
            raise RemoteTimeout(SERVICE, operation, text) from error
        except httpx.HTTPError as error:
            raise RemoteUnavailable(SERVICE, operation, _unreachable(error)) from error
        except (ValueError, RuntimeError) as error:
            # The library's own words for an unknown organisation, a wrong nonce or state, or
            # an answer that is none. They may repeat what came, so they are not passed on.
            text = "the sign-in service's answer was not what was asked for"
            raise RemoteRejected(SERVICE, operation, text) from error
        if not isinstance(answer, dict):
            raise RemoteRejected(SERVICE, operation, "the sign-in service gave no answer")
        if "error" in answer:
            raise error_of(answer, operation)
        return answer

    async def _application(
        self, directory: str, *, keeps_access: bool
    ) -> msal.ConfidentialClientApplication:
        name = f"{directory}/{keeps_access}"
        found = self._applications.get(name)
        if found is not None:
            self._applications.move_to_end(name)
            return found
        async with self._making:
            made = await asyncio.to_thread(self._make, directory, keeps_access)
        self._applications[name] = made
        while len(self._applications) > MOST_ORGANISATIONS:
            self._applications.popitem(last=False)
        return made

    def _make(self, directory: str, keeps_access: bool) -> msal.ConfidentialClientApplication:
        if self._credential is None:
            text = "no client secret is set: entra.secret_file"
            raise RemoteAuthFailed(SERVICE, "client", text)
        return msal.ConfidentialClientApplication(
            self.settings.client_id,
            client_credential=self._credential,
            authority=f"{self._authority}/{directory}",
            instance_discovery=None if self.settings.has_instance_discovery else False,
            token_cache=_KeepsNothing(),
            http_client=self._blocking_http,
            exclude_scopes=None if keeps_access else ["offline_access"],
        )


def _judged(authority: str) -> str:
    parts = urlsplit(authority)
    if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment:
        hint = "the official libraries refuse plain http; https://login.microsoftonline.com"
        raise ConfigError("entra.authority", f"{authority!r} is no https address", hint)
    return authority.rstrip("/")


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("entra.ca_file", f"{ca_file}: {error}") from error


def _credential(settings: EntraSettings) -> str | dict[str, str] | None:
    if settings.secret_file:
        secret = _text(settings.secret_file, "entra.secret_file").strip()
        if not secret:
            raise ConfigError("entra.secret_file", "is empty")
        return secret
    if not settings.certificate_file:
        return None
    if not settings.private_key_file:
        raise ConfigError("entra.private_key_file", "is missing beside entra.certificate_file")
    return {
        "private_key": _text(settings.private_key_file, "entra.private_key_file"),
        "public_certificate": _text(settings.certificate_file, "entra.certificate_file"),
    }


def _text(path: str, name: str) -> str:
    with contextlib.suppress(UnicodeDecodeError):
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(name, f"{path}: {error.strerror}") from error
    raise ConfigError(name, f"{path} is no text")


def _unreachable(error: httpx.HTTPError) -> str:
    return f"the sign-in service cannot be reached ({type(error).__name__})"
