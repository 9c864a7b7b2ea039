# SPDX-License-Identifier: Apache-2.0
"""The life of an agent between calls, as one table.

An agent is free only in ``ready``. ``reserved`` is a lease with a deadline: it ends by
itself, whatever the phone network does. Wrap-up belongs to the agent, not to a queue.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class AgentState(StrEnum):
    """Where an agent is."""

    NOT_READY = "not-ready"
    """Not to be rung; a reason is always given."""
    READY = "ready"
    """Free: may be rung at any moment."""
    RESERVED = "reserved"
    """One interaction is offered to him, or just recalled and his phone not yet quiet."""
    CONNECTED = "connected"
    """Talks to a customer."""
    CONSULTING = "consulting"
    """A colleague who talks to a customer asks him, or rings him for that."""
    WRAP_UP = "wrap-up"
    """Finishes what the interaction left to do."""


class AgentStep(StrEnum):
    """What moves an agent from one state to the next."""

    READIED = "readied"
    UNREADIED = "unreadied"
    RESERVED = "reserved"
    RELEASED = "released"
    MISSED = "missed"
    CONNECTED = "connected"
    CONSULTED = "consulted"
    WRAPPED = "wrapped"


_S = AgentState
_E = AgentStep

AGENT: Lifecycle[AgentState, AgentStep] = Lifecycle(
    name="agent",
    initial=_S.NOT_READY,
    terminal=frozenset(),
    table={
        (_S.NOT_READY, _E.READIED): _S.READY,
        (_S.NOT_READY, _E.UNREADIED): _S.NOT_READY,
        (_S.READY, _E.UNREADIED): _S.NOT_READY,
        (_S.READY, _E.RESERVED): _S.RESERVED,
        (_S.RESERVED, _E.RELEASED): _S.READY,
        (_S.RESERVED, _E.MISSED): _S.NOT_READY,
        (_S.RESERVED, _E.CONNECTED): _S.CONNECTED,
        (_S.READY, _E.CONSULTED): _S.CONSULTING,
        (_S.CONSULTING, _E.RELEASED): _S.READY,
        (_S.CONSULTING, _E.MISSED): _S.NOT_READY,
        (_S.CONSULTING, _E.CONNECTED): _S.CONNECTED,
        (_S.CONNECTED, _E.MISSED): _S.NOT_READY,
        (_S.CONNECTED, _E.WRAPPED): _S.WRAP_UP,
        (_S.WRAP_UP, _E.READIED): _S.READY,
        (_S.WRAP_UP, _E.UNREADIED): _S.NOT_READY,
    },
)
"""Every legal step of an agent."""


class NotReadyReason(StrEnum):
    """Why an agent is not ready, where the system decided it; people may give their own."""

    SIGNED_OUT = "signed-out"
    MISSED_OFFER = "missed-offer"
    DECLINED_OFFER = "declined-offer"
    PHONE_BUSY = "phone-busy"
    TECHNICAL_ISSUE = "technical-issue"
    PHONE_NOT_FOUND = "phone-not-found"
    """Nobody has his number or address: the tenant's file or the directory is wrong."""
