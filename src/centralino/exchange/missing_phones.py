# SPDX-License-Identifier: Apache-2.0
"""Agents whose number or address nobody has: a health hint for whoever keeps the tenant.

Such an agent is not ready with the reason ``phone-not-found`` and tried again at growing
distances; this says so once, for all of a tenant together, until it is mended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import NotReadyReason
from centralino.core.interactions.consult_events import ConsultAnswered, ConsultEnded
from centralino.core.interactions.events import OfferAccepted, OfferFailed
from centralino.core.kernel.ids import AgentId, LegId, TenantId
from centralino.core.routing.events import TenantConfigured
from centralino.exchange.facts import Alarm

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

CODE = "agent-phone-not-found"
MOST_NAMED = 10
_WATCHED = frozenset({OfferFailed, OfferAccepted, ConsultEnded, ConsultAnswered, TenantConfigured})


class MissingPhones:
    """Remembers them, and makes the alarm when something has changed."""

    def __init__(self) -> None:
        self._agents: dict[TenantId, set[AgentId]] = {}

    def take(self, tenant: TenantId, decision: Decision) -> Alarm | None:
        """Note a durable decision; return the alarm to raise or clear, ``None`` for no news."""
        if not any(type(event) in _WATCHED for event in decision.events):
            return None
        known = self._agents.setdefault(tenant, set())
        before = frozenset(known)
        for event in decision.events:
            match event:
                case OfferFailed(reason=NotReadyReason.PHONE_NOT_FOUND):
                    known.add(event.agent)
                case OfferAccepted():
                    known.discard(event.agent)
                case ConsultEnded(colleague=str(name), reason=NotReadyReason.PHONE_NOT_FOUND):
                    known.add(name)
                case ConsultAnswered(colleague=str(name)):
                    known.discard(name)
                case TenantConfigured():
                    known.clear()
                case _:
                    pass
        if known == before:
            return None
        return Alarm(
            leg=LegId(""),
            at=decision.at,
            code=CODE,
            text=_text(known),
            trunk=tenant,
            is_cleared=not known,
        )


def _text(agents: set[AgentId]) -> str:
    if not agents:
        return "every agent's telephone was found"
    named = ", ".join(sorted(agents)[:MOST_NAMED])
    more = f" and {len(agents) - MOST_NAMED} more" if len(agents) > MOST_NAMED else ""
    return (
        f"nobody has the number or address of {named}{more}: "
        "look at the tenant's file, and whether the user has a Teams Phone licence and number"
    )
