# SPDX-License-Identifier: Apache-2.0
"""The life of an offer: one interaction presented to one agent, as one table.

An offer is a lease: it has a deadline and ends by it, whatever the driver reports. A
recalled offer keeps its agent reserved until his phone is quiet, so that he is never
rung twice at once.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class OfferState(StrEnum):
    """Where an offer is."""

    MADE = "made"
    """The agent's phone is being called."""
    RINGING = "ringing"
    """The agent's phone rings."""
    ANSWERED = "answered"
    """The agent answered first and is told something before he is connected."""
    RECALLED = "recalled"
    """His answer would not count any more; the agent's phone is being silenced."""
    ACCEPTED = "accepted"
    MISSED = "missed"
    DECLINED = "declined"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class OfferStep(StrEnum):
    """What moves an offer from one state to the next."""

    RANG = "rang"
    ANSWERED = "answered"
    RECALLED = "recalled"
    ACCEPTED = "accepted"
    MISSED = "missed"
    DECLINED = "declined"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


_S = OfferState
_E = OfferStep

OFFER: Lifecycle[OfferState, OfferStep] = Lifecycle(
    name="offer",
    initial=_S.MADE,
    terminal=frozenset({_S.ACCEPTED, _S.MISSED, _S.DECLINED, _S.FAILED, _S.WITHDRAWN}),
    table={
        (_S.MADE, _E.RANG): _S.RINGING,
        (_S.MADE, _E.RECALLED): _S.RECALLED,
        (_S.MADE, _E.ACCEPTED): _S.ACCEPTED,
        (_S.MADE, _E.MISSED): _S.MISSED,
        (_S.MADE, _E.DECLINED): _S.DECLINED,
        (_S.MADE, _E.FAILED): _S.FAILED,
        (_S.RINGING, _E.RECALLED): _S.RECALLED,
        (_S.RINGING, _E.ACCEPTED): _S.ACCEPTED,
        (_S.RINGING, _E.MISSED): _S.MISSED,
        (_S.RINGING, _E.DECLINED): _S.DECLINED,
        (_S.RINGING, _E.FAILED): _S.FAILED,
        (_S.MADE, _E.ANSWERED): _S.ANSWERED,
        (_S.RINGING, _E.ANSWERED): _S.ANSWERED,
        (_S.ANSWERED, _E.RECALLED): _S.RECALLED,
        (_S.ANSWERED, _E.ACCEPTED): _S.ACCEPTED,
        (_S.ANSWERED, _E.MISSED): _S.MISSED,
        (_S.ANSWERED, _E.DECLINED): _S.DECLINED,
        (_S.ANSWERED, _E.FAILED): _S.FAILED,
        (_S.RECALLED, _E.WITHDRAWN): _S.WITHDRAWN,
    },
)
"""Every legal step of an offer."""
