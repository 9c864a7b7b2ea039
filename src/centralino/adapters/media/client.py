# SPDX-License-Identifier: Apache-2.0
"""``MediaPool``: a driver's side of its media workers, as one ``MediaPort``.

Use: run ``run()`` in a task for as long as the pool is needed, then call the methods of
``MediaPort`` from the same loop. A leg goes to the worker with the fewest; legs that talk to
each other must be on the same one: reserve the later ones ``near`` the first.

A worker that dies is set up again as soon as its successor listens: same ports, same
keys, same rooms, playings and recordings. A driver that restarts finds the legs it had:
``reserve`` of a leg that a worker still holds returns its old ports, and
``release_unclaimed`` closes those that nobody asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.media.client_worker import WorkerClient
from centralino.core.kernel.errors import (
    CapacityExceeded,
    Conflict,
    NotFound,
    RemoteError,
    RemoteRejected,
)
from centralino.exchange.media import (
    Command,
    Event,
    Release,
    Reserve,
    Reserved,
    SetRoom,
    StartRecording,
    WorkerAlarm,
)

if TYPE_CHECKING:
    from centralino.core.kernel.ids import LegId
    from centralino.exchange.link.framing import Hello

log = structlog.get_logger(__name__)

_MAX_EVENTS = 20_000
_CAPACITY_CODES = frozenset({"overloaded", "no-port"})


class MediaPool:
    """Implements ``MediaPort`` over Unix sockets.

    Back-pressure: a worker that is away takes at most a thousand commands, then
    ``CapacityExceeded`` is raised; of unread events the oldest are dropped past twenty
    thousand.

    Args:
        sockets: where the workers listen.
        hello: how we introduce ourselves to them.
        address: local IP address on which legs are opened.
        ask_timeout_s: how long a reply is awaited.
    """

    def __init__(
        self,
        sockets: Sequence[Path],
        *,
        hello: Hello,
        address: str = "127.0.0.1",
        ask_timeout_s: float = 3.0,
    ) -> None:
        self._address = address
        self._workers = [
            WorkerClient(path, hello, self._deliver, ask_timeout_s=ask_timeout_s)
            for path in sockets
        ]
        self._places: dict[LegId, WorkerClient] = {}
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Keep the links to all workers until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for worker in self._workers:
                tasks.create_task(worker.run())

    async def wait_ready(self) -> None:
        """Return when every worker is connected for the first time."""
        for worker in self._workers:
            await worker.connected.wait()

    # ------------------------------------------------------------------ MediaPort
    async def reserve(
        self,
        leg: LegId,
        *,
        near: LegId | None = None,
        address: str | None = None,
        rtp_port: int = 0,
    ) -> Reserved:
        """Open a leg, on the same worker as ``near`` when given.

        Idempotent: a leg that is open, also one from before our own restart, is returned
        with the ports it has.

        Args:
            leg: the leg.
            near: a leg that it will be in a room with.
            address: local address if not the pool's.
            rtp_port: the port a leg of ours had before, 0 to choose one.

        Raises:
            CapacityExceeded: workers are late, away or out of ports.
        """
        command = Reserve(leg=leg, address=address or self._address, rtp_port=rtp_port)
        problem = "no media worker is connected"
        for worker in self._candidates(leg, near):
            at_once = worker.open_at_once(command)
            if at_once is not None:
                self._places[leg] = worker
                return at_once
            worker.opening_count += 1
            try:
                reserved = await worker.ask(command)
            except RemoteRejected as error:
                if error.details.get("code") not in _CAPACITY_CODES:
                    raise
                problem = error.message
                continue
            except RemoteError as error:
                problem = error.message
                continue
            finally:
                worker.opening_count -= 1
            assert isinstance(reserved, Reserved)  # noqa: S101 - narrows the type
            worker.memory.add_leg(reserved)
            worker.unclaimed.pop(leg, None)
            self._places[leg] = worker
            return reserved
        raise CapacityExceeded(f"no media leg can be opened: {problem}")

    def _candidates(self, leg: LegId, near: LegId | None) -> list[WorkerClient]:
        for worker in self._workers:
            if leg in worker.unclaimed or worker.memory.reserved(leg) is not None:
                return [worker]
        if near is not None and near in self._places:
            return [self._places[near]]
        ready = [worker for worker in self._workers if worker.is_connected]
        return sorted(ready, key=lambda worker: (worker.is_late, worker.load))

    def _worker(self, leg: LegId) -> WorkerClient:
        try:
            return self._places[leg]
        except KeyError:
            raise NotFound(f"no media leg {leg} is open") from None

    def is_together(self, legs: Sequence[LegId]) -> bool:
        """Whether these legs, as far as they are open, are on one worker."""
        places = {id(worker) for leg in legs if (worker := self._places.get(leg)) is not None}
        return len(places) < 2

    def _require_together(self, command: Command) -> None:
        if isinstance(command, SetRoom):
            legs = [member.leg for member in command.members]
        elif isinstance(command, StartRecording):
            legs = [command.first, command.second]
        else:
            return
        if not self.is_together(legs):
            raise Conflict("the legs are on different media workers")

    def send(self, leg: LegId, command: Command) -> None:
        """Send a command about ``leg`` to its worker, without waiting.

        Raises:
            NotFound: the leg was never reserved, or is released.
            Conflict: it joins legs that are on different workers.
            CapacityExceeded: the worker is away and too much waits for it.
        """
        self._require_together(command)
        self._worker(leg).send(command)

    async def ask(self, leg: LegId, command: Command) -> Event:
        """Send a command and wait for its reply.

        Raises:
            NotFound: the leg was never reserved, or is released.
            Conflict: it joins legs that are on different workers.
            RemoteTimeout: the worker did not answer in time.
            RemoteRejected: the worker refused; the code is in ``details``.
        """
        self._require_together(command)
        return await self._worker(leg).ask(command)

    def release(self, leg: LegId) -> None:
        """Close a leg; one that is not open is no error."""
        worker = self._places.pop(leg, None)
        if worker is not None:
            worker.send(Release(leg=leg))

    async def next_event(self) -> Event:
        """Return the next event that answers no command."""
        while not self._events:
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    # ------------------------------------------------------------------ beside the port
    @property
    def unclaimed(self) -> frozenset[LegId]:
        """Legs that the workers hold and nobody reserved since we started."""
        return frozenset(leg for worker in self._workers for leg in worker.unclaimed)

    def release_unclaimed(self) -> None:
        """Close the legs that nobody asked for after our restart."""
        for worker in self._workers:
            for leg in tuple(worker.unclaimed):
                worker.send(Release(leg=leg))
            worker.unclaimed.clear()

    def _deliver(self, event: Event) -> None:
        if len(self._events) == _MAX_EVENTS:
            log.warning("media.events_unread", kept=_MAX_EVENTS)
        if isinstance(event, WorkerAlarm):
            log.warning("media.alarm", code=event.code)
        self._events.append(event)
        self._news.set()
