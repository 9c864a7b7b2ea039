# SPDX-License-Identifier: Apache-2.0
"""The demo's live picture: queues, agents, calls, what happened last, what was heard.

Laid out anew for the terminal's size at each drawing: from 80 columns by 24 lines upwards
nothing that matters is cut off. Where there is room it gets frames, more lines and the
number that each agent talks to. On request the messages of one call take its place.
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
from centralino.bootstrap.demo.ladder import Rung, draw_ladder
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.state import Interaction
from centralino.core.kernel.instant import SECOND, to_iso
from centralino.core.routing.events import Event
from centralino.exchange.summary import count_calls

_NUMBERS = {person.id: person.number for person in company.AGENTS}
_NAMES = {person.id: person.name for person in company.AGENTS}
_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})
_COLOURS = {
    "ready": "green",
    "reserved": "yellow",
    "connected": "cyan",
    "consulting": "cyan",
    "wrap-up": "blue",
    "not-ready": "red",
}
_WIDE, _TALL = 100, 36
"""From this many columns and lines on there is room for more."""
_MOST_NEWS = 2
_SHORT_HEADER = 4
_SILENT_EVENTS = frozenset({"interaction.flow-advanced", "timer.fired"})
"""Too many to be news."""
KEYS = "l: messages of a call   n: of the next one   q: end"


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
        yield Panel(Text("\n".join(self.header)), title="Centralino demo", subtitle=KEYS)
        left = Group(
            _titled("Queues", _queues(self.projection)),
            _titled("Agents", _agents(self.projection, is_wide)),
        )
        right = Group(_titled("Calls", _calls(self.projection, 10)), _events(self.projection, 8))
        yield _halves(left, right)
        yield Panel(_totals(self.projection, self.hearing), title="So far")
        yield Text("\n".join(self.news[-_MOST_NEWS:]), style="dim")

    def _short(self, is_wide: bool, height: int) -> RenderResult:
        header = [*self.header[:_SHORT_HEADER], KEYS]
        yield Text("\n".join(header))
        left = Group(_queues(self.projection), _agents(self.projection, is_wide))
        state = self.projection.state
        queues = 0 if state.configuration is None else len(state.configuration.queues)
        rows = len(state.agents) + queues + 2
        recent = _events(self.projection, 4)
        yield _halves(left, Group(_calls(self.projection, rows - 6), Text(), recent))
        yield _totals(self.projection, self.hearing)
        room = height - len(header) - rows - 4
        yield Text("\n".join(self.news[-max(0, min(_MOST_NEWS, room)) :] if room > 0 else ()))


@dataclass(frozen=True, slots=True)
class LadderPicture:
    """The messages of one call."""

    caller: str
    rungs: Sequence[Rung]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show the last messages that the console has room for."""
        height = options.height or console.height
        lines = draw_ladder(list(self.rungs), most=height - 5)
        yield Text(f"SIP messages of the call from {self.caller or 'nobody yet'}", style="bold")
        yield Text("l: back   n: next call   q: end", style="dim")
        yield Text("\n".join(lines), no_wrap=True)


def draw(
    header: Sequence[str], projection: LiveProjection, hearing: Hearing, news: Sequence[str]
) -> RenderableType:
    """Return the whole picture."""
    return Picture(header, projection, hearing, news)


def _titled(title: str, table: Table) -> Group:
    return Group(Text(title, style="italic"), table, Text())


def _halves(left: RenderableType, right: RenderableType) -> Table:
    halves = Table.grid(expand=True, padding=(0, 2, 0, 0))
    halves.add_column(ratio=11)
    halves.add_column(ratio=10)
    halves.add_row(left, right)
    return halves


def _table(*columns: str) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _queues(projection: LiveProjection) -> Table:
    table = _table("queue", "waiting", "longest", "free")
    state = projection.state
    configuration = state.configuration
    for queue in configuration.queues if configuration else ():
        waiting = [
            one.enqueued_at or one.arrived_at
            for one in state.interactions.values()
            if one.queue == queue.id and one.state in _WAITING
        ]
        agents = [state.agents[agent] for agent in queue.agents if agent in state.agents]
        free = sum(1 for agent in agents if agent.state.value == "ready")
        longest = _length(projection, min(waiting)) if waiting else ""
        table.add_row(queue.name, str(len(waiting)), longest, f"{free} of {len(agents)}")
    return table


def _agents(projection: LiveProjection, is_wide: bool) -> Table:
    table = _table("agent", "state", "for", "why", *(("with",) if is_wide else ()))
    state = projection.state
    for agent in state.agents.values():
        colour = _COLOURS.get(agent.state.value, "white")
        interaction = state.interactions.get(agent.interaction) if agent.interaction else None
        partner = (interaction.caller_number or "anonymous") if interaction else ""
        name = _NAMES.get(agent.id, agent.id)
        shown = Text(agent.state.value, style=colour)
        length = _length(projection, projection.since(agent.id))
        table.add_row(name, shown, length, agent.reason, *((partner,) if is_wide else ()))
    return table


def _calls(projection: LiveProjection, most: int) -> Table:
    table = _table("caller", "stage", "for")
    for interaction in list(projection.state.interactions.values())[: max(0, most)]:
        caller = interaction.caller_number or "anonymous"
        length = _length(projection, projection.since(interaction.id))
        table.add_row(caller, _stage(interaction), length)
    return table


def _stage(interaction: Interaction) -> str:
    """Return where a caller is, in few words."""
    if interaction.state is InteractionState.IN_FLOW and interaction.position is not None:
        return interaction.position.frames[-1].node if interaction.position.frames else "flow"
    if interaction.state in _WAITING and interaction.queue is not None:
        return f"{interaction.state.value} {interaction.queue}"
    return interaction.state.value


def _length(projection: LiveProjection, since: int) -> str:
    return f"{max(0, projection.now - since) // SECOND} s"


def _events(projection: LiveProjection, most: int) -> Text:
    told = [(at, event) for at, event in projection.recent if _tag(event) not in _SILENT_EVENTS]
    lines = [f"{to_iso(at)[11:19]} {_tag(event)}" for at, event in told[-most:]]
    return Text("\n".join(lines), style="dim")


def _tag(event: Event) -> str:
    return str(type(event).__struct_config__.tag)


def _totals(projection: LiveProjection, hearing: Hearing) -> Text:
    stories = list(projection.book.stories.values())
    counts = count_calls(stories)
    answered = [story for story in stories if story.agent is not None]
    verdicts = [judge_audio(story, hearing, _NUMBERS) for story in answered]
    both_ways = sum(verdict.is_both_ways for verdict in verdicts)
    checked = sum(verdict.is_checked for verdict in verdicts)
    transferred = counts.transferred + sum(verdict.is_passed_on for verdict in verdicts)
    waits = [(s.answered_at or s.arrived_at) - s.arrived_at for s in answered]
    mean_s = sum(waits) / len(waits) / SECOND if waits else 0.0
    return Text(
        f"offered {counts.offered}  answered {counts.answered}  abandoned {counts.abandoned}  "
        f"missed {counts.missed}  overflowed {counts.overflowed}\n"
        f"transferred {transferred}  failed {counts.failed}  mean time to answer {mean_s:.1f} s\n"
        f"audio heard both ways in {both_ways} of {checked} checked calls  "
        f"journal events {projection.event_count}"
    )
