# SPDX-License-Identifier: Apache-2.0
"""Audio formats of a media line: codecs, telephone events, comfort noise, direction.

Knows the static payload types and reads `a=rtpmap`. Never assumes a dynamic number: they
differ from peer to peer. Sources: RFC 3551 table 4, RFC 4733, RFC 3389, RFC 7587,
RFC 3264 6.1 (direction).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, get_args

from centralino.wire.sdp.errors import NegotiationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.wire.sdp.description import MediaDescription

CodecName = Literal["PCMU", "PCMA", "G722", "opus"]
"""Codecs we can negotiate; whether one can be coded is the media side's business."""

_NAMES: dict[str, CodecName] = {name.lower(): name for name in get_args(CodecName)}
_STATIC = {0: "pcmu/8000", 8: "pcma/8000", 9: "g722/8000", 13: "cn/8000", 18: "g729/8000"}
_ENCODING = re.compile(r"([a-z0-9._-]+/[0-9]{1,6}(?:/(?!1$)[0-9]{1,2})?)(?:/1)?")
_RATES: dict[CodecName, tuple[int, int]] = {
    "PCMU": (8000, 1),
    "PCMA": (8000, 1),
    "G722": (8000, 1),
    "opus": (48000, 2),
}
OWN_PAYLOAD_TYPES: dict[CodecName, int] = {"PCMU": 0, "PCMA": 8, "G722": 9, "opus": 111}
"""Numbers we put into an offer of our own."""


class Direction(StrEnum):
    """Who sends, seen from the one who writes it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the writer sends audio."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the writer wants to receive audio."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        """Return the direction with these two halves."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec with the payload type it travels under."""

    name: CodecName
    payload_type: int
    """0 to 127."""
    clock_rate: int
    """RTP clock. Unit: Hz (8000 for G.722 as well, RFC 3551 4.5.2)."""
    channels: int = 1

    @classmethod
    def own(cls, name: CodecName, payload_type: int | None = None) -> Codec:
        """Return the codec under our usual number, or under `payload_type`."""
        rate, channels = _RATES[name]
        number = OWN_PAYLOAD_TYPES[name] if payload_type is None else payload_type
        return cls(name, number, rate, channels)

    @property
    def rtpmap(self) -> str:
        """The value of its `a=rtpmap` line."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.payload_type} {self.name}/{self.clock_rate}{channels}"


@dataclass(frozen=True, slots=True)
class FormatList:
    """What one media line lists and we understand, in the order written."""

    codecs: tuple[Codec, ...]
    telephone_events: tuple[tuple[int, int], ...]
    """Payload type and clock rate of each telephone-event format."""
    comfort_noise: int | None
    """Payload type of narrow-band comfort noise, or None."""

    def pick(self, allowed: Iterable[str], preferred: CodecName | None = None) -> Codec | None:
        """Return the preferred codec if listed and allowed, else the first allowed one.

        The order of `allowed` decides, not the order of the list.
        """
        by_name = {codec.name: codec for codec in reversed(self.codecs)}
        wanted = [name for name in allowed if name in by_name]
        if preferred in wanted:
            return by_name[preferred]
        return by_name[_NAMES[wanted[0].lower()]] if wanted else None

    def event_for(self, codec: Codec) -> tuple[int, int] | None:
        """Return the telephone-event format for a codec: same clock first, else 8000 Hz."""
        for rate in (codec.clock_rate, 8000):
            for event in self.telephone_events:
                if event[1] == rate:
                    return event
        return None


def read_formats(media: MediaDescription) -> FormatList:
    """Read the payload types and their maps.

    Raises:
        NegotiationError: `duplicate-payload-type` when a number is listed twice or mapped
            to two formats, `bad-sdp` when a number is none.
    """
    numbers = [_payload_type(text) for text in media.formats]
    if len(set(numbers)) != len(numbers):
        raise NegotiationError("duplicate-payload-type")
    maps = _maps(media)
    codecs: list[Codec] = []
    events: list[tuple[int, int]] = []
    noise: int | None = None
    for number in numbers:
        name, _, tail = maps.get(number, _STATIC.get(number, "")).partition("/")
        rate_text, _, channels_text = tail.partition("/")
        rate = int(rate_text or "0")
        if name in _NAMES:
            known = _NAMES[name]
            if (rate, int(channels_text or "1")) == _RATES[known]:
                codecs.append(Codec.own(known, number))
        elif name == "telephone-event" and rate:
            events.append((number, rate))
        elif name == "cn" and rate == 8000 and noise is None:
            noise = number
    return FormatList(tuple(codecs), tuple(events), noise)


def _maps(media: MediaDescription) -> dict[int, str]:
    maps: dict[int, str] = {}
    for text in media.attributes("rtpmap"):
        number_text, _, written = text.partition(" ")
        number = _payload_type(number_text)
        match = _ENCODING.fullmatch(written.strip().lower())
        encoding = match[1] if match else ""
        if maps.setdefault(number, encoding) != encoding:
            raise NegotiationError("duplicate-payload-type")
    return maps


def _payload_type(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > 127:
        raise NegotiationError("bad-sdp", status=400)
    return int(text)
