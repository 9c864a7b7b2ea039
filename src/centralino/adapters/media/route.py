# SPDX-License-Identifier: Apache-2.0
"""From one talker to one listener: packets passed on without mixing.

The same codec is passed on as it is, mu-law and A-law are exchanged byte by byte, other
pairs are decoded and encoded packet by packet. The talker's losses stay losses and its
silence stays silence: the listener's far end has a jitter buffer, a second one here
would only add delay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from centralino.adapters.media.codec import FrameDecoder, FrameEncoder, Resampler, translation
from centralino.adapters.media.outgoing import OutgoingLine, Source

_MARKER = 0x80


class Listener(Protocol):
    """What a route needs of the leg that it sends to."""

    line: OutgoingLine
    payload_type: int
    event_payload_type: int
    """Payload type of telephone events, -1 for none."""
    comfort_payload_type: int

    def transmit(self, packet: bytes) -> None:
        """Send one packet."""
        ...

    def hush(self, now: int) -> None:
        """Send nothing of our own for a moment, a key is passed on."""
        ...


def make_conversion(talks: str, hears: str) -> Callable[[bytes], bytes] | None:
    """Return what turns payloads of one codec into another, ``None`` when they are the same."""
    if talks == hears:
        return None
    table = translation(talks, hears)
    if table is not None:
        return lambda payload: payload.translate(table)
    decoder, encoder = FrameDecoder(talks), FrameEncoder(hears)
    resampler = Resampler(decoder.sample_rate, encoder.sample_rate)
    return lambda payload: encoder.encode(resampler.convert(decoder.decode(payload)))


class Route(Source):
    """Passes a talker's packets on; the listener hears nobody else."""

    __slots__ = ("_convert", "_listener")

    def __init__(self, listener: Listener, talks: str, hears: str) -> None:
        super().__init__()
        self._listener = listener
        self._convert = make_conversion(talks, hears)

    def begin_spurt(self) -> None:
        """Take the line anew with the next packet: the talker counts from elsewhere."""
        self._listener.line.end_source(self)

    def forward(self, marker: int, sequence: int, timestamp: int, payload: bytes, now: int) -> None:
        """Pass on one audio packet; ``marker`` is 0x80 or 0."""
        listener = self._listener
        header = listener.line.relay_header(
            self, listener.payload_type | marker, sequence, timestamp, now
        )
        if header is not None:
            if self._convert is not None:
                payload = self._convert(payload)
            listener.transmit(header + payload)

    def forward_event(
        self, marker: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        """Pass on one telephone-event packet, where the listener understands them."""
        listener = self._listener
        if listener.event_payload_type >= 0:
            second = listener.event_payload_type | marker
            header = listener.line.relay_header(self, second, sequence, timestamp, now)
            if header is not None:
                listener.transmit(header + payload)

    def forward_comfort(self, sequence: int, timestamp: int, payload: bytes, now: int) -> None:
        """Pass on one comfort-noise packet (RFC 3389), where the listener understands it."""
        listener = self._listener
        if listener.comfort_payload_type >= 0 and self._convert is None:
            header = listener.line.relay_header(
                self, listener.comfort_payload_type, sequence, timestamp, now
            )
            if header is not None:
                listener.transmit(header + payload)


class EventRoute:
    """Passes a talker's telephone events on to a listener whose audio is mixed."""

    __slots__ = ("_heard_timestamp", "_listener", "_sent_timestamp")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._heard_timestamp = -1
        self._sent_timestamp = 0

    def forward_event(
        self, marker: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        """Pass on one packet of an event; all of one event have the same timestamp."""
        listener = self._listener
        if listener.event_payload_type < 0:
            return
        if timestamp != self._heard_timestamp:
            self._heard_timestamp = timestamp
            self._sent_timestamp = listener.line.wall_timestamp(now)
        listener.hush(now)
        header = listener.line.next_header(
            listener.event_payload_type, self._sent_timestamp, marker=bool(marker)
        )
        listener.transmit(header + payload)
