# SPDX-License-Identifier: Apache-2.0
"""Whatever a phone network does: nobody stuck, nobody lost, every replay the same."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    ConfirmRinging,
    EndLeg,
    FinishCollect,
    FinishPlay,
    LegView,
    ReceiveCall,
    ReconcileLegs,
)
from centralino.core.interactions.effects import HangUpLeg, RingAgent
from centralino.core.interactions.events import InteractionArrived, InteractionEnded
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import LegId, TrunkId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Command, Tick
from centralino.core.routing.engine import TenantEngine
from tests.unit.core.company import ANNA, BRUNO, CARLA, NUMBER, TENANT, Desk, company
from tests.unit.core.revival import require_same_after_revival

pytestmark = pytest.mark.property

OUTCOMES = st.sampled_from(
    [
        Outcome(Result.SUCCESS, OutcomeReason.COMPLETED),
        Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER),
        Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY),
        Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED),
        Outcome(Result.UPSTREAM_ERROR, OutcomeReason.UNREACHABLE),
    ]
)
LIKELY = ["call", "answer", "answer", "play", "key", "time"]
STEP = st.tuples(
    st.sampled_from([*LIKELY * 2, "ring", "end", "end", "ready", "rest", "lists"]),
    st.integers(0, 7),
    st.integers(0, 40),
    OUTCOMES,
)
STEPS = st.lists(STEP, max_size=30) | st.lists(STEP, min_size=90, max_size=160)


class Network:
    """Feeds an engine with what a phone network might report, in any order."""

    def __init__(self, wrap_up_for_ms: int) -> None:
        self.desk = Desk(company(wrap_up_for_ms=wrap_up_for_ms))
        self.legs: list[LegId] = []
        self.calls = 0

    def step(  # noqa: C901 - one case per thing a network may report
        self, kind: str, pick: int, seconds: int, outcome: Outcome
    ) -> None:
        state = self.desk.engine.state
        leg = self.legs[pick % len(self.legs)] if self.legs else LegId("stranger")
        agent = (ANNA, BRUNO, CARLA)[pick % 3]
        interaction = next((i for i in state.interactions.values() if i.leg == leg), None)
        expects = interaction.expects if interaction else "nothing"
        match kind:
            case "call":
                self.calls += 1
                leg = LegId(f"in-{self.calls}")
                self.legs.append(leg)
                number = NUMBER if pick else "+390299999999"
                self._do(
                    ReceiveCall(
                        leg=leg,
                        trunk=TrunkId("carrier"),
                        called_number=number,
                        caller_number=None,
                    )
                )
            case "ring":
                self._do(ConfirmRinging(leg=leg))
            case "answer":
                self._do(ConfirmAnswered(leg=leg))
            case "play":
                self._do(FinishPlay(leg=leg, play=expects, reason="completed"))
            case "key":
                digits = ("", "1", "2", "9")[seconds % 4]
                self._do(FinishCollect(leg=leg, collect=expects, digits=digits))
            case "end":
                if leg in self.legs:
                    self.legs.remove(leg)
                self._do(EndLeg(leg=leg, outcome=outcome, by_far_end=True))
            case "ready":
                self._do(MakeAgentReady(agent=agent))
            case "rest":
                self._do(MakeAgentNotReady(agent=agent, reason="break"))
            case "time":
                self._do(Tick(), after_s=seconds)
            case _:
                kept = [name for n, name in enumerate(self.legs) if (n + pick) % 3]
                self.legs = kept
                views = tuple(LegView(name, "answered") for name in kept)
                self._do(ReconcileLegs(legs=views))

    def _do(self, command: Command, after_s: float = 0) -> None:
        decision = self.desk.do(command, after_s)
        for effect in decision.effects:
            if isinstance(effect, RingAgent):
                self.legs.append(effect.leg)
            elif isinstance(effect, HangUpLeg) and effect.leg in self.legs:
                self.legs.remove(effect.leg)
        self.require_invariants()

    def require_invariants(self) -> None:
        """Hold for every state, seen without the engine's own index."""
        state = self.desk.engine.state
        configuration = state.configuration
        assert configuration is not None
        for queue in configuration.queues:
            waits = any(
                i.queue == queue.id and i.state is InteractionState.QUEUED
                for i in state.interactions.values()
            )
            free = any(state.agents[a].state is AgentState.READY for a in queue.agents)
            assert not (waits and free), f"work and a free agent in {queue.id}"
        rung = Counter(
            offer.interaction
            for offer in state.offers.values()
            if offer.interaction in state.interactions
        )
        assert all(count == 1 for count in rung.values())
        for agent in state.agents.values():
            if agent.state in {AgentState.RESERVED, AgentState.WRAP_UP}:
                assert agent.deadline is not None, "a reservation without an end"
            assert (agent.offer is not None) == (agent.state is AgentState.RESERVED)
        deadline = self.desk.engine.next_deadline()
        pending = [
            thing.deadline
            for things in (
                state.agents.values(),
                state.interactions.values(),
                state.recordings.values(),
            )
            for thing in things
            if thing.deadline is not None
        ]
        assert deadline == min(pending, default=None)

    def drain(self) -> None:
        """Hang everybody up, then let time alone pass."""
        engine = self.desk.engine
        for leg in [i.leg for i in engine.state.interactions.values()]:
            gone = Outcome(Result.SUCCESS, OutcomeReason.COMPLETED)
            self._do(EndLeg(leg=leg, outcome=gone, by_far_end=True))
        for _ in range(100):
            deadline = engine.next_deadline()
            if deadline is None:
                break
            self._do(Tick(), after_s=max(0, deadline - self.desk.now) / SECOND)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, wrap_up_for_ms=st.sampled_from([0, 5000]))
def test_nobody_is_stuck_nobody_is_lost_and_replays_agree(
    steps: list[tuple[str, int, int, Outcome]], wrap_up_for_ms: int
) -> None:
    network = Network(wrap_up_for_ms)
    for kind, pick, seconds, outcome in steps:
        network.step(kind, pick, seconds, outcome)
    network.drain()

    desk = network.desk
    state = desk.engine.state
    assert not state.interactions, "an interaction outlives its customer"
    assert not state.offers
    assert {a.state for a in state.agents.values()} <= {AgentState.READY, AgentState.NOT_READY}

    events = [event for decision in desk.decisions for event in decision.events]
    arrived = [e.interaction for e in events if isinstance(e, InteractionArrived)]
    ended = [e.interaction for e in events if isinstance(e, InteractionEnded)]
    assert Counter(arrived) == Counter(ended)
    assert all(count == 1 for count in Counter(ended).values())

    again, folded = TenantEngine(TENANT), TenantEngine(TENANT)
    for (command, now), decision in zip(desk.inputs, desk.decisions, strict=True):
        assert again.apply(command, now) == decision
        if not decision.is_empty:
            folded.restore(decision.sequence, Instant(decision.at), decision.events)
    assert again.state_hash() == desk.engine.state_hash() == folded.state_hash()
    assert folded.next_deadline() == desk.engine.next_deadline()
    require_same_after_revival(desk.inputs, desk.decisions)
