# SPDX-License-Identifier: Apache-2.0
"""Everybody who waits, each in the signature that his age and his wish put him in.

Time moves waits from one signature to the next; nothing is looked at before it is due.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from centralino.core.agents.requirement import key_of
from centralino.core.kernel.instant import MILLISECOND, Instant
from centralino.core.routing.matching.families import (
    Family,
    QueueTerms,
    build,
    required_skills,
)
from centralino.core.routing.matching.holds import Holds
from centralino.core.routing.matching.match import PRIORITY_POINTS
from centralino.core.routing.matching.roster import CHANNELS
from centralino.core.routing.matching.signatures import FAR, Place, SignatureTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from centralino.core.agents.requirement import Requirement
    from centralino.core.interactions.channel import Channel
    from centralino.core.interactions.wish import Wish
    from centralino.core.kernel.ids import InteractionId, QueueId
    from centralino.core.routing.matching.match import Waiting
    from centralino.core.routing.matching.roster import Roster
    from centralino.core.routing.matching.signatures import Entry, Signature

MOST_UNUSED_FAMILIES = 1000
"""Families that only a wait asked for are kept so long after their last."""
_STEP = 1 << 58
"""One step of priority where nothing ages: more than nine years of nanoseconds."""
_SLACK = 64

_FamilyKey = tuple["QueueId", "Channel", tuple[tuple[str, int], ...], bytes]


class Waits:
    """All who wait in one tenant, under one configuration."""

    def __init__(self, roster: Roster, queues: Iterable[QueueTerms], epoch: Instant) -> None:
        self.roster = roster
        self.queues = {terms.configuration.id: terms for terms in queues}
        self.is_ageing = any(terms.slope for terms in self.queues.values())
        self.table = SignatureTable(len(roster.agents))
        self.holds = Holds(roster)
        self.hot: set[int] = set()
        """Slots that have got their first wait, or more agents, since they were last matched."""
        self.fresh: list[int] = []
        """Those of them that matching has not seen yet."""
        self.now = epoch
        self.now_ms = 0
        """The instant as ageing counts it, where something ages."""
        self._epoch = epoch
        self._families: dict[_FamilyKey, Family] = {}
        self._unused: dict[_FamilyKey, None] = {}
        self._timers: list[tuple[int, int, InteractionId]] = []

    def enter(self, waiting: Waiting) -> None:
        """Let somebody wait, or wait differently."""
        asked = (
            waiting.queue,
            waiting.priority,
            waiting.enqueued_at,
            waiting.skills,
            waiting.channel,
        )
        known = self.table.places.get(waiting.id)
        if known is not None:
            if known.asked == asked and known.wish is waiting.wish:
                return
            self.leave(waiting.id)
        assert waiting.queue is not None  # noqa: S101 - only who waits in one comes here
        requires = waiting.wish.requires if waiting.wish is not None else None
        family = self.family(waiting.queue, waiting.skills, waiting.channel, requires)
        entry = self._entry(waiting, family)
        place = Place(waiting, family, entry, family.signatures[0], asked, waiting.wish)
        self.table.places[waiting.id] = place
        family.waits += 1
        family.terms.waiting += 1
        if place.wish is not None:
            self._hold(place, place.wish)
        if place.hold is not None or len(family.ages) > 1:
            place.signature = self._settle(place)
        self._put(place)

    def leave(self, name: InteractionId) -> QueueTerms | None:
        """Let somebody wait no longer; returns his queue, ``None`` when he did not wait."""
        place = self.table.places.pop(name, None)
        if place is None:
            return None
        self.table.take(place.signature, place.entry)
        family = place.family
        family.waits -= 1
        family.terms.waiting -= 1
        hold = place.hold
        if hold is not None:
            del hold.places[name]
            if not hold.places:
                self.holds.drop(hold)
                self._close(hold.signature)
        return family.terms

    def advance(self, now: Instant) -> None:
        """Move on whoever has waited long enough."""
        self.now = now
        if self.is_ageing:
            self.now_ms = now // MILLISECOND - self._epoch // MILLISECOND
        timers = self._timers
        while timers and timers[0][0] <= now:
            at, _, name = heappop(timers)
            place = self.table.places.get(name)
            if place is not None and place.changes_at == at:
                self._move(place)

    def heat(self, slot: int) -> None:
        """Let a slot be looked at."""
        self.hot.add(slot)
        self.fresh.append(slot)

    def next_change(self) -> Instant | None:
        """Return when somebody is moved on next."""
        timers = self._timers
        while timers:
            at, _, name = timers[0]
            place = self.table.places.get(name)
            if place is not None and place.changes_at == at:
                return Instant(at)
            heappop(timers)
        return None

    def note_signed_in(self, row: int) -> None:
        """Take in that an agent signed in or out: holds for him begin or cease to hold."""
        for hold in self.holds.flipped(row):
            for place in list(hold.places.values()):
                self._move(place)

    def family(
        self,
        queue: QueueId,
        skills: Mapping[str, int],
        channel: Channel,
        requires: Requirement | None = None,
    ) -> Family:
        """Return the family of those who ask for this."""
        levels = tuple(sorted(skills.items())) if skills else ()
        key = (queue, channel, levels, b"" if requires is None else key_of(requires))
        return self._families.get(key) or self._found(key, skills, requires)

    def _found(
        self, key: _FamilyKey, skills: Mapping[str, int], requires: Requirement | None
    ) -> Family:
        queue, channel = key[:2]
        terms = self.queues[queue]
        asked = [one for one in (terms.configuration.matching.requires, requires) if one]
        wanted = required_skills(terms.configuration, skills)
        family = Family(terms, CHANNELS[channel], wanted, tuple(asked))
        build(family, self.roster)
        for signature in family.signatures:
            self.table.open(signature)
        self._families[key] = family
        terms.families.append(family)
        if skills or requires is not None:
            self._unused[key] = None
            if len(self._unused) > MOST_UNUSED_FAMILIES:
                self._forget_unused()
        return family

    def _forget_unused(self) -> None:
        """Give up the older half of the families that nobody waits in."""
        for key in list(self._unused)[: MOST_UNUSED_FAMILIES // 2]:
            del self._unused[key]
            family = self._families[key]
            if family.waits:
                self._unused[key] = None
                continue
            del self._families[key]
            family.terms.families.remove(family)
            for signature in family.signatures:
                self._close(signature)

    def _close(self, signature: Signature) -> None:
        self.hot.discard(signature.slot)
        self.table.close(signature)

    def _entry(self, waiting: Waiting, family: Family) -> Entry:
        since = waiting.enqueued_at or 0
        if self.is_ageing:
            since_ms = since // MILLISECOND - self._epoch // MILLISECOND
            points = waiting.priority * PRIORITY_POINTS + family.terms.slope * since_ms
        else:
            apart = since - self._epoch + (_STEP >> 1)
            points = waiting.priority * _STEP + min(max(0, apart), _STEP - 1)
        return (points, since, waiting.number, waiting.id)

    def _hold(self, place: Place, wish: Wish) -> None:
        if not wish.agents or not wish.hold_for_ms:
            return
        found = self.holds.find(place.family, wish)
        if found is not None:
            place.hold, is_new = found
            place.hold.places[place.waiting.id] = place
            if is_new:
                self.table.open(place.hold.signature)

    def _settle(self, place: Place) -> Signature:
        """Return the signature for a place now, and set when that changes."""
        since, family = place.entry[1], place.family
        stage = family.stage_at(self.now - since)
        signature = family.signatures[stage]
        changes_at = since + family.changes_after(stage)
        if place.hold is not None:
            wish = place.wish
            assert wish is not None  # noqa: S101 - a hold has one
            until = since + wish.hold_for_ms * MILLISECOND
            if self.now < until:
                changes_at = min(changes_at, until)
                if place.hold.is_active:
                    signature = place.hold.signature
        place.changes_at = changes_at
        if changes_at < FAR:
            heappush(self._timers, (changes_at, place.entry[2], place.waiting.id))
            if len(self._timers) > 2 * len(self.table.places) + _SLACK:
                self._compact()
        return signature

    def _move(self, place: Place) -> None:
        before = place.signature
        after = self._settle(place)
        if after is not before:
            place.signature = after
            self.table.take(before, place.entry)
            self._put(place)

    def _put(self, place: Place) -> None:
        if self.table.put(place):
            self.heat(place.signature.slot)

    def _compact(self) -> None:
        places = self.table.places
        kept = []
        for timer in self._timers:
            place = places.get(timer[2])
            if place is not None and place.changes_at == timer[0]:
                kept.append(timer)
        self._timers = sorted(set(kept))
        heapify(self._timers)
