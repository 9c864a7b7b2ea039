# SPDX-License-Identifier: Apache-2.0
"""A recorded day under another configuration: the same one changes nothing, others tell what."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest
from typer.testing import CliRunner

from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.cli.main import app
from centralino.core.kernel.ids import AgentId
from centralino.exchange.comparison import UNKNOWN, compare
from centralino.exchange.replay import last_configuration
from tests.replay.test_journals import JOURNALS, TENANT, load
from tests.unit.core.company import SALES

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.adapters.journal.memory import InMemoryJournal
    from centralino.core.routing.configuration import TenantConfiguration

pytestmark = pytest.mark.replay

BUSY, FLOWS = JOURNALS / "busy-hour-1.jsonl", JOURNALS / "flow-hour-2.jsonl"


def configuration_of(journal: InMemoryJournal) -> TenantConfiguration:
    found = last_configuration(journal, TENANT)
    assert found is not None
    return found


def with_more_agents(configuration: TenantConfiguration, count: int) -> TenantConfiguration:
    """Return a configuration with agents more in the queue sales, whom nobody knows."""
    model = configuration.agents[0]
    new = tuple(
        msgspec.structs.replace(model, id=AgentId(f"new-{n}"), name=f"New {n}", user="")
        for n in range(count)
    )
    names = tuple(agent.id for agent in new)
    queues = tuple(
        msgspec.structs.replace(queue, agents=(*queue.agents, *names))
        if queue.id == SALES
        else queue
        for queue in configuration.queues
    )
    return msgspec.structs.replace(
        configuration, agents=(*configuration.agents, *new), queues=queues
    )


@pytest.mark.parametrize("path", [BUSY, FLOWS], ids=lambda path: path.stem)
def test_the_same_configuration_changes_nothing_and_assumes_nothing(path: Path) -> None:
    journal = load(path)
    found = compare(journal, TENANT, configuration_of(journal))
    assert found.changed == ()
    assert found.was == found.would_be
    assert (found.certain, found.assumptions, found.unapplied) == (found.calls, {}, {})


def test_more_agents_answer_more_and_what_nobody_can_know_is_said() -> None:
    journal = load(BUSY)
    found = compare(journal, TENANT, with_more_agents(configuration_of(journal), 3))
    assert found.would_be[0].answered > found.was[0].answered
    assert found.would_be[0].waited_ms < found.was[0].waited_ms
    assert {"talk", "agent"} <= set(found.assumptions) <= set(UNKNOWN)
    rescued = [
        change
        for change in found.changed
        if change.was.result == "abandoned"
        and change.would_be is not None
        and change.would_be.result == "answered"
    ]
    assert rescued
    assert all("talk" in change.unknown for change in rescued)
    new = {c.would_be.agent for c in found.changed if c.would_be is not None}
    assert any(agent.startswith("new-") for agent in new)
    assert found.certain < found.calls


def test_fewer_agents_let_people_wait_longer_and_their_patience_is_not_known() -> None:
    journal = load(FLOWS)
    configuration = configuration_of(journal)
    slow = msgspec.structs.replace(
        configuration,
        queues=tuple(
            msgspec.structs.replace(queue, wrap_up_for_ms=120_000) for queue in configuration.queues
        ),
    )
    found = compare(journal, TENANT, slow)
    assert found.would_be[0].waited_ms > found.was[0].waited_ms
    assert all(change.would_be is not None for change in found.changed)


def test_the_command_prints_and_writes_what_would_have_changed(tmp_path: Path) -> None:
    journal = load(BUSY)
    path = tmp_path / "journal.sqlite3"
    with closing(SqliteJournal(path)) as stored:
        asyncio.run(stored.append(list(journal.read(TENANT))))
    settings = {
        "tenants": [msgspec.to_builtins(with_more_agents(configuration_of(journal), 3))],
        "voice": {
            "listeners": [],
            "trunks": [],
            "media_address": "127.0.0.1",
            "data_dir": "d",
            "run_dir": "r",
            "recording_dir": "x",
        },
    }
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(settings), encoding="utf-8")
    out = tmp_path / "out.json"
    arguments = ["replay", str(tmp_path), "--against", str(other), "--json", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "calls would have gone otherwise" in done.output
    assert "how long he would have talked is assumed" in " ".join(done.output.split())
    (told,) = json.loads(out.read_text())
    assert told["changed"][0]["was"]["result"]
    assert told["assumptions"]["talk"] > 0


def test_a_file_that_is_neither_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with closing(SqliteJournal(path)):
        pass
    other = tmp_path / "other.yaml"
    other.write_text("nothing: here\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["replay", str(path), "--against", str(other)])
    assert done.exit_code != 0
    assert "neither a tenant's file" in str(done.exception)
