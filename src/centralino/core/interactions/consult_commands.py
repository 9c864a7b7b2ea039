# SPDX-License-Identifier: Apache-2.0
"""What agents may ask of a consult. Each is legal to repeat while it still makes sense."""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId, InteractionId


class ConsultCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all these commands carry."""

    agent: AgentId
    """Who wants it."""
    interaction: InteractionId
    """The call it is about."""


class RequestConsult(ConsultCommand, frozen=True, tag="request-consult"):
    """Ask a colleague while the customer hears music.

    One of the two is given: an agent or expert who is free, or a number.
    """

    colleague: AgentId | None = None
    number: str = ""
    """E.164 with ``+``."""


class CompleteConsult(ConsultCommand, frozen=True, tag="complete-consult"):
    """Leave the customer to the colleague with whom one talks."""


class EndConsult(ConsultCommand, frozen=True, tag="end-consult"):
    """End it. Who asked has his customer again; the colleague declines, or hangs up."""


AnyConsultCommand = RequestConsult | CompleteConsult | EndConsult
"""Every command about consults."""
