# SPDX-License-Identifier: Apache-2.0
"""What a node leads to and what it names: edges, expressions, prompts, people and places.

One description of each node type that the checker, the coverage and the library share, so
that none of them can forget a field. Labels of edges are those of the interpreter's log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from centralino.core.flows import nodes
from centralino.core.flows.expressions import Scope, split_template


class Edge(NamedTuple):
    """One way out of a node."""

    label: str
    to: str | None
    """A node; ``None`` when it was left out and the flow's fallback is meant."""
    path: tuple[str, ...] = ()
    """Where in the node it stands."""
    is_written: bool = True
    """False when it was left out and another one stands in for it."""


class ExpressionUse(NamedTuple):
    """One expression of a node."""

    path: tuple[str, ...]
    """Where in the node, such as ``("cases", "0", "when")``."""
    source: str
    scope: Scope
    wanted: str
    """A type, ``text``, or ``var:<name>``: the type of that variable."""


class _Way(NamedTuple):
    """A field that is an edge."""

    label: str
    field: str
    instead: str = ""
    """The field that holds the edge when this one was left out."""
    may_lack: bool = False
    """Left out, there is no such edge at all."""


_WAYS: dict[type[nodes.AnyNode], tuple[_Way, ...]] = {
    nodes.PlayNode: (_Way("next", "next"),),
    nodes.SayNode: (_Way("next", "next"),),
    nodes.MenuNode: (
        _Way("invalid", "invalid"),
        _Way("timeout", "timeout"),
        _Way("unreachable", "unreachable", may_lack=True),
    ),
    nodes.CollectNode: (
        _Way("next", "next"),
        _Way("invalid", "invalid"),
        _Way("timeout", "timeout"),
    ),
    nodes.DirectoryNode: (
        _Way("not-found", "not_found"),
        _Way("timeout", "timeout"),
        _Way("unreachable", "unreachable"),
    ),
    nodes.OperatorNode: (_Way("unreachable", "unreachable"),),
    nodes.HoursNode: (
        _Way("open", "open"),
        _Way("closed", "closed"),
        _Way("holiday", "holiday", instead="closed"),
        _Way("closure", "closure", instead="closed"),
    ),
    nodes.BranchNode: (
        _Way("otherwise", "otherwise"),
        _Way("failed", "failed", instead="otherwise"),
    ),
    nodes.SetNode: (_Way("next", "next"), _Way("failed", "failed", instead="next")),
    nodes.LookupNode: (_Way("next", "next"), _Way("failed", "failed")),
    nodes.QueueNode: (
        _Way("timeout", "timeout"),
        _Way("overflow", "overflow"),
        _Way("no-agents", "no_agents"),
        _Way("closed", "closed", may_lack=True),
        _Way("failed", "failed"),
    ),
    nodes.CallbackNode: (
        _Way("next", "next", may_lack=True),
        _Way("declined", "declined"),
        _Way("failed", "failed", instead="declined"),
    ),
    nodes.TransferNode: (
        _Way("busy", "busy", instead="failed"),
        _Way("no-answer", "no_answer", instead="failed"),
        _Way("failed", "failed"),
    ),
    nodes.VoicemailNode: (_Way("next", "next", may_lack=True), _Way("failed", "failed")),
    nodes.FlowNode: (_Way("next", "next", may_lack=True), _Way("failed", "failed")),
    nodes.ReturnNode: (),
    nodes.HangUpNode: (),
}


def edges(node: nodes.AnyNode) -> tuple[Edge, ...]:
    """Return every way out of a node, those that were left out too.

    >>> edges(nodes.PlayNode(prompts=("greeting",), next="menu"))
    (Edge(label='next', to='menu', path=('next',), is_written=True),)
    """
    return (*_listed_edges(node), *_plain_edges(node))


def _plain_edges(node: nodes.AnyNode) -> Iterator[Edge]:
    for way in _WAYS[type(node)]:
        if way.field == "no_agents" and getattr(node, "no_agents_for", "") == "nobody":
            continue
        to = getattr(node, way.field)
        is_written = to is not None
        if to is None and way.instead:
            to = getattr(node, way.instead)
        if to is not None or not way.may_lack:
            yield Edge(way.label, to, (way.field,), is_written)


def _listed_edges(node: nodes.AnyNode) -> Iterator[Edge]:
    if isinstance(node, nodes.MenuNode | nodes.QueueNode):
        for key, to in node.keys.items():
            yield Edge(f"key-{key}", to, ("keys", key))
    if isinstance(node, nodes.BranchNode):
        for number, case in enumerate(node.cases):
            yield Edge(f"case-{number + 1}", case.next, ("cases", str(number), "next"))
    if isinstance(node, nodes.QueueNode):
        for number, step in enumerate(node.steps):
            if isinstance(step, nodes.ExitStep):
                yield Edge(f"exit-{number + 1}", step.next, ("steps", str(number), "next"))


def expression_uses(node: nodes.AnyNode) -> Iterator[ExpressionUse]:
    """Return every expression of a node.

    Raises:
        ExpressionError: a text with braces cannot be taken apart.
    """
    match node:
        case nodes.BranchNode():
            for number, case in enumerate(node.cases):
                path = ("cases", str(number), "when")
                yield ExpressionUse(path, case.when, Scope.CALL, "bool")
        case nodes.SetNode():
            for name, source in node.values.items():
                yield ExpressionUse(("values", name), source, Scope.CALL, f"var:{name}")
        case nodes.SayNode():
            for language, text in node.text.items():
                yield from _template(("text", language), text)
        case nodes.LookupNode():
            yield from _of_lookup(node)
        case nodes.QueueNode():
            yield from _of_queue(node)
        case _:
            return


def _of_lookup(node: nodes.LookupNode) -> Iterator[ExpressionUse]:
    yield from _template(("url",), node.url)
    for header, text in node.headers.items():
        yield from _template(("headers", header), text)
    for field, source in node.body.items():
        yield ExpressionUse(("body", field), source, Scope.CALL, "text")
    for name, source in node.save.items():
        yield ExpressionUse(("save", name), source, Scope.ANSWER, f"var:{name}")


def _of_queue(node: nodes.QueueNode) -> Iterator[ExpressionUse]:
    for number, step in enumerate(node.steps):
        if isinstance(step, nodes.MessageStep | nodes.ExitStep):
            path = ("steps", str(number), "when")
            yield ExpressionUse(path, step.when, Scope.QUEUE, "bool")


def _template(path: tuple[str, ...], text: str) -> Iterator[ExpressionUse]:
    for part, is_expression in split_template(text):
        if is_expression:
            yield ExpressionUse(path, part, Scope.CALL, "text")


def prompts_of(node: nodes.AnyNode) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return every prompt a node names, each with its path in the node."""
    for field in (
        "prompts",
        "invalid_prompts",
        "silent_prompts",
        "connecting_prompts",
        "number_prompts",
        "booked_prompts",
        "music",
    ):
        for number, prompt in enumerate(getattr(node, field, ())):
            yield (field, str(number)), prompt
    if isinstance(node, nodes.QueueNode):
        for at, step in enumerate(node.steps):
            for field in ("prompts", "after_prompts"):
                for number, prompt in enumerate(getattr(step, field, ())):
                    yield ("steps", str(at), field, str(number)), prompt


def variables_set_by(node: nodes.AnyNode) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return every variable a node writes, each with its path in the node."""
    match node:
        case nodes.CollectNode():
            yield ("into",), node.into
        case nodes.SetNode():
            for name in node.values:
                yield ("values", name), name
        case nodes.LookupNode():
            for name in node.save:
                yield ("save", name), name
        case _:
            return
