# SPDX-License-Identifier: Apache-2.0
"""Implements ``LookupPort`` with one HTTP client: no redirects, no retries, bounded.

An answer without a length is read to its end or until the time is up, and kept to the limit.

Addresses are looked up first and the request goes to the one that was judged, so that a
name cannot point elsewhere a moment later; the name stays in ``Host`` and in TLS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import msgspec

from centralino.core.kernel.errors import RemoteRejected, RemoteTimeout, RemoteUnavailable
from centralino.exchange.errands import LookupReply

if TYPE_CHECKING:
    from centralino.exchange.errands import LookupRequest

SERVICE = "lookup"
MOST_BYTES = 64 << 10
"""Longest answer that is read."""
MOST_CONNECTIONS = 50
_SECRET_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LONGEST_SECRET = 4096


class LookupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom flows may ask."""

    allowed_hosts: tuple[str, ...] = ()
    """Names or addresses that may be asked although they are private, on the loopback, or speak
    HTTP without TLS; every public host may be asked over HTTPS."""
    secrets_dir: str = ""
    """Directory with one file per secret that flows name; empty allows none."""
    connect_ms: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = 2000
    """Longest wait for a connection."""


class HttpLookups:
    """Asks web services; close with ``close``."""

    def __init__(self, settings: LookupSettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS),
        )

    async def ask(self, request: LookupRequest) -> LookupReply:
        """Send a request; see ``LookupPort``."""
        url = await self._judged(request.url)
        headers = {**request.headers, **self._secrets(request)}
        headers["Host"] = httpx.URL(request.url).netloc.decode("ascii")
        if request.body:
            headers.setdefault("Content-Type", "application/json")
        name = httpx.URL(request.url).host
        timeout_s = request.timeout_ms / 1000
        built = self._client.build_request(
            request.method,
            url,
            headers=headers,
            content=request.body.encode() or None,
            timeout=httpx.Timeout(
                timeout_s, connect=min(timeout_s, self._settings.connect_ms / 1000)
            ),
            extensions={"sni_hostname": name},
        )
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(built)
        except (TimeoutError, httpx.TimeoutException):
            raise RemoteTimeout(SERVICE, request.method) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteUnavailable(SERVICE, request.method, type(error).__name__) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request) -> LookupReply:
        response = await self._client.send(request, stream=True)
        try:
            announced = response.headers.get("Content-Length", "0")
            body = bytearray()
            is_large = announced.isdigit() and int(announced) > MOST_BYTES
            if not is_large:
                async for part in response.aiter_bytes():
                    body += part[: MOST_BYTES + 1 - len(body)]
        finally:
            await response.aclose()
        if is_large or len(body) > MOST_BYTES:
            raise RemoteRejected(SERVICE, "read", "the answer is too large")
        return LookupReply(response.status_code, bytes(body).decode("utf-8", "replace"))

    async def _judged(self, text: str) -> httpx.URL:
        """Return the URL with the address that may be asked."""
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise RemoteUnavailable(SERVICE, "parse", str(error)) from None
        is_allowed = url.host in self._settings.allowed_hosts
        if url.scheme not in {"http", "https"} or not url.host:
            raise RemoteUnavailable(SERVICE, "parse", "only http and https are asked")
        if url.scheme == "http" and not is_allowed:
            raise RemoteUnavailable(SERVICE, "connect", "only allowed hosts are asked without TLS")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._settings.connect_ms / 1000):
                found = await asyncio.get_running_loop().getaddrinfo(
                    url.host, port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            raise RemoteTimeout(SERVICE, "resolve") from None
        except OSError:
            raise RemoteUnavailable(SERVICE, "resolve", "the name does not resolve") from None
        for *_, address in found:
            host = str(address[0]).partition("%")[0]
            if is_allowed or is_public(host):
                return url.copy_with(host=host)
        raise RemoteUnavailable(SERVICE, "connect", "a private address is not asked")

    def _secrets(self, request: LookupRequest) -> dict[str, str]:
        return {header: self._secret(name) for header, name in request.secrets.items()}

    def _secret(self, name: str) -> str:
        """Return a secret's value; read anew each time, so that it can be changed."""
        folder = self._settings.secrets_dir
        if not folder or _SECRET_NAME.fullmatch(name) is None:
            raise RemoteRejected(SERVICE, "secret", f"there is no secret {name}")
        try:
            value = (Path(folder) / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise RemoteRejected(SERVICE, "secret", f"there is no secret {name}") from None
        if not value or len(value) > _LONGEST_SECRET or not value.isprintable():
            raise RemoteRejected(SERVICE, "secret", f"the secret {name} is no header value")
        return value


def is_public(address: str) -> bool:
    """Tell whether an address belongs to somebody on the open Internet.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("10.0.0.1")
    (True, False, False)
    >>> is_public("::ffff:127.0.0.1")
    False
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_global and not found.is_multicast
