# SPDX-License-Identifier: Apache-2.0
"""A small tenant whose number is answered by a flow: menu, queue, ways out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.flows.document import Catalogue, Flow, PublishedFlow
from centralino.core.flows.nodes import Target
from centralino.core.interactions import commands as calls
from centralino.core.interactions.effects import CollectKey, PlayPrompts, RingAgent
from centralino.core.kernel.ids import LegId, TrunkId
from centralino.core.routing.configuration import PhoneConfiguration, TenantConfiguration
from tests.unit.core.company import CARLA, NUMBER, Desk, company

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

OPERATOR = "+390200000099"
EXPERT = "expert@acme.example"
OUTSIDE = "+390612345678"
SPANISH = {"es": 3}

MAIN: dict[str, Any] = {
    "flow": "main",
    "languages": ["en", "it"],
    "start": "hello",
    "variables": {"status": {"type": "string", "default": "none"}},
    "nodes": {
        "hello": {"type": "play", "prompts": ["greeting"], "next": "menu"},
        "menu": {
            "type": "menu",
            "prompts": ["menu"],
            "attempts": 2,
            "keys": {
                "1": "sales",
                "2": "spanish",
                "3": "message",
                "4": "expert",
                "5": "outside",
                "6": "lookup",
                "7": "later",
            },
            "timeout": "sales",
            "invalid": "sales",
        },
        "sales": {
            "type": "queue",
            "queue": "sales",
            "steps": [
                {"type": "music", "prompts": ["music"], "for_s": 20},
                {"type": "position", "prompts": ["position"]},
            ],
            "keys": {"9": "menu", "8": "message"},
            "max_wait_s": 90,
            "most_waiting": 3,
            "no_agents_for": "all",
            "timeout": "message",
            "overflow": "outside",
            "no_agents": "bye",
        },
        "spanish": {
            "type": "queue",
            "queue": "sales",
            "skills": SPANISH,
            "steps": [{"type": "music", "prompts": ["music"]}],
            "no_agents_for": "nobody",
            "timeout": "bye",
        },
        "message": {
            "type": "voicemail",
            "box": "sales",
            "mail_to": ["sales@acme.example"],
            "failed": "bye",
        },
        "expert": {
            "type": "transfer",
            "to": {"user": EXPERT},
            "busy": "message",
            "no_answer": "menu",
            "failed": "bye",
        },
        "outside": {"type": "transfer", "to": {"number": OUTSIDE}, "failed": "bye"},
        "lookup": {
            "type": "lookup",
            "url": "https://crm.acme.example/{caller.number}",
            "music": ["music"],
            "save": {"status": "body.status"},
            "next": "by-status",
            "failed": "sales",
        },
        "by-status": {
            "type": "branch",
            "cases": [{"when": "vars.status == 'gold'", "next": "expert"}],
            "otherwise": "sales",
        },
        "later": {
            "type": "callback",
            "queue": "sales",
            "prompts": ["callback"],
            "booked_prompts": ["goodbye"],
            "declined": "sales",
        },
        "bye": {"type": "hang-up", "prompts": ["goodbye"]},
    },
}
PROMPTS = ("greeting", "menu", "music", "position", "goodbye", "callback")


def catalogue(main: dict[str, Any] | None = None, version: int = 1) -> Catalogue:
    """Return what the company has published."""
    flow = msgspec.convert(main or MAIN, Flow)
    digits = tuple(f"digit-{digit}" for digit in range(10))
    return Catalogue(
        flows=(PublishedFlow(version=version, flow=flow),),
        prompts=dict.fromkeys((*PROMPTS, *digits), ("",)),
        operator=Target(number=OPERATOR),
    )


def flow_company(main: dict[str, Any] | None = None, **changes: Any) -> TenantConfiguration:  # noqa: ANN401 - any field
    """Return the tenant; ``changes`` are fields of its configuration."""
    plain = company()
    agents = tuple(
        msgspec.structs.replace(agent, skills=SPANISH if agent.id == CARLA else {})
        for agent in plain.agents
    )
    sales = msgspec.structs.replace(plain.queues[0], agents=tuple(a.id for a in agents))
    fields: dict[str, Any] = {
        "flows": (),
        "catalogue": catalogue(main),
        "agents": agents,
        "queues": (sales, *plain.queues[1:]),
        "outside_trunk": TrunkId("carrier"),
        "phones": (PhoneConfiguration(user=EXPERT, trunk=TrunkId("teams"), target="+390211199"),),
    }
    return msgspec.structs.replace(plain, **{**fields, **changes})


class FlowDesk(Desk):
    """A desk whose callers are in a flow."""

    def __init__(self, configuration: TenantConfiguration | None = None) -> None:
        super().__init__(configuration or flow_company())

    def call(self, leg: str, caller: str | None = "+39333111222") -> Decision:
        """Let somebody call; he hears the greeting."""
        name = LegId(leg)
        self.do(
            calls.ReceiveCall(
                leg=name, trunk=TrunkId("carrier"), called_number=NUMBER, caller_number=caller
            )
        )
        return self.do(calls.ConfirmAnswered(leg=name))

    def played(self, leg: str, decision: Decision) -> Decision:
        """Let what a decision plays come to its end."""
        plays = [e for e in decision.effects if isinstance(e, PlayPrompts) and e.leg == leg]
        play = plays[-1]
        return self.do(calls.FinishPlay(leg=LegId(leg), play=play.play, reason="completed"))

    def pressed(self, leg: str, decision: Decision, digits: str, reason: str = "") -> Decision:
        """Press keys for what a decision collects."""
        collect = next(e for e in reversed(decision.effects) if isinstance(e, CollectKey))
        return self.do(
            calls.FinishCollect(
                leg=LegId(leg), collect=collect.collect, digits=digits, reason=reason
            )
        )

    def choose(self, leg: str, digit: str) -> Decision:
        """Let somebody call and press a key in the menu."""
        return self.pressed(leg, self.played(leg, self.call(leg)), digit)

    def rings(self) -> list[RingAgent]:
        """Return whom was rung, in order."""
        return [e for d in self.decisions for e in d.effects if isinstance(e, RingAgent)]
