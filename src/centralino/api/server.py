# SPDX-License-Identifier: Apache-2.0
"""uvicorn in our own loop: bounded, quiet, stopped by cancellation.

Signals and logs stay ours. Source: uvicorn documentation, "Settings".
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog
import uvicorn
from typing_extensions import override

from centralino.api.boundary import MOST_HEADER_BYTES, Boundary
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import ConfigError

log = structlog.get_logger(__name__)

STOP_WITHIN_S = 2
BACKLOG = 256
LARGEST_MESSAGE_BYTES = 16 << 10
"""Of what a client says on a stream: one token and two numbers."""


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any that is free.

    Raises:
        ConfigError: the port is taken, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "ss -lntp shows who holds it; take another port or address"
        raise ConfigError("api.port", f"{address}:{port} cannot be bound: {error}", hint) from error
    listener.setblocking(False)
    return listener


async def serve(
    application: Boundary,
    settings: ApiSettings,
    listener: socket.socket,
    on_ready: Callable[[], None],
) -> None:
    """Serve until cancelled; open streams are closed with 1012."""
    server = _Server(_config(application, settings), on_ready)
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        await task
        raise
    finally:
        listener.close()


def _config(application: Boundary, settings: ApiSettings) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Any", application),
        http="h11",
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE_BYTES,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.most_connections,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


class _Server(uvicorn.Server):
    """Leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets=sockets)
        log.info("api.listening", port_number=sockets[0].getsockname()[1] if sockets else 0)
        self._on_ready()

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield
