# SPDX-License-Identifier: Apache-2.0
"""Every example in a docstring of ours runs and says what it claims."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]


def _modules_with_examples() -> list[str]:
    found = []
    for root, folder in ((REPOSITORY / "src", "centralino"), (REPOSITORY, "bench")):
        for path in sorted((root / folder).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(root).with_suffix("").parts
                found.append(".".join(parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", _modules_with_examples())
def test_the_examples_hold(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0
