# SPDX-License-Identifier: Apache-2.0
"""The door of matching: who waits and who is free come in, the next match comes out.

What comes next depends on the state and the instant only, never on the order in which
things became known: of all agents who may take something, each has a first wait (by his
rank of its queue, then by the order of waits); the first in order of those waits is matched,
and of the agents whose first it is, the strategy of its queue chooses.

Between two inputs nobody waits whom a free agent may take. So only those are looked at who
have become free since (``hot`` rows), and signatures that have got their first wait or
another agent (``hot`` slots).
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.interactions.channel import Channel
from centralino.core.kernel.instant import Instant
from centralino.core.routing.matching.borrowing import Borrowing
from centralino.core.routing.matching.choosing import Chooser, Draws
from centralino.core.routing.matching.families import queue_terms, ranks_of
from centralino.core.routing.matching.feasible import Feasible, preferred
from centralino.core.routing.matching.match import Match
from centralino.core.routing.matching.past import Past
from centralino.core.routing.matching.policy import Sharing
from centralino.core.routing.matching.presence import PresenceTable
from centralino.core.routing.matching.roster import Roster
from centralino.core.routing.matching.waits import Waits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import AgentId, QueueId
    from centralino.core.kernel.instant import Duration
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.matching.match import Waiting
    from centralino.core.routing.matching.memory import MatchingMemory
    from centralino.core.routing.matching.roster import Rows
    from centralino.core.routing.matching.signatures import Entry, Place, Signature

_SLACK = 64
_MANY = 16
"""More agents who become free at once are not looked at one by one."""


class Matching:
    """Those who wait and those who may take them, in one tenant."""

    def __init__(self) -> None:
        self._now = Instant(0)
        self._draws = Draws()
        self._is_configured = False

    def configure(
        self,
        configuration: TenantConfiguration,
        memory: MatchingMemory,
        handling: Mapping[QueueId, Duration],
    ) -> None:
        """Begin anew; all agents and all who wait must be noted again.

        ``memory`` and ``handling`` belong to the state and are read; ``memory`` is changed by
        what :attr:`past` is told.
        """
        queues = configuration.queues
        presences = PresenceTable(
            (queue.matching.presence, queue.matching.expert_presence) for queue in queues
        )
        self._presences = presences
        self._roster = Roster(configuration.agents, presences)
        terms = queue_terms(configuration, self._roster, presences)
        self._waits = Waits(self._roster, terms, self._now)
        is_by_ratio = configuration.sharing is Sharing.RATIO
        shares = [queue.matching.share for queue in queues]
        self._feasible = Feasible(
            self._waits,
            presences,
            ranks_of(configuration, self._roster),
            np.array(shares, np.int64) if is_by_ratio else None,
        )
        self._chooser = Chooser(configuration, self._roster, memory, self._draws)
        self._borrowing = Borrowing(terms, self._waits, memory, handling)
        self.past = Past(configuration, memory, self._chooser, self._waits, self._borrowing)
        """What has happened is told here, for the strategies and rules that ask for it."""
        self._changed: dict[AgentId, Agent] = {}
        self._quiet: dict[AgentId, Agent] = {}
        """Those who changed while nobody waited: whoever comes looks for them himself."""
        self._has_presence = False
        """Somebody among the changed has one, which may become too old."""
        self._hot_rows: dict[int, None] = {}
        self._hot_heap: list[tuple[Entry, int]] = []
        self._again: list[int] = []
        self._stale: list[tuple[int, int]] = []
        self._watched: dict[int, int] = {}
        self._is_configured = True

    def begin(self, sequence: int, now: Instant) -> None:
        """Begin a decision: its number seeds what is drawn; do what time alone changes."""
        self._draws.begin(sequence)
        if now != self._now:
            self.advance(now)

    def advance(self, now: Instant) -> None:
        """Do what time alone changes; before anything else at ``now``."""
        self._now = now
        if not self._is_configured:
            return
        self._waits.advance(now)
        if not self._stale:
            return
        if self._changed or self._quiet:
            self._take_in()
        while self._stale and self._stale[0][0] <= now:
            at, row = heappop(self._stale)
            if self._watched.get(row) == at:
                del self._watched[row]
                self._hot_rows[row] = None
                self._watch(row)

    def next_deadline(self) -> Instant | None:
        """Return when time alone next changes who may take what."""
        if not self._is_configured:
            return None
        if self._changed:
            self._take_in()
        change = self._waits.next_change()
        stale = self._next_stale() if self._stale else None
        if stale is not None and (change is None or stale < change):
            return Instant(stale)
        return change

    def enter(self, waiting: Waiting) -> None:
        """Let somebody wait; entering again with the same values changes nothing."""
        self._waits.enter(waiting)
        if self._borrowing.is_any:
            assert waiting.queue is not None  # noqa: S101 - only who waits in one comes here
            self._borrowing.touch(self._waits.queues[waiting.queue])

    def leave(self, waiting: Waiting) -> None:
        """Let somebody wait no longer; who does not wait is ignored."""
        if waiting.id not in self._waits.table.places:
            return
        terms = self._waits.leave(waiting.id)
        if terms is not None and self._borrowing.is_any:
            self._borrowing.touch(terms)

    def note_agent(self, agent: Agent) -> None:
        """Take in an agent who has changed; what he has become is looked at when it matters."""
        self._changed[agent.id] = agent
        if agent.presence is not None:
            self._has_presence = True

    def _take_in(self) -> None:
        """Look at the agents who have changed since."""
        changed = self._changed
        if self._quiet:
            quiet, self._quiet = self._quiet, {}
            for agent in quiet.values():
                if agent.id not in changed:
                    self._note(agent, is_news=False)
        if changed:
            self._changed = {}
            self._has_presence = False
            for agent in changed.values():
                self._note(agent)

    def _put_off(self) -> None:
        """Look at those who have changed when somebody comes whom they may take."""
        if self._has_presence:
            self._take_in()
        else:
            self._quiet.update(self._changed)
            self._changed.clear()

    def _note(self, agent: Agent, *, is_news: bool = True) -> None:
        roster = self._roster
        row = roster.rows.get(agent.id)
        if row is None:
            return
        is_free = roster.note(row, agent)
        if self._waits.holds.is_any:
            self._waits.note_signed_in(row)
        if self._borrowing.is_any:
            self._borrowing.touch_row(row)
        if not is_free:
            self._hot_rows.pop(row, None)
        elif is_news:
            self._hot_rows[row] = None
        if roster.marked and roster.is_marked[row]:
            self._watch(row)

    def forget_agent(self, agent: AgentId) -> None:
        """Remove an agent."""
        self._changed.pop(agent, None)
        self._quiet.pop(agent, None)
        row = self._roster.rows.get(agent)
        if row is not None:
            self._roster.forget(row)
            self._waits.note_signed_in(row)
            self._borrowing.touch_row(row)

    def next_match(self, now: Instant) -> Match | None:
        """Return who is to be offered to whom, ``None`` when no one waits whom one may take.

        The caller makes the offers (and says so by ``leave`` and ``note_agent``) before it
        asks again.
        """
        if now != self._now:
            self.advance(now)
        waits = self._waits
        if self._borrowing.is_any:
            self._take_in()
            self._borrowing.settle()
        if not waits.table.places:
            if self._changed:
                self._put_off()
            self._cool()
            return None
        if self._changed or self._quiet:
            self._take_in()
        if len(self._hot_rows) > _MANY:
            self._heat_slots_of_hot_rows()
        slot, score, rows = self._first_of_hot_rows() if self._hot_rows else (None, None, [])
        if waits.hot:
            found = self._match_hot_slot(score)
            if found is not None:
                return found
        if slot is not None:
            return self._match_hot_rows(slot, rows)
        self._cool()
        return None

    def _first_of_hot_rows(self) -> tuple[int | None, Entry | None, list[int]]:
        """Return the first wait that agents who have become free get, its order, and them."""
        waits = self._waits
        best_slot, best, rows = None, None, []
        for row in list(self._hot_rows):
            slot = self._feasible.first_for(row)
            if slot is None:
                del self._hot_rows[row]
            elif slot == best_slot:
                rows.append(row)
            else:
                score = waits.table.score(slot, waits.now_ms)
                if best is None or score < best:
                    best_slot, best, rows = slot, score, [row]
        return best_slot, best, rows

    def _match_hot_slot(self, limit: Entry | None) -> Match | None:
        """Match the first hot slot that has an agent, if it does not come after ``limit``."""
        waits, table, heap = self._waits, self._waits.table, self._hot_heap
        if len(waits.hot) == 1 and not self._hot_rows:
            (slot,) = waits.hot
            return self._match_hot_head(slot) if table.heads[slot] is not None else None
        is_ranked = self._feasible.is_ranked
        for slot in (*waits.fresh, *self._again):
            if slot in waits.hot and table.heads[slot] is not None:
                heappush(heap, (table.score(slot, waits.now_ms), slot))
        waits.fresh.clear()
        self._again.clear()
        while heap and (limit is None or heap[0][0] <= limit):
            score, slot = heappop(heap)
            if slot not in waits.hot or table.heads[slot] is None:
                waits.hot.discard(slot)
                continue
            if score != table.score(slot, waits.now_ms):
                continue
            found = self._match_where_first(slot) if is_ranked else self._match_hot_head(slot)
            if found is not None:
                return found
        return None

    def _match_where_first(self, slot: int) -> Match | None:
        """Match the head of a hot slot with some of the agents whose first wait it is."""
        signature = self._signature(slot)
        rows, verdicts = self._feasible.candidates(signature)
        if not rows.size:
            self._waits.hot.discard(slot)
            return None
        self._again.append(slot)
        first = np.array([self._feasible.first_for(int(row)) == slot for row in rows])
        if not first.any():
            return None
        kept = verdicts if verdicts is None else verdicts[first]
        return self._match(signature, rows[first], kept)

    def _match_hot_head(self, slot: int) -> Match | None:
        """Match the head of a hot slot with some of all the agents who may take it."""
        signature = self._signature(slot)
        found = None
        if (
            signature.family.terms.is_plain
            and not self._roster.marked
            and self._head(slot).wish is None
        ):
            row = self._feasible.longest_idle(signature)
            if row is not None:
                found = self._match_one(signature, row)
        else:
            rows, verdicts = self._feasible.candidates(signature)
            if rows.size:
                found = self._match(signature, rows, verdicts)
        if found is None:
            self._waits.hot.discard(slot)
        else:
            self._again.append(slot)
        return found

    def _match_hot_rows(self, slot: int, rows: list[int]) -> Match:
        """Match the head of a slot with some of the agents who have become free for it."""
        signature = self._signature(slot)
        if len(rows) == 1:
            return self._match_one(signature, rows[0])
        candidates, verdicts = self._feasible.candidates(signature)
        mine = np.isin(candidates, np.array(rows, np.int32))
        kept = verdicts if verdicts is None else verdicts[mine]
        return self._match(signature, candidates[mine], kept)

    def _match(self, signature: Signature, rows: Rows, verdicts: NDArray[np.int8] | None) -> Match:
        """Choose among the agents whose first wait is the head of a signature."""
        family = signature.family
        place = self._head(signature.slot)
        name, wish = place.waiting.id, place.wish
        if wish is not None and wish.agents:
            wanted = self._wanted(wish.agents, rows)
            if wanted is not None:
                return Match(name, (wanted,), wish.kind.value)
        rows = preferred(rows, verdicts)
        if family.terms.rings is not None and rows.size > 1:
            rings = family.terms.rings[rows]
            rows = rows[rings == rings.min()]
        if rows.size == 1:
            return self._match_one(signature, int(rows[0]))
        strategy, rule = self._chooser.strategy_for(family, name)
        most = family.terms.configuration.matching.offers_at_once
        agents = self._roster.agents
        chosen = self._chooser.choose(rows, family, strategy, most)
        return Match(name, tuple(agents[row].id for row in chosen), rule)

    def _match_one(self, signature: Signature, row: int) -> Match:
        """Match the head of a signature with the only agent who comes into question."""
        place = self._head(signature.slot)
        name, wish = place.waiting.id, place.wish
        agent = self._roster.agents[row].id
        if wish is not None and agent in wish.agents:
            return Match(name, (agent,), wish.kind.value)
        return Match(name, (agent,), self._chooser.strategy_for(signature.family, name)[1])

    def _wanted(self, names: tuple[AgentId, ...], rows: Rows) -> AgentId | None:
        for name in names:
            row = self._roster.rows.get(name)
            if row is not None and row in rows:
                return name
        return None

    def _head(self, slot: int) -> Place:
        entry = self._waits.table.heads[slot]
        assert entry is not None  # noqa: S101 - asked only of those that have one
        return self._waits.table.places[entry[3]]

    def _signature(self, slot: int) -> Signature:
        signature = self._waits.table.signatures[slot]
        assert signature is not None  # noqa: S101 - slots with heads have one
        return signature

    def _heat_slots_of_hot_rows(self) -> None:
        """Look at all waits that many agents may take, instead of at each of the agents."""
        table = self._waits.table
        rows = list(self._hot_rows)
        may = table.may[rows].any(axis=0)
        if table.is_lending:
            may |= ((table.may_lend[rows] & table.lending) != 0).any(axis=0)
        for slot in np.flatnonzero(may & table.has_head):
            self._waits.heat(int(slot))
        self._hot_rows.clear()

    def _cool(self) -> None:
        waits = self._waits
        if self._hot_rows:
            self._hot_rows.clear()
        if waits.hot or waits.fresh:
            waits.hot.clear()
            waits.fresh.clear()
        if self._hot_heap or self._again:
            self._hot_heap.clear()
            self._again.clear()

    def _watch(self, row: int) -> None:
        """See to it that an agent is looked at again when his presence becomes too old."""
        seen_at = int(self._roster.seen_at[row])
        at = next(
            (seen_at + age + 1 for age in self._presences.ages if seen_at + age >= self._now), 0
        )
        if seen_at and at and self._watched.get(row) != at:
            self._watched[row] = at
            heappush(self._stale, (at, row))
            if len(self._stale) > 2 * len(self._watched) + _SLACK:
                self._stale = [(at, row) for row, at in self._watched.items()]
                heapify(self._stale)

    def _next_stale(self) -> int | None:
        while self._stale:
            at, row = self._stale[0]
            if self._watched.get(row) == at:
                return at
            heappop(self._stale)
        return None

    def ready_agents(self, queue: QueueId, skills: Mapping[str, int]) -> int:
        """Count those who may ever take such a wait and are at work."""
        self._take_in()
        return int(np.count_nonzero(self._roster.ready[self._all(queue, skills)]))

    def signed_in_agents(self, queue: QueueId, skills: Mapping[str, int]) -> int:
        """Count those and the ones in a pause that ends by itself."""
        self._take_in()
        return int(np.count_nonzero(self._roster.signed_in[self._all(queue, skills)]))

    def has_free_agent(
        self, queue: QueueId, skills: Mapping[str, int], channel: Channel = Channel.VOICE
    ) -> bool:
        """Tell whether one who asks for this would be offered to somebody at once."""
        self._take_in()
        first = self._waits.family(queue, skills, channel).signatures[0]
        return not first.live and bool(self._feasible.candidates(first)[0].size)

    def waiting_count(self) -> int:
        """Count all who wait."""
        return len(self._waits.table.places)

    def _all(self, queue: QueueId, skills: Mapping[str, int]) -> Rows:
        return self._waits.family(queue, skills, Channel.VOICE).signatures[-1].eligible
