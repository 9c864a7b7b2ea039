# SPDX-License-Identifier: Apache-2.0
"""One simulated tenant: its people with presence, calendars, telephones, and its records.

Requests change it, its people's scripts do, and time does; all by ``now``.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from centralino.simulators.graph.activity import ActivityFeed
from centralino.simulators.graph.calendars import Calendars
from centralino.simulators.graph.chats import Chats
from centralino.simulators.graph.directory import Directory
from centralino.simulators.graph.identifiers import Identifiers
from centralino.simulators.graph.instants import NS_PER_MS, NS_PER_S, iso
from centralino.simulators.graph.meetings import Meetings
from centralino.simulators.graph.numbers import Numbers
from centralino.simulators.graph.phones import Phones
from centralino.simulators.graph.presence import Pair, PresenceRules, PresenceSources
from centralino.simulators.graph.presence_board import Lag, PresenceBoard
from centralino.simulators.graph.records import CallRecords
from centralino.simulators.graph.reports import Reports
from centralino.simulators.graph.script import act
from centralino.simulators.graph.shifts import Schedules, plan
from centralino.simulators.graph.tenant_settings import TenantSettings

if TYPE_CHECKING:
    from centralino.simulators.graph.scenario import GraphScenario, Person, Step, Tenant


class SimulatedTenant:
    """One tenant with everything in it."""

    def __init__(self, settings: Tenant, scenario: GraphScenario, seed: str, now: int) -> None:
        self.settings = settings
        self.id = settings.id
        self.ids = Identifiers(f"{seed}/{settings.id}")
        self.directory = Directory(settings, iso(now - now % NS_PER_S))
        self.calendars = Calendars(self.directory, self.ids)
        self.rules = TenantSettings(settings.settings)
        self.chats = Chats(settings.id, self.directory, self.ids)
        self.meetings = Meetings(settings.id)
        self.activity = ActivityFeed()
        self.numbers = Numbers.of(settings)
        self.schedules = Schedules()
        shown = scenario.presence
        rules = PresenceRules(
            preferred_beats_calls=shown.preferred_beats_calls,
            takes_presenting=shown.takes_presenting,
            faded=Pair(shown.faded_availability, shown.faded_activity),
            out_of_office_is_activity=shown.out_of_office_is_activity,
        )
        lag = Lag(shown.lag_mean_ms, shown.lag_most_ms)
        self.board = PresenceBoard(f"{seed}/{settings.id}", lag, rules)
        self.records = CallRecords(settings.id, scenario.records)
        self.reports = Reports()
        self.phones = Phones(self.directory, self.ids, self.in_call, self.records.add)
        self._script: list[tuple[int, int, str, Step]] = []
        for person in settings.people:
            self._add(person, now)
        plan(self, settings.shifts, now)

    def _add(self, person: Person, now: int) -> None:
        self.calendars.add_script(person, now)
        sources = PresenceSources(client=person.client)
        sources.appointments = self.calendars.appointments(person.id)
        self.board.add(person.id, sources, now)
        for step in person.script:
            self._plan(person.id, step, now + step.at_ms * NS_PER_MS)

    def _plan(self, user_id: str, step: Step, at: int) -> None:
        heapq.heappush(self._script, (at, self.ids.number("step"), user_id, step))

    def in_call(self, user_id: str, call_id: str, parties: int, now: int) -> None:
        """Take in that a person is in a call of so many parties; 0 when he has left it.

        People of other tenants are ignored.
        """
        if user_id not in self.board:
            return
        calls = self.board.sources(user_id).calls
        if parties:
            calls[call_id] = parties
        else:
            calls.pop(call_id, None)
        self.board.changed(user_id, now)

    def calendar_changed(self, user_id: str, now: int) -> None:
        """Let the presence follow the calendar."""
        self.board.sources(user_id).appointments = self.calendars.appointments(user_id)
        self.board.changed(user_id, now)

    def next_deadline(self) -> int | None:
        """Return when something is due here."""
        edges = [
            self.board.next_deadline(),
            self.phones.next_deadline(),
            self.records.next_deadline(),
            self._script[0][0] if self._script else None,
        ]
        return min((edge for edge in edges if edge is not None), default=None)

    def play(self, now: int) -> None:
        """Let the scripts and the phones do what is due."""
        while self._script and self._script[0][0] <= now:
            at, _, user_id, step = heapq.heappop(self._script)
            self.phones.advance(at)
            act(self, user_id, step, at)
            if step.every_ms:
                self._plan(user_id, step, at + step.every_ms * NS_PER_MS)
        self.phones.advance(now)
