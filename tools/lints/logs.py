# SPDX-License-Identifier: Apache-2.0
"""Log calls: a static message, ids as fields, and nothing of a customer's content.

A message that is the same text every time can be searched and counted; a customer's number
or words in a log is a leak that nobody notices. Content may be logged only under a key with
a `pii` segment, which the log set-up masks.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "bind"})
LOGGERS = frozenset({"log", "_log", "logger", "_logger", "self.log", "self._log"})
ALLOWED_SEGMENT = "pii"
CONTENT_SEGMENTS = frozenset(
    {
        "address",
        "body",
        "callee",
        "caller",
        "contact",
        "digit",
        "digits",
        "dtmf",
        "email",
        "key",
        "number",
        "password",
        "phone",
        "sdp",
        "secret",
        "text",
        "transcript",
        "uri",
        "user",
    }
)
"""Segments of a key (split at underscores) that name a customer's or a secret's content."""

PLAIN_KEYS = frozenset(
    {"local_address", "peer_address", "port_number", "sequence_number", "user_agent"}
)
"""Keys that hold such a segment and yet tell nothing about a person."""


def check(repository: Repository) -> Iterator[Finding]:
    """Find log calls with a computed message or with content under a plain key."""
    for source in repository.sources("src/"):
        for call in source.calls():
            if not _is_log_call(call):
                continue
            for problem in _problems(call):
                yield Finding(source.path, call.lineno, problem)


def _is_log_call(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and dotted_name(function.value) in LOGGERS
    )


def _problems(call: ast.Call) -> Iterator[str]:
    if call.args and not (
        isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    ):
        yield "a log message is a plain string; put what changes into fields"
    if len(call.args) > 1:
        yield "a log call takes one message; put what changes into fields"
    for keyword in call.keywords:
        if keyword.arg is not None and names_content(keyword.arg):
            yield f"log field {keyword.arg!r} names a customer's content: prefix it with pii_"


def names_content(key: str) -> bool:
    """Tell whether a log field of this name would hold a customer's content or a secret."""
    segments = key.lower().split("_")
    if ALLOWED_SEGMENT in segments or key in PLAIN_KEYS:
        return False
    return not CONTENT_SEGMENTS.isdisjoint(segments)
