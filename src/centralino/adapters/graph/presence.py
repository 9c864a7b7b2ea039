# SPDX-License-Identifier: Apache-2.0
"""Keeps everybody's Teams presence: polls, hears notifications, tells what changes.

Polling is always there, because Microsoft gives presence subscriptions to signed-in accounts
only and lets them die silently; a subscription makes it slower, never superfluous. A failure
shows as an outage with its beginning and changes nothing else: the last readings stay.
Source: Microsoft Graph, "cloudCommunications: getPresencesByUserId".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.adapters.clock import wait_for_news
from centralino.adapters.graph.presence_book import PollPlan, PresenceBook, SilenceDetector
from centralino.adapters.graph.request import GraphRequest
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import DirectoryId, PersonId
from centralino.exchange.presence import PresenceReading, PresenceSinkPort, PresenceSource

if TYPE_CHECKING:
    from centralino.adapters.graph.client import GraphClient
    from centralino.adapters.graph.settings import PresenceSettings
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

OUTAGE_AFTER_ROUNDS = 2.0
"""Presence counts as out of reach when nothing was read for so many intervals."""
LONGEST_PAUSE_S = 3600.0


class _OutOfOffice(msgspec.Struct, rename="camel"):
    is_out_of_office: bool | None = None


class GraphPresence(msgspec.Struct, rename="camel"):
    """A presence as Graph sends it; words are free text in Microsoft's metadata."""

    id: str
    availability: str | None = None
    activity: str | None = None
    sequence_number: str | None = None
    out_of_office_settings: _OutOfOffice | None = None

    def reading(self, source: PresenceSource, read_at: int) -> PresenceReading:
        """Return it as we keep it."""
        number = self.sequence_number or ""
        away = self.out_of_office_settings
        return PresenceReading(
            person=PersonId(self.id.lower()),
            availability=self.availability or "PresenceUnknown",
            activity=self.activity or "PresenceUnknown",
            is_out_of_office=bool(away and away.is_out_of_office),
            source=source,
            read_at=read_at,
            sequence=int(number) if number.isdigit() else 0,
        )


class _Presences(msgspec.Struct):
    value: list[GraphPresence]


class PresenceKeeper:
    """Follows the presence of one directory's people; :meth:`run` until cancelled."""

    def __init__(
        self,
        client: GraphClient,
        directory: DirectoryId,
        settings: PresenceSettings,
        sink: PresenceSinkPort,
        clock: ClockPort,
    ) -> None:
        self.directory = directory
        self.book = PresenceBook()
        self.silence = SilenceDetector(settings.silent_after_s)
        self.problem = ""
        """Why presence cannot be read now; empty when it can."""
        self._client = client
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._plan = PollPlan(settings.poll_every_s, settings.poll_every_subscribed_s)
        self._people: tuple[PersonId, ...] = ()
        self._covered: frozenset[PersonId] = frozenset()
        self._read_at: int | None = None
        self._outage: int | None = None
        self._news = asyncio.Event()

    @property
    def requests_per_min(self) -> float:
        """How many requests a minute polling makes now."""
        return self._plan.requests_per_min

    @property
    def outage_since(self) -> int | None:
        """Since when presence cannot be read, UTC nanoseconds; ``None`` when it can."""
        return self._outage

    def follow(self, people: Iterable[PersonId], covered: Iterable[PersonId] = ()) -> None:
        """Say whom to follow, and whose changes a subscription tells; takes effect at once."""
        wanted = tuple(sorted(set(people)))
        told = frozenset(covered) & frozenset(wanted)
        if (wanted, told) == (self._people, self._covered):
            return
        self._people, self._covered = wanted, told
        self.book.forget_all_but(wanted)
        slow = [person for person in wanted if person in told]
        fast = [person for person in wanted if person not in told]
        self._plan.set_people(fast, slow, self._clock.utc())
        self._news.set()

    def hasten(self) -> None:
        """Ask for everybody now: something may have been missed."""
        self._plan.hasten(self._clock.utc())
        self._news.set()

    async def hear(self, presences: Sequence[GraphPresence]) -> None:
        """Take what a notification says."""
        now = self._clock.utc()
        self.silence.hear(now)
        followed = frozenset(self._people)
        readings = [one.reading(PresenceSource.NOTIFICATION, now) for one in presences]
        await self._take([one for one in readings if one.person in followed])

    async def run(self) -> None:
        """Poll until cancelled; no failure of Graph ends it."""
        if self._read_at is None:
            self._read_at = self._clock.utc()
        while True:
            self._news.clear()
            await self._until(self._plan.next_due())
            people = self._plan.take_due(self._clock.utc())
            if people:
                await self._poll(people)

    async def poll_all(self) -> None:
        """Read everybody once now; raises what Graph refuses."""
        for start in range(0, len(self._people), 650):
            await self._read(self._people[start : start + 650])

    async def _until(self, due: int | None) -> None:
        pause_s = LONGEST_PAUSE_S if due is None else (due - self._clock.utc()) / SECOND
        await wait_for_news(self._news, pause_s)

    async def _poll(self, people: tuple[PersonId, ...]) -> None:
        try:
            await self._read(people)
        except AppError as error:
            if self.problem != error.message:
                log.warning("presence.not_read", code=error.code, reason=error.message)
            self.problem = error.message
            await self._note_failure()
            return
        self.problem = ""
        self._read_at = self._clock.utc()
        if self._outage is not None:
            self._outage = None
            log.info("presence.read_again")
            await self._sink.note_outage(None)

    async def _read(self, people: tuple[PersonId, ...]) -> None:
        asked_at = self._clock.utc()
        answer = await self._client.ask(_ask_for(self.directory, people), _Presences)
        asked = frozenset(people)
        readings = [one.reading(PresenceSource.POLL, asked_at) for one in answer.value]
        await self._take([one for one in readings if one.person in asked])

    async def _take(self, readings: Sequence[PresenceReading]) -> None:
        taken = self.book.take(readings)
        self.silence.see(taken.changed, self._covered)
        told = taken.changed + taken.confirmed
        if told:
            await self._sink.note(told)

    async def _note_failure(self) -> None:
        assert self._read_at is not None  # noqa: S101 - set when running began
        longest = round(OUTAGE_AFTER_ROUNDS * self._settings.poll_every_s * SECOND)
        if self._outage is None and self._clock.utc() - self._read_at >= longest:
            self._outage = self._read_at
            log.error("presence.outage", since=self._outage)
            await self._sink.note_outage(self._outage)


def _ask_for(directory: DirectoryId, people: tuple[PersonId, ...]) -> GraphRequest:
    return GraphRequest(
        operation="read presences",
        method="POST",
        path="/communications/getPresencesByUserId",
        directory=directory,
        permission="Presence.Read.All",
        body={"ids": list(people)},
        area="presence",
        reads_only=True,
    )
