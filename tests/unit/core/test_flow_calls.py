# SPDX-License-Identifier: Apache-2.0
"""Callers in flows: what the engine makes of each thing a flow asks for."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.interactions import flow_events as flows
from centralino.core.interactions.events import (
    InteractionEnded,
    InteractionQueued,
    OfferAccepted,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant, Tick
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.events import Event
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, TENANT, only
from tests.unit.core.flow_company import MAIN, OUTSIDE, FlowDesk, flow_company

pytestmark = pytest.mark.unit

BUSY = Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY)
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
Some = TypeVar("Some", bound=Event)


def events(desk: FlowDesk, kind: type[Some]) -> list[Some]:
    return [e for d in desk.decisions for e in d.events if isinstance(e, kind)]


def away(desk: FlowDesk, *agents: str) -> None:
    for agent in (ANNA, BRUNO, CARLA):
        if not agents or agent in agents:
            desk.do(MakeAgentNotReady(agent=agent, reason="break"))


def test_a_flow_greets_offers_and_is_over_when_the_agent_answers() -> None:
    desk = FlowDesk()
    ring = only(desk.choose("in-1", "1"), effects.RingAgent)
    answered = desk.do(calls.ConfirmAnswered(leg=ring.leg), 2)
    only(answered, effects.BridgeLegs)
    assert len(events(desk, OfferAccepted)) == 1
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.state is InteractionState.CONNECTED
    assert interaction.position is not None
    assert interaction.position.end == "connected"
    assert interaction.deadline is None


def test_the_longest_idle_agent_with_the_skill_is_rung_and_nobody_else() -> None:
    desk = FlowDesk()
    assert only(desk.choose("in-1", "2"), effects.RingAgent).agent == CARLA
    desk.choose("in-2", "2")
    assert [ring.agent for ring in desk.rings()] == [CARLA], "anna and bruno speak no Spanish"
    assert only(desk.choose("in-3", "1"), effects.RingAgent).agent == ANNA


def test_position_is_said_between_the_music_and_the_music_comes_back() -> None:
    desk = FlowDesk()
    away(desk, ANNA, BRUNO)
    music = [desk.choose(f"in-{n}", "1") for n in range(3)]
    assert only(music[-1], effects.PlayPrompts).prompts == ("music",)
    said = desk.do(Tick(), 20)
    spoken = {e.leg: e.prompts for e in said.effects if isinstance(e, effects.PlayPrompts)}
    assert spoken[LegId("in-2")] == ("position", "digit-3")
    assert spoken[LegId("in-1")] == ("position", "digit-2")
    again = desk.played("in-2", said)
    assert only(again, effects.PlayPrompts).prompts == ("music",)


def test_a_key_leaves_the_queue_and_the_place_is_kept() -> None:
    desk = FlowDesk()
    away(desk, ANNA, BRUNO)
    desk.choose("in-0", "1")  # carla is rung for him
    first = desk.choose("in-1", "1")
    desk.now = desk.now.__class__(desk.now + 5_000_000_000)
    desk.choose("in-2", "1")
    menu = desk.pressed("in-1", first, "9")
    assert events(desk, flows.InteractionDequeued)[-1].keeps_place
    desk.pressed("in-1", menu, "1")
    offers = desk.do(MakeAgentReady(agent=ANNA))
    assert only(offers, effects.RingAgent).agent == ANNA
    offered = [i for i in desk.engine.state.interactions.values() if i.offers]
    assert LegId("in-1") in {i.leg for i in offered}, "he who came back is before in-2"


def test_leaving_while_an_agent_rings_silences_the_phone_and_an_answer_comes_too_late() -> None:
    desk = FlowDesk()
    queued = desk.choose("in-1", "1")
    ring = only(queued, effects.RingAgent)
    left = desk.pressed("in-1", queued, "9")
    assert only(left, effects.CancelRing).leg == ring.leg
    late = desk.do(calls.ConfirmAnswered(leg=ring.leg))
    assert only(late, effects.HangUpLeg).leg == ring.leg
    assert not events(desk, OfferAccepted)


def test_a_full_queue_overflows_to_a_number() -> None:
    desk = FlowDesk()
    away(desk, ANNA, BRUNO)
    for n in range(3):
        desk.choose(f"in-{n}", "1")
    full = desk.choose("in-3", "1")
    assert only(full, effects.RingParty).target == OUTSIDE
    assert [e.reason for e in events(desk, flows.InteractionTurnedAway)] == ["overflow"]


def test_nobody_signed_in_turns_away_and_the_last_to_leave_sends_those_who_wait() -> None:
    desk = FlowDesk()
    away(desk, ANNA, BRUNO)
    desk.choose("in-0", "1")
    desk.choose("in-1", "1")
    gone = desk.do(MakeAgentNotReady(agent=CARLA, reason="home"))
    assert not gone.effects, "carla is still rung and may yet answer"
    ring = desk.rings()[0]
    ended = desk.do(calls.EndLeg(leg=ring.leg, outcome=NO_ANSWER, by_far_end=True))
    assert not events(desk, flows.InteractionDequeued), "a missed offer is a short pause"
    del ended
    unattended = desk.do(MakeAgentNotReady(agent=CARLA, reason="home"))
    assert {e.reason for e in events(desk, flows.InteractionDequeued)} == {"no-agents"}
    byes = [e for e in unattended.effects if isinstance(e, effects.PlayPrompts)]
    assert [e.prompts for e in byes] == [("goodbye",)] * 2
    desk.choose("in-2", "1")
    assert events(desk, flows.InteractionTurnedAway)[-1].reason == "no-agents"


def test_the_longest_wait_ends_in_a_message_that_is_mailed_once() -> None:
    desk = FlowDesk()
    away(desk, ANNA, BRUNO)
    desk.choose("in-0", "1")
    desk.choose("in-1", "1")
    seen: list[effects.PlayPrompts] = []
    beeps: list[effects.PlayPrompts] = []
    for _ in range(30):
        decision = desk.do(Tick(), 5)
        seen += [e for e in decision.effects if isinstance(e, effects.PlayPrompts)]
        beeps = [e for e in seen if e.prompts == ("beep",) and e.leg == "in-1"]
        if beeps:
            break
    opened = desk.do(calls.FinishPlay(leg=LegId("in-1"), play=beeps[0].play, reason="completed"))
    recording = only(opened, effects.StartRecording)
    assert (recording.agent_leg, recording.silence_ms, recording.most_ms) == ("", 8000, 120_000)
    stopped = desk.pressed("in-1", opened, "", "terminator")
    only(stopped, effects.StopRecording)
    stored = desk.do(
        calls.StoreRecording(
            recording=recording.recording,
            path="message.wav",
            duration_ms=9000,
            channels=1,
            is_complete=True,
        )
    )
    mail = only(stored, effects.SendMail)
    assert (mail.box, mail.mail_to, mail.path) == ("sales", ("sales@acme.example",), "message.wav")
    assert events(desk, InteractionEnded)[-1].outcome == COMPLETED
    again = desk.do(calls.ReconcileLegs(legs=()))
    assert only(again, effects.SendMail) == mail
    desk.do(calls.ConfirmMail(recording=recording.recording))
    assert not desk.engine.state.voicemails


def test_hanging_up_in_the_middle_of_a_message_keeps_it() -> None:
    desk = FlowDesk()
    beep = desk.choose("in-1", "3")
    opened = desk.played("in-1", beep)
    recording = only(opened, effects.StartRecording).recording
    desk.do(calls.EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True))
    assert events(desk, InteractionEnded)[-1].outcome == COMPLETED, "not abandoned"
    stored = desk.do(
        calls.StoreRecording(
            recording=recording, path="m.wav", duration_ms=4000, channels=1, is_complete=True
        )
    )
    only(stored, effects.SendMail)


@pytest.mark.parametrize(("path", "duration_ms"), [("", 0), ("m.wav", 300)])
def test_nothing_said_is_no_message(path: str, duration_ms: int) -> None:
    desk = FlowDesk()
    opened = desk.played("in-1", desk.choose("in-1", "3"))
    recording = only(opened, effects.StartRecording).recording
    stored = desk.do(
        calls.StoreRecording(
            recording=recording,
            path=path,
            duration_ms=duration_ms,
            channels=1,
            is_complete=bool(path),
        )
    )
    assert len(events(desk, flows.VoicemailDiscarded)) == 1
    assert only(stored, effects.PlayPrompts).prompts == ("goodbye",)
    assert not desk.engine.state.voicemails


def test_a_transfer_rings_plays_music_and_bridges_on_answer() -> None:
    desk = FlowDesk()
    ringing = desk.choose("in-1", "4")
    ring = only(ringing, effects.RingParty)
    assert (ring.trunk, ring.target) == ("teams", "+390211199")
    assert only(ringing, effects.PlayPrompts).is_looped
    bridged = desk.do(calls.ConfirmAnswered(leg=ring.leg))
    assert only(bridged, effects.BridgeLegs).agent_leg == ring.leg
    desk.do(calls.EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True))
    (ended,) = events(desk, InteractionEnded)
    assert ended.outcome.reason is OutcomeReason.TRANSFERRED
    assert not desk.engine.index.party_legs


@pytest.mark.parametrize(
    ("outcome", "heard"), [(BUSY, "beep"), (NO_ANSWER, "menu")], ids=["busy", "no-answer"]
)
def test_a_transfer_that_fails_goes_back_to_the_flow(outcome: Outcome, heard: str) -> None:
    desk = FlowDesk()
    ring = only(desk.choose("in-1", "4"), effects.RingParty)
    back = desk.do(calls.EndLeg(leg=ring.leg, outcome=outcome, by_far_end=True))
    assert only(back, effects.PlayPrompts).prompts == (heard,)
    assert not desk.engine.index.party_legs


def test_a_caller_who_leaves_while_a_party_rings_leaves_no_phone_ringing() -> None:
    desk = FlowDesk()
    ring = only(desk.choose("in-1", "4"), effects.RingParty)
    gone = desk.do(calls.EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True))
    assert only(gone, effects.CancelRing).leg == ring.leg
    late = desk.do(calls.ConfirmAnswered(leg=ring.leg))
    assert only(late, effects.HangUpLeg).leg == ring.leg


def test_a_lookup_leads_on_by_what_it_answers() -> None:
    desk = FlowDesk()
    request = only(desk.choose("in-1", "6"), effects.RequestLookup)
    assert request.url == "https://crm.acme.example/%2B39333111222"
    went = desk.do(
        calls.AnswerLookup(
            interaction=request.interaction,
            ask=request.ask,
            status=200,
            body='{"status": "gold"}',
        )
    )
    only(went, effects.RingParty)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"status": 7}'])
def test_nonsense_from_a_lookup_takes_the_way_of_failure(body: str) -> None:
    desk = FlowDesk()
    request = only(desk.choose("in-1", "6"), effects.RequestLookup)
    desk.do(
        calls.AnswerLookup(interaction=request.interaction, ask=request.ask, status=200, body=body)
    )
    assert len(events(desk, InteractionQueued)) == 1


def test_a_lookup_that_hangs_is_passed_by() -> None:
    desk = FlowDesk()
    desk.choose("in-1", "6")
    for _ in range(10):
        desk.do(Tick(), 2)
    assert len(events(desk, InteractionQueued)) == 1


def test_a_callback_is_booked_with_the_place_he_has() -> None:
    desk = FlowDesk()
    offer = desk.choose("in-1", "7")
    booked = desk.pressed("in-1", offer, "1")
    (callback,) = desk.engine.state.callbacks.values()
    assert (callback.queue, callback.number) == (SALES, "+39333111222")
    assert callback.since == desk.now
    desk.played("in-1", booked)
    assert events(desk, InteractionEnded)[-1].outcome == COMPLETED


def test_a_call_keeps_the_flow_it_began_with() -> None:
    desk = FlowDesk()
    menu = desk.played("in-1", desk.call("in-1"))
    changed = msgspec.json.decode(msgspec.json.encode(MAIN))
    changed["nodes"]["menu"]["keys"] = {"1": "bye"}
    desk.do(ConfigureTenant(configuration=flow_company(changed)))
    old = desk.pressed("in-1", menu, "1")
    only(old, effects.RingAgent)
    new = desk.choose("in-2", "1")
    assert only(new, effects.PlayPrompts).prompts == ("goodbye",)
    configuration = desk.engine.state.configuration
    assert configuration is not None
    assert [one.version for one in configuration.catalogue.flows] == [1, 2]


def test_what_a_driver_lost_is_ordered_again() -> None:
    desk = FlowDesk()
    desk.choose("in-1", "1")
    ring = desk.rings()[0]
    restored = desk.do(
        calls.ReconcileLegs(
            legs=(
                calls.LegView(LegId("in-1"), "answered"),
                calls.LegView(ring.leg, "inviting"),
            )
        )
    )
    assert only(restored, effects.PlayPrompts).prompts == ("music",)
    only(restored, effects.CollectKey)


def test_every_decision_is_the_same_again() -> None:
    desk = FlowDesk()
    ring = only(desk.choose("in-1", "4"), effects.RingParty)
    desk.do(calls.EndLeg(leg=ring.leg, outcome=NO_ANSWER, by_far_end=True))
    desk.choose("in-2", "3")
    again = TenantEngine(TENANT)
    for (command, now), decision in zip(desk.inputs, desk.decisions, strict=True):
        assert again.apply(command, now) == decision
    assert again.state_hash() == desk.engine.state_hash()
