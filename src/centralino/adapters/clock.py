# SPDX-License-Identifier: Apache-2.0
"""The machine's clocks: the one place below ``bootstrap`` that reads them."""

from __future__ import annotations

import time


class SystemClock:
    """Implements ``ClockPort`` on the machine's clocks."""

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        return time.monotonic_ns()

    def utc(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return time.time_ns()
