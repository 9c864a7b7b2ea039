# SPDX-License-Identifier: Apache-2.0
"""Whose fault a broken message is: ours or the peer's.

What lives here: the root of everything the codecs and state machines below `wire`
raise. What must not: HTTP or SIP status decisions beyond a hint, logging, contact
center words. A caller catches `RemoteProtocolError` where bytes of a peer come in (count
it, answer it, drop the message, keep running) and never catches `LocalProtocolError`:
that one is a bug of ours and must surface.

    ProtocolError
      LocalProtocolError      we tried to do or to write something illegal
      RemoteProtocolError     the peer sent something illegal; carries the bytes, bounded

Shape follows the split that the h11 library made popular.
"""

from __future__ import annotations

MAX_OFFENDING_BYTES = 256
"""How many bytes of a peer's broken input an error keeps. Unit: bytes."""


class ProtocolError(Exception):
    """A protocol was violated; see the two subclasses for by whom."""

    def __init__(self, code: str, message: str = "", *, offending: bytes | str = b"") -> None:
        """Describe the violation.

        Args:
            code: Stable kebab-case word to count and test by, such as `header-without-colon`.
            message: Static English sentence; it never holds text of the peer.
            offending: The bytes (or text) at fault; cut to `MAX_OFFENDING_BYTES`.
        """
        super().__init__(message or code)
        self.code = code
        if isinstance(offending, str):
            offending = offending[:MAX_OFFENDING_BYTES].encode("utf-8", "surrogatepass")
        self.offending = bytes(offending[:MAX_OFFENDING_BYTES])


class LocalProtocolError(ProtocolError):
    """We tried to do something the protocol forbids: a bug on this side."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something the protocol forbids."""
