# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, clear words, JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from errno import ENOSPC
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from centralino import __version__
from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.adapters.voice.settings import TEAMS_PROXIES
from centralino.bootstrap.sample import sample_text
from centralino.cli import main as cli
from centralino.cli.main import app, main
from centralino.exchange.codec import encode
from centralino.exchange.ports import JournalRecord
from tests.unit.core.company import TENANT, Desk

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit

run = CliRunner()


def _journal(path: Path, *, is_forged: bool = False) -> None:
    """Write a journal of a small day; a forged one has an event that was not decided."""
    desk = Desk()
    desk.connect_call("in-1")
    records = [
        JournalRecord(
            tenant=TENANT,
            sequence=decision.sequence,
            at=decision.at,
            configuration=1,
            key="",
            input=encode(command),
            events=tuple(encode(event) for event in decision.events),
        )
        for (command, _), decision in zip(desk.inputs, desk.decisions, strict=True)
    ]
    if is_forged:
        forged = records[0].events[-1].replace(b"carla", b"bruno")
        first = records[0]
        records[0] = JournalRecord(
            tenant=first.tenant,
            sequence=1,
            at=first.at,
            configuration=1,
            key="",
            input=first.input,
            events=(*first.events[:-2], forged, first.events[-1]),
        )
    with closing(SqliteJournal(path)) as journal:
        asyncio.run(journal.append(records))


def test_help_lists_the_commands() -> None:
    result = run.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("serve", "demo", "simulate", "replay", "doctor"))


def test_the_version_is_printed() -> None:
    assert run.invoke(app, ["--version"]).stdout.strip() == __version__


@pytest.mark.parametrize("model", ["extend", "power"])
def test_a_model_that_is_not_there_yet_is_wrong_usage_and_said_so(model: str) -> None:
    result = run.invoke(app, ["demo", "--model", model])
    assert result.exit_code == 2
    assert f"The model {model} is not part of this version" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--seconds", "0"],
        ["demo", "--plant", "fire"],
        ["simulate", "moon"],
        ["replay"],
        ["doctor"],
        ["fly"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert run.invoke(app, arguments).exit_code == 2


def test_a_replay_says_identical_and_writes_json(tmp_path: Path) -> None:
    _journal(tmp_path / "journal.sqlite3")
    result = run.invoke(app, ["replay", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert result.exit_code == 0
    assert "identical" in result.stdout
    (report,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["tenant"], report["is_identical"]) == ("acme", True)
    assert report["events"] == sum(len(d.events) for d in _decisions())


def _decisions() -> list[Decision]:
    desk = Desk()
    desk.connect_call("in-1")
    return list(desk.decisions)


def test_a_forged_event_makes_the_replay_fail_and_says_where(tmp_path: Path) -> None:
    _journal(tmp_path / "journal.sqlite3", is_forged=True)
    result = run.invoke(app, ["replay", str(tmp_path)])
    assert result.exit_code == 1
    assert "DIFFERENT from record 1" in result.stdout


def test_the_doctor_names_what_is_wrong_and_its_cure(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    text = sample_text().replace("trunk: teams\n", "trunk: teem\n", 1)
    text = text.replace("198.51.100.10", "127.0.0.1").replace("port: 5061", "port: 0")
    names = ", ".join(f"{name}: 127.0.0.1" for name in (*TEAMS_PROXIES, "203.0.113.20"))
    config.write_text(text.replace("static: {}", f"static: {{{names}}}"), encoding="utf-8")
    out = tmp_path / "out.json"
    result = run.invoke(app, ["doctor", "--config", str(config), "--json", str(out)])
    assert result.exit_code == 1
    findings = {finding["check"]: finding for finding in json.loads(out.read_text())}
    assert not findings["tenant example"]["is_good"]
    assert "Add the trunk under voice.trunks" in findings["tenant example"]["cure"]
    assert not findings["certificate"]["is_good"]
    assert findings["prompts"]["is_good"]


def test_the_doctor_explains_settings_that_cannot_be_read(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(sample_text().replace("data_dir:", "data_dirs:", 1))
    result = run.invoke(app, ["doctor", "--config", str(config)])
    assert result.exit_code == 1
    assert "data_dirs: unknown key (did you mean data_dir?)" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("demo", "--data", "{file}/x"), ("demo", "--headless", "--json", "{file}/x.json")],
)
def test_a_place_that_cannot_be_written_is_named_at_once(
    tmp_path: Path,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "file"
    file.touch()
    given = [word.format(file=file) for word in arguments]
    monkeypatch.setattr(sys, "argv", ["centralino", *given])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"{file}/x" in (told := capsys.readouterr().err)
    assert "Not a directory" in told
    assert "Traceback" not in told


def test_a_full_disk_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError(ENOSPC, "No space left on device", "journal")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told == "journal: No space left on device. Free some room there, then start it again.\n"
