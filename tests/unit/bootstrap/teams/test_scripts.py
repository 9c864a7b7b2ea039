# SPDX-License-Identifier: Apache-2.0
"""The scripts are those we know, PowerShell's own grammar takes them, and nothing slips in.

PowerShell itself is not at hand: a grammar for tree-sitter parses every script, each command it
finds must be one we list, and each text of a plan must come back out of its literal unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import tree_sitter_powershell
from hypothesis import example, given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from centralino.bootstrap.teams.permissions import FEATURES, PERMISSIONS, permissions_of
from centralino.bootstrap.teams.plan import ProvisioningPlan, read_plan
from centralino.bootstrap.teams.powershell import CMDLETS, command, literal
from centralino.bootstrap.teams.script import files_of
from centralino.core.kernel.errors import Bug, InvalidInput

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[4]
GOLDEN = Path(__file__).parent / "golden"
PARSER = Parser(Language(tree_sitter_powershell.language()))
BUILT_IN = {
    "Compare-Object",
    "ConvertTo-Json",
    "ForEach-Object",
    "Invoke-Step",
    "Measure-Object",
    "Out-File",
    "Out-Null",
    "Read-Setting",
    "Select-Object",
    "Set-StrictMode",
    "Where-Object",
    "Write-Host",
    "Write-Warning",
}


def plan() -> ProvisioningPlan:
    reading = read_plan((ROOT / "examples/teams/plan.yaml").read_text("utf-8"))
    assert reading.problems == ()
    assert reading.document is not None
    return reading.document


def nodes(text: str) -> Iterator[Node]:
    """Yield all nodes of a script; fail when the grammar does not take it."""
    root = PARSER.parse(text.encode()).root_node
    assert not root.has_error, f"not PowerShell: {text[:200]}"
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def commands(text: str) -> set[str]:
    return {
        node.text.decode()
        for node in nodes(text)
        if node.type == "command_name" and node.text is not None
    }


@pytest.mark.parametrize("name", sorted(files_of(plan())))
def test_a_file_is_the_one_we_know(name: str) -> None:
    assert files_of(plan())[name] == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["provision.ps1", "undo.ps1", "settings.ps1"])
def test_the_grammar_takes_it_and_every_command_is_listed(name: str) -> None:
    found = commands(files_of(plan())[name])
    assert len(found) >= 5
    assert found - BUILT_IN <= set(CMDLETS)


def test_reading_settings_changes_nothing() -> None:
    found = commands(files_of(plan())["settings.ps1"]) - BUILT_IN
    assert all(name.startswith("Get-") for name in found)


def test_a_grammar_error_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        list(nodes("Invoke-Step -Find { Get-CsTenant"))


@given(st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1))
@example("'; Remove-CsOnlineVoiceRoute -Identity x #")
@example("\u2019; Remove-CsOnlineVoiceRoute \u2018")
@example('$(Remove-CsOnlineVoiceRoute)`n"')
def test_a_text_is_one_literal_whatever_it_holds(text: str) -> None:
    written = literal(text)
    inner = written[1:-1]
    for quote in "'\u2018\u2019\u201a\u201b":
        assert inner.count(quote) % 2 == 0
        inner = inner.replace(quote * 2, quote)
    assert inner == text
    if text.isascii():
        [found] = [
            node
            for node in nodes(f"Get-CsOnlineUser -Identity {written}")
            if node.type == "verbatim_string_characters"
        ]
        assert found.text == written.encode()


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\x1b[0m", "a\r"])
def test_a_control_character_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        literal(text)


def test_only_listed_cmdlets_and_parameters_are_written() -> None:
    with pytest.raises(Bug):
        command("Remove-Everything", Identity="x")
    with pytest.raises(Bug):
        command("Get-CsOnlineUser", Force=True)


def test_hostile_names_stay_names() -> None:
    hostile = msgspec.structs.replace(plan(), calling_policy="x'; Remove-Item C:\\ #")
    scripts = files_of(hostile)
    assert commands(scripts["provision.ps1"]) - BUILT_IN <= set(CMDLETS)


WRONG = {
    "tenant: 0f7e2d9c": ("tenant: nonsense", 3, "tenant"),
    "fqdn: sbc1.aurora-outdoor.example": ("fqdn: sbc1.onmicrosoft.com", 8, "onmicrosoft"),
    "fqdn: sbc2.aurora-outdoor.example": ("fqdn: sbc2.other.example", 10, "no verified domain"),
    "pattern: ^\\+39021555\\d{4}$": ("pattern: ^[$", 14, "no regular expression"),
    "pattern: ^\\+\\d+$": ("pattern: \\d+", 17, "begin with ^"),
    "priority: 2": ("priority: 1", 18, "has this priority"),
    'number: "+390215550100"': ('number: "0215"', 23, "number"),
    "account: recorder@": ("account: nobody@", 33, "no resource account"),
    "calendar]": ("telepathy]", 6, "no feature telepathy"),
    "recording:": ("recordng:", 31, "recordng"),
}


@pytest.mark.parametrize("old", sorted(WRONG))
def test_a_mistake_is_named_with_its_line(old: str) -> None:
    text = (ROOT / "examples/teams/plan.yaml").read_text("utf-8")
    new, line, words = WRONG[old]
    assert old in text
    text = text.replace(old, new, 1)
    reading = read_plan(text)
    assert reading.document is None
    assert any(words in one.reason for one in reading.problems), reading.problems
    assert {one.line for one in reading.problems} == {line}


def test_each_feature_has_a_permission_and_each_permission_a_reason() -> None:
    assert {one.feature for one in PERMISSIONS} == set(FEATURES)
    assert all(one.reason.endswith(".") for one in PERMISSIONS)
    names = [(one.name, one.kind) for one in permissions_of(FEATURES)]
    assert len(names) == len(set(names))
    assert permissions_of(["presence"])[0].name == "Presence.Read.All"
    assert len(permissions_of(["presence"])) == 1
