# SPDX-License-Identifier: Apache-2.0
"""The old payload of an incoming call, from before Graph.

What is known of it is little: it is JSON of another shape, and an application that does not speak
it answers 204 to get the same event in Graph's. So only what tells it apart is written here.
Source: "Incoming call notifications" of the Teams documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall


def legacy_body(call: ServiceCall) -> bytes:
    """Return the body."""
    return msgspec.json.encode(
        {
            "conversationInvitation": {
                "conversationId": call.chain_id,
                "links": {"callLeg": f"/app/calls/{call.id}"},
            }
        }
    )
