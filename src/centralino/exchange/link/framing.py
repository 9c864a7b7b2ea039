# SPDX-License-Identifier: Apache-2.0
"""Frames between our processes: four bytes of length, then msgpack.

Sans-IO: bytes in, messages out. A frame is at most ``MAX_FRAME_BYTES``; a peer that
sends more, or something that does not decode, has broken the protocol and the
connection is closed. The first frame of each side is a :class:`Hello`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 1 << 20
_LENGTH_BYTES = 4

Message = TypeVar("Message")


class LinkError(Exception):
    """The peer broke the protocol between our processes."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame of each side."""

    name: str
    """Who speaks, e.g. ``voice``."""
    generation: int
    """Grows with each start of the process."""
    version: int = PROTOCOL_VERSION


def encode_frame(message: object) -> bytes:
    """Return the frame of one message.

    Raises:
        LinkError: the message is larger than a frame may be.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise LinkError(f"a message of {len(body)} bytes is over the limit of {MAX_FRAME_BYTES}")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class FrameDecoder(Generic[Message]):
    """Turns a byte stream into messages of one type (usually a tagged union)."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream."""
        self._buffer += data

    def take(self, data: bytes) -> list[Message]:
        """Take bytes from the stream; return the messages that are complete with them.

        The usual piece is whole frames: they are decoded where they lie.

        Raises:
            LinkError: as the iterator.
        """
        if self._buffer:
            self.feed(data)
            return list(self)
        found: list[Message] = []
        at = 0
        while (end := self._end_of_frame(data, at)) is not None:
            found.append(self._decode(data[at + _LENGTH_BYTES : end]))
            at = end
        if at < len(data):
            self.feed(data[at:])
        return found

    def __iter__(self) -> Iterator[Message]:
        """Yield each message that is complete.

        Raises:
            LinkError: the length is over the limit, or the body does not decode.
        """
        while (body := self.next_body()) is not None:
            yield self._decode(body)

    def next_body(self) -> bytes | None:
        """Return the next complete body undecoded, ``None`` when more bytes are needed."""
        buffer = self._buffer
        end = self._end_of_frame(buffer, 0)
        if end is None:
            return None
        body = bytes(buffer[_LENGTH_BYTES:end])
        del buffer[:end]
        return body

    def _decode(self, body: bytes) -> Message:
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise LinkError(f"a message does not decode: {error}") from error

    @staticmethod
    def _end_of_frame(data: bytes | bytearray, at: int) -> int | None:
        """Return where the frame at a place ends, ``None`` when that has not come yet."""
        body = at + _LENGTH_BYTES
        if len(data) < body:
            return None
        size = int.from_bytes(data[at:body], "big")
        if size > MAX_FRAME_BYTES:
            raise LinkError(f"a frame of {size} bytes is over the limit of {MAX_FRAME_BYTES}")
        return body + size if len(data) >= body + size else None


def check_hello(body: bytes) -> Hello:
    """Decode the peer's first frame.

    Raises:
        LinkError: it is no hello, or the peer speaks another version.
    """
    try:
        hello = msgspec.msgpack.decode(body, type=Hello)
    except msgspec.MsgspecError as error:
        raise LinkError(f"the peer did not say hello: {error}") from error
    if hello.version != PROTOCOL_VERSION:
        raise LinkError(
            f"{hello.name} speaks version {hello.version} of the process protocol, "
            f"this process speaks {PROTOCOL_VERSION}: start both from the same release"
        )
    return hello
