# SPDX-License-Identifier: Apache-2.0
"""Logs are for reading later; that they cannot be written ends nothing now."""

from __future__ import annotations

import errno
import io
import json
import logging

import pytest
import structlog
from typing_extensions import override

from centralino.adapters.log_stream import lasting
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import LogSettings

pytestmark = pytest.mark.unit


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


def test_a_closed_stream_ends_nothing() -> None:
    stream = io.StringIO()
    set_up_logging(LogSettings(), "voice", stream)
    stream.close()
    structlog.get_logger("test").info("lost")


def test_a_line_says_who_when_and_what_whatever_it_holds() -> None:
    sink = io.StringIO()
    set_up_logging(LogSettings(), "voice", sink)
    log = structlog.get_logger("test")
    log.warning("call.odd", detail="bytes \udcff of a peer", size=1 << 70, who=object)
    try:
        raise LookupError("no such leg")
    except LookupError:
        log.exception("leg.failed")
    assert '"event": "leg.failed"' in sink.getvalue()
    odd, failed = map(json.loads, sink.getvalue().splitlines())
    assert (odd["event"], odd["level"], odd["process"]) == ("call.odd", "warning", "voice")
    assert odd["detail"] == "bytes \udcff of a peer"
    assert odd["timestamp"].endswith("Z")
    assert failed["exception"][0]["exc_value"] == "no such leg"
    assert "locals" not in failed["exception"][0]["frames"][0]


def test_a_person_is_recognised_through_it() -> None:
    assert not lasting(io.StringIO()).isatty()


@pytest.mark.parametrize("library", ["httpx", "httpcore", "msal"])
def test_libraries_do_not_log_addresses_in_which_names_may_stand(library: str) -> None:
    sink = io.StringIO()
    set_up_logging(LogSettings(), "edge", sink)
    logging.getLogger(library).info("GET https://graph.example/users?name=Anna")
    assert sink.getvalue() == ""
