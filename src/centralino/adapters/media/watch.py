# SPDX-License-Identifier: Apache-2.0
"""Whether a leg's audio is healthy: one-way, silent, timed out, and well again.

Looked at once a second. A stream that carries exact digital silence for long is a muted
or broken source (a quiet room has noise); a person who only listens is not reported.

Pure: reads a leg's counters, returns what has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from centralino.adapters.media.codec import decode_alone

if TYPE_CHECKING:
    from centralino.adapters.media.outgoing import OutgoingLine
    from centralino.adapters.media.settings import WorkerSettings
    from centralino.exchange.media import LegMedia
    from centralino.wire.rtp.statistics import ReceiverStatistics

_SILENT_PEAK = 24
"""Peak sample up to which a frame is digital silence (the smallest steps of both laws)."""
_NANOSECONDS = 1_000_000_000


class Watched(Protocol):
    """What is looked at of a leg."""

    heard: ReceiverStatistics
    line: OutgoingLine
    media: LegMedia | None
    codec: str
    last_payload: bytes


class HealthWatch:
    """The health of one leg."""

    def __init__(self, settings: WorkerSettings, now: int) -> None:
        self._one_way_ns = round(settings.one_way_after_s * _NANOSECONDS)
        self._silent_ns = round(settings.silent_after_s * _NANOSECONDS)
        self._timeout_ns = round(settings.rtp_timeout_s * _NANOSECONDS)
        self._since = now
        """From when silence of the far end counts."""
        self._sound_at = now
        self._sent_at_start = 0
        self._received = 0
        self._trouble = ""

    def check(self, leg: Watched, now: int) -> list[str]:
        """Return what has changed since the last look, in the words of ``MediaChanged``."""
        if leg.media is None or not leg.media.receives:
            self._since = self._sound_at = now
            self._sent_at_start = leg.line.sent_packets
            return []
        received, self._received = self._received, leg.heard.received
        is_arriving = self._received > received
        if is_arriving:
            self._since = now
            if _has_sound(leg):
                self._sound_at = now
        trouble = self._find_trouble(leg, now, is_arriving=is_arriving)
        if trouble == self._trouble:
            return []
        before, self._trouble = self._trouble, trouble
        return [trouble] if trouble else ["resumed"] if before else []

    def _find_trouble(self, leg: Watched, now: int, *, is_arriving: bool) -> str:
        if self._received == 0:
            has_sent = leg.line.sent_packets > self._sent_at_start
            return "one-way" if has_sent and now - self._since >= self._one_way_ns else ""
        if not is_arriving:
            return "timeout" if now - self._since >= self._timeout_ns else self._trouble
        return "silent" if now - self._sound_at >= self._silent_ns else ""


def _has_sound(leg: Watched) -> bool:
    samples = decode_alone(leg.codec, leg.last_payload)
    return samples.size > 0 and int(np.abs(samples.astype(np.int32)).max()) > _SILENT_PEAK
