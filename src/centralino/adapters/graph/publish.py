# SPDX-License-Identifier: Apache-2.0
"""Tells Teams what our agents do, so that colleagues see a busy agent as busy.

A told presence is a session of our application that ends by itself, so nobody stays busy
when we die. It is told when it changes and renewed before it fades; a person who has set
something by hand keeps it. Only pairs that Microsoft takes are told.
Source: Microsoft Graph, "presence: setPresence", "presence: clearPresence".
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.clock import wait_for_news
from centralino.adapters.graph.presence_book import PresenceBook, Told
from centralino.adapters.graph.request import GraphRequest
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from centralino.adapters.graph.client import GraphClient
    from centralino.adapters.graph.settings import PresenceSettings
    from centralino.exchange.microsoft import DirectoryId, PersonId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

FADES_AFTER_S = 300.0
"""An available session fades to inactive after this time, Microsoft says."""
RENEW_AFTER_S = 240.0
LONGEST_RENEWAL_S = 540.0
"""Before the second fade, to away."""
RETRY_AFTER_S = 30
SHARE_OF_BUDGET = 0.4
"""Of our presence budget, renewing may use this much."""
_PERMISSION = "Presence.ReadWrite.All"


class Showing(StrEnum):
    """What Teams is to show of an agent."""

    AVAILABLE = "available"
    IN_A_CALL = "in-a-call"
    AWAY = "away"
    NOTHING = "nothing"
    """He is not at work with us: our session is removed."""


_PAIRS = {
    Showing.AVAILABLE: ("Available", "Available"),
    Showing.IN_A_CALL: ("Busy", "InACall"),
    Showing.AWAY: ("Away", "Away"),
}


def showing_of(state: str, reason: str) -> Showing:
    """Return what Teams is to show for one of our agent states (wire names).

    >>> showing_of("connected", ""), showing_of("not-ready", "break")
    (<Showing.IN_A_CALL: 'in-a-call'>, <Showing.AWAY: 'away'>)
    """
    if state == "ready":
        return Showing.AVAILABLE
    if state == "not-ready":
        return Showing.NOTHING if reason == "signed-out" else Showing.AWAY
    return Showing.IN_A_CALL


@dataclass(slots=True)
class _Session:
    shows: Showing
    due_at: int
    """When it is to be told (again), UTC nanoseconds."""


class PresencePublisher:
    """Keeps our sessions in Teams in line with our states; :meth:`run` until cancelled."""

    def __init__(
        self,
        client: GraphClient,
        directory: DirectoryId,
        application: str,
        settings: PresenceSettings,
        book: PresenceBook,
        clock: ClockPort,
    ) -> None:
        """Prepare.

        Args:
            client: to Graph.
            directory: whose people they are.
            application: our application's id, which is the session's id by Microsoft's rule.
            settings: how long a told presence holds.
            book: where it is noted what was told, so that what a person sets by hand is known.
            clock: the time.
        """
        self._client = client
        self._directory = directory
        self._application = application
        self._settings = settings
        self._book = book
        self._clock = clock
        self._sessions: dict[PersonId, _Session] = {}
        self._due: list[tuple[int, int, PersonId]] = []
        self._count = 0
        self._news = asyncio.Event()
        self._most_per_s = 0.0
        self.problem = ""
        """Why Teams is not told now; empty when it is."""

    def show(self, states: Mapping[PersonId, Showing]) -> None:
        """Say what everybody is to show; who is missing shows nothing of us."""
        now = self._clock.utc()
        for person in [one for one in self._sessions if one not in states]:
            self._change(person, Showing.NOTHING, now)
        for person, shows in states.items():
            self._change(person, shows, now)

    async def run(self, per_s: float) -> None:
        """Tell until cancelled.

        Args:
            per_s: presence requests that we allow ourselves, of which renewing takes a share.
        """
        self._most_per_s = per_s * SHARE_OF_BUDGET
        while True:
            self._news.clear()
            now = self._clock.utc()
            if not self._due or self._due[0][0] > now:
                pause_s = (self._due[0][0] - now) / SECOND if self._due else 3600.0
                await wait_for_news(self._news, pause_s)
                continue
            due_at, _, person = heapq.heappop(self._due)
            session = self._sessions.get(person)
            if session is not None and session.due_at == due_at:
                await self._tell(person, session)

    def _change(self, person: PersonId, shows: Showing, now: int) -> None:
        session = self._sessions.get(person)
        if session is None and shows is Showing.NOTHING:
            return
        if session is None or session.shows is not shows:
            self._sessions[person] = session = _Session(shows, now)
            self._plan(person, session, now)
            self._news.set()

    def _plan(self, person: PersonId, session: _Session, at: int) -> None:
        session.due_at = at
        self._count += 1
        heapq.heappush(self._due, (at, self._count, person))

    async def _tell(self, person: PersonId, session: _Session) -> None:
        now = self._clock.utc()
        try:
            await self._client.send(self._request(person, session.shows))
            self.problem = ""
        except AppError as error:
            if self.problem != error.message:
                log.warning("presence.not_told", code=error.code)
            self.problem = error.message
            self._plan(person, session, now + RETRY_AFTER_S * SECOND)
            return
        if session.shows is Showing.NOTHING:
            self._book.told.pop(person, None)
            if self._sessions.get(person) is session:
                del self._sessions[person]
            return
        availability, _ = _PAIRS[session.shows]
        known = self._book.told.get(person)
        if known is None or known.availability != availability:
            self._book.told[person] = Told(availability, now)
        self._plan(person, session, now + round(self._renewal_s(session.shows) * SECOND))

    def _renewal_s(self, shows: Showing) -> float:
        if shows is not Showing.AVAILABLE:
            return self._settings.published_for_min * 60 / 2
        needed_s = len(self._sessions) / max(self._most_per_s, 0.1)
        return min(LONGEST_RENEWAL_S, max(RENEW_AFTER_S, needed_s))

    def _request(self, person: PersonId, shows: Showing) -> GraphRequest:
        body: dict[str, str] = {"sessionId": self._application}
        action = "clearPresence"
        if shows is not Showing.NOTHING:
            action = "setPresence"
            body["availability"], body["activity"] = _PAIRS[shows]
            body["expirationDuration"] = f"PT{self._settings.published_for_min}M"
        return GraphRequest(
            operation="tell presence",
            method="POST",
            path=f"/users/{person}/presence/{action}",
            directory=self._directory,
            permission=_PERMISSION,
            body=body,
            area="presence",
            reads_only=True,  # told twice is told once
        )
