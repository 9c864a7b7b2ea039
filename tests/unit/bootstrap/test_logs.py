# SPDX-License-Identifier: Apache-2.0
"""Logs are for reading later; that they cannot be written ends nothing now."""

from __future__ import annotations

import errno
import io
import json
from typing import TYPE_CHECKING

import pytest
import structlog
from typing_extensions import override

from centralino.adapters.log_stream import lasting
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Leave logging as it was."""
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


class Disk(io.StringIO):
    """A file on a disk that has no room at first."""

    is_full = True

    @override
    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)

    @override
    def flush(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_the_log_ends_nothing_and_lines_come_again() -> None:
    disk = Disk()
    set_up_logging(LogSettings(), "voice", disk)
    log = structlog.get_logger("test")
    log.info("lost")
    disk.is_full = False
    log.info("kept", leg="leg-1")
    (line,) = disk.getvalue().splitlines()
    assert json.loads(line)["event"] == "kept"


def test_a_person_is_recognised_through_it() -> None:
    assert not lasting(io.StringIO()).isatty()
