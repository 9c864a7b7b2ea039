# SPDX-License-Identifier: Apache-2.0
"""``centralino apply`` on files, on a stored journal and on a running exchange."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.sqlite import JournalReader, SqliteJournal
from centralino.bootstrap.applying import Applied, apply_tenant, note_running
from centralino.bootstrap.demo.company import TENANT, tenant_configuration
from centralino.bootstrap.layout import Layout
from centralino.core.kernel.errors import ConfigError, Conflict
from centralino.exchange.control_server import ControlServer
from centralino.exchange.exchange import Exchange
from centralino.exchange.replay import last_configuration, replay
from tests.scenario.in_memory_calls import InMemoryCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


class Place:
    """A copy of the examples, with a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(EXAMPLES, folder / "examples")
        self.tenant = folder / "examples/demo/tenant.yaml"
        self.config = folder / "examples/demo/aurora.yaml"
        self.layout = Layout(folder / "data", folder)
        text = self.config.read_text()
        (line,) = [one for one in text.splitlines() if one.startswith("data_dir:")]
        self.config.write_text(text.replace(line, f"data_dir: {self.layout.data_dir}"))

    async def apply(self, *, is_plan: bool = False) -> Applied:
        """Apply the tenant's file."""
        return await apply_tenant(self.tenant, self.config, is_plan=is_plan)

    def change(self, old: str, new: str) -> None:
        """Change the tenant's file."""
        text = self.tenant.read_text()
        assert old in text
        self.tenant.write_text(text.replace(old, new))

    def exchange(self, journal: SqliteJournal, control: ControlServer | None = None) -> Exchange:
        """Return an exchange on a journal, with a driver in memory."""
        clock = SystemClock()
        calls = InMemoryCalls(clock, tenant=TENANT, number="+390212345600", habits={})
        return Exchange(
            driver=calls,
            driver_name="voice",
            journal=journal,
            clock=clock,
            observer=control.observer if control is not None else None,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_plan_changes_nothing_and_a_stored_file_is_found_at_the_next_start(place: Place) -> None:
    async def run() -> None:
        planned = await place.apply(is_plan=True)
        assert planned.how == "planned"
        assert "+ queue sales" in planned.changes
        assert not place.layout.journal.exists()
        assert (await place.apply()).how == "stored"
        assert (await place.apply()).how == "unchanged"
        journal = SqliteJournal(place.layout.journal)
        exchange = place.exchange(journal)
        running = asyncio.ensure_future(exchange.run({TENANT: tenant_configuration()}))
        async with asyncio.timeout(10):
            await exchange.attached.wait()
        configuration = exchange.tenants[TENANT].engine.state.configuration
        assert configuration is not None
        assert configuration.is_applied, "settings do not replace what was applied"
        assert configuration.catalogue.newest("main") is not None
        running.cancel()
        await asyncio.wait([running])
        journal.close()

    asyncio.run(run())


async def _running(place: Place) -> AsyncIterator[Exchange]:
    place.layout.data_dir.mkdir(parents=True)
    journal = SqliteJournal(place.layout.journal)
    control = ControlServer(clock=SystemClock(), generation=1, trunks={})
    exchange = place.exchange(journal, control)
    control.watch(exchange)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(exchange.run({TENANT: tenant_configuration()})),
            group.create_task(control.run(place.layout.control_socket)),
        ]
        await exchange.attached.wait()
        note_running(place.layout)
        yield exchange
        for task in tasks:
            task.cancel()
    journal.close()


def test_a_running_product_takes_it_at_once(place: Place) -> None:
    async def run() -> None:
        async for exchange in _running(place):
            applied = await place.apply()
            assert applied.how == "running"
            state = exchange.tenants[TENANT].engine.state
            assert state.configuration is not None
            assert {queue.id for queue in state.configuration.queues} == {"sales", "support"}
            assert "elena" not in state.agents, "who is not in the file is gone"
            assert (await place.apply()).how == "unchanged"
        assert replay(JournalReader(place.layout.journal), TENANT).is_identical

    asyncio.run(run())


def test_a_file_that_contradicts_itself_changes_nothing(place: Place) -> None:
    place.change("queues: [sales, support]\n    skills", "queues: [sales, nowhere]\n    skills")
    applied = asyncio.run(place.apply())
    assert applied.how == ""
    (fault,) = applied.faults
    assert fault.reason == "agents.2.queues.1: there is no queue nowhere"
    assert place.tenant.read_text().splitlines()[fault.line - 1].strip().startswith("queues:")


def test_a_flow_that_is_wrong_is_named_with_its_file_and_line(place: Place) -> None:
    place.change("- { id: support, name: Support", "- { id: helpdesk, name: Support")
    place.change("[sales, support]\n    skills", "[sales, helpdesk]\n    skills")
    place.change("[support]\n    skills", "[helpdesk]\n    skills")
    applied = asyncio.run(place.apply())
    assert applied.how == ""
    assert any(
        fault.is_error and fault.line and fault.file.parent.name == "flows"
        for fault in applied.faults
    )
    assert last_or_none(place) is None


def last_or_none(place: Place) -> object:
    """Return the stored configuration, if there is a journal."""
    if not place.layout.journal.exists():
        return None
    return last_configuration(JournalReader(place.layout.journal), TENANT)


def test_a_trunk_that_the_settings_do_not_have_is_refused(place: Place) -> None:
    place.change("outside: carrier", "outside: nobody")
    with pytest.raises(ConfigError, match="no trunk nobody"):
        asyncio.run(place.apply())


def test_a_product_that_runs_but_does_not_answer_is_not_overtaken(place: Place) -> None:
    place.layout.data_dir.mkdir(parents=True)
    journal = SqliteJournal(place.layout.journal)
    with pytest.raises(Conflict, match="another process"):
        asyncio.run(place.apply())
    journal.close()
