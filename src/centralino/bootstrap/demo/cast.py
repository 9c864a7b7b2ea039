# SPDX-License-Identifier: Apache-2.0
"""How Aurora's people and its public behave: their habits, errands and patience.

A round of callers is sure to hold what a day has: somebody who hangs up in the menu, some
who leave the queue for returns, more returns than one person can take, somebody for the
guide and for reception. Gino of returns answers slower than the impatient ones leave.
"""

from __future__ import annotations

import msgspec

from centralino.bootstrap.demo import company
from centralino.simulators.people.agents import Habits, make_turns
from centralino.simulators.people.callers import Errand, Public, make_callers
from centralino.simulators.people.draws import Patience, Span
from centralino.simulators.scenario import Caller, Subscriber, TeamsUser

TURNS = 40
"""Calls until somebody's habits begin again."""
_QUICK = Span(1500, 0.3, 900, 2800)
_EXPERTS = (company.TERESA.oid, company.UMBERTO.oid)
HABITS = {
    "anna": Habits(_QUICK, transfers=2, transfers_to=_EXPERTS),
    "bruno": Habits(_QUICK, holds=2, declines=1),
    "chiara": Habits(_QUICK, transfers=2, transfers_to=_EXPERTS[::-1], holds=1),
    "dario": Habits(_QUICK, holds=2, busy=1),
    "elena": Habits(_QUICK, transfers=3, transfers_to=_EXPERTS, misses=1),
    # Never at his desk: his offers go to somebody else.
    "fabio": Habits(_QUICK, misses=10),
    "gino": Habits(Span(3800, 0.1, 3500, 4300)),
    "laura": Habits(_QUICK, holds=1, transfers=1, transfers_to=_EXPERTS),
    "matteo": Habits(_QUICK, declines=1, busy=2),
}
_EXPERT_HABITS = Habits(Span(1000, 0.2, 700, 1600))

_EN, _IT = company.NUMBER, company.ITALIAN_NUMBER
PUBLIC = Public(
    errands=(
        Errand("sales", _EN, "1", 3),
        Errand("sales, in Italian", _IT, "1", 2),
        Errand("sales, asking for Italian", _EN, "91", 1),
        Errand("sales", _EN, "1", 1, "wrong-first"),
        Errand("support", _EN, "2", 3),
        Errand("support, in Italian", _IT, "2", 2),
        Errand("support", _EN, "", 1, "silent"),
        Errand("returns", _EN, "3", 2, "stays"),
        Errand("returns, in Italian", _IT, "3", 2),
        Errand("returns", _EN, "3", 2, "leaves-queue"),
        Errand("nothing", _EN, "", 1, "leaves-menu"),
        Errand("a guide", _IT, "4", 1, "stays"),
        Errand("reception", _EN, "0", 1, "stays"),
    ),
    tones_hz=tuple(range(1080, 1980, 50)),
    first_names=("Giulia", "Marco", "Sara", "Luca", "Marta", "Paolo", "Irene", "Davide", "Nora"),
    last_names=("Bianchi", "Ferri", "Greco", "Villa", "Costa", "Leone", "Sala", "Testa"),
    prefix="+3933355",
    patience=Patience(40_000, 0.4, hasty_share=0.05, hasty_scale_ms=8_000, least_ms=5_000),
    talk=Span(6_000, 0.3, 5_000, 12_000),
    reaction=Span(2_200, 0.4, 1_200, 4_500),
    stays_ms=90_000,
    leaves_after=Span(2_200, 0.1, 1_800, 2_800),
    leaves_menu_after=Span(4_000, 0.3, 2_500, 6_500),
)


def callers(seed: int, count: int, most_patience_ms: int | None = None) -> tuple[Caller, ...]:
    """Return ``count`` callers, each with a number of his own; the same for the same seed."""
    found = make_callers(seed, count, PUBLIC)
    if most_patience_ms is None:
        return found
    return tuple(
        msgspec.structs.replace(one, patience_ms=min(one.patience_ms, most_patience_ms))
        for one in found
    )


def teams_users(seed: int, muted: str = "") -> tuple[TeamsUser, ...]:
    """Return the people as Teams users; ``muted`` names one who is never heard."""
    return tuple(
        TeamsUser(
            oid=person.oid,
            upn=person.upn,
            name=person.name,
            number=person.number,
            tone_hz=person.tone_hz,
            turns=make_turns(seed, person.id, HABITS.get(person.id, _EXPERT_HABITS), TURNS),
            is_muted=person.id == muted,
        )
        for person in company.PEOPLE
    )


def subscribers() -> tuple[Subscriber, ...]:
    """Return whom the product may call over the carrier."""
    guide = company.GUIDE
    return (Subscriber(number=guide.number, tone_hz=guide.tone_hz, answer_after_ms=1500),)
