# SPDX-License-Identifier: Apache-2.0
"""From where a softphone on this machine calls: not only from the loopback.

Most softphones bind to the address of a network card, and what they send to 127.0.0.1 then
comes from there. Such a packet still never leaves the machine. Linux: ``netdevice(7)``.
"""

from __future__ import annotations

import fcntl
import socket
import struct

_SIOCGIFADDR = 0x8915
_REQUEST = struct.Struct("256s")
_ADDRESS = slice(20, 24)
_MOST = 32


def own_networks() -> tuple[str, ...]:
    """Return this machine's IPv4 addresses as networks of one, the loopback first."""
    found = ["127.0.0.1/32"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex()[:_MOST]:
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, _REQUEST.pack(name.encode()[:15]))
            except OSError:
                continue  # a card without an IPv4 address
            network = f"{socket.inet_ntoa(answer[_ADDRESS])}/32"
            if network not in found:
                found.append(network)
    return tuple(found)
