# SPDX-License-Identifier: Apache-2.0
"""Whatever callers press, whoever answers and whenever anybody leaves: flows in the engine.

Callers go through every kind of node; the network answers what was ordered, late, out of
order, or never. Held after every input: no waiting work beside a free eligible agent, a
deadline or a living leg for everybody, one end per interaction, at most one accepted offer.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.interactions.events import (
    InteractionArrived,
    InteractionEnded,
    OfferAccepted,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.ids import LegId, RecordingId, TrunkId
from centralino.core.kernel.instant import SECOND
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Command, ConfigureTenant, Tick
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.matching.families import has_skills, required_skills
from centralino.exchange.codec import decode_command, decode_event, encode
from tests.unit.core.company import ANNA, BRUNO, CARLA, NUMBER, TENANT
from tests.unit.core.flow_company import MAIN, FlowDesk, flow_company
from tests.unit.core.revival import require_same_after_revival

pytestmark = pytest.mark.property

OUTCOMES = [
    Outcome(Result.SUCCESS, OutcomeReason.COMPLETED),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY),
    Outcome(Result.UPSTREAM_ERROR, OutcomeReason.UNREACHABLE),
]
RARE = ["call", "call", "time", "leave", "ready", "ready", "rest", "lists", "publish"]
KINDS = [*["do"] * 4 * len(RARE), *RARE]
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 11), st.integers(0, 60))
STEPS = st.lists(STEP, max_size=40) | st.lists(STEP, min_size=80, max_size=150)
KEYS = ("", "1", "2", "3", "4", "5", "6", "7", "8", "9", "12345", "#")


def changed_flow(pick: int) -> dict[str, Any]:
    """Return the flow with other keys in its menu."""
    flow: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(MAIN))
    places = ["sales", "spanish", "message", "expert", "lookup", "later", "bye", "menu"]
    flow["nodes"]["menu"]["keys"] = {"1": places[pick % len(places)], "2": "sales"}
    return flow


class World:
    """A network that answers what was ordered, in any order, or not."""

    def __init__(self) -> None:
        self.desk = FlowDesk()
        self.open: list[effects.Effect] = []
        self.live: set[LegId] = set()
        self.calls = 0

    def step(self, kind: str, pick: int, amount: int) -> None:
        agent = (ANNA, BRUNO, CARLA)[pick % 3]
        match kind:
            case "call":
                self._call(pick)
            case "do" if self.open:
                self._answer(self.open.pop(-1 - pick // 2 % len(self.open)), pick, amount)
            case "leave" if self.live:
                leg = sorted(self.live)[pick % len(self.live)]
                self._end(leg, OUTCOMES[amount % len(OUTCOMES)])
            case "ready":
                self.do(MakeAgentReady(agent=agent))
            case "rest":
                self.do(MakeAgentNotReady(agent=agent, reason="break"))
            case "publish":
                self.do(ConfigureTenant(configuration=flow_company(changed_flow(pick))))
            case "lists":
                self.live = {leg for n, leg in enumerate(sorted(self.live)) if (n + pick) % 9}
                views = tuple(calls.LegView(leg, "answered") for leg in sorted(self.live))
                self.do(calls.ReconcileLegs(legs=views))
            case _:
                self.do(Tick(), amount)

    def _call(self, pick: int) -> None:
        self.calls += 1
        leg = LegId(f"in-{self.calls}")
        self.live.add(leg)
        caller = "+39333111222" if pick % 3 else None
        self.do(
            calls.ReceiveCall(
                leg=leg, trunk=TrunkId("carrier"), called_number=NUMBER, caller_number=caller
            )
        )

    def _answer(self, effect: effects.Effect, pick: int, amount: int) -> None:
        leg = effect.leg
        match effect:
            case effects.AnswerCall() | effects.RingAgent() | effects.RingParty():
                if leg in self.live:
                    self.do(calls.ConfirmAnswered(leg=leg))
            case effects.PlayPrompts():
                self.do(calls.FinishPlay(leg=leg, play=effect.play, reason="completed"))
            case effects.CollectKey():
                keys = KEYS[pick % len(KEYS)]
                reason = "terminator" if amount % 3 == 0 else "first-timeout"
                self.do(
                    calls.FinishCollect(leg=leg, collect=effect.collect, digits=keys, reason=reason)
                )
            case effects.RequestLookup():
                bodies = ('{"status": "gold"}', "{}", "<html>", "null")
                body = bodies[pick % len(bodies)]
                self.do(
                    calls.AnswerLookup(
                        interaction=effect.interaction, ask=effect.ask, status=200, body=body
                    )
                )
            case effects.StartRecording() | effects.StopRecording():
                self._store(effect.recording, amount)
            case effects.SendMail():
                self.do(calls.ConfirmMail(recording=effect.recording))
            case _:
                pass

    def _store(self, recording: RecordingId, amount: int) -> None:
        self.do(
            calls.StoreRecording(
                recording=recording,
                path="m.wav" if amount % 2 else "",
                duration_ms=amount * 200,
                channels=1,
                is_complete=True,
            )
        )

    def _end(self, leg: LegId, outcome: Outcome) -> None:
        self.live.discard(leg)
        self.do(calls.EndLeg(leg=leg, outcome=outcome, by_far_end=True))

    def do(self, command: Command, after_s: float = 0) -> None:
        decision = self.desk.do(command, after_s)
        for effect in decision.effects:
            if isinstance(effect, effects.RingAgent | effects.RingParty):
                self.live.add(effect.leg)
            if isinstance(effect, effects.HangUpLeg | effects.RejectCall):
                self.live.discard(effect.leg)
            self.open.append(effect)
        del self.open[:-200]
        self.require_invariants()

    def require_invariants(self) -> None:
        state = self.desk.engine.state
        configuration = state.configuration
        assert configuration is not None
        skills = {agent.id: agent for agent in configuration.agents}
        queues = {queue.id: queue for queue in configuration.queues}
        for interaction in state.interactions.values():
            if interaction.state is InteractionState.QUEUED:
                assert interaction.queue is not None
                queue = queues[interaction.queue]
                required = required_skills(queue, interaction.skills)
                for name in queue.agents:
                    is_free = state.agents[name].state is AgentState.READY
                    assert not (is_free and has_skills(skills[name], required))
            waits_on_leg = {
                InteractionState.CONNECTED,
                InteractionState.TRANSFERRED,
                InteractionState.WRAP_UP,
            }
            is_bounded = interaction.deadline is not None
            assert is_bounded or interaction.state in waits_on_leg, interaction.state
        for queue in configuration.queues:
            matching = self.desk.engine.index.matching
            staff = [
                state.agents[name]
                for name in queue.agents
                if has_skills(skills[name], required_skills(queue, {}))
            ]
            ready = {one.id for one in staff if one.state is not AgentState.NOT_READY}
            assert matching.ready_agents(queue.id, {}) == len(ready)
            resting = {one.id for one in staff if one.deadline is not None}
            assert matching.signed_in_agents(queue.id, {}) == len(ready | resting)
        open_offers = Counter(
            offer.interaction
            for offer in state.offers.values()
            if offer.state is not OfferState.RECALLED
        )
        assert all(count == 1 for count in open_offers.values())
        for agent in state.agents.values():
            assert (agent.offer is not None) == (agent.state is AgentState.RESERVED)

    def drain(self) -> None:
        """Let nobody call any more, everybody hang up, and time pass."""
        for leg in sorted(self.live):
            self._end(leg, OUTCOMES[0])
        known = self.desk.engine.index
        for leg in [*known.customer_legs, *known.agent_legs, *known.party_legs]:
            self._end(leg, OUTCOMES[0])
        for _ in range(60):
            deadline = self.desk.engine.next_deadline()
            if deadline is None:
                break
            self.do(Tick(), max(0, deadline - self.desk.now) / SECOND)
        self.do(calls.ReconcileLegs(legs=()))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_flows_leave_nobody_stuck_and_replay_to_the_same_state(
    steps: list[tuple[str, int, int]],
) -> None:
    world = World()
    for kind, pick, amount in steps:
        world.step(kind, pick, amount)
    world.drain()

    desk, state = world.desk, world.desk.engine.state
    assert not state.interactions
    assert not state.offers
    assert all(one.path for one in state.voicemails.values()), "only mails may be pending"
    index = desk.engine.index
    known = [*index.customer_legs, *index.agent_legs, *index.party_legs]
    assert known == []
    assert index.matching.waiting_count() == 0
    assert not any(index.queued.values())

    events = [event for decision in desk.decisions for event in decision.events]
    arrived = [e.interaction for e in events if isinstance(e, InteractionArrived)]
    ended = Counter(e.interaction for e in events if isinstance(e, InteractionEnded))
    assert ended == Counter(arrived)
    accepted = Counter(e.interaction for e in events if isinstance(e, OfferAccepted))
    assert all(count == 1 for count in accepted.values())

    again, folded = TenantEngine(TENANT), TenantEngine(TENANT)
    for (command, now), decision in zip(desk.inputs, desk.decisions, strict=True):
        assert again.apply(decode_command(encode(command)), now) == decision
        if not decision.is_empty:
            kept = [decode_event(encode(event)) for event in decision.events]
            folded.restore(decision.sequence, decision.at, kept)
    assert again.state_hash() == desk.engine.state_hash() == folded.state_hash()
    assert folded.next_deadline() == desk.engine.next_deadline()
    require_same_after_revival(desk.inputs, desk.decisions)


@pytest.mark.parametrize("steps_before", range(12))
@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "7", ""])
def test_a_caller_may_hang_up_at_each_step(key: str, steps_before: int) -> None:
    world = World()
    world.step("call", 1, 1)
    for number in range(steps_before):
        if not world.open:
            break
        pick = KEYS.index(key) if number == 2 else 1
        world._answer(world.open.pop(0), pick, 30)
    if "in-1" in world.live:
        world._end(LegId("in-1"), OUTCOMES[0])
    world.drain()
    state = world.desk.engine.state
    assert not state.interactions
    assert not world.live - set(world.desk.engine.index.agent_legs)
