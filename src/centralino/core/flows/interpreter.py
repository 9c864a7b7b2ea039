# SPDX-License-Identifier: Apache-2.0
"""Runs flows: a position and a happening give the next position and what is to be done.

Pure: the same inputs give the same turn. The engine keeps ``turn.position`` (through its
events), carries out ``turn.actions`` in order, and calls :func:`resume` with
:class:`~centralino.core.flows.happenings.Deadline` at ``position.deadline``. Answers that
the engine has at once (``ReadQueue``, a queue that lets nobody in, ``LeaveQueue``) it
passes to another :func:`resume` in the same decision.

No flow, answer or caller makes this raise; what cannot go on ends with the operator or
a ``HangUp("error")``, and an entry of the log says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.flows.actions import AnyAction
from centralino.core.flows.position import CallFacts, FlowPosition

if TYPE_CHECKING:
    from centralino.core.flows.happenings import AnyHappening
    from centralino.core.flows.library import FlowLibrary
    from centralino.core.kernel.instant import Instant


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step through a flow, for explanations and coverage; no customer content."""

    flow: str
    version: int
    node: str
    edge: str
    """Which way out was taken, such as ``key-1``, ``timeout``, ``failed``; ``enter`` on arrival."""
    to: str = ""
    """The node it led to."""
    detail: str = ""
    """Why, where an edge was taken for a fault."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one happening."""

    position: FlowPosition
    actions: tuple[AnyAction, ...] = ()
    entries: tuple[LogEntry, ...] = ()


def begin(library: FlowLibrary, flow: str, facts: CallFacts, now: Instant) -> Turn:
    """Begin the newest version of ``flow`` for a caller whose call is connected.

    Raises:
        NotFound: no such flow is published.
    """
    raise NotImplementedError


def resume(
    library: FlowLibrary, position: FlowPosition, happening: AnyHappening, now: Instant
) -> Turn:
    """Go on after ``happening``; what is not expected, and all after the end, changes nothing."""
    raise NotImplementedError
