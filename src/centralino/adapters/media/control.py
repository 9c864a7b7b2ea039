# SPDX-License-Identifier: Apache-2.0
"""The worker's side of the link: a Unix socket in the same loop as the packets.

Speaks the frames of ``exchange.link.framing`` without asyncio. Replies go to who asked.
Events that answer nothing go to the driver that connected last; while there is none they
are kept (a bounded number, the oldest go first), so that a driver that restarts learns
what its legs did meanwhile. What one turn of the loop has to say is written at its end, so
that the driver is woken once for it; what can wait leaves with it, or with a later tick.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from centralino.exchange.link.framing import (
    FrameDecoder,
    Hello,
    LinkError,
    check_hello,
    encode_frame,
)
from centralino.exchange.media import (
    Configure,
    Event,
    ListMedia,
    MarkRecording,
    PauseRecording,
    PlayMedia,
    ReadStatistics,
    Release,
    Reserve,
    ResumeRecording,
    RingbackTone,
    SendDigits,
    SetRoom,
    StartRecording,
    StopMedia,
    StopRecording,
)

log = structlog.get_logger(__name__)

AnyCommand = (
    Reserve
    | Configure
    | PlayMedia
    | StopMedia
    | RingbackTone
    | SetRoom
    | StartRecording
    | PauseRecording
    | ResumeRecording
    | MarkRecording
    | StopRecording
    | SendDigits
    | ReadStatistics
    | Release
    | ListMedia
)
"""Every command a worker understands."""

_MAX_KEPT_EVENTS = 4096
_MAX_UNSENT_BYTES = 8 << 20
_READ_BYTES = 1 << 16
_MAX_CONNECTIONS = 8


class Engine(Protocol):
    """What is spoken to over the link."""

    def carry_out(self, command: AnyCommand, now: int) -> Event:
        """Carry out one command and return the reply."""
        ...

    def greet(self) -> Sequence[Event]:
        """Return what a driver that has just come is told first."""
        ...


class Connection:
    """One driver's connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.frames = FrameDecoder(msgspec.msgpack.Decoder(AnyCommand))
        self.hello: Hello | None = None
        self.unsent = bytearray()
        self.awaits_room = False
        """Whether we wait until the stream takes more."""


class ControlServer:
    """Accepts drivers, decodes their commands, sends them events.

    Args:
        path: the Unix socket to listen on; a stale one is replaced.
        hello: what we say first.
        poll: the loop's epoll.
        handlers: the loop's table of descriptor to what to call with (mask, now).
        engine: what carries out the commands.
    """

    def __init__(
        self,
        path: str,
        hello: Hello,
        poll: select.epoll,
        handlers: dict[int, Callable[[int, int], None]],
        engine: Engine,
    ) -> None:
        self._hello = encode_frame(hello)
        self._poll = poll
        self._handlers = handlers
        self._engine = engine
        self._connections: list[Connection] = []
        self._kept: deque[Event] = deque(maxlen=_MAX_KEPT_EVENTS)
        self._has_news = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._listener.bind(path)
        os.chmod(path, 0o600)
        self._listener.listen(_MAX_CONNECTIONS)
        self._listener.setblocking(False)
        self._watch(self._listener, self._accept)

    def _watch(self, stream: socket.socket, handler: Callable[[int, int], None]) -> None:
        self._handlers[stream.fileno()] = handler
        self._poll.register(stream, select.EPOLLIN)

    def _accept(self, mask: int, now: int) -> None:
        try:
            stream, _ = self._listener.accept()
        except OSError:
            return
        if len(self._connections) >= _MAX_CONNECTIONS:
            stream.close()
            return
        stream.setblocking(False)
        connection = Connection(stream)
        self._connections.append(connection)
        self._watch(stream, lambda mask, now: self._serve(connection, mask, now))
        self._queue(connection, self._hello)
        self.flush()

    def _serve(self, connection: Connection, mask: int, now: int) -> None:
        if mask & select.EPOLLOUT:
            self._send(connection)
        if not mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return
        try:
            data = connection.stream.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        try:
            self._take_frames(connection, data, now)
        except LinkError as error:
            log.warning("media.link_broken", problem=str(error))
            self._drop(connection)

    def _take_frames(self, connection: Connection, data: bytes, now: int) -> None:
        if connection.hello is None:
            connection.frames.feed(data)
            data = b""
            body = connection.frames.next_body()
            if body is None:
                return
            connection.hello = check_hello(body)
            log.info("media.driver_connected", driver=connection.hello.name)
            for event in (*self._kept, *self._engine.greet()):
                self._queue(connection, encode_frame(event))
            self._kept.clear()
        for command in connection.frames.take(data):
            reply = self._engine.carry_out(command, now)
            if command.request:
                self._queue(connection, encode_frame(reply))

    def emit(self, event: Event, *, can_wait: bool = False) -> None:
        """Send an event that answers no command to the driver.

        Args:
            event: what has happened.
            can_wait: it need not wake the driver: it leaves with the next that must.
        """
        for connection in reversed(self._connections):
            if connection.hello is not None:
                self._queue(connection, encode_frame(event), can_wait=can_wait)
                return
        self._kept.append(event)

    def _queue(self, connection: Connection, frame: bytes, *, can_wait: bool = False) -> None:
        connection.unsent += frame
        self._has_news = self._has_news or not can_wait

    def flush(self, *, everything: bool = False) -> None:
        """Write what is due; at the end of each turn, and ``everything`` now and then."""
        if not (self._has_news or everything):
            return
        self._has_news = False
        for connection in tuple(self._connections):
            if connection.unsent and not connection.awaits_room:
                self._send(connection)

    def _send(self, connection: Connection) -> None:
        unsent = connection.unsent
        try:
            sent = connection.stream.send(unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._drop(connection)
            return
        del unsent[:sent]
        if len(unsent) > _MAX_UNSENT_BYTES:
            log.warning("media.driver_does_not_read")
            self._drop(connection)
            return
        if connection.awaits_room is not bool(unsent):
            connection.awaits_room = bool(unsent)
            mask = select.EPOLLIN | (select.EPOLLOUT if unsent else 0)
            self._poll.modify(connection.stream, mask)

    def _drop(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._handlers.pop(connection.stream.fileno(), None)
        with contextlib.suppress(OSError):
            self._poll.unregister(connection.stream)
        connection.stream.close()

    def close(self) -> None:
        """Close everything and remove the socket; what was to be said is said."""
        self.flush(everything=True)
        for connection in tuple(self._connections):
            self._drop(connection)
        self._handlers.pop(self._listener.fileno(), None)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
