# SPDX-License-Identifier: Apache-2.0
"""The engine in virtual time against exact results.

Each model runs at least 20 independent days; the exact value has to lie in the 99 % interval of
their mean, so the figure is how many half-widths it is away (at most 1). The skill model is that
of Wallace and Whitt: six kinds of calls, 90 agents, 30 more places for all, load 84 Erlang,
mean 10 minutes; agents have `L` skills each, the first their own, the others in rotation.

Source: R. Wallace and W. Whitt, A staffing algorithm for call centers with skill-based routing,
M&SOM 7 (2005), section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.measurement import Measurement
from centralino.bootstrap.twin.day import Day, Fate, Record
from centralino.bootstrap.twin.document import HandlePart, TwinAgents, TwinFile, TwinQueue
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.plan import TwinPlan, plan_of
from centralino.core.kernel.instant import SECOND
from centralino.core.metrics.confidence import Spread, spread_of
from centralino.core.routing.matching.policy import Strategy
from centralino.core.staffing.erlang import delay_fare
from centralino.core.staffing.load import Fare, Load
from centralino.core.staffing.patience import abandonment_fare
from centralino.core.staffing.places import limited_fare

PREFIX = "core.theory_"
CONFIDENCE, RUNS = 0.99, 20
TYPES, AGENTS, PLACES, ERLANGS, HANDLE_S = 6, 90, 120, 84.0, 600.0
NAMES = ("wait_ratio", "mean_wait_s", "service_level_ratio")


@dataclass(frozen=True)
class Model:
    """One kind of customers, agents who are alike, exponential everything."""

    servers: int
    erlangs: float
    handle_s: float = 60.0
    patience_s: float | None = None
    places: int | None = None
    hours: int = 10
    warm_up_hours: int = 2

    @property
    def load(self) -> Load:
        """What comes in."""
        return Load(self.erlangs / self.handle_s, self.handle_s)


def twin_of(model: Model) -> TwinPlan:
    """Return the model as a twin."""
    queue = TwinQueue(
        id="all",
        calls=tuple([model.erlangs / model.handle_s * 3600] * model.hours),
        handle=HandlePart(mean=model.handle_s, law="exponential"),
        patience=model.patience_s,
        most_waiting=None if model.places is None else model.places - model.servers,
    )
    agents = TwinAgents(count=model.servers, queues=("all",))
    return plan_of(TwinFile(twin="theory", interval="1h", queues=(queue,), agents=(agents,)))


def skills_plan(skills: int, *, is_primary_first: bool, hours: int) -> TwinPlan:
    """Return the skill model: own calls first, or all calls in one order."""
    strategy = Strategy.BEST_MATCH if is_primary_first else Strategy.LONGEST_IDLE
    queues = tuple(
        TwinQueue(
            id=f"kind-{kind}",
            calls=tuple([ERLANGS / TYPES / HANDLE_S * 3600] * hours),
            handle=HandlePart(mean=HANDLE_S, law="exponential"),
            skills={f"skill-{kind}": 1},
            strategy=strategy,
        )
        for kind in range(TYPES)
    )
    groups = []
    for number in range(AGENTS):
        own = number % TYPES
        turn = number // TYPES
        others = [(own + 1 + (turn + step) % (TYPES - 1)) % TYPES for step in range(skills - 1)]
        ranks = {f"kind-{own}": 1} | {f"kind-{kind}": 2 for kind in others}
        groups.append(
            TwinAgents(
                count=1,
                queues=tuple(ranks),
                skills={f"skill-{own}": 2} | {f"skill-{kind}": 1 for kind in others},
                ranks=ranks if is_primary_first else {},
            )
        )
    return plan_of(
        TwinFile(
            twin="skills", interval="1h", queues=queues, agents=tuple(groups), most_at_once=PLACES
        )
    )


def shares(record: Record, warm_up_hours: int) -> dict[str, float]:
    """Return the figures of one day after its warm-up."""
    counts = np.asarray(record.at_ns) >= warm_up_hours * 3600 * SECOND
    fate = np.asarray(record.fate)[counts]
    waited_s = np.asarray(record.waited_ns)[counts] / SECOND
    taken = fate != Fate.TURNED_AWAY
    queue = np.asarray(record.queue)[counts]
    agents = [record.agent[place] for place in np.flatnonzero(counts)]
    own = [name != "" and int(name.split("-")[1]) % TYPES for name in agents]
    answered = fate == Fate.ANSWERED
    return {
        "wait_ratio": float((waited_s[taken] > 0).mean()),
        "mean_wait_s": float(waited_s[taken].mean()),
        "abandoned_ratio": float((fate == Fate.ABANDONED).mean()),
        "blocked_ratio": float((fate == Fate.TURNED_AWAY).mean()),
        "service_level_ratio": float((answered & (waited_s <= 20)).mean()),
        "own_ratio": float((np.asarray(own)[answered] == queue[answered]).mean()),
    }


def spreads(plan: TwinPlan, warm_up_hours: int, runs: int = RUNS) -> dict[str, Spread]:
    """Return the figures of a plan over independent days."""
    found = [
        shares(Day(plan, customers_of(plan, 1, run), 1, run).run(), warm_up_hours)
        for run in range(runs)
    ]
    return {name: spread_of([one[name] for one in found], CONFIDENCE) for name in found[0]}


def half_widths(spread: Spread, exact: float) -> float:
    """Return how far off the exact value is; up to 1 it is in the interval."""
    return abs(spread.mean - exact) / spread.half_width if spread.half_width else 0.0


def measure() -> Iterator[Measurement]:
    """Measure all models, and the skill model both ways."""
    models: dict[str, tuple[Model, Fare, tuple[str, ...]]] = {}
    model = Model(servers=20, erlangs=17.0)
    models["mmn"] = (model, delay_fare(model.load, 20), NAMES)
    model = Model(servers=20, erlangs=21.0, patience_s=90.0)
    exact = abandonment_fare(model.load, 20, 90.0)
    models["mmn_patience"] = (model, exact, (*NAMES, "abandoned_ratio"))
    model = Model(servers=20, erlangs=20.0, places=26)
    models["mmn_places"] = (model, limited_fare(model.load, 20, 26), (*NAMES, "blocked_ratio"))
    for name, (model, fare, figures) in models.items():
        found = spreads(twin_of(model), model.warm_up_hours)
        for figure in figures:
            yield _row(f"{name}_{figure}", found[figure], getattr(fare, figure))
    yield from _skills()


def _skills(hours: int = 16, warm_up_hours: int = 2) -> Iterator[Measurement]:
    pooled = limited_fare(Load(ERLANGS / HANDLE_S, HANDLE_S), AGENTS, PLACES)
    by_skills: dict[tuple[int, bool], dict[str, Spread]] = {}
    for skills, is_primary_first in ((6, True), (6, False), (2, True), (2, False)):
        plan = skills_plan(skills, is_primary_first=is_primary_first, hours=hours)
        by_skills[skills, is_primary_first] = spreads(plan, warm_up_hours)
    for is_primary_first, name in ((True, "primary"), (False, "global")):
        found = by_skills[6, is_primary_first]
        for figure in ("blocked_ratio", "mean_wait_s", "wait_ratio"):
            yield _row(f"skills6_{name}_{figure}", found[figure], getattr(pooled, figure))
    own, all_alike = (by_skills[2, way]["own_ratio"] for way in (True, False))
    yield Measurement(
        f"{PREFIX}skills2_told_apart",
        (own.low - all_alike.high),
        "share",
        goal=0.0,
        is_goal_a_minimum=True,
        note=f"own agents answer {own.mean:.3f} with primary first, {all_alike.mean:.3f} without",
    )
    for figure, most in (("blocked_ratio", 1.35), ("mean_wait_s", 1.4)):
        two, six = by_skills[2, True][figure].mean, by_skills[6, True][figure].mean
        yield Measurement(
            f"{PREFIX}skills2_over_6_{figure}",
            two,
            "",
            floor=six,
            goal=most * six,
            note="two skills are nearly as good as all",
        )


def _row(name: str, spread: Spread, exact: float) -> Measurement:
    return Measurement(
        PREFIX + name,
        half_widths(spread, exact),
        "half-widths",
        goal=1.0,
        note=f"twin {spread.mean:.5g} +- {spread.half_width:.2g}, exact {exact:.5g}",
    )
