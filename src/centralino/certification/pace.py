# SPDX-License-Identifier: Apache-2.0
"""The two paces of a run: the product's usual timers, and short ones for ``--fast``.

Only waiting is shortened. What is promised to a caller or to Teams in milliseconds is the
same at both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Timers of the product, in seconds."""

    is_fast: bool
    options_s: float
    """From one OPTIONS to the next, to each proxy."""
    jitter_s: float
    """Added at random to that."""
    transaction_s: float
    """Wait for a response (timer F)."""
    back_off_s: float
    """First rest after a failed connection."""
    back_off_most_s: float
    reload_s: float
    """How often the certificate is looked at."""
    retire_s: float
    """Longest life of a connection with an old certificate."""
    failover_s: float


REAL = Pace(
    is_fast=False,
    options_s=60.0,
    jitter_s=10.0,
    transaction_s=32.0,
    back_off_s=5.0,
    back_off_most_s=60.0,
    reload_s=30.0,
    retire_s=60.0,
    failover_s=4.0,
)
FAST = Pace(
    is_fast=True,
    options_s=0.5,
    jitter_s=0.1,
    transaction_s=1.0,
    back_off_s=0.5,
    back_off_most_s=1.0,
    reload_s=0.2,
    retire_s=2.0,
    failover_s=2.0,
)
