# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a session: one INVITE, the call it makes, and how that ends.

Caller side: calling, proceeding, cancelling. Callee side: invited, answered (2xx sent, no ACK
yet), closing (hung up before the ACK: RFC 3261 15 forbids the BYE until the ACK or its timeout).
Then both: established, ending (BYE on its way), ended. RFC 3261 9, 13, 14, 15.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step

NAME = "session"


class State(StrEnum):
    """Where the session stands."""

    NEW = "new"
    CALLING = "calling"
    PROCEEDING = "proceeding"
    CANCELLING = "cancelling"
    INVITED = "invited"
    ANSWERED = "answered"
    CLOSING = "closing"
    ESTABLISHED = "established"
    ENDING = "ending"
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to it."""

    PLACE = "send-invite"
    INVITE = "invite-received"
    RESTORE = "restore"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    LOST = "no-response"
    RETRY = "invite-again"
    CANCEL = "cancel"
    PEER_CANCEL = "cancel-received"
    RING = "send-1xx"
    ANSWER = "send-2xx"
    REJECT = "send-3xx-6xx"
    ACK = "ack-received"
    ACK_LOST = "ack-timeout"
    BYE = "bye"
    PEER_BYE = "bye-received"
    FINISHED = "bye-finished"


INITIAL = State.NEW
TERMINAL = frozenset({State.ENDED})

_S = State
_E = Event
TABLE: dict[tuple[State, Event], Step[State, StrEnum]] = {
    (_S.NEW, _E.PLACE): Step(_S.CALLING),
    (_S.NEW, _E.INVITE): Step(_S.INVITED),
    (_S.NEW, _E.RESTORE): Step(_S.ESTABLISHED),
    (_S.CALLING, _E.PROVISIONAL): Step(_S.PROCEEDING),
    (_S.CALLING, _E.SUCCESS): Step(_S.ESTABLISHED),
    (_S.CALLING, _E.FAILURE): Step(_S.ENDED),
    (_S.CALLING, _E.LOST): Step(_S.ENDED),
    (_S.CALLING, _E.RETRY): Step(_S.CALLING),
    (_S.CALLING, _E.CANCEL): Step(_S.CANCELLING),
    (_S.PROCEEDING, _E.PROVISIONAL): Step(_S.PROCEEDING),
    (_S.PROCEEDING, _E.SUCCESS): Step(_S.ESTABLISHED),
    (_S.PROCEEDING, _E.FAILURE): Step(_S.ENDED),
    (_S.PROCEEDING, _E.LOST): Step(_S.ENDED),
    (_S.PROCEEDING, _E.RETRY): Step(_S.CALLING),
    (_S.PROCEEDING, _E.CANCEL): Step(_S.CANCELLING),
    (_S.CANCELLING, _E.PROVISIONAL): Step(_S.CANCELLING),
    (_S.CANCELLING, _E.SUCCESS): Step(_S.ENDING),
    (_S.CANCELLING, _E.FAILURE): Step(_S.ENDED),
    (_S.CANCELLING, _E.LOST): Step(_S.ENDED),
    (_S.CANCELLING, _E.CANCEL): Step(_S.CANCELLING),
    (_S.INVITED, _E.RING): Step(_S.INVITED),
    (_S.INVITED, _E.ANSWER): Step(_S.ANSWERED),
    (_S.INVITED, _E.REJECT): Step(_S.ENDED),
    (_S.INVITED, _E.PEER_CANCEL): Step(_S.ENDED),
    (_S.INVITED, _E.PEER_BYE): Step(_S.ENDED),
    (_S.ANSWERED, _E.ACK): Step(_S.ESTABLISHED),
    (_S.ANSWERED, _E.ACK_LOST): Step(_S.ENDING),
    (_S.ANSWERED, _E.BYE): Step(_S.CLOSING),
    (_S.ANSWERED, _E.PEER_BYE): Step(_S.ENDED),
    (_S.CLOSING, _E.ACK): Step(_S.ENDING),
    (_S.CLOSING, _E.ACK_LOST): Step(_S.ENDING),
    (_S.CLOSING, _E.PEER_BYE): Step(_S.ENDED),
    (_S.ESTABLISHED, _E.BYE): Step(_S.ENDING),
    (_S.ESTABLISHED, _E.PEER_BYE): Step(_S.ENDED),
    (_S.ENDING, _E.PEER_BYE): Step(_S.ENDING),
    (_S.ENDING, _E.FINISHED): Step(_S.ENDED),
}
