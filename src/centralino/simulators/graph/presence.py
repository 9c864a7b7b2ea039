# SPDX-License-Identifier: Apache-2.0
"""What the sources of one person's presence add up to, by Microsoft's order.

Sources are the Teams client, sessions of applications (``setPresence``), the state a person
chose by hand (``setUserPreferredPresence``), calls, meetings of the calendar, and out of office.
Everything takes ``now``; :meth:`PresenceSources.next_change` says when the sum may differ.

The order is that of the pages "presence: setPresence" and "presence: setUserPreferredPresence":
what a person chose beats what applications say, as long as any session is there; among
applications DoNotDisturb, Busy, Available, Away. Where calls and meetings stand in that order is
not written down; see the fidelity ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.instants import DAY_NS, HOUR_NS, MINUTE_NS

Client = Literal["active", "idle", "away", "signed-out"]
"""What a person's Teams clients say together."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What others see: an availability and an activity, both plain words on the wire."""

    availability: str
    activity: str


AVAILABLE = Pair("Available", "Available")
IN_A_CALL = Pair("Busy", "InACall")
IN_A_CONFERENCE = Pair("Busy", "InAConferenceCall")
IN_A_MEETING = Pair("Busy", "InAMeeting")
PRESENTING = Pair("DoNotDisturb", "Presenting")
AWAY = Pair("Away", "Away")
OFFLINE = Pair("Offline", "Offline")
UNKNOWN = Pair("PresenceUnknown", "PresenceUnknown")

CLIENT_PAIRS: dict[Client, Pair] = {
    "active": AVAILABLE,
    "idle": Pair("AvailableIdle", "Inactive"),
    "away": AWAY,
}

APPLICATION_PAIRS = frozenset({AVAILABLE, IN_A_CALL, IN_A_CONFERENCE, AWAY, PRESENTING})
"""What ``setPresence`` takes; DoNotDisturb/Presenting only where :class:`PresenceRules` says so."""

PREFERRED_LIFETIMES_NS = {
    AVAILABLE: 7 * DAY_NS,
    Pair("Busy", "Busy"): DAY_NS,
    Pair("DoNotDisturb", "DoNotDisturb"): DAY_NS,
    Pair("BeRightBack", "BeRightBack"): 7 * DAY_NS,
    AWAY: 7 * DAY_NS,
    Pair("Offline", "OffWork"): 7 * DAY_NS,
}
"""What ``setUserPreferredPresence`` takes, and for how long when it is not said."""

SESSION_DEFAULT_NS, SESSION_LEAST_NS, SESSION_MOST_NS = 5 * MINUTE_NS, 5 * MINUTE_NS, 4 * HOUR_NS
FADE_NS = 5 * MINUTE_NS
"""An application's Available fades after this time, and once more after the same time."""

_RANKS = {
    "DoNotDisturb": 0,
    "Busy": 1,
    "BusyIdle": 2,
    "Available": 3,
    "AvailableIdle": 4,
    "BeRightBack": 5,
    "Away": 6,
    "Offline": 7,
}
_ACTIVITY_RANKS = {"Presenting": 0, "InAConferenceCall": 1, "InACall": 2, "InAMeeting": 3}


@dataclass(frozen=True, slots=True)
class PresenceRules:
    """What Microsoft does not promise, each row of the ledger a member."""

    preferred_beats_calls: bool = True
    """Whoever chose Available by hand shows it during a call as well."""
    takes_presenting: bool = True
    """``setPresence`` takes DoNotDisturb/Presenting."""
    faded: Pair = Pair("Available", "AvailableInactive")
    """An application's Available after its first time-out."""
    out_of_office_is_activity: bool = True
    """Whoever is Away or Offline and out of office shows the activity OutOfOffice."""


@dataclass(frozen=True, slots=True)
class ApplicationSession:
    """What one application says about somebody."""

    pair: Pair
    set_at: int
    expires_at: int

    def pair_at(self, now: int, rules: PresenceRules) -> Pair:
        """Return what it says at ``now``: Available fades in two steps."""
        if self.pair != AVAILABLE or now < self.set_at + FADE_NS:
            return self.pair
        return rules.faded if now < self.set_at + 2 * FADE_NS else AWAY

    def edges(self) -> tuple[int, ...]:
        """Return the instants at which it changes by itself."""
        if self.pair != AVAILABLE:
            return (self.expires_at,)
        return (self.set_at + FADE_NS, self.set_at + 2 * FADE_NS, self.expires_at)


@dataclass(frozen=True, slots=True)
class Preferred:
    """What a person chose by hand."""

    pair: Pair
    expires_at: int


@dataclass(frozen=True, slots=True)
class Appointment:
    """A span of the calendar that shows in the presence."""

    starts_at: int
    ends_at: int
    is_out_of_office: bool = False


@dataclass(slots=True)
class PresenceSources:
    """Everything that is known about one person's presence."""

    client: Client = "signed-out"
    sessions: dict[str, ApplicationSession] = field(default_factory=dict)
    """By session id, which is the application's id."""
    preferred: Preferred | None = None
    calls: dict[str, int] = field(default_factory=dict)
    """Calls that he is in, with the number of parties."""
    presents: bool = False
    appointments: tuple[Appointment, ...] = ()
    out_of_office_message: str | None = None
    """His automatic reply; set means out of office."""
    status_message: dict[str, Any] | None = None
    status_expires_at: int | None = None
    work_location: dict[str, Any] | None = None

    def set_session(self, session_id: str, pair: Pair, length: int | None, now: int) -> None:
        """Let an application say something (``setPresence``).

        Raises:
            GraphError: 400, the length is not from PT5M to PT4H.
        """
        length = SESSION_DEFAULT_NS if length is None else length
        if not SESSION_LEAST_NS <= length <= SESSION_MOST_NS:
            raise bad_request("expirationDuration must be between PT5M and PT4H", "InvalidArgument")
        self.sessions[session_id] = ApplicationSession(pair, now, now + length)

    def prefer(self, pair: Pair, length: int | None, now: int) -> None:
        """Let the person choose a state (``setUserPreferredPresence``).

        Raises:
            GraphError: 400, it is not one of those one can choose.
        """
        usual = PREFERRED_LIFETIMES_NS.get(pair)
        if usual is None or (length is not None and length <= 0):
            told = f"{pair.availability}/{pair.activity}"
            message = f"{told} is not a preferred presence, or its duration is not positive"
            raise bad_request(message, "InvalidArgument")
        self.preferred = Preferred(pair, now + (usual if length is None else length))

    def is_out_of_office(self, now: int) -> bool:
        """Tell whether he is out of office, by his automatic reply or his calendar."""
        return self.out_of_office_message is not None or any(
            span.is_out_of_office for span in self._current(now)
        )

    def is_present(self, now: int) -> bool:
        """Tell whether any session is there: a client, a call, or one of an application."""
        return (
            self.client != "signed-out"
            or bool(self.calls)
            or any(session.expires_at > now for session in self.sessions.values())
        )

    def aggregate(self, now: int, rules: PresenceRules) -> Pair:
        """Return what the sources add up to."""
        found = self._shown(now, rules)
        says_away = found.availability in {"Away", "Offline"} and found.activity != "OffWork"
        if rules.out_of_office_is_activity and says_away and self.is_out_of_office(now):
            return Pair(found.availability, "OutOfOffice")
        return found

    def _shown(self, now: int, rules: PresenceRules) -> Pair:
        if not self.is_present(now):
            return OFFLINE
        chosen = self.preferred
        counts = rules.preferred_beats_calls or not self.calls
        if chosen is not None and chosen.expires_at > now and counts:
            return chosen.pair
        return min(self._says(now, rules), key=_rank, default=OFFLINE)

    def _says(self, now: int, rules: PresenceRules) -> Iterator[Pair]:
        for session in self.sessions.values():
            if session.expires_at > now:
                yield session.pair_at(now, rules)
        if self.calls:
            yield IN_A_CONFERENCE if max(self.calls.values()) > 2 else IN_A_CALL
        if self.client == "signed-out":
            return
        yield CLIENT_PAIRS[self.client]
        if self.presents:
            yield PRESENTING
        if any(not span.is_out_of_office for span in self._current(now)):
            yield IN_A_MEETING

    def _current(self, now: int) -> Iterator[Appointment]:
        return (span for span in self.appointments if span.starts_at <= now < span.ends_at)

    def next_change(self, now: int) -> int | None:
        """Return the next instant after ``now`` at which the sum may differ by itself."""
        edges = [edge for session in self.sessions.values() for edge in session.edges()]
        if self.preferred is not None:
            edges.append(self.preferred.expires_at)
        if self.status_expires_at is not None:
            edges.append(self.status_expires_at)
        for span in self.appointments:
            edges += (span.starts_at, span.ends_at)
        return min((edge for edge in edges if edge > now), default=None)

    def forget_past(self, now: int) -> None:
        """Drop what has expired."""
        self.sessions = {k: s for k, s in self.sessions.items() if s.expires_at > now}
        if self.preferred is not None and self.preferred.expires_at <= now:
            self.preferred = None
        if self.status_expires_at is not None and self.status_expires_at <= now:
            self.status_message = self.status_expires_at = None


def application_pair(availability: object, activity: object, rules: PresenceRules) -> Pair:
    """Return the pair of a ``setPresence`` request.

    Raises:
        GraphError: 400, an application cannot say that.
    """
    pair = Pair(str(availability), str(activity))
    if pair not in APPLICATION_PAIRS or (pair == PRESENTING and not rules.takes_presenting):
        message = f"{pair.availability}/{pair.activity} is not a pair that an application can set"
        raise bad_request(message, "InvalidArgument")
    return pair


def _rank(pair: Pair) -> tuple[int, int]:
    return _RANKS.get(pair.availability, 8), _ACTIVITY_RANKS.get(pair.activity, 9)
