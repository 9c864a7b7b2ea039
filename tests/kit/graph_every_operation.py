# SPDX-License-Identifier: Apache-2.0
"""Every operation of an OpenAPI document, asked for in ways that schemathesis makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from tests.kit.graph_schema import assert_answer

if TYPE_CHECKING:
    import httpx


class AskedService(Protocol):
    """A simulated service in memory."""

    def path(self, template: str) -> str:
        """Fill the names in a path."""
        ...

    def ask(self, method: str, path: str, body: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
        """Ask it."""
        ...


def ask_everything(
    service: AskedService, document: dict[str, Any], examples: int
) -> list[tuple[str, int]]:
    """Ask for every operation so many times; return its name and the status, for each time.

    Raises:
        AssertionError: an answer breaks Microsoft's schema, or the service broke.
    """
    seen: list[tuple[str, int]] = []
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), "Microsoft's schema cannot be read"
        operation = found.ok()

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case[Any]) -> None:
            path = service.path(case.path)
            body = case.body if isinstance(case.body, dict | list | str | int) else None
            answer = service.ask(case.method, path, body)
            seen.append((f"{case.method} {case.path}", answer.status_code))
            told = answer.json() if answer.content else None
            assert answer.status_code < 500, answer.text
            assert_answer(case.method, path, answer.status_code, told)

        ask()
    return seen
