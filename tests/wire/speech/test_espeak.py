# SPDX-License-Identifier: Apache-2.0
"""The real espeak-ng: it speaks our languages and cannot be talked into options."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from centralino.adapters.speech.espeak import VOICES, EspeakEngine
from centralino.wire.rtp.tone import level_dbfs
from tests.kit.requirements import require_program
from tools import make_prompts

pytestmark = pytest.mark.wire


@pytest.fixture(autouse=True)
def _espeak() -> None:
    require_program("espeak-ng")


@pytest.mark.parametrize("language", sorted(VOICES))
def test_each_language_is_spoken(language: str) -> None:
    samples = asyncio.run(EspeakEngine().synthesise("Aurora Outdoor", language, 16_000))
    assert 0.5 < len(samples) / 16_000 < 4
    assert level_dbfs(samples) > -30


def test_text_that_looks_like_options_or_markup_is_spoken() -> None:
    async def lengths() -> list[int]:
        engine = EspeakEngine()
        texts = ["-w /tmp/x --voices", "<break time='5s'/>", "aurora"]
        return [len(await engine.synthesise(text, "en", 8_000)) for text in texts]

    options, markup, plain = asyncio.run(lengths())
    assert options > plain
    assert plain < markup < 8 * 8_000


def test_same_text_gives_the_same_sound() -> None:
    engine = EspeakEngine()
    first, second = (asyncio.run(engine.synthesise("uno due tre", "it", 8_000)) for _ in range(2))
    assert np.array_equal(first, second)


def test_committed_prompts_are_what_their_texts_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_prompts.main(["--check"]) == 0, capsys.readouterr().out
