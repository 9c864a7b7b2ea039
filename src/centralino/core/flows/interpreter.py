# SPDX-License-Identifier: Apache-2.0
"""Runs flows: a position and a happening give the next position and what is to be done.

Pure: the same inputs give the same turn. The engine keeps ``turn.position`` (through its
events), carries out ``turn.actions`` in order, and calls :func:`resume` with
:class:`~centralino.core.flows.happenings.Deadline` at ``position.deadline``. Answers that
the engine has at once (``ReadQueue``, a queue that lets nobody in, ``LeaveQueue``) it
passes to another :func:`resume` in the same decision.

No flow, answer or caller makes :func:`resume` raise; what cannot go on ends with the
operator or a ``HangUp("error")``, and an entry of the log says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.flows import (
    happenings,
    nodes,
    run_callback,
    run_choice,
    run_directory,
    run_keys,
    run_lookup,
    run_queue,
    run_simple,
)
from centralino.core.flows.position import CallFacts, FlowPosition
from centralino.core.flows.run import EMERGENCY, Run
from centralino.core.flows.turn import Turn
from centralino.core.kernel.errors import NotFound

if TYPE_CHECKING:
    from centralino.core.flows.library import FlowLibrary
    from centralino.core.kernel.instant import Instant

_Enter = Callable[[Run, Any], None]
_Handle = Callable[[Run, Any, happenings.AnyHappening], None]

_NODES: dict[type[nodes.AnyNode], tuple[_Enter, _Handle]] = {
    nodes.PlayNode: (run_simple.enter_play, run_simple.handle_played),
    nodes.SayNode: (run_simple.enter_say, run_simple.handle_played),
    nodes.MenuNode: (run_keys.enter_menu, run_keys.handle_menu),
    nodes.CollectNode: (run_keys.enter_collect, run_keys.handle_collect),
    nodes.DirectoryNode: (run_directory.enter, run_directory.handle),
    nodes.OperatorNode: (run_simple.enter_operator, run_simple.handle_operator),
    nodes.HoursNode: (run_choice.enter_hours, run_choice.handle_nothing),
    nodes.BranchNode: (run_choice.enter_branch, run_choice.handle_nothing),
    nodes.SetNode: (run_choice.enter_set, run_choice.handle_nothing),
    nodes.LookupNode: (run_lookup.enter, run_lookup.handle),
    nodes.QueueNode: (run_queue.enter, run_queue.handle),
    nodes.CallbackNode: (run_callback.enter, run_callback.handle),
    nodes.TransferNode: (run_simple.enter_transfer, run_simple.handle_transfer),
    nodes.VoicemailNode: (run_simple.enter_voicemail, run_simple.handle_voicemail),
    nodes.FlowNode: (run_choice.enter_flow, run_choice.handle_nothing),
    nodes.ReturnNode: (run_choice.enter_return, run_choice.handle_nothing),
    nodes.HangUpNode: (run_simple.enter_hang_up, run_simple.handle_hang_up),
}


def begin(library: FlowLibrary, flow: str, facts: CallFacts, now: Instant) -> Turn:
    """Begin the newest version of ``flow`` for a caller whose call is connected.

    Raises:
        NotFound: no such flow is published.
    """
    version = library.newest_version(flow)
    compiled = None if version is None else library.flow(flow, version)
    if compiled is None:
        raise NotFound(f"no flow {flow} is published", details={"flow": flow})
    spoken = compiled.flow.languages
    position = FlowPosition(
        facts=facts,
        began_at=now,
        frames=(),
        versions=library.pin(flow),
        language=facts.language if facts.language in spoken else spoken[0],
        variables={},
    )
    run = Run(library, position, now)
    run.open_flow(flow)
    _enter_pending(run)
    return run.turn()


def resume(
    library: FlowLibrary,
    position: FlowPosition,
    happening: happenings.AnyHappening,
    now: Instant,
) -> Turn:
    """Go on after ``happening``; what is not expected, and all after the end, changes nothing."""
    if not _counts(position, happening, now):
        return Turn(position=position)
    if isinstance(happening, happenings.CallerGone):
        over = msgspec.structs.replace(position, end="gone", expects=(), deadline=None)
        return Turn(position=over)
    run = Run(library, position, now)
    node = run.node
    if run.progress.stage == EMERGENCY:
        _handle_emergency(run, happening)
    elif node is None:
        run.give_up("the flow of this call is gone")
    else:
        _NODES[type(node)][1](run, node, happening)
    _enter_pending(run)
    return run.turn()


def _counts(position: FlowPosition, happening: happenings.AnyHappening, now: Instant) -> bool:
    """Say whether anything follows from a happening."""
    if position.is_over:
        return False
    match happening:
        case happenings.CallerGone():
            return True
        case happenings.Deadline():
            return position.deadline is not None and now >= position.deadline
        case _:
            return happening.ask in position.expects


def _enter_pending(run: Run) -> None:
    while (name := run.pending) is not None:
        run.pending = None
        run.arrive(name)
        node = run.node
        if run.is_endless():
            run.give_up("a loop without an end")
        elif node is None:
            run.give_up(f"there is no node {name}")
        else:
            _NODES[type(node)][0](run, node)


def _handle_emergency(run: Run, happening: happenings.AnyHappening) -> None:
    if isinstance(happening, happenings.TransferEnded) and happening.result == "answered":
        run.finish("connected")
    else:
        run.give_up("the operator does not answer")
