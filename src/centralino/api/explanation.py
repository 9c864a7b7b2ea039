# SPDX-License-Identifier: Apache-2.0
"""Why an interaction waits, over HTTP: per agent the rule against him, per queue who is next."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from centralino.api import views
from centralino.api.door import Door
from centralino.api.errors import problem_specs
from centralino.core.kernel.ids import InteractionId
from centralino.core.kernel.instant import MILLISECOND, SECOND, Instant, to_iso
from centralino.core.routing.explain import AgentFinding, Explanation, Prediction, QueueFinding

Moment = Annotated[
    datetime | None,
    QueryParameter(description="The moment that is asked about, ISO 8601; now when left out."),
]


class ExplainedAgent(views.Shown, frozen=True, kw_only=True):
    """One agent, and the first rule that keeps the interaction from him."""

    agent: str
    rule: str
    """``eligible`` when none does; the other words are in the reference of routing."""
    text: str
    """For a person."""
    until: str | None
    """When the rule ends by itself if nothing else changes."""
    takes_first: str | None
    """An interaction that he gets before this one."""


class ExplainedQueue(views.Shown, frozen=True, kw_only=True):
    """One queue: who is next in it and why he waits."""

    queue: str
    waiting: int
    next: str
    waits_since: str
    why: dict[str, int]
    """Rule to how many agents it excludes."""
    changes_at: str | None
    """The first instant at which one of those rules ends by itself."""


class ExplainedPrediction(views.Shown, frozen=True, kw_only=True):
    """What is predicted of agents for the interaction, and whether that chooses."""

    signature: str
    """What the scores are for: the queue, or its waits that ask for just the same."""
    is_held_out: bool
    """The one idle longest is asked all the same, to compare with."""
    source: str
    learned_at: str | None
    """Null when nothing is known: then the one idle longest is asked."""
    until: str | None
    """When they are too old."""
    scores: dict[str, int]


class InteractionExplanation(views.Shown, frozen=True, kw_only=True):
    """Why an interaction is where it is at a moment."""

    interaction: str
    at: str
    state: str
    text: str
    """In one sentence, for a person."""
    queue: str | None
    channel: str
    priority: int
    waited_ms: int | None
    ahead: int | None
    """Who is before it in its queue; null when it does not wait."""
    agent: str | None
    asked: tuple[str, ...]
    """Who is being offered it."""
    agents: tuple[ExplainedAgent, ...]
    other_agents: int
    """Agents whom it could never come to."""
    queues: tuple[ExplainedQueue, ...]
    prediction: ExplainedPrediction | None
    """Null where the queue does not choose by prediction."""


@get(
    "/v1/interactions/{interaction:str}/explanation",
    tags=["live state"],
    operation_id="explain_interaction",
    responses=problem_specs(400, 401, 404, 422, 503),
)
async def explain_interaction(
    door: Door, interaction: FromPath[str], at: Moment = None
) -> InteractionExplanation:
    """Say why an interaction waits, now or at any moment of the past."""
    moment = None if at is None else _instant(at)
    return shown(await door.explain(InteractionId(interaction), moment))


def shown(found: Explanation) -> InteractionExplanation:
    """Return an explanation as it is answered."""
    waited = None if found.waits_since is None else found.at - found.waits_since
    return InteractionExplanation(
        interaction=found.interaction,
        at=to_iso(found.at),
        state=found.state,
        text=found.text,
        queue=found.queue,
        channel=found.channel,
        priority=found.priority,
        waited_ms=None if waited is None else waited // MILLISECOND,
        ahead=found.ahead,
        agent=found.agent,
        asked=found.asked,
        agents=tuple(_agent(one) for one in found.agents),
        other_agents=found.others,
        queues=tuple(_queue(one) for one in found.queues),
        prediction=None if found.prediction is None else _prediction(found.prediction),
    )


def _agent(one: AgentFinding) -> ExplainedAgent:
    return ExplainedAgent(
        agent=one.agent,
        rule=one.rule.value,
        text=one.text,
        until=_time(one.until),
        takes_first=one.takes_first,
    )


def _queue(one: QueueFinding) -> ExplainedQueue:
    return ExplainedQueue(
        queue=one.queue,
        waiting=one.waiting,
        next=one.next,
        waits_since=to_iso(one.waits_since),
        why=one.why,
        changes_at=_time(one.changes_at),
    )


def _prediction(one: Prediction) -> ExplainedPrediction:
    return ExplainedPrediction(
        signature=one.signature,
        is_held_out=one.is_held_out,
        source=one.source,
        learned_at=_time(one.learned_at),
        until=_time(one.until),
        scores={str(agent): score for agent, score in one.scores.items()},
    )


def _time(at: Instant | None) -> str | None:
    return None if at is None else to_iso(at)


def _instant(at: datetime) -> Instant:
    """Return a moment; one without an offset is taken for UTC."""
    seconds = (
        at.timestamp()
        if at.tzinfo is not None
        else datetime.fromisoformat(at.isoformat() + "+00:00").timestamp()
    )
    return Instant(round(seconds * 1_000_000) * (SECOND // 1_000_000))


ROUTES = (explain_interaction,)
