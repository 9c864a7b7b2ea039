# SPDX-License-Identifier: Apache-2.0
"""What leaves the simulated Graph: the handshake with an endpoint, and notifications.

Posts run side by side, at most so many at once; what became of each goes back to the world's
deliveries. Only the loopback is reached, unless the scenario says otherwise: a simulator is no
way into somebody's network. Source: "Receive change notifications through webhooks".
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

import httpx
import structlog

from centralino.simulators.graph.deliveries import Delivered, audiences, envelope
from centralino.simulators.graph.errors import GraphError, bad_request
from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.http.outgoing import Outgoing

if TYPE_CHECKING:
    from centralino.simulators.graph.deliveries import Post
    from centralino.simulators.graph.world import World

log = structlog.get_logger(__name__)

MOST_POSTS_AT_ONCE = 32
MOST_LOG = 500
ECHO_MOST_BYTES = 4096
LOOPBACK_NAMES = frozenset({"localhost"})

ValidationToken = Callable[[str, str], str]
"""Makes the token of (application, tenant) for notifications with encrypted content."""


class Notifier:
    """The client side of the simulated Graph."""

    def __init__(
        self,
        world: World,
        now: Callable[[], int],
        validation_token: ValidationToken | None,
        authorities: Path | None,
    ) -> None:
        """Make it; ``authorities`` is a PEM file of the roots that endpoints chain to."""
        self._world = world
        self._now = now
        self._token = validation_token
        self._outgoing = Outgoing(authorities, MOST_POSTS_AT_ONCE)
        self._room = asyncio.Semaphore(MOST_POSTS_AT_ONCE)
        self.log: deque[Delivered] = deque(maxlen=MOST_LOG)
        """What became of the last posts."""
        self.on_delivered: Callable[[Delivered], None] = _ignore

    async def close(self) -> None:
        """Close all connections."""
        await self._outgoing.close()

    async def handshake(self, url: str) -> None:
        """Let an endpoint echo a token.

        Raises:
            GraphError: 400, it did not, or not in time, or is out of reach.
        """
        self._require_reach(url)
        told = self._world.ids.guid("handshake")
        token = (
            "Validation: Testing client application reachability for subscription "
            f"Request-Id: {told}"
        )
        joint = "&" if "?" in url else "?"
        within = self._world.scenario.subscriptions.handshake_within_s
        try:
            async with asyncio.timeout(within):
                answer = await self._outgoing.client.post(
                    f"{url}{joint}validationToken={quote_plus(token)}",
                    headers={"content-type": "text/plain; charset=utf-8"},
                    timeout=within,
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _not_validated("endpoint must respond in time", type(error).__name__) from error
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status_code != 200:
            raise _not_validated("must respond with 200 OK", f"HTTP {answer.status_code}")
        if media_type != "text/plain":
            raise _not_validated("must respond with text/plain", media_type or "no type")
        if answer.text[:ECHO_MOST_BYTES] != token:
            raise _not_validated("must echo the validationToken", "another text")

    def _require_reach(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if self._world.scenario.subscriptions.reaches_any_host or host in LOOPBACK_NAMES:
            return
        try:
            is_near = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_near = False
        if not is_near:
            raise _not_validated("endpoint is out of this simulator's reach", host)

    async def post(self, post: Post) -> None:
        """Post a batch and tell the deliveries what came of it."""
        async with self._room:
            loop = asyncio.get_running_loop()
            tokens = self._tokens(post)
            began = loop.time()
            status = await self._status(post, dict(envelope(post.items, tokens)))
            elapsed = round((loop.time() - began) * NS_PER_S)
        done = self._world.deliveries.answered(post, status, elapsed, self._now())
        self.log.append(done)
        self.on_delivered(done)
        self._world.changed()

    def _tokens(self, post: Post) -> list[str]:
        if self._token is None:
            return []
        return [self._token(app_id, tenant_id) for tenant_id, app_id in audiences(post.items)]

    async def _status(self, post: Post, body: dict[str, object]) -> int:
        within = self._world.deliveries.rules.answer_within_ns / NS_PER_S
        try:
            async with asyncio.timeout(within):
                answer = await self._outgoing.client.post(post.url, json=body, timeout=within)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.info("graph_notification_failed", reason=type(error).__name__, post=post.id)
            return 0
        return answer.status_code


def _not_validated(wanted: str, found: str) -> GraphError:
    message = (
        f"Subscription validation request failed. Notification endpoint {wanted}; found {found}."
    )
    return bad_request(message, "ValidationError")


def _ignore(done: Delivered) -> None:
    """Leave a delivery alone."""
