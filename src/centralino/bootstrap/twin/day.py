# SPDX-License-Identifier: Apache-2.0
"""One day in virtual time: customers and agents do what was drawn, the engine decides.

The engine is the product's own, driven by the commands that its drivers give it: a customer
comes into a queue, an agent's phone is answered or not, a leg is over. What it orders is
carried out at the same instant: a phone rings, legs are bridged or hung up. Nothing here
knows how an agent is chosen.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from centralino.bootstrap.twin.draws import ENDLESS_NS, Customers, Lots, Purpose, stream
from centralino.bootstrap.twin.plan import DAWN, TENANT, TwinPlan
from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions.commands import ConfirmAnswered, EndLeg, QueueInteraction
from centralino.core.interactions.effects import BridgeLegs, CancelRing, HangUpLeg, RingAgent
from centralino.core.kernel.ids import AgentId, LegId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import CANCELLED, COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Command, ConfigureTenant
from centralino.core.routing.engine import TenantEngine

if TYPE_CHECKING:
    from centralino.bootstrap.twin.plan import GroupPlan

NEVER = Instant(1 << 62)
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
SHIFT_OVER = "schedule-end"
_STEPS_PER_REPORT = 4096
_LONG = 5_000
"""Customers from which on it pays to keep the collector of cycles away."""


class Fate(IntEnum):
    """What became of a customer."""

    WAITING = 0
    """Still, when the day's last event was over."""
    ANSWERED = 1
    ABANDONED = 2
    TURNED_AWAY = 3


class Happening(IntEnum):
    """What the future holds; at one instant in this order."""

    TALK_OVER = 0
    PHONE_ANSWERED = 1
    PHONE_MISSED = 2
    SHIFT_BEGINS = 3
    SHIFT_ENDS = 4
    CALLS_AGAIN = 5
    GIVES_UP = 6


class Record:
    """What happened to each customer; lists of one length, ``-1`` where nothing did."""

    __slots__ = ("agent", "at_ns", "ended_ns", "fate", "queue", "waited_ns")

    def __init__(self, customers: Customers) -> None:
        count = len(customers)
        self.at_ns = list(customers.at_ns)
        """When he came, since the day's start."""
        self.queue = list(customers.queue)
        self.fate: list[int] = [Fate.WAITING] * count
        self.waited_ns = [-1] * count
        """Until an agent was connected, or he gave up."""
        self.ended_ns = [-1] * count
        """When the conversation was over, since the day's start."""
        self.agent: list[str] = [""] * count
        """Who talked to him."""

    def add(self, at_ns: int, queue: int) -> int:
        """Take in somebody who calls again; returns his index."""
        self.at_ns.append(at_ns)
        self.queue.append(queue)
        self.fate.append(Fate.WAITING)
        self.waited_ns.append(-1)
        self.ended_ns.append(-1)
        self.agent.append("")
        return len(self.at_ns) - 1


class Day:
    """One run. Make one, :meth:`run` it once."""

    def __init__(self, plan: TwinPlan, customers: Customers, seed: int, repetition: int) -> None:
        self.record = Record(customers)
        self.engine = TenantEngine(TENANT)
        self._plan = plan
        self._customers = customers
        self._queue_ids = [queue.id for queue in plan.queues]
        self._handle_ns = list(customers.handle_ns)
        self._patience_ns = list(customers.patience_ns)
        self._future: list[tuple[int, int, int, Any]] = []
        """Instant, happening, customer or agent, leg."""
        self._deadline: int = NEVER
        self._ringing: dict[LegId, None] = {}
        self._group_of = {agent: group for group in plan.groups for agent in group.agents}
        self._phones = Lots(stream(seed, repetition, 0, Purpose.PHONES))
        self._retries = Lots(stream(seed, repetition, 0, Purpose.RETRIES))
        self._react: dict[type, Callable[[Any, Instant], None]] = {
            RingAgent: self._ring,
            BridgeLegs: self._bridge,
            CancelRing: self._silence,
            HangUpLeg: self._hang_up,
        }
        self._come_true: list[Callable[[Instant, int, Any], None]] = [
            self._talk_is_over,
            self._phone_is_answered,
            self._phone_is_missed,
            self._shift_begins,
            self._shift_ends,
            self._calls_again,
            self._gives_up,
        ]

    def run(self, report: Callable[[float], None] | None = None) -> Record:
        """Let the day pass until nothing is left to happen.

        ``report`` is told now and then which share of the customers has come.
        """
        with _unhindered(is_long=len(self._customers) > _LONG):
            self._apply(ConfigureTenant(configuration=self._plan.configuration), DAWN)
            for group in self._plan.groups:
                self._plan_shift(group)
            self._pass(report)
        return self.record

    def _pass(self, report: Callable[[float], None] | None) -> None:
        arrivals, future = self._customers.at_ns, self._future
        count, coming = len(arrivals), 0
        next_at = DAWN + arrivals[0] if count else NEVER
        while True:
            is_future = bool(future) and future[0][0] <= next_at
            at = Instant(future[0][0] if is_future else next_at)
            if self._deadline <= at:
                if self._deadline == NEVER:
                    return
                due = Instant(self._deadline)
                self._take(self.engine.tick(due).effects, due)
                self._look_ahead()
            elif is_future:
                _, kind, who, leg = heappop(future)
                self._come_true[kind](at, who, leg)
                self._look_ahead()
            else:
                self._arrive(at, coming)
                self._look_ahead()
                coming += 1
                next_at = DAWN + arrivals[coming] if coming < count else NEVER
                if report is not None and coming % _STEPS_PER_REPORT == 0:
                    report(coming / count)

    def _apply(self, command: Command, at: Instant) -> None:
        self._take(self.engine.apply(command, at).effects, at)

    def _take(self, effects: tuple[Any, ...], at: Instant) -> None:
        """Carry out what the engine ordered."""
        for effect in effects:
            reaction = self._react.get(type(effect))
            if reaction is not None:
                reaction(effect, at)

    def _look_ahead(self) -> None:
        """Learn when the engine wants to be woken."""
        deadline = self.engine.next_deadline()
        self._deadline = NEVER if deadline is None else deadline

    # ------------------------------------------------------------------- customers
    def _arrive(self, at: Instant, who: int) -> None:
        queue = self._queue_ids[self.record.queue[who]]
        self._apply(QueueInteraction(leg=LegId(f"c{who}"), queue=queue), at)
        if self.record.fate[who] == Fate.WAITING and self._patience_ns[who] < ENDLESS_NS:
            heappush(self._future, (at + self._patience_ns[who], Happening.GIVES_UP, who, None))

    def _gives_up(self, at: Instant, who: int, leg: None) -> None:
        if self.record.fate[who] == Fate.WAITING:
            self.record.fate[who] = Fate.ABANDONED
            self.record.waited_ns[who] = at - DAWN - self.record.at_ns[who]
            gone = EndLeg(leg=LegId(f"c{who}"), outcome=COMPLETED, by_far_end=True)
            self._apply(gone, at)
            self._perhaps_again(at, who)

    def _perhaps_again(self, at: Instant, who: int) -> None:
        queue = self._plan.queues[self.record.queue[who]]
        if queue.retry_ratio and self._retries.draw() < queue.retry_ratio:
            pause_s = -math.log1p(-self._retries.draw()) * queue.retry_after_s
            again_at = at + round(pause_s * SECOND)
            heappush(self._future, (again_at, Happening.CALLS_AGAIN, who, None))

    def _calls_again(self, at: Instant, who: int, leg: None) -> None:
        again = self.record.add(at - DAWN, self.record.queue[who])
        self._handle_ns.append(self._handle_ns[who])
        self._patience_ns.append(self._patience_ns[who])
        self._arrive(at, again)

    # ---------------------------------------------------------------------- agents
    def _plan_shift(self, group: GroupPlan) -> None:
        for agent in group.agents:
            if group.begin_s > 0:
                begin = DAWN + round(group.begin_s * SECOND)
                heappush(self._future, (begin, Happening.SHIFT_BEGINS, 0, agent))
            if group.end_s < math.inf:
                end = DAWN + round(group.end_s * SECOND)
                heappush(self._future, (end, Happening.SHIFT_ENDS, 0, agent))

    def _shift_begins(self, at: Instant, who: int, agent: AgentId) -> None:
        self._apply(MakeAgentReady(agent=agent), at)

    def _shift_ends(self, at: Instant, who: int, agent: AgentId) -> None:
        self._apply(MakeAgentNotReady(agent=agent, reason=SHIFT_OVER), at)

    def _ring(self, effect: RingAgent, at: Instant) -> None:
        group = self._group_of[effect.agent]
        if group.miss_ratio and self._phones.draw() < group.miss_ratio:
            self._ringing[effect.leg] = None
            missed_at = at + effect.ring_for_ms * 1_000_000
            heappush(self._future, (missed_at, Happening.PHONE_MISSED, 0, effect.leg))
        elif group.answer_s:
            self._ringing[effect.leg] = None
            after_s = group.answer_s * (0.5 + self._phones.draw())
            answered_at = at + round(after_s * SECOND)
            heappush(self._future, (answered_at, Happening.PHONE_ANSWERED, 0, effect.leg))
        else:
            self._apply(ConfirmAnswered(leg=effect.leg), at)

    def _phone_is_answered(self, at: Instant, who: int, leg: LegId) -> None:
        if leg in self._ringing:
            del self._ringing[leg]
            self._apply(ConfirmAnswered(leg=leg), at)

    def _phone_is_missed(self, at: Instant, who: int, leg: LegId) -> None:
        if leg in self._ringing:
            del self._ringing[leg]
            self._apply(EndLeg(leg=leg, outcome=NO_ANSWER, by_far_end=False), at)

    def _silence(self, effect: CancelRing, at: Instant) -> None:
        if effect.leg in self._ringing:
            del self._ringing[effect.leg]
            self._apply(EndLeg(leg=effect.leg, outcome=CANCELLED, by_far_end=False), at)

    # --------------------------------------------------------------- conversations
    def _bridge(self, effect: BridgeLegs, at: Instant) -> None:
        who = int(effect.leg[1:])
        record = self.record
        record.fate[who] = Fate.ANSWERED
        record.waited_ns[who] = at - DAWN - record.at_ns[who]
        record.agent[who] = self.engine.index.agent_legs[effect.agent_leg]
        over_at = at + self._handle_ns[who]
        heappush(self._future, (over_at, Happening.TALK_OVER, who, effect.agent_leg))

    def _talk_is_over(self, at: Instant, who: int, leg: LegId) -> None:
        self.record.ended_ns[who] = at - DAWN
        self._apply(EndLeg(leg=leg, outcome=COMPLETED, by_far_end=True), at)

    def _hang_up(self, effect: HangUpLeg, at: Instant) -> None:
        """Agents' legs end; of customers' only those are news who were not taken in."""
        if not effect.leg.startswith("c"):
            self._apply(EndLeg(leg=effect.leg, outcome=COMPLETED, by_far_end=False), at)
            return
        who = int(effect.leg[1:])
        if self.record.fate[who] == Fate.WAITING:
            self.record.fate[who] = Fate.TURNED_AWAY
            self._perhaps_again(at, who)


@contextmanager
def _unhindered(*, is_long: bool) -> Iterator[None]:
    """Keep the collector of cycles away while a long day passes: there are none to find."""
    if not is_long:
        yield
        return
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
