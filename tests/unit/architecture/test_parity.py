# SPDX-License-Identifier: Apache-2.0
"""The tables of parity, of attacks and of pitfalls name tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.kit.requirements import REPOSITORY

pytestmark = pytest.mark.unit

TABLE = REPOSITORY / "docs" / "reference" / "baseline-parity.md"
ATTACKS = TABLE.with_name("security-sign-in.md")
PITFALLS = TABLE.with_name("pitfalls.md")
NAMED = sorted(
    {
        name
        for table in (TABLE, ATTACKS, PITFALLS)
        for name in re.findall(r"`(tests/[^`]+)`", table.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("reference", NAMED)
def test_a_named_test_exists(reference: str) -> None:
    path, _, name = reference.partition("::")
    source = (REPOSITORY / path).read_text(encoding="utf-8")
    assert not name or re.search(rf"def {re.escape(name)}\b", source), f"{path} has no {name}"


def test_every_row_says_how_it_is_shown() -> None:
    rows = [
        line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    capabilities = [row.split("|")[3].strip() for row in rows if "Shown by" not in row]
    assert len(capabilities) > 30
    assert all(capabilities)


def test_every_attack_is_refused_by_a_test() -> None:
    text = ATTACKS.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    attacks = [row.split("|")[3].strip() for row in rows if "Shown by" not in row]
    assert len(attacks) > 35
    assert all(re.fullmatch(r"`tests/[^`]+::[^`]+`", shown) for shown in attacks)


def test_every_pitfall_is_held_by_a_test_or_by_a_part_to_come() -> None:
    text = PITFALLS.read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| W")]
    assert [row[1].strip() for row in rows] == [f"W{number}" for number in range(1, 73)]
    held = [row[3].strip().split("; ") for row in rows]
    assert all(
        re.fullmatch(r"`tests/[^`]+::[^`]+`|not yet: .+", one) for how in held for one in how
    )
    assert sum(1 for how in held if how[0].startswith("`tests/")) >= 60
