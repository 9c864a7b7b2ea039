# SPDX-License-Identifier: Apache-2.0
"""Play, say, transfer, operator, voicemail, hang up; hours, branch, set; nested flows."""

from __future__ import annotations

import pytest

from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import HangUp, Play, RecordVoicemail, Speech, StopPlay, Transfer
from centralino.core.kernel.instant import SECOND
from tests.unit.flows.table import OPERATOR, Table, flow_of

pytestmark = pytest.mark.unit

TRANSFER = {
    "type": "transfer",
    "to": {"number": "+390212345611"},
    "prompts": ["hold"],
    "busy": "left",
    "failed": "bye",
}


def test_a_prompt_is_played_in_the_language_of_the_number() -> None:
    flow = flow_of({"hi": {"type": "play", "prompts": ["greeting", "music"], "next": "bye"}})
    table = Table(flow, language="it")
    assert table.heard() == ["greeting.it", "music"]


def test_a_prompt_without_that_language_is_played_in_the_first_one() -> None:
    flow = flow_of({"hi": {"type": "play", "prompts": ["english-only"], "next": "bye"}})
    assert Table(flow, language="it").heard() == ["english-only.en"]


def test_a_language_the_flow_does_not_speak_is_not_used() -> None:
    flow = flow_of({"hi": {"type": "play", "prompts": ["greeting"], "next": "bye"}})
    assert Table(flow, language="fr").heard() == ["greeting.en"]


def test_a_prompt_that_is_not_there_is_passed_over_and_noted() -> None:
    flow = flow_of({"hi": {"type": "play", "prompts": ["nothing"], "next": "bye"}})
    table = Table(flow)
    assert table.turn.position.end == "hung-up"
    assert [entry.detail for entry in table.turn.entries if entry.edge == "no-prompt"] == [
        "nothing"
    ]


def test_a_playing_whose_end_nobody_tells_is_stopped() -> None:
    table = Table(flow_of({"hi": {"type": "play", "prompts": ["greeting"], "next": "bye"}}))
    table.expire()
    assert isinstance(table.turn.actions[0], StopPlay)
    assert table.turn.position.end == "hung-up"


def test_what_is_said_holds_values() -> None:
    flow = flow_of(
        {
            "hi": {
                "type": "say",
                "text": {"en": "Hello {vars.name}, it is {now.hour}", "it": "Ciao"},
                "next": "bye",
            }
        },
        zone="Europe/Rome",
        variables={"name": {"type": "string", "default": "Eva"}},
    )
    assert Table(flow).only(Play).sounds == (Speech("Hello Eva, it is 10", "en"),)
    assert Table(flow, language="it").heard() == ["Ciao"]


def test_a_text_without_a_value_is_not_said() -> None:
    flow = flow_of({"hi": {"type": "say", "text": {"en": "{1 / 0}"}, "next": "bye"}})
    assert Table(flow).turn.position.end == "hung-up"


@pytest.mark.parametrize(
    ("result", "node", "end"),
    [
        ("answered", "t", "connected"),
        ("busy", "left", "hung-up"),
        ("no-answer", "bye", "hung-up"),
        ("failed", "bye", "hung-up"),
        ("something-new", "bye", "hung-up"),
    ],
)
def test_a_transfer_ends_as_the_party_does(result: str, node: str, end: str) -> None:
    table = Table(flow_of({"t": TRANSFER}))
    assert table.heard() == ["hold.en"]
    table.finish_play()
    assert table.only(Transfer).target.number == "+390212345611"
    table.tell(happened.TransferEnded(ask=table.ask, result=result))
    assert (table.node, table.turn.position.end) == (node, end)


def test_a_transfer_of_which_nobody_tells_the_end_has_failed() -> None:
    table = Table(flow_of({"t": TRANSFER}))
    table.finish_play()
    table.expire()
    assert table.node == "bye"


def test_the_operator_is_whom_the_company_says() -> None:
    node = {"type": "operator", "unreachable": "bye"}
    table = Table(flow_of({"o": node}), operator=OPERATOR)
    assert table.only(Transfer).target == OPERATOR
    table.tell(happened.TransferEnded(ask=table.ask, result="busy"))
    assert table.node == "bye"


def test_without_an_operator_the_flow_goes_on() -> None:
    assert Table(flow_of({"o": {"type": "operator", "unreachable": "left"}})).node == "left"


def test_a_voicemail_is_recorded_and_mailed() -> None:
    node = {
        "type": "voicemail",
        "box": "sales",
        "prompts": ["hold"],
        "mail_to": ["sales@aurora-outdoor.example"],
        "max_s": 60,
    }
    table = Table(flow_of({"v": node}, fallback="left"))
    table.finish_play()
    record = table.only(RecordVoicemail)
    assert (record.box, record.max_ms) == ("sales", 60_000)
    assert record.mail_to == ("sales@aurora-outdoor.example",)
    table.tell(happened.VoicemailEnded(ask=table.ask, is_kept=True))
    assert table.only(HangUp).cause == "normal"


def test_a_voicemail_without_a_message_takes_its_own_edge() -> None:
    table = Table(flow_of({"v": {"type": "voicemail", "box": "sales", "failed": "left"}}))
    table.tell(happened.VoicemailEnded(ask=table.ask, is_kept=False))
    assert table.node == "left"


def test_a_hang_up_says_good_bye_first() -> None:
    table = Table(flow_of({"h": {"type": "hang-up", "prompts": ["goodbye"], "cause": "busy"}}))
    assert table.heard() == ["goodbye.en"]
    table.finish_play()
    assert table.only(HangUp).cause == "busy"


@pytest.mark.parametrize(("hours_later", "node"), [(0, "open"), (9, "closed"), (11, "closed")])
def test_hours_lead_by_the_calendar(hours_later: int, node: str) -> None:
    flow = flow_of(
        {
            "wait": {"type": "play", "prompts": ["greeting"], "next": "hours"},
            "hours": {"type": "hours", "calendar": "shop", "open": "open", "closed": "closed"},
            "open": {"type": "hang-up"},
            "closed": {"type": "hang-up"},
        }
    )
    table = Table(flow)
    table.tell(happened.PlayFinished(ask=table.ask), hours_later * 3600)
    assert table.node == node


def test_a_calendar_that_is_not_there_is_closed() -> None:
    node = {"type": "hours", "calendar": "nope", "open": "bye", "closed": "left"}
    assert Table(flow_of({"h": node})).node == "left"


@pytest.mark.parametrize(
    ("caller", "node"), [("+393331", "bye"), ("+441632", "left"), ("", "left")]
)
def test_a_branch_takes_the_first_true_case(caller: str, node: str) -> None:
    branch = {
        "type": "branch",
        "cases": [{"when": 'caller.number.startsWith("+39")', "next": "bye"}],
        "otherwise": "left",
    }
    assert Table(flow_of({"b": branch}), caller=caller).node == node


@pytest.mark.parametrize("when", ["1 / 0 == 1", "vars.nope", "1 +", "[1][5] == 1"])
def test_a_condition_without_a_value_takes_the_fallback_edge(when: str) -> None:
    branch = {
        "type": "branch",
        "cases": [{"when": when, "next": "bye"}],
        "otherwise": "bye",
        "failed": "left",
    }
    table = Table(flow_of({"b": branch}))
    assert table.node == "left"
    assert "failed" in table.edges


def test_set_changes_all_variables_in_order_or_none() -> None:
    variables = {
        "a": {"type": "int", "default": 1},
        "b": {"type": "int", "default": 1},
        "c": {"type": "double", "default": 0.5},
    }
    good = {
        "type": "set",
        "values": {"a": "vars.a + 1", "b": "vars.a * 10", "c": "vars.b"},
        "next": "bye",
    }
    assert Table(flow_of({"s": good}, variables=variables)).variables == {"a": 2, "b": 20, "c": 20}
    bad = {"type": "set", "values": {"a": "7", "b": "1 / 0"}, "next": "bye", "failed": "left"}
    table = Table(flow_of({"s": bad}, variables=variables))
    assert (table.node, table.variables["a"]) == ("left", 1)


def test_a_language_that_is_set_holds_from_then_on() -> None:
    flow = flow_of(
        {
            "s": {"type": "set", "language": "it", "next": "p"},
            "p": {"type": "play", "prompts": ["greeting"], "next": "bye"},
        }
    )
    assert Table(flow).heard() == ["greeting.it"]


def nested(**node: object) -> dict[str, object]:
    return {"type": "flow", "flow": "inner"} | node


def test_a_nested_flow_returns_to_the_one_around_it() -> None:
    outer = flow_of({"in": nested(next="left", failed="bye")})
    inner = flow_of(
        {
            "p": {"type": "play", "prompts": ["greeting"], "next": "back"},
            "back": {"type": "return"},
        },
        flow="inner",
        variables={"x": {"type": "int", "default": 4}},
    )
    table = Table(outer, inner)
    assert [frame.flow for frame in table.turn.position.frames] == ["main", "inner"]
    table.finish_play()
    assert (table.node, table.variables) == ("left", {"x": 4})


def test_a_return_with_nothing_around_it_ends_the_call() -> None:
    assert Table(flow_of({"r": {"type": "return"}})).only(HangUp).cause == "normal"


def test_a_flow_that_is_not_published_takes_the_fault_edge() -> None:
    assert Table(flow_of({"in": nested(failed="left")})).node == "left"


def test_flows_nest_only_so_deep() -> None:
    itself = flow_of({"in": {"type": "flow", "flow": "main", "failed": "left"}})
    table = Table(itself)
    assert len(table.turn.position.frames) == 8
    assert table.node == "left"


def test_a_loop_in_which_no_time_passes_goes_to_the_operator() -> None:
    loop = {"type": "set", "language": "en", "next": "s"}
    table = Table(flow_of({"s": loop}), operator=OPERATOR)
    assert table.only(Transfer).target == OPERATOR
    table.tell(happened.TransferEnded(ask=table.ask, result="answered"))
    assert table.turn.position.end == "connected"


def test_without_an_operator_such_a_loop_ends_the_call_as_an_error() -> None:
    loop = {"type": "set", "language": "en", "next": "s"}
    assert Table(flow_of({"s": loop})).only(HangUp).cause == "error"


def test_an_edge_that_was_left_out_leads_to_the_fallback() -> None:
    flow = flow_of({"t": {"type": "transfer", "to": {"number": "+39021"}}}, fallback="left")
    table = Table(flow)
    table.tell(happened.TransferEnded(ask=table.ask, result="busy"))
    assert table.node == "left"


def test_what_comes_late_or_after_the_end_changes_nothing() -> None:
    table = Table(flow_of({"t": TRANSFER}))
    stale = table.ask
    table.finish_play()
    before = table.turn.position
    for happening in (
        happened.PlayFinished(ask=stale),
        happened.Collected(ask="flow-99", digits="1"),
        happened.Deadline(),
    ):
        turn = table.tell(happening, 0)
        assert (turn.position, turn.actions) == (before, ())
    table.tell(happened.CallerGone())
    assert table.turn.position.end == "gone"
    assert table.tell(happened.TransferEnded(ask=stale, result="answered")).actions == ()


def test_every_wait_has_a_deadline() -> None:
    table = Table(flow_of({"t": TRANSFER}))
    assert table.turn.position.deadline == table.now + 300 * SECOND
    table.finish_play()
    assert table.turn.position.deadline == table.now + 45 * SECOND


def test_a_call_that_is_too_long_takes_no_further_step() -> None:
    again = {"type": "play", "prompts": ["greeting"], "next": "p"}
    table = Table(flow_of({"p": again}))
    table.tell(happened.PlayFinished(ask=table.ask), 12 * 3600)
    assert table.turn.position.end == ""
    table.tell(happened.PlayFinished(ask=table.ask), 1)
    assert table.only(HangUp).cause == "error"
