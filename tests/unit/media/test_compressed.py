# SPDX-License-Identifier: Apache-2.0
"""Compressed prompts through their extra: what is read, what is refused, what is missing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from centralino.adapters.media import compressed
from centralino.adapters.media.compressed import (
    CompressedSoundError,
    is_available,
    read_compressed,
)
from centralino.wire.rtp.tone import sine, tone_level_dbfs
from tests.kit.requirements import require_package

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def encode(path: Path, codec: str, *, sample_format: str, seconds: float = 1.0) -> Path:
    """Write a 1 kHz tone with an encoder of the extra."""
    require_package("av")
    av: Any = importlib.import_module("av")
    tone = sine(1_000, seconds * 1_000, sample_rate=48_000, level_dbfs=-12)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.layout = "mono"
        to_format = av.AudioResampler(format=sample_format, layout="mono", rate=48_000)
        frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        for piece in to_format.resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "sample_format"),
    [
        ("a.mp3", "libmp3lame", "s16p"),
        ("a.ogg", "libopus", "s16"),
        ("a.flac", "flac", "s16"),
        ("a.m4a", "aac", "fltp"),
    ],
)
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_tone_comes_out(
    tmp_path: Path, name: str, codec: str, sample_format: str, rate: int
) -> None:
    path = encode(tmp_path / name, codec, sample_format=sample_format)
    samples = read_compressed(path, rate)
    assert len(samples) == pytest.approx(rate, rel=0.15)
    middle = samples[rate // 4 : 3 * rate // 4]
    assert tone_level_dbfs(middle, 1_000, sample_rate=rate) == pytest.approx(-12, abs=1)


@pytest.mark.parametrize("data", [b"", b"no sound" * 500, b"#EXTM3U\n/etc/hostname\n"])
def test_what_is_no_sound(tmp_path: Path, data: bytes) -> None:
    require_package("av")
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    with pytest.raises(CompressedSoundError, match=r"a\.mp3"):
        read_compressed(path, 8_000)


def test_other_containers_are_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", "pcm_s16le", sample_format="s16")
    with pytest.raises(CompressedSoundError, match="no sound file"):
        read_compressed(path, 8_000)


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILE_BYTES", 100), ("MAX_DURATION_S", 0.5)])
def test_sizes_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    path = encode(tmp_path / "a.flac", "flac", sample_format="s16")
    monkeypatch.setattr(compressed, limit, value)
    with pytest.raises(CompressedSoundError, match=r"larger|longer"):
        read_compressed(path, 8_000)


def test_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    require_package("av")
    with pytest.raises(FileNotFoundError):
        read_compressed(tmp_path / "none.mp3", 8_000)


def test_missing_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert not is_available()
    with pytest.raises(CompressedSoundError, match=r"centralino\[audio\]"):
        read_compressed(tmp_path / "a.mp3", 8_000)
