# SPDX-License-Identifier: Apache-2.0
"""Closed sets of words in calls and operations, read without regard to case.

Microsoft's metadata writes the members of ``operationStatus`` in upper camel case, its samples in
lower camel case, and prose lists a call state ``ringing`` that the metadata does not have: unknown
words are read as None and never raise, because the sets may grow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class CallDirection(StrEnum):
    """``callDirection``."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class OperationStatus(StrEnum):
    """``operationStatus``, in the spelling of the samples."""

    NOT_STARTED = "notStarted"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class ChangeType(StrEnum):
    """What a notification says has happened to its resource."""

    CREATED = "created"
    """An incoming call; content sharing has begun."""
    UPDATED = "updated"
    """Any change."""
    DELETED = "deleted"
    """A call is over, an operation finished."""


class RejectReason(StrEnum):
    """``rejectReason``; prose capitalises."""

    NONE = "none"
    BUSY = "busy"
    FORBIDDEN = "forbidden"


class RecordingStatus(StrEnum):
    """``recordingStatus``."""

    UNKNOWN = "unknown"
    NOT_RECORDING = "notRecording"
    RECORDING = "recording"
    FAILED = "failed"


class Modality(StrEnum):
    """``modality``."""

    AUDIO = "audio"
    VIDEO = "video"
    SCREEN_SHARING = "videoBasedScreenSharing"
    DATA = "data"


W = TypeVar("W", bound=StrEnum)


def read_word(kind: type[W], text: object) -> W | None:
    """Return the member that ``text`` names in any case, or None.

    >>> read_word(OperationStatus, "Running")
    <OperationStatus.RUNNING: 'running'>
    >>> read_word(OperationStatus, "ringing") is None
    True
    """
    if not isinstance(text, str):
        return None
    lowered = text.lower()
    return next((member for member in kind if member.value.lower() == lowered), None)
