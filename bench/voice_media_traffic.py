# SPDX-License-Identifier: Apache-2.0
"""Far ends for media measurements: a process that sends and counts, and the barest relay.

`Traffic` runs in a process of its own, on a core of its own where there are two: every
20 ms it sends one G.711 frame for each of its flows, a tenth of them every 2 ms, and counts
what comes back. The relay is the floor of the measurement: receive, send, nothing else.
"""

from __future__ import annotations

import os
import select
import socket
import time
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from centralino.wire.rtp.srtp import SUITE_80, SrtpReceiver, SrtpSender

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

FRAME_S = 0.02
SHARES = 10
_HEADER = Struct(">BBHII")
_PAYLOAD = bytes(range(160))
_BUFFER_BYTES = 1 << 20
_SETTLE_S = 0.4
_COALESCE_S = 0.003


@dataclass(frozen=True)
class Slice:
    """What one stretch of traffic came to."""

    sent: int
    received: int
    longest_gaps_s: tuple[float, ...]
    """Per flow, the longest time without a packet, up to the end of the sending."""


def pin(core: int) -> None:
    """Keep this process on one core, where the machine has more than one."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


def open_socket() -> socket.socket:
    """Open a non-blocking UDP socket on a free port of the loopback."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    one.bind(("127.0.0.1", 0))
    return one


class Traffic:
    """Sends and counts."""

    def __init__(self, flows: int) -> None:
        self.sockets = [open_socket() for _ in range(flows)]
        self._poll = select.epoll()
        self._flows = {one.fileno(): flow for flow, one in enumerate(self.sockets)}
        for one in self.sockets:
            self._poll.register(one, select.EPOLLIN)
        self._numbers = [(index * 37) & 0xFFFF for index in range(flows)]
        self._senders: list[SrtpSender | None] = [None] * flows
        self._receivers: list[SrtpReceiver | None] = [None] * flows
        self._targets: list[tuple[str, int]] = []
        self._plain = True
        self._last_at: list[float] = []
        self._longest: list[float] = []
        self.received = 0
        self.sent = 0

    def protect(self, keys: dict[int, tuple[bytes, bytes]]) -> None:
        """Encrypt what these flows send (first key), decrypt what they get (second key)."""
        for flow, (sending, receiving) in keys.items():
            self._senders[flow] = SrtpSender(SUITE_80, sending)
            self._receivers[flow] = SrtpReceiver(SUITE_80, receiving)

    def run(self, targets: list[tuple[str, int]], seconds: float, *, plain: bool) -> Slice:
        """Send to one target per flow for a while; return the counts of this while.

        ``plain`` leaves the encryption out, whatever keys there are.
        """
        self.sent = self.received = 0
        self._targets = targets
        self._plain = plain
        start = time.monotonic()
        self._last_at = [start] * len(self.sockets)
        self._longest = [0.0] * len(self.sockets)
        shares = round(seconds / FRAME_S) * SHARES
        for number in range(shares):
            due = start + number * FRAME_S / SHARES
            while (wait := due - time.monotonic()) > 0:
                self._receive(wait)
            for flow in range(number % SHARES, len(targets), SHARES):
                self._send(flow, targets[flow])
        ended = time.monotonic()
        gaps = tuple(
            max(longest, ended - last)
            for longest, last in zip(self._longest, self._last_at, strict=True)
        )
        until = ended + _SETTLE_S
        while (wait := until - time.monotonic()) > 0:
            self._receive(wait)
        return Slice(self.sent, self.received, gaps)

    def _send(self, flow: int, target: tuple[str, int]) -> None:
        number = self._numbers[flow] = self._numbers[flow] + 1
        header = _HEADER.pack(0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, flow + 1)
        packet = header + _PAYLOAD
        sender = self._senders[flow]
        if sender is not None and not self._plain:
            packet = sender.protect(packet)
        self.sockets[flow].sendto(packet, target)
        self.sent += 1

    def _receive(self, wait: float) -> None:
        for descriptor, _ in self._poll.poll(wait, 1024):
            flow = self._flows[descriptor]
            data, address = self.sockets[flow].recvfrom(2048)
            if address != self._targets[flow] or 192 <= data[1] <= 223:
                continue
            receiver = self._receivers[flow]
            if receiver is not None and not self._plain:
                data = receiver.unprotect(data)
            if data.endswith(_PAYLOAD):
                self.received += 1
                now = time.monotonic()
                self._longest[flow] = max(self._longest[flow], now - self._last_at[flow])
                self._last_at[flow] = now


def run_traffic(pipe: Connection, flows: int, core: int) -> None:
    """Serve a parent: ('run', targets, seconds, plain), ('protect', keys), ('end',)."""
    pin(core)
    traffic = Traffic(flows)
    pipe.send([one.getsockname()[1] for one in traffic.sockets])
    while (order := pipe.recv())[0] != "end":
        if order[0] == "protect":
            traffic.protect(order[1])
        else:
            pipe.send(traffic.run(order[1], order[2], plain=order[3]))


def run_relay(pipe: Connection, remotes: list[int], core: int) -> None:
    """Relay between neighbours, flow 0 to 1 and back, with the least work in Python.

    Coalesces like a worker does, so that both pay for as many wake-ups. Answers each
    order with (received, forwarded) so far.
    """
    pin(core)
    sockets = [open_socket() for _ in remotes]
    pipe.send([one.getsockname()[1] for one in sockets])
    poll = select.epoll()
    ways = {}
    for index, one in enumerate(sockets):
        partner = index ^ 1
        ways[one.fileno()] = (one, sockets[partner], ("127.0.0.1", remotes[partner]))
        poll.register(one, select.EPOLLIN)
    poll.register(pipe.fileno(), select.EPOLLIN)
    received = forwarded = 0
    while True:
        for descriptor, _ in poll.poll(1.0, 1024):
            if descriptor == pipe.fileno():
                if pipe.recv()[0] == "end":
                    return
                pipe.send((received, forwarded))
                continue
            source, partner_socket, remote = ways[descriptor]
            data, _ = source.recvfrom(2048)
            received += 1
            partner_socket.sendto(data, remote)
            forwarded += 1
        select.select((), (), (), _COALESCE_S)
