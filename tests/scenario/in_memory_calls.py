# SPDX-License-Identifier: Apache-2.0
"""A phone network in memory: answers orders with facts, in virtual time.

Callers and agents behave as a script says. The driver keeps facts until they are
acknowledged and delivers them again after each attachment, as a real one does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, RecordingId, TenantId, TrunkId
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.exchange import facts, orders

if TYPE_CHECKING:
    from centralino.exchange.ports import ClockPort

HUNG_UP = Outcome(Result.SUCCESS, OutcomeReason.COMPLETED)
CANCELLED = Outcome(Result.SUCCESS, OutcomeReason.CANCELLED)
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer: when he calls, what he presses, how long he waits and talks."""

    at_s: float
    key: str = "1"
    patience_s: float = 300
    talk_s: float = 60


@dataclass(frozen=True, slots=True)
class Habit:
    """An agent: how long he lets it ring, or what else he does."""

    answer_after_s: float = 3
    outcome: Outcome | None = None
    """Ends the ringing this way instead of answering."""


@dataclass(slots=True)
class _Leg:
    name: LegId
    state: str
    caller: Caller | None = None
    play: str | None = None
    bridge: str | None = None
    recording: str | None = None
    collect: str | None = None
    has_pressed: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class InMemoryCalls:
    """Implements ``CallControlPort``."""

    def __init__(
        self, clock: ClockPort, *, tenant: TenantId, number: str, habits: dict[str, Habit]
    ) -> None:
        self.legs: dict[LegId, _Leg] = {}
        self.orders: list[orders.AnyOrder] = []
        self.order_counts: Counter[OrderId] = Counter()
        self.rings_at_once = 0
        self._clock = clock
        self._tenant = tenant
        self._number = number
        self._habits = habits
        self._facts: list[facts.AnyFact] = []
        self._delivered = 0
        self._count = 0
        self._is_attached = False
        self._news = asyncio.Event()

    # ------------------------------------------------------------------ the far side
    def call(self, name: str, caller: Caller) -> None:
        """Let a customer call at his time."""
        asyncio.get_running_loop().call_later(caller.at_s, self._arrive, LegId(name), caller)

    def raise_alarm(self, code: str) -> None:
        """Tell of an alarm that concerns no leg."""
        self._tell(facts.Alarm(leg=LegId(""), code=code, text=""))

    def _arrive(self, name: LegId, caller: Caller) -> None:
        leg = self.legs[name] = _Leg(name, "offered", caller)
        self._tell(
            facts.Offered(
                leg=name,
                tenant=self._tenant,
                trunk=TrunkId("carrier"),
                called_number=self._number,
                caller_number=None,
            )
        )
        self._later(leg, caller.patience_s, lambda: self._give_up(leg))

    def _give_up(self, leg: _Leg) -> None:
        if leg.bridge is None:
            self._end(leg, HUNG_UP)

    # ---------------------------------------------------------------- CallControlPort
    async def attach(self) -> int:
        """Come back at once; deliver again what was not acknowledged."""
        self._is_attached = True
        self._delivered = 0
        return 1

    def detach(self) -> None:
        """Go away."""
        self._is_attached = False
        self._news.set()

    def submit(self, orders: Sequence[orders.AnyOrder]) -> None:
        """Carry out orders; a repeated one has no effect."""
        if not self._is_attached:
            raise RemoteUnavailable("calls", "submit")
        for order in orders:
            self.order_counts[order.order] += 1
            if self.order_counts[order.order] == 1:
                self.orders.append(order)
                self._carry_out(order)

    async def next_facts(self) -> Sequence[facts.AnyFact]:
        """Return what is new since the last call or attachment."""
        while self._delivered >= len(self._facts):
            if not self._is_attached:
                raise RemoteUnavailable("calls", "next_facts")
            self._news.clear()
            await self._news.wait()
        if not self._is_attached:
            raise RemoteUnavailable("calls", "next_facts")
        batch = self._facts[self._delivered :]
        self._delivered = len(self._facts)
        return batch

    def acknowledge(self, generation: int, fact: int) -> None:
        """Forget facts."""
        if not self._is_attached:
            raise RemoteUnavailable("calls", "acknowledge")
        kept = [kept for kept in self._facts if kept.fact > fact]
        self._delivered -= len(self._facts) - len(kept)
        self._facts = kept

    # ------------------------------------------------------------------- the near side
    def _carry_out(  # noqa: C901, PLR0912 - one case per order
        self, order: orders.AnyOrder
    ) -> None:
        if isinstance(order, orders.ListLegs):
            self._list(order.order)
            return
        if isinstance(order, orders.Invite):
            self._invite(order)
            return
        leg = self.legs.get(order.leg)
        if leg is None:
            text = facts.OrderFailed(
                leg=order.leg, order=order.order, code="unknown-leg", text="no such leg"
            )
            self._tell(text)
            return
        match order:
            case orders.Answer():
                leg.state = "answered"
                self._tell(facts.Answered(leg=leg.name))
            case orders.Play():
                self._play(leg, order)
            case orders.Collect():
                self._collect(leg, order)
            case orders.StopPlay():
                leg.play = None
            case orders.StopCollect():
                leg.collect = None
            case orders.Bridge():
                self._bridge(order)
            case orders.RecordStart():
                self._record(leg, order)
            case orders.RecordStop():
                self._record_stop(leg, order.recording)
            case orders.CancelInvite():
                self._end(leg, NO_ANSWER if order.cause == "no-answer" else CANCELLED)
            case orders.HangUp() | orders.Reject():
                self._end(leg, HUNG_UP)
            case _:
                raise AssertionError(order)

    def _invite(self, order: orders.Invite) -> None:
        leg = self.legs[order.leg] = _Leg(order.leg, "inviting")
        habit = self._habits.get(order.target, Habit())
        self._later(leg, 0.2, lambda: self._tell(facts.Progressing(leg=leg.name, stage="ringing")))
        if habit.outcome is not None:
            outcome = habit.outcome
            self._later(leg, habit.answer_after_s, lambda: self._end(leg, outcome))
        elif habit.answer_after_s * 1000 > order.ring_for_ms:
            self._later(leg, order.ring_for_ms / 1000, lambda: self._end(leg, NO_ANSWER))
        else:
            self._later(leg, habit.answer_after_s, lambda: self._pick_up(leg))

    def _pick_up(self, leg: _Leg) -> None:
        leg.state = "answered"
        self._tell(facts.Answered(leg=leg.name))

    def _play(self, leg: _Leg, order: orders.Play) -> None:
        leg.play = order.play
        if not order.loop:
            self._later(leg, 2, lambda: self._played(leg, order.play))

    def _played(self, leg: _Leg, play: str) -> None:
        if leg.play == play:
            leg.play = None
            self._tell(facts.PlayFinished(leg=leg.name, play=play, reason="completed"))

    def _collect(self, leg: _Leg, order: orders.Collect) -> None:
        key = leg.caller.key if leg.caller and not leg.has_pressed else ""
        leg.collect = order.collect
        reason = "max-digits" if key else "first-timeout"
        delay_s = 1.0 if key else 2 + order.first_timeout_ms / 1000
        collected = facts.Collected(leg=leg.name, collect=order.collect, digits=key, reason=reason)
        self._later(leg, delay_s, lambda: self._collected(leg, collected))

    def _collected(self, leg: _Leg, fact: facts.Collected) -> None:
        if leg.collect == fact.collect:
            leg.collect = None
            leg.has_pressed |= bool(fact.digits)
            self._tell(fact)

    def _record(self, leg: _Leg, order: orders.RecordStart) -> None:
        leg.recording = order.recording
        if order.other:
            self.legs[order.other].recording = order.recording
        if order.silence_ms:
            wait_s = 5 + order.silence_ms / 1000
            self._later(leg, wait_s, lambda: self._record_stop(leg, order.recording))

    def _bridge(self, order: orders.Bridge) -> None:
        for member in order.members:
            leg = self.legs.get(member.leg)
            if leg is None:
                continue
            leg.bridge, leg.play = order.bridge, None
            self._tell(facts.ParticipantJoined(leg=leg.name, bridge=order.bridge))
            if leg.caller is not None:
                self._later(leg, leg.caller.talk_s, partial(self._end, leg, HUNG_UP))

    def _record_stop(self, leg: _Leg, recording: RecordingId) -> None:
        parties = [party for party in [leg, *self.legs.values()] if party.recording == recording]
        if not parties:
            return
        for party in parties:
            party.recording = None
        self._tell(
            facts.RecordingReady(
                leg=leg.name,
                recording=recording,
                path=f"{recording}.wav",
                duration_ms=5000,
                channels=2,
            )
        )

    def _end(self, leg: _Leg, outcome: Outcome) -> None:
        if self.legs.pop(leg.name, None) is None:
            return
        for timer in leg.timers:
            timer.cancel()
        if leg.recording is not None:
            self._record_stop(leg, RecordingId(leg.recording))
        self._tell(facts.Ended(leg=leg.name, outcome=outcome, by_far_end=True))

    def _list(self, order: OrderId) -> None:
        statuses = tuple(
            facts.LegStatus(
                leg=leg.name,
                tenant=self._tenant,
                trunk=TrunkId("any"),
                state=leg.state,
                bridge=leg.bridge,  # type: ignore[arg-type]  # the same text
                play=leg.play,
                recording=leg.recording,  # type: ignore[arg-type]  # the same text
            )
            for leg in self.legs.values()
        )
        self._tell(facts.LegsListed(leg=LegId(""), legs=statuses, order=order))

    def _tell(self, fact: Any) -> None:  # noqa: ANN401 - any fact keeps its type
        self._count += 1
        self._facts.append(
            msgspec.structs.replace(
                fact, driver="voice", generation=1, fact=self._count, at=self._clock.utc()
            )
        )
        self._news.set()

    def _later(self, leg: _Leg, delay_s: float, action: Any) -> None:  # noqa: ANN401
        leg.timers.append(asyncio.get_running_loop().call_later(delay_s, action))
