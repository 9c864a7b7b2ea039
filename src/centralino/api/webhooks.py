# SPDX-License-Identifier: Apache-2.0
"""Microsoft's webhooks: look at it, make it durable, answer 202; nothing else.

Plain ASGI beside the application, because Graph flags an endpoint that is slow (more than
2.9 s) and stops telling it things. A delivery's address holds a secret of ours, so strangers
are turned away before anything is read; who of the senders is genuine in the end is judged
when it is dealt with. Sources: Microsoft Graph, "Receive change notifications through
webhooks" (validation within 10 s, answer within 3 s); "callback notifications".
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import structlog

from centralino.core.kernel.errors import AppError, InvalidInput, StorageError
from centralino.exchange.intake import Delivered

if TYPE_CHECKING:
    from litestar.types import Receive, Send

    from centralino.exchange.intake import IntakePort
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

PREFIX = "/v1/webhooks/"
MOST_BODY_BYTES = 4 << 20
"""A larger delivery is answered with 413."""
LONGEST_VALIDATION_TOKEN = 4096
LONGEST_AUTHORIZATION = 8192

Scope = Mapping[str, Any]
Look = Callable[[bytes], object]
"""Looks at a body before it is kept; raises ``InvalidInput`` for nonsense."""


class Webhooks:
    """Serves ``/v1/webhooks/<secret>/<channel>``; an ASGI application."""

    def __init__(
        self, intake: IntakePort, clock: ClockPort, secret: str, channels: Mapping[str, Look]
    ) -> None:
        """Prepare.

        Args:
            intake: where deliveries become durable.
            clock: when they came.
            secret: the part of the address that only we and Microsoft know.
            channels: name of each webhook to what looks at its bodies.
        """
        self._intake = intake
        self._clock = clock
        self._secret = secret.encode()
        self._channels = channels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        channel = self._channel(scope)
        if scope["type"] != "http" or channel is None:
            await _answer(send, 404)
        elif scope["method"] != "POST":
            await _answer(send, 405, headers=((b"allow", b"POST"),))
        elif (token := _validation_token(scope)) is not None:
            await _echo(send, token)
        else:
            await self._take(channel, scope, receive, send)

    def _channel(self, scope: Scope) -> str | None:
        secret, _, channel = str(scope["path"]).removeprefix(PREFIX).partition("/")
        is_ours = hmac.compare_digest(secret.encode(), self._secret)
        return channel if is_ours and channel in self._channels else None

    async def _take(self, channel: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _answer(send, 413)
            return
        delivered = Delivered(channel, self._clock.utc(), body, _authorization(scope))
        try:
            self._channels[channel](body)
            await self._intake.put(delivered)
        except InvalidInput:
            await _answer(send, 400)
        except StorageError as error:
            log.error("webhook.not_kept", channel=channel, reason=error.message)
            await _answer(send, 503, headers=((b"retry-after", b"5"),))
        else:
            await _answer(send, 202)


def _validation_token(scope: Scope) -> str | None:
    query = scope["query_string"]
    if b"validationToken" not in query:
        return None
    found = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("validationToken")
    return found[0] if found else None


def _authorization(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization" and len(value) <= LONGEST_AUTHORIZATION:
            return str(value, "latin-1")
    return ""


async def _body(receive: Receive) -> bytes | None:
    """Return the body, ``None`` when it is too large."""
    message: Any = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= MOST_BODY_BYTES else None
    parts = bytearray(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts += message.get("body", b"")
        if len(parts) > MOST_BODY_BYTES:
            return None
    return bytes(parts)


async def _echo(send: Send, token: str) -> None:
    """Prove that this is our address: give the token back, as text that nobody runs."""
    if len(token) > LONGEST_VALIDATION_TOKEN:
        await _answer(send, 400)
        return
    headers = ((b"content-type", b"text/plain; charset=utf-8"),)
    await _answer(send, 200, token.encode(), headers)


async def _answer(
    send: Send, status: int, body: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    start: Any = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


Handler = Callable[[Delivered], Awaitable[None]]
"""Deals with one delivery; may be called twice with the same."""


async def deal_with(intake: IntakePort, handlers: Mapping[str, Handler]) -> None:
    """Deal with deliveries in order until cancelled.

    A delivery that its handler refuses is dropped with a log line: it is no better the next
    time. Whatever else a handler raises ends this, and the deliveries come again.
    """
    while True:
        for position, delivered in await intake.next():
            handler = handlers.get(delivered.channel)
            try:
                if handler is not None:
                    await handler(delivered)
            except AppError as error:
                log.warning("webhook.dropped", channel=delivered.channel, code=error.code)
            intake.acknowledge(position)
