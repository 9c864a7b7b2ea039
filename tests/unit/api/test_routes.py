# SPDX-License-Identifier: Apache-2.0
"""Every route: who may, what comes, and what comes when something is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import structlog.testing
from typing_extensions import override

from centralino.api import explanation, live, views
from centralino.api.application import (
    create_application,
    create_server_application,
    openapi_document,
)
from centralino.api.boundary import SECURITY_HEADERS
from centralino.api.door import Doorkeeper
from centralino.api.settings import ApiSettings
from centralino.exchange.control import Health
from tests.unit.api.reception import (
    LOOKER,
    LOST,
    STRANGER,
    FrozenClock,
    InMemoryControl,
    InMemoryTokens,
    Reception,
)

if TYPE_CHECKING:
    from centralino.exchange.tokens import Principal

pytestmark = pytest.mark.unit

DOCUMENT: dict[str, Any] = json.loads(
    openapi_document(
        create_application(
            Doorkeeper(InMemoryTokens(), InMemoryControl(), FrozenClock()), ApiSettings()
        )
    )
)
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]
SIGN_IN = ("/v1/sign-in", "/v1/onboarding", "/v1/session", "/v1/delegation", "/v1/people")
"""Served without the exchange; test_sign_in.py and test_people.py beside this file have them."""
GUARDED = [pair for pair in OPERATIONS if not pair[1].startswith(("/health/", *SIGN_IN))]
READS = {
    "/v1/live": views.LiveState,
    "/v1/live/queues": live.QueuePage,
    "/v1/live/queues/sales": views.Queue,
    "/v1/live/agents": live.AgentPage,
    "/v1/live/agents/anna": views.Agent,
    "/v1/live/interactions": live.InteractionPage,
    "/v1/live/interactions/i-1": views.Interaction,
    "/v1/live/callbacks": live.CallbackPage,
    "/v1/live/trunks": live.TrunkPage,
    "/v1/live/events": live.EventPage,
    "/v1/interactions/i-1/explanation": explanation.InteractionExplanation,
}


_BODIES: dict[str, dict[str, object]] = {
    "not-ready": {"reason": "break"},
    "close": {"reason": "drill"},
    "callbacks": {"number": "+39333111222"},
    "priority": {"priority": 1},
    "queue": {"queue": "sales"},
    "assign": {"agent": "anna"},
    "pick": {"agent": "anna"},
    "scores": {"scores": {"anna": 3}, "at": "2026-01-01T00:00:00Z"},
    "consult": {"agent": "anna", "colleague": "bruno"},
    "consult/complete": {"agent": "anna"},
    "consult/end": {"agent": "anna"},
}


def _body_of(path: str) -> dict[str, object] | None:
    """Return what a route wants to be told."""
    last, two = path.rpartition("/")[2], "/".join(path.split("/")[-2:])
    return _BODIES.get(two, _BODIES.get(last))


def _filled(path: str) -> str:
    for name, value in (("queue", "sales"), ("agent", "anna"), ("interaction", "i-1")):
        path = path.replace(f"{{{name}}}", value)
    return path


def test_every_read_of_the_document_is_tried_here() -> None:
    documented = {_filled(path) for method, path in GUARDED if method == "GET"}
    assert documented == {*READS, "/metrics"}


@pytest.mark.parametrize(("path", "kind"), READS.items())
def test_a_read_answers_what_it_promises(path: str, kind: type[msgspec.Struct]) -> None:
    answer = Reception().ask("GET", path)
    assert answer.status_code == 200, answer.text
    found = msgspec.json.decode(answer.content, type=kind)
    assert set(msgspec.to_builtins(found)) == set(answer.json())


def test_an_explanation_says_the_rule_against_each_agent() -> None:
    path = "/v1/interactions/i-1/explanation"
    found = Reception().ask("GET", path).json()
    assert found["state"] == "queued"
    assert {one["agent"]: one["rule"] for one in found["agents"]} == {
        "anna": "not-ready",
        "bruno": "busy",
    }
    assert found["queues"][0]["why"] == {"not-ready": 1, "busy": 1}
    for moment in ("2023-11-14T22:13:25Z", "2023-11-14T23:13:25%2B01:00", "2023-11-14T22:13:25"):
        asked = Reception().ask("GET", f"{path}?at={moment}").json()
        assert asked["at"] == "2023-11-14T22:13:25.000Z"
        assert asked["waited_ms"] == 5000
    wrong = Reception().ask("GET", f"{path}?at=yesterday")
    assert wrong.status_code in {400, 422}


def test_a_queue_tells_who_waits_and_how_long() -> None:
    queue = Reception().ask("GET", "/v1/live/queues/sales").json()
    assert (queue["waiting"], queue["talking"], queue["longest_wait_ms"]) == (1, 1, 42_000)
    assert queue["waiting_since"] == "2025-12-31T23:59:18.000Z"
    assert queue["agents_by_state"] == {"connected": 1, "ready": 1}


def test_an_agent_tells_his_queues_and_since_when() -> None:
    agents = Reception().ask("GET", "/v1/live/agents").json()["agents"]
    assert [agent["queues"] for agent in agents] == [["sales"], ["sales"]]
    assert [agent["since"] for agent in agents] == ["2026-01-01T00:00:00.000Z", None]


def test_a_list_is_as_short_as_asked_and_says_how_long_it_would_be() -> None:
    answer = Reception().ask("GET", "/v1/live/agents?limit=1").json()
    assert (answer["total"], [agent["id"] for agent in answer["agents"]]) == (2, ["anna"])


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
def test_a_limit_out_of_range_is_refused_by_name(limit: str) -> None:
    answer = Reception().ask("GET", f"/v1/live/agents?limit={limit}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.json()["errors"][0]["path"] == "query.limit"


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic boss-token", "Bearer"])
def test_nobody_comes_in_without_a_token(method: str, path: str, header: str | None) -> None:
    headers = {"authorization": header} if header else {}
    answer = Reception().ask(method, _filled(path), token=None, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    problem = answer.json()
    assert problem["code"] == "token-refused"
    assert problem["mend"]
    assert "wrong" not in answer.text


def test_also_the_document_itself_needs_a_token() -> None:
    assert Reception().ask("GET", "/v1/openapi.json", token=None).status_code == 401
    assert Reception().ask("GET", "/v1/openapi.json").json()["openapi"].startswith("3.")


@pytest.mark.parametrize("path", [path for path in READS if path.count("/") == 4])
def test_another_organisation_sees_nothing_of_ours(path: str) -> None:
    answer = Reception().ask("GET", path, token=STRANGER)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_another_organisation_reads_its_own_emptiness() -> None:
    found = Reception().ask("GET", "/v1/live", token=STRANGER).json()
    assert (found["tenant"], found["agents"], found["interactions"]) == ("other", [], [])


def test_another_organisation_commands_nobody_of_ours() -> None:
    reception = Reception()
    answer = reception.command("/v1/agents/anna/ready", token=STRANGER)
    assert answer.status_code == 404
    assert not reception.control.done


def test_an_organisation_that_is_not_served_is_told_so() -> None:
    answer = Reception().ask("GET", "/v1/live", token=LOST)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"), [pair for pair in GUARDED if not pair[1].endswith("/explanation")]
)
def test_while_the_exchange_is_away_everything_says_so_and_how_to_mend(
    method: str, path: str
) -> None:
    reception = Reception()
    reception.control.health = None
    answer = reception.ask(
        method,
        _filled(path),
        headers={"Idempotency-Key": "k"},
        json=_body_of(path),
    )
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "remote-unavailable"
    assert "exchange" in answer.json()["mend"]


@pytest.mark.parametrize("path", ["/v2", "/v1/live/nothing", "/v1/agents/anna", "/admin"])
def test_what_is_not_there_is_a_problem_too(path: str) -> None:
    answer = Reception().ask("GET", path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_a_problem_too() -> None:
    answer = Reception().ask("DELETE", "/v1/live")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")


def test_a_surprise_is_logged_and_nothing_of_it_told() -> None:
    reception = Reception()
    reception.control.surprise = RuntimeError("the password is swordfish")
    with structlog.testing.capture_logs() as logs:
        answer = reception.ask("GET", "/metrics")
    assert (answer.status_code, answer.json()["code"]) == (500, "bug")
    assert "swordfish" not in answer.text
    assert any(line["event"] == "api.surprise" for line in logs)


@pytest.mark.parametrize("path", ["/v1/live", "/nothing", "/health/live"])
def test_every_answer_has_the_security_headers(path: str) -> None:
    answer = Reception().ask("GET", path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["x-request-id"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", ""])
def test_a_request_under_a_strange_name_is_refused(host: str) -> None:
    answer = Reception().ask("GET", "/v1/live", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host-unknown")


def test_the_access_log_names_the_route_and_no_content() -> None:
    with structlog.testing.capture_logs() as logs:
        Reception().ask("GET", "/v1/live/agents/+393331234567?limit=5")
    (line,) = [line for line in logs if line["event"] == "api.request"]
    assert line["route"] == "/v1/live/agents/{agent}"
    assert (line["status"], line["tenant"], line["subject"]) == (404, "acme", "boss")
    assert "333" not in str(line)
    assert "boss-token" not in str(line)


def test_a_request_that_takes_too_long_is_answered() -> None:
    class SlowTokens(InMemoryTokens):
        @override
        async def verify(self, token: str) -> Principal:
            await asyncio.Event().wait()
            return await super().verify(token)

    reception = Reception(settings=ApiSettings(request_timeout_s=0.02))
    reception.application = create_server_application(
        Doorkeeper(SlowTokens(), reception.control, reception.clock),
        reception.settings,
        generation=1,
    )
    answer = reception.ask("GET", "/v1/live")
    assert (answer.status_code, answer.json()["code"]) == (504, "timeout")


def test_alive_and_ready_need_no_token() -> None:
    reception = Reception()
    assert reception.ask("GET", "/health/live", token=None).json() == {"status": "alive"}
    ready = reception.ask("GET", "/health/ready", token=None)
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


@pytest.mark.parametrize(
    ("health", "bad"),
    [
        (None, ["exchange-linked", "journal-writable", "voice-attached"]),
        (Health(is_journal_writable=False, is_driver_attached=True), ["journal-writable"]),
        (Health(is_journal_writable=True, is_driver_attached=False), ["voice-attached"]),
    ],
)
def test_not_ready_says_what_to_mend(health: Health | None, bad: list[str]) -> None:
    reception = Reception()
    reception.control.health = health
    answer = reception.ask("GET", "/health/ready", token=None)
    assert (answer.status_code, answer.json()["status"]) == (503, "not-ready")
    checks = answer.json()["checks"]
    assert [check["name"] for check in checks if not check["is_good"]] == bad
    assert all(check.get("mend") for check in checks if not check["is_good"])


def test_a_looker_reads() -> None:
    assert Reception().ask("GET", "/v1/live", token=LOOKER).status_code == 200


def test_every_operation_has_a_name_and_tells_its_problems() -> None:
    names = set()
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        names.add(operation["operationId"])
        if (method, path) in GUARDED:
            for status in ("401", "503"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"]
    assert len(names) == len(OPERATIONS)
