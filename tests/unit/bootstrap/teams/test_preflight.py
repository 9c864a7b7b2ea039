# SPDX-License-Identifier: Apache-2.0
"""Each setting that breaks something is found when it is planted, and only that one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from centralino.bootstrap.teams.examination import examine_tenant
from centralino.bootstrap.teams.permissions import FEATURES
from centralino.bootstrap.teams.preflight import Rule, Value, Verdict, judge, read_settings, rules
from centralino.core.kernel.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def good(rule: Rule) -> Value:
    if rule.wanted is not None:
        return rule.wanted
    if rule.one_of:
        return rule.one_of[0]
    if rule.at_least_one:
        return ["sbc.aurora-outdoor.example"]
    return rule.at_least if rule.at_least is not None else rule.at_most


def bad(rule: Rule) -> Value:
    if isinstance(rule.wanted, bool):
        return not rule.wanted
    if rule.at_least_one:
        return []
    if rule.at_least is not None:
        return rule.at_least - 1
    if rule.at_most is not None:
        return rule.at_most + 1
    return "SomethingElse"


HEALTHY = {rule.name: good(rule) for rule in rules()}


def test_there_are_enough_of_them_and_each_says_how_to_mend_it() -> None:
    assert len(rules()) >= 40
    assert len({rule.name for rule in rules()}) == len(rules())
    assert all(len(rule.mend) > 30 for rule in rules())
    known = {*FEATURES, "connect", "extend", "power", "baseline"}
    assert all(rule.features <= known for rule in rules())


def test_a_healthy_tenant_is_good() -> None:
    assert {one.verdict for one in judge(HEALTHY)} == {Verdict.GOOD}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_planted_fault_is_found_and_nothing_else(rule: Rule) -> None:
    checked = judge({**HEALTHY, rule.name: bad(rule)})
    wrong = [one for one in checked if one.verdict is not Verdict.GOOD]
    assert [one.rule.name for one in wrong] == [rule.name]
    expected = Verdict.BROKEN if rule.severity == "breaks" else Verdict.HINT
    assert wrong[0].verdict is expected


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_what_could_not_be_read_is_unknown_and_what_is_nonsense_is_wrong(rule: Rule) -> None:
    unread = {**HEALTHY, rule.name: None}
    assert [one.rule.name for one in judge(unread) if one.verdict is Verdict.UNKNOWN] == [rule.name]
    far_off = -999_999 if rule.at_most is None else 10**9
    mistakes: tuple[object, ...] = ("", "True", [], 3.5, {"a": 1}, far_off)
    for nonsense in mistakes:
        assert not rule.holds(nonsense)  # type: ignore[arg-type]  # what a file may hold


def test_only_what_is_wanted_is_judged() -> None:
    names = {one.rule.name for one in judge(HEALTHY, ["presence"])}
    assert names == {"presence.federation_scope", "presence.read_permission"}
    with pytest.raises(ConfigError, match="telepathy"):
        examine_tenant("nowhere", ["telepathy"])


def test_the_file_that_powershell_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tenant-settings.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(HEALTHY).encode())
    assert all(finding.is_good for finding in examine_tenant(str(path)))
    path.write_text(json.dumps({**HEALTHY, "calling.busy_on_busy": "Disabled"}))
    [wrong] = [one for one in examine_tenant(str(path)) if not one.is_good]
    assert wrong.check == "calling.busy_on_busy"
    assert "BusyOnBusyEnabledType" in wrong.cure


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a": {"b": 1}}', b"\xff\xfe"])
def test_something_else_is_no_settings_file(data: bytes) -> None:
    with pytest.raises(ConfigError):
        read_settings(data, "file")
