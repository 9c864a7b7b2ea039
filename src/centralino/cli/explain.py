# SPDX-License-Identifier: Apache-2.0
"""``centralino explain``: why an interaction waits, and why for each agent."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.journals import configured_snapshots
from centralino.cli.replay import reader_of
from centralino.core.kernel.errors import InvalidInput, NotFound
from centralino.core.kernel.ids import InteractionId, TenantId
from centralino.core.kernel.instant import SECOND, Instant, to_iso
from centralino.core.routing.explain import AgentFinding, Explanation, Prediction, QueueFinding
from centralino.exchange.explaining import Explainer


def run(
    interaction: str,
    at: str | None,
    tenant: str | None,
    places: tuple[Path | None, Path | None],
    json_file: Path | None,
) -> int:
    """Explain an interaction; return 0."""
    journal, config = places
    moment = None if at is None else moment_of(at)
    with closing(reader_of(journal, config)) as reader:
        explainer = Explainer(reader, configured_snapshots(journal, config))
        tenants = [TenantId(tenant)] if tenant else list(reader.tenants())
        found = _find(explainer, tenants, InteractionId(interaction), moment)
    show(Console(), found)
    if json_file is not None:
        text = json.dumps(msgspec.to_builtins(found), indent=2)
        json_file.write_text(text + "\n", encoding="utf-8")
    return 0


def _find(
    explainer: Explainer,
    tenants: list[TenantId],
    interaction: InteractionId,
    moment: Instant | None,
) -> Explanation:
    problem = NotFound("the journal is empty")
    for tenant in tenants:
        try:
            return explainer.explain(tenant, interaction, moment, Instant(SystemClock().utc()))
        except NotFound as error:
            problem = error
    raise problem


def moment_of(text: str) -> Instant:
    """Return an instant given as ISO 8601, with its offset or in UTC.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no time; write it as 2026-11-29T10:15:00Z", details={"path": "at"}
        ) from None
    offset = "" if found.tzinfo is not None else "+00:00"
    found = datetime.fromisoformat(text + offset) if offset else found
    return Instant(round(found.timestamp() * 1000) * (SECOND // 1000))


def show(console: Console, found: Explanation) -> None:
    """Print an explanation as tables."""
    console.print(f"{found.interaction} at {to_iso(found.at)}: {found.state}. {found.text}")
    if found.waits_since is not None:
        waited = (found.at - found.waits_since) / SECOND
        ahead = "" if found.ahead is None else f", {found.ahead} before it"
        console.print(
            f"{found.channel} in {found.queue}, priority {found.priority}, "
            f"waits {waited:.1f} s{ahead}."
        )
    if found.agents:
        table = Table("agent", "rule", "why", "until")
        for one in found.agents:
            table.add_row(*_agent_row(one))
        console.print(table)
        console.print(f"{found.others} other agents are never asked for it.")
    if found.prediction is not None:
        console.print(_predicted(found.prediction))
    if found.queues:
        table = Table("queue", "waiting", "next", "since", "why no agent", "changes")
        for queue in found.queues:
            table.add_row(*_queue_row(queue))
        console.print(table)


def _predicted(one: Prediction) -> str:
    if one.is_held_out:
        return "It is held out: the one idle longest is asked, whatever is predicted."
    if one.learned_at is None:
        return f"No scores are known for {one.signature}: the one idle longest is asked."
    scores = ", ".join(f"{agent} {score}" for agent, score in one.scores.items())
    learned = f"{one.source or 'somebody'} at {to_iso(one.learned_at)}"
    return f"Scores for {one.signature}, learned by {learned}: {scores}."


def _agent_row(one: AgentFinding) -> tuple[str, ...]:
    return (one.agent, one.rule.value, one.text, _time(one.until))


def _queue_row(one: QueueFinding) -> tuple[str, ...]:
    why = ", ".join(f"{count} {rule}" for rule, count in one.why.items()) or "nobody is of it"
    return (
        *(one.queue, str(one.waiting), one.next, _time(one.waits_since)),
        *(why, _time(one.changes_at)),
    )


def _time(at: Instant | None) -> str:
    return "" if at is None else to_iso(at)[11:19]
