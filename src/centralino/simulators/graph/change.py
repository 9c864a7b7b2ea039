# SPDX-License-Identifier: Apache-2.0
"""A change that subscribers may want to know, before it is anybody's notification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that subscribers may want to know."""

    tenant_id: str
    keys: tuple[str, ...]
    """Lower-case paths of the subscriptions that it reaches."""
    kind: str
    """created, updated or deleted."""
    resource: str
    """How the notification names it."""
    data: Json
    """``resourceData``."""
    content: Json | None = None
    """What goes encrypted to those who asked for data."""
