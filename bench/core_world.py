# SPDX-License-Identifier: Apache-2.0
"""A company of any size for the measurements of the core, driven by real commands only.

Skills are spread as in the plan of the measurements: a hundred skills with levels, two hundred
profiles of agents, queues that ask for one to three skills at a level, relax to any level after
20 s and to their first skill alone after 40 s. A queue lists everybody who has its first skill.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from centralino.core.agents.commands import MakeAgentReady
from centralino.core.interactions.commands import ConfirmAnswered, EndLeg, QueueInteraction
from centralino.core.interactions.effects import RingAgent
from centralino.core.kernel.ids import AgentId, LegId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import MICROSECOND, SECOND, Instant
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.routing.commands import ConfigureTenant, Tick
from centralino.core.routing.configuration import (
    AgentConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.matching.policy import QueueMatching, RelaxationStep

if TYPE_CHECKING:
    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision

SKILLS, PROFILES, SKILLS_OF_ONE = 100, 200, 10
START = Instant(1_700_000_000 * SECOND)


@dataclass(frozen=True)
class Size:
    """How large a company is."""

    agents: int
    queues: int
    waiting: int

    def scaled(self, by: int) -> Size:
        """Return the same company, so many times smaller."""
        return Size(self.agents // by, self.queues // by, self.waiting // by)


FULL = Size(agents=10_000, queues=500, waiting=100_000)


def company(size: Size, seed: int = 1) -> TenantConfiguration:
    """Return a company: the same size and seed give the same."""
    random = Random(seed)
    profiles = [
        {f"s{n}": random.randint(1, 10) for n in random.sample(range(SKILLS), SKILLS_OF_ONE)}
        for _ in range(PROFILES)
    ]
    agents = tuple(
        AgentConfiguration(
            id=AgentId(f"a{n:05}"),
            name=f"Agent {n}",
            trunk=TrunkId("teams"),
            target=f"+39{2_000_000_000 + n}",
            skills=random.choice(profiles),
            is_ready_at_start=False,
        )
        for n in range(size.agents)
    )
    having: dict[str, list[AgentId]] = {f"s{n}": [] for n in range(SKILLS)}
    for agent in agents:
        for skill in agent.skills:
            having[skill].append(agent.id)
    return TenantConfiguration(
        tenant=TenantId("large"),
        name="Large",
        numbers=(),
        flows=(),
        queues=tuple(_queue(random, n, having) for n in range(size.queues)),
        agents=agents,
        most_interactions=10**6,
    )


def _queue(random: Random, number: int, having: dict[str, list[AgentId]]) -> QueueConfiguration:
    asked = [f"s{n}" for n in random.sample(range(SKILLS), random.randint(1, 3))]
    first = next((skill for skill in asked if having[skill]), asked[0])
    others = tuple(skill for skill in asked if skill != first)
    return QueueConfiguration(
        id=QueueId(f"q{number:03}"),
        name=f"Queue {number}",
        agents=tuple(having[first]),
        music=("music",),
        wrap_up_for_ms=0,
        is_recorded=False,
        skills={skill: random.randint(2, 6) for skill in asked},
        matching=QueueMatching(
            relaxation=(
                RelaxationStep(after_ms=20_000, lower_by=10),
                RelaxationStep(after_ms=40_000, drops=others),
            ),
        ),
    )


@dataclass
class Site:
    """A company at work."""

    size: Size
    seed: int = 1
    now: Instant = START
    calls: int = 0
    legs: dict[AgentId, LegId] = field(default_factory=dict)
    """Of agents who talk."""

    engine: TenantEngine = field(default_factory=lambda: TenantEngine(TenantId("large")))

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.configuration = company(self.size, self.seed)
        self.queues = [queue.id for queue in self.configuration.queues if queue.agents]
        self.do(ConfigureTenant(configuration=self.configuration))

        self.names = [agent.id for agent in self.configuration.agents]

    def do(self, command: Command) -> Decision:
        """Apply a command, a microsecond after the last."""
        self.now = Instant(self.now + MICROSECOND)
        return self.engine.apply(command, self.now)

    def pass_time(self, length: int) -> None:
        """Let time pass; what is due happens when it is due."""
        until = Instant(self.now + length)
        while (deadline := self.engine.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.answer(self.engine.apply(Tick(), self.now))
        self.now = max(self.now, until)

    def arrival(self) -> QueueInteraction:
        """Return a command that lets somebody come."""
        self.calls += 1
        return QueueInteraction(
            leg=LegId(f"in-{self.calls}"),
            queue=self.random.choice(self.queues),
            priority=self.random.choice((3, 5, 5, 5, 7)),
        )

    def fill(self, waiting: int, over: int = 60 * SECOND) -> None:
        """Let so many come over a time."""
        for _ in range(waiting):
            self.pass_time(over // waiting)
            self.answer(self.do(self.arrival()))

    def staff(self, agents: int) -> None:
        """Let agents begin; each who is rung answers."""
        for name in self.random.sample(self.names, agents):
            self.answer(self.do(MakeAgentReady(agent=name)))

    def answer(self, decision: Decision) -> None:
        """Let the agents who are rung answer."""
        for effect in decision.effects:
            if isinstance(effect, RingAgent):
                self.do(ConfirmAnswered(leg=effect.leg))
                self.legs[effect.agent] = effect.leg

    def hang_up(self, agent: AgentId) -> EndLeg:
        """Return a command by which an agent ends his call, which frees him."""
        return EndLeg(leg=self.legs.pop(agent), outcome=COMPLETED, by_far_end=True)

    def somebody_who_talks(self) -> AgentId:
        """Return any agent who talks.

        Raises:
            RuntimeError: nobody does.
        """
        if not self.legs:
            raise RuntimeError("nobody talks")
        while (name := self.random.choice(self.names)) not in self.legs:
            pass
        return name
