# SPDX-License-Identifier: Apache-2.0
"""A small tenant for tests: two queues, three agents, one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from centralino.core.flows.menu import MenuFlow, MenuKey
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    FinishCollect,
    FinishPlay,
    ReceiveCall,
)
from centralino.core.interactions.effects import CollectKey, Effect, PlayPrompts, RingAgent
from centralino.core.kernel.ids import AgentId, LegId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.commands import Command, ConfigureTenant
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.engine import TenantEngine

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

TENANT = TenantId("acme")
NUMBER = "+390200000001"
START = Instant(1_700_000_000 * SECOND)
SALES, SUPPORT = QueueId("sales"), QueueId("support")
ANNA, BRUNO, CARLA = AgentId("anna"), AgentId("bruno"), AgentId("carla")


def company(*, wrap_up_for_ms: int = 5000) -> TenantConfiguration:
    """Sales: anna and bruno; support: bruno and carla."""
    return TenantConfiguration(
        tenant=TENANT,
        name="Acme",
        numbers=(NumberConfiguration(number=NUMBER, flow="main"),),
        flows=(
            MenuFlow(
                name="main",
                greeting=("greeting.en",),
                menu=("menu.en",),
                keys=(MenuKey(digit="1", queue=SALES), MenuKey(digit="2", queue=SUPPORT)),
                default_queue=SUPPORT,
            ),
        ),
        queues=(
            QueueConfiguration(
                id=SALES,
                name="Sales",
                agents=(ANNA, BRUNO),
                music=("music",),
                wrap_up_for_ms=wrap_up_for_ms,
            ),
            QueueConfiguration(
                id=SUPPORT,
                name="Support",
                agents=(BRUNO, CARLA),
                music=("music",),
                wrap_up_for_ms=wrap_up_for_ms,
            ),
        ),
        agents=tuple(
            AgentConfiguration(
                id=agent, name=agent.title(), trunk=TrunkId("teams"), target=f"+3902111{n:04}"
            )
            for n, agent in enumerate((ANNA, BRUNO, CARLA), start=1)
        ),
    )


class Desk:
    """An engine with a clock in seconds and the decisions it took."""

    def __init__(self, configuration: TenantConfiguration | None = None) -> None:
        self.engine = TenantEngine(TENANT)
        self.now = START
        self.inputs: list[tuple[Command, Instant]] = []
        self.decisions: list[Decision] = []
        self.do(ConfigureTenant(configuration=configuration or company()))

    def do(self, command: Command, after_s: float = 0) -> Decision:
        """Apply a command ``after_s`` seconds later."""
        self.now = Instant(self.now + round(after_s * SECOND))
        decision = self.engine.apply(command, self.now)
        self.inputs.append((command, self.now))
        self.decisions.append(decision)
        return decision

    def queue_call(self, leg: str, digits: str = "1") -> Decision:
        """Let a customer call and press ``digits``."""
        name = LegId(leg)
        self.do(
            ReceiveCall(
                leg=name, trunk=TrunkId("carrier"), called_number=NUMBER, caller_number=None
            )
        )
        greeting = self.do(ConfirmAnswered(leg=name))
        play = only(greeting, PlayPrompts).play
        menu = self.do(FinishPlay(leg=name, play=play, reason="completed"))
        collect = only(menu, CollectKey).collect
        return self.do(FinishCollect(leg=name, collect=collect, digits=digits))

    def connect_call(self, leg: str, digits: str = "1") -> RingAgent:
        """Let a customer reach an agent; returns whom."""
        ring = only(self.queue_call(leg, digits), RingAgent)
        self.do(ConfirmAnswered(leg=ring.leg))
        return ring


EffectKind = TypeVar("EffectKind", bound=Effect)


def only(decision: Decision, kind: type[EffectKind]) -> EffectKind:
    """Return the one effect of a kind."""
    (effect,) = [effect for effect in decision.effects if isinstance(effect, kind)]
    return effect
