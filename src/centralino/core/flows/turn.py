# SPDX-License-Identifier: Apache-2.0
"""What one step of a flow gives back: the next position, what to do, and why."""

from __future__ import annotations

import msgspec

from centralino.core.flows.actions import AnyAction
from centralino.core.flows.position import FlowPosition


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step through a flow, for explanations and coverage; no customer content."""

    flow: str
    version: int
    node: str
    """Empty before the first one."""
    edge: str
    """Which way out was taken: a label of ``edges``; or ``begin``, ``return``, ``run`` (a nested
    flow), ``end``, ``no-prompt``, ``operator`` and ``give-up`` (the flow cannot go on)."""
    to: str = ""
    """The node it led to."""
    detail: str = ""
    """Why, where an edge was taken for a fault."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one happening."""

    position: FlowPosition
    actions: tuple[AnyAction, ...] = ()
    entries: tuple[LogEntry, ...] = ()
