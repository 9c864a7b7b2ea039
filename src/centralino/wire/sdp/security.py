# SPDX-License-Identifier: Apache-2.0
"""Whether a stream may run, and under which key of the peer, given a trunk's SRTP policy.

`required` takes SRTP profiles only: a key beside plain RTP is not enough, as Teams itself
refuses such an offer. `optional` takes what comes. `forbidden` never uses a key.
Sources: RFC 4568 5.1 and 7.1, Microsoft "Direct Routing - Definitions and RFC standards".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from centralino.wire.sdp.crypto import CryptoLine, choose_crypto
from centralino.wire.sdp.errors import NegotiationError

if TYPE_CHECKING:
    from centralino.wire.sdp.remote import RemoteStream

SrtpPolicy = Literal["required", "forbidden", "optional"]
"""What a trunk demands."""


def crypto_of_offer(policy: SrtpPolicy, remote: RemoteStream) -> CryptoLine | None:
    """Choose the crypto line of the peer's offer; None is plain RTP.

    Raises:
        NegotiationError: The policy or the lines leave nothing to choose.
    """
    if not remote.is_known:
        raise NegotiationError("srtp-required" if policy == "required" else "no-audio")
    if policy == "forbidden":
        if remote.is_secure:
            raise NegotiationError("srtp-forbidden")
        return None
    if policy == "required" and not remote.is_secure:
        raise NegotiationError("srtp-required")
    chosen = choose_crypto(list(remote.crypto_texts))
    if chosen is None and remote.is_secure:
        raise NegotiationError("no-acceptable-crypto")
    return chosen


def crypto_of_answer(
    policy: SrtpPolicy, ours: CryptoLine | None, remote: RemoteStream
) -> CryptoLine | None:
    """Return the key in the peer's answer to our line `ours`; None is plain RTP.

    Raises:
        NegotiationError: It answers a line we did not offer, or leaves out what we require.
    """
    if ours is None:
        if remote.is_secure:
            raise NegotiationError("srtp-forbidden")
        return None
    if policy == "required" and not remote.is_secure:
        raise NegotiationError("srtp-required")
    chosen = choose_crypto(list(remote.crypto_texts))
    if chosen and (chosen.tag, chosen.suite.upper()) != (ours.tag, ours.suite):
        chosen = None
    if chosen is None and remote.is_secure:
        raise NegotiationError("no-acceptable-crypto")
    return chosen
