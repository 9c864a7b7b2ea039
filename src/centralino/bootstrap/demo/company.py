# SPDX-License-Identifier: Apache-2.0
"""Aurora Outdoor: a fictional shop for mountain gear with two queues and six people.

Each person and each caller speaks a tone of his own, so that ears can tell who is heard.
People's tones lie above 2 kHz, where prompts and music have next to nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from centralino.core.flows.menu import MenuFlow, MenuKey
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.simulators.scenario import Caller, TeamsUser

TENANT = TenantId("aurora")
DOMAIN = "aurora-outdoor.example"
NUMBER = "+390212345600"
TEAMS_TRUNK, CARRIER_TRUNK = TrunkId("teams"), TrunkId("carrier")
SALES, SUPPORT = QueueId("sales"), QueueId("support")
RING_FOR_MS = 6000
WRAP_UP_FOR_MS = 2000
MISSED_PAUSE_MS = 20000

Habit = Literal["answer", "no-answer"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there."""

    id: str
    name: str
    number: str
    tone_hz: int
    queues: tuple[QueueId, ...]
    answers_after_ms: int
    habit: Habit = "answer"


PEOPLE = (
    Person("anna", "Anna Riva", "+390212345611", 2060, (SALES,), 900),
    Person("bruno", "Bruno Conti", "+390212345612", 2180, (SALES,), 1500),
    Person("chiara", "Chiara Galli", "+390212345613", 2300, (SALES, SUPPORT), 1200),
    Person("dario", "Dario Monti", "+390212345614", 2420, (SUPPORT,), 700),
    Person("elena", "Elena Serra", "+390212345615", 2540, (SUPPORT,), 1800),
    Person("fabio", "Fabio Longo", "+390212345616", 2660, (SUPPORT,), 0, "no-answer"),
)
"""Fabio is never at his desk: his offers are missed and go to somebody else."""

CALLER_TONES = tuple(range(1080, 1980, 50))
_FIRST_NAMES = ("Giulia", "Marco", "Sara", "Luca", "Marta", "Paolo", "Irene", "Davide", "Nora")
_LAST_NAMES = ("Bianchi", "Ferri", "Greco", "Villa", "Costa", "Leone", "Sala", "Testa")


def tenant_configuration() -> TenantConfiguration:
    """Return Aurora's numbers, flow, queues and agents."""
    queues = tuple(
        QueueConfiguration(
            id=queue,
            name=name,
            agents=tuple(AgentId(p.id) for p in PEOPLE if queue in p.queues),
            music=("music",),
            ring_for_ms=RING_FOR_MS,
            wrap_up_for_ms=WRAP_UP_FOR_MS,
        )
        for queue, name in ((SALES, "Sales"), (SUPPORT, "Support"))
    )
    return TenantConfiguration(
        tenant=TENANT,
        name="Aurora Outdoor",
        numbers=(NumberConfiguration(number=NUMBER, flow="main"),),
        flows=(
            MenuFlow(
                name="main",
                greeting=("greeting.en",),
                menu=("menu.en",),
                keys=(MenuKey(digit="1", queue=SALES), MenuKey(digit="2", queue=SUPPORT)),
                default_queue=SUPPORT,
                key_timeout_ms=3000,
            ),
        ),
        queues=queues,
        agents=tuple(
            AgentConfiguration(id=AgentId(p.id), name=p.name, trunk=TEAMS_TRUNK, target=p.number)
            for p in PEOPLE
        ),
        missed_pause_ms=MISSED_PAUSE_MS,
    )


def teams_users(muted: str = "") -> tuple[TeamsUser, ...]:
    """Return the people as Teams users; ``muted`` names one who is never heard."""
    return tuple(
        TeamsUser(
            oid=f"00000000-0000-4000-8000-{index:012}",
            upn=f"{person.id}@{DOMAIN}",
            name=person.name,
            number=person.number,
            tone_hz=person.tone_hz,
            behaviour=person.habit,
            answer_after_ms=person.answers_after_ms,
            is_muted=person.id == muted,
        )
        for index, person in enumerate(PEOPLE, start=1)
    )


def callers(seed: int, count: int, patience_ms: int) -> tuple[Caller, ...]:
    """Return ``count`` callers, each with a number of his own; the same for the same seed.

    Some leave while the menu plays; the others wait ``patience_ms`` for an agent.
    """
    dice = random.Random(f"{seed}/callers")
    return tuple(_caller(dice, number, patience_ms) for number in range(count))


def _caller(dice: random.Random, number: int, patience_ms: int) -> Caller:
    is_impatient = dice.random() < 0.15
    presses = dice.choices(("1", "2", ""), weights=(45, 45, 10))[0]
    if is_impatient:
        presses, patience_ms = "", dice.randrange(2500, 6500)
    return Caller(
        number=f"+3933355{number:05}",
        name=f"{dice.choice(_FIRST_NAMES)} {dice.choice(_LAST_NAMES)}",
        called=NUMBER,
        tone_hz=CALLER_TONES[number % len(CALLER_TONES)],
        keys=presses,
        keys_after_ms=dice.randrange(1200, 4000),
        patience_ms=patience_ms,
        talk_for_ms=dice.randrange(2500, 6000),
    )
