# SPDX-License-Identifier: Apache-2.0
"""What happened to a tenant as a whole, and the union of all events of the core."""

from __future__ import annotations

import msgspec

from centralino.core.agents.events import AnyAgentEvent
from centralino.core.interactions.callback_events import AnyCallbackEvent
from centralino.core.interactions.consult_events import AnyConsultEvent
from centralino.core.interactions.events import AnyInteractionEvent
from centralino.core.interactions.flow_events import AnyFlowEvent
from centralino.core.interactions.queue_events import AnyQueueEvent
from centralino.core.interactions.wait_events import AnyWaitEvent
from centralino.core.routing.configuration import TenantConfiguration
from centralino.core.routing.score_events import AnyScoreEvent


class TenantConfigured(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tenant.configured"
):
    """A configuration is in force from here."""

    version: int
    """Grows by one with each configuration of the tenant, from 1."""
    configuration: TenantConfiguration


Event = (
    TenantConfigured
    | AnyAgentEvent
    | AnyInteractionEvent
    | AnyFlowEvent
    | AnyQueueEvent
    | AnyCallbackEvent
    | AnyConsultEvent
    | AnyWaitEvent
    | AnyScoreEvent
)
"""Every event of the core."""
