# SPDX-License-Identifier: Apache-2.0
"""Runs the product for real use, or only the far side of the demo."""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from centralino.bootstrap.applying import forget_running, note_running
from centralino.bootstrap.authority import DemoAuthority
from centralino.bootstrap.children import start_product
from centralino.bootstrap.demo import tenant
from centralino.bootstrap.demo.identity import Identity, entra_scenario
from centralino.bootstrap.demo.wiring import (
    SBC_HOST,
    DemoPlan,
    demo_scenario,
    proxy_names,
    save_scenario,
    usual_ports,
)
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.sources import load_settings
from centralino.bootstrap.supervisor import Supervisor
from centralino.simulators.__main__ import main as simulators_main


async def run_product(config: Path | None, say: Callable[[str], None]) -> None:
    """Run the product until SIGTERM or SIGINT.

    Raises:
        ConfigError: the settings are wrong.
        ChildFailed: a process did not start.
    """
    settings = load_settings(config, os.environ)
    temporary = None
    if settings.run_dir is None:
        temporary = tempfile.mkdtemp(prefix="centralino-")
        settings = msgspec.structs.replace(settings, run_dir=temporary)
    settings = msgspec.structs.replace(
        settings, voice=msgspec.structs.replace(settings.voice, run_dir=settings.run_dir or "")
    )
    set_up_logging(settings.log, "supervisor")
    layout = Layout.of(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stopped.set)
    supervisor = Supervisor(
        ready_s=settings.process.ready_s,
        stop_s=settings.process.stop_s,
        log_dir=layout.logs if settings.log.to_files else None,
        on_news=say,
    )
    try:
        async with supervisor:
            await start_product(supervisor, settings, layout)
            note_running(layout)
            say("Centralino is up.")
            if settings.api.is_enabled:
                port = layout.edge_port.read_text(encoding="ascii")
                say(f"Status page and API: http://{settings.api.address}:{port}/")
            await stopped.wait()
            say("Stopping.")
    finally:
        forget_running(layout)
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def run_far_side(parts: tuple[str, ...], scenario: Path | None, seed: int, data_dir: Path) -> int:
    """Run parts of a scenario (the demo's when ``None``); return the exit code.

    With the demo's scenario the certificate of the product's side is made as well, so that
    ``examples/demo/aurora.yaml`` can be served against it.
    """
    if scenario is None:
        authority = DemoAuthority(data_dir / "certificates", datetime.datetime.now(datetime.UTC))
        proxies = authority.issue("sip-proxies", proxy_names())
        authority.issue("sbc", [SBC_HOST])
        scenario = data_dir / "scenario.yaml"
        plan = DemoPlan(seed=seed, seconds=None, most_callers=500)
        cloud = authority.issue("cloud", [tenant.HOST])
        identity = Identity.below(data_dir)
        identity.make()
        whole = msgspec.structs.replace(
            demo_scenario(plan, usual_ports(), proxies),
            entra=entra_scenario(usual_ports(), identity, cloud),
            graph=tenant.graph_scenario(cloud),
            calls=tenant.calls_scenario(),
        )
        scenario.touch(mode=0o600)
        scenario.chmod(0o600)
        save_scenario(whole, scenario)
        sys.stderr.write(
            f"Scenario: {scenario}; the product is expected as {SBC_HOST}.\n"
            f"Tenant {tenant.TENANT_ID}, application {tenant.CLIENT_ID}, its secret in "
            f"{identity.secret_file}; trust {cloud.root}.\n"
        )
    return simulators_main(["--scenario", str(scenario), *parts])
