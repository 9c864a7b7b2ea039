# SPDX-License-Identifier: Apache-2.0
"""The simulated calls in a running Graph: a timer, notifications on their way, prompts fetched.

``GraphCalls(scenario, graph, sign=...)`` mounts the calls on a `GraphSimulator`; inside ``async
with`` time passes for them. What happens in calls reaches the tenant: people who talk are busy,
calls that are over become call records, and the tenant page's buttons reach the people. Only the
loopback is called, unless the scenario says otherwise.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpx
import structlog

from centralino.simulators.graph.calls.bridge import TenantBridge
from centralino.simulators.graph.calls.hand import Hand
from centralino.simulators.graph.calls.notices import Answer, Post
from centralino.simulators.graph.calls.prompts import MOST_BYTES, Fetch
from centralino.simulators.graph.calls.routes import add_recordings, routes
from centralino.simulators.graph.calls.world import CallWorld
from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.http.outgoing import Outgoing

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from centralino.simulators.entra.mint import Defect
    from centralino.simulators.graph.calls.settings import CallsScenario
    from centralino.simulators.graph.server import GraphSimulator

log = structlog.get_logger(__name__)

Sign = Callable[[str, str, "Defect | None"], str]
"""Makes the token of a notification for (application, tenant), wrong in one way where told."""
Tell = Callable[[str, Mapping[str, object]], None]
MOST_AT_ONCE: Final = 64


class GraphCalls:
    """Graph's calls, running."""

    def __init__(
        self,
        scenario: CallsScenario,
        graph: GraphSimulator,
        *,
        sign: Sign,
        authorities: Path | None = None,
        tell: Tell | None = None,
    ) -> None:
        """Mount the calls; time passes only inside ``async with``.

        Args:
            scenario: who is there and how it behaves.
            graph: the Graph that serves them; not yet entered, or running.
            sign: makes the tokens of notifications.
            authorities: PEM file of the roots that callbacks and prompts chain to.
            tell: told of what happens.
        """
        self._graph = graph
        self._now = graph.application.now
        self.world = CallWorld(scenario, self._now(), tell=tell)
        self.bridge = TenantBridge(self.world, graph.world, self._now)
        self._sign = sign
        self._outgoing = Outgoing(authorities, MOST_AT_ONCE)
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        graph.mount(routes(self.world))
        add_recordings(graph.application.service, self.world, self._now)
        Hand(self.world, graph, self.wake).add_routes()
        self.world.notices.on_ready = self._wake.set
        self.world.prompts.on_wanted = self._wake.set
        self.world.agenda.on_change = self._wake.set

    async def __aenter__(self) -> Self:
        """Let time pass."""
        self.world.recordings.base_url = self._graph.root_url
        self.bridge.attach()
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._graph.world.on_change.append(self._wake.set)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._graph.world.on_change.remove(self._wake.set)
        self.bridge.detach()
        if self._running is not None:
            await _cancelled(self._running)
        await self._outgoing.close()

    def wake(self) -> None:
        """Look again now: somebody did something by hand, or the clock was moved."""
        self._wake.set()

    # ---- time

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                now = self._now()
                self.world.advance(now)
                for post in self.world.notices.take():
                    group.create_task(self._post(post))
                for fetch in self.world.prompts.take():
                    group.create_task(self._fetch(fetch))
                if not self._wake.is_set():
                    await self._until_due(now)

    async def _until_due(self, now: int) -> None:
        due = self.world.next_deadline()
        if due is None:
            await self._wake.wait()
            return
        timer = asyncio.get_running_loop().create_task(self._ring(max(0, due - now) / NS_PER_S))
        try:
            await self._wake.wait()
        finally:
            await _cancelled(timer)

    async def _ring(self, delay_s: float) -> None:
        await self._graph.application.clock.wait(delay_s)
        self._wake.set()

    # ---- what leaves

    def _reaches(self, url: str) -> bool:
        if self.world.settings.habits.reaches_any_host:
            return True
        host = urlsplit(url).hostname or ""
        with suppress(ValueError):
            return ipaddress.ip_address(host).is_loopback
        return host == "localhost"

    async def _post(self, post: Post) -> None:
        async with self._room:
            result = await self._answer(post) if self._reaches(post.url) else Answer(0)
        self.world.posted(post, result, self._now())
        self._wake.set()

    async def _answer(self, post: Post) -> Answer:
        within = self.world.settings.delivery.timeout_ms / 1000
        token = self._sign(post.audience, post.tenant_id, post.defect)
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json; charset=utf-8",
            "client-request-id": post.chain_id,
            "scenario-id": post.chain_id,
            "x-microsoft-skype-chain-id": post.chain_id,
        }
        try:
            async with asyncio.timeout(within):
                answer = await self._outgoing.client.post(
                    post.url, content=post.body, headers=headers, timeout=within
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.info("graph_call_notification_failed", reason=type(error).__name__)
            return Answer(0)
        return Answer(answer.status_code, answer.headers.get("location", ""))

    async def _fetch(self, fetch: Fetch) -> None:
        async with self._room:
            content = await self._content(fetch.uri) if self._reaches(fetch.uri) else None
        self.world.fetched(fetch, content, self._now())
        self._wake.set()

    async def _content(self, uri: str) -> bytes | None:
        within = self.world.settings.timing.fetch_ms / 1000
        chunks: list[bytes] = []
        try:
            async with (
                asyncio.timeout(within),
                self._outgoing.client.stream("GET", uri, timeout=within) as answer,
            ):
                if answer.status_code != 200:
                    return None
                async for chunk in answer.aiter_bytes():
                    chunks.append(chunk)
                    if sum(map(len, chunks)) > MOST_BYTES:
                        return None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.info("graph_prompt_not_fetched", reason=type(error).__name__)
            return None
        return b"".join(chunks)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
