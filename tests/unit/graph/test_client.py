# SPDX-License-Identifier: Apache-2.0
"""The client to Graph: what is repeated, what is not, how long is waited, what errors say."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.request import GraphRequest
from centralino.adapters.graph.settings import GraphSettings
from centralino.core.kernel.errors import (
    AppError,
    ConfigError,
    Conflict,
    InvalidInput,
    NotFound,
    RemoteAuthFailed,
    RemoteRejected,
    RemoteThrottled,
    RemoteTimeout,
    RemoteUnavailable,
)
from tests.unit.graph.far_side import DIRECTORY, Answers, World, run_in_virtual_time

pytestmark = pytest.mark.unit

OK = httpx.Response(200, json={"value": []})


def reading(**changes: object) -> GraphRequest:
    fields: dict[str, object] = {
        "operation": "read users",
        "method": "GET",
        "path": "/users",
        "directory": DIRECTORY,
        "permission": "User.Read.All",
        **changes,
    }
    return GraphRequest(**fields)  # type: ignore[arg-type]  # fields of the request


def creating() -> GraphRequest:
    return reading(operation="make a call", method="POST", path="/communications/calls", body={})


def in_turn(*answers: httpx.Response | Exception) -> Answers:
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def refused(
    answers: Answers, request: GraphRequest, settings: GraphSettings | None = None
) -> tuple[AppError, World]:
    async def body(world: World) -> tuple[AppError, World]:
        with pytest.raises(AppError) as caught:
            await world.client.send(request)
        return caught.value, world

    return run_in_virtual_time(answers, body, settings)


def answered(answers: Answers, request: GraphRequest) -> World:
    async def body(world: World) -> World:
        await world.client.send(request)
        return world

    return run_in_virtual_time(answers, body)


def test_a_429_is_waited_for_as_long_as_it_says_and_repeated_even_when_it_creates() -> None:
    world = answered(in_turn(httpx.Response(429, headers={"Retry-After": "7"}), OK), creating())
    assert world.seconds == pytest.approx(7.0)
    assert len(world.asked) == 2


def test_a_429_holds_everybody_of_that_directory_back() -> None:
    async def body(world: World) -> float:
        await world.client.send(reading())
        return world.seconds

    answers = in_turn(httpx.Response(429, headers={"Retry-After": "5"}), OK)
    assert run_in_virtual_time(answers, body) >= 5.0


def test_a_wait_that_is_too_long_is_given_back_with_its_length() -> None:
    error, world = refused(in_turn(httpx.Response(429, headers={"Retry-After": "600"})), reading())
    assert isinstance(error, RemoteThrottled)
    assert error.retry_after_s == 600.0
    assert world.seconds == 0.0


@pytest.mark.parametrize("status", [503, 504])
def test_a_busy_service_is_asked_again_for_what_only_reads(status: int) -> None:
    assert len(answered(in_turn(httpx.Response(status), OK), reading()).asked) == 2


def test_what_creates_is_not_sent_twice_when_nobody_knows_what_became_of_it() -> None:
    error, world = refused(in_turn(httpx.Response(503)), creating())
    assert isinstance(error, RemoteUnavailable)
    assert len(world.asked) == 1
    error, world = refused(in_turn(httpx.ReadTimeout("late")), creating())
    assert isinstance(error, RemoteTimeout)
    assert len(world.asked) == 1


def test_a_lost_connection_is_tried_a_bounded_number_of_times() -> None:
    error, world = refused(in_turn(httpx.ConnectError("refused")), reading())
    assert isinstance(error, RemoteUnavailable)
    assert len(world.asked) == GraphSettings().most_tries


def test_a_refused_token_is_replaced_once() -> None:
    world = answered(in_turn(httpx.Response(401), OK), reading())
    assert [one.headers["Authorization"] for one in world.asked] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    error, world = refused(in_turn(httpx.Response(401)), reading())
    assert isinstance(error, RemoteAuthFailed)
    assert world.tokens.forgotten == 1
    assert "token-" not in str(error)


def test_a_missing_permission_is_named() -> None:
    body = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient"}}
    error, world = refused(in_turn(httpx.Response(403, json=body)), reading())
    assert isinstance(error, RemoteRejected)
    assert "User.Read.All" in error.message
    assert "Authorization_RequestDenied" in error.message
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (400, InvalidInput),
        (500, RemoteUnavailable),
    ],
)
def test_every_refusal_has_its_error(status: int, kind: type[AppError]) -> None:
    error, _ = refused(in_turn(httpx.Response(status, content=b"<html>")), creating())
    assert type(error) is kind


def test_pages_are_followed_on_our_own_address_only() -> None:
    base = GraphSettings().base_url
    first = {"value": [{"id": "a"}], "@odata.nextLink": f"{base}/users?$skiptoken=x"}
    pages = in_turn(
        httpx.Response(200, json=first), httpx.Response(200, json={"value": [{"id": "b"}]})
    )

    class User(msgspec.Struct):
        id: str

    async def body(world: World) -> list[str]:
        return [user.id async for user in world.client.pages(reading(), User)]

    assert run_in_virtual_time(pages, body) == ["a", "b"]
    elsewhere = {"value": [], "@odata.nextLink": "https://graph.example/v1.0/users"}
    with pytest.raises(RemoteRejected, match="another host"):
        run_in_virtual_time(in_turn(httpx.Response(200, json=elsewhere)), body)


def test_an_answer_that_is_something_else_is_an_error() -> None:
    class Wanted(msgspec.Struct):
        id: str

    async def body(world: World) -> Wanted:
        return await world.client.ask(reading(), Wanted)

    for content in (b"", b"[]", b'{"id": 5}', b"\xff"):
        with pytest.raises(RemoteRejected, match="not what it should be"):
            run_in_virtual_time(in_turn(httpx.Response(200, content=content)), body)


def test_our_own_budget_spreads_requests_out() -> None:
    async def body(world: World) -> float:
        for _ in range(50):
            await world.client.send(reading())
        return world.seconds

    settings = GraphSettings(other_per_s=10)
    assert run_in_virtual_time(lambda _: httpx.Response(204), body, settings) >= 3.9


def test_the_correlation_id_goes_out_and_the_account_is_asked_for() -> None:
    world = answered(in_turn(OK), reading(correlation="interaction-1", account="somebody"))
    assert world.asked[0].headers["client-request-id"] == "interaction-1"
    assert world.tokens.accounts == ["somebody"]


@pytest.mark.parametrize("base", ["http://graph.example/v1.0", "ftp://x", "graph.microsoft.com"])
def test_a_base_without_tls_is_refused_but_on_the_loopback(base: str) -> None:
    async def body(world: World) -> None:
        GraphClient(GraphSettings(base_url=base), world.tokens, world.clock)

    with pytest.raises(ConfigError):
        run_in_virtual_time(in_turn(OK), body)
