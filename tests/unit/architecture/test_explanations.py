# SPDX-License-Identifier: Apache-2.0
"""What the explanations name is in the tree, and the rule that says so can fail."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.lints import explanations
from tools.lints.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

MODULE = '''"""A module."""

LIMIT = 3


def read() -> None:
    """Read."""


class Reader:
    """Reads."""

    size: int = 0

    def take(self) -> None:
        """Take."""
'''


def _repository(folder: Path, page: str) -> Repository:
    git = shutil.which("git")
    if git is None:
        pytest.skip("the program 'git' is not installed")
    for path, text in (
        ("src/centralino/wire/reading.py", MODULE),
        ("tests/test_reading.py", '"""Tests."""\n'),
        ("docs/explanation/page.md", page),
    ):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    subprocess.run((git, "init", "--quiet", "."), cwd=folder, check=True)
    return Repository(folder)


@pytest.mark.parametrize(
    "name",
    [
        "wire/reading.py",
        "tests/test_reading.py",
        "reading.read",
        "reading.LIMIT",
        "Reader.take",
        "Reader.size",
        "Reader",
    ],
)
def test_a_name_that_is_there_passes(tmp_path: Path, name: str) -> None:
    assert list(explanations.check(_repository(tmp_path, f"See `{name}`.\n"))) == []


@pytest.mark.parametrize(
    "name",
    [
        "wire/writing.py",
        "reading.py",
        "reading.write",
        "writing.write",
        "Reader.give",
        "Writer.take",
        "Writer",
    ],
)
def test_a_name_that_is_not_there_is_found_with_its_line(tmp_path: Path, name: str) -> None:
    (finding,) = explanations.check(_repository(tmp_path, f"# Title\n\nSee `{name}`.\n"))
    assert str(finding) == f"docs/explanation/page.md:3: there is no `{name}`"


@pytest.mark.parametrize("text", ["`make test`", "`a=inactive`", "`INVITE`", "Writer.take"])
def test_other_words_are_left_alone(tmp_path: Path, text: str) -> None:
    assert list(explanations.check(_repository(tmp_path, f"{text}\n"))) == []


def test_blocks_of_code_are_left_alone(tmp_path: Path) -> None:
    page = "```\n`Writer.take`\n```\n`Reader`\n"
    assert list(explanations.check(_repository(tmp_path, page))) == []
