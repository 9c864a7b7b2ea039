# SPDX-License-Identifier: Apache-2.0
"""The demo's live picture: queues, agents, calls, what happened last, what was heard."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.judge import judge_audio
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.instant import SECOND, to_iso
from centralino.core.routing.state import TenantState
from centralino.exchange.summary import count_calls

_NUMBERS = {person.id: person.number for person in company.PEOPLE}
_NAMES = {person.id: person.name for person in company.PEOPLE}
_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})
_COLOURS = {
    "ready": "green",
    "reserved": "yellow",
    "connected": "cyan",
    "wrap-up": "blue",
    "not-ready": "red",
}
_MOST_CALLS = 8
_MOST_NEWS = 2


def draw(
    header: Sequence[str], projection: LiveProjection, hearing: Hearing, news: Sequence[str]
) -> RenderableType:
    """Return the whole picture."""
    state = projection.state
    halves = Table.grid(expand=True, padding=(0, 1))
    halves.add_column(ratio=3)
    halves.add_column(ratio=2)
    halves.add_row(
        Group(_queues(state), _agents(state)), Group(_calls(projection), _events(projection))
    )
    return Group(
        Panel(Text("\n".join(header)), title="Centralino demo"),
        halves,
        _totals(projection, hearing),
        Text("\n".join(news[-_MOST_NEWS:]), style="dim"),
    )


def _queues(state: TenantState) -> Table:
    table = Table(title="Queues", expand=True, box=SIMPLE_HEAD)
    for column in ("queue", "waiting", "talking", "free agents"):
        table.add_column(column)
    configuration = state.configuration
    for queue in configuration.queues if configuration else ():
        mine = [i for i in state.interactions.values() if i.queue == queue.id]
        waiting = sum(1 for i in mine if i.state in _WAITING)
        talking = sum(1 for i in mine if i.state is InteractionState.CONNECTED)
        agents = [state.agents[agent] for agent in queue.agents if agent in state.agents]
        free = sum(1 for agent in agents if agent.state.value == "ready")
        table.add_row(queue.name, str(waiting), str(talking), f"{free} of {len(agents)}")
    return table


def _agents(state: TenantState) -> Table:
    table = Table(title="Agents (Teams users)", expand=True, box=SIMPLE_HEAD)
    for column in ("agent", "state", "why", "with"):
        table.add_column(column)
    for agent in state.agents.values():
        colour = _COLOURS.get(agent.state.value, "white")
        interaction = state.interactions.get(agent.interaction) if agent.interaction else None
        partner = (interaction.caller_number or "anonymous") if interaction else ""
        name = _NAMES.get(agent.id, agent.id)
        table.add_row(name, Text(agent.state.value, style=colour), agent.reason, partner)
    return table


def _calls(projection: LiveProjection) -> Table:
    table = Table(title="Calls", expand=True, box=SIMPLE_HEAD)
    for column in ("caller", "state", "queue"):
        table.add_column(column)
    for interaction in list(projection.state.interactions.values())[:_MOST_CALLS]:
        caller = interaction.caller_number or "anonymous"
        table.add_row(caller, interaction.state.value, interaction.queue or "")
    return table


def _events(projection: LiveProjection) -> Panel:
    lines = [
        f"{to_iso(at)[11:23]} {type(event).__struct_config__.tag}"
        for at, event in list(projection.recent)[-8:]
    ]
    return Panel(Text("\n".join(lines)), title="What happened last")


def _totals(projection: LiveProjection, hearing: Hearing) -> Panel:
    stories = list(projection.book.stories.values())
    counts = count_calls(stories)
    answered = [story for story in stories if story.agent is not None]
    verdicts = [judge_audio(story, hearing, _NUMBERS) for story in answered]
    both_ways = sum(verdict.is_both_ways for verdict in verdicts)
    checked = sum(verdict.is_checked for verdict in verdicts)
    waits = [(s.answered_at or s.arrived_at) - s.arrived_at for s in answered]
    mean_s = sum(waits) / len(waits) / SECOND if waits else 0.0
    text = (
        f"offered {counts.offered}   answered {counts.answered}   abandoned {counts.abandoned}   "
        f"failed {counts.failed}   mean time to answer {mean_s:.1f} s\n"
        f"audio heard both ways in {both_ways} of {checked} checked calls   "
        f"journal events {projection.event_count}"
    )
    return Panel(Text(text), title="So far")
