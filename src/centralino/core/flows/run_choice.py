# SPDX-License-Identifier: Apache-2.0
"""Nodes that only decide, in no time: hours, branch, set, nested flow, return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.calendars.hours import Kind, kind_at
from centralino.core.flows.expressions import Failure, Scope
from centralino.core.flows.nodes import FlowNode
from centralino.core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from centralino.core.flows import happenings, nodes
    from centralino.core.flows.document import Value
    from centralino.core.flows.run import Run


def handle_nothing(run: Run, node: nodes.AnyNode, happening: happenings.AnyHappening) -> None:
    """Give up: nothing is ever awaited here."""
    run.give_up("something was awaited where nothing happens")


def enter_hours(run: Run, node: nodes.HoursNode) -> None:
    """Go by the calendar; one that cannot be read is closed."""
    calendar = run.library.calendar(node.calendar)
    if calendar is None:
        run.follow("closed", node.closed, f"there is no calendar {node.calendar}")
        return
    try:
        kind = kind_at(calendar, run.now)
    except InvalidInput as error:
        run.follow("closed", node.closed, error.message)
        return
    if kind is Kind.OPEN:
        run.follow("open", node.open)
    elif kind is Kind.HOLIDAY:
        run.follow("holiday", node.holiday or node.closed)
    elif kind is Kind.CLOSURE:
        run.follow("closure", node.closure or node.closed)
    else:
        run.follow("closed", node.closed)


def enter_branch(run: Run, node: nodes.BranchNode) -> None:
    """Take the first case that is true."""
    for number, case in enumerate(node.cases, start=1):
        value = run.value(case.when, Scope.CALL, "bool")
        if isinstance(value, Failure):
            run.follow("failed", node.failed or node.otherwise, f"case {number}: {value.reason}")
            return
        if value:
            run.follow(f"case-{number}", case.next)
            return
    run.follow("otherwise", node.otherwise)


def enter_set(run: Run, node: nodes.SetNode) -> None:
    """Set all variables, or none of them."""
    if node.language:
        run.language = node.language
    failure = assign(run, node.values, Scope.CALL)
    if failure is None:
        run.follow("next", node.next)
    else:
        run.follow("failed", node.failed or node.next, failure)


def assign(
    run: Run, values: dict[str, str], scope: Scope, more: dict[str, object] | None = None
) -> str | None:
    """Evaluate expressions in order and keep their values; return why not, if not."""
    before = dict(run.variables)
    compiled = run.compiled
    for name, source in values.items():
        value: Value | Failure = Failure("there is no such variable")
        if compiled is not None and name in compiled.flow.variables:
            value = run.value(source, scope, compiled.type_of(name), more)
        if isinstance(value, Failure):
            run.variables = before
            return f"{name}: {value.reason}"
        run.variables[name] = value
    return None


def enter_flow(run: Run, node: nodes.FlowNode) -> None:
    """Go into another flow."""
    run.log("run", detail=node.flow)
    if not run.open_flow(node.flow):
        run.follow("failed", node.failed, "no such flow, or nested too deep")


def enter_return(run: Run, node: nodes.ReturnNode) -> None:
    """Go back to the flow around this one; end the call when there is none."""
    run.log("return")
    while run.close_flow():
        caller = run.node
        if isinstance(caller, FlowNode) and caller.next is not None:
            run.follow("next", caller.next)
            return
    run.finish("hung-up")
