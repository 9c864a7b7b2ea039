# SPDX-License-Identifier: Apache-2.0
"""Random graphs of every kind of node, and callers who press nothing, everything, or leave.

Edges lead anywhere, also back, or nowhere; prompts, skills and services are there or not. No
caller may be stuck, none lost, and every call ends exactly once: the rules are those of
``tests/kit/engine_world.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from centralino.core.flows import nodes as flow_nodes
from centralino.core.flows.document import Flow
from centralino.core.interactions import commands as calls
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import TrunkId
from tests.kit.engine_world import ENDS, EngineWorld

pytestmark = pytest.mark.property

NAMES = tuple(f"n{number}" for number in range(7))
PROMPTS = (["greeting"], ["menu", "goodbye"], ["no-such-prompt"])
TARGETS = (
    {"number": "+390612345678"},
    {"user": "expert@acme.example"},
    {"user": "nobody@acme.example"},
)
CONDITIONS = ("true", "queue.position > 1", "1 / 0 == 1")


class Draw:
    """Draws graphs of a flow."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def edge(self) -> str:
        """Return a node to go to."""
        return self.dice.choice(NAMES)

    def maybe(self, *fields: str) -> dict[str, Any]:
        """Return some of the edges."""
        return {field: self.edge() for field in fields if self.dice.random() < 0.6}

    def prompts(self) -> list[str]:
        """Return prompts that are there, or not."""
        return self.dice.choice(PROMPTS)

    def keys(self) -> dict[str, str]:
        """Return keys that lead somewhere."""
        return {key: self.edge() for key in self.dice.sample("0123456789*#", 3)}

    def step(self) -> dict[str, Any]:
        """Return a step of a queue."""
        kind = self.dice.choice(("music", "music", "position", "estimate", "message", "exit"))
        if kind == "exit":
            return {"type": kind, "when": "queue.waited_s > 20", "next": self.edge()}
        if kind == "music":
            return {"type": kind, "prompts": ["music"]}
        when = {"when": self.dice.choice(CONDITIONS)} if kind == "message" else {}
        return {"type": kind, "prompts": self.prompts(), **when}

    def queue(self) -> dict[str, Any]:
        """Return a queue node."""
        queues = ("sales", "support", "second-line", "no-such-queue")
        return {
            "queue": self.dice.choice(queues),
            "steps": [self.step() for _ in range(self.dice.randrange(1, 4))],
            "keys": self.keys() if self.dice.random() < 0.5 else {},
            "max_wait_s": self.dice.choice((0, 30, 600)),
            "no_agents_for": self.dice.choice(("nobody", "new", "all")),
            **self.maybe("timeout", "overflow", "closed", "no_agents", "failed"),
        }

    def node(self, kind: str) -> dict[str, Any]:
        """Return a node of a kind."""
        return {"type": kind, **NODES[kind](self)}

    def flow(self) -> dict[str, Any]:
        """Return a flow."""
        return {
            "flow": "main",
            "languages": ["en"],
            "start": "n0",
            "variables": {"status": {"type": "string", "default": "none"}},
            "nodes": {name: self.node(self.dice.choice(list(NODES))) for name in NAMES},
        }


NODES: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "play": lambda d: {"prompts": d.prompts(), "next": d.edge()},
    "say": lambda d: {"text": {"en": "Hello {caller.number}"}, "next": d.edge()},
    "menu": lambda d: {
        "prompts": d.prompts(),
        "keys": d.keys(),
        "force_listen": d.dice.random() < 0.5,
        "direct_dial": d.dice.random() < 0.5,
        **d.maybe("timeout", "invalid", "unreachable"),
    },
    "collect": lambda d: {
        "prompts": d.prompts(),
        "into": "status",
        "max_digits": 4,
        "next": d.edge(),
        **d.maybe("timeout", "invalid"),
    },
    "directory": lambda d: {
        "by": d.dice.choice(("name", "extension")),
        "prompts": d.prompts(),
        **d.maybe("not_found", "timeout", "unreachable"),
    },
    "operator": lambda d: d.maybe("unreachable"),
    "hours": lambda d: {"calendar": "no-calendar", "open": d.edge(), "closed": d.edge()},
    "branch": lambda d: {
        "cases": [{"when": "vars.status == '1'", "next": d.edge()}],
        "otherwise": d.edge(),
    },
    "set": lambda d: {
        "values": {"status": d.dice.choice(("'x'", "vars.status"))},
        "next": d.edge(),
    },
    "lookup": lambda d: {
        "url": "https://crm.acme.example/{caller.number}",
        "next": d.edge(),
        "failed": d.edge(),
    },
    "queue": Draw.queue,
    "callback": lambda d: {
        "queue": d.dice.choice(("sales", "no-such-queue")),
        "prompts": d.prompts(),
        "declined": d.edge(),
        **({"other_number": "2"} if d.dice.random() < 0.5 else {}),
        **d.maybe("next", "failed"),
    },
    "transfer": lambda d: {
        "to": d.dice.choice(TARGETS),
        **d.maybe("busy", "no_answer", "failed"),
    },
    "voicemail": lambda d: {"box": "sales", **d.maybe("next", "failed")},
    "flow": lambda d: {"flow": d.dice.choice(("main", "no-such-flow")), **d.maybe("next")},
    "return": lambda d: {},
    "hang-up": lambda d: {"prompts": d.prompts()} if d.dice.random() < 0.5 else {},
}
CALLERS = ("silent", "keys", "everything")
OFTEN = (
    "press",
    "press",
    "finish_play",
    "finish_play",
    "answer",
    "pass_time",
    "store",
    "answer_lookup",
)
GRAPHS = 60
_NEED_NONE = frozenset(
    {
        InteractionState.CONNECTED,
        InteractionState.TRANSFERRED,
        InteractionState.WRAP_UP,
        InteractionState.QUEUED,
        InteractionState.OFFERED,
    }
)
"""Who talks has a leg, who waits without a flow has his queue, wrap-up has its agent."""


def walk(world: EngineWorld, caller: str, dice: random.Random, steps: int) -> None:
    """Let one caller walk through the flow as his kind does."""
    world.do(
        calls.ReceiveCall(
            leg=world.new_leg("in"),
            trunk=TrunkId("carrier"),
            called_number="+390200000001",
            caller_number="+393331112220",
        )
    )
    world.do(world.answer(0, 1))
    for _ in range(steps):
        pick, amount = dice.randrange(64), dice.randrange(64)
        name = OFTEN[dice.randrange(len(OFTEN))]
        if name == "press" and caller == "silent":
            amount = 0
        if name == "press" and caller == "everything":
            amount = 1 + amount % 9
        command = getattr(world, name)(pick, amount)
        if command is not None:
            world.do(command)
        world.require_invariants()


def hang_up(world: EngineWorld) -> None:
    """Let every customer leave."""
    for one in list(world.engine.state.interactions.values()):
        if one.leg in world.legs:
            world.legs.remove(one.leg)
            world.do(calls.EndLeg(leg=one.leg, outcome=ENDS[0], by_far_end=True))
            world.require_invariants()


@pytest.mark.parametrize("caller", CALLERS)
def test_no_caller_is_stuck_or_lost_in_any_graph_at_whatever_step_he_leaves(caller: str) -> None:
    for seed in range(GRAPHS):
        dice = random.Random(f"{caller}/{seed}")
        flow = Draw(dice).flow()
        msgspec.convert(flow, Flow)
        world = EngineWorld(flow)
        walk(world, caller, dice, steps=seed % 26)
        hang_up(world)
        world.drain()
        assert world.arrived == world.ended
        world.require_replays()


def test_a_caller_who_never_leaves_is_led_to_an_end_or_has_a_deadline() -> None:
    for seed in range(GRAPHS // 2):
        dice = random.Random(f"stays/{seed}")
        world = EngineWorld(Draw(dice).flow())
        walk(world, "keys", dice, steps=15)
        for _ in range(20):
            world.do(world.pass_time(0, 19))
            for one in world.engine.state.interactions.values():
                assert one.deadline is not None or one.state in _NEED_NONE, one.state


def test_every_kind_of_node_is_among_the_graphs() -> None:
    kinds = {
        kind.__struct_config__.tag
        for kind in vars(flow_nodes).values()
        if isinstance(kind, type)
        and issubclass(kind, flow_nodes.Node)
        and kind is not flow_nodes.Node
    }
    assert kinds == set(NODES)
