# SPDX-License-Identifier: Apache-2.0
"""The pair of UDP sockets of a leg, and which ports are free for it.

RTP takes an even port, RTCP the odd one above it (RFC 3550, 11), also under rtcp-mux:
then nobody sends to it, but nobody else can take it either.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass


class NoPortError(Exception):
    """No pair of ports could be bound."""


@dataclass(frozen=True, slots=True)
class SocketPair:
    """Two bound, non-blocking UDP sockets."""

    rtp: socket.socket
    rtcp: socket.socket
    address: str
    rtp_port: int

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


class PortRange:
    """Hands out pairs of ports, each as late as possible after its last use.

    Late packets of an ended call must not reach the next one that has its port.
    """

    def __init__(self, first: int, last: int, receive_buffer_bytes: int) -> None:
        self._first = first + first % 2
        self._count = max(0, (last - self._first + 1) // 2)
        self._cursor = 0
        self._receive_buffer_bytes = receive_buffer_bytes
        self.spare: dict[tuple[str, int], SocketPair] = {}
        """Pairs opened in advance, by address and RTP port."""

    def open(self, address: str, rtp_port: int = 0) -> SocketPair:
        """Bind a pair, the named one or the next free one of the range.

        Raises:
            NoPortError: the named port, or every port of the range, is taken, or the
                address is not ours.
        """
        if rtp_port:
            return self.spare.pop((address, rtp_port), None) or self._bind(address, rtp_port)
        try:
            return self._open_next(address)
        except NoPortError:
            spare = self.take_spare(address)
            if spare is None:
                raise
            return spare

    def _open_next(self, address: str) -> SocketPair:
        problem = "the range is empty"
        for _ in range(self._count):
            port = self._first + 2 * self._cursor
            self._cursor = (self._cursor + 1) % self._count
            try:
                return self._bind(address, port)
            except NoPortError as error:
                problem = str(error)
        raise NoPortError(f"no free port for {address}: {problem}")

    def take_spare(self, address: str) -> SocketPair | None:
        """Return a pair that was opened in advance, ``None`` when there is none."""
        found = next((at for at in self.spare if at[0] == address), None)
        return self.spare.pop(found) if found else None

    def put_by(self, address: str, count: int) -> None:
        """Open pairs in advance.

        Raises:
            NoPortError: so many are not free; those that were are open.
        """
        for _ in range(count):
            pair = self._open_next(address)
            self.spare[address, pair.rtp_port] = pair

    def close(self) -> None:
        """Close what was opened in advance."""
        for pair in self.spare.values():
            pair.close()
        self.spare.clear()

    def _bind(self, address: str, rtp_port: int) -> SocketPair:
        opened: list[socket.socket] = []
        try:
            opened.append(self._open_one(address, rtp_port))
            opened.append(self._open_one(address, rtp_port + 1))
        except OSError as error:
            for one in opened:
                one.close()
            raise NoPortError(f"port {rtp_port} of {address}: {error.strerror}") from error
        return SocketPair(opened[0], opened[1], address, rtp_port)

    def _open_one(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer_bytes)
            one.bind((address, port))
        except OSError:
            one.close()
            raise
        return one
