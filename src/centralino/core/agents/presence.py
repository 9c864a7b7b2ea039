# SPDX-License-Identifier: Apache-2.0
"""What somebody else says an agent is doing, with its source and age.

A presence never moves an agent: his own state decides, a queue's policy may let a presence
veto or hint. Reports come late, twice, out of order, or not at all; the newest by (source's
instant, source's sequence) holds. Words are those of Microsoft Graph ("presence resource
type"), in kebab-case.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.kernel.instant import Duration, Instant, seconds

MOST_AHEAD = seconds(60)
"""A source whose clock is further ahead of ours than this is taken to speak of now."""


class Availability(StrEnum):
    """Whether somebody can be reached."""

    AVAILABLE = "available"
    AVAILABLE_IDLE = "available-idle"
    AWAY = "away"
    BE_RIGHT_BACK = "be-right-back"
    BUSY = "busy"
    BUSY_IDLE = "busy-idle"
    DO_NOT_DISTURB = "do-not-disturb"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Presence(msgspec.Struct, frozen=True):
    """One report about one person."""

    availability: Availability
    activity: str
    """Such as ``in-a-call``, ``in-a-meeting``, ``presenting``; empty when not told."""
    is_out_of_office: bool
    source: str
    """Who said it, such as ``graph-subscription`` or ``graph-poll``."""
    at: Instant
    """When it was so, by the source's clock."""
    sequence: int
    """The source's count; orders reports of one instant."""
    noted_at: Instant
    """When we were told."""

    def age(self, now: Instant) -> Duration:
        """Return how old the report is at ``now``; never negative."""
        return Duration(max(0, now - self.at))

    def is_newer_than(self, other: Presence | None) -> bool:
        """Tell whether this report holds rather than ``other``."""
        return other is None or (self.at, self.sequence) > (other.at, other.sequence)


def presence_of(  # noqa: PLR0913 - the fields of one report
    availability: Availability,
    activity: str,
    source: str,
    at: Instant,
    sequence: int,
    now: Instant,
    *,
    is_out_of_office: bool = False,
) -> Presence:
    """Return a report as told at ``now``, with an instant that is not far in the future."""
    held_at = now if at > now + MOST_AHEAD else at
    return Presence(availability, activity, is_out_of_office, source, held_at, sequence, now)
