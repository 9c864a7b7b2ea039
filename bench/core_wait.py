# SPDX-License-Identifier: Apache-2.0
"""How good the estimated wait is, measured over the events the engine writes about it.

Twins let customers wait; of everyone who was estimated and answered, the estimate and the wait
are compared. Beside it stand the best that queueing theory knows with the true parameters
(QL_m, the queue-length predictor) and the wait of the last one served (LES), both over the very
same customers. The error is the root mean square over the mean wait.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from bench.measurement import Measurement
from centralino.bootstrap.twin.day import Day
from centralino.bootstrap.twin.document import HandlePart, TwinAgents, TwinFile, TwinQueue
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.plan import TENANT, TwinPlan, plan_of
from centralino.core.interactions.wait_events import (
    InteractionWaitEstimated,
    InteractionWaitJudged,
)
from centralino.core.kernel.instant import MILLISECOND, Instant
from centralino.core.metrics.estimated_wait import WaitEstimate, queue_length_wait
from centralino.core.routing.engine import TenantEngine

if TYPE_CHECKING:
    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision

PREFIX = "core.wait_"
_WARM_UP = 1000
"""Estimates that only teach."""
MOST_OVER_QL, MOST_OVER_LES, MOST_OFF = 1.15, 1.0, 0.03


@dataclass
class Pairs:
    """Estimates of three kinds and the waits, in milliseconds, one for each customer."""

    ours: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    actual: list[float] = field(default_factory=list)
    estimates: list[WaitEstimate] = field(default_factory=list)

    def error(self, estimates: list[float]) -> float:
        """Return the relative root mean square error."""
        squares = [(one - two) ** 2 for one, two in zip(estimates, self.actual, strict=True)]
        count = len(self.actual)
        return math.sqrt(math.fsum(squares) / count) / (math.fsum(self.actual) / count)

    def coverage(self, *, is_wide: bool) -> float:
        """Return the share of waits that were within the interval of 90 or of 50 %."""
        inside = 0
        for estimate, actual in zip(self.estimates, self.actual, strict=True):
            low, high = estimate.almost_ms if is_wide else estimate.likely_ms
            inside += low <= actual <= high
        return inside / len(self.actual)


class Listener(TenantEngine):
    """An engine that notes what it writes about waits."""

    def __init__(self, handle_s: float, patience_s: float | None) -> None:
        super().__init__(TENANT)
        self.pairs = Pairs()
        self._handle_ms = handle_s * 1000
        self._patience_ms = None if patience_s is None else patience_s * 1000
        self._told: dict[str, tuple[InteractionWaitEstimated, float]] = {}
        self._seen = 0

    @override
    def apply(self, command: Command, now: Instant) -> Decision:
        decision = super().apply(command, now)
        for event in decision.events:
            if isinstance(event, InteractionWaitEstimated):
                last = self.state.waits[event.queue].last_wait / MILLISECOND
                self._told[event.interaction] = (event, last)
            elif isinstance(event, InteractionWaitJudged):
                self._seen += 1
                if self._seen > _WARM_UP:
                    self._note(*self._told[event.interaction], event.actual_ms)
        return decision

    def _note(self, told: InteractionWaitEstimated, last: float, actual: int) -> None:
        best, _ = queue_length_wait(told.position, told.agents, self._handle_ms, self._patience_ms)
        pairs = self.pairs
        pairs.ours.append(told.estimate.expected_ms)
        pairs.best.append(best)
        pairs.last.append(last)
        pairs.actual.append(actual)
        pairs.estimates.append(told.estimate)


def own_agents(
    servers: int, busy: float, patience_s: float | None, hours: int, law: str = "exponential"
) -> TwinPlan:
    """Return a queue whose agents have no other."""
    queue = TwinQueue(
        id="own",
        calls=tuple([servers * busy * 20.0] * hours),
        handle=HandlePart(mean=180.0, law=law),
        patience=patience_s,
    )
    agents = (TwinAgents(count=servers, queues=("own",)),)
    return _estimated(TwinFile(twin="own", interval="1h", queues=(queue,), agents=agents))


def shared_agents(hours: int, patience_s: float | None) -> TwinPlan:
    """Return three queues that share agents unevenly, and a load that comes and goes."""
    wave = [1.0 + 0.12 * math.sin(2 * math.pi * hour / 8) for hour in range(hours)]
    loads = {"one": 30.0, "two": 20.0, "three": 8.0}
    queues = tuple(
        TwinQueue(
            id=name,
            calls=tuple(erlangs * 20.0 * height for height in wave),
            handle=HandlePart(mean=180.0, law="exponential"),
            patience=patience_s,
        )
        for name, erlangs in loads.items()
    )
    agents = (
        TwinAgents(count=18, queues=("one",)),
        TwinAgents(count=16, queues=("one", "two")),
        TwinAgents(count=14, queues=("two", "three")),
        TwinAgents(count=10, queues=("one", "two", "three")),
    )
    return _estimated(TwinFile(twin="shared", interval="1h", queues=queues, agents=agents))


def _estimated(file: TwinFile) -> TwinPlan:
    plan = plan_of(file)
    queues = tuple(
        msgspec.structs.replace(queue, is_wait_estimated=True)
        for queue in plan.configuration.queues
    )
    configuration = msgspec.structs.replace(plan.configuration, queues=queues)
    return TwinPlan(
        **{
            name: getattr(plan, name)
            for name in TwinPlan.__dataclass_fields__
            if name != "configuration"
        },
        configuration=configuration,
    )


def pairs_of(plan: TwinPlan, patience_s: float | None, seed: int = 1) -> Pairs:
    """Return what came of all estimates of a plan's day."""
    day = Day(plan, customers_of(plan, seed, 0), seed, 0)
    listener = Listener(180.0, patience_s)
    day.engine = listener
    day.run()
    return listener.pairs


CASES: dict[str, tuple[Callable[[int], TwinPlan], float | None, int]] = {
    "own": (lambda hours: own_agents(60, 0.97, None, hours), None, 40),
    "own_patience": (lambda hours: own_agents(60, 1.15, 300.0, hours), 300.0, 12),
    "own_lognormal": (lambda hours: own_agents(60, 1.15, 300.0, hours, "lognormal"), 300.0, 12),
    "shared": (lambda hours: shared_agents(hours, 300.0), 300.0, 16),
}


def measure() -> Iterator[Measurement]:
    """Measure error and coverage in every case."""
    for name, (plan, patience_s, hours) in CASES.items():
        pairs = pairs_of(plan(hours), patience_s)
        ours, best, last = (pairs.error(one) for one in (pairs.ours, pairs.best, pairs.last))
        note = f"{len(pairs.actual)} waits; ours {ours:.3f}, QL_m {best:.3f}, LES {last:.3f}"
        if name != "shared":
            yield Measurement(
                f"{PREFIX}{name}_over_ql",
                ours,
                "rrmse",
                floor=best,
                goal=MOST_OVER_QL * best,
                note=note,
            )
        yield Measurement(
            f"{PREFIX}{name}_over_les",
            ours,
            "rrmse",
            floor=last,
            goal=MOST_OVER_LES * last,
            note=note,
        )
        for share, is_wide in ((0.5, False), (0.9, True)):
            off = abs(pairs.coverage(is_wide=is_wide) - share)
            yield Measurement(
                f"{PREFIX}{name}_interval_{100 * share:.0f}_off",
                off,
                "share",
                goal=MOST_OFF,
                note=f"covered {pairs.coverage(is_wide=is_wide):.3f}",
            )
