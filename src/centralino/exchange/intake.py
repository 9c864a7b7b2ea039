# SPDX-License-Identifier: Apache-2.0
"""What Microsoft tells us by webhook, kept until it has been dealt with.

A delivery is answered when it is durable here, and not before; it is dealt with afterwards,
in order, at least once. Handlers are idempotent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Delivered(msgspec.Struct, frozen=True, array_like=True):
    """One delivery."""

    channel: str
    """Which webhook it came to, e.g. ``graph-notifications``."""
    at: int
    """UTC nanoseconds when it came."""
    body: bytes
    authorization: str = ""
    """The sender's bearer token where he sends one; checked when it is dealt with."""


class IntakePort(Protocol):
    """A durable queue of deliveries. Bounded: past its limit nothing more is taken."""

    async def put(self, delivered: Delivered) -> None:
        """Keep a delivery; returns when it survives a power loss.

        Raises:
            StorageError: it cannot be kept (disk full, too much is waiting); not kept.
        """
        ...

    async def next(self) -> Sequence[tuple[int, Delivered]]:
        """Return what has not been handed out yet, with its position; waits for it."""
        ...

    def acknowledge(self, position: int) -> None:
        """Everything up to this position has been dealt with and need not come again."""
        ...
