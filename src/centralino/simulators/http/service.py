# SPDX-License-Identifier: Apache-2.0
"""The ASGI application of a simulator: read, route, fault, handle, answer, log.

Order for each request: body within the limit, route, the simulator's guards (throttling,
tokens), a planted fault, the handler, latency, the answer. Every answer carries
``request-id`` and echoes ``client-request-id``. A handler that breaks is answered with 500 in
the simulator's own shape, logged, and kept in ``broken`` so that a test can insist on none.
Source: ASGI specification 3.0, "HTTP & WebSocket ASGI Message Format".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import structlog

from centralino.simulators.http.faults import Fault, FaultPlan
from centralino.simulators.http.ids import SeededIds
from centralino.simulators.http.log import Exchange, RequestLog
from centralino.simulators.http.messages import Correlation, Refusal, Request, Response
from centralino.simulators.http.routing import Match, Router

if TYPE_CHECKING:
    from centralino.simulators.http.clock import SimulatorClock

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Render = Callable[[Refusal, Correlation], Response]
"""Puts an error into the simulated service's own shape."""
Guard = Callable[[Request], Awaitable[None]]
"""Runs before the handler of every matched route; raises ``Refusal``."""

DEFAULT_MOST_BODY_BYTES = 4 << 20
_MOST_BROKEN = 100


class _ClientGone(Exception):
    """The client closed its connection before the answer."""


@dataclass(slots=True)
class _Outcome:
    """What became of one request."""

    status: int = 0
    fault: str = ""


class HttpService:
    """One simulated service, as an ASGI application."""

    def __init__(
        self,
        name: str,
        clock: SimulatorClock,
        *,
        render: Render,
        seed: int | str = 0,
        ignores_case: bool = False,
        most_body_bytes: int = DEFAULT_MOST_BODY_BYTES,
    ) -> None:
        """Make a service without routes.

        Args:
            name: for logs.
            clock: time of expiry and latency.
            render: the error shape.
            seed: of request ids and latency.
            ignores_case: whether paths are matched without case.
            most_body_bytes: a larger body is refused with 413.
        """
        self.name = name
        self.clock = clock
        self.router = Router(ignores_case=ignores_case)
        self.faults = FaultPlan(seed)
        self.log = RequestLog()
        self.guards: list[Guard] = []
        self.broken: list[Exception] = []
        """What handlers raised by mistake, the first hundred."""
        self._render = render
        self._ids = SeededIds(f"{name}/{seed}")
        self._most_body_bytes = most_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        began_at = self.clock.utc()
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        given = headers.get("client-request-id") or headers.get("x-ms-client-request-id", "")
        correlation = Correlation(self._ids.guid(), given[:100])
        raw_path = _raw_path(scope)
        match = self.router.find(scope["method"], raw_path)
        outcome = _Outcome()
        try:
            body = await self._read(receive)
            request = _request(scope, headers, body, match, correlation)
            await self._serve(request, match, (receive, send), outcome)
        except Refusal as refusal:
            response = self._render(refusal, correlation)
            await self._send(response, correlation, (receive, send), outcome)
        except _ClientGone:
            log.debug("simulator.client_gone", service=self.name)
        finally:
            route = match.route.pattern if isinstance(match, Match) else ""
            self.log.add(
                Exchange(
                    at=began_at,
                    method=scope["method"],
                    route=route,
                    path=unquote(raw_path),
                    status=outcome.status,
                    duration_s=self.clock.utc() - began_at,
                    request_id=correlation.request_id,
                    client_request_id=correlation.client_request_id,
                    fault=outcome.fault,
                )
            )

    async def _read(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._most_body_bytes:
                raise Refusal(413, "RequestEntityTooLarge", "The request body is too large.")
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def _serve(
        self, request: Request, match: Match | str, wire: tuple[Receive, Send], outcome: _Outcome
    ) -> None:
        if not isinstance(match, Match):
            raise self._unmatched(request, match)
        for guard in self.guards:
            await guard(request)
        name = match.route.name
        fault = self.faults.take(name, request)
        delay_s = self.faults.draw_delay(name)
        if fault is not None:
            outcome.fault = fault.behaviour if fault.behaviour != "answer" else str(fault.status)
        response = await self._answer(request, match, fault)
        await self.clock.wait(delay_s)
        if fault is not None and fault.behaviour == "silence":
            await _until_gone(wire[0])
            return
        if fault is not None and fault.behaviour == "cut":
            await _send_half(wire[1])
            return
        await self._send(response, request.correlation, wire, outcome)

    def _unmatched(self, request: Request, why: str) -> Refusal:
        if why == "no-path":
            return Refusal(404, "NotFound", "The resource could not be found.")
        allowed = ", ".join(self.router.methods_of(request.path))
        headers = {"allow": allowed} if allowed else {}
        return Refusal(405, "MethodNotAllowed", "Method not allowed.", headers=headers)

    async def _answer(self, request: Request, match: Match, fault: Fault | None) -> Response:
        if fault is not None and not fault.is_late and _replaces(fault):
            return self._faulty(request, fault)
        try:
            response = await match.route.handler(request)
        except Refusal as refusal:
            response = self._render(refusal, request.correlation)
        except Exception as error:
            if len(self.broken) < _MOST_BROKEN:
                self.broken.append(error)
            log.error("simulator.broken", service=self.name, route=match.route.name, exc_info=error)
            surprise = Refusal(500, "generalException", "An internal server error occurred.")
            response = self._render(surprise, request.correlation)
        if fault is not None and fault.is_late and _replaces(fault):
            return self._faulty(request, fault)
        return response

    def _faulty(self, request: Request, fault: Fault) -> Response:
        if fault.answer is not None:
            return fault.answer(request)
        if not fault.status:
            return Response(200)
        refusal = Refusal(
            fault.status, fault.code, fault.message, headers=fault.headers, details=fault.details
        )
        return self._render(refusal, request.correlation)

    async def _send(
        self,
        response: Response,
        correlation: Correlation,
        wire: tuple[Receive, Send],
        outcome: _Outcome,
    ) -> None:
        receive, send = wire
        headers = {name.lower(): value for name, value in response.headers.items()}
        headers.setdefault("request-id", correlation.request_id)
        if correlation.client_request_id:
            headers.setdefault("client-request-id", correlation.client_request_id)
        if response.stream is None and response.status != 204:
            headers["content-length"] = str(len(response.body))
        outcome.status = response.status
        raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        is_stream = response.stream is not None
        await send({"type": "http.response.body", "body": response.body, "more_body": is_stream})
        if response.stream is not None:
            await _send_stream(response, receive, send)


def _replaces(fault: Fault) -> bool:
    """Whether the handler's answer is not what goes out."""
    return bool(fault.status) or fault.answer is not None or fault.behaviour != "answer"


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _request(
    scope: Scope,
    headers: dict[str, str],
    body: bytes,
    match: Match | str,
    correlation: Correlation,
) -> Request:
    raw_query = scope.get("query_string", b"").decode("latin-1")
    try:
        query = tuple(parse_qsl(raw_query, keep_blank_values=True, max_num_fields=200))
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The query string cannot be read.") from error
    host, port = scope.get("server") or ("127.0.0.1", None)
    authority = headers.get("host") or (f"{host}:{port}" if port else str(host))
    return Request(
        method=scope["method"],
        path=unquote(_raw_path(scope)),
        route=match.route.pattern if isinstance(match, Match) else "",
        params=match.params if isinstance(match, Match) else {},
        query=query,
        headers=headers,
        body=body,
        base_url=f"{scope.get('scheme', 'http')}://{authority}",
        correlation=correlation,
    )


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_half(send: Send) -> None:
    """Begin an answer and end without the rest; the server then closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"value": [', "more_body": True})


async def _send_stream(response: Response, receive: Receive, send: Send) -> None:
    async def pump() -> None:
        assert response.stream is not None  # noqa: S101 - the caller looked
        async for chunk in response.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async with asyncio.TaskGroup() as group:
        pumping = group.create_task(pump())
        leaving = group.create_task(_until_gone(receive))
        await asyncio.wait((pumping, leaving), return_when=asyncio.FIRST_COMPLETED)
        is_whole = pumping.done() and not pumping.cancelled()
        pumping.cancel()
        leaving.cancel()
    if is_whole:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
