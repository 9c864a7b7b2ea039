# SPDX-License-Identifier: Apache-2.0
"""The life of a leg as one table, from the first message to its ``Ended`` fact.

A leg is one party's connection. Its SIP session may change (a transfer, a replaced dialog)
without a step here: the party does. ``closing`` is the short while in which the media
worker hands over its last figures and a recording is finished; nothing can be ordered of a
leg then. ``ended`` is reached exactly once, and only there the ``Ended`` fact is told.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class LegState(StrEnum):
    """Where a leg stands."""

    NEW = "new"
    OFFERED = "offered"
    """Came in; waits for the exchange's word."""
    ANSWERING = "answering"
    """Our 200 is on its way; the ACK is not here."""
    INVITING = "inviting"
    """Our INVITE is out, nothing rings yet."""
    RINGING = "ringing"
    """The far side reported progress: this attempt is never repeated elsewhere."""
    CANCELLING = "cancelling"
    """We gave up; the far side has not confirmed."""
    ANSWERED = "answered"
    CLOSING = "closing"
    ENDED = "ended"


class LegEvent(StrEnum):
    """What can happen to a leg."""

    OFFER = "offer"
    ANSWER = "answer"
    ESTABLISH = "establish"
    INVITE = "invite"
    PROGRESS = "progress"
    RETRY = "retry"
    CANCEL = "cancel"
    CONNECT = "connect"
    RESTORE = "restore"
    CLOSE = "close"
    END = "end"


_S, _E = LegState, LegEvent
_LIVE = (_S.OFFERED, _S.ANSWERING, _S.INVITING, _S.RINGING, _S.CANCELLING, _S.ANSWERED)

LEG = Lifecycle(
    name="leg",
    initial=LegState.NEW,
    terminal=frozenset({LegState.ENDED}),
    table={
        (_S.NEW, _E.OFFER): _S.OFFERED,
        (_S.NEW, _E.INVITE): _S.INVITING,
        (_S.NEW, _E.RESTORE): _S.ANSWERED,
        (_S.OFFERED, _E.ANSWER): _S.ANSWERING,
        (_S.ANSWERING, _E.ESTABLISH): _S.ANSWERED,
        (_S.INVITING, _E.PROGRESS): _S.RINGING,
        (_S.RINGING, _E.PROGRESS): _S.RINGING,
        (_S.INVITING, _E.RETRY): _S.INVITING,
        (_S.RINGING, _E.RETRY): _S.INVITING,
        (_S.INVITING, _E.CANCEL): _S.CANCELLING,
        (_S.RINGING, _E.CANCEL): _S.CANCELLING,
        (_S.INVITING, _E.CONNECT): _S.ANSWERED,
        (_S.RINGING, _E.CONNECT): _S.ANSWERED,
        **{(state, _E.CLOSE): _S.CLOSING for state in _LIVE},
        (_S.CLOSING, _E.END): _S.ENDED,
    },
)
"""Every transition; anything else raises ``IllegalTransition``."""

REPORTED = {
    LegState.OFFERED: "offered",
    LegState.ANSWERING: "offered",
    LegState.INVITING: "inviting",
    LegState.RINGING: "inviting",
    LegState.CANCELLING: "inviting",
    LegState.ANSWERED: "answered",
}
"""The word of ``facts.LegStatus`` for each state that is listed."""
