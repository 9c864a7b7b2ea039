# SPDX-License-Identifier: Apache-2.0
"""Reading the live state over HTTP: all of it, or one kind, or one thing."""

from __future__ import annotations

from typing import Annotated, TypeVar

from litestar import get
from litestar.params import FromPath, QueryParameter

from centralino.api import views
from centralino.api.door import Door
from centralino.api.errors import problem_specs
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import AgentId, InteractionId, QueueId
from centralino.core.kernel.instant import to_iso

MOST_LISTED = 1000
Limit = Annotated[
    int, QueryParameter(ge=1, le=MOST_LISTED, description="How many to return; the first ones.")
]
TAGS = ["live state"]
ALL = problem_specs(400, 401, 422, 503)
ONE = problem_specs(400, 401, 404, 422, 503)

Thing = TypeVar("Thing")


class AgentPage(views.Shown, frozen=True, kw_only=True):
    """Some agents."""

    at: str
    total: int
    agents: tuple[views.Agent, ...]


class InteractionPage(views.Shown, frozen=True, kw_only=True):
    """Some interactions, oldest first."""

    at: str
    total: int
    interactions: tuple[views.Interaction, ...]


class QueuePage(views.Shown, frozen=True, kw_only=True):
    """Some queues."""

    at: str
    total: int
    queues: tuple[views.Queue, ...]


class CallbackPage(views.Shown, frozen=True, kw_only=True):
    """Some customers who are to be called back."""

    at: str
    total: int
    callbacks: tuple[views.Callback, ...]


class TrunkPage(views.Shown, frozen=True, kw_only=True):
    """All trunks."""

    at: str
    trunks: tuple[views.Trunk, ...]
    alarms: tuple[views.Alarm, ...]


class EventPage(views.Shown, frozen=True, kw_only=True):
    """The last events, oldest first."""

    at: str
    events: tuple[views.Event, ...]


@get("/v1/live", tags=TAGS, operation_id="read_live_state", responses=ALL)
async def read_live_state(door: Door) -> views.LiveState:
    """Read everything live at once. The stream says the same and keeps it up to date."""
    return views.live_state(door.replica(), door.health, door.now())


@get("/v1/live/queues", tags=TAGS, operation_id="list_queues", responses=ALL)
async def list_queues(door: Door, limit: Limit = MOST_LISTED) -> QueuePage:
    """List the queues: who waits, how long, and what the agents do."""
    replica = door.replica()
    found = views.queues(replica, door.now())
    return QueuePage(at=to_iso(door.now()), total=len(found), queues=found[:limit])


@get("/v1/live/queues/{queue:str}", tags=TAGS, operation_id="read_queue", responses=ONE)
async def read_queue(door: Door, queue: FromPath[str]) -> views.Queue:
    """Read one queue."""
    replica = door.replica()
    _require(replica.queues.get(QueueId(queue)), "queue")
    return next(one for one in views.queues(replica, door.now()) if one.id == queue)


@get("/v1/live/agents", tags=TAGS, operation_id="list_agents", responses=ALL)
async def list_agents(door: Door, limit: Limit = MOST_LISTED) -> AgentPage:
    """List the agents and their states."""
    replica = door.replica()
    membership = views.memberships(replica)
    found = [views.agent(one, membership) for one in list(replica.agents)[:limit]]
    return AgentPage(at=to_iso(door.now()), total=len(replica.agents), agents=tuple(found))


@get("/v1/live/agents/{agent:str}", tags=TAGS, operation_id="read_agent", responses=ONE)
async def read_agent(door: Door, agent: FromPath[str]) -> views.Agent:
    """Read one agent."""
    replica = door.replica()
    view = _require(replica.agents.get(AgentId(agent)), "agent")
    return views.agent(view, views.memberships(replica))


@get("/v1/live/interactions", tags=TAGS, operation_id="list_interactions", responses=ALL)
async def list_interactions(door: Door, limit: Limit = MOST_LISTED) -> InteractionPage:
    """List the interactions that have not ended."""
    replica = door.replica()
    found = [views.interaction(one) for one in list(replica.interactions)[:limit]]
    return InteractionPage(
        at=to_iso(door.now()), total=len(replica.interactions), interactions=tuple(found)
    )


@get(
    "/v1/live/interactions/{interaction:str}",
    tags=TAGS,
    operation_id="read_interaction",
    responses=ONE,
)
async def read_interaction(door: Door, interaction: FromPath[str]) -> views.Interaction:
    """Read one interaction that has not ended."""
    found = door.replica().interactions.get(InteractionId(interaction))
    return views.interaction(_require(found, "interaction"))


@get("/v1/live/callbacks", tags=TAGS, operation_id="list_callbacks", responses=ALL)
async def list_callbacks(door: Door, limit: Limit = MOST_LISTED) -> CallbackPage:
    """List those who are to be called back, until they are reached or given up."""
    replica = door.replica()
    found = [views.callback(one) for one in list(replica.callbacks)[:limit]]
    return CallbackPage(at=to_iso(door.now()), total=len(replica.callbacks), callbacks=tuple(found))


@get("/v1/live/trunks", tags=TAGS, operation_id="list_trunks", responses=ALL)
async def list_trunks(door: Door) -> TrunkPage:
    """List the trunks' health and the alarms in force."""
    replica = door.replica()
    return TrunkPage(
        at=to_iso(door.now()),
        trunks=tuple(views.trunk(one) for one in replica.trunks),
        alarms=tuple(views.alarm(one) for one in replica.alarms),
    )


@get("/v1/live/events", tags=TAGS, operation_id="list_events", responses=ALL)
async def list_events(door: Door, limit: Limit = 50) -> EventPage:
    """List the last events."""
    found = [views.event(one) for _, one in door.replica().events]
    return EventPage(at=to_iso(door.now()), events=tuple(found[-limit:]))


def _require(found: Thing | None, kind: str) -> Thing:
    if found is None:
        raise NotFound(f"there is no such {kind}")
    return found


ROUTES = (
    read_live_state,
    list_queues,
    read_queue,
    list_agents,
    read_agent,
    list_interactions,
    read_interaction,
    list_callbacks,
    list_trunks,
    list_events,
)
