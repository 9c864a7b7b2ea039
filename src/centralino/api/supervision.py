# SPDX-License-Identifier: Apache-2.0
"""Commands of people in charge over HTTP: queues, those who wait in them, callbacks, wrap-up.

Each happens once per ``Idempotency-Key``, as ``commands`` tells; what it leads to is in the
live state. A refusal says what is so instead, for example who is offered already.
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
from centralino.core.agents.commands import ExtendWrapUp, FinishWrapUp
from centralino.core.interactions import supervision as asked
from centralino.core.interactions.limits import ActionKind, QueueAction
from centralino.core.kernel.ids import AgentId, CallbackId, InteractionId, QueueId

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
Priority = Annotated[int, Meta(ge=0, le=9, description="Smaller is served first.")]
Text = Annotated[str, Meta(min_length=1, max_length=128)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies are."""


class ClosureBody(_Body, frozen=True, kw_only=True):
    """How a queue is closed."""

    reason: Code
    action: ActionKind = ActionKind.LEAVE
    """What becomes of customers: their flow goes on, another queue, or the end."""
    queue: Annotated[str, Meta(max_length=128)] = ""
    """Where they wait instead."""
    prompts: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    """What they hear before the end."""
    keeps_waiting: bool = False
    """Those who wait already may stay."""


class PriorityBody(_Body, frozen=True, kw_only=True):
    """Another priority."""

    priority: Priority


class PlaceBody(_Body, frozen=True, kw_only=True):
    """Another queue."""

    queue: Text
    priority: Priority | None = None
    """The queue's own when left out."""


class AgentBody(_Body, frozen=True, kw_only=True):
    """Whom it is about."""

    agent: Text


class CallbackBody(_Body, frozen=True, kw_only=True):
    """Whom to call back, and when."""

    number: Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{3,14}$", description="E.164 with `+`.")]
    at: Annotated[datetime, Meta(tz=True)] | None = None
    """Not before; as soon as it is his turn when left out."""
    priority: Priority | None = None
    skills: Annotated[dict[Text, Annotated[int, Meta(ge=1, le=10)]], Meta(max_length=32)] = {}


@command_route("/v1/queues/{queue:str}/close", "close_queue")
async def close_queue(
    door: Door, queue: Name, idempotency_key: IdempotencyKey, data: JSONBody[ClosureBody]
) -> CommandDone:
    """Close a queue in an emergency; those who wait are led away unless they may stay."""
    action = QueueAction(kind=data.action, queue=QueueId(data.queue), prompts=data.prompts)
    command = asked.CloseQueue(
        queue=QueueId(queue), reason=data.reason, action=action, keeps_waiting=data.keeps_waiting
    )
    return await carry_out(door, command, queue, idempotency_key)


@command_route("/v1/queues/{queue:str}/open", "open_queue")
async def open_queue(door: Door, queue: Name, idempotency_key: IdempotencyKey) -> CommandDone:
    """Let a closed queue take customers again."""
    return await carry_out(door, asked.OpenQueue(queue=QueueId(queue)), queue, idempotency_key)


@command_route("/v1/queues/{queue:str}/callbacks", "book_callback")
async def book_callback(
    door: Door, queue: Name, idempotency_key: IdempotencyKey, data: JSONBody[CallbackBody]
) -> CommandDone:
    """Promise to call somebody back, now or at a time."""
    command = asked.BookCallback(
        queue=QueueId(queue),
        number=data.number,
        at=None if data.at is None else instant_of(data.at),
        priority=data.priority,
        skills=data.skills,
    )
    return await carry_out(door, command, queue, idempotency_key)


@command_route("/v1/callbacks/{callback:str}/cancel", "cancel_callback")
async def cancel_callback(
    door: Door, callback: Name, idempotency_key: IdempotencyKey
) -> CommandDone:
    """Call a callback off."""
    command = asked.CancelCallback(callback=CallbackId(callback))
    return await carry_out(door, command, callback, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/priority", "rerank_interaction")
async def rerank_interaction(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[PriorityBody]
) -> CommandDone:
    """Give somebody who waits another priority; since when he waits stays as it is."""
    command = asked.RerankInteraction(
        interaction=InteractionId(interaction), priority=data.priority
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/queue", "requeue_interaction")
async def requeue_interaction(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[PlaceBody]
) -> CommandDone:
    """Let somebody who waits wait in another queue, with the place he has."""
    command = asked.RequeueInteraction(
        interaction=InteractionId(interaction), queue=QueueId(data.queue), priority=data.priority
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/assign", "assign_interaction")
async def assign_interaction(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[AgentBody]
) -> CommandDone:
    """Offer somebody who waits to one free agent; who else is asked for him is let go."""
    command = asked.AssignInteraction(
        interaction=InteractionId(interaction), agent=AgentId(data.agent)
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/pick", "pick_interaction")
async def pick_interaction(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[AgentBody]
) -> CommandDone:
    """Let an agent take somebody who waits, unless he is being offered already."""
    command = asked.PickInteraction(
        interaction=InteractionId(interaction), agent=AgentId(data.agent)
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/agents/{agent:str}/wrap-up/finish", "finish_wrap_up")
async def finish_wrap_up(door: Door, agent: Name, idempotency_key: IdempotencyKey) -> CommandDone:
    """End an agent's wrap-up before its time; outside one it changes nothing."""
    return await carry_out(door, FinishWrapUp(agent=AgentId(agent)), agent, idempotency_key)


@command_route("/v1/agents/{agent:str}/wrap-up/extend", "extend_wrap_up")
async def extend_wrap_up(door: Door, agent: Name, idempotency_key: IdempotencyKey) -> CommandDone:
    """Give an agent more time for his wrap-up, where his queue allows it."""
    return await carry_out(door, ExtendWrapUp(agent=AgentId(agent)), agent, idempotency_key)


ROUTES = (
    close_queue,
    open_queue,
    book_callback,
    cancel_callback,
    rerank_interaction,
    requeue_interaction,
    assign_interaction,
    pick_interaction,
    finish_wrap_up,
    extend_wrap_up,
)
