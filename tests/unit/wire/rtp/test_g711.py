# SPDX-License-Identifier: Apache-2.0
"""G.711 against the decision values of the standard's tables."""

from __future__ import annotations

import numpy as np
import pytest

from centralino.wire.rtp import g711
from centralino.wire.rtp.tone import level_dbfs, sine

pytestmark = pytest.mark.unit

# ITU-T G.711 tables 1a and 2a: character signal (sign bit 1 is positive) against the
# value at the decoder output, here in 16-bit units.
ULAW_ROWS = [(0x80, 32_124), (0x8F, 16_764), (0x9F, 8_316), (0xAF, 4_092), (0xBF, 1_980)]
ULAW_ROWS += [(0xCF, 924), (0xDF, 396), (0xEF, 132), (0xFE, 8), (0xFF, 0)]
ALAW_ROWS = [(0xAA, 32_256), (0xA5, 16_896), (0xB5, 8_448), (0x85, 4_224), (0x95, 2_112)]
ALAW_ROWS += [(0xE5, 1_056), (0xF5, 528), (0xD5, 8)]


@pytest.mark.parametrize(("code", "sample"), ULAW_ROWS)
def test_ulaw_table(code: int, sample: int) -> None:
    assert g711.ulaw_decode(bytes((code, code & 0x7F))).tolist() == [sample, -sample]


@pytest.mark.parametrize(("code", "sample"), ALAW_ROWS)
def test_alaw_table(code: int, sample: int) -> None:
    assert g711.alaw_decode(bytes((code, code & 0x7F))).tolist() == [sample, -sample]


def test_every_code_survives_decoding_and_encoding() -> None:
    codes = bytes(range(256))
    assert g711.alaw_encode(g711.alaw_decode(codes)) == codes
    # mu-law has two zeros; the negative one comes back as the positive one.
    assert g711.ulaw_encode(g711.ulaw_decode(codes)) == codes.replace(b"\x7f", b"\xff")


EVERY_SAMPLE = np.arange(-32_768, 32_768, dtype=np.int32)


@pytest.mark.parametrize(("law", "loudest"), [("ulaw", 32_635), ("alaw", 32_767)])
def test_decoded_value_is_the_middle_of_its_interval(law: str, loudest: int) -> None:
    table = g711.ULAW_TO_LINEAR if law == "ulaw" else g711.ALAW_TO_LINEAR
    encode = g711.ulaw_codes if law == "ulaw" else g711.alaw_codes
    codes = encode(EVERY_SAMPLE.astype(np.int16))
    assert np.all(np.diff(table[codes].astype(np.int32)) >= 0)
    in_range = abs(EVERY_SAMPLE) <= loudest
    zeros = {0x7F, 0xFF} if law == "ulaw" else set()
    for code in set(range(256)) - zeros:
        interval = EVERY_SAMPLE[(codes == code) & in_range]
        assert abs(interval.mean() - table[code]) <= 0.5
    assert all(abs(EVERY_SAMPLE[codes == zero]).max(initial=0) < 4 for zero in zeros)


def test_silence() -> None:
    nothing = np.zeros(3, dtype=np.int16)
    assert g711.ulaw_encode(nothing) == bytes((g711.ULAW_SILENCE,)) * 3
    assert g711.alaw_encode(nothing) == bytes((g711.ALAW_SILENCE,)) * 3


def test_transcoding_tables_agree_with_the_way_through_samples() -> None:
    codes = bytes(range(256))
    assert g711.ulaw_to_alaw(codes) == g711.alaw_encode(g711.ulaw_decode(codes))
    assert g711.alaw_to_ulaw(codes) == g711.ulaw_encode(g711.alaw_decode(codes))


def test_tone_survives_three_transcodings() -> None:
    tone = sine(1_000, 200, level_dbfs=-20)
    there = g711.ulaw_to_alaw(g711.ulaw_encode(tone))
    back = g711.ulaw_decode(g711.alaw_to_ulaw(there))
    noise = level_dbfs((back - tone).astype(np.int16))
    assert noise < -20 - 30


def test_rows_of_many_legs_at_once() -> None:
    rows = np.stack([sine(300, 20), sine(700, 20)])
    assert g711.ulaw_codes(rows).shape == (2, 160)
    assert g711.ulaw_codes(rows)[1].tobytes() == g711.ulaw_encode(rows[1])
    assert g711.alaw_codes(rows[:, ::2]).shape == (2, 80)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        g711.ULAW_TO_LINEAR[0] = 1
