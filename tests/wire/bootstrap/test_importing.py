# SPDX-License-Identifier: Apache-2.0
"""People of a group in the simulated tenant become agents for a file, by configuration alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from centralino.adapters.clock import SystemClock
from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.graph.settings import GraphSettings
from centralino.bootstrap.importing import read_import
from centralino.bootstrap.sample import example_settings, settings_text
from centralino.cli.main import app
from centralino.core.kernel.errors import ConfigError, NotFound
from centralino.simulators.entra.description import Permission
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import entra as kit
from tests.kit import graph_tenant
from tests.kit.entra_stage import certificate_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]


@asynccontextmanager
async def running(folder: Path, **changes: object) -> AsyncIterator[Path]:
    """Run both services; gives settings that lead to them."""
    certificate, key, root = certificate_files(folder)
    wants = (Permission(roles=("User.Read.All", "GroupMember.Read.All")),)
    application = kit.application(wants=wants)
    base = kit.scenario(certificate=str(certificate), private_key=str(key))
    entra_scenario = msgspec.structs.replace(base, applications=(application,))
    clock = LoopClock(lambda: SystemClock().utc() / 1e9)
    (folder / "secret").write_text(kit.SECRET)
    async with EntraSimulator(entra_scenario, clock, make_key=kit.lent_keys()) as entra:
        graph_scenario = graph_tenant.scenario()
        async with GraphSimulator(graph_scenario, checker=entra.checker(), clock=clock) as graph:
            example = example_settings()
            signing_in = EntraSettings(
                client_id=kit.CLIENT_ID,
                authority=entra.base_url,
                has_instance_discovery=False,
                ca_file=str(root),
                secret_file=str(folder / "secret"),
                tenants=(
                    OnboardedTenant(directory=kit.TENANT_ID, tenant=example.tenants[0].tenant),
                ),
            )
            settings = msgspec.structs.replace(
                example,
                data_dir=str(folder / "data"),
                entra=msgspec.structs.replace(signing_in, **changes),
                graph=GraphSettings(base_url=graph.url),
            )
            config = folder / "config.yaml"
            config.write_text(settings_text("", settings), encoding="utf-8")
            yield config


def test_the_people_of_a_group_are_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as config:
            plan = await read_import(config, "", [graph_tenant.SALES], None)
            assert [one.user for one in plan.new] == ["anna@north.example", "bruno@north.example"]
            assert plan.new[0].number == "+390200000001"
            with pytest.raises(NotFound, match="no group"):
                await read_import(config, "", ["dddddddd-0000-4000-8000-00000000ffff"], None)
            with pytest.raises(ConfigError, match="no organisation"):
                await read_import(config, "nobody", [graph_tenant.SALES], None)

    asyncio.run(main())


def test_the_command_prints_a_piece_of_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as config:
            out = tmp_path / "out.json"
            options = ["--config", str(config), "--group", graph_tenant.SALES, "--queue", "sales"]
            command = ["teams", "import-people", *options, "--json", str(out)]
            done = await asyncio.to_thread(CliRunner().invoke, app, command)
            assert done.exit_code == 0, done.output
            rows = yaml.safe_load(done.stdout)
            assert [row["id"] for row in rows] == ["anna", "bruno"]
            assert rows[0]["queues"] == ["sales"]
            assert json.loads(out.read_text())["known"] == 0
            assert "2 new" in done.stderr

    asyncio.run(main())


def test_without_sign_in_nobody_can_be_asked(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, client_id="") as config:
            with pytest.raises(ConfigError, match="client_id"):
                await read_import(config, "", [graph_tenant.SALES], None)

    asyncio.run(main())
