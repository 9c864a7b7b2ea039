# SPDX-License-Identifier: Apache-2.0
"""Offers to several agents, announcements before the call, and what each refusal leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.events import AgentReadied
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.refusals import RefusalPolicies, RefusalPolicy
from centralino.core.interactions import effects
from centralino.core.interactions import events as calls
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    ConfirmBridged,
    EndLeg,
    FinishPlay,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import AgentId, LegId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing import decisions_offer
from centralino.core.routing.commands import Tick
from centralino.core.routing.turn import Decision, Turn
from tests.unit.core.company import ANNA, BRUNO, CARLA, Desk, company, only

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration

pytestmark = pytest.mark.unit

IN_1 = LegId("in-1")
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
NOT_FOUND = Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND)


def changed(**fields: Any) -> TenantConfiguration:  # noqa: ANN401 - any field of a queue
    """Return the company with other fields of both queues."""
    plain = company()
    queues = tuple(msgspec.structs.replace(queue, **fields) for queue in plain.queues)
    return msgspec.structs.replace(plain, queues=queues)


def ask_all(desk: Desk, *agents: AgentId) -> dict[AgentId, LegId]:
    """Let the one customer who waits be offered to several agents; return their legs."""
    for agent in agents:
        desk.do(MakeAgentNotReady(agent=agent, reason="break"))
    desk.queue_call("in-1")
    turn = Turn(desk.engine.state, desk.engine.index, desk.now)
    for agent in agents:
        turn.emit(AgentReadied(agent=agent))
    (waiting,) = desk.engine.state.interactions.values()
    decisions_offer.offer(turn, waiting, agents, "parallel")
    return {e.agent: e.leg for e in turn.effects if isinstance(e, effects.RingAgent)}


def told(decision: Decision, kind: type[Any]) -> list[Any]:
    """Return the events of a kind."""
    return [event for event in decision.events if isinstance(event, kind)]


def asked(desk: Desk) -> dict[AgentId, LegId]:
    """Return a desk's two agents of sales, both asked for one customer."""
    return ask_all(desk, ANNA, BRUNO)


def test_the_first_answer_wins_and_the_others_ring_until_the_two_are_bridged() -> None:
    desk = Desk()
    legs = asked(desk)
    won = desk.do(ConfirmAnswered(leg=legs[BRUNO]))
    assert only(won, effects.BridgeLegs).agent_leg == legs[BRUNO]
    assert not [e for e in won.effects if isinstance(e, effects.CancelRing)]
    bridge = told(won, calls.OfferAccepted)[0].bridge
    done = desk.do(ConfirmBridged(leg=legs[BRUNO], bridge=bridge))
    assert only(done, effects.CancelRing) == effects.CancelRing(
        leg=legs[ANNA], cause="answered-elsewhere"
    )
    over = desk.do(EndLeg(leg=legs[ANNA], outcome=NO_ANSWER, by_far_end=False))
    assert told(over, calls.OfferWithdrawn)[0].reason == "answered-elsewhere"
    anna = desk.engine.state.agents[ANNA]
    assert (anna.state, anna.refusals, anna.engaged) == (AgentState.READY, 0, ())


def test_who_answers_second_is_told_that_it_was_answered_elsewhere() -> None:
    desk = Desk()
    legs = asked(desk)
    desk.do(ConfirmAnswered(leg=legs[BRUNO]))
    late = desk.do(ConfirmAnswered(leg=legs[ANNA]))
    assert only(late, effects.HangUpLeg).cause == "answered-elsewhere"
    assert not told(late, calls.OfferAccepted)
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.agent == BRUNO


def test_a_winner_who_is_gone_before_the_bridge_leaves_the_others_ringing() -> None:
    desk = Desk()
    legs = asked(desk)
    desk.do(ConfirmAnswered(leg=legs[BRUNO]))
    gone = desk.do(EndLeg(leg=legs[BRUNO], outcome=COMPLETED, by_far_end=True))
    assert told(gone, calls.InteractionReturned)[0].agent == BRUNO
    assert only(gone, effects.PlayPrompts).is_looped, "he hears music again"
    assert not [e for e in gone.effects if isinstance(e, effects.RingAgent)]
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.state is InteractionState.OFFERED
    desk.do(ConfirmAnswered(leg=legs[ANNA]))
    assert interaction.agent == ANNA


def test_a_bridge_that_nobody_confirms_counts_after_its_time() -> None:
    desk = Desk()
    legs = asked(desk)
    desk.do(ConfirmAnswered(leg=legs[BRUNO]))
    assert only(desk.do(Tick(), after_s=2), effects.CancelRing).leg == legs[ANNA]


def test_a_customer_who_leaves_silences_everybody() -> None:
    desk = Desk()
    legs = asked(desk)
    left = desk.do(EndLeg(leg=IN_1, outcome=COMPLETED, by_far_end=True))
    cancelled = {e.leg for e in left.effects if isinstance(e, effects.CancelRing)}
    assert cancelled == set(legs.values())
    assert told(left, calls.InteractionEnded)[0].outcome.reason is OutcomeReason.ABANDONED


def test_the_place_is_kept_and_the_customer_waits_only_when_all_have_refused() -> None:
    desk = Desk()
    legs = asked(desk)
    (interaction,) = desk.engine.state.interactions.values()
    since = interaction.enqueued_at
    desk.do(EndLeg(leg=legs[ANNA], outcome=NO_ANSWER, by_far_end=True), after_s=15)
    assert interaction.state is InteractionState.OFFERED
    desk.do(EndLeg(leg=legs[BRUNO], outcome=NO_ANSWER, by_far_end=True))
    assert (interaction.state, interaction.enqueued_at) == (InteractionState.QUEUED, since)


def test_an_agent_is_told_whom_he_gets_before_he_is_connected() -> None:
    desk = Desk(changed(whisper=("whisper.en",)))
    ring = only(desk.queue_call("in-1"), effects.RingAgent)
    answered = desk.do(ConfirmAnswered(leg=ring.leg))
    whisper = only(answered, effects.PlayPrompts)
    assert (whisper.leg, whisper.prompts) == (ring.leg, ("whisper.en",))
    assert not told(answered, calls.OfferAccepted)
    done = desk.do(FinishPlay(leg=ring.leg, play=whisper.play, reason="completed"))
    assert only(done, effects.BridgeLegs).agent_leg == ring.leg


def test_a_customer_who_leaves_during_the_announcement_ends_the_agents_leg() -> None:
    desk = Desk(changed(whisper=("whisper.en",)))
    ring = only(desk.queue_call("in-1"), effects.RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    left = desk.do(EndLeg(leg=IN_1, outcome=COMPLETED, by_far_end=True))
    assert only(left, effects.HangUpLeg).leg == ring.leg
    desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=False))
    assert desk.engine.state.agents[ANNA].state is AgentState.READY


def test_an_announcement_whose_end_nobody_tells_connects_in_the_end() -> None:
    desk = Desk(changed(whisper=("whisper.en",)))
    ring = only(desk.queue_call("in-1"), effects.RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    assert only(desk.do(Tick(), after_s=60), effects.BridgeLegs).agent_leg == ring.leg


# --------------------------------------------------------------------------- refusals
def refuse(desk: Desk, outcome: Outcome, times: int) -> list[float | None]:
    """Let anna refuse some calls in a row; return how long she rests each time, in seconds."""
    for agent in (BRUNO, CARLA):
        desk.do(MakeAgentNotReady(agent=agent, reason="break"))
    desk.queue_call("in-1")
    rests: list[float | None] = []
    for _ in range(times):
        anna = desk.engine.state.agents[ANNA]
        assert anna.leg is not None
        desk.do(EndLeg(leg=anna.leg, outcome=outcome, by_far_end=True))
        until = anna.deadline
        rests.append(None if until is None else (until - desk.now) / 1e9)
        if until is not None:
            desk.do(Tick(), after_s=(until - desk.now) / 1e9)
    return rests


@pytest.mark.parametrize(
    ("reason", "shown", "rests"),
    [
        (OutcomeReason.NO_ANSWER, "missed-offer", [30, 30, 30]),
        (OutcomeReason.DECLINED, "declined-offer", [30, 30, 30]),
        (OutcomeReason.BUSY, "phone-busy", [30, 30, 30]),
        (OutcomeReason.UNREACHABLE, "technical-issue", [10, 20, 40]),
        (OutcomeReason.NOT_FOUND, "phone-not-found", [60, 120, 240]),
    ],
)
def test_each_cause_has_its_reason_and_its_rest(
    reason: OutcomeReason, shown: str, rests: list[float]
) -> None:
    desk = Desk()
    assert refuse(desk, Outcome(Result.CLIENT_ERROR, reason), 3) == rests
    assert desk.engine.state.agents[ANNA].refusal_reason == shown


def test_so_many_in_a_row_sign_out_and_one_click_brings_back() -> None:
    policy = RefusalPolicy(pause_ms=1000, signed_out_after=2)
    policies = RefusalPolicies(missed=policy)
    desk = Desk(msgspec.structs.replace(company(), refusals=policies))
    assert refuse(desk, NO_ANSWER, 2) == [1, None]
    anna = desk.engine.state.agents[ANNA]
    assert (anna.state, anna.reason) == (AgentState.NOT_READY, "missed-offer")
    assert only(desk.do(MakeAgentReady(agent=ANNA)), effects.RingAgent).agent == ANNA


def test_an_agent_whom_nobody_knows_is_shown_as_such() -> None:
    desk = Desk()
    refuse(desk, NOT_FOUND, 1)
    anna = desk.engine.state.agents[ANNA]
    failed = [e for d in desk.decisions for e in told(d, calls.OfferFailed)]
    assert failed[-1].reason == "phone-not-found"
    assert anna.refusal_reason == "phone-not-found"


def test_an_accepted_offer_forgets_the_refusals_before_it() -> None:
    desk = Desk()
    refuse(desk, Outcome(Result.UPSTREAM_ERROR, OutcomeReason.UNREACHABLE), 2)
    anna = desk.engine.state.agents[ANNA]
    assert anna.leg is not None
    desk.do(ConfirmAnswered(leg=anna.leg))
    assert anna.refusals == 0
    assert [one.is_offer for one in anna.engaged] == [False]
