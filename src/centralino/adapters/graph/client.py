# SPDX-License-Identifier: Apache-2.0
"""The one way to Graph: tokens, throttling, safe repetition, paging, correlation ids.

Nothing waits without a bound: each request has a time-out, tries are counted, and a wait
that is longer than the settings allow is given back to the caller. Redirects are not
followed, and a next page is only asked from the address we were configured with.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

import httpx
import msgspec
import structlog

from centralino.adapters.clock import wait
from centralino.adapters.graph.gate import Gate, backoff_s, retry_after_s
from centralino.adapters.graph.request import (
    SERVICE,
    GraphRequest,
    Refusal,
    error_of,
    refusal_of,
)
from centralino.core.kernel.errors import (
    ConfigError,
    RemoteRejected,
    RemoteThrottled,
    RemoteTimeout,
    RemoteUnavailable,
)
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from centralino.adapters.graph.settings import Area, GraphSettings
    from centralino.exchange.microsoft import AccessTokenPort, DirectoryId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

MOST_BYTES = 8 << 20
"""Longest answer that is read."""
MOST_PAGES = 1000
LONGEST_GATE_S = 30.0
"""Longest wait for our own budget; then the caller is told that it is used up."""
_BUSY = frozenset({429, 503, 504})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

T = TypeVar("T")


class _Page(msgspec.Struct, rename={"next_link": "@odata.nextLink"}):
    value: list[msgspec.Raw] = []
    next_link: str = ""


class GraphClient:
    """Asks Graph for several directories; close with :meth:`close`."""

    def __init__(
        self,
        settings: GraphSettings,
        tokens: AccessTokenPort,
        clock: ClockPort,
        chance: Callable[[], float] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: where Graph is, and how hard it may be asked.
            tokens: who hands out access tokens.
            clock: monotonic time for the budgets.
            chance: numbers in [0, 1) that spread repeated requests; the system's by default.
            transport: what carries requests instead of sockets, for tests.

        Raises:
            ConfigError: the base address is no HTTPS one, or the authorities cannot be read.
        """
        self._settings = settings
        self._base = _judged(settings.base_url)
        self._tokens = tokens
        self._clock = clock
        self._chance = chance or random.SystemRandom().random
        self._gates: dict[tuple[DirectoryId, Area], Gate] = {}
        self._requests = 0
        limits = httpx.Limits(max_connections=settings.most_connections)
        self._http = httpx.AsyncClient(
            transport=transport,
            verify=_trust(settings.ca_file),
            timeout=settings.timeout_s,
            limits=limits,
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def request_count(self) -> int:
        """How many requests have left since the start, repeated ones included."""
        return self._requests

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ask(self, request: GraphRequest, kind: type[T]) -> T:
        """Send a request and return its answer as ``kind``.

        Raises:
            RemoteAuthFailed, RemoteRejected, NotFound, Conflict, InvalidInput: refused.
            RemoteThrottled, RemoteUnavailable: not now; ``retry_after_s`` says when.
            RemoteTimeout: no answer, and whether it took effect is unknown.
        """
        body = await self.send(request)
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            text = f"{request.operation}: the answer is not what it should be"
            raise RemoteRejected(SERVICE, request.operation, text) from error

    async def pages(self, request: GraphRequest, kind: type[T]) -> AsyncIterator[T]:
        """Yield the items of all pages; raises as :meth:`ask`."""
        for _ in range(MOST_PAGES):
            page = await self.ask(request, _Page)
            for raw in page.value:
                yield msgspec.json.decode(raw, type=kind)
            if not page.next_link:
                return
            request = _next(request, page.next_link)
        raise RemoteRejected(SERVICE, request.operation, "the pages do not end")

    async def send(self, request: GraphRequest) -> bytes:
        """Send a request, repeated where that is safe; raises as :meth:`ask`."""
        has_new_token = False
        tries = self._settings.most_tries
        for attempt in range(1, tries + 1):
            refusal = await self._attempt(request, is_last=attempt == tries)
            if isinstance(refusal, bytes):
                return refusal
            if refusal.status == 401 and not has_new_token:
                has_new_token = True
                self._tokens.forget(request.directory, account=request.account)
                continue
            await self._wait_or_give_up(request, refusal, attempt)
        text = f"{request.operation}: every try failed"
        raise RemoteUnavailable(SERVICE, request.operation, text)

    async def _wait_or_give_up(self, request: GraphRequest, refusal: Refusal, attempt: int) -> None:
        pause_s = retry_after_s(refusal.retry_after, backoff_s(attempt, self._chance()))
        may = refusal.status == 429 or (refusal.status in _BUSY and request.may_repeat)
        if refusal.status == 429:
            self._gate(request).close(self._clock.now(), pause_s)
        is_over = attempt >= self._settings.most_tries or pause_s > self._settings.longest_wait_s
        if not may or is_over:
            raise error_of(request, refusal, pause_s)
        log.info(
            "graph.repeated", operation=request.operation, status=refusal.status, attempt=attempt
        )
        await wait(pause_s)

    async def _attempt(self, request: GraphRequest, *, is_last: bool) -> bytes | Refusal:
        """Send once; what failed on the way and may be repeated is a 503 of our own."""
        await self._pass_gate(request)
        token = await self._tokens.fetch(request.directory, account=request.account)
        built = self._http.build_request(
            request.method,
            self._address(request),
            params=dict(request.query) or None,
            content=None if request.body is None else msgspec.json.encode(request.body),
            headers=self._headers(request, token.value),
        )
        self._requests += 1
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                status, headers, body = await self._exchange(built)
        except (TimeoutError, httpx.TimeoutException):
            if request.may_repeat and not is_last:
                return Refusal(503, "timeout")
            raise RemoteTimeout(SERVICE, request.operation) from None
        except httpx.HTTPError as error:
            if request.may_repeat and not is_last:
                return Refusal(503, type(error).__name__)
            text = f"{request.operation}: Graph cannot be reached ({type(error).__name__})"
            raise RemoteUnavailable(SERVICE, request.operation, text) from None
        if 200 <= status < 300:
            return body
        return refusal_of(status, body, headers.get("retry-after"))

    async def _exchange(self, built: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        response = await self._http.send(built, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise RemoteRejected(SERVICE, "read", "the answer is too large")
        finally:
            await response.aclose()
        return response.status_code, response.headers, bytes(body)

    def _headers(self, request: GraphRequest, token: str) -> dict[str, str]:
        headers = {"Accept": "application/json", **request.headers}
        headers["Authorization"] = f"Bearer {token}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.correlation:
            headers["client-request-id"] = request.correlation
        return headers

    def _address(self, request: GraphRequest) -> httpx.URL:
        if request.path.startswith("/"):
            return httpx.URL(f"{self._base}{request.path}")
        url = httpx.URL(request.path)
        ours = httpx.URL(self._base)
        if (url.scheme, url.host, url.port) != (ours.scheme, ours.host, ours.port):
            text = f"{request.operation}: Graph names a next page on another host"
            raise RemoteRejected(SERVICE, request.operation, text)
        return url

    # --------------------------------------------------------------------- budgets
    def _gate(self, request: GraphRequest) -> Gate:
        key = (request.directory, request.area)
        gate = self._gates.get(key)
        if gate is None:
            settings = self._settings
            per_s = {"presence": settings.presence_per_30_s / 30, "other": settings.other_per_s}
            rate = float(per_s[request.area])
            gate = self._gates[key] = Gate(rate, max(1, round(rate)), self._clock.now())
        return gate

    async def _pass_gate(self, request: GraphRequest) -> None:
        gate = self._gate(request)
        longest = max(LONGEST_GATE_S, self._settings.longest_wait_s)
        waited_s = 0.0
        while delay := gate.wait_ns(self._clock.now()):
            waited_s += delay / SECOND
            if waited_s > longest:
                raise RemoteThrottled(SERVICE, request.operation, retry_after_s=delay / SECOND)
            await wait(delay / SECOND)


def _next(request: GraphRequest, link: str) -> GraphRequest:
    return GraphRequest(
        operation=request.operation,
        method="GET",
        path=link,
        directory=request.directory,
        permission=request.permission,
        headers=request.headers,
        area=request.area,
        account=request.account,
        correlation=request.correlation,
    )


def _judged(base: str) -> str:
    url = httpx.URL(base)
    if url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK):
        return base.rstrip("/")
    raise ConfigError("graph.base_url", f"{base} is not HTTPS", "plain HTTP only on the loopback")


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("graph.ca_file", f"{ca_file}: {error}") from error
