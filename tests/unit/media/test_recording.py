# SPDX-License-Identifier: Apache-2.0
"""Where a recorded packet has its place, and what a file holds at every moment."""

from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.adapters.media.recording import Batch, Recording
from centralino.adapters.media.recording_file import Mark, RecordingFile, Sidecar
from centralino.wire.rtp.g711 import ulaw_encode

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.wire.rtp.samples import Samples

pytestmark = pytest.mark.unit

MS = 1_000_000
LOUD = ulaw_encode(np.full(160, 8000, dtype=np.int16))


def positions(recording: Recording, now_ms: int) -> list[int]:
    batch = recording.take_batch(now_ms * MS, is_last=True)
    return [chunk[0] for chunk in batch.first]


def put(recording: Recording, at_ms: int, timestamp: int, ssrc: int = 1) -> None:
    recording.first.put(ssrc, timestamp & 0xFFFFFFFF, "PCMU", LOUD, at_ms * MS)


def test_place_follows_the_timestamp_not_the_arrival() -> None:
    recording = Recording(0)
    for at_ms, timestamp in ((100, 1000), (131, 1160), (139, 1320), (160, 1480)):
        put(recording, at_ms, timestamp)
    assert positions(recording, 1000) == [800, 960, 1120, 1280]


def test_reordered_packets_are_put_in_order_across_the_wrap() -> None:
    recording = Recording(0)
    for at_ms, timestamp in ((100, -160), (120, 160), (125, 0)):
        put(recording, at_ms, timestamp)
    assert positions(recording, 1000) == [800, 960, 1120]


def test_other_source_or_a_jump_is_anchored_to_the_wall() -> None:
    recording = Recording(0)
    put(recording, 100, 1000)
    put(recording, 300, 77, ssrc=2)
    put(recording, 500, 9_999_999, ssrc=2)
    assert positions(recording, 1000) == [800, 2400, 4000]


def test_pause_takes_nothing() -> None:
    recording = Recording(0)
    put(recording, 100, 0)
    recording.set_paused(True)
    put(recording, 200, 800)
    recording.set_paused(False)
    put(recording, 300, 1600)
    assert positions(recording, 1000) == [800, 2400]


def test_batches_hold_back_and_later_packets_are_lost_and_counted() -> None:
    recording = Recording(0)
    put(recording, 100, 0)
    put(recording, 120, 160)
    early = recording.take_batch(450 * MS)
    assert (early.begin, early.end) == (0, 1200)
    assert [chunk[0] for chunk in early.first] == [800, 960]
    put(recording, 460, 300)
    assert positions(recording, 1000) == []
    assert recording.first.lost_packets == 1


def test_recording_that_goes_on_after_a_crash_counts_from_its_first_start() -> None:
    recording = Recording(5000 * MS)
    put(recording, 5100, 0)
    recording.shift_start(2000 * MS)
    put(recording, 5120, 4711)
    assert positions(recording, 6000) == [3100 * 8, 3120 * 8]
    assert recording.duration_ms(6000 * MS) == 4000


def test_a_track_is_bounded() -> None:
    recording = Recording(0)
    for number in range(1600):
        put(recording, 20 * number, 160 * number)
    assert len(recording.first.chunks) == 1500
    assert recording.first.lost_packets == 100


# ---------------------------------------------------------------------------- files
def sidecar(name: str = "recording-1") -> Sidecar:
    return Sidecar(recording=name, first="a", second="b", sample_rate=8000, started_at=123)


def read(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def test_file_is_valid_after_every_batch(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    file = RecordingFile(str(path), sidecar())
    assert len(read(path)) == 0
    file.write(Batch(0, 400, [(100, "PCMU", LOUD)], []))
    samples = read(path)
    assert len(samples) == 400
    assert np.flatnonzero(samples[:, 0]).tolist() == list(range(100, 260))
    assert not samples[:, 1].any()


def test_packet_over_the_edge_of_a_batch_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    file = RecordingFile(str(path), sidecar())
    file.write(Batch(0, 400, [], [(300, "PCMU", LOUD)]))
    file.write(Batch(400, 800, [], []))
    assert np.flatnonzero(read(path)[:, 1]).tolist() == list(range(300, 460))


def test_what_was_not_written_is_silence_and_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    file = RecordingFile(str(path), sidecar())
    file.note_gap(0, 100)
    file.note_gap(100, 200)
    file.note_gap(300, 400)
    file.write(Batch(3200, 3600, [(3200, "PCMU", LOUD)], []))
    file.finish(450, is_complete=False)
    assert np.flatnonzero(read(path)[:, 0]).tolist() == list(range(3200, 3360))
    stored = json.loads((tmp_path / "one.wav.json").read_text())
    assert [(mark["at_ms"], mark["label"]) for mark in stored["marks"]] == [
        (0, "200 ms"),
        (300, "100 ms"),
    ]
    assert (stored["state"], stored["duration_ms"]) == ("incomplete", 450)


def test_same_recording_goes_on_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    RecordingFile(str(path), sidecar()).write(Batch(0, 400, [(0, "PCMU", LOUD)], []))
    again = RecordingFile(str(path), sidecar())
    again.write(Batch(800, 1200, [(800, "PCMU", LOUD)], []))
    again.mark(Mark(100, "crash"))
    sounding = np.flatnonzero(read(path)[:, 0])
    assert sounding.tolist() == [*range(160), *range(800, 960)]
    assert '"crash"' in (tmp_path / "one.wav.json").read_text()


@pytest.mark.parametrize("content", [None, b"{}", b"no json"])
def test_file_of_another_recording_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "one.wav"
    path.write_bytes(b"precious")
    if content is not None:
        (tmp_path / "one.wav.json").write_bytes(content)
    with pytest.raises(FileExistsError):
        RecordingFile(str(path), sidecar())
    assert path.read_bytes() == b"precious"
