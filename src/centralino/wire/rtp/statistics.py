# SPDX-License-Identifier: Apache-2.0
"""How good a received stream is: loss, jitter, bursts, a mean opinion score.

What lives here: the counters that RTCP reports are made of, and the estimate of how a
listener would judge. What must not: packets themselves, alarms.

Loss is counted by sequence numbers only, so that silence suppression and comfort noise are
no loss. Jitter leaves out telephone events, whose timestamps stand still.

Sources: RFC 3550 6.4.1, A.1, A.3, A.8; ITU-T G.107 (E-model, its usual reduction to delay
and loss), G.113 appendix I for G.711. The loss robustness of G.722 and Opus is our estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from centralino.wire.rtp.packet import sequence_delta
from centralino.wire.rtp.rtcp import ReportBlock, middle_of

_SEEN_MASK = 0xFFFFFFFFFFFFFFFF
MAX_DROPOUT: Final = 3_000
"""Packets ahead that still count as loss; more is a new start (RFC 3550, A.1)."""
MAX_MISORDER: Final = 100
"""Packets behind that still count as late; more is a new start."""

DEFAULT_R: Final = 93.2
"""R factor of a connection without delay and loss."""

_ROBUSTNESS: Final = {
    "PCMU": (0.0, 25.1),
    "PCMA": (0.0, 25.1),
    "G722": (0.0, 15.0),
    "opus": (0.0, 20.0),
}
"""Equipment impairment and packet-loss robustness (with concealment) by codec name."""
_NS: Final = 1_000_000_000


def mos_from_r(r_factor: float) -> float:
    """Return the mean opinion score of a conversation with this R factor, 1 to 4.5.

    >>> round(mos_from_r(93.2), 3), round(mos_from_r(50), 3)
    (4.409, 2.575)
    """
    if r_factor <= 0:
        return 1.0
    if r_factor >= 100:
        return 4.5
    cubic = r_factor * (r_factor - 60) * (100 - r_factor) * 7e-6
    return max(1.0, 1 + 0.035 * r_factor + cubic)


def r_factor(
    *, codec: str = "PCMU", delay_ms: float = 0.0, loss_ratio: float = 0.0, burst_ratio: float = 1.0
) -> float:
    """Return the R factor of a connection.

    Args:
        codec: `PCMU`, `PCMA`, `G722` or `opus`.
        delay_ms: Mouth to ear, one way: half the round trip, jitter buffer and packet time.
        loss_ratio: Packets lost of those expected, 0 to 1.
        burst_ratio: Mean length of a burst of loss against that of random loss, at least 1.
    """
    impairment, robustness = _ROBUSTNESS.get(codec, (0.0, 4.3))
    late = max(0.0, delay_ms - 177.3)
    delay_impairment = 0.024 * delay_ms + 0.11 * late
    percent = 100 * min(1.0, max(0.0, loss_ratio))
    share = percent / (percent / max(1.0, burst_ratio) + robustness)
    return DEFAULT_R - delay_impairment - impairment - (95 - impairment) * share


def mouth_to_ear_ms(*, round_trip_ms: float | None, jitter_ms: float, ptime_ms: int = 20) -> float:
    """Estimate the one-way delay: half the round trip, one packet, twice the jitter.

    Without a round trip yet, 20 ms of network are assumed.
    """
    network = 20.0 if round_trip_ms is None else round_trip_ms / 2
    return network + ptime_ms + 2 * jitter_ms


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """The figures of a stream at one instant."""

    received: int
    lost: int
    """Expected and not received; 0 where duplicates outweigh."""
    late: int
    """Received behind a later one; they are not lost."""
    duplicate: int
    jitter_ms: float
    loss_ratio: float
    longest_burst: int
    """Most packets missing in a row, late ones counted as missing."""
    mean_burst: float
    """Mean length of the gaps, 0 without any."""


class ReceiverStatistics:
    """Counters of one received source; the arithmetic of RFC 3550, appendix A."""

    __slots__ = (
        "_base",
        "_bursts",
        "_clock_rate",
        "_cycles",
        "_expected_before",
        "_expected_prior",
        "_highest",
        "_jitter",
        "_last_seen",
        "_missed",
        "_probation",
        "_received_prior",
        "_report_at",
        "_report_ntp",
        "_transit",
        "duplicate",
        "late",
        "longest_burst",
        "received",
        "received_bytes",
        "ssrc",
    )

    def __init__(self, clock_rate: int = 8_000) -> None:
        """Count a stream whose timestamps run at ``clock_rate`` hertz."""
        self._clock_rate = clock_rate
        self.ssrc: int | None = None
        """The source that is heard now."""
        self.received = 0
        self.received_bytes = 0
        self.late = 0
        self.duplicate = 0
        self.longest_burst = 0
        self._bursts = 0
        self._missed = 0
        self._expected_before = 0
        self._expected_prior = 0
        self._received_prior = 0
        self._report_ntp = 0
        self._report_at: int | None = None
        self._jitter = 0.0
        self._transit: float | None = None
        self._probation: int | None = None
        self._highest = self._last_seen = 0
        self._forget_source()

    def receive(
        self, sequence: int, timestamp: int, ssrc: int, now: int, *, is_event: bool = False
    ) -> None:
        """Count one packet.

        Args:
            sequence: 16 bits.
            timestamp: 32 bits.
            ssrc: A change starts the sequence anew; totals go on.
            now: Arrival, monotonic nanoseconds.
            is_event: A telephone event: its timestamp says nothing about jitter.
        """
        if ssrc != self.ssrc:
            self._restart(sequence, ssrc)
        elif sequence and sequence == self._highest + 1:
            # The next in order, as nearly all are; what `_advance` does for it.
            self._highest = sequence
            self._last_seen = ((self._last_seen << 1) | 1) & _SEEN_MASK
            self._probation = None
        elif not self._advance(sequence):
            return
        self.received += 1
        if is_event:
            return
        transit = now * self._clock_rate / _NS - timestamp
        if self._transit is not None:
            difference = (transit - self._transit + 0x80000000) % 0x100000000 - 0x80000000
            self._jitter += (abs(difference) - self._jitter) / 16
        self._transit = transit

    def receive_report(self, ntp: int, now: int) -> None:
        """Note the far end's sender report, which the next `report_block` refers to."""
        self._report_ntp = ntp
        self._report_at = now

    @property
    def expected(self) -> int:
        """Packets that should have come, over all sources."""
        current = 0 if self.ssrc is None else self._cycles + self._highest - self._base + 1
        return self._expected_before + current

    @property
    def lost(self) -> int:
        """Expected less received; negative with duplicates (RFC 3550, A.3)."""
        return self.expected - self.received

    @property
    def highest(self) -> int:
        """Highest sequence number with the wraps above its 16 bits."""
        return self._cycles + self._highest

    @property
    def jitter(self) -> float:
        """Mean deviation of the packet spacing, in units of the RTP clock."""
        return self._jitter

    @property
    def jitter_ms(self) -> float:
        """Mean deviation of the packet spacing, in milliseconds."""
        return self._jitter * 1_000 / self._clock_rate

    def quality(self) -> StreamQuality:
        """Return all figures at once."""
        lost = max(0, self.lost)
        expected = self.expected
        return StreamQuality(
            received=self.received,
            lost=lost,
            late=self.late,
            duplicate=self.duplicate,
            jitter_ms=self.jitter_ms,
            loss_ratio=lost / expected if expected else 0.0,
            longest_burst=self.longest_burst,
            mean_burst=self._missed / self._bursts if self._bursts else 0.0,
        )

    def mos(self, *, codec: str, round_trip_ms: float | None = None, ptime_ms: int = 20) -> float:
        """Estimate the mean opinion score of what was heard so far."""
        quality = self.quality()
        delay_ms = mouth_to_ear_ms(
            round_trip_ms=round_trip_ms, jitter_ms=quality.jitter_ms, ptime_ms=ptime_ms
        )
        random_burst = 1 / (1 - quality.loss_ratio) if quality.loss_ratio < 1 else 1.0
        return mos_from_r(
            r_factor(
                codec=codec,
                delay_ms=delay_ms,
                loss_ratio=quality.loss_ratio,
                burst_ratio=max(1.0, quality.mean_burst / random_burst),
            )
        )

    def report_block(self, now: int) -> ReportBlock | None:
        """Return the block for our next report and begin a new interval.

        ``None`` before the first packet.
        """
        if self.ssrc is None:
            return None
        expected = self.expected - self._expected_prior
        lost = expected - (self.received - self._received_prior)
        self._expected_prior = self.expected
        self._received_prior = self.received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        delay = 0
        if self._report_at is not None:
            delay = min(0xFFFFFFFF, (now - self._report_at) * 65_536 // _NS)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            cumulative_lost=self.lost,
            highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            last_report=middle_of(self._report_ntp),
            delay_since_last_report=delay,
        )

    def _forget_source(self) -> None:
        self._base = 0
        self._highest = 0
        self._cycles = 0
        self._probation = None
        self._transit = None
        self._last_seen = 0

    def _restart(self, sequence: int, ssrc: int) -> None:
        """Begin to count a source, or the same one after a jump."""
        self._expected_before = self.expected
        self._forget_source()
        self.ssrc = ssrc
        self._base = self._highest = sequence
        self._last_seen = 1

    def _advance(self, sequence: int) -> bool:
        """Move the highest sequence number; tell whether the packet counts."""
        ahead = sequence_delta(sequence, self._highest)
        if 0 < ahead < MAX_DROPOUT:
            if sequence < self._highest:
                self._cycles += 0x10000
            self._highest = sequence
            self._last_seen = ((self._last_seen << ahead) | 1) & _SEEN_MASK
            if ahead > 1:
                self._bursts += 1
                self._missed += ahead - 1
                self.longest_burst = max(self.longest_burst, ahead - 1)
        elif -MAX_MISORDER < ahead <= 0:
            seen = 1 << -ahead
            if self._last_seen & seen:
                self.duplicate += 1
            else:
                self.late += 1
                self._last_seen |= seen & _SEEN_MASK
        elif sequence == self._probation and self.ssrc is not None:
            self._restart(sequence, self.ssrc)
            return True
        else:
            self._probation = (sequence + 1) & 0xFFFF
            return False
        self._probation = None
        return True

    def set_clock_rate(self, clock_rate: int) -> None:
        """Go on with timestamps of another clock, hertz; the jitter so far is forgotten."""
        if clock_rate != self._clock_rate:
            self._clock_rate = clock_rate
            self._transit, self._jitter = None, 0.0
