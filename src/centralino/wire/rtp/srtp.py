# SPDX-License-Identifier: Apache-2.0
"""SRTP with SDES keys: protect what we send, open what comes, survive a restart.

What lives here: one direction of one stream per object, on top of libsrtp; the roll-over
count (ROC) that each side keeps and never transmits; how to get it back after a restart;
the master key identifier (MKI) that Teams may append. What must not: where keys come from,
sockets, logging (keys never leave this module, not even in a ``repr``).

libsrtp gives no way to set a roll-over count, so `resume` walks there: it feeds packets of
its own, a quarter of the sequence space apart, so that ten days of a call cost about a
millisecond. A sender must resume at or above the last index it used: an index used twice
under one key gives the key stream away.

Sources: RFC 3711 3.3.1 (index), 3.3.2 (replay), 3.4 (SRTCP); RFC 4568 6.1 (keys), 6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylibsrtp import Error as LibraryError
from typing_extensions import override

from centralino.wire.errors import LocalProtocolError
from centralino.wire.rtp.srtp_index import (
    MAX_RTCP_INDEX,
    REPLAY_WINDOW,
    RTCP_TAG_BYTES,
    SUITE_32,
    SUITE_80,
    TAG_BYTES,
    SrtpRefused,
    dummy,
    next_index,
    receiver_session,
    refusal,
    sender_session,
    walk,
)

if TYPE_CHECKING:
    from pylibsrtp import Session

__all__ = ["SUITE_32", "SUITE_80", "SrtpReceiver", "SrtpRefused", "SrtpSender"]

MAX_STREAMS: Final = 16
"""Sources (SSRC) that a receiver keeps apart; the one heard first is forgotten."""
STALE_AFTER: Final = 15
"""Packets of one source in a row that fail before we doubt our own roll-over count."""

_SEQUENCE_AT: Final = 2
_SSRC_AT: Final = 8
_HEADER_BYTES: Final = 12
_MASK_16: Final = 0xFFFF
_RTCP_MIN_BYTES: Final = 8 + 4 + RTCP_TAG_BYTES


class SrtpSender:
    """Protects the packets of one direction; one key, as many sources as it is given."""

    __slots__ = ("_highest", "_key", "_rtcp_index", "_session", "_suite")

    def __init__(self, suite: str, key: bytes) -> None:
        """Start at roll-over count 0.

        Args:
            suite: `SUITE_80` or `SUITE_32`.
            key: `KEY_BYTES` of master key and salt.

        Raises:
            LocalProtocolError: the suite is unknown or the key has the wrong length.
        """
        self._suite = suite
        self._key = bytes(key)
        self._session = sender_session(suite, self._key)
        self._highest: dict[int, int] = {}
        self._rtcp_index = 0

    def protect(self, packet: bytes) -> bytes:
        """Return the protected form of an RTP packet.

        Raises:
            LocalProtocolError: ``srtp-index-reuse``, the sequence number went back;
                ``srtp-packet``, the packet is no RTP or too long.
        """
        try:
            protected = self._session.protect(packet)
        except (LibraryError, ValueError) as error:
            code = "srtp-index-reuse" if "replay" in str(error) else "srtp-packet"
            raise LocalProtocolError(code, str(error)) from error
        sequence = (packet[_SEQUENCE_AT] << 8) | packet[_SEQUENCE_AT + 1]
        ssrc = int.from_bytes(packet[_SSRC_AT:_HEADER_BYTES], "big")
        before = self._highest.get(ssrc)
        if before is not None and sequence == (before + 1) & _MASK_16:
            self._highest[ssrc] = before + 1
        else:
            index = next_index(before, sequence)
            if before is None or index > before:
                self._highest[ssrc] = index
        return protected

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Return the protected form of a compound RTCP packet.

        Raises:
            LocalProtocolError: ``srtp-packet``, the packet is no RTCP or too long.
        """
        try:
            protected = self._session.protect_rtcp(packet)
        except (LibraryError, ValueError) as error:
            raise LocalProtocolError("srtp-packet", str(error)) from error
        self._rtcp_index += 1
        return protected

    def index(self, ssrc: int) -> int | None:
        """Return the highest index used for a source, ``None`` before its first packet."""
        return self._highest.get(ssrc)

    def rollover(self, ssrc: int) -> int:
        """Return the roll-over count of a source, 0 before its first packet."""
        return self._highest.get(ssrc, 0) >> 16

    @property
    def rtcp_index(self) -> int:
        """How many RTCP packets were protected: what `resume` wants back, or more."""
        return self._rtcp_index

    def resume(self, ssrc: int, sequence: int, roc: int, *, rtcp_index: int = 0) -> None:
        """Go on after a restart as if ``sequence`` at ``roc`` had just been sent.

        Start from a fresh object. Whoever checkpoints rarely adds a margin: what was sent
        after the checkpoint must lie at or below the index given here.

        Args:
            ssrc: The source that goes on.
            sequence: Its last sequence number, 16 bits.
            roc: Its roll-over count.
            rtcp_index: At least as many RTCP packets as were sent; the far end refuses
                reports below the number it has seen.

        Raises:
            LocalProtocolError: a number is out of range (`MAX_ROLLOVER`, `MAX_RTCP_INDEX`).
        """
        if not 0 <= rtcp_index <= MAX_RTCP_INDEX:
            raise LocalProtocolError("srtp-rtcp-index-range", "SRTCP index too high to walk to")
        for index in walk((roc << 16) | sequence):
            self.protect(dummy(ssrc, index))
        report = bytes((0x80, 201, 0, 1)) + ssrc.to_bytes(4, "big")
        while self._rtcp_index < rtcp_index:
            self.protect_rtcp(report)

    @override
    def __repr__(self) -> str:
        """Hide the key."""
        return f"SrtpSender(suite={self._suite!r})"


class SrtpReceiver:
    """Opens the packets of one direction; refuses replayed, altered and foreign ones."""

    __slots__ = (
        "_failures",
        "_highest",
        "_key",
        "_may_restart",
        "_mki_bytes",
        "_peak",
        "_rtcp_floor",
        "_rtcp_highest",
        "_session",
        "_suite",
        "_tag_bytes",
    )

    def __init__(
        self, suite: str, key: bytes, *, mki_bytes: int = 0, may_restart: bool = True
    ) -> None:
        """Start without knowing any source.

        Args:
            suite: `SUITE_80` or `SUITE_32`.
            key: `KEY_BYTES` of the far end's master key and salt.
            mki_bytes: Length of the key identifier that the far end appends, 0 for none. It
                is cut out: it is not authenticated and there is one key only.
            may_restart: Follow a source whose roll-over count fell back to 0. A far end must
                not do that under one key, but some do when media moves; the price is that
                packets recorded in the first turn can be played back while the source is
                silent. See `unprotect`.

        Raises:
            LocalProtocolError: the suite is unknown or the key has the wrong length.
        """
        self._suite = suite
        self._key = bytes(key)
        self._session = receiver_session(suite, self._key)
        self._tag_bytes = TAG_BYTES[suite]
        self._mki_bytes = mki_bytes
        self._may_restart = may_restart
        self._peak: dict[int, int] = {}
        self._highest: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._rtcp_floor: dict[int, int] = {}
        self._rtcp_highest: dict[int, int] = {}

    def unprotect(self, packet: bytes) -> bytes:
        """Return the RTP packet inside.

        A source whose packets fail `STALE_AFTER` times in a row is tried as one that went
        on unheard for more than half a turn, or that started its count again. While it is
        heard at all, replayed packets get nowhere; after it was silent it is found again.

        Raises:
            SrtpRefused: see there.
        """
        if len(packet) < _HEADER_BYTES + self._tag_bytes + self._mki_bytes:
            raise SrtpRefused("srtp-malformed", "Too short for SRTP", offending=packet)
        if self._mki_bytes:
            packet = self._without_mki(packet, self._tag_bytes)
        sequence = (packet[_SEQUENCE_AT] << 8) | packet[_SEQUENCE_AT + 1]
        ssrc = int.from_bytes(packet[_SSRC_AT:_HEADER_BYTES], "big")
        try:
            plain = self._session.unprotect(packet)
        except (LibraryError, ValueError) as error:
            code = refusal(error)
            recovered = self._try_other_rollover(packet, ssrc, sequence, code)
            if recovered is None:
                raise SrtpRefused(code, str(error), offending=packet) from error
            return recovered
        before = self._highest.get(ssrc)
        if before is None:
            self._learn(ssrc, next_index(before, sequence))
        elif sequence == (before + 1) & _MASK_16:
            self._highest[ssrc] = before + 1
        elif (index := next_index(before, sequence)) > before:
            self._highest[ssrc] = index
        if self._failures:
            self._failures.pop(ssrc, None)
        return plain

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Return the compound RTCP packet inside.

        Raises:
            SrtpRefused: see there.
        """
        if len(packet) < _RTCP_MIN_BYTES + self._mki_bytes:
            raise SrtpRefused("srtp-malformed", "Too short for SRTCP", offending=packet)
        if self._mki_bytes:
            packet = self._without_mki(packet, RTCP_TAG_BYTES)
        word = packet[-RTCP_TAG_BYTES - 4 : -RTCP_TAG_BYTES]
        index = int.from_bytes(word, "big") & 0x7FFFFFFF
        ssrc = int.from_bytes(packet[4:8], "big")
        if index <= self._rtcp_floor.get(ssrc, 0):
            raise SrtpRefused("srtp-replay", "SRTCP index seen before", offending=packet)
        try:
            plain = self._session.unprotect_rtcp(packet)
        except (LibraryError, ValueError) as error:
            raise SrtpRefused(refusal(error), str(error), offending=packet) from error
        if index > self._rtcp_highest.get(ssrc, 0):
            self._rtcp_highest[ssrc] = index
            if len(self._rtcp_highest) > MAX_STREAMS:
                self._rtcp_highest.pop(next(iter(self._rtcp_highest)))
        return plain

    def index(self, ssrc: int) -> int | None:
        """Return the highest index heard from a source, ``None`` before its first packet."""
        return self._highest.get(ssrc)

    def rollover(self, ssrc: int) -> int:
        """Return the roll-over count of a source, 0 before its first packet."""
        return self._highest.get(ssrc, 0) >> 16

    def rtcp_index(self, ssrc: int) -> int:
        """Return the highest SRTCP index heard from a source, 0 before its first report."""
        return self._rtcp_highest.get(ssrc, 0)

    def resume(self, ssrc: int, sequence: int, roc: int, *, rtcp_index: int = 0) -> None:
        """Go on after a restart as if ``sequence`` at ``roc`` had just been heard.

        What came up to `REPLAY_WINDOW` packets before it counts as heard too, so nothing
        from before the restart is accepted a second time.

        Args:
            ssrc: The source that goes on.
            sequence: The highest sequence number heard, 16 bits.
            roc: Its roll-over count.
            rtcp_index: The highest SRTCP index heard from it.

        Raises:
            LocalProtocolError: the roll-over count is out of range.
        """
        index = (roc << 16) | sequence
        self._walk_to(self._session, ssrc, walk(index, REPLAY_WINDOW))
        self._learn(ssrc, index)
        if rtcp_index:
            self._rtcp_floor[ssrc] = self._rtcp_highest[ssrc] = rtcp_index

    @override
    def __repr__(self) -> str:
        """Hide the key."""
        return f"SrtpReceiver(suite={self._suite!r})"

    def _without_mki(self, packet: bytes, tag_bytes: int) -> bytes:
        return packet[: -tag_bytes - self._mki_bytes] + packet[-tag_bytes:]

    def _learn(self, ssrc: int, index: int) -> None:
        self._highest[ssrc] = index
        if len(self._highest) > MAX_STREAMS:
            oldest = next(iter(self._highest))
            del self._highest[oldest]
            self._failures.pop(oldest, None)
            self._peak.pop(oldest, None)
            self._session.remove_stream(oldest)

    def _walk_to(self, session: Session, ssrc: int, indices: list[int]) -> None:
        """Make a session hear a source at these indices, by playing its far end."""
        far_end = sender_session(self._suite, self._key)
        for index in indices:
            session.unprotect(far_end.protect(dummy(ssrc, index)))

    def _try_other_rollover(
        self, packet: bytes, ssrc: int, sequence: int, code: str
    ) -> bytes | None:
        """Look for the roll-over count of a source that we lost, see `unprotect`."""
        if code == "srtp-malformed":
            return None
        failures = self._failures.pop(ssrc, 0) + 1
        self._failures[ssrc] = failures
        if len(self._failures) > MAX_STREAMS:
            self._failures.pop(next(iter(self._failures)))
        if failures % STALE_AFTER:
            return None
        highest = self._highest.get(ssrc, -1)
        for candidate in self._candidates(ssrc):
            index = (candidate << 16) | sequence
            if index <= highest and (candidate or not self._may_restart):
                continue
            plain = self._open_at(packet, ssrc, index)
            if plain is not None:
                self._failures.pop(ssrc)
                self._peak[ssrc] = max(self._peak.get(ssrc, 0), highest)
                self._learn(ssrc, index)
                return plain
        return None

    def _candidates(self, ssrc: int) -> list[int]:
        """Return the roll-over counts that a lost source may have now.

        One that was never heard may have begun just before its numbers wrapped.
        """
        if ssrc not in self._highest:
            return [1]
        roc = self._highest[ssrc] >> 16
        candidates = {roc, roc + 1}
        if ssrc in self._peak:
            candidates |= {self._peak[ssrc] >> 16, (self._peak[ssrc] >> 16) + 1}
        if self._may_restart:
            candidates.add(0)
        return sorted(candidates)

    def _open_at(self, packet: bytes, ssrc: int, index: int) -> bytes | None:
        """Open a packet at a given index, and go on from there if it is authentic."""
        session = receiver_session(self._suite, self._key)
        try:
            if index > 0:
                self._walk_to(session, ssrc, walk(index - 1))
            plain = session.unprotect(packet)
        except (LibraryError, LocalProtocolError):
            return None
        for other, highest in self._highest.items():
            if other != ssrc:
                self._walk_to(session, other, walk(highest, REPLAY_WINDOW))
        self._session = session
        return plain
