# SPDX-License-Identifier: Apache-2.0
"""The life of a consult: an agent in a conversation asks a colleague, as one table.

Each state is a lease. While it lasts the customer hears music and loses nothing: whatever
ends it, he has his agent again, or the colleague, or waits on with the place he had. A
colleague whose answer would not count any more stays reserved until his phone is quiet.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class ConsultState(StrEnum):
    """Where a consult is."""

    REQUESTED = "requested"
    """The colleague's phone is being called."""
    RINGING = "ringing"
    """It rings."""
    TALKING = "talking"
    """Agent and colleague talk."""
    CLOSING = "closing"
    """It is over for the one who asked; the colleague's phone is being silenced."""
    COMPLETED = "completed"
    """The colleague has the customer."""
    RETURNED = "returned"
    """They have talked, and the agent has his customer again."""
    DECLINED = "declined"
    """The colleague did not want to, or his phone was busy."""
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    """The colleague could not be reached."""
    EXPIRED = "expired"
    """They talked longer than a customer may be kept waiting."""
    ABANDONED = "abandoned"
    """The customer, or the one who asked, did not wait for it."""


class ConsultStep(StrEnum):
    """What moves a consult from one state to the next."""

    RANG = "rang"
    ANSWERED = "answered"
    RECALLED = "recalled"
    COMPLETED = "completed"
    RETURNED = "returned"
    DECLINED = "declined"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


_S = ConsultState
_E = ConsultStep

CONSULT: Lifecycle[ConsultState, ConsultStep] = Lifecycle(
    name="consult",
    initial=_S.REQUESTED,
    terminal=frozenset(
        {
            _S.COMPLETED,
            _S.RETURNED,
            _S.DECLINED,
            _S.NO_ANSWER,
            _S.FAILED,
            _S.EXPIRED,
            _S.ABANDONED,
        }
    ),
    table={
        (_S.REQUESTED, _E.RANG): _S.RINGING,
        (_S.REQUESTED, _E.ANSWERED): _S.TALKING,
        (_S.REQUESTED, _E.RECALLED): _S.CLOSING,
        (_S.REQUESTED, _E.DECLINED): _S.DECLINED,
        (_S.REQUESTED, _E.NO_ANSWER): _S.NO_ANSWER,
        (_S.REQUESTED, _E.FAILED): _S.FAILED,
        (_S.RINGING, _E.ANSWERED): _S.TALKING,
        (_S.RINGING, _E.RECALLED): _S.CLOSING,
        (_S.RINGING, _E.DECLINED): _S.DECLINED,
        (_S.RINGING, _E.NO_ANSWER): _S.NO_ANSWER,
        (_S.RINGING, _E.FAILED): _S.FAILED,
        (_S.TALKING, _E.COMPLETED): _S.COMPLETED,
        (_S.TALKING, _E.RETURNED): _S.RETURNED,
        (_S.TALKING, _E.RECALLED): _S.CLOSING,
        (_S.CLOSING, _E.RETURNED): _S.RETURNED,
        (_S.CLOSING, _E.DECLINED): _S.DECLINED,
        (_S.CLOSING, _E.EXPIRED): _S.EXPIRED,
        (_S.CLOSING, _E.ABANDONED): _S.ABANDONED,
    },
)
"""Every legal step of a consult."""
