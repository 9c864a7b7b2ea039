# SPDX-License-Identifier: Apache-2.0
"""Logging of one process: structured, to standard error, JSON or for people.

A log that cannot be written ends nothing (``adapters.log_stream``).
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import msgspec
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from centralino.adapters.log_stream import lasting

if TYPE_CHECKING:
    from structlog.typing import EventDict

    from centralino.bootstrap.settings import LogSettings


def _to_json(line: EventDict, **_: object) -> str:
    """Return a line as JSON; what JSON has no word for appears as Python writes it."""
    return msgspec.json.encode(line, enc_hook=repr).decode()


def set_up_logging(settings: LogSettings, process: str, sink: TextIO | None = None) -> None:
    """Send every log line of this process to ``sink`` (standard error), named ``process``."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    target = lasting(sink or sys.stderr)
    is_json = settings.format == "json"
    structlog.contextvars.bind_contextvars(process=process)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: they hold numbers, keys and what people say.
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
            if is_json
            else structlog.dev.set_exc_info,
            structlog.processors.JSONRenderer(_to_json)
            if is_json
            else structlog.dev.ConsoleRenderer(colors=target.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level, stream=target, format=f"{process} %(name)s %(message)s")
