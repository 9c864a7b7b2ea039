# SPDX-License-Identifier: Apache-2.0
"""Times in requests become instants."""

from __future__ import annotations

from datetime import UTC, datetime

from centralino.core.kernel.instant import SECOND, Instant


def instant_of(at: datetime) -> Instant:
    """Return the instant of a time that says its offset, to the microsecond."""
    since_epoch = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since_epoch.days * 86_400 + since_epoch.seconds) * SECOND
    return Instant(whole + since_epoch.microseconds * 1000)
