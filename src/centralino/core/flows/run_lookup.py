# SPDX-License-Identifier: Apache-2.0
"""Asks a web service: builds the request, bounds the wait, trusts nothing of the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from centralino.core.flows import actions, happenings
from centralino.core.flows.expressions import Failure, Scope
from centralino.core.flows.run_choice import assign
from centralino.core.flows.run_simple import fill

if TYPE_CHECKING:
    from centralino.core.flows import nodes
    from centralino.core.flows.run import Run

MOST_BODY = 64 * 1024
"""Characters of an answer that are looked at."""
MOST_DEPTH = 32
_ANSWER_MARGIN_MS = 2000
_ERROR_STATUS = 400


def enter(run: Run, node: nodes.LookupNode) -> None:
    """Send the request."""
    url = fill(run, node.url, _percent_encoded)
    headers = {name: fill(run, text) for name, text in node.headers.items()}
    body = _body(run, node)
    if url is None or body is None or None in headers.values():
        run.follow("failed", node.failed, "the request cannot be made: a part has no value")
        return
    if node.music:
        run.loop(node.music)
    ask = run.ask()
    run.do(
        actions.Lookup(
            ask=ask,
            method=node.method,
            url=url,
            headers={name: _one_line(text) for name, text in headers.items() if text is not None},
            secrets=node.secrets,
            body=body,
            timeout_ms=node.timeout_ms,
        )
    )
    run.wait(ask, within_ms=node.timeout_ms + _ANSWER_MARGIN_MS)


def handle(run: Run, node: nodes.LookupNode, happening: happenings.AnyHappening) -> None:
    """Keep what was answered, if all of it can be used."""
    if node.music:
        run.do(actions.StopPlay())
    match happening:
        case happenings.LookupAnswered():
            problem = _keep(run, node, happening)
        case happenings.LookupFailed():
            problem = f"no answer: {happening.reason[:100]}"
        case _:
            problem = "no answer in time"
    if problem is None:
        run.follow("next", node.next)
    else:
        run.follow("failed", node.failed, problem)


def _keep(run: Run, node: nodes.LookupNode, answer: happenings.LookupAnswered) -> str | None:
    if answer.status >= _ERROR_STATUS:
        return f"answered with status {answer.status}"
    if len(answer.body) > MOST_BODY:
        return "the answer is too large"
    try:
        body: object = msgspec.json.decode(answer.body) if answer.body.strip() else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "the answer is not JSON"
    if not _is_flat(body):
        return "the answer is nested too deep"
    return assign(run, node.save, Scope.ANSWER, {"status": answer.status, "body": body})


def _is_flat(value: object) -> bool:
    """Say whether a value is nested at most ``MOST_DEPTH`` deep."""
    level = [value]
    for _ in range(MOST_DEPTH):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        if not inner:
            return True
        level = inner
    return False


def _percent_encoded(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _body(run: Run, node: nodes.LookupNode) -> str | None:
    """Return the JSON to post, empty for none, ``None`` when a field has no value."""
    fields = {}
    for name, source in node.body.items():
        value = run.value(source, Scope.CALL, "text")
        if isinstance(value, Failure):
            return None
        fields[name] = value
    return json.dumps(fields) if fields else ""


def _one_line(text: str) -> str:
    """Return a header's value without what would begin another header."""
    return "".join(letter for letter in text if letter.isprintable())
