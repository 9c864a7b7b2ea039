# SPDX-License-Identifier: Apache-2.0
"""Teams presence as it reaches the exchange: who, what, from where, and how old.

Presence is a hint that ages. A reading says when it was read; while a source is out of
reach nothing new is said, and ``PresenceSinkPort.note_outage`` tells since when, so that
whoever uses presence can judge its age. Source: Microsoft Graph, "presence resource type".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from centralino.exchange.microsoft import PersonId


class PresenceSource(StrEnum):
    """Where a reading came from."""

    POLL = "poll"
    """We asked."""
    NOTIFICATION = "notification"
    """Graph told us."""


@dataclass(frozen=True, slots=True)
class PresenceReading:
    """One person's presence as Microsoft said it at one moment."""

    person: PersonId
    availability: str
    """Microsoft's word, such as ``Busy``; unknown words are kept."""
    activity: str
    """Microsoft's word, such as ``InACall``."""
    is_out_of_office: bool
    source: PresenceSource
    read_at: int
    """UTC nanoseconds: when the answer or the notification came."""
    sequence: int = 0
    """Microsoft's number of this presence, 0 when it gave none; larger is newer."""
    is_override: bool = False
    """The person has set it by hand against what his desk says."""

    @property
    def fact(self) -> tuple[str, str, bool, bool]:
        """What is said, without when and from where."""
        return (self.availability, self.activity, self.is_out_of_office, self.is_override)


class PresenceSinkPort(Protocol):
    """Takes what is read: changes at once, and now and then that something still holds."""

    async def note(self, readings: Sequence[PresenceReading]) -> None:
        """Take changed presence; returns when it is durable, or cannot be now."""
        ...

    async def note_outage(self, since: int | None) -> None:
        """Presence cannot be read since then (UTC nanoseconds), or again (``None``)."""
        ...
