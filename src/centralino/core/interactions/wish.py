# SPDX-License-Identifier: Apache-2.0

"""Whom one wait asks for beyond what its queue asks of everybody."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.agents.requirement import Requirement
from centralino.core.kernel.ids import AgentId


class WishKind(StrEnum):
    """Why ``agents`` are wanted."""

    PREFERRED = "preferred"
    LAST = "last"
    NAMED = "named"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Whom one wait asks for; kept as long as it waits."""

    agents: tuple[AgentId, ...] = ()
    """Wanted by name, the most wanted first: the last agent, the one who owns the account."""
    kind: WishKind = WishKind.PREFERRED
    hold_for_ms: int = 0
    """So long only ``agents`` may take it; then whoever may, they still before others."""
    requires: Requirement | None = None
    """Agents must meet this too."""
