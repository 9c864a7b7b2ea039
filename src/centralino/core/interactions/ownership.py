# SPDX-License-Identifier: Apache-2.0
"""How long an agent may keep a piece of written work without doing anything for it.

An agent who closed his browser, or forgot a customer, owns nobody for ever: the work returns
to its queue with the place it had.
"""

from __future__ import annotations

import msgspec


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """The lease of work on a channel without a telephone; 0 is no limit."""

    first_reply_ms: int = 0
    """From the acceptance to the agent's first reply."""
    idle_ms: int = 0
    """From one sign of work to the next."""
