# SPDX-License-Identifier: Apache-2.0
"""One worker as its driver sees it: a link that comes and goes, requests, a memory.

While the worker is away, commands that set a state only change the memory, momentary
ones wait in a bounded queue. When it is back it gets the memory's set-up first, then
what waited, then the requests that were not answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.adapters.media.memory import WorkerMemory
from centralino.adapters.media.spare import SparePorts
from centralino.core.kernel.errors import (
    CapacityExceeded,
    RemoteRejected,
    RemoteTimeout,
    RemoteUnavailable,
)
from centralino.exchange.link.framing import Hello, LinkError
from centralino.exchange.link.stream import Link, LinkClient
from centralino.exchange.media import (
    Command,
    Done,
    Event,
    KeyPressed,
    ListMedia,
    MediaChanged,
    MediaListed,
    Played,
    Recorded,
    Refused,
    Reserve,
    Reserved,
    SendDigits,
    Statistics,
    WorkerAlarm,
)

if TYPE_CHECKING:
    from centralino.core.kernel.ids import LegId

log = structlog.get_logger(__name__)

AnyEvent = (
    Reserved
    | Done
    | Refused
    | Played
    | KeyPressed
    | MediaChanged
    | Statistics
    | Recorded
    | WorkerAlarm
    | MediaListed
    | SparePorts
)
"""Every event a worker sends."""

STOCK_TOLD_WITHIN_S = 1.0
"""Whoever has opened a leg on a port of its stock tells of new ones within a fifth of this."""
_MAX_WAITING = 1000
_SERVICE = "media worker"


class WorkerClient:
    """The link to one worker.

    Args:
        path: its Unix socket.
        hello: how we introduce ourselves.
        deliver: takes the events that answer no command.
        ask_timeout_s: how long a reply is awaited.
    """

    def __init__(
        self,
        path: Path,
        hello: Hello,
        deliver: Callable[[Event], None],
        *,
        ask_timeout_s: float,
    ) -> None:
        self.memory = WorkerMemory()
        self.unclaimed: dict[LegId, int] = {}
        """Legs that it holds and we did not reserve, with their port."""
        self.is_late = False
        self.opening_count = 0
        """Legs that we are about to open on it."""
        self.connected = asyncio.Event()
        """Set at the first connection."""
        self._spare: dict[str, list[int]] = {}
        """By address, RTP ports that it has open for legs to come."""
        self._doubt: asyncio.TimerHandle | None = None
        """Runs while a port of the stock was taken and it has told no new ones."""
        self._is_doubted = False
        """Whether it owes us that for too long: a worker that hangs is asked, which it fails."""
        self._is_listed = False
        """Whether we know which legs it holds."""
        self._name = path.name
        self._client: LinkClient[AnyEvent] = LinkClient(
            path, hello, msgspec.msgpack.Decoder(AnyEvent)
        )
        self._deliver = deliver
        self._timeout_s = ask_timeout_s
        self._link: Link[AnyEvent] | None = None
        self._requests = 0
        self._pending: dict[int, tuple[Command, asyncio.Future[Event]]] = {}
        self._waiting: deque[Command] = deque()

    @property
    def load(self) -> int:
        """How many legs it has, those that are being opened included."""
        return self.memory.leg_count + self.opening_count

    @property
    def is_connected(self) -> bool:
        """Whether the worker can be spoken to."""
        return self._link is not None

    async def run(self) -> None:
        """Keep the link until cancelled."""
        await self._client.run(self._session)

    async def _session(self, link: Link[AnyEvent]) -> None:
        self._link = link
        try:
            self._set_up(link)
            self.connected.set()
            while True:
                for event in await link.receive_all():
                    self._take(event)
        finally:
            self._link = None
            self.is_late = self._is_listed = False
            self._spare.clear()
            self._trust()

    def _set_up(self, link: Link[AnyEvent]) -> None:
        """Make the worker what it should be; all of it is idempotent."""
        link.send(ListMedia(request=self._next_request()))
        for command in self.memory.setup():
            link.send(msgspec.structs.replace(command, request=self._next_request()))
        while self._waiting:
            link.send(self._waiting.popleft())
        for command, _ in self._pending.values():
            link.send(command)

    def _next_request(self) -> int:
        self._requests += 1
        return self._requests

    def _take(self, event: Event) -> None:
        if event.request:
            self._answer(event)
            return
        if isinstance(event, SparePorts):
            self._spare[event.address] = [*event.rtp_ports]
            self._trust()
            return
        self.memory.note_event(event)
        if isinstance(event, WorkerAlarm) and event.code in ("late", "late-cleared"):
            self.is_late = event.code == "late"
        self._deliver(event)

    def _answer(self, event: Event) -> None:
        pending = self._pending.pop(event.request, None)
        if pending is not None:
            if not pending[1].done():
                pending[1].set_result(event)
        elif isinstance(event, MediaListed):
            self._is_listed = True
            self.unclaimed = {
                leg: port for leg, port in event.legs if self.memory.reserved(leg) is None
            }
        elif isinstance(event, Refused):
            log.warning("media.setup_refused", worker=self._name, code=event.code)
            self._deliver(WorkerAlarm(code="setup-refused", text=f"{event.code}: {event.text}"))

    def send(self, command: Command) -> None:
        """Send a command without waiting for a reply.

        Raises:
            CapacityExceeded: the worker is away and too much waits for it.
        """
        is_state = self.memory.note_command(command)
        if self._link is not None:
            try:
                self._link.send(command)
                return
            except LinkError:
                log.info("media.link_lost_while_sending", worker=self._name)
        if not is_state:
            if len(self._waiting) >= _MAX_WAITING:
                raise CapacityExceeded(f"{self._name} is away and {_MAX_WAITING} commands wait")
            self._waiting.append(command)

    def open_at_once(self, command: Reserve) -> Reserved | None:
        """Open a leg on a port that the worker has in stock, without waiting for a reply.

        ``None`` where that may not succeed: then it is to be asked.
        """
        may_hold = command.rtp_port or command.leg in self.unclaimed or not self._is_listed
        if may_hold or self.is_late or self.memory.reserved(command.leg) is not None:
            return None
        port = 0 if self._is_doubted else self._take_spare(command.address)
        if not port:
            return None
        if self._doubt is None:
            loop = asyncio.get_running_loop()
            self._doubt = loop.call_later(STOCK_TOLD_WITHIN_S, self._begin_to_doubt)
        self.send(msgspec.structs.replace(command, rtp_port=port))
        reserved = Reserved(
            leg=command.leg, address=command.address, rtp_port=port, rtcp_port=port + 1
        )
        self.memory.add_leg(reserved)
        return reserved

    def _begin_to_doubt(self) -> None:
        self._is_doubted = True

    def _trust(self) -> None:
        self._is_doubted = False
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None

    def _take_spare(self, address: str) -> int:
        """Return a port of the stock, 0 when there is none."""
        ports = self._spare.get(address, [])
        while ports:
            port = ports.pop(0)
            if (address, port) not in self.memory.ports:
                return port
        return 0

    async def ask(self, command: Command) -> Event:
        """Send a command and return its reply; asked again when the worker restarts.

        Raises:
            RemoteTimeout: no reply came in time.
            RemoteRejected: the worker refused; the code is in ``details``.
            RemoteUnavailable: the worker is away, and the command is none to repeat.
            CapacityExceeded: too many requests are open.
        """
        operation = type(command).__name__
        if len(self._pending) >= _MAX_WAITING:
            raise CapacityExceeded(f"{self._name} has {_MAX_WAITING} open requests")
        command = msgspec.structs.replace(command, request=self._next_request())
        if not isinstance(command, Reserve):
            self.memory.note_command(command)
        if self._link is not None:
            try:
                self._link.send(command)
            except LinkError:
                log.info("media.link_lost_while_sending", worker=self._name)
        if self._link is None and isinstance(command, SendDigits):
            raise RemoteUnavailable(_SERVICE, operation)
        reply = await self._await_reply(command, operation)
        if isinstance(reply, Refused):
            error = RemoteRejected(_SERVICE, operation, reply.text)
            error.details = {**error.details, "code": reply.code}
            raise error
        return reply

    async def _await_reply(self, command: Command, operation: str) -> Event:
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._pending[command.request] = (command, future)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await future
        except TimeoutError:
            raise RemoteTimeout(_SERVICE, operation) from None
        finally:
            self._pending.pop(command.request, None)
