# SPDX-License-Identifier: Apache-2.0
"""The SRTP contexts of one leg, both directions, under one pair of SDES keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.adapters.media.checkpoint import keys_digest
from centralino.wire.errors import ProtocolError
from centralino.wire.rtp.srtp import SrtpReceiver, SrtpSender

if TYPE_CHECKING:
    from centralino.exchange.media import SrtpKeys

_MASK_16 = 0xFFFF
_MAX_RESUMED_RTCP = 1 << 20


class Protection:
    """Encrypts and decrypts a leg's packets.

    ``unprotect``, ``protect`` and their RTCP kin raise ``ProtocolError``.
    """

    __slots__ = (
        "_keys",
        "_receiver",
        "_sender",
        "digest",
        "is_sender_fresh",
        "protect",
        "protect_rtcp",
        "unprotect",
        "unprotect_rtcp",
    )

    _keys: SrtpKeys
    _sender: SrtpSender
    _receiver: SrtpReceiver

    def __init__(self, keys: SrtpKeys, before: Protection | None = None) -> None:
        """Make contexts; a direction whose key is that of ``before`` goes on with its own.

        Raises:
            ProtocolError: unknown suite, or keys of another length.
        """
        old = before._keys if before else None
        is_same_suite = old is not None and old.suite == keys.suite
        self._keys = keys
        self.digest = keys_digest(keys.local, keys.remote)
        """By which counters are known to belong to these keys."""
        self.is_sender_fresh = not (is_same_suite and old and old.local == keys.local)
        """Whether the sending direction starts at roll-over count 0."""
        if before is None or self.is_sender_fresh:
            self._sender = SrtpSender(keys.suite, keys.local)
        else:
            self._sender = before._sender
        hears = (keys.remote, keys.remote_mki_bytes)
        if before and is_same_suite and old and (old.remote, old.remote_mki_bytes) == hears:
            self._receiver = before._receiver
        else:
            self._receiver = SrtpReceiver(keys.suite, keys.remote, mki_bytes=keys.remote_mki_bytes)
        self.protect = self._sender.protect
        self.protect_rtcp = self._sender.protect_rtcp
        self.unprotect = self._receiver.unprotect
        self.unprotect_rtcp = self._receiver.unprotect_rtcp

    def heard_index(self, ssrc: int) -> int:
        """Return the highest packet index heard from a source, 0 when none was."""
        return self._receiver.index(ssrc) or 0

    def resume_sending(self, ssrc: int, index: int, rtcp_index: int) -> None:
        """Go on behind what a crashed worker has sent (``index`` is the last it may have used).

        Raises:
            ProtocolError: a counter is beyond what can be resumed.
        """
        self._sender.resume(
            ssrc, index & _MASK_16, index >> 16, rtcp_index=min(rtcp_index, _MAX_RESUMED_RTCP)
        )

    def heard_rtcp_index(self, ssrc: int) -> int:
        """Return the highest SRTCP index heard from a source, 0 when none was."""
        return self._receiver.rtcp_index(ssrc)

    def resume_receiving(self, ssrc: int, index: int, rtcp_index: int) -> None:
        """Go on behind what a crashed worker has heard last, audio and reports.

        Raises:
            ProtocolError: a counter is beyond what can be resumed.
        """
        self._receiver.resume(ssrc, index & _MASK_16, index >> 16, rtcp_index=rtcp_index)


__all__ = ["Protection", "ProtocolError"]
