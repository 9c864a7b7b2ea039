# SPDX-License-Identifier: Apache-2.0
"""The demo's live picture: queues, agents, calls, what happened last, what was heard.

Laid out anew for the terminal's size at each drawing: from 80 columns by 24 lines upwards
nothing that matters is cut off. Where there is room it gets frames, more lines and the
number that each agent talks to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
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
_WIDE, _TALL = 100, 34
"""From this many columns and lines on there is room for more."""
_MOST_NEWS = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything at one moment; rich asks it to draw itself."""

    header: Sequence[str]
    projection: LiveProjection
    hearing: Hearing
    news: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out for the console's size."""
        is_wide = options.max_width >= _WIDE
        height = options.height or console.height
        yield from self._tall(is_wide) if height >= _TALL else self._short(is_wide, height)

    def _tall(self, is_wide: bool) -> RenderResult:
        state = self.projection.state
        yield Panel(Text("\n".join(self.header)), title="Centralino demo")
        left = Group(_titled("Queues", _queues(state)), _titled("Agents", _agents(state, is_wide)))
        right = Group(_titled("Calls", _calls(self.projection, 8)), _events(self.projection, 8))
        yield _halves(left, right)
        yield Panel(_totals(self.projection, self.hearing), title="So far")
        yield Text("\n".join(self.news[-_MOST_NEWS:]), style="dim")

    def _short(self, is_wide: bool, height: int) -> RenderResult:
        state = self.projection.state
        yield Text("\n".join(self.header))
        yield Text()
        left = Group(_queues(state), Text(), _agents(state, is_wide))
        rows = len(state.agents) + 4
        yield _halves(left, _calls(self.projection, rows - 1))
        yield Text()
        yield _totals(self.projection, self.hearing)
        used = len(self.header) + rows + 6
        yield _events(self.projection, max(0, min(4, height - used)))


def draw(
    header: Sequence[str], projection: LiveProjection, hearing: Hearing, news: Sequence[str]
) -> RenderableType:
    """Return the whole picture."""
    return Picture(header, projection, hearing, news)


def _titled(title: str, table: Table) -> Group:
    return Group(Text(title, style="italic"), table, Text())


def _halves(left: RenderableType, right: RenderableType) -> Table:
    halves = Table.grid(expand=True, padding=(0, 3, 0, 0))
    halves.add_column(ratio=11)
    halves.add_column(ratio=10)
    halves.add_row(left, right)
    return halves


def _table(*columns: str) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _queues(state: TenantState) -> Table:
    table = _table("queue", "waiting", "talking", "free")
    configuration = state.configuration
    for queue in configuration.queues if configuration else ():
        mine = [i for i in state.interactions.values() if i.queue == queue.id]
        waiting = sum(1 for i in mine if i.state in _WAITING)
        talking = sum(1 for i in mine if i.state is InteractionState.CONNECTED)
        agents = [state.agents[agent] for agent in queue.agents if agent in state.agents]
        free = sum(1 for agent in agents if agent.state.value == "ready")
        table.add_row(queue.name, str(waiting), str(talking), f"{free} of {len(agents)}")
    return table


def _agents(state: TenantState, is_wide: bool) -> Table:
    table = _table("agent", "state", "why", *(("with",) if is_wide else ()))
    for agent in state.agents.values():
        colour = _COLOURS.get(agent.state.value, "white")
        interaction = state.interactions.get(agent.interaction) if agent.interaction else None
        partner = (interaction.caller_number or "anonymous") if interaction else ""
        name = _NAMES.get(agent.id, agent.id)
        shown = Text(agent.state.value, style=colour)
        table.add_row(name, shown, agent.reason, *((partner,) if is_wide else ()))
    return table


def _calls(projection: LiveProjection, most: int) -> Table:
    table = _table("caller", "state", "queue")
    for interaction in list(projection.state.interactions.values())[:most]:
        caller = interaction.caller_number or "anonymous"
        table.add_row(caller, interaction.state.value, interaction.queue or "")
    return table


def _events(projection: LiveProjection, most: int) -> Text:
    recent = list(projection.recent)[-most:] if most else []
    lines = [f"{to_iso(at)[11:23]} {type(event).__struct_config__.tag}" for at, event in recent]
    return Text("\n".join(lines), style="dim")


def _totals(projection: LiveProjection, hearing: Hearing) -> Text:
    stories = list(projection.book.stories.values())
    counts = count_calls(stories)
    answered = [story for story in stories if story.agent is not None]
    verdicts = [judge_audio(story, hearing, _NUMBERS) for story in answered]
    both_ways = sum(verdict.is_both_ways for verdict in verdicts)
    checked = sum(verdict.is_checked for verdict in verdicts)
    waits = [(s.answered_at or s.arrived_at) - s.arrived_at for s in answered]
    mean_s = sum(waits) / len(waits) / SECOND if waits else 0.0
    return Text(
        f"offered {counts.offered}  answered {counts.answered}  abandoned {counts.abandoned}  "
        f"failed {counts.failed}  mean time to answer {mean_s:.1f} s\n"
        f"audio heard both ways in {both_ways} of {checked} checked calls  "
        f"journal events {projection.event_count}"
    )
