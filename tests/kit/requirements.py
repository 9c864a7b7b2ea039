# SPDX-License-Identifier: Apache-2.0
"""What a test needs from its machine: programs, packages, shared reference data.

Where something is missing the test is skipped and says what is missing. Under
``CENTRALINO_REQUIRE_ALL=1`` (the setting of ``.ci/run``) it fails instead, so that a green
run there means that everything ran.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

SHARED_DATA = REPOSITORY.parent / "shared" / "data"
"""Reference data that lies beside the repository on a developer's machine, not in it."""

_PACKAGES = {
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "espeak-ng": "espeak-ng",
}


def is_everything_required() -> bool:
    """Tell whether a missing requirement fails the run instead of skipping a test."""
    return os.environ.get("CENTRALINO_REQUIRE_ALL", "") not in {"", "0"}


def require_program(name: str) -> str:
    """Return the path of the program `name`, or end the test with a named reason."""
    path = shutil.which(name)
    if path is None:
        package = _PACKAGES.get(name, name)
        _missing(f"the program {name!r} is not installed (Debian package {package!r})")
    return path


def require_postgres() -> Path:
    """Return the folder of the programs of PostgreSQL's server, or end the test."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not folders:
        _missing("PostgreSQL's server is not installed (Debian package 'postgresql')")
    return folders[-1].parent


def require_package(name: str) -> None:
    """Go on only where the Python package `name` can be imported."""
    if importlib.util.find_spec(name) is None:
        _missing(f"the Python package {name!r} is not installed")


def require_shared_data(name: str) -> Path:
    """Return the path of the reference file `name`, or end the test with a named reason."""
    path = SHARED_DATA / name
    if not path.is_file():
        _missing(f"the reference file {name!r} is not beside this repository")
    return path


def _missing(reason: str) -> NoReturn:
    if is_everything_required():
        pytest.fail(f"required, but {reason}", pytrace=False)
    pytest.skip(reason)
