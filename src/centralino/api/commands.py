# SPDX-License-Identifier: Apache-2.0
"""Commands over HTTP: each happens once, whatever the network does.

The caller names each command with an ``Idempotency-Key``. The answer comes when the decision
is durable, and the same key has the same answer ever after; with another command it is
refused. Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import HeaderParameter, JSONBody, PathParameter
from msgspec import Meta

from centralino.api.door import Door
from centralino.api.errors import problem_specs
from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions.commands import EndInteraction
from centralino.core.kernel.ids import AgentId, InteractionId
from centralino.exchange.control import LONGEST_KEY, ControlCommand

TAGS = ["commands"]
PROBLEMS = problem_specs(400, 401, 403, 404, 409, 413, 422, 503, 504)

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for this command, new for each; repeat it to ask again.",
    ),
]
Name = Annotated[str, PathParameter(min_length=1, max_length=LONGEST_KEY)]


class NotReady(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an agent is to be not ready."""

    reason: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
            description="A code such as `break`, `meeting`, `training`; no free text.",
        ),
    ]


class CommandDone(msgspec.Struct, frozen=True, kw_only=True):
    """The command was decided and is durable; the live state shows what came of it."""

    command: str
    target: str
    idempotency_key: str


def command_route(path: str, operation_id: str) -> post:
    """Return what makes a function the route of one command."""
    return post(path, tags=TAGS, operation_id=operation_id, status_code=200, responses=PROBLEMS)


async def carry_out(door: Door, command: ControlCommand, target: str, key: str) -> CommandDone:
    """Hand a command in; returns when its decision is durable."""
    await door.submit(command, key)
    name = str(type(command).__struct_config__.tag)
    return CommandDone(command=name, target=target, idempotency_key=key)


@command_route("/v1/agents/{agent:str}/ready", "make_agent_ready")
async def make_agent_ready(door: Door, agent: Name, idempotency_key: IdempotencyKey) -> CommandDone:
    """Make an agent ready; during an interaction it takes effect after wrap-up."""
    return await carry_out(door, MakeAgentReady(agent=AgentId(agent)), agent, idempotency_key)


@command_route("/v1/agents/{agent:str}/not-ready", "make_agent_not_ready")
async def make_agent_not_ready(
    door: Door, agent: Name, idempotency_key: IdempotencyKey, data: JSONBody[NotReady]
) -> CommandDone:
    """Make an agent not ready; during an interaction it takes effect after wrap-up."""
    command = MakeAgentNotReady(agent=AgentId(agent), reason=data.reason)
    return await carry_out(door, command, agent, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/end", "end_interaction")
async def end_interaction(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey
) -> CommandDone:
    """End an interaction: the customer's call is hung up, the agent wraps up."""
    command = EndInteraction(interaction=InteractionId(interaction))
    return await carry_out(door, command, interaction, idempotency_key)


ROUTES = (make_agent_ready, make_agent_not_ready, end_interaction)
