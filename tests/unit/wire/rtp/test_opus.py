# SPDX-License-Identifier: Apache-2.0
"""Opus through its extra: a tone survives, noise is refused, absence is explained."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError
from centralino.wire.rtp.opus import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    OpusDecoder,
    OpusEncoder,
    is_available,
)
from centralino.wire.rtp.tone import sine, tone_level_dbfs
from tests.kit.requirements import require_package

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("frequency", [440.0, 3_000.0])
def test_tone_survives(frequency: float) -> None:
    require_package("av")
    assert is_available()
    tone = sine(frequency, 600, sample_rate=SAMPLE_RATE, level_dbfs=-15)
    encoder, decoder = OpusEncoder(), OpusDecoder()
    heard = [
        decoder.decode(encoder.encode(tone[at : at + FRAME_SAMPLES]))
        for at in range(0, len(tone), FRAME_SAMPLES)
    ]
    assert {len(frame) for frame in heard} == {FRAME_SAMPLES}
    level = tone_level_dbfs(np.concatenate(heard)[4_800:], frequency, sample_rate=SAMPLE_RATE)
    assert level == pytest.approx(-15, abs=1.5)


def test_bit_rate_is_kept() -> None:
    require_package("av")
    noise = np.random.default_rng(1).integers(-8_000, 8_000, 50 * FRAME_SAMPLES, dtype=np.int16)
    encoder = OpusEncoder(16_000)
    size = sum(
        len(encoder.encode(noise[at : at + FRAME_SAMPLES]))
        for at in range(0, len(noise), FRAME_SAMPLES)
    )
    assert size * 8 < 24_000


@pytest.mark.parametrize("payload", [b"", b"\xff\xff\xff", bytes(4_000)])
def test_noise_is_refused(payload: bytes) -> None:
    require_package("av")
    with pytest.raises(RemoteProtocolError) as caught:
        OpusDecoder().decode(payload)
    assert caught.value.code == "opus-payload"


def test_frames_have_one_size() -> None:
    require_package("av")
    with pytest.raises(LocalProtocolError) as caught:
        OpusEncoder().encode(np.zeros(480, dtype=np.int16))
    assert caught.value.code == "opus-frame-size"


def test_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert not is_available()
    for kind in (OpusEncoder, OpusDecoder):
        with pytest.raises(LocalProtocolError, match=r"centralino\[audio\]"):
            kind()
