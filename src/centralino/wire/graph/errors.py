# SPDX-License-Identifier: Apache-2.0
"""What a peer that speaks Graph can get wrong."""

from __future__ import annotations

from centralino.wire.errors import RemoteProtocolError


class GraphProtocolError(RemoteProtocolError):
    """A notification, address, duration or identity is not what Graph's schema says."""
