# SPDX-License-Identifier: Apache-2.0
"""The edge process: the API and its live streams, linked to the exchange.

It keeps nothing: killed, it comes back on the same port, follows the exchange again, and
clients resume. In the demo it takes another port where the usual one is taken, and writes
down which.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.api.application import create_server_application
from centralino.api.server import listen, serve
from centralino.bootstrap.explanations import JournalExplanations
from centralino.bootstrap.sign_in import doorkeeper_of, sign_in_parts
from centralino.core.kernel.errors import ConfigError
from centralino.exchange.control_client import LinkedControl

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from centralino.bootstrap.layout import Layout
    from centralino.bootstrap.settings import Settings


async def run_edge(settings: Settings, layout: Layout, on_ready: Callable[[], None]) -> None:
    """Run the edge until cancelled.

    Raises:
        ConfigError: the port is taken, or sign-in is not set up as it must be.
    """
    api = settings.api
    clock = SystemClock()
    parts = sign_in_parts(settings, layout, clock)
    generation = time.time_ns() // 1_000_000
    control = LinkedControl(
        layout.control_socket, generation=generation, timeout_s=api.command_timeout_s
    )
    keeper = dataclasses.replace(
        doorkeeper_of(parts, control, clock),
        explanations=JournalExplanations(settings.journal, layout),
    )
    application = create_server_application(keeper, api, generation=generation)
    listener = _listen(settings, layout)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(control.run())
            await serve(application, api, listener, on_ready)
    finally:
        if parts is not None:
            await parts.close()


def _listen(settings: Settings, layout: Layout) -> socket.socket:
    api = settings.api
    is_free_to_move = settings.profile == "demo" or api.port == 0
    wanted = api.port
    if is_free_to_move and layout.edge_port.is_file():
        wanted = int(layout.edge_port.read_text(encoding="ascii"))
    try:
        listener = listen(api.address, wanted)
    except ConfigError:
        if not is_free_to_move:
            raise
        listener = listen(api.address, 0)
    layout.edge_port.write_text(str(listener.getsockname()[1]), encoding="ascii")
    return listener
