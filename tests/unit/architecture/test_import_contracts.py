# SPDX-License-Identifier: Apache-2.0
"""The import contracts hold, and each of them bites when a forbidden import is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]
TYPES_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "


def _lint_imports(folder: Path) -> tuple[int, str]:
    """Check the contracts over ``<folder>/src`` and return the exit code and the report."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        (sys.executable, "-c", program, "--no-cache"),
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Give a package with every layer of ours and nothing in it."""
    shutil.copy(REPOSITORY / ".importlinter", tmp_path)
    package = tmp_path / "src" / "centralino"
    for folder in (
        "adapters/media",
        "adapters/voice",
        "api",
        "bootstrap",
        "certification",
        "cli",
        "core",
        "exchange",
        "simulators",
        "wire",
    ):
        (package / folder).mkdir(parents=True)
    (package / "adapters/clock.py").write_text("")
    for path in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (path / "__init__.py").write_text("")
    return package


@pytest.mark.timeout(120)
def test_the_contracts_hold() -> None:
    code, report = _lint_imports(REPOSITORY)
    assert code == 0, report


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("exchange/a.py", "from centralino.adapters import voice", "downward"),
        ("core/a.py", "import centralino.wire", "downward"),
        ("wire/a.py", "import centralino.core", "downward"),
        ("api/a.py", "import centralino.simulators", "downward"),
        ("core/a.py", f"{TYPES_ONLY}import centralino.exchange", "downward"),
        ("new/a.py", "", "downward"),
        ("adapters/voice/a.py", "from centralino.adapters.media import x", "not each other"),
        ("simulators/a.py", "import centralino.core", "Simulators"),
        ("core/a.py", "import time", "What decides"),
        ("core/a.py", "from random import Random", "What decides"),
        ("wire/a.py", "import asyncio", "What decides"),
        ("wire/a.py", f"{TYPES_ONLY}import socket", "What decides"),
    ],
)
def test_a_planted_import_breaks_its_contract(
    skeleton: Path, module: str, line: str, contract: str
) -> None:
    target = skeleton / module
    target.parent.mkdir(exist_ok=True)
    if not (target.parent / "__init__.py").exists():
        (target.parent / "__init__.py").write_text("")
    target.write_text(line + "\n")
    code, report = _lint_imports(skeleton.parents[1])
    assert code == 1, report
    assert [name for name in report.splitlines() if contract in name and "BROKEN" in name], report


def test_the_clock_is_for_every_adapter(skeleton: Path) -> None:
    (skeleton / "adapters/voice/a.py").write_text("from centralino.adapters import clock\n")
    code, report = _lint_imports(skeleton.parents[1])
    assert code == 0, report
