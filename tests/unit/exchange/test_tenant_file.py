# SPDX-License-Identifier: Apache-2.0
"""A tenant's file: every contradiction with path and line, and what would change."""

from __future__ import annotations

import msgspec
import pytest

from centralino.core.kernel.ids import AgentId, QueueId
from centralino.exchange.difference import difference
from centralino.exchange.tenant_file import read_tenant_file, to_configuration

pytestmark = pytest.mark.unit

GOOD = """\
tenant: acme
name: Acme
trunks: { teams: teams, outside: carrier }
skills: [english]
numbers:
  - { number: "+390200000001", flow: main }
queues:
  - id: sales
    name: Sales
    skills: { english: 3 }
agents:
  - { id: anna, name: Anna, number: "+390211", queues: [sales], skills: { english: 4 } }
  - { id: bruno, name: Bruno, number: "+390212", queues: [sales] }
"""


def test_a_good_file_becomes_a_configuration() -> None:
    reading = read_tenant_file(GOOD)
    assert reading.problems == ()
    assert reading.document is not None
    configuration = to_configuration(reading.document, {}, {})
    (queue,) = configuration.queues
    assert (queue.id, queue.agents) == (QueueId("sales"), (AgentId("anna"), AgentId("bruno")))
    assert queue.ring_for_ms == 20_000
    assert configuration.outside_trunk == "carrier"
    assert configuration.is_applied


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("queues: [sales], skills", "queues: [sale], skills", 12, "there is no queue sale"),
        ("{ english: 4 }", "{ danish: 4 }", 12, "there is no skill danish"),
        ("{ english: 3 }", "{ english: 9 }", 10, "nobody of this queue has english at level 9"),
        ('"+390212"', '"+390211"', 13, "anna has this number already"),
        ("id: bruno", "id: anna", 13, "anna is there twice"),
        ("name: Sales", "name: Sales\n    colour: red", 9, "colour"),
        ('"+390200000001"', '"0200000001"', 6, "number"),
        ("name: Acme\n", "name: Acme\nname: Other\n", 3, "name"),
        ("{ english: 4 }", "{ english: 44 }", 12, "10"),
    ],
)
def test_each_contradiction_has_its_line(old: str, new: str, line: int, reason: str) -> None:
    assert GOOD.count(old) == 1
    reading = read_tenant_file(GOOD.replace(old, new))
    assert reading.document is None
    assert any(reason in one.reason for one in reading.problems), reading.problems
    assert min(abs(one.line - line) for one in reading.problems) <= 1, reading.problems


def test_all_contradictions_are_told_at_once() -> None:
    text = GOOD.replace("[sales]", "[nowhere]").replace("english: 3", "french: 3")
    assert len(read_tenant_file(text).problems) == 3


def test_the_plan_names_what_is_new_gone_and_other() -> None:
    document = read_tenant_file(GOOD).document
    assert document is not None
    before = to_configuration(document, {}, {})
    assert difference(before, before) == ()
    queue = msgspec.structs.replace(before.queues[0], ring_for_ms=5000)
    after = msgspec.structs.replace(before, queues=(queue,), agents=before.agents[:1])
    assert difference(before, after) == (
        "~ queue sales: ring_for_ms 20000 -> 5000",
        "- agent bruno",
    )
    assert difference(None, after)[:2] == ("+ tenant acme", "+ number +390200000001")


WHOLE_QUEUE = """\
    wrap_up: { mode: extendable, extend_by_s: 20, only_after: [completed] }
    whisper: [whisper]
    language: en
    limits:
      - { on: wait, threshold: 600, action: { queue: sales } }
      - { on: length, threshold: 20, action: { end: [goodbye] } }
    callbacks: { mode: lead, lead_s: 90, attempts: 5, prompts: [callback] }
    resume_place_s: 300
    first_reply_s: 120
"""


def test_what_a_queue_does_beside_waiting_is_told_in_seconds() -> None:
    text = GOOD.replace("    skills: { english: 3 }\n", WHOLE_QUEUE)
    text += "pauses: { causes: { missed: { pause_s: 5, signed_out_after: 3 } } }\n"
    reading = read_tenant_file(text)
    assert reading.problems == ()
    assert reading.document is not None
    configuration = to_configuration(reading.document, {}, {})
    (queue,) = configuration.queues
    assert queue.whisper == ("whisper.en",)
    assert queue.wrap_up.extend_by_ms == 20_000
    assert [limit.action.kind for limit in queue.limits] == ["queue", "end"]
    assert queue.limits[1].action.prompts == ("goodbye.en",)
    assert queue.callbacks is not None
    assert (queue.callbacks.lead_ms, queue.callbacks.attempts) == (90_000, 5)
    assert (queue.resume_place_for_ms, queue.ownership.first_reply_ms) == (300_000, 120_000)
    assert configuration.refusals.missed is not None
    assert configuration.refusals.missed.signed_out_after == 3


def test_customers_are_called_back_where_calls_can_go_outside_unless_by_hand() -> None:
    def policy_of(text: str) -> object:
        document = read_tenant_file(text).document
        assert document is not None
        return to_configuration(document, {}, {}).queues[0].callbacks

    assert policy_of(GOOD) is not None
    assert policy_of(GOOD.replace(", outside: carrier", "")) is None
    by_hand = "    skills: { english: 3 }\n    callbacks: { mode: by-hand }\n"
    assert policy_of(GOOD.replace("    skills: { english: 3 }\n", by_hand)) is None


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("limits: [{ on: wait, action: { queue: nowhere } }]", "there is no queue nowhere"),
        ("limits: [{ on: closed }]", "there is no calendar"),
        ("limits: [{ on: wait, action: { queue: sales, end: [] } }]", "not both"),
        ("callbacks: { calendar: moon }", "there is no calendar moon"),
        ("callbacks: { mode: magic }", "mode"),
        ("wrap_up: { only_after: [rain] }", "only_after"),
    ],
)
def test_what_a_queue_names_must_be_there(part: str, reason: str) -> None:
    old = "    skills: { english: 3 }\n"
    problems = read_tenant_file(GOOD.replace(old, f"{old}    {part}\n")).problems
    assert any(reason in problem.reason for problem in problems), problems
