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
from centralino.adapters.entra.notification import NotificationProof
from centralino.adapters.intake.log import IntakeLog
from centralino.api.application import create_server_application
from centralino.api.server import listen, serve
from centralino.bootstrap.cloud import (
    Cloud,
    CloudShell,
    callbacks_of,
    webhook_secret,
    webhooks_of,
)
from centralino.bootstrap.explanations import JournalExplanations
from centralino.bootstrap.sign_in import SignInParts, doorkeeper_of, sign_in_parts
from centralino.core.kernel.errors import ConfigError
from centralino.exchange.control_client import LinkedControl
from centralino.exchange.microsoft import DirectoryId

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from centralino.bootstrap.layout import Layout
    from centralino.bootstrap.settings import Settings
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.control import ControlPort
    from centralino.exchange.ports import ClockPort


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
    intake = IntakeLog(layout.intake)
    secret = webhook_secret(layout.webhook_secret)
    cloud = None if parts is None else _cloud(settings, parts, control, clock, secret)
    keeper = dataclasses.replace(
        doorkeeper_of(parts, control, clock, cloud),
        explanations=JournalExplanations(settings.journal, layout),
    )
    application = create_server_application(
        keeper, api, generation=generation, webhooks=webhooks_of(intake, clock, secret)
    )
    listener = _listen(settings, layout)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(control.run())
            if cloud is not None:
                group.create_task(cloud.run())
                group.create_task(cloud.deal_with(intake))
            await serve(application, api, listener, on_ready)
    finally:
        intake.close()
        if parts is not None:
            await parts.close()


def _cloud(
    settings: Settings, parts: SignInParts, control: ControlPort, clock: ClockPort, secret: str
) -> Cloud:
    """Return what follows Microsoft's cloud for the organisations that have signed up."""
    shell = CloudShell(
        settings.graph,
        control,
        clock,
        application=settings.entra.client_id,
        callbacks=callbacks_of(settings.graph.callback_url, secret),
        proof=NotificationProof(settings.entra, parts.tokens, clock),
    )

    def directories() -> dict[TenantId, DirectoryId]:
        return {tenant: DirectoryId(name) for name, tenant in parts.tenants.current().items()}

    return Cloud(shell, parts.access, directories)


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
