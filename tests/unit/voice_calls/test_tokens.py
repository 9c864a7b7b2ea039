# SPDX-License-Identifier: Apache-2.0
"""The random words of the voice process."""

from __future__ import annotations

import re

import pytest

from centralino.adapters.voice.process import Tokens

pytestmark = pytest.mark.unit


def test_every_word_is_another_one_of_64_bits() -> None:
    token = Tokens()
    words = [token() for _ in range(1000)]
    assert len(set(words)) == 1000
    assert all(re.fullmatch("[0-9a-f]{16}", word) for word in words)
