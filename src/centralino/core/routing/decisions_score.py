# SPDX-License-Identifier: Apache-2.0
"""Scores that were learned elsewhere: taken in when they make sense, forgotten when too old.

They are a lease like everything else: what nobody renews ends by itself, and the queue asks the
one idle longest again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.kernel.instant import after, milliseconds, seconds
from centralino.core.routing.decisions_skill import require_skills
from centralino.core.routing.matching.families import required_skills
from centralino.core.routing.matching.policy import Strategy
from centralino.core.routing.matching.signature_name import signature_name
from centralino.core.routing.score_events import ScoresExpired, ScoresLearned

if TYPE_CHECKING:
    from centralino.core.routing.configuration import QueueConfiguration
    from centralino.core.routing.score_commands import LearnScores
    from centralino.core.routing.turn import Turn

LARGEST_SCORE = 1_000_000
LEAST_GOOD_FOR_MS, MOST_GOOD_FOR_MS = 1_000, 90 * 24 * 3_600_000
MOST_SIGNATURES = 200
"""So many of a queue have scores of their own."""
LONGEST_SOURCE = 64
CLOCK_TOLERANCE = seconds(60)
"""So far ahead of ours may the clock be of what learned them."""


def learn(turn: Turn, command: LearnScores) -> None:
    """Take scores in; the same again changes nothing.

    Raises:
        NotFound: there is no such queue, agent or skill.
        Conflict: the queue does not choose by prediction, newer scores are known, or too many
            of its signatures have scores.
        InvalidInput: a score, a level, the age or the source is out of its range.
    """
    queue = turn.index.queues.get(command.queue)
    if queue is None:
        raise NotFound(f"there is no queue {command.queue}", details={"queue": command.queue})
    if queue.matching.strategy is not Strategy.PREDICTED:
        raise Conflict(
            f"{queue.id} does not choose by prediction but {queue.matching.strategy}",
            details={"queue": queue.id, "strategy": queue.matching.strategy},
        )
    _require_ranges(command)
    _require_known(turn, command)
    until = after(command.at, milliseconds(command.good_for_ms))
    if until <= turn.now:
        raise InvalidInput("these scores are too old already", details={"path": "at"})
    if command.at > turn.now + CLOCK_TOLERANCE:
        raise InvalidInput("these scores are learned in the future", details={"path": "at"})
    signature = signature_name(queue, required_skills(queue, command.skills))
    learned = ScoresLearned(
        signature=signature,
        queue=queue.id,
        scores=command.scores,
        source=command.source,
        learned_at=command.at,
        until=until,
    )
    if _is_new(turn, queue, learned):
        turn.emit(learned)


def _is_new(turn: Turn, queue: QueueConfiguration, learned: ScoresLearned) -> bool:
    every = turn.state.memory.scores
    known = every.get(learned.signature)
    if known is None:
        count = sum(1 for one in every.values() if one.queue == queue.id)
        if count >= MOST_SIGNATURES:
            raise Conflict(f"{queue.id} has scores for {count} signatures, which are the most")
        return True
    if known.learned_at > learned.learned_at:
        raise Conflict(
            f"newer scores are known for {learned.signature}",
            details={"source": known.source, "learned_at": known.learned_at},
        )
    return (known.scores, known.source, known.learned_at, known.until) != (
        learned.scores,
        learned.source,
        learned.learned_at,
        learned.until,
    )


def _require_ranges(command: LearnScores) -> None:
    if any(not -LARGEST_SCORE <= score <= LARGEST_SCORE for score in command.scores.values()):
        raise InvalidInput("scores are from -1,000,000 to 1,000,000", details={"path": "scores"})
    if not LEAST_GOOD_FOR_MS <= command.good_for_ms <= MOST_GOOD_FOR_MS:
        raise InvalidInput(
            "scores are good for one second to ninety days", details={"path": "good_for_ms"}
        )
    if len(command.source) > LONGEST_SOURCE:
        raise InvalidInput("the source is longer than 64", details={"path": "source"})


def _require_known(turn: Turn, command: LearnScores) -> None:
    people = turn.index.agent_configurations
    for name in command.scores:
        if name not in people:
            raise NotFound(f"there is no agent {name}", details={"agent": name})
    require_skills(turn, command.skills)


def expire(turn: Turn, signature: str) -> None:
    """Scores are too old."""
    known = turn.state.memory.scores[signature]
    turn.emit(
        ScoresExpired(
            signature=signature,
            queue=known.queue,
            source=known.source,
            learned_at=known.learned_at,
        )
    )
