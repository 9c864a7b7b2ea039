# SPDX-License-Identifier: Apache-2.0
"""What has happened, told to the memory of matching and to whatever was derived from it.

Only what some strategy or rule of the configuration asks for is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.instant import MILLISECOND
from centralino.core.routing.matching.policy import Strategy

if TYPE_CHECKING:
    from centralino.core.kernel.ids import AgentId, QueueId
    from centralino.core.kernel.instant import Duration
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.matching.borrowing import Borrowing
    from centralino.core.routing.matching.choosing import Chooser
    from centralino.core.routing.matching.memory import MatchingMemory, ScoreSet
    from centralino.core.routing.matching.waits import Waits


class Past:
    """What has happened under one configuration."""

    def __init__(
        self,
        configuration: TenantConfiguration,
        memory: MatchingMemory,
        chooser: Chooser,
        waits: Waits,
        borrowing: Borrowing,
    ) -> None:
        queues = configuration.queues
        self._memory = memory
        self._chooser = chooser
        self._waits = waits
        self._borrowing = borrowing
        self._in_turn = _queues_by(Strategy.ROUND_ROBIN, configuration)
        self._by_pace = _queues_by(Strategy.FASTEST, configuration)
        self._counts_taken = any(_queues_by(Strategy.FEWEST, configuration))
        self._knows_customers = any(one.matching.last_agent_hold_ms for one in queues)

    def note_offered(self, queue: QueueId, agent: AgentId) -> None:
        """An agent is offered something of a queue."""
        if queue in self._in_turn:
            self._memory.note_offered(queue, agent)

    def note_accepted(self, queue: QueueId, agent: AgentId, waited: Duration) -> None:
        """An agent accepts something that waited so long."""
        if self._counts_taken:
            self._memory.note_taken(agent)
            self._chooser.note_taken(agent)
        if self._borrowing.is_any:
            self._note_wait(queue, waited, is_answered=True)

    def note_talked(self, number: str | None, agent: AgentId) -> None:
        """An agent talks to a customer."""
        if number and self._knows_customers:
            self._memory.note_talked(number, agent, self._waits.now)

    def note_abandoned(self, queue: QueueId, waited: Duration) -> None:
        """A customer gave up waiting."""
        if self._borrowing.is_any:
            self._note_wait(queue, waited, is_answered=False)

    def note_handled(self, queue: QueueId, agent: AgentId, took: Duration) -> None:
        """An agent took so long over something of a queue."""
        terms = self._waits.queues.get(queue)
        if terms is None:
            return
        if self._borrowing.is_any:
            self._borrowing.touch(terms)
        if queue in self._by_pace:
            self._memory.note_handled(queue, agent, took)
            self._chooser.note_handled(terms.number, queue, agent)

    def note_signed_out(self, agent: AgentId) -> None:
        """An agent's day is over."""
        self._memory.note_signed_out(agent)
        self._chooser.note_signed_out(agent)

    def learn_scores(self, signature: str, learned: ScoreSet | None) -> None:
        """Take scores in the place of those known for a signature, or know none."""
        self._memory.learn_scores(signature, learned)
        self._chooser.note_scores()

    def _note_wait(self, queue: QueueId, waited: Duration, *, is_answered: bool) -> None:
        terms = self._waits.queues.get(queue)
        if terms is None or not terms.lenders:
            return
        is_in_time = waited <= terms.configuration.matching.service_target_ms * MILLISECOND
        if is_answered or not is_in_time:
            self._memory.note_wait(queue, is_met=is_answered and is_in_time)
            self._borrowing.touch(terms)


def _queues_by(strategy: Strategy, configuration: TenantConfiguration) -> frozenset[QueueId]:
    return frozenset(
        queue.id for queue in configuration.queues if queue.matching.strategy is strategy
    )
