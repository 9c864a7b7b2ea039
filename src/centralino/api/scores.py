# SPDX-License-Identifier: Apache-2.0
"""Scores of agents over HTTP, for queues that choose by prediction, from what learns them.

A set of scores is in the place of the one before; its age counts from when it was learned.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import JSONBody
from msgspec import Meta

from centralino.api.commands import CommandDone, IdempotencyKey, Name, carry_out, command_route
from centralino.api.door import Door
from centralino.api.instants import instant_of
from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.routing.score_commands import LearnScores

Text = Annotated[str, Meta(min_length=1, max_length=128)]
Score = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Level = Annotated[int, Meta(ge=1, le=10)]


class ScoresBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learned of agents for waits of a queue."""

    scores: Annotated[dict[Text, Score], Meta(max_length=10_000)]
    """Agent to score, larger is better; an agent left out counts as 0."""
    at: Annotated[datetime, Meta(tz=True)]
    """When it was learned; older than what is known is refused."""
    skills: Annotated[dict[Text, Level], Meta(max_length=32)] = {}
    """Only for waits that ask for exactly these levels beside what the queue asks for."""
    good_for_s: Annotated[int, Meta(ge=1, le=90 * 86_400)] = 7 * 86_400
    """Seconds from `at`; afterwards the one idle longest is asked again."""
    source: Annotated[str, Meta(max_length=64)] = ""
    """What learned it, such as the version of a model."""


@command_route("/v1/queues/{queue:str}/scores", "learn_scores")
async def learn_scores(
    door: Door, queue: Name, idempotency_key: IdempotencyKey, data: JSONBody[ScoresBody]
) -> CommandDone:
    """Let a queue that chooses by prediction take scores, in the place of those it has."""
    command = LearnScores(
        queue=QueueId(queue),
        scores={AgentId(agent): score for agent, score in data.scores.items()},
        at=instant_of(data.at),
        skills=data.skills,
        good_for_ms=data.good_for_s * 1000,
        source=data.source,
    )
    return await carry_out(door, command, queue, idempotency_key)


ROUTES = (learn_scores,)
