# SPDX-License-Identifier: Apache-2.0
"""What was seen while a case ran: messages, the far side's lines, the product's log and record.

Look-ups that several judgements need live here; judging does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.certification.exchanged import CARRIER, PROBE, TEAMS, Exchanged, user_of

if TYPE_CHECKING:
    from centralino.certification.pace import Pace
    from centralino.certification.plan import Case
    from centralino.certification.probe import Probed
    from centralino.certification.stage import Cast
    from centralino.certification.watch import Logged, Noted
    from centralino.simulators.report import Line


@dataclass(frozen=True, slots=True)
class Heard:
    """How much a caller had heard at a moment."""

    windows: int
    audible_ms: int


@dataclass(slots=True)
class Moment:
    """Something that was marked."""

    at: float
    """Seconds since the Unix epoch."""
    heard: dict[str, Heard] = field(default_factory=dict)
    """By the name of the caller."""


@dataclass(slots=True)
class Evidence:
    """Everything about one run of one case."""

    case: Case
    cast: Cast
    pace: Pace
    started_at: float
    proxies: tuple[str, ...]
    """Addresses of the proxies, in order of fail-over."""
    messages: list[Exchanged] = field(default_factory=list)
    report: list[Line] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    journal: list[Noted] = field(default_factory=list)
    moments: dict[str, Moment] = field(default_factory=dict)
    probes: dict[str, Probed] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    """``old`` and ``new`` certificate of the product."""
    refused_hosts: dict[str, str] = field(default_factory=dict)
    """Contact hosts that the product's settings refuse, and why."""
    stall_ms: float = 0.0
    """Longest time in which the far side itself did not get to run."""
    channels: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Caller's name to the tones on each channel of his recording."""

    def calls(self, name: str) -> list[list[Exchanged]]:
        """Return the messages of each call of a user or caller, or of all users (``teams``)."""
        if name in self.cast.callers:
            number = self.cast.callers[name].number
            ids = [m.call_id for m in self._invites(CARRIER) if number in _origin(m)]
        else:
            users = self.cast.users if name == "teams" else {name: self.cast.users[name]}
            numbers = {user.number for user in users.values()}
            invites = [m for m in self._invites(TEAMS) if m.is_from_product]
            ids = [m.call_id for m in invites if _called(m) in numbers]
        wanted = dict.fromkeys(ids)
        return [[m for m in self.messages if m.call_id == call_id] for call_id in wanted]

    def ladder(self, name: str) -> list[Exchanged]:
        """Return the messages of all calls of a name, or OPTIONS, in order."""
        if name == "options":
            return [m for m in self.messages if m.method == "OPTIONS" and m.part == TEAMS]
        return sorted((m for call in self.calls(name) for m in call), key=lambda m: m.at)

    def lines(self, what: str, *, user: str = "", caller: str = "") -> list[Line]:
        """Return the far side's lines of a kind about a person."""
        found = [line for line in self.report if line["what"] == what]
        if user:
            found = [line for line in found if line.get("user") == self.cast.users[user].oid]
        if caller:
            number = self.cast.callers[caller].number
            found = [line for line in found if line.get("number") == number]
        return found

    def story(self, number: str) -> list[Noted]:
        """Return what the product noted about the interaction of a caller's number."""
        ids = {
            noted.interaction
            for noted in self.journal
            if noted.name == "interaction.arrived" and noted.data.get("caller_number") == number
        }
        return [noted for noted in self.journal if noted.interaction in ids]

    def between(self, since: str, until: str) -> tuple[float, float]:
        """Return the time of two marks; one that is missing is the case's begin or end."""
        begin = self.moments[since].at if since in self.moments else self.started_at
        last = max((m.at for m in self.messages), default=begin)
        end = self.moments[until].at if until in self.moments else last
        return begin, end

    def _invites(self, part: str) -> Sequence[Exchanged]:
        return [m for m in self.messages if m.part == part and m.is_initial_invite]


def of_microsoft(messages: Sequence[Exchanged]) -> tuple[Exchanged, ...]:
    """Return the messages between the product and Microsoft's side, probes included."""
    return tuple(m for m in messages if m.part in (TEAMS, PROBE))


def _origin(message: Exchanged) -> str:
    return message.message.headers.get("From") or ""


def _called(message: Exchanged) -> str:
    return user_of(message.request.uri) if message.request is not None else ""
