# SPDX-License-Identifier: Apache-2.0
"""The live stream: a snapshot, then what changed, each message with its sequence.

The client speaks once: ``start``, with its token and, to resume, the generation and sequence
it has. It is answered by what it missed, or by a snapshot where that is not known any more.
Then a message comes at most every ``stream_interval_ms``, with everything that changed in
between. Nothing is queued for a client: it is a cursor into the replica, so a slow one costs
nothing, and one that does not take a message in time is dropped.

Close codes: 4400 not understood, 4401 token refused, 4403 not served, 4408 no start in time,
4409 too slow, 4429 too many streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from centralino.api import views
from centralino.api.cookies import session_cookie
from centralino.api.door import PUBLIC, Doorkeeper, TenantDoor
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.instant import to_iso
from centralino.exchange.link.stream import pause
from centralino.exchange.replica import TenantReplica
from centralino.exchange.tokens import TokenRefused

log = structlog.get_logger(__name__)

START_WITHIN_S = 5.0
PATH = "/v1/live/stream"
NOT_UNDERSTOOD, REFUSED, NOT_SERVED = 4400, 4401, 4403
NO_START, TOO_SLOW, TOO_MANY = 4408, 4409, 4429


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start", forbid_unknown_fields=True):
    """Client: begin, or go on from what I have."""

    token: str = ""
    """Empty in a browser that is signed in: its session counts."""
    generation: int | None = None
    sequence: int | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """Server: everything; forget what you had."""

    state: views.LiveState


class Delta(msgspec.Struct, frozen=True, kw_only=True, tag="delta"):
    """Server: put and drop these; a kind that is null has not changed."""

    at: str
    generation: int
    sequence: int
    queues: tuple[views.Queue, ...] = ()
    gone_queues: tuple[str, ...] = ()
    agents: tuple[views.Agent, ...] = ()
    gone_agents: tuple[str, ...] = ()
    interactions: tuple[views.Interaction, ...] = ()
    gone_interactions: tuple[str, ...] = ()
    callbacks: tuple[views.Callback, ...] = ()
    gone_callbacks: tuple[str, ...] = ()
    trunks: tuple[views.Trunk, ...] = ()
    gone_trunks: tuple[str, ...] = ()
    alarms: tuple[views.Alarm, ...] | None = None
    """All that are in force, or null when none has changed."""
    events: tuple[views.Event, ...] = ()


class HealthNews(msgspec.Struct, frozen=True, kw_only=True, tag="health"):
    """Server: the exchange is so from now; while it is away the rest is as of the loss."""

    at: str
    health: views.ExchangeHealth


class StreamHub:
    """Serves live streams, at most ``most_streams`` at once."""

    def __init__(self, doorkeeper: Doorkeeper, settings: ApiSettings) -> None:
        self.count = 0
        self._doorkeeper = doorkeeper
        self._settings = settings

    def route(self) -> WebsocketRouteHandler:
        """Return the route of the stream."""

        @websocket(PATH, opt={PUBLIC: True})
        async def follow_live_state(socket: WebSocket[Any, Any, Any]) -> None:
            await self.serve(socket)

        return follow_live_state

    async def serve(self, socket: WebSocket[Any, Any, Any]) -> None:
        """Serve one client until it leaves, or is dropped."""
        await socket.accept()
        code, reason = 1000, ""
        self.count += 1
        try:
            if self.count > self._settings.most_streams:
                raise _Dropped(TOO_MANY, "too many streams")
            start = await self._start(socket)
            door = await self._admit(socket, start)
            socket.scope["state"]["principal"] = door.principal
            async with _until_gone(socket):
                await self._follow(socket, door, start)
        except WebSocketDisconnect:
            return
        except _Dropped as dropped:
            code, reason = dropped.code, dropped.reason
        except TokenRefused as error:
            code, reason = REFUSED, error.message
        except AppError as error:
            code, reason = NOT_SERVED, error.message
        finally:
            self.count -= 1
        log.info("stream.dropped", code=code, reason=reason)
        await self._close(socket, code, reason)

    async def _admit(self, socket: WebSocket[Any, Any, Any], start: Start) -> TenantDoor:
        if start.token or not session_cookie(socket):
            return await self._doorkeeper.admit(start.token)
        return self._doorkeeper.admit_browser(socket)

    async def _start(self, socket: WebSocket[Any, Any, Any]) -> Start:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                data = await socket.receive_data(mode="text")
            return msgspec.json.decode(data, type=Start)
        except TimeoutError:
            raise _Dropped(NO_START, "no start came in time") from None
        except msgspec.MsgspecError:
            raise _Dropped(NOT_UNDERSTOOD, "the first message is no start") from None

    async def _follow(
        self, socket: WebSocket[Any, Any, Any], door: TenantDoor, start: Start
    ) -> None:
        follower = Follower(door, start.generation, start.sequence)
        while True:
            for message in follower.news():
                await self._send(socket, message)
            replica = follower.replica
            waits = pause(1.0) if replica is None else replica.wait_change()
            await waits
            await pause(self._settings.stream_interval_ms / 1000)

    async def _send(self, socket: WebSocket[Any, Any, Any], message: msgspec.Struct) -> None:
        try:
            async with asyncio.timeout(self._settings.stream_send_timeout_s):
                await socket.send_data(msgspec.json.encode(message), mode="text")
        except TimeoutError:
            raise _Dropped(TOO_SLOW, "the client does not read") from None

    async def _close(self, socket: WebSocket[Any, Any, Any], code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(self._settings.stream_send_timeout_s):
                await socket.close(code, reason[:100])
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            log.info("stream.cut_off", code=code)


class Follower:
    """What one client has, and what it must be told next."""

    def __init__(self, door: TenantDoor, generation: int | None, sequence: int | None) -> None:
        self.replica: TenantReplica | None = None
        self._door = door
        self._generation = -1 if generation is None else generation
        self._sequence = -1 if sequence is None else sequence
        self._health: views.ExchangeHealth | None = None

    def news(self) -> list[Snapshot | Delta | HealthNews]:
        """Return what the client does not know yet, and take it as told.

        Raises:
            NotFound: the tenant is not served.
        """
        told: list[Snapshot | Delta | HealthNews] = []
        now = self._door.now()
        health = views.exchange_health(self._door.health)
        is_new_health, self._health = health != self._health, health
        if health.is_exchange_linked or self.replica is not None:
            replica = self.replica = self._door.last_known()
            if not replica.can_resume(self._generation, self._sequence):
                told.append(Snapshot(state=views.live_state(replica, self._door.health, now)))
                is_new_health = False
            elif replica.sequence > self._sequence:
                told.append(self._delta(replica))
            self._generation, self._sequence = replica.generation, replica.sequence
        if is_new_health:
            told.append(HealthNews(at=to_iso(now), health=health))
        return told

    def _delta(self, replica: TenantReplica) -> Delta:
        after, now = self._sequence, self._door.now()
        membership = views.memberships(replica)
        has_alarms = replica.alarms.changed(after) or replica.alarms.gone(after)
        return Delta(
            at=to_iso(now),
            generation=replica.generation,
            sequence=replica.sequence,
            queues=views.queues(replica, now),
            gone_queues=tuple(replica.queues.gone(after)),
            agents=tuple(views.agent(one, membership) for one in replica.agents.changed(after)),
            gone_agents=tuple(replica.agents.gone(after)),
            interactions=tuple(map(views.interaction, replica.interactions.changed(after))),
            gone_interactions=tuple(replica.interactions.gone(after)),
            callbacks=tuple(map(views.callback, replica.callbacks.changed(after))),
            gone_callbacks=tuple(replica.callbacks.gone(after)),
            trunks=tuple(map(views.trunk, replica.trunks.changed(after))),
            gone_trunks=tuple(replica.trunks.gone(after)),
            alarms=tuple(map(views.alarm, replica.alarms)) if has_alarms else None,
            events=tuple(views.event(one) for at, one in replica.events if at > after),
        )


class _Dropped(Exception):
    """The server ends the stream."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@asynccontextmanager
async def _until_gone(socket: WebSocket[Any, Any, Any]) -> AsyncIterator[None]:
    """Run the body until the client leaves or says something, which it may not."""

    async def listen() -> None:
        await socket.receive_data(mode="text")
        raise _Dropped(NOT_UNDERSTOOD, "a client speaks once")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            yield
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
