# SPDX-License-Identifier: Apache-2.0
"""What a flow needs a call to be able to do, by the names of the capability table.

The table itself belongs to the integration models, which this folder does not know; whoever
publishes a flow on a number compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows import nodes

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow

_RING = ("invite", "bridge")
_NEEDS: dict[type[nodes.AnyNode], tuple[str, ...]] = {
    nodes.PlayNode: ("play",),
    nodes.SayNode: ("play",),
    nodes.MenuNode: ("play", "collect-dtmf"),
    nodes.CollectNode: ("play", "collect-dtmf"),
    nodes.DirectoryNode: ("play", "collect-dtmf", *_RING),
    nodes.OperatorNode: _RING,
    nodes.QueueNode: ("play", *_RING),
    nodes.CallbackNode: ("play", "collect-dtmf", *_RING),
    nodes.TransferNode: _RING,
    nodes.VoicemailNode: ("record",),
}


def needed_capabilities(flow: Flow) -> dict[str, str]:
    """Return each needed capability with the first node that needs it."""
    found = {"answer": flow.start}
    for name, node in flow.nodes.items():
        wanted = _NEEDS.get(type(node), ())
        if isinstance(node, nodes.MenuNode) and node.direct_dial:
            wanted = (*wanted, *_RING)
        if isinstance(node, nodes.QueueNode) and node.keys:
            wanted = (*wanted, "collect-dtmf")
        for capability in wanted:
            found.setdefault(capability, name)
    return found
