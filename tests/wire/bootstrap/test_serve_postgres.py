# SPDX-License-Identifier: Apache-2.0
"""The product with its journal in PostgreSQL: a call, a second exchange, and no word of secrets."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.journal.postgres import PostgresJournal, PostgresReader
from centralino.adapters.journal.postgres_database import Place
from centralino.bootstrap.demo import company
from centralino.core.kernel.errors import Conflict
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import count_calls, read_stories
from tests.kit.postgres import running_postgres
from tests.wire.bootstrap.test_serve import prepare, running, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

SETTINGS = """
journal:
  kind: postgresql
  dsn_file: {dsn}
  lease_s: 60
  take_over_s: 0.5
"""


def test_a_product_on_postgresql_takes_a_call_and_keeps_others_out(tmp_path: Path) -> None:
    config, scenario, layout = prepare(tmp_path)
    far = ("-m", "centralino.simulators", "--scenario", str(scenario))
    command = ("-m", "centralino.cli.main", "serve", "--config", str(config))
    with running_postgres() as server:
        dsn = tmp_path / "dsn"
        dsn.write_text(server.dsn, encoding="utf-8")
        text = config.read_text(encoding="utf-8")
        before, _, after = text.partition("\njournal:")
        after = after[after.index("\napi:") :]
        config.write_text(before + SETTINGS.format(dsn=dsn) + after, encoding="utf-8")
        with running(*far, "direct-routing") as (_, teams):
            wait_for(teams, '"ready"')
            with running(*command) as (product, said):
                lines = wait_for(said, "Centralino is up.")
                with running(*far, "carrier") as (_, carrier):
                    wait_for(carrier, "arrivals.done")
                with (
                    closing(PostgresJournal(Place(server.dsn), take_over_s=0)) as rival,
                    pytest.raises(Conflict, match="the tenant aurora is written by"),
                ):
                    asyncio.run(rival.own(company.TENANT))
        assert product.returncode == 0
        assert "not-asked-for" not in "".join(lines)
        assert not layout.journal.exists()
        with closing(PostgresReader(Place(server.dsn))) as reader:
            assert replay(reader, company.TENANT).is_identical
            stories = read_stories(read_events(reader, company.TENANT))
            counts = count_calls(stories)
    assert (counts.offered, counts.answered) == (1, 1)
