# SPDX-License-Identifier: Apache-2.0
"""Agents who do not exist in Teams are told of once, until somebody has mended it."""

from __future__ import annotations

import pytest

from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.interactions.commands import ConfirmAnswered, EndLeg
from centralino.core.interactions.consult_commands import RequestConsult
from centralino.core.interactions.effects import RingAgent
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Tick
from centralino.exchange.missing_phones import CODE, MissingPhones
from tests.unit.core.company import ANNA, BRUNO, CARLA, TENANT, Desk, only

pytestmark = pytest.mark.unit

NOBODY = Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND)


def test_the_hint_names_the_agent_and_goes_when_he_answers() -> None:
    desk, phones = Desk(), MissingPhones()
    desk.do(MakeAgentNotReady(agent=BRUNO, reason="break"))
    ring = only(desk.queue_call("in-1"), RingAgent)
    failed = desk.do(EndLeg(leg=ring.leg, outcome=NOBODY, by_far_end=True))
    alarm = phones.take(TENANT, failed)
    assert alarm is not None
    assert (alarm.code, alarm.trunk, alarm.is_cleared) == (CODE, TENANT, False)
    assert ANNA in alarm.text
    assert phones.take(TENANT, failed) is None, "it is told once"
    other = desk.engine.state.agents[ANNA]
    assert (other.reason, other.state) == ("phone-not-found", "not-ready")
    again = only(desk.do(Tick(), after_s=60), RingAgent)
    answered = phones.take(TENANT, desk.do(ConfirmAnswered(leg=again.leg)))
    assert answered is not None
    assert answered.is_cleared


def test_another_configuration_forgets_what_was() -> None:
    desk, phones = Desk(), MissingPhones()
    ring = only(desk.queue_call("in-1"), RingAgent)
    phones.take(TENANT, desk.do(EndLeg(leg=ring.leg, outcome=NOBODY, by_far_end=True)))
    cleared = phones.take(TENANT, desk.decisions[0])
    assert cleared is not None
    assert cleared.is_cleared


def test_a_colleague_whose_phone_nobody_has_is_told_of_too() -> None:
    desk, phones = Desk(), MissingPhones()
    ring = desk.connect_call("in-1")
    interaction = next(iter(desk.engine.state.interactions))
    ask = RequestConsult(agent=ring.agent, interaction=interaction, colleague=CARLA)
    first = only(desk.do(ask), RingAgent)
    failed = desk.do(EndLeg(leg=first.leg, outcome=NOBODY, by_far_end=True))
    alarm = phones.take(TENANT, failed)
    assert alarm is not None
    assert CARLA in alarm.text
    desk.do(Tick(), after_s=60)
    again = only(desk.do(ask), RingAgent)
    answered = phones.take(TENANT, desk.do(ConfirmAnswered(leg=again.leg)))
    assert answered is not None
    assert answered.is_cleared
