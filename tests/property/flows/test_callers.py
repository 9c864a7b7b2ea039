# SPDX-License-Identifier: Apache-2.0
"""Whatever a caller presses, whatever the world answers: no node raises, every call ends.

Every node type stands once in a flow whose edges lead on or out. Hands that press nothing,
everything or hang up at each step, and a world that answers right, wrong, late, twice or
never, are drawn by Hypothesis; then nobody answers any more and the deadlines alone must
bring the call to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import HangUp
from centralino.core.flows.check import Judged, check_flow
from centralino.core.flows.interpreter import begin, resume
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.nodes import AnyNode
from centralino.core.flows.position import CallFacts, FlowPosition
from centralino.core.flows.reading import read_flow
from centralino.core.flows.rehearsal import rehearse
from centralino.core.flows.run import MOST_ENTERED
from centralino.core.flows.script import Caller, Expectation
from centralino.core.kernel.instant import SECOND, Instant
from tests.unit.flows.table import OPERATOR, START, catalogue_of, flow_of

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow
    from centralino.core.flows.turn import Turn

pytestmark = pytest.mark.property

ASK = {"prompts": ["menu"], "attempts": 2}
GALLERY: dict[str, dict[str, Any]] = {
    "play": {"prompts": ["greeting"], "next": "left"},
    "say": {"text": {"en": "{vars.text} {now.minute}"}, "next": "left"},
    "menu": ASK | {"keys": {"1": "left", "*": "again"}, "direct_dial": True, "timeout": "left"},
    "collect": ASK | {"into": "text", "min_digits": 2, "max_digits": 4, "next": "left"},
    "directory": ASK | {"by": "name", "timeout": "left", "connecting_prompts": ["hold"]},
    "operator": {"prompts": ["hold"]},
    "hours": {"calendar": "shop", "open": "left", "closed": "bye", "holiday": "bye"},
    "branch": {"cases": [{"when": "vars.number > 3", "next": "left"}], "otherwise": "again"},
    "set": {"values": {"number": "10 / (vars.number - 2)"}, "language": "it", "next": "left"},
    "lookup": {
        "url": "https://a.example/{vars.text}",
        "music": ["music"],
        "save": {"number": "body.n", "text": "body.t"},
        "next": "again",
        "failed": "left",
    },
    "queue": {
        "queue": "sales",
        "keys": {"1": "left", "2": "again"},
        "max_wait_s": 120,
        "steps": [
            {"type": "music", "prompts": ["music"], "for_s": 20},
            {"type": "message", "prompts": ["hold"], "when": "queue.waiting / vars.number > 0"},
            {"type": "position", "prompts": ["position"]},
            {"type": "estimate", "prompts": ["hold"], "after_prompts": ["minutes"]},
            {"type": "exit", "when": "queue.position > 50", "next": "left"},
        ],
    },
    "callback": {
        "queue": "sales",
        "prompts": ["menu"],
        "other_number": "2",
        "booked_prompts": ["goodbye"],
        "declined": "left",
    },
    "transfer": {"to": {"user": "anna@a.example"}, "prompts": ["hold"], "busy": "again"},
    "voicemail": {"box": "sales", "prompts": ["hold"]},
    "flow": {"flow": "inner", "next": "left"},
    "return": {},
    "hang-up": {"prompts": ["goodbye"]},
}
VARIABLES = {
    "text": {"type": "string", "default": "a"},
    "number": {"type": "int", "default": 0},
}
INNER = flow_of(
    {"m": {"type": "menu", "keys": {"1": "bye"}, "prompts": ["menu"]}, "r": {"type": "return"}},
    flow="inner",
    fallback="r",
)
DIGITS = st.text("0123456789*#", max_size=6)
BODIES = st.one_of(
    st.text(max_size=30),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["n", "t", "x"]), inner, max_size=3)
        ),
        max_leaves=8,
    ).map(lambda value: msgspec.json.encode(value).decode("utf-8", "replace")),
)
WORD = st.sampled_from(
    ["answered", "busy", "no-answer", "failed", "left", "overflow", "no-agents", ""]
)
INT = st.integers(-(2**63), 2**63 - 1)


def library_of(kind: str, *, has_operator: bool = False) -> FlowLibrary:
    node = {"type": kind} | GALLERY[kind]
    nodes = {"here": node, "again": {"type": "play", "prompts": ["hold"], "next": "here"}}
    flow = flow_of(nodes, variables=VARIABLES, fallback="left")
    operator = OPERATOR if has_operator else None
    return FlowLibrary(catalogue_of(flow, INNER, operator=operator))


LIBRARIES = {
    (kind, has): library_of(kind, has_operator=has) for kind in GALLERY for has in (True, False)
}


@st.composite
def answers(draw: st.DrawFn, position: FlowPosition) -> happened.AnyHappening:
    """Anything that may be told, for what is awaited, what was, and what never will be."""
    asks = [*position.expects, "flow-1", "flow-77"]
    ask = draw(st.sampled_from(asks))
    made: list[happened.AnyHappening] = [
        happened.PlayFinished(ask=ask),
        happened.Collected(ask=ask, digits=draw(DIGITS)),
        happened.LookupAnswered(ask=ask, status=draw(st.integers(0, 999)), body=draw(BODIES)),
        happened.LookupFailed(ask=ask, reason=draw(st.text(max_size=5))),
        happened.TransferEnded(ask=ask, result=draw(WORD)),
        happened.QueueLeft(ask=ask, reason=draw(WORD)),
        happened.QueueRead(
            ask=ask,
            position=draw(INT),
            waiting=draw(INT),
            ready_agents=draw(INT),
            estimated_wait_s=draw(INT),
        ),
        happened.CallbackBooked(ask=ask),
        happened.CallbackRefused(ask=ask),
        happened.VoicemailEnded(ask=ask, is_kept=draw(st.booleans())),
        happened.Deadline(),
    ]
    return draw(st.sampled_from(made))


def require_sound(turn: Turn, now: Instant) -> None:
    """What holds after every turn."""
    position = turn.position
    assert msgspec.json.decode(msgspec.json.encode(position), type=FlowPosition) == position
    if position.is_over:
        assert position.deadline is None
        hang_ups = [action for action in turn.actions if isinstance(action, HangUp)]
        assert len(hang_ups) <= 1
        if position.end == "hung-up" and turn.actions:
            assert isinstance(turn.actions[-1], HangUp)
    else:
        assert position.deadline is not None
        assert position.deadline > now
        assert position.expects


def run_out(library: FlowLibrary, turn: Turn, now: Instant) -> Turn:
    """Let nothing but deadlines come until the call is over."""
    for number in range(MOST_ENTERED * 2):
        if turn.position.is_over:
            return turn
        assert turn.position.deadline is not None
        now = Instant(max(now, turn.position.deadline))
        turn = resume(library, turn.position, happened.Deadline(), now)
        if number < 30 or turn.position.is_over:
            require_sound(turn, now)
    raise AssertionError("the call never ended")


def test_the_gallery_shows_every_node_type() -> None:
    assert {kind.__struct_config__.tag for kind in AnyNode.__args__} == set(GALLERY)


@pytest.mark.parametrize("kind", GALLERY)
@settings(max_examples=25)
@given(data=st.data())
def test_a_call_ends_whatever_happens(kind: str, data: st.DataObject) -> None:
    library = LIBRARIES[kind, data.draw(st.booleans())]
    caller = data.draw(st.sampled_from(["", "+390612345678"]))
    now = START
    turn = begin(library, "main", CallFacts(called_number="+39021", caller_number=caller), now)
    require_sound(turn, now)
    for _ in range(data.draw(st.integers(0, 25))):
        if turn.position.is_over:
            break
        later = Instant(now + data.draw(st.sampled_from([0, 1, SECOND, 400 * SECOND])))
        happening = data.draw(answers(turn.position))
        due = turn.position.deadline
        if due is not None and isinstance(happening, happened.Deadline):
            later = Instant(max(later, due))
        elif due is not None:
            later = Instant(min(later, due - 1))  # a deadline comes before what is later
        now = later
        turn = resume(library, turn.position, happening, now)
        if turn.position.is_over or turn.actions:
            require_sound(turn, now)
    assert run_out(library, turn, now).position.end in {"connected", "hung-up"}


@pytest.mark.parametrize("kind", GALLERY)
@pytest.mark.parametrize("steps", range(6))
def test_a_caller_may_hang_up_at_each_step(kind: str, steps: int) -> None:
    library, now = LIBRARIES[kind, False], START
    turn = begin(library, "main", CallFacts(called_number="+39021"), now)
    for _ in range(steps):
        if turn.position.deadline is not None:
            now = turn.position.deadline
            turn = resume(library, turn.position, happened.Deadline(), now)
    was_over = turn.position.end
    turn = resume(library, turn.position, happened.CallerGone(), now)
    assert turn.position.end == (was_over or "gone")
    assert turn.actions == ()


@pytest.mark.parametrize("kind", GALLERY)
@pytest.mark.parametrize("key", [*"0123456789*#", "12345678901234567890"])
def test_a_caller_who_presses_one_key_for_ever_ends(kind: str, key: str) -> None:
    library, now = LIBRARIES[kind, False], START
    turn = begin(library, "main", CallFacts(called_number="+39021", caller_number="+391"), now)
    for _ in range(200):
        if turn.position.is_over:
            break
        now = Instant(now + SECOND // 5)
        for ask in turn.position.expects:
            turn = resume(library, turn.position, happened.Collected(ask=ask, digits=key), now)
    assert run_out(library, turn, now).position.is_over


@settings(max_examples=300)
@given(body=BODIES, status=st.integers(-1, 1000))
def test_nonsense_from_a_lookup_never_raises(body: str, status: int) -> None:
    library = LIBRARIES["lookup", False]
    turn = begin(library, "main", CallFacts(called_number="+39021"), START)
    answered = happened.LookupAnswered(ask=turn.position.expects[0], status=status, body=body)
    turn = resume(library, turn.position, answered, START)
    variables = turn.position.variables
    assert type(variables["text"]) is str
    assert type(variables["number"]) is int
    require_sound(turn, START)


NODE_NAMES = [f"n{number}" for number in range(6)]
NAME = st.sampled_from([*NODE_NAMES, "bye"])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "play": st.fixed_dictionaries({"prompts": st.just(["greeting"]), "next": NAME}),
    "menu": st.fixed_dictionaries(
        {
            "prompts": st.just(["menu"]),
            "keys": st.dictionaries(st.sampled_from("123"), NAME, min_size=1),
        },
        optional={"timeout": NAME, "invalid": NAME, "force_listen": st.booleans()},
    ),
    "branch": st.fixed_dictionaries(
        {
            "cases": st.lists(
                st.fixed_dictionaries(
                    {"when": st.sampled_from(["true", "false", "1 / 0 == 1"]), "next": NAME}
                ),
                min_size=1,
                max_size=2,
            ),
            "otherwise": NAME,
        }
    ),
    "set": st.fixed_dictionaries({"language": st.just("it"), "next": NAME}),
    "transfer": st.fixed_dictionaries(
        {"to": st.just({"number": "+390212345611"})}, optional={"busy": NAME, "failed": NAME}
    ),
    "queue": st.fixed_dictionaries(
        {"queue": st.just("sales"), "steps": st.just([{"type": "music", "prompts": ["music"]}])},
        optional={
            "timeout": NAME,
            "failed": NAME,
            "keys": st.dictionaries(st.sampled_from("12"), NAME),
        },
    ),
    "flow": st.fixed_dictionaries(
        {"flow": st.sampled_from(["inner", "main", "none"])}, optional={"next": NAME}
    ),
    "return": st.just({}),
    "hang-up": st.just({}),
}


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow of a few nodes; most of them make little sense."""
    nodes = {}
    for name in NODE_NAMES[: draw(st.integers(1, 6))]:
        kind = draw(st.sampled_from(sorted(FIELDS)))
        nodes[name] = {"type": kind} | draw(FIELDS[kind])
    fallback = draw(st.none() | NAME)
    return flow_of(nodes, **({} if fallback is None else {"fallback": fallback}))


@settings(max_examples=150)
@given(flow=flows())
def test_any_flow_ends_for_a_caller_who_does_nothing(flow: Flow) -> None:
    library = FlowLibrary(catalogue_of(flow, INNER))
    turn = begin(library, "main", CallFacts(called_number="+39021"), START)
    assert run_out(library, turn, START).position.is_over


@settings(max_examples=300)
@given(flow=flows(), keys=st.lists(st.sampled_from("123"), max_size=4))
def test_what_the_checker_lets_pass_never_gives_up(flow: Flow, keys: list[str]) -> None:
    used = flow
    reached = {name for name in flow.nodes if name != "left"}
    used = msgspec.structs.replace(flow, nodes={name: flow.nodes[name] for name in reached})
    others = {"inner": INNER}
    if any(
        problem.is_error and "nothing leads" not in problem.reason
        for problem in check_flow(Judged(used, others=others))
    ):
        return
    library = FlowLibrary(catalogue_of(used, INNER))
    caller = msgspec.convert(
        {"name": "c", "does": [{"press": key} for key in keys], "expect": {}}, Caller
    )
    played = rehearse(library, "main", caller)
    assert played.end
    assert "give-up" not in {entry.edge for entry in played.entries}
    assert caller.expect == Expectation()


@settings(max_examples=200)
@given(text=st.text(max_size=200) | st.text("flow:{}[]- \nnodes&*!|>#\"'", max_size=80))
def test_reading_never_raises(text: str) -> None:
    reading = read_flow(text)
    assert (reading.document is None) == bool(reading.problems)
