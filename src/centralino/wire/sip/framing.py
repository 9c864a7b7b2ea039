# SPDX-License-Identifier: Apache-2.0
"""Cutting a TCP or TLS byte stream into SIP messages, and trimming datagrams.

However the stream is split or merged, the same messages come out. Between messages a lone
CRLF is skipped; a double CRLF is a keep-alive ping of the peer, which the owner of the
connection answers with one CRLF (RFC 5626 4.4.1). A stream message without
Content-Length has no end, so it breaks the stream (RFC 3261 18.3).

Not here: what a message says (`message`); the owner closes the connection on error.
Cost: linear in the bytes fed; a head that arrives byte by byte is not scanned again.
"""

from __future__ import annotations

import enum
import re

from centralino.wire.sip.errors import FramingError
from centralino.wire.sip.limits import DEFAULT_LIMITS, Limits

__all__ = ["FramingError", "Keepalive", "StreamFramer", "datagram"]

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:\s*([^\r\n]*)", re.IGNORECASE)
_END = b"\r\n\r\n"


class Keepalive(enum.Enum):
    """A sign of life between two messages."""

    PING = b"\r\n\r\n"
    """The peer wants a CRLF back."""


class StreamFramer:
    """Collects one connection's bytes and hands out complete messages."""

    __slots__ = ("_buffer", "_crlf_seen", "_limits", "_needed", "_scanned")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start at the boundary of a message."""
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._needed = 0
        self._crlf_seen = False

    @property
    def buffered_bytes(self) -> int:
        """How much of an unfinished message is held. Unit: bytes."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes | Keepalive]:
        """Take bytes; return what they complete, in order.

        Raises:
            FramingError: Head or body too large, Content-Length missing, broken or
                contradictory. The framer is unusable afterwards: close the connection.
        """
        self._buffer += data
        found: list[bytes | Keepalive] = []
        while self._buffer:
            if not self._needed and not self._find_end(found):
                break
            if len(self._buffer) < self._needed:
                break
            found.append(bytes(self._buffer[: self._needed]))
            del self._buffer[: self._needed]
            self._needed = self._scanned = 0
            self._crlf_seen = False
        return found

    def _find_end(self, found: list[bytes | Keepalive]) -> bool:
        """Learn the length of the next message; False when more bytes are needed."""
        self._skip_crlf(found)
        end = self._buffer.find(_END, max(0, self._scanned - 3))
        limit = self._limits.head_bytes
        if end + 4 > limit or (end < 0 and len(self._buffer) > limit):
            raise FramingError("head-too-large", offending=bytes(self._buffer[:64]))
        if end < 0:
            self._scanned = len(self._buffer)
            return False
        self._needed = end + 4 + self._body_size(bytes(self._buffer[: end + 2]))
        return True

    def _skip_crlf(self, found: list[bytes | Keepalive]) -> None:
        buffer = self._buffer
        at = 0
        while buffer[at : at + 2] == b"\r\n":
            at += 2
            if self._crlf_seen:
                found.append(Keepalive.PING)
            self._crlf_seen = not self._crlf_seen
        if at:
            del buffer[:at]
        if buffer and buffer[:1] != b"\r":
            self._crlf_seen = False

    def _body_size(self, head: bytes) -> int:
        sizes = set(_LENGTH.findall(head))
        if not sizes:
            raise FramingError("missing-content-length", offending=head)
        text = sizes.pop().strip(b" \t")
        if sizes or not text.isdigit() or len(text) > 10:
            raise FramingError("bad-content-length", offending=head)
        if int(text) > self._limits.body_bytes:
            raise FramingError("body-too-large", offending=head)
        return int(text)


def datagram(data: bytes) -> bytes:
    """Cut a datagram to the end that its Content-Length states (RFC 3261 18.3).

    A datagram of nothing but white space becomes empty: a keep-alive. One whose length
    is missing, broken or beyond its end comes back as it is; `parse_message` judges it.
    """
    data = data.lstrip(b"\r\n")
    end = data.find(_END)
    if end < 0:
        return data if data.strip(b"\r\n\x00") else b""
    match = _LENGTH.search(data, 0, end + 2)
    text = match[1].strip(b" \t") if match else b""
    if not text.isdigit() or len(text) > 10:
        return data
    return data[: end + 4 + int(text)]
