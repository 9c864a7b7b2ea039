# SPDX-License-Identifier: Apache-2.0
"""A folder whose path is short enough for Unix sockets."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Give a new folder, gone after the test."""
    with TemporaryDirectory(prefix="cv") as folder:
        yield Path(folder)
