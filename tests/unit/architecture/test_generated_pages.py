# SPDX-License-Identifier: Apache-2.0
"""What the reference pages show is what the code defines, field by field and row by row."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.bootstrap.settings import Settings
from centralino.core.interactions import events as interaction_events
from centralino.core.interactions.lifecycle import INTERACTION
from centralino.exchange.capabilities import Capability
from centralino.wire.sip import client_invite
from tools import generate
from tools.diagrams import Diagram, Row, diagrams
from tools.pages import capabilities, commands, events, settings
from tools.pages.discovery import cell, fields, first_paragraph, modules_below

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def drawn() -> dict[str, Diagram]:
    """Give every diagram by its name."""
    return {diagram.name: diagram for diagram in diagrams()}


def test_a_lifecycle_of_the_core_is_drawn_row_by_row(drawn: dict[str, Diagram]) -> None:
    rows = drawn[INTERACTION.name].rows
    assert [(row.state, row.event, row.after) for row in rows] == [
        (str(state), str(event), str(after)) for (state, event), after in INTERACTION.table.items()
    ]


def test_a_lifecycle_of_the_wire_is_drawn_with_its_actions(drawn: dict[str, Diagram]) -> None:
    rows = {(row.state, row.event): row for row in drawn[client_invite.NAME].rows}
    assert len(rows) == len(client_invite.TABLE)
    for (state, event), step in client_invite.TABLE.items():
        row = rows[str(state), str(event)]
        assert (row.after, row.actions) == (str(step.state), tuple(map(str, step.actions)))


def test_no_lifecycle_is_drawn_twice() -> None:
    modules = [(diagram.module, diagram.name) for diagram in diagrams()]
    assert len(modules) == len(set(modules))


def test_a_diagram_shows_every_row() -> None:
    diagram = Diagram(
        "door",
        "house",
        "A door.",
        "not-open",
        ("gone",),
        (
            Row("not-open", "push", "open"),
            Row("not-open", "pull", "open"),
            Row("open", "break", "gone", ("weep",)),
        ),
    )
    assert diagram.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> not_open",
        "    not_open --> open: pull, push",
        "    open --> gone: break",
        "    gone --> [*]",
    ]
    assert "| open | break | gone | weep |" in diagram.table().splitlines()


def test_every_event_of_the_journal_is_in_the_catalogue() -> None:
    page = events.render()
    found = [
        value
        for value in vars(interaction_events).values()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and value.__module__ == interaction_events.__name__
    ]
    names = [name for name in map(events.wire_name, found) if name]
    assert len(names) > 10
    for name in names:
        assert f"### `{name}`" in page


def test_every_event_is_told() -> None:
    for _, classes in events.event_classes():
        for event in classes:
            assert first_paragraph(event), event


def test_every_capability_has_its_row() -> None:
    rows = [line for line in capabilities.render().splitlines() if line.startswith("| ")]
    widths = {line.count(" | ") for line in rows}
    assert len(rows) == 1 + len(Capability)
    assert len(widths) == 1


def test_settings_show_path_range_default_and_note() -> None:
    page = settings.render()
    assert "## `voice.trunks[].proxies[]`" in page
    assert "| `expiry_warning_days` | whole number from 1 | `30` |" in page
    assert "| `minimum_version` | `1.2` or `1.3` | `'1.2'` | Lowest TLS version." in page
    assert "| `voice` | [`voice`](#voice) | required |" in page


def test_a_setting_says_what_it_takes() -> None:
    (trunks,) = (b for b in settings.branches(Settings) if b.path == "voice.trunks[]")
    assert trunks.kinds["proxies"] == "list of [`voice.trunks[].proxies[]`](#voicetrunksproxies)"
    assert trunks.kinds["server_name"] == "text or null"


def test_every_command_has_its_section_and_no_hidden_option() -> None:
    page = commands.render()
    for name in ("demo", "serve", "simulate"):
        assert f"## `centralino {name}`" in page
    assert "| `--headless` |" in page
    assert "--plant" not in page


class _Colour(enum.Enum):
    RED = "red"


class _Base(msgspec.Struct):
    first: int
    """Told below."""
    second: str = "x"


def test_fields_of_strangers_are_not_ours() -> None:
    assert fields(_Base) == []
    assert fields(_Colour) == []


def test_a_table_cell_cannot_break_its_table() -> None:
    assert cell("``int | None``") == "`int \\| None`"


def test_a_package_that_is_not_there_has_no_modules() -> None:
    assert list(modules_below("centralino_of_nobody", defining=".")) == []


def test_a_stale_page_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    stale = tmp_path / "docs" / capabilities.PATH
    stale.write_text(stale.read_text() + "edited by hand\n")
    assert generate.main(["--check"]) == 1
    assert f"docs/{capabilities.PATH} is out of date" in capsys.readouterr().out


def test_wrong_usage_is_told() -> None:
    assert generate.main(["--no-such-option"]) == 2
