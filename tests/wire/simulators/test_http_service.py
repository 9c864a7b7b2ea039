# SPDX-License-Identifier: Apache-2.0
"""The base of the HTTP simulators, asked by a real client over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from centralino.simulators.http.clock import LoopClock, SteppedClock
from centralino.simulators.http.faults import Fault, Latency
from centralino.simulators.http.messages import (
    Correlation,
    Refusal,
    Request,
    Response,
    events_response,
    json_response,
)
from centralino.simulators.http.pages import content_policy, fill, script_data
from centralino.simulators.http.server import HttpServer, TlsFiles
from centralino.simulators.http.service import HttpService
from tests.kit.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.simulators.http.clock import SimulatorClock

pytestmark = [pytest.mark.wire, pytest.mark.timeout(30)]
ECHO = "POST /echo/{id}"


def render(refusal: Refusal, correlation: Correlation) -> Response:
    """Render an error as Graph does."""
    inner = {"request-id": correlation.request_id, **refusal.details}
    document = {"error": {"code": refusal.code, "message": refusal.message, "innerError": inner}}
    return json_response(document, refusal.status, refusal.headers)


async def echo(request: Request) -> Response:
    """Say what was asked."""
    document = {
        "id": request.params["id"],
        "query": list(request.query),
        "base": request.base_url,
        "bearer": request.bearer,
        "body": request.form() if "form" in request.media_type else request.json_object(),
    }
    return json_response(document)


async def ticks(request: Request) -> Response:
    """Stream three events."""

    async def events() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"data: {number}\n\n".encode()

    return events_response(events())


async def broken(request: Request) -> Response:
    """Break."""
    raise KeyError(request.path)


def service(clock: SimulatorClock | None = None) -> HttpService:
    """Return a service with a few routes."""
    made = HttpService("probe", clock or SteppedClock(), render=render, most_body_bytes=1000)
    made.router.post("/echo/{id}", echo)
    made.router.get("/ticks", ticks)
    made.router.get("/broken", broken)
    return made


@asynccontextmanager
async def running(made: HttpService) -> AsyncIterator[httpx.AsyncClient]:
    """Serve it, and give a client of it."""
    async with HttpServer(made) as server, httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def ask(made: HttpService, method: str, path: str, **options: object) -> httpx.Response:
    """Serve it for one request."""
    async with running(made) as client:
        return await client.request(method, path, **options)  # type: ignore[arg-type] # test rows


def run_ask(made: HttpService, method: str, path: str, **options: object) -> httpx.Response:
    return asyncio.run(ask(made, method, path, **options))


def test_a_handler_sees_the_request_and_both_sides_name_it() -> None:
    made = service()
    headers = {"authorization": "Bearer abc", "client-request-id": "mine"}
    answer = run_ask(made, "POST", "/echo/a%20b?x=1&x=2", json={"k": [1]}, headers=headers)
    told = answer.json()
    assert told["id"] == "a b"
    assert told["query"] == [["x", "1"], ["x", "2"]]
    assert told["bearer"] == "abc"
    assert told["body"] == {"k": [1]}
    assert told["base"].startswith("http://127.0.0.1:")
    assert answer.headers["client-request-id"] == "mine"
    (exchange,) = made.log.of(ECHO)
    assert exchange.request_id == answer.headers["request-id"]
    assert (exchange.status, exchange.client_request_id) == (200, "mine")


def test_a_form_is_read() -> None:
    answer = run_ask(service(), "POST", "/echo/1", data={"grant_type": "code", "empty": ""})
    assert answer.json()["body"] == {"grant_type": "code", "empty": ""}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", b"", 404, "NotFound"),
        ("GET", "/echo/1", b"", 405, "MethodNotAllowed"),
        ("POST", "/echo/1", b"{", 400, "BadRequest"),
        ("POST", "/echo/1", b"[]", 400, "BadRequest"),
        ("POST", "/echo/1", b"[" * 900, 400, "BadRequest"),
        ("POST", "/echo/1", b" " * 1001, 413, "RequestEntityTooLarge"),
        ("GET", "/broken", b"", 500, "generalException"),
    ],
)
def test_what_cannot_be_served_is_told_in_the_shape_of_the_service(
    method: str, path: str, body: bytes, status: int, code: str
) -> None:
    made = service()
    answer = run_ask(made, method, path, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]
    assert len(made.broken) == (1 if status == 500 else 0)


def test_a_planted_fault_meets_its_route_so_often_and_no_more() -> None:
    made = service()
    headers = {"retry-after": "7"}
    made.faults.plant(Fault(ECHO, 429, "TooManyRequests", "Slow down.", headers, after=1, times=2))

    async def statuses() -> list[int]:
        async with running(made) as client:
            return [(await client.post("/echo/1")).status_code for _ in range(4)]

    assert asyncio.run(statuses()) == [200, 429, 429, 200]
    assert [one.fault for one in made.log.exchanges] == ["", "429", "429", ""]


def test_a_fault_may_be_an_answer_of_its_own_or_no_answer_at_all() -> None:
    made = service()
    made.faults.plant(Fault(answer=lambda _: Response(200, b"not json"), times=1))
    made.faults.plant(Fault(behaviour="cut", times=1))
    made.faults.plant(Fault(behaviour="silence", times=1))

    async def ask_three() -> None:
        async with running(made) as client:
            assert (await client.post("/echo/1")).text == "not json"
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post("/echo/1")
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/echo/1", timeout=0.1)

    asyncio.run(ask_three())
    assert made.faults.take(ECHO, None) is None  # type: ignore[arg-type] # no fault looks at it


def test_a_late_fault_lets_the_request_be_carried_out() -> None:
    made = service()
    made.faults.plant(Fault("GET /broken", 503, "serviceNotAvailable", is_late=True))
    assert run_ask(made, "GET", "/broken").status_code == 503
    assert len(made.broken) == 1


def test_latency_is_waited_for_on_the_injected_clock() -> None:
    clock = SteppedClock()
    made = service(clock)
    made.faults.delay(Latency(30.0, 60.0), ECHO)

    async def ask_late() -> float:
        async with running(made) as client, asyncio.TaskGroup() as group:
            asking = group.create_task(client.post("/echo/1"))
            while not clock.waiting_count:
                await client.get("/ticks")
            assert not asking.done()
            clock.advance(60.0)
            await asking
            return made.log.of(ECHO)[0].duration_s

    assert asyncio.run(ask_late()) == 60.0


def test_the_loop_clock_waits_on_the_loop() -> None:
    async def wait() -> float:
        clock = LoopClock(asyncio.get_running_loop().time)
        began_at = clock.utc()
        await clock.wait(0.02)
        return clock.utc() - began_at

    assert asyncio.run(wait()) >= 0.019


def test_a_guard_runs_before_the_handler() -> None:
    made = service()

    async def refuse(request: Request) -> None:
        if not request.bearer:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.")

    made.guards.append(refuse)
    assert run_ask(made, "POST", "/echo/1").status_code == 401


def test_events_are_streamed() -> None:
    answer = run_ask(service(), "GET", "/ticks")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_the_log_can_be_waited_for() -> None:
    made = service()

    async def wait() -> str:
        async with running(made) as client, asyncio.TaskGroup() as group:
            waiting = group.create_task(made.log.wait_for(lambda one: one.route == "/echo/{id}"))
            await client.get("/ticks")
            await client.post("/echo/1")
            return (await waiting).path

    assert asyncio.run(wait()) == "/echo/1"


def test_it_is_served_over_tls_with_the_given_files(tmp_path: Path) -> None:
    authority = Authority.create()
    certificate, key = authority.issue("localhost").write(tmp_path, "server")
    context = ssl.create_default_context(cafile=str(authority.write(tmp_path)))

    async def ask_twice() -> str:
        server = HttpServer(service(), tls=TlsFiles(certificate, key), host="localhost")
        async with server, httpx.AsyncClient(verify=context, base_url=server.url) as client:
            return str((await client.post("/echo/1")).json()["base"])

    assert asyncio.run(ask_twice()).startswith("https://localhost:")


def test_plain_http_leaves_the_loopback_never() -> None:
    with pytest.raises(ValueError, match="loopback"):
        HttpServer(service(), address="0.0.0.0")


def test_a_taken_port_is_told() -> None:
    async def twice() -> None:
        async with HttpServer(service()) as first:
            with pytest.raises(OSError, match="in use"):
                await HttpServer(service(), port=first.port).start()

    asyncio.run(twice())


def test_pages_escape_what_they_are_given() -> None:
    assert fill("<b>{{x}}</b>{{y}}", {"x": "<i>"}, {"y": "<hr>"}) == "<b>&lt;i&gt;</b><hr>"
    assert "<" not in script_data({"x": "</script>"})
    policy = content_policy(script="let x", style="")
    assert "style-src 'none'" in policy
    assert "script-src 'sha256-" in policy
