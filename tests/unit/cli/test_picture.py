# SPDX-License-Identifier: Apache-2.0
"""The live picture fits the terminal it is drawn on, and says what it must."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.bootstrap.demo.wiring import Ports
from centralino.bootstrap.layout import Layout
from centralino.cli.demo import Screen, how_to_call
from centralino.cli.picture import draw
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    FinishCollect,
    FinishPlay,
    ReceiveCall,
)
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.instant import Instant
from centralino.core.routing.commands import Command, ConfigureTenant
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import encode
from centralino.exchange.ports import JournalRecord

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.unit

CALLERS = 30
MOVED = Ports(sip=15062, tls=15063, carrier=15162, proxies=15163)


def _busy_day(path: Path) -> LiveProjection:
    """Return a projection of more callers than there are agents; all of them press 1."""
    engine = TenantEngine(company.TENANT)
    records: list[JournalRecord] = []

    def decide(command: Command) -> None:
        now = Instant(1_800_000_000_000_000_000 + len(records) * 1_000_000_000)
        decision = engine.apply(command, now)
        if not decision.is_empty:
            events = tuple(encode(event) for event in decision.events)
            record = JournalRecord(
                tenant=company.TENANT,
                sequence=decision.sequence,
                at=now,
                configuration=1,
                key="",
                input=encode(command),
                events=events,
            )
            records.append(record)

    decide(ConfigureTenant(configuration=company.tenant_configuration()))
    for number in range(CALLERS):
        leg = LegId(f"in-{number}")
        decide(
            ReceiveCall(
                leg=leg,
                trunk=company.CARRIER_TRUNK,
                called_number=company.NUMBER,
                caller_number=f"+3933355{number:05}",
            )
        )
        decide(ConfirmAnswered(leg=leg))
        caller = engine.state.interactions[engine.index.customer_legs[leg]]
        assert caller.play is not None
        decide(FinishPlay(leg=leg, play=f"{caller.id}/{caller.play.ask}", reason="completed"))
        assert caller.collect is not None
        collect = f"{caller.id}/{caller.collect.ask}"
        decide(FinishCollect(leg=leg, collect=collect, digits="1", reason="max-digits"))
    with closing(SqliteJournal(path)) as journal:
        asyncio.run(journal.append(records))
    projection = LiveProjection(path, company.TENANT)
    projection.refresh()
    return projection


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (100, 30), (120, 40), (200, 60)])
def test_nothing_that_matters_is_cut_off(tmp_path: Path, columns: int, lines: int) -> None:
    projection = _busy_day(tmp_path / "journal.sqlite3")
    layout = Layout(tmp_path, tmp_path)
    layout.edge_port.write_text("18080")
    header = how_to_call(MOVED, layout)
    header[3] = "Journal, recordings and logs: centralino-data/demo/20260101-120000"
    output = io.StringIO()
    console = Console(file=output, width=columns, height=lines, force_terminal=False)
    console.print(draw(header, projection, Hearing(), ["voice is ready"]))
    shown = output.getvalue().rstrip("\n").split("\n")
    text = "\n".join(shown)
    assert len(shown) <= lines
    assert max(map(len, shown)) <= columns
    assert "…" not in text
    assert f"sip:{company.NUMBER}@127.0.0.1:15062" in text
    assert all(person.name in text for person in company.AGENTS)
    assert f"offered {CALLERS}" in text
    assert "audio heard both ways in 0 of 0" in text
    assert "+393335500000" in text
    assert "interaction.queued" in text
    assert "longest" in text
    assert "queued sales" in text
    assert "l: messages of a call" in text


def test_keys_lead_to_the_messages_of_a_call_back_and_out(tmp_path: Path) -> None:
    projection = _busy_day(tmp_path / "journal.sqlite3")
    layout = Layout(tmp_path, tmp_path)
    layout.edge_port.write_text("18080")
    layout.logs.mkdir()
    newest, last = f"+3933355{CALLERS - 1:05}", f"+3933355{CALLERS - 2:05}"
    line = {"ts": 1.0, "part": "carrier", "call_id": "a", "what": "INVITE", "cseq": "1 INVITE"}
    line |= {"dir": "out", "raw": f"INVITE x SIP/2.0\r\nFrom: <sip:{newest}@127.0.0.1>\r\n\r\n"}
    (layout.logs / "carrier-messages.jsonl").write_text(f"{json.dumps(line)}\n")
    screen = Screen()
    screen.say_ready(MOVED, layout)

    def shown() -> str:
        console = Console(file=io.StringIO(), width=80, height=24)
        with console.capture() as captured:
            console.print(screen.draw(projection, Hearing()))
        return captured.get()

    assert "Sales" in shown()
    screen.press("l")
    assert f"the call from {newest}" in shown()
    assert "- INVITE -" in shown()
    screen.press("n")
    assert f"the call from {last}" in shown()
    screen.press("l")
    assert "Sales" in shown()
    assert not screen.is_ended
    screen.press("q")
    assert screen.is_ended
