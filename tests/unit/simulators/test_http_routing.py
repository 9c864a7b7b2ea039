# SPDX-License-Identifier: Apache-2.0
"""Which handler a method and a path mean."""

from __future__ import annotations

import pytest

from centralino.simulators.http.messages import Request, Response
from centralino.simulators.http.routing import Match, Router

pytestmark = pytest.mark.unit

SET_PRESENCE = "/v1.0/users/{id}/presence/microsoft.graph.setPresence"
PSTN = "/v1.0/callRecords/getPstnCalls(fromDateTime={from},toDateTime={to})"


async def handler(request: Request) -> Response:
    """Answer nothing."""
    del request
    return Response()


def router(*patterns: str, ignores_case: bool = False) -> Router:
    """Return a router with those patterns under GET."""
    made = Router(ignores_case=ignores_case)
    for pattern in patterns:
        made.get(pattern, handler)
    return made


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("/users/{id}", "/users/7", {"id": "7"}),
        ("/users/{id}", "/users/7/", {"id": "7"}),
        ("/users/{id}", "/users/a%2Fb", {"id": "a/b"}),
        ("/users/{id}", "/users/anna%40contoso.test", {"id": "anna@contoso.test"}),
        (SET_PRESENCE, "/v1.0/users/7/presence/microsoft.graph.setPresence", {"id": "7"}),
        (
            PSTN,
            "/v1.0/callRecords/getPstnCalls(fromDateTime=2026-01-01,toDateTime=2026-01-02)",
            {"from": "2026-01-01", "to": "2026-01-02"},
        ),
        ("/files/{rest*}", "/files/a/b/c", {"rest": "a/b/c"}),
    ],
)
def test_a_pattern_takes_its_names_from_the_path(
    pattern: str, path: str, params: dict[str, str]
) -> None:
    found = router(pattern).find("GET", path)
    assert isinstance(found, Match)
    assert found.params == params


@pytest.mark.parametrize("path", ["/users", "/users/7/presence", "/users/a/b", "/other/7", ""])
def test_a_path_that_no_pattern_means_is_told(path: str) -> None:
    assert router("/users/{id}").find("GET", path) == "no-path"


def test_a_method_that_a_path_has_not_is_told() -> None:
    made = router("/users/{id}")
    assert made.find("DELETE", "/users/7") == "no-method"
    assert made.methods_of("/users/7") == ("GET",)


def test_literal_text_wins_over_names_whatever_the_order() -> None:
    found = router("/users/{id}", "/users/delta", "/{kind}/{id}").find("GET", "/users/delta")
    assert isinstance(found, Match)
    assert found.route.pattern == "/users/delta"


def test_case_counts_unless_told_otherwise() -> None:
    assert router("/Users/{id}").find("GET", "/users/7") == "no-path"
    assert isinstance(router("/Users/{id}", ignores_case=True).find("GET", "/uSers/7"), Match)


def test_a_dot_in_a_pattern_is_a_dot() -> None:
    assert router("/v1.0/me").find("GET", "/v1x0/me") == "no-path"


def test_the_same_route_twice_is_refused() -> None:
    made = router("/users")
    with pytest.raises(ValueError, match="GET /users"):
        made.get("/users", handler)
