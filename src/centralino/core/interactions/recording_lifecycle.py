# SPDX-License-Identifier: Apache-2.0
"""The life of a conversation's recording, as one table.

A recording that nobody brings in time is lost, and said to be: no interaction waits for it,
and none keeps it for ever.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class RecordingState(StrEnum):
    """Where a recording is."""

    RUNNING = "running"
    """The conversation is being recorded."""
    STOPPED = "stopped"
    """The conversation is over; its file is awaited."""
    STORED = "stored"
    LOST = "lost"


class RecordingStep(StrEnum):
    """What moves a recording from one state to the next."""

    STOPPED = "stopped"
    STORED = "stored"
    LOST = "lost"


_S = RecordingState
_E = RecordingStep

RECORDING: Lifecycle[RecordingState, RecordingStep] = Lifecycle(
    name="recording",
    initial=_S.RUNNING,
    terminal=frozenset({_S.STORED, _S.LOST}),
    table={
        (_S.RUNNING, _E.STOPPED): _S.STOPPED,
        (_S.RUNNING, _E.STORED): _S.STORED,
        (_S.STOPPED, _E.STORED): _S.STORED,
        (_S.STOPPED, _E.LOST): _S.LOST,
    },
)
"""Every legal step of a recording."""
