# SPDX-License-Identifier: Apache-2.0
"""The mixer: all rooms that need one, in one pass of arrays per tick.

Each talker is decoded once, however many hear it; each listener is one row of gains over
its talkers. Listeners with G.722 get a wideband mix, the others a narrowband one; a
talker of the other kind is resampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from centralino.adapters.media.codec import (
    NARROW,
    FrameDecoder,
    FrameEncoder,
    Resampler,
    decode_frames,
    encode_frames,
    sample_rate,
)
from centralino.adapters.media.talker import TalkerInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.adapters.media.leg import Leg
    from centralino.core.kernel.ids import LegId
    from centralino.wire.rtp.samples import Samples

_BUCKETS = (2, 4, 8, 64)
"""Rows are computed together with others of about as many talkers."""


@dataclass(frozen=True, slots=True)
class Row:
    """One listener and what it hears."""

    listener: Leg
    talkers: tuple[tuple[Leg, float], ...]


class _Talker(TalkerInput):
    """One talker with its decoder."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self.leg = leg
        self.codec = leg.codec
        self.decoder = FrameDecoder(leg.codec)
        self._resamplers: dict[int, Resampler] = {}
        self._decoded_from = b""
        self._decoded: Samples = np.zeros(0, dtype=np.int16)

    def samples(self, payload: bytes, rate: int) -> Samples:
        """Return a frame at ``rate``; decoded once per tick, whoever asks."""
        if payload is not self._decoded_from:
            self._decoded_from = payload
            self._decoded = self.decoder.decode(payload)
        resampler = self._resamplers.get(rate)
        if resampler is None:
            resampler = self._resamplers[rate] = Resampler(self.decoder.sample_rate, rate)
        return resampler.convert(self._decoded)


@dataclass(frozen=True, slots=True)
class _Group:
    """Listeners of one sample rate and about as many talkers each, as arrays."""

    rate: int
    listeners: tuple[Leg, ...]
    places: NDArray[np.intp]
    """(listener, talker) to the talker's row in the decoded frames; 0 is silence."""
    gains: NDArray[np.float32]


class Mixer:
    """Makes the audio of every listener that hears more than one other, or not at gain 1."""

    def __init__(self) -> None:
        self._talkers: dict[LegId, _Talker] = {}
        self._encoders: dict[LegId, FrameEncoder] = {}
        self._groups: list[_Group] = []

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Mix these and nothing else from now on; talkers that stay keep their buffers."""
        before = self._talkers
        self._talkers = {}
        for row in rows:
            for leg, _ in row.talkers:
                if leg.id not in self._talkers:
                    old = before.get(leg.id)
                    keep = old is not None and old.leg is leg and old.codec == leg.codec
                    self._talkers[leg.id] = old if old is not None and keep else _Talker(leg)
        for gone in before.values():
            if self._talkers.get(gone.leg.id) is not gone:
                gone.leg.mix_input = None
        for talker in self._talkers.values():
            talker.leg.mix_input = talker
        self._keep_encoders(row.listener for row in rows)
        self._groups = self._make_groups(rows)

    def _keep_encoders(self, listeners: Iterable[Leg]) -> None:
        kept = {}
        for leg in listeners:
            old = self._encoders.get(leg.id)
            kept[leg.id] = old if old and old.codec == leg.codec else FrameEncoder(leg.codec)
        self._encoders = kept

    def _make_groups(self, rows: Sequence[Row]) -> list[_Group]:
        place = {leg: number for number, leg in enumerate(self._talkers, start=1)}
        sorted_rows: dict[tuple[int, int], list[Row]] = {}
        for row in rows:
            width = next(size for size in _BUCKETS if len(row.talkers) <= size)
            key = (sample_rate(row.listener.codec), width)
            sorted_rows.setdefault(key, []).append(row)
        groups = []
        for (rate, width), members in sorted_rows.items():
            places = np.zeros((len(members), width), dtype=np.intp)
            gains = np.zeros((len(members), width), dtype=np.float32)
            for number, row in enumerate(members):
                for column, (leg, gain) in enumerate(row.talkers):
                    places[number, column] = place[leg.id]
                    gains[number, column] = gain
            listeners = tuple(row.listener for row in members)
            groups.append(_Group(rate, listeners, places, gains))
        return groups

    def run(self, tick: int, now: int) -> None:
        """Mix and send 20 ms to every listener."""
        if not self._groups:
            return
        taken = [(talker, talker.take(now)) for talker in self._talkers.values()]
        decoded: dict[int, NDArray[np.float32]] = {}
        for group in self._groups:
            frames = decoded.get(group.rate)
            if frames is None:
                frames = decoded[group.rate] = _decode(taken, group.rate)
            mixed = np.einsum("lk,lks->ls", group.gains, frames[group.places])
            clipped = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
            self._send(group, clipped, tick, now)

    def _send(self, group: _Group, mixed: Samples, tick: int, now: int) -> None:
        codes: dict[str, list[bytes]] = {}
        for number, leg in enumerate(group.listeners):
            if group.rate == NARROW:
                if leg.codec not in codes:
                    codes[leg.codec] = encode_frames(leg.codec, mixed)
                payload = codes[leg.codec][number]
            else:
                payload = self._encoders[leg.id].encode(mixed[number])
            leg.send_frame(payload, tick, now)


def _decode(taken: Sequence[tuple[_Talker, bytes | None]], rate: int) -> NDArray[np.float32]:
    """Return one row per talker at ``rate``; row 0 is silence, for nobody."""
    frames = np.zeros((len(taken) + 1, rate // 50), dtype=np.float32)
    batches: dict[str, tuple[list[int], list[bytes]]] = {}
    for row, (talker, payload) in enumerate(taken, start=1):
        if payload is None:
            continue
        if rate == NARROW and talker.decoder.sample_rate == NARROW:
            rows, payloads = batches.setdefault(talker.codec, ([], []))
            rows.append(row)
            payloads.append(payload)
        else:
            frames[row] = talker.samples(payload, rate)
    for codec, (rows, payloads) in batches.items():
        frames[rows] = decode_frames(codec, payloads)
    return frames
