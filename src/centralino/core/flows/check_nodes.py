# SPDX-License-Identifier: Apache-2.0
"""What can be wrong within one node, whatever surrounds it."""

from __future__ import annotations

from collections.abc import Iterator

from centralino.core.flows import nodes

Found = tuple[tuple[str, ...], str, bool]
"""Path in the node, reason, whether it is an error."""


def node_problems(node: nodes.AnyNode) -> Iterator[Found]:
    """Return what is wrong with a node in itself."""
    match node:
        case nodes.CollectNode() if node.min_digits > node.max_digits:
            yield ("min_digits",), "min_digits is more than max_digits", True
        case nodes.MenuNode() if node.direct_dial and "#" in node.keys:
            yield ("keys", "#"), "# ends an extension when direct_dial is on", True
        case nodes.CallbackNode() if node.other_number == node.accept:
            yield ("other_number",), "other_number and accept are the same key", True
        case nodes.QueueNode():
            yield from _of_queue(node)
        case nodes.LookupNode():
            yield from _of_lookup(node)
        case nodes.SetNode() if not node.values and not node.language:
            yield (), "sets neither values nor a language", False
        case _:
            return


def _of_queue(node: nodes.QueueNode) -> Iterator[Found]:
    if node.repeat_from >= len(node.steps):
        yield ("repeat_from",), f"there are only {len(node.steps)} steps, counted from 0", True
        return
    repeated = node.steps[node.repeat_from :]
    if not any(isinstance(step, nodes.MusicStep) for step in repeated):
        yield ("steps",), "the steps that repeat need music, so that time passes", True
    for number, step in enumerate(node.steps):
        if isinstance(step, nodes.MusicStep) and step.for_s > node.max_wait_s > 0:
            path = ("steps", str(number), "for_s")
            yield path, "this plays longer than anybody may wait", False
    if node.max_wait_s == 0:
        yield ("max_wait_s",), "with 0 nobody ever waits", False


def _of_lookup(node: nodes.LookupNode) -> Iterator[Found]:
    is_open = node.url.startswith("http://")
    if is_open and node.secrets:
        yield ("url",), "a secret would travel unencrypted: use https", True
    elif is_open:
        yield ("url",), "http is not encrypted", False
    if node.method == "GET" and node.body:
        yield ("body",), "GET has no body: use POST", True
    for header in node.secrets.keys() & node.headers.keys():
        yield ("secrets", header), f"{header} is among the headers as well", True
