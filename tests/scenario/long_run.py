# SPDX-License-Identifier: Apache-2.0
"""Days of calls through a tenant's writer in virtual time, and what is left in memory of them.

Callers come and go, agents answer, miss, rest and come back. What they did is forgotten by the
journal here, so that only the writer, its engine and the live state can grow.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from typing_extensions import override

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.kernel.ids import AgentId, LegId, TenantId, TrunkId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange.link.stream import pause
from centralino.exchange.live import LiveFeed
from centralino.exchange.tenant import Input, Listener, TenantWriter
from tests.kit.virtual_time import running_clock
from tests.unit.core.company import ANNA, BRUNO, CARLA, NUMBER, TENANT, company

if TYPE_CHECKING:
    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision
    from centralino.exchange.ports import JournalRecord

HOUR_S = 3600.0
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)


@dataclass(frozen=True)
class Left:
    """What is there at one moment."""

    calls: int
    """Calls so far."""
    blocks: int
    """Pieces of memory that Python has given out."""
    interactions: int


class ForgetfulJournal(InMemoryJournal):
    """Counts what it is given and keeps the sequence only."""

    def __init__(self) -> None:
        super().__init__()
        self.records = 0

    @override
    def keep(self, records: Sequence[JournalRecord]) -> None:
        self.records += len(records)


class LongRun:
    """A tenant at work."""

    def __init__(self, seed: int) -> None:
        self.calls = 0
        self._random = Random(seed)
        self._live: set[LegId] = set()
        self._news: list[effects.Effect] = []
        self.journal = ForgetfulJournal()
        self.writer = TenantWriter(
            TENANT,
            journal=self.journal,
            clock=running_clock(),
            listener=Listener(on_decision=self._take, on_storage=lambda problem: None),
        )
        self._feed = LiveFeed(TENANT, self.writer, ())

    def _take(self, tenant: TenantId, decision: Decision) -> None:
        self._feed.take(decision)
        self._news.extend(decision.effects)

    async def run(self, hours: float, every_s: float, look: Callable[[Left], None]) -> None:
        """Let calls come for some hours; ``look`` is called after each hour."""
        running = asyncio.ensure_future(self.writer.run())
        await self._tell(ConfigureTenant(configuration=company(wrap_up_for_ms=2000)))
        for _ in range(int(hours)):
            for _ in range(int(HOUR_S / every_s)):
                await self._call()
                await self._answer_everybody()
                await pause(every_s)
            self._feed.changes()
            look(self.left())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def left(self) -> Left:
        """Return what is there now."""
        interactions = len(self.writer.engine.state.interactions)
        return Left(self.calls, sys.getallocatedblocks(), interactions)

    async def _call(self) -> None:
        self.calls += 1
        leg = LegId(f"in-{self.calls}")
        self._live.add(leg)
        command = calls.ReceiveCall(
            leg=leg,
            trunk=TrunkId("carrier"),
            called_number=NUMBER,
            caller_number=f"+39{self.calls}",
        )
        await self._tell(command)
        agent = self._random.choice((ANNA, BRUNO, CARLA))
        if self._random.random() < 0.1:
            await self._tell(MakeAgentNotReady(agent=agent, reason="break"))
        else:
            await self._tell(MakeAgentReady(agent=AgentId(agent)))

    async def _answer_everybody(self) -> None:
        """Answer what was ordered, and let everybody who talks hang up."""
        for _ in range(50):
            if not self._news:
                break
            news, self._news = self._news, []
            for effect in news:
                await self._answer(effect)
        for leg in sorted(self._live):
            if self._random.random() < 0.4:
                self._live.discard(leg)
                await self._tell(calls.EndLeg(leg=leg, outcome=COMPLETED, by_far_end=True))

    async def _answer(self, effect: effects.Effect) -> None:
        leg = effect.leg
        match effect:
            case effects.RingAgent() if self._random.random() < 0.2:
                await self._tell(calls.EndLeg(leg=leg, outcome=NO_ANSWER, by_far_end=True))
            case effects.AnswerCall() | effects.RingAgent():
                self._live.add(leg)
                await self._tell(calls.ConfirmAnswered(leg=leg))
            case effects.PlayPrompts() if not effect.is_looped:
                done = calls.FinishPlay(leg=leg, play=effect.play, reason="completed")
                await self._tell(done)
            case effects.CollectKey():
                keys = self._random.choice("12")
                await self._tell(calls.FinishCollect(leg=leg, collect=effect.collect, digits=keys))
            case effects.StopRecording():
                await self._tell(
                    calls.StoreRecording(
                        recording=effect.recording,
                        path="r.wav",
                        duration_ms=1,
                        channels=2,
                        is_complete=True,
                    )
                )
            case effects.HangUpLeg() | effects.CancelRing() if leg in self._live:
                self._live.discard(leg)
                await self._tell(calls.EndLeg(leg=leg, outcome=COMPLETED, by_far_end=False))
            case _:
                pass

    async def _tell(self, command: Command) -> None:
        await self.writer.submit([Input(command)])
