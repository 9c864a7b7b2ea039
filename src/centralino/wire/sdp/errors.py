# SPDX-License-Identifier: Apache-2.0
"""What a session description that we cannot use raises.

`SdpParseError` means the text is no description; `NegotiationError` means it is one and
we cannot agree to it. Both say which SIP status answers the offer.
"""

from __future__ import annotations

from typing import Literal

from centralino.wire.errors import RemoteProtocolError

NegotiationReason = Literal[
    "bad-sdp",
    "no-audio",
    "no-address",
    "no-common-codec",
    "duplicate-payload-type",
    "srtp-required",
    "srtp-forbidden",
    "no-acceptable-crypto",
    "rtcp-mux-changed",
]
"""The closed list of reasons, to count and to show."""


class SdpParseError(RemoteProtocolError):
    """The body is not a session description."""


class NegotiationError(RemoteProtocolError):
    """The description is sound but cannot be agreed to."""

    def __init__(self, reason: NegotiationReason, *, status: int = 488) -> None:
        """Say why; `status` is the SIP status for an offer (488, or 400 for `bad-sdp`)."""
        super().__init__(reason)
        self.reason = reason
        self.status = status
