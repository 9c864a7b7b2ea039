# SPDX-License-Identifier: Apache-2.0
"""Free ports on the loopback, for programs that cannot bind port 0 themselves.

A port found free can be taken by another before it is used. Code of ours binds port 0 and
asks for the number; only peers that need a number on their command line use this module.
A port is handed out once per test run, which keeps tests of one run out of each other's way.
"""

from __future__ import annotations

import os
import socket

_ATTEMPTS = 64
_given: set[int] = set()
_RANGES = range(22_000, 32_700)
_cursor = os.getpid() * 977


def free_tcp_port(address: str = "127.0.0.1") -> int:
    """Find a TCP port of `address` on which nothing listens."""
    return _free_port(address, (socket.SOCK_STREAM,))


def free_udp_port(address: str = "127.0.0.1") -> int:
    """Find a UDP port of `address` that nothing uses."""
    return _free_port(address, (socket.SOCK_DGRAM,))


def free_port(address: str = "127.0.0.1") -> int:
    """Find a port of `address` that is free for both TCP and UDP, as SIP wants it."""
    return _free_port(address, (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def free_udp_range(count: int, address: str = "127.0.0.1") -> range:
    """Find `count` neighbouring free UDP ports that begin at an even number (RFC 3550 11).

    They come from below the ports that the system itself chooses from, where a run of
    neighbours does not get cut up by single ports; each process begins somewhere else.
    """
    global _cursor
    span = _RANGES.stop - _RANGES.start
    tried = 0
    while tried < span:
        first = _RANGES.start + _cursor % span
        first += first % 2
        ports = range(first, first + count)
        taken = next((p for p in ports if not _is_free(address, p, socket.SOCK_DGRAM)), None)
        step = count if taken is None else taken - first + 1
        _cursor += step
        tried += step
        if taken is None and ports.stop <= _RANGES.stop:
            return ports
    message = f"no {count} neighbouring UDP ports are free"
    raise OSError(message)


def _free_port(address: str, kinds: tuple[socket.SocketKind, ...]) -> int:
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, kinds[0]) as probe:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
        if port not in _given and all(_is_free(address, port, kind) for kind in kinds[1:]):
            _given.add(port)
            return port
    message = f"no free port on {address}"
    raise OSError(message)


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
