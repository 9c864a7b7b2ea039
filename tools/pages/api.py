# SPDX-License-Identifier: Apache-2.0
"""The page of the API and its OpenAPI document: every operation, the stream, every error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centralino.adapters.clock import SystemClock
from centralino.adapters.entra.tokens import NoSignIn
from centralino.api import stream, views
from centralino.api.application import create_application, openapi_document
from centralino.api.door import Doorkeeper
from centralino.api.errors import HTTP_CODES, MENDS, STATUSES
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import AppError
from centralino.exchange.control_answers import KeyReused
from centralino.exchange.control_client import LinkedControl
from tools.pages.discovery import Field, cell, fields, first_paragraph

if TYPE_CHECKING:
    import msgspec

PATH = "reference/api.md"
DOCUMENT = "reference/openapi.json"

_INTRODUCTION = """\
# API

This page is made from the routes; the same as an OpenAPI document is [openapi.json](openapi.json),
and a running server gives it at `/v1/openapi.json`. The server listens on the loopback, port 8080,
unless the [settings](settings.md) say otherwise.

## Who may

Every route needs `Authorization: Bearer TOKEN` or the session of a browser that has signed in at
`/v1/sign-in`, but for those of health, of the sign-in itself and the status page. Either belongs to
one organisation and reaches nothing of another. A token is one of the organisation's own sign-in,
Microsoft Entra ID, for this application ([how to set it up](../how-to/sign-in.md)); until a sign-in
is set up a served product lets nobody in. What changes something and comes with a session must
carry `X-Centralino-Request: 1`, which a page of another site cannot send.

## Commands happen once

A command needs an `Idempotency-Key` header: 1 to 128 visible characters, a new one for each
command. Its answer comes when the decision is durable. Send the same command with the same key
again, after a time-out for example, and you get the same answer without a second effect, also after
a restart. The same key with another command is refused with 409. Only roles that lead may command:
team lead, supervisor, tenant administrator.
"""

_STREAM = """\
## The live stream

`/v1/live/stream` is a WebSocket. Send one message, and nothing after it; `token` is left out where
the browser's session counts:

```json
{"type": "start", "token": "TOKEN", "generation": null, "sequence": null}
```

A `snapshot` comes, then a `delta` at most every 250 ms with everything that has changed since. Keep
the last `generation` and `sequence`: given in `start`, they bring what was missed, or a snapshot
where that is not known any more. In a delta, put what is listed in place of what you have, by its
`id`, then forget what is listed as gone. While the exchange is away, `health` says so, and what you
have is as of the loss.

| close code | meaning |
|---|---|
| 4400 | not understood, or said more than `start` |
| 4401 | the token is refused |
| 4403 | your organisation is not served here |
| 4408 | no `start` within 5 s |
| 4409 | too slow: a message was not taken in time |
| 4429 | too many streams |
| 1012 | the server stops; connect again |
"""

_ERRORS = """\
## Errors

What is not a success is `application/problem+json` (RFC 9457). Decide by `code`; `detail` and
`mend` are for people. With 503 comes `Retry-After`.

| status | code | meaning | mend |
|---|---|---|---|
"""


def document() -> bytes:
    """Return the OpenAPI document."""
    nobody = LinkedControl(Path("unused"), generation=0, timeout_s=1)
    keeper = Doorkeeper(NoSignIn(), nobody, SystemClock())
    return openapi_document(create_application(keeper, ApiSettings())) + b"\n"


def render() -> str:
    """Return the page."""
    paths = json.loads(document())["paths"]
    parts = [
        _INTRODUCTION,
        "## Operations\n",
        "| operation | does | answers |\n|---|---|---|",
        *_operations(paths),
        "",
        _STREAM,
        *(_struct(kind) for kind in (stream.Snapshot, stream.Delta, stream.HealthNews)),
        "## What is told\n",
        *(_struct(kind) for kind in _told()),
        _ERRORS + "\n".join(_errors()),
    ]
    return "\n".join(parts) + "\n"


def _operations(paths: dict[str, Any]) -> Iterator[str]:
    for path, item in paths.items():
        for method, operation in item.items():
            statuses = ", ".join(sorted(operation["responses"]))
            told = " ".join(operation.get("description", "").split())
            yield f"| `{method.upper()} {path}` | {cell(told)} | {statuses} |"


def _told() -> list[type[msgspec.Struct]]:
    return [
        views.LiveState,
        views.Queue,
        views.Agent,
        views.Interaction,
        views.Trunk,
        views.Alarm,
        views.Event,
        views.ExchangeHealth,
    ]


def _struct(kind: type[msgspec.Struct]) -> str:
    rows = [f"| `{one.name}` | `{_type(one)}` | {cell(one.note)} |" for one in fields(kind)]
    head = f"### {kind.__name__}\n\n{first_paragraph(kind)}\n"
    return "\n".join([head, "| field | type | note |\n|---|---|---|", *rows, ""])


def _type(field: Field) -> str:
    return cell(field.annotation.replace("views.", ""))


def _errors() -> Iterator[str]:
    rows = {kind.code: (status, first_paragraph(kind)) for kind, status in STATUSES.items()}
    rows[KeyReused.code] = (409, first_paragraph(KeyReused))
    rows.pop(AppError.code)
    for status, code in HTTP_CODES.items():
        rows.setdefault(code, (status, "The server's own refusal of a request."))
    for code, (status, told) in sorted(rows.items(), key=lambda row: (row[1][0], row[0])):
        yield f"| {status} | `{code}` | {cell(told)} | {cell(MENDS.get(code, ''))} |"
