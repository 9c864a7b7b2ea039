# SPDX-License-Identifier: Apache-2.0
"""The demo's company and its people agree, and a round of callers holds a whole day."""

from __future__ import annotations

from itertools import pairwise

import pytest

from centralino.bootstrap.applying import load_tenant
from centralino.bootstrap.demo import cast, company
from centralino.core.flows import nodes
from centralino.simulators.party.ear import SURE_MS

pytestmark = pytest.mark.unit

ROUND = sum(errand.count for errand in cast.PUBLIC.errands)


def test_the_tenants_file_is_good_and_says_what_the_far_side_knows() -> None:
    configuration, faults = load_tenant(company.TENANT_FILE)
    assert configuration is not None
    assert not [fault for fault in faults if fault.is_error]
    assert [(one.id, one.name, one.target, one.user) for one in configuration.agents] == [
        (one.id, one.name, one.number, one.upn) for one in company.AGENTS
    ]
    assert {(one.user, one.target) for one in configuration.phones} == {
        (one.upn, one.number) for one in company.EXPERTS
    }
    assert {one.number: one.language for one in configuration.numbers} == {
        company.NUMBER: "en",
        company.ITALIAN_NUMBER: "it",
    }
    assert len(configuration.queues) == 3
    assert len(company.PEOPLE) == 12


def test_its_flows_overflow_by_size_and_by_time_transfer_and_take_messages() -> None:
    catalogue = company.tenant_configuration().catalogue
    found = [node for one in catalogue.flows for node in one.flow.nodes.values()]
    desk = next(one for one in found if isinstance(one, nodes.QueueNode) and one.most_waiting)
    assert (desk.overflow, desk.timeout) == ("message", "support")
    guide = next(one for one in found if isinstance(one, nodes.TransferNode))
    assert guide.to.number == company.GUIDE.number
    kinds = {type(one) for one in found}
    assert {nodes.VoicemailNode, nodes.OperatorNode, nodes.HoursNode, nodes.FlowNode} <= kinds


def test_every_tone_can_be_told_from_every_other() -> None:
    tones = sorted((*cast.PUBLIC.tones_hz, *(one.tone_hz for one in company.PARTIES)))
    assert all(second - first >= 50 for first, second in pairwise(tones))
    assert tones[-1] < 3400


def test_a_round_of_callers_holds_what_a_day_has() -> None:
    callers = cast.callers(1, ROUND)
    assert ROUND <= 24, "a minute holds a round"
    assert {one.keys[-1:] for one in callers} == {"", "0", "1", "2", "3", "4"}
    leaving = [one for one in callers if one.keys == "3" and one.patience_ms < 10_000]
    assert len(leaving) == 2
    slowest = cast.HABITS["gino"].answer.least_ms
    hurried = cast.PUBLIC.leaves_after.most_ms
    assert hurried + SURE_MS < slowest, "who leaves the queue has left before he is answered"


def test_nobody_waits_longer_than_asked() -> None:
    assert max(one.patience_ms for one in cast.callers(1, 50, 12_000)) == 12_000


def test_habits_are_of_people_who_are_there() -> None:
    assert set(cast.HABITS) == {one.id for one in company.AGENTS}
    users = {one.upn: one for one in cast.teams_users(1, muted="anna")}
    assert [name for name, one in users.items() if one.is_muted] == [company.AGENTS[0].upn]
    known = {one.oid for one in users.values()}
    assert len(known) == 12
    targets = {a.target for one in users.values() for t in one.turns for a in t.actions if a.target}
    assert targets
    assert targets <= known
