# SPDX-License-Identifier: Apache-2.0
"""A man in the middle between the product and the proxies, with the run's own certificates.

It ends TLS on both sides and may change or lose every message on its way, so that a check can
be shown to fail without touching the product. Port numbers of the two sides are exchanged in
what passes, so that requests of a dialog come back this way.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.tls import CIPHERS
from centralino.wire.sip.errors import FramingError
from centralino.wire.sip.framing import Keepalive, StreamFramer

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.certification.authority import Files
    from centralino.certification.wiring import Ports

Tamper = Callable[[bytes, bool], bytes]
"""``(message, is_from_product)`` to what goes on; empty loses it."""


def untouched(message: bytes, is_from_product: bool) -> bytes:
    """Change nothing."""
    del is_from_product
    return message


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction in which connections are opened."""

    listen: str
    port: int
    target: tuple[str, int]
    server_name: str
    is_by_product: bool


class Relay:
    """Stands between; ``tamper`` may be changed while it runs."""

    def __init__(self, ports: Ports, proxies: dict[str, str], trunk: str, product: str) -> None:
        """Relay for the proxies (name to address) and for the product at ``product``."""
        self.tamper: Tamper = untouched
        self._ports = ports
        self._ways = [
            _Way(address, ports.relay_out, (address, ports.proxies), name, is_by_product=True)
            for name, address in proxies.items()
        ]
        self._ways.append(
            _Way(product, ports.relay_in, (product, ports.tls), trunk, is_by_product=False)
        )
        self._servers: list[asyncio.Server] = []
        self._jobs: set[asyncio.Task[None]] = set()
        self._contexts: dict[bool, tuple[ssl.SSLContext, ssl.SSLContext]] = {}

    async def start(self, root: Path, sbc: Files, proxies: Files) -> None:
        """Listen; the relay is the proxies to the product, and the product to the proxies."""
        self._contexts = {
            True: (_context(proxies, root, is_server=True), _context(sbc, root, is_server=False)),
            False: (_context(sbc, root, is_server=True), _context(proxies, root, is_server=False)),
        }
        for way in self._ways:
            server = await asyncio.start_server(
                self._serve(way), way.listen, way.port, ssl=self._contexts[way.is_by_product][0]
            )
            self._servers.append(server)

    async def close(self) -> None:
        """Close every connection."""
        for server in self._servers:
            server.close()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    def _serve(self, way: _Way) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            job = asyncio.get_running_loop().create_task(self._join(way, reader, writer))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

        return accept

    async def _join(
        self, way: _Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(
                *way.target,
                ssl=self._contexts[way.is_by_product][1],
                server_hostname=way.server_name,
            )
        except OSError:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                out = self._pump(reader, far_writer, is_from_product=way.is_by_product)
                back = self._pump(far_reader, writer, is_from_product=not way.is_by_product)
                tasks.create_task(out)
                tasks.create_task(back)
        finally:
            for side in (writer, far_writer):
                side.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_from_product: bool,
    ) -> None:
        framer = StreamFramer()
        with suppress(OSError, FramingError):
            while data := await reader.read(65536):
                for item in framer.feed(data):
                    if isinstance(item, Keepalive):
                        continue
                    changed = self.tamper(item, is_from_product)
                    if changed:
                        writer.write(self._exchange_ports(changed, is_from_product))
        writer.transport.abort()

    def _exchange_ports(self, message: bytes, is_from_product: bool) -> bytes:
        head, blank, body = message.partition(b"\r\n\r\n")
        near, far = self._ports.relay_out, self._ports.proxies
        old, new = (near, far) if is_from_product else (far, near)
        return head.replace(b":%d" % old, b":%d" % new) + blank + body


def _context(files: Files, root: Path, *, is_server: bool) -> ssl.SSLContext:
    kind = ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(kind)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(files.certificate, files.private_key)
    context.load_verify_locations(root)
    if is_server:
        context.verify_mode = ssl.CERT_REQUIRED
    else:
        context.check_hostname = False
    return context
