# SPDX-License-Identifier: Apache-2.0
"""What the page on simulated calls shows is what a scenario file takes, and does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from centralino.simulators.graph.calls.endings import WORDS, ending
from centralino.simulators.graph.calls.settings import CallsScenario, Results
from centralino.simulators.graph.calls.table import ROWS
from centralino.simulators.graph.calls.world import CallWorld
from tests.kit.graph_calls import START, TENANT, scenario

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[4]
PAGE = REPOSITORY / "docs" / "how-to" / "simulated-calls.md"


def _blocks() -> list[dict[str, Any]]:
    text = PAGE.read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_examples_of_the_page_are_read() -> None:
    whole, people, faults = _blocks()
    calls = msgspec.convert(whole["calls"], CallsScenario)
    assert calls.calls[0].caller == calls.people[0].id
    for part in (people, faults):
        assert msgspec.convert({"tenant_id": TENANT, **part}, CallsScenario).tenant_id == TENANT
    CallWorld(calls, START)


def test_a_scenario_survives_its_file() -> None:
    given = scenario()
    assert msgspec.yaml.decode(msgspec.yaml.encode(given), type=CallsScenario) == given


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert({"tenant_id": TENANT, "colour": 1}, CallsScenario)


def test_every_word_for_an_end_has_a_code() -> None:
    for word in WORDS:
        result = ending(word, Results())
        assert result.message
        assert (result.code, result.subcode) != (0, 0)


def test_no_operation_stands_twice() -> None:
    names = [(row.method, row.path) for row in ROWS]
    assert len(names) == len(set(names))
