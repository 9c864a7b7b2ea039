# SPDX-License-Identifier: Apache-2.0
"""The life of an interaction, from arrival to its one terminal state, as one table.

A missed or failed offer returns the interaction to ``queued`` with the place it had.
``ended`` is never left: what a phone network reports afterwards changes nothing.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class InteractionState(StrEnum):
    """Where an interaction is."""

    ARRIVED = "arrived"
    """The call is there and is being answered."""
    GREETED = "greeted"
    """The customer hears the greeting."""
    CHOOSING = "choosing"
    """The customer hears the menu, a key is awaited."""
    IN_FLOW = "in-flow"
    """A flow treats the customer; he waits for nobody, or for a party that is being rung."""
    QUEUED = "queued"
    """Waits for an agent, with music."""
    OFFERED = "offered"
    """An agent is being rung; the customer still hears music."""
    CONNECTED = "connected"
    """Customer and agent talk."""
    TRANSFERRED = "transferred"
    """Customer and a party outside our queues talk."""
    DIALLING = "dialling"
    """The customer is being called back, with nobody reserved for him; his place is kept."""
    DISMISSED = "dismissed"
    """The customer hears why he is let go."""
    WRAP_UP = "wrap-up"
    """The customer has gone; the agent finishes."""
    ENDED = "ended"


class InteractionStep(StrEnum):
    """What moves an interaction from one state to the next."""

    GREETED = "greeted"
    PROMPTED = "prompted"
    FLOWED = "flowed"
    QUEUED = "queued"
    DEQUEUED = "dequeued"
    OFFERED = "offered"
    RETURNED = "returned"
    CONNECTED = "connected"
    TRANSFERRED = "transferred"
    BROKEN = "broken"
    FORSAKEN = "forsaken"
    DIALLED = "dialled"
    REACHED = "reached"
    DISMISSED = "dismissed"
    HANDED_ON = "handed-on"
    RELEASED = "released"
    ENDED = "ended"


_S = InteractionState
_E = InteractionStep

INTERACTION: Lifecycle[InteractionState, InteractionStep] = Lifecycle(
    name="interaction",
    initial=_S.ARRIVED,
    terminal=frozenset({_S.ENDED}),
    table={
        (_S.ARRIVED, _E.GREETED): _S.GREETED,
        (_S.ARRIVED, _E.QUEUED): _S.QUEUED,
        (_S.ARRIVED, _E.ENDED): _S.ENDED,
        (_S.GREETED, _E.PROMPTED): _S.CHOOSING,
        (_S.GREETED, _E.ENDED): _S.ENDED,
        (_S.CHOOSING, _E.PROMPTED): _S.CHOOSING,
        (_S.CHOOSING, _E.QUEUED): _S.QUEUED,
        (_S.CHOOSING, _E.ENDED): _S.ENDED,
        (_S.ARRIVED, _E.FLOWED): _S.IN_FLOW,
        (_S.IN_FLOW, _E.FLOWED): _S.IN_FLOW,
        (_S.IN_FLOW, _E.QUEUED): _S.QUEUED,
        (_S.IN_FLOW, _E.TRANSFERRED): _S.TRANSFERRED,
        (_S.IN_FLOW, _E.ENDED): _S.ENDED,
        (_S.TRANSFERRED, _E.ENDED): _S.ENDED,
        (_S.QUEUED, _E.FLOWED): _S.QUEUED,
        (_S.QUEUED, _E.DEQUEUED): _S.IN_FLOW,
        (_S.OFFERED, _E.FLOWED): _S.OFFERED,
        (_S.OFFERED, _E.DEQUEUED): _S.IN_FLOW,
        (_S.QUEUED, _E.OFFERED): _S.OFFERED,
        (_S.QUEUED, _E.ENDED): _S.ENDED,
        (_S.OFFERED, _E.OFFERED): _S.OFFERED,
        (_S.OFFERED, _E.RETURNED): _S.QUEUED,
        (_S.OFFERED, _E.CONNECTED): _S.CONNECTED,
        (_S.OFFERED, _E.ENDED): _S.ENDED,
        (_S.CONNECTED, _E.FLOWED): _S.CONNECTED,
        (_S.CONNECTED, _E.HANDED_ON): _S.TRANSFERRED,
        (_S.CONNECTED, _E.BROKEN): _S.OFFERED,
        (_S.CONNECTED, _E.FORSAKEN): _S.QUEUED,
        (_S.CONNECTED, _E.RELEASED): _S.WRAP_UP,
        (_S.WRAP_UP, _E.ENDED): _S.ENDED,
        (_S.QUEUED, _E.DIALLED): _S.DIALLING,
        (_S.DIALLING, _E.REACHED): _S.QUEUED,
        (_S.DIALLING, _E.ENDED): _S.ENDED,
        (_S.OFFERED, _E.DIALLED): _S.OFFERED,
        (_S.OFFERED, _E.REACHED): _S.OFFERED,
        (_S.IN_FLOW, _E.DISMISSED): _S.DISMISSED,
        (_S.QUEUED, _E.DISMISSED): _S.DISMISSED,
        (_S.ARRIVED, _E.DISMISSED): _S.DISMISSED,
        (_S.DISMISSED, _E.ENDED): _S.ENDED,
    },
)
"""Every legal step of an interaction."""
