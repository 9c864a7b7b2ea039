# SPDX-License-Identifier: Apache-2.0
"""Commands of agents about consults over HTTP: ask a colleague, leave him the customer, or not.

Each happens once per ``Idempotency-Key``, as ``commands`` tells; how a consult goes on is in the
live state of its interaction.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import JSONBody
from msgspec import Meta

from centralino.api.commands import CommandDone, IdempotencyKey, Name, carry_out, command_route
from centralino.api.door import Door
from centralino.core.interactions import consult_commands as consults
from centralino.core.kernel.ids import AgentId, InteractionId

Text = Annotated[str, Meta(min_length=1, max_length=128)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies carry."""

    agent: Text
    """Who wants it."""


class ConsultBody(_Body, frozen=True, kw_only=True):
    """Whom an agent asks: a colleague or a number, one of the two."""

    colleague: Text | None = None
    """An agent or expert who is free."""
    number: Annotated[
        str, Meta(pattern=r"^(\+[1-9][0-9]{3,14})?$", description="E.164 with `+`.")
    ] = ""


class ConsultPartBody(_Body, frozen=True, kw_only=True):
    """Whose wish it is."""


@command_route("/v1/interactions/{interaction:str}/consult", "request_consult")
async def request_consult(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[ConsultBody]
) -> CommandDone:
    """Let an agent ask a colleague while his customer hears music."""
    command = consults.RequestConsult(
        agent=AgentId(data.agent),
        interaction=InteractionId(interaction),
        colleague=None if data.colleague is None else AgentId(data.colleague),
        number=data.number,
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/consult/complete", "complete_consult")
async def complete_consult(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[ConsultPartBody]
) -> CommandDone:
    """Leave the customer to the colleague; who asked wraps up."""
    command = consults.CompleteConsult(
        agent=AgentId(data.agent), interaction=InteractionId(interaction)
    )
    return await carry_out(door, command, interaction, idempotency_key)


@command_route("/v1/interactions/{interaction:str}/consult/end", "end_consult")
async def end_consult(
    door: Door, interaction: Name, idempotency_key: IdempotencyKey, data: JSONBody[ConsultPartBody]
) -> CommandDone:
    """End a consult: who asked has his customer again. Without one it changes nothing."""
    command = consults.EndConsult(agent=AgentId(data.agent), interaction=InteractionId(interaction))
    return await carry_out(door, command, interaction, idempotency_key)


ROUTES = (request_consult, complete_consult, end_consult)
