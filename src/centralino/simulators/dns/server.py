# SPDX-License-Identifier: Apache-2.0
"""A DNS server that knows the scenario's names and nothing else.

Answers A from the name table (``*.domain`` covers one label), SRV ``_sips._tcp`` and
``_sip._udp`` for names that have records, NXDOMAIN for the rest. UDP only.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Service:
    """One SRV record."""

    name: str
    """E.g. ``_sips._tcp.example.test``."""
    priority: int
    weight: int
    port: int
    target: str


class NameServer(asyncio.DatagramProtocol):
    """A DNS server on loopback."""

    def __init__(
        self, names: dict[str, str], services: tuple[Service, ...] = (), ttl_s: int = 30
    ) -> None:
        """Serve ``names`` (host to IPv4 address) and ``services``; both may be changed."""
        self.names = names
        self.services = list(services)
        self.ttl_s = ttl_s
        self.asked: list[tuple[str, str]] = []
        """(name, type) of every question, in order."""
        self._socket: asyncio.DatagramTransport | None = None

    async def start(self, address: str, port: int) -> int:
        """Listen; return the port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))
        self._socket = transport
        return int(transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Stop."""
        if self._socket is not None:
            self._socket.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._socket = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        if self._socket is not None:
            self._socket.sendto(self._answer(query).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        texts = self._records(name, kind)
        if texts:
            reply.answer.append(dns.rrset.from_text(question.name, self.ttl_s, "IN", kind, *texts))
        elif not self._is_known(name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply

    def _records(self, name: str, kind: str) -> list[str]:
        if kind == "A":
            address = self._address(name)
            return [address] if address is not None else []
        if kind == "SRV":
            return [
                f"{s.priority} {s.weight} {s.port} {s.target}."
                for s in self.services
                if s.name == name
            ]
        return []

    def _is_known(self, name: str) -> bool:
        return self._address(name) is not None or any(s.name == name for s in self.services)

    def _address(self, name: str) -> str | None:
        return self.names.get(name) or self.names.get(f"*.{name.partition('.')[2]}")
