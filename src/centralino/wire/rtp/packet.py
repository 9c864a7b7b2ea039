# SPDX-License-Identifier: Apache-2.0
"""The RTP header: the fast functions for the media loop and a value for everybody else.

What lives here: reading and writing the fixed header, CSRC list, header extension and
padding, arithmetic modulo 2^16 and 2^32, and telling RTCP from RTP on a shared port. What
must not: what the payload means, protection, counters.

Sources: RFC 3550 5.1 and 5.3.1; RFC 5761 4 (multiplexing).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError

HEADER_BYTES: Final = 12
"""Size of the header without CSRC list and extension."""
MAX_PACKET_BYTES: Final = 1472
"""The longest packet we send or look at: what fits an Ethernet frame with IPv4 and UDP."""

HeaderFields: TypeAlias = "tuple[int, int, int, int, int, int, int]"
"""payload type, sequence number, timestamp, SSRC, marker (0 or 1), payload start, payload end."""
Buffer: TypeAlias = "bytes | bytearray | memoryview"

_FIXED = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")
_MASK_16: Final = 0xFFFF
_MASK_32: Final = 0xFFFFFFFF


def parse_header(data: Buffer) -> HeaderFields | None:
    """Return the fields of a packet, or ``None`` for anything that is no RTP version 2.

    The payload is ``data[fields[5]:fields[6]]``. Padding is taken off, so this is for a
    packet in clear: unprotect first.

    Cost: about half a microsecond; nothing is copied.
    """
    size = len(data)
    if size < HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first == 0x80:
        return second & 0x7F, sequence, timestamp, ssrc, second >> 7, HEADER_BYTES, size
    if first >> 6 != 2:
        return None
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if size < start + 4:
            return None
        start += 4 + 4 * _EXTENSION.unpack_from(data, start)[1]
    if first & 0x20:
        padding = data[size - 1]
        if not padding:
            return None
        size -= padding
    if start > size:
        return None
    return second & 0x7F, sequence, timestamp, ssrc, second >> 7, start, size


def build_header(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: int = 0
) -> bytes:
    """Return the 12 bytes of a header without CSRC list and extension.

    ``sequence`` and ``timestamp`` are cut to 16 and 32 bits, so a caller may count on.

    Raises:
        LocalProtocolError: the payload type or the SSRC does not fit.
    """
    try:
        return _FIXED.pack(
            0x80,
            payload_type | 0x80 if marker else payload_type,
            sequence & _MASK_16,
            timestamp & _MASK_32,
            ssrc,
        )
    except struct.error as error:
        raise LocalProtocolError("rtp-field-range", str(error)) from error


def is_rtcp(data: Buffer) -> bool:
    """Tell whether a packet that came on a shared port is RTCP (RFC 5761, 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def sequence_delta(newer: int, older: int) -> int:
    """Return how far ``newer`` is ahead of ``older``, from -32768 to 32767.

    >>> sequence_delta(2, 65_534)
    4
    """
    return ((newer - older + 0x8000) & _MASK_16) - 0x8000


def timestamp_delta(newer: int, older: int) -> int:
    """Return how many units ``newer`` is ahead of ``older``, from -2^31 to 2^31 - 1.

    >>> timestamp_delta(80, 0xFFFFFFB0)
    160
    """
    return ((newer - older + 0x80000000) & _MASK_32) - 0x80000000


def extend_sequence(sequence: int, reference: int) -> int:
    """Return the index (roll-over count above 16 bits) of ``sequence`` nearest to an index.

    >>> extend_sequence(3, 0x1FFFE) == 0x20003
    True
    """
    return reference + sequence_delta(sequence, reference & _MASK_16)


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """A packet as a value, for code that does not run fifty times a second."""

    payload_type: int
    """0 to 127."""
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, in units of the codec's RTP clock."""
    ssrc: int
    """32 bits."""
    payload: bytes = b""
    marker: bool = False
    contributors: tuple[int, ...] = ()
    """CSRC list, at most 15."""
    extension: tuple[int, bytes] | None = None
    """Profile word and data; the data is a multiple of 4 bytes long."""
    padding_bytes: int = 0
    """0 to 255, the count byte included."""

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Read a packet in clear.

        Raises:
            RemoteProtocolError: ``not-rtp``, the bytes are no RTP packet.
        """
        fields = parse_header(data)
        if fields is None:
            raise RemoteProtocolError("not-rtp", "No RTP packet of version 2", offending=data)
        payload_type, sequence, timestamp, ssrc, marker, start, end = fields
        count = data[0] & 0x0F
        after = HEADER_BYTES + 4 * count
        extension = None
        if data[0] & 0x10:
            extension = (_EXTENSION.unpack_from(data, after)[0], bytes(data[after + 4 : start]))
        return cls(
            payload_type,
            sequence,
            timestamp,
            ssrc,
            bytes(data[start:end]),
            bool(marker),
            struct.unpack_from(f">{count}I", data, HEADER_BYTES),
            extension,
            len(data) - end,
        )

    def to_bytes(self) -> bytes:
        """Write the packet.

        Raises:
            LocalProtocolError: ``rtp-field-range``, a field does not fit its place.
        """
        head = bytearray(
            build_header(self.payload_type, self.sequence, self.timestamp, self.ssrc, self.marker)
        )
        data = b"" if self.extension is None else self.extension[1]
        if (
            len(self.contributors) > 15
            or len(data) % 4
            or not 0 <= self.padding_bytes <= 255
            or not 0 <= self.payload_type <= 127
        ):
            raise LocalProtocolError("rtp-field-range", "A field of an RTP packet does not fit")
        head[0] |= len(self.contributors)
        head += struct.pack(f">{len(self.contributors)}I", *self.contributors)
        if self.extension is not None:
            head[0] |= 0x10
            head += _EXTENSION.pack(self.extension[0], len(data) // 4) + data
        tail = b""
        if self.padding_bytes:
            head[0] |= 0x20
            tail = bytes(self.padding_bytes - 1) + bytes((self.padding_bytes,))
        return bytes(head) + self.payload + tail
