# SPDX-License-Identifier: Apache-2.0
"""The life of a transfer to somebody outside the queues, as one table.

Begun by a flow or by an agent's telephone (REFER). While it rings it is a lease: the flow's
own deadline, or ours for what an agent asked of the network.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class TransferState(StrEnum):
    """Where a transfer is."""

    RINGING = "ringing"
    """The party is being rung."""
    TALKING = "talking"
    """Customer and party talk."""
    FAILED = "failed"
    ENDED = "ended"


class TransferStep(StrEnum):
    """What moves a transfer from one state to the next."""

    ANSWERED = "answered"
    FAILED = "failed"
    ENDED = "ended"


_S = TransferState
_E = TransferStep

TRANSFER: Lifecycle[TransferState, TransferStep] = Lifecycle(
    name="transfer",
    initial=_S.RINGING,
    terminal=frozenset({_S.FAILED, _S.ENDED}),
    table={
        (_S.RINGING, _E.ANSWERED): _S.TALKING,
        (_S.RINGING, _E.FAILED): _S.FAILED,
        (_S.RINGING, _E.ENDED): _S.ENDED,
        (_S.TALKING, _E.ENDED): _S.ENDED,
    },
)
"""Every legal step of a transfer."""
