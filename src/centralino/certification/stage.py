# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a case: its Teams users, its callers, its queue.

Each case has a number, a flow, a queue, agents and callers of its own, so that cases do not
touch each other while the product keeps running. Numbers, tones and object ids follow from
the place of a case in the plan and of a person in the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from centralino.simulators import scenario as far

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.certification.plan import Case

Value = str | int | float | bool | None
Certificate = Literal[
    "good",
    "renewed",
    "sbc",
    "wrong-name",
    "expired",
    "self-signed",
    "no-intermediate",
    "wildcard-of-two-labels",
    "unknown-root",
]
USER_TONES = (2100, 2300, 2500, 2700)
CALLER_TONES = (800, 1000, 1200, 1400)
MENU_KEY = "1"


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data that refuses unknown keys."""


class User(Strict, frozen=True, kw_only=True):
    """A Teams user who is an agent of the case's queue."""

    name: str
    behaviour: far.Behaviour = "answer"
    answer_after_ms: int = 400
    talk_for_ms: int = 0
    early_media: bool = False
    endpoints: tuple[int, ...] = (100,)
    """From the INVITE to the 180 of each endpoint, milliseconds."""
    press: dict[int, str] = {}
    """Milliseconds after the answer to keys."""
    is_unknown: bool = False
    """The tenant has nobody with this number."""
    is_muted: bool = False


class Caller(Strict, frozen=True, kw_only=True):
    """A customer who presses the menu's key and waits for an agent."""

    name: str
    keys_after_ms: int = 150
    patience_ms: int = 30000
    talk_for_ms: int = 600
    press: dict[int, str] = {}
    """Milliseconds after the answer to more keys."""


class Stage(Strict, frozen=True, kw_only=True):
    """What a case needs to exist before it begins."""

    users: tuple[User, ...] = ()
    callers: tuple[Caller, ...] = ()
    ring_for_ms: int = 6000
    ring_for_real_ms: int = 15000
    is_recorded: bool = False
    music: tuple[str, ...] = ("music",)
    lose: tuple[str, ...] = ()
    """Patterns of messages that the proxies do not send, e.g. ``< 180 INVITE``."""

    def ring_ms(self, *, is_fast: bool) -> int:
        """Return how long an agent is rung, milliseconds."""
        return self.ring_for_ms if is_fast else self.ring_for_real_ms


@dataclass(frozen=True, slots=True)
class Person:
    """A user or caller of a case, with what follows from the place."""

    name: str
    number: str
    tone_hz: int
    oid: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one case."""

    number: str
    """What customers call."""
    queue: str
    users: dict[str, Person]
    callers: dict[str, Person]

    @classmethod
    def of(cls, case: Case, place: int) -> Cast:
        """Return the people of the case at ``place`` of the plan (0 to 99)."""
        code, slug = f"{place:02}", case.id.lower()
        users = {
            user.name: Person(
                name=user.name,
                number=f"+39020010{code}{index}",
                tone_hz=USER_TONES[index],
                oid=f"00000000-0000-4000-8000-{place:06}{index:06}",
                agent=f"{slug}-{user.name}",
            )
            for index, user in enumerate(case.stage.users)
        }
        callers = {
            caller.name: Person(
                name=caller.name,
                number=f"+39347000{code}{index}",
                tone_hz=CALLER_TONES[index],
            )
            for index, caller in enumerate(case.stage.callers)
        }
        return cls(number=f"+390200200{code}", queue=slug, users=users, callers=callers)


def far_users(case: Case, cast: Cast) -> Sequence[far.TeamsUser]:
    """Return the case's users as the simulated proxies know them."""
    return [
        far.TeamsUser(
            oid=cast.users[user.name].oid,
            upn=f"{cast.users[user.name].agent}@sbc.test",
            name=user.name,
            number=cast.users[user.name].number,
            tone_hz=cast.users[user.name].tone_hz,
            behaviour=user.behaviour,
            answer_after_ms=user.answer_after_ms,
            talk_for_ms=user.talk_for_ms,
            early_media=user.early_media,
            endpoints=tuple(
                far.TeamsEndpoint(name=f"endpoint-{number}", ring_ms=ring_ms)
                for number, ring_ms in enumerate(user.endpoints)
            ),
            actions=tuple(
                far.Action(at_ms=at, do="keys", keys=keys) for at, keys in user.press.items()
            ),
            is_muted=user.is_muted,
        )
        for user in case.stage.users
        if not user.is_unknown
    ]


def far_caller(caller: Caller, cast: Cast) -> far.Caller:
    """Return a caller as the simulated carrier knows him."""
    person = cast.callers[caller.name]
    return far.Caller(
        number=person.number,
        called=cast.number,
        tone_hz=person.tone_hz,
        keys=MENU_KEY,
        keys_after_ms=caller.keys_after_ms,
        patience_ms=caller.patience_ms,
        talk_for_ms=caller.talk_for_ms,
        actions=tuple(
            far.Action(at_ms=at, do="keys", keys=keys) for at, keys in caller.press.items()
        ),
    )
