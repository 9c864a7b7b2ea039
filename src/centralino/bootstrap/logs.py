# SPDX-License-Identifier: Apache-2.0
"""Logging of one process: structured, to standard error, JSON or for people.

A log that cannot be written ends nothing (``adapters.log_stream``).
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import msgspec
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from centralino.adapters.log_stream import lasting

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from centralino.bootstrap.settings import LogSettings


_TALKATIVE = ("httpx", "httpcore", "msal")
"""Libraries that log whole addresses, in which names and secrets may stand."""


class _JsonLines:
    """Makes a line of JSON of an event, in one step: every call writes a few of them."""

    def __init__(self, process: str) -> None:
        self._process = process
        # Without local variables: they hold numbers, keys and what people say.
        self._render = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))

    def __call__(self, logger: WrappedLogger, level: str, event: EventDict) -> str:
        """Return the line; what JSON has no word for appears as Python writes it."""
        if "exc_info" in event:
            event = self._render(logger, level, event)
        event["process"] = self._process
        event["level"] = level
        now = datetime.now(UTC).replace(tzinfo=None)
        event["timestamp"] = now.isoformat(timespec="microseconds") + "Z"
        try:
            line = msgspec.json.encode(event, enc_hook=repr)
            return msgspec.json.format(line, indent=0).decode()  # a line, with spaces to read it
        except (UnicodeEncodeError, OverflowError, TypeError):
            # Bytes of a peer that are no text, a number without bounds.
            return json.dumps(event, default=repr)


def set_up_logging(settings: LogSettings, process: str, sink: TextIO | None = None) -> None:
    """Send every log line of this process to ``sink`` (standard error), named ``process``."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    target = lasting(sink or sys.stderr)
    is_json = settings.format == "json"
    structlog.configure(
        processors=[_JsonLines(process)] if is_json else _for_people(process, target),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level, stream=target, format=f"{process} %(name)s %(message)s")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _for_people(process: str, target: TextIO) -> list[Processor]:
    structlog.contextvars.bind_contextvars(process=process)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.set_exc_info,
        structlog.dev.ConsoleRenderer(colors=target.isatty()),
    ]
