# SPDX-License-Identifier: Apache-2.0
"""The outermost layer: host check, time-out, security headers, request id, access log.

Plain ASGI around the application, so that it holds for every answer, also for those that
the framework makes by itself. The access log names the route, never the path, and ids, never
content. Sources: OWASP "HTTP Security Response Headers Cheat Sheet"; ASGI specification 3.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar.enums import ScopeType

from centralino.api import webhooks
from centralino.api.errors import PROBLEM_TYPE, problem_headers, problem_of
from centralino.core.kernel.instant import MILLISECOND

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from centralino.api.settings import ApiSettings
    from centralino.api.webhooks import Webhooks
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Set on every answer that does not set them itself."""
MOST_HEADER_BYTES = 16 << 10


@dataclass(slots=True)
class _Exchange:
    """One request and what was answered."""

    name: str
    began_at: int
    status: int = 0


class Boundary:
    """Wraps the application; an ASGI application itself.

    Webhooks are beside the application: Microsoft's deliveries are many, and have their own
    rules (``webhooks``).
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ApiSettings,
        clock: ClockPort,
        *,
        generation: int,
        webhooks: Webhooks | None = None,
    ) -> None:
        self._app = app
        self._webhooks = webhooks
        self._settings = settings
        self._clock = clock
        self._generation = generation
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if self._webhooks is not None and scope["path"].startswith(webhooks.PREFIX):
            await self._webhooks(scope, receive, send)
            return
        self._count += 1
        one = _Exchange(f"{self._generation:x}-{self._count:x}", self._clock.now())
        scope.setdefault("state", {})
        try:
            if host_of(scope) not in self._hosts:
                text = "this server is not known by that name"
                await _refuse(scope, receive, self._dressed(send, one), (421, "host-unknown", text))
            elif (
                sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES
            ):
                text = f"headers may have {MOST_HEADER_BYTES} bytes"
                await _refuse(scope, receive, self._dressed(send, one), (431, "too-large", text))
            elif scope["type"] == ScopeType.HTTP:
                await self._serve_http(scope, receive, self._dressed(send, one), one)
            else:
                await self._app(scope, receive, self._dressed(send, one))
        finally:
            self._log(scope, one)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send, one: _Exchange) -> None:
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._app(scope, receive, send)
        except TimeoutError:
            if not one.status:
                await _send_problem(send, 504, "timeout", "the request took too long")

    def _dressed(self, send: Send, one: _Exchange) -> Send:
        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                headers = list(message.get("headers", ()))
                known = {name.lower() for name, _ in headers}
                wanted = {**SECURITY_HEADERS, "x-request-id": one.name}
                headers.extend(
                    (name.encode(), value.encode())
                    for name, value in wanted.items()
                    if name.encode() not in known
                )
                message["headers"] = headers
            elif message["type"] == "websocket.close":
                one.status = message.get("code", 1000)
            await send(message)

        return send_dressed

    def _log(self, scope: Scope, one: _Exchange) -> None:
        principal = scope["state"].get("principal")
        log.info(
            "api.request",
            request=one.name,
            kind=scope["type"],
            method=str(scope.get("method", "")),
            route=str(scope.get("path_template") or "unmatched"),
            status=one.status,
            duration_ms=(self._clock.now() - one.began_at) // MILLISECOND,
            tenant=principal.tenant if principal else "",
            subject=principal.subject if principal else "",
        )


def host_of(scope: MutableMapping[str, Any] | Scope) -> str:
    """Return the name in the ``Host`` header, in lower case, without port and brackets.

    >>> host_of({"headers": [(b"host", b"LocalHost:8080")]})
    'localhost'
    >>> host_of({"headers": [(b"host", b"[::1]:8080")]})
    '::1'
    """
    raw = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = raw.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


async def _refuse(scope: Scope, receive: Receive, send: Send, why: tuple[int, str, str]) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": why[1]})
        return
    await _send_problem(send, *why)


async def _send_problem(send: Send, status: int, code: str, detail: str) -> None:
    body = msgspec.json.encode(problem_of(status, code, detail))
    headers = {
        "content-type": PROBLEM_TYPE,
        "content-length": str(len(body)),
        **problem_headers(status),
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
