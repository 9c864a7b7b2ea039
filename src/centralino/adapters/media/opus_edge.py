# SPDX-License-Identifier: Apache-2.0
"""Opus at the edge of a leg: inside a worker it is a G.722 leg like any other.

Playing, mixing, relaying and recording rely on codecs with one byte per unit of an 8 kHz
clock. So an Opus leg (48 kHz clock, packets of any size) is translated where packets
enter and leave: samples through 16 kHz and G.722, timestamps and key durations by six.
Sound is wideband, not full band; telephones on the other side have no more.

Needs the extra ``audio`` (``centralino.wire.rtp.opus``). Source: RFC 7587 4.1; RFC 4733 2.3.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from centralino.wire.rtp.g722 import G722Decoder, G722Encoder
from centralino.wire.rtp.opus import FRAME_SAMPLES, SAMPLE_RATE, OpusDecoder, OpusEncoder
from centralino.wire.rtp.resample import Decimator, Interpolator

if TYPE_CHECKING:
    from centralino.exchange.media import LegMedia
    from centralino.wire.rtp.samples import Samples

OPUS = "opus"
INNER_CODEC = "G722"
"""What an Opus leg is inside the worker."""
CLOCK_RATE = SAMPLE_RATE
SCALE = 6
"""Units of the far end's clock in one of ours."""

_HEADER = Struct(">BBHII")
_EVENT = Struct(">BBH")
_MASK_32 = 0xFFFFFFFF
_SIGN_32 = 0x80000000
_MAX_DURATION = 0xFFFF
_RATE_STEP = 3
"""48 kHz to the 16 kHz of G.722."""


class OpusEdge:
    """Translates the packets of one leg, both ways; keeps both codecs' states.

    Raises:
        LocalProtocolError: ``opus-unavailable``, the extra is missing.
    """

    def __init__(self, media: LegMedia) -> None:
        self._audio_type = self._event_type = -1
        self._event_scale = 1
        self.agree(media)
        self._hears = OpusDecoder()
        self._speaks = OpusEncoder()
        self._inner_encoder = G722Encoder()
        self._inner_decoder = G722Decoder()
        self._down = Decimator(_RATE_STEP)
        self._up = Interpolator(_RATE_STEP)
        self._odd = np.zeros(0, dtype=np.int16)
        self._ssrc = -1
        self._outer = self._inner = 0

    def agree(self, media: LegMedia) -> None:
        """Take what was agreed anew; both codecs go on."""
        self._audio_type = media.payload_type
        self._event_type = -1 if media.event_payload_type is None else media.event_payload_type
        self._event_scale = max(1, media.event_clock_rate * SCALE // CLOCK_RATE)

    def inward(
        self, payload_type: int, ssrc: int, timestamp: int, payload: bytes
    ) -> tuple[int, bytes]:
        """Return timestamp and payload of a packet from the far end as the worker knows them.

        Raises:
            RemoteProtocolError: the payload is no Opus.
        """
        stamp = self._stamp(ssrc, timestamp)
        if payload_type == self._audio_type:
            return stamp, self._inner_encoder.encode(self._even(self._hears.decode(payload)))
        if payload_type == self._event_type and len(payload) >= _EVENT.size:
            event, flags, duration = _EVENT.unpack_from(payload)
            payload = _EVENT.pack(event, flags, duration // self._event_scale)
        return stamp, payload

    def _stamp(self, ssrc: int, timestamp: int) -> int:
        """Count by sixths, past the place where the far end's 32 bits are full."""
        if ssrc != self._ssrc:
            self._ssrc, self._outer = ssrc, timestamp
        step = ((timestamp - self._outer + _SIGN_32) & _MASK_32) - _SIGN_32
        self._outer = timestamp
        self._inner += step
        return self._inner // SCALE & _MASK_32

    def _even(self, samples: Samples) -> Samples:
        """Return samples for G.722, which takes two at a time; an odd one waits."""
        joined = np.concatenate((self._odd, self._down.process(samples)))
        whole = len(joined) - len(joined) % 2
        self._odd = joined[whole:]
        return joined[:whole]

    def outward(self, packet: bytes) -> bytes:
        """Return a packet of the worker's as the far end knows it; audio is 20 ms of G.722."""
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
        payload = packet[_HEADER.size :]
        payload_type = second & 0x7F
        if payload_type == self._audio_type:
            payload = self._encode(payload)
        elif payload_type == self._event_type and len(payload) >= _EVENT.size:
            event, flags, duration = _EVENT.unpack_from(payload)
            longer = min(duration * self._event_scale, _MAX_DURATION)
            payload = _EVENT.pack(event, flags, longer)
        stamp = timestamp * SCALE & _MASK_32
        return _HEADER.pack(first, second, sequence, stamp, ssrc) + payload

    def _encode(self, payload: bytes) -> bytes:
        samples = self._up.process(self._inner_decoder.decode(payload))
        if len(samples) != FRAME_SAMPLES:
            samples = np.resize(samples, FRAME_SAMPLES)
        return self._speaks.encode(samples)
