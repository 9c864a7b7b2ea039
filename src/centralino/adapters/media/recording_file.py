# SPDX-License-Identifier: Apache-2.0
"""A recording on disk: a WAV with a channel per leg that is valid at every moment, and its sidecar.

The header is written with every batch, so that a crash costs at most the last second.
A stretch that could not be written (disk full) is silence, noted as a gap, and the file
goes on when there is room again. A restarted worker that is given the same recording
and path goes on in the same file at the place that the time by the wall says.

Sidecar ``<path>.json``: recording, legs per channel, sample rate, when it started (UTC
nanoseconds), marks (pause, resume, mark, gap; place in ms), state.

Runs on the writer's thread; every method may raise ``OSError``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from centralino.adapters.media.codec import FrameDecoder, Resampler

if TYPE_CHECKING:
    from centralino.adapters.media.recording import Batch, Chunk
    from centralino.wire.rtp.samples import Samples


_HEADER = Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2
_RTP_RATE = 8000
_VOICE_RMS = 200
"""Louder stretches of a fiftieth of a second are speech (-44 dBFS)."""
_MAX_DATA_BYTES = 0xFFFFFFFF - _HEADER.size


class Mark(msgspec.Struct, frozen=True):
    """Something that happened at a place of a recording."""

    at_ms: int
    kind: str
    """``pause``, ``resume``, ``mark``, ``gap`` or ``crash``."""
    label: str = ""


class Sidecar(msgspec.Struct, kw_only=True):
    """What is known of a recording beside its sound."""

    recording: str
    first: str
    """Leg on channel 0."""
    second: str
    """Leg on channel 1."""
    sample_rate: int
    started_at: int
    """UTC nanoseconds."""
    state: str = "open"
    """``open``, ``complete`` or ``incomplete``."""
    duration_ms: int = 0
    marks: list[Mark] = msgspec.field(default_factory=list)
    channels: int = 2
    """1 when only the first leg is recorded."""


def wave_header(sample_rate: int, data_bytes: int, channels: int = 2) -> bytes:
    """Return the header of a 16-bit PCM file."""
    frame_bytes = channels * _SAMPLE_BYTES
    data_bytes = min(data_bytes, _MAX_DATA_BYTES)
    return _HEADER.pack(
        *(b"RIFF", data_bytes + _HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, channels),
        *(sample_rate, sample_rate * frame_bytes, frame_bytes, 16, b"data", data_bytes),
    )


class RecordingFile:
    """The two files of one recording.

    Raises:
        FileExistsError: the path holds another recording.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str, fresh: Sidecar) -> None:
        self._path = path
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self.sidecar = self._open_sidecar(fresh)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._rate = self.sidecar.sample_rate
        self._channels = tuple(_Channel(self._rate) for _ in range(self.sidecar.channels))
        self._frame_bytes = self.sidecar.channels * _SAMPLE_BYTES
        self.has_voice = False
        """Somebody spoke on the first channel."""
        self._voice_end = 0
        """Where on the first channel speech was last heard, in samples."""
        self._gap_end_ms = -1
        self._end = 0
        """Samples per channel that the file has."""
        size = os.fstat(self._descriptor).st_size
        if size > _HEADER.size:
            self._end = (size - _HEADER.size) // self._frame_bytes
        else:
            self._store(0, b"")

    def _open_sidecar(self, fresh: Sidecar) -> Sidecar:
        try:
            with open(f"{self._path}.json", "rb") as file:
                found = msgspec.json.decode(file.read(), type=Sidecar)
        except FileNotFoundError:
            if os.path.exists(self._path):
                raise FileExistsError(f"{self._path} is there already") from None
            self._write_sidecar(fresh)
            return fresh
        except msgspec.MsgspecError as error:
            raise FileExistsError(f"{self._path}.json is no sidecar: {error}") from error
        if found.recording != fresh.recording:
            raise FileExistsError(f"{self._path} holds recording {found.recording}")
        found.state = "open"
        return found

    def _write_sidecar(self, sidecar: Sidecar) -> None:
        new = f"{self._path}.json.new"
        with open(new, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(sidecar)))
        os.replace(new, f"{self._path}.json")

    def write(self, batch: Batch) -> None:
        """Decode and store a stretch."""
        scale = self._rate // _RTP_RATE
        begin, count = batch.begin * scale, (batch.end - batch.begin) * scale
        if count <= 0:
            return
        frames = np.zeros((count, len(self._channels)), dtype="<i2")
        parts = (batch.first, batch.second)
        for column, channel in enumerate(self._channels):
            channel.render(parts[column], batch.begin, frames[:, column])
        self._listen(begin, frames[:, 0])
        self._store(begin, frames.tobytes())

    @property
    def silence_ms(self) -> int:
        """For how long nobody has spoken on the first channel."""
        return max(0, self._end - self._voice_end) * 1000 // self._rate

    def _listen(self, begin: int, samples: Samples) -> None:
        block = self._rate // 50
        count = len(samples) // block
        blocks = samples[: count * block].reshape(count, block).astype(np.float64)
        loud = np.flatnonzero(np.sqrt((blocks**2).mean(axis=1)) > _VOICE_RMS)
        if len(loud):
            self.has_voice = True
            self._voice_end = begin + (int(loud[-1]) + 1) * block

    def _store(self, begin: int, data: bytes) -> None:
        at = _HEADER.size + begin * self._frame_bytes
        if at + len(data) > _MAX_DATA_BYTES:
            raise OSError(27, "a WAV file cannot be larger than 4 GiB")
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, at)
            view, at = view[written:], at + written
        self._end = max(self._end, begin + len(data) // self._frame_bytes)
        size = self._end * self._frame_bytes
        os.pwrite(self._descriptor, wave_header(self._rate, size, len(self._channels)), 0)

    def mark(self, mark: Mark) -> None:
        """Note something in the sidecar."""
        self.sidecar.marks.append(mark)
        self._write_sidecar(self.sidecar)

    def note_gap(self, begin_ms: int, end_ms: int) -> None:
        """Remember a stretch that could not be stored; it is written with the next mark."""
        marks = self.sidecar.marks
        last = marks[-1] if marks else None
        if last is not None and last.kind == "gap" and self._gap_end_ms == begin_ms:
            marks.pop()
            begin_ms = last.at_ms
        self._gap_end_ms = end_ms
        marks.append(Mark(begin_ms, "gap", f"{end_ms - begin_ms} ms"))

    def finish(self, duration_ms: int, *, is_complete: bool) -> None:
        """Make both files final and close."""
        try:
            self.sidecar.duration_ms = duration_ms
            self.sidecar.state = "complete" if is_complete else "incomplete"
            self._write_sidecar(self.sidecar)
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)


class _Channel:
    """Decodes one channel; a packet that reaches over the end is carried to the next batch."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._decoders: dict[str, tuple[FrameDecoder, Resampler]] = {}
        self._carried: Samples = np.zeros(0, dtype=np.int16)

    def render(self, chunks: Sequence[Chunk], begin: int, out: Samples) -> None:
        """Put the chunks of a stretch that starts at ``begin`` into ``out``."""
        head = min(len(self._carried), len(out))
        out[:head] = self._carried[:head]
        self._carried = self._carried[head:]
        for position, codec, payload in _runs(chunks):
            at = (position - begin) * (self._rate // _RTP_RATE)
            samples = self._decode(codec, payload)
            fits = min(len(samples), len(out) - at)
            out[at : at + fits] = samples[:fits]
            if fits < len(samples):
                self._carried = samples[fits:]

    def _decode(self, codec: str, payload: bytes) -> Samples:
        chain = self._decoders.get(codec)
        if chain is None:
            decoder = FrameDecoder(codec)
            chain = (decoder, Resampler(decoder.sample_rate, self._rate))
            self._decoders[codec] = chain
        return chain[1].convert(chain[0].decode(payload))


def _runs(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Join packets that follow each other without a gap; both codecs take a byte per unit."""
    runs: list[tuple[int, str, list[bytes]]] = []
    end = -1
    for position, codec, payload in chunks:
        if runs and position == end and runs[-1][1] == codec:
            runs[-1][2].append(payload)
        else:
            runs.append((position, codec, [payload]))
        end = position + len(payload)
    return [(position, codec, b"".join(parts)) for position, codec, parts in runs]
