# SPDX-License-Identifier: Apache-2.0
"""The API keeps what its OpenAPI document promises, whatever is sent.

schemathesis makes requests of the document, good ones and bad ones, for each operation, with
a token, with a browser's session and with neither. Every answer must be documented, in status,
kind and shape, and must not be our mistake.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from centralino.api.application import create_application, openapi_document
from centralino.api.cookies import OWN_HEADER, SESSION
from centralino.api.door import Doorkeeper
from centralino.api.settings import ApiSettings
from tests.unit.api.lobby import SEALED, Lobby
from tests.unit.api.reception import BOSS, FrozenClock, InMemoryControl, InMemoryTokens

if TYPE_CHECKING:
    from schemathesis import Case

pytestmark = [pytest.mark.property, pytest.mark.timeout(120)]

_KEEPER = Doorkeeper(InMemoryTokens(), InMemoryControl(), FrozenClock())
DOCUMENT: dict[str, Any] = json.loads(openapi_document(create_application(_KEEPER, ApiSettings())))
CONFIG = schemathesis.config.SchemathesisConfig.from_dict(
    {"phases": {"coverage": {"enabled": False}, "stateful": {"enabled": False}}}
)
APPLICATION: Any = Lobby().application
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
# Methods that a path has not, and headers that are missing, have tests of their own.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
WHO: dict[str, dict[str, str]] = {
    "token": {"authorization": f"Bearer {BOSS}"},
    "session": {"cookie": f"{SESSION}={SEALED}", OWN_HEADER: "1"},
    "nobody": {},
}


@SCHEMA.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(case: Case[Any]) -> None:
    for answer in asyncio.run(_ask(case)):
        case.validate_response(answer, checks=CHECKS)


async def _ask(case: Case[Any]) -> list[httpx.Response]:
    """Send a made request as each of those who may."""
    made = case.as_transport_kwargs(base_url="http://127.0.0.1:8080")
    kept = {
        name: value
        for name, value in made.pop("headers").items()
        if name.lower() not in {"authorization", "cookie", "host"} and value.isprintable()
    }
    made.pop("cookies", None)
    if isinstance(made.get("data"), bytes | str):
        made["content"] = made.pop("data")
    transport = httpx.ASGITransport(app=APPLICATION)
    async with httpx.AsyncClient(transport=transport) as client:
        return [
            await client.request(headers={**kept, **headers}, **made) for headers in WHO.values()
        ]
