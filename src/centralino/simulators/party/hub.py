# SPDX-License-Identifier: Apache-2.0
"""Ports and pace of all scripted parties of one process.

One ticker serves every party: each 20 ms every talking party sends one packet. When
the process is late it sends what is due, so that the far end sees no missing audio.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import random

TICK_S = 0.02
MOST_CATCH_UP = 10


class Ticking(Protocol):
    """Something that does a bit of work every 20 ms."""

    def tick(self) -> None:
        """Send what is due."""
        ...


class Closable(Protocol):
    """Something with sockets."""

    def close(self) -> None:
        """Give the sockets back."""
        ...


class MediaHub:
    """The media side of the simulators of one process."""

    def __init__(self, address: str, ports: tuple[int, int], rng: random.Random) -> None:
        """Serve parties on ``address`` with even RTP ports of the range ``ports``."""
        self.address = address
        self.rng = rng
        self._first, self._last = ports
        self._next = self._first + (self._first & 1)
        self._parties: dict[int, Ticking] = {}
        self._streams: set[Closable] = set()
        self._count = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def open_sockets(self) -> tuple[socket.socket, socket.socket]:
        """Open an RTP and an RTCP socket on neighbouring ports.

        Raises:
            OSError: no pair of ports is free.
        """
        for _ in range((self._last - self._first) // 2):
            port = self._next
            self._next = port + 2 if port + 3 <= self._last else self._first + (self._first & 1)
            rtp = _bind(self.address, port)
            if rtp is None:
                continue
            rtcp = _bind(self.address, port + 1)
            if rtcp is not None:
                return rtp, rtcp
            rtp.close()
        raise OSError("no free pair of media ports")

    def join(self, party: Ticking) -> int:
        """Tick ``party`` from now on; return its handle."""
        self._count += 1
        self._parties[self._count] = party
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + TICK_S
            self._timer = loop.call_at(self._due, self._tick)
        return self._count

    def leave(self, handle: int) -> None:
        """Tick it no more."""
        self._parties.pop(handle, None)

    def opened(self, stream: Closable) -> None:
        """Remember a stream, to close it with the hub."""
        self._streams.add(stream)

    def closed(self, stream: Closable) -> None:
        """Forget it."""
        self._streams.discard(stream)

    def close(self) -> None:
        """Stop the ticker and close every stream that is left."""
        self._parties.clear()
        for stream in list(self._streams):
            stream.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for _ in range(MOST_CATCH_UP):
            for party in list(self._parties.values()):
                party.tick()
            self._due += TICK_S
            if self._due > loop.time():
                break
        else:
            self._due = loop.time() + TICK_S
        if self._parties:
            self._timer = loop.call_at(self._due, self._tick)


def _bind(address: str, port: int) -> socket.socket | None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind((address, port))
    except OSError:
        sock.close()
        return None
    return sock
