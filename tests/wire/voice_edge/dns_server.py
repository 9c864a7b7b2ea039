# SPDX-License-Identifier: Apache-2.0
"""A small real name server on the loopback, over UDP, for zones that a test writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class DnsServer(asyncio.DatagramProtocol):
    """Answers from `zone`: (name, type) to a list of record texts."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.ttl_s = 60
        self.asked: Counter[tuple[str, str]] = Counter()
        self.is_silent = False
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[DnsServer]:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        server._transport = transport
        server.port = transport.get_extra_info("sockname")[1]
        try:
            yield server
        finally:
            transport.close()

    def add(self, name: str, kind: str, *texts: str) -> None:
        self.zone[name, kind] = list(texts)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if self.is_silent or self._transport is None:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        texts = self.zone.get((name, kind), [])
        if texts:
            answer.answer.append(
                dns.rrset.from_text_list(question.name, self.ttl_s, "IN", kind, texts)
            )
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)
