# SPDX-License-Identifier: Apache-2.0
"""Each of our own lints finds what it is for, and passes what is right."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.lints import architecture, headers, logs, names, places, sizes, sleeps, suppressions
from tools.lints.__main__ import main
from tools.lints.repository import Finding, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Plant = Callable[[dict[str, str]], Repository]

pytestmark = pytest.mark.unit

HEADER = '# SPDX-License-Identifier: Apache-2.0\n"""A module that keeps one secret."""\n'


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Give a function that makes a repository out of paths and contents."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("the program 'git' is not installed")

    def make(files: dict[str, str]) -> Repository:
        for path, content in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
        subprocess.run((git, "init", "--quiet", "."), cwd=tmp_path, check=True)
        return Repository(tmp_path)

    return make


def _messages(findings: Iterable[Finding]) -> list[str]:
    return [str(finding) for finding in findings]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('log.info(f"call {leg}")', "plain string"),
        ('log.info("call %s", leg)', "one message"),
        ('self._log.warning("refused", caller=leg)', "'caller'"),
        ('log.debug("sent", dtmf_digits=leg)', "'dtmf_digits'"),
        ("log.bind(from_uri=leg)", "'from_uri'"),
    ],
)
def test_a_log_call_that_tells_too_much_is_found(plant: Plant, call: str, words: str) -> None:
    repository = plant({"src/a.py": HEADER + call})
    (message,) = _messages(logs.check(repository))
    assert message.startswith("src/a.py:3: ")
    assert words in message


@pytest.mark.parametrize(
    "call",
    [
        'log.info("call answered", leg_id=leg)',
        'log.info("dialled", pii_number=leg)',
        'log.info("closed", peer_address=leg)',
        'report.info(f"{leg}", caller=leg)',
    ],
)
def test_a_discreet_log_call_passes(plant: Plant, call: str) -> None:
    assert not _messages(logs.check(plant({"src/a.py": HEADER + call})))


def test_a_test_that_sleeps_is_found(plant: Plant) -> None:
    text = HEADER + "clock.sleep(1)\nmock.patch('a.b')\nclock.sleeper(1)\n"
    found = _messages(sleeps.check(plant({"tests/a.py": text, "src/a.py": text})))
    assert [message.split(":")[:2] for message in found] == [
        ["tests/a.py", "3"],
        ["tests/a.py", "4"],
    ]


def test_a_source_without_licence_or_docstring_is_found(
    plant: Plant,
) -> None:
    repository = plant(
        {
            "src/bare.py": "x = 1\n",
            "src/empty.py": "",
            "src/good.py": HEADER,
            "src/long.py": HEADER.replace("A module", "A\n" * 50 + "module"),
            "tests/x/__init__.py": "",
            "tools/a.sh": "#!/bin/sh\necho\n",
        }
    )
    found = [message.split(":")[0] for message in _messages(headers.check(repository))]
    assert found == ["src/bare.py", "src/bare.py", "src/empty.py", "src/long.py", "tools/a.sh"]


def test_what_outgrew_its_limit_is_found(plant: Plant) -> None:
    body = "".join(f"    x{n} = {n}\n" for n in range(sizes.FUNCTION_LINES_LIMIT))
    explained = (
        'def short() -> None:\n    """Tell.\n' + "\n".join(["    more."] * 80) + '\n    """\n'
    )
    repository = plant(
        {
            "src/long.py": HEADER + "x = 1\n" * sizes.FILE_LINES_LIMIT,
            "src/wide.py": HEADER + "def f() -> None:\n" + body,
            "src/told.py": HEADER + explained,
        }
    )
    found = _messages(sizes.check(repository))
    assert [message.split(":")[0] for message in found] == ["src/long.py", "src/wide.py"]


def test_a_place_of_one_machine_is_found(plant: Plant) -> None:
    lines = [
        "see /ho" + "me/me/x",
        "https://mirror.example/sim" + "ple/six",
        "a/ho" + "me/b",
    ]
    repository = plant({"notes.md": "\n".join(lines)})
    found = _messages(places.check(repository))
    assert [message.split(":")[1] for message in found] == ["1", "2"]


def test_page_and_folders_must_agree(plant: Plant) -> None:
    repository = plant(
        {
            architecture.PAGE: "| `core/` | a |\n| `wire/` | b |\n| `core/x/` | c |\n",
            "src/centralino/core/a.py": HEADER,
            "src/centralino/core/x/y/b.py": HEADER,
            "src/centralino/cli/main.py": HEADER,
        }
    )
    found = " ".join(_messages(architecture.check(repository)))
    assert "`cli/` has no row" in found
    assert "no folder `wire/`" in found
    assert "core" not in found


def test_a_missing_page_is_found(plant: Plant) -> None:
    assert "missing" in _messages(architecture.check(plant({"src/a.py": HEADER})))[0]


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("x = 1  # type: " + "ignore", False),
        ("x = 1  # type: " + "ignore[misc]", False),
        ("x = 1  # type: " + "ignore[misc]  # the library has no types", True),
        ("x = 1  # no" + "qa", False),
        ("x = 1  # no" + "qa: S607", False),
        ("x = 1  # no" + "qa: S607 - found on the path", True),
        ("# TO" + "DO: later", False),
    ],
)
def test_a_suppression_needs_code_and_reason(plant: Plant, line: str, is_fine: bool) -> None:
    found = _messages(suppressions.check(plant({"src/a.py": HEADER + line + "\n"})))
    assert bool(found) is not is_fine


def test_a_switched_off_test_is_found(plant: Plant) -> None:
    text = HEADER + "@pytest.mark." + "skip\ndef test_x() -> None: ...\n"
    assert "switched off" in _messages(suppressions.check(plant({"tests/a.py": text})))[0]


def test_a_name_that_says_nothing_is_found(plant: Plant) -> None:
    repository = plant(
        {
            "src/centralino/wire/utils/a.py": HEADER,
            "src/centralino/wire/based.py": HEADER,
            "tests/a.py": HEADER + "class MockClock: ...\nclass SimulatedClock: ...\n",
            names.PORTS: HEADER + "class Clock(Protocol): ...\nclass LogPort(Protocol): ...\n",
        }
    )
    found = [message.split(":")[:2] for message in _messages(names.check(repository))]
    assert found == [
        [names.PORTS, "3"],
        ["src/centralino/wire/utils/a.py", "0"],
        ["tests/a.py", "3"],
    ]


def test_unknown_arguments_are_wrong_usage() -> None:
    assert main(["--no-such-option"]) == 2
