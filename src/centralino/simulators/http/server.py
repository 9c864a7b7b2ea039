# SPDX-License-Identifier: Apache-2.0
"""uvicorn in the running loop: over TLS with given files, or plain on the loopback.

Plain HTTP is refused on any other address: what a simulator says is fictional, but the
tokens it hands out would be readable. Signals and logs stay the caller's. Stopping closes
open connections within two seconds. Source: uvicorn documentation, "Settings".
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import uvicorn
from typing_extensions import override

if TYPE_CHECKING:
    from types import TracebackType

    from centralino.simulators.http.service import HttpService

STOP_WITHIN_S = 2
BACKLOG = 256
MOST_HEADER_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of the server's certificate (with its intermediates) and private key."""

    certificate: Path
    private_key: Path


class HttpServer:
    """Serves one service: ``async with HttpServer(service) as server: server.url``."""

    def __init__(
        self,
        service: HttpService,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: TlsFiles | None = None,
        host: str = "",
    ) -> None:
        """Make a server; nothing listens yet.

        Args:
            service: what is served.
            address: where to listen.
            port: 0 takes any that is free.
            tls: the certificate; plain HTTP without.
            host: the name in ``url``, the address when empty.

        Raises:
            ValueError: plain HTTP on an address that is not the loopback's.
        """
        if tls is None and not ipaddress.ip_address(address).is_loopback:
            raise ValueError(f"plain HTTP is for the loopback, not for {address}")
        self.service = service
        self._address = address
        self._port = port
        self._tls = tls
        self._host = host or (f"[{address}]" if ":" in address else address)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port, once started."""
        return self._port

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'http' if self._tls is None else 'https'}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; return when requests are taken.

        Raises:
            OSError: the address is taken, or the certificate's files cannot be read.
        """
        listener = _listen(self._address, self._port)
        try:
            config = self._config()
            config.load()
        except BaseException:
            listener.close()
            raise
        self._port = int(listener.getsockname()[1])
        self._server = _Server(config)
        serving = self._server.serve(sockets=[listener])
        self._task = asyncio.get_running_loop().create_task(serving)
        await self._server.is_listening.wait()

    async def close(self) -> None:
        """Stop; open connections are closed."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task
        # A client that keeps its connection would keep a TLS close waiting for its answer.
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        self._server = self._task = None
        await _turns()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.close()

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            cast("Any", self.service),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            ssl_certfile=None if self._tls is None else str(self._tls.certificate),
            ssl_keyfile=None if self._tls is None else str(self._tls.private_key),
        )


async def _turns() -> None:
    """Let the loop finish what it does at once: sockets of aborted connections are closed."""
    loop = asyncio.get_running_loop()
    for _ in range(3):
        turned = loop.create_future()
        loop.call_soon(turned.set_result, None)
        await turned


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """Leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets=sockets)
        self.is_listening.set()

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield
