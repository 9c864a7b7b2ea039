# SPDX-License-Identifier: Apache-2.0
"""Commands over HTTP: once per key, by whom it may, and refused in words."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.api.settings import ApiSettings
from centralino.core.agents.commands import (
    ExtendWrapUp,
    FinishWrapUp,
    MakeAgentNotReady,
    MakeAgentReady,
)
from centralino.core.interactions import consult_commands as consults
from centralino.core.interactions import supervision as asked
from centralino.core.interactions.commands import EndInteraction
from centralino.core.interactions.limits import ActionKind, QueueAction
from centralino.core.kernel.errors import (
    AppError,
    CapacityExceeded,
    Conflict,
    RemoteTimeout,
    StorageError,
)
from centralino.core.kernel.ids import AgentId, CallbackId, InteractionId, QueueId
from centralino.core.kernel.instant import Instant
from centralino.core.routing.score_commands import LearnScores
from tests.unit.api.reception import ACME, LOOKER, NOW, Reception

pytestmark = pytest.mark.unit

NOT_READY = "/v1/agents/anna/not-ready"
READY = "/v1/agents/anna/ready"


@pytest.mark.parametrize(
    ("path", "body", "command"),
    [
        (READY, None, MakeAgentReady(agent=AgentId("anna"))),
        (
            NOT_READY,
            {"reason": "break"},
            MakeAgentNotReady(agent=AgentId("anna"), reason="break"),
        ),
        (
            "/v1/interactions/i-1/end",
            None,
            EndInteraction(interaction=InteractionId("i-1")),
        ),
        (
            "/v1/queues/sales/close",
            {"reason": "evacuation", "action": "end", "prompts": ["closed.en"]},
            asked.CloseQueue(
                queue=QueueId("sales"),
                reason="evacuation",
                action=QueueAction(kind=ActionKind.END, prompts=("closed.en",)),
            ),
        ),
        ("/v1/queues/sales/open", None, asked.OpenQueue(queue=QueueId("sales"))),
        (
            "/v1/queues/sales/callbacks",
            {"number": "+39333111222", "at": "2026-01-01T01:00:00+01:00"},
            asked.BookCallback(queue=QueueId("sales"), number="+39333111222", at=Instant(NOW)),
        ),
        (
            "/v1/callbacks/c-1/cancel",
            None,
            asked.CancelCallback(callback=CallbackId("c-1")),
        ),
        (
            "/v1/interactions/i-1/priority",
            {"priority": 1},
            asked.RerankInteraction(interaction=InteractionId("i-1"), priority=1),
        ),
        (
            "/v1/interactions/i-1/queue",
            {"queue": "sales"},
            asked.RequeueInteraction(interaction=InteractionId("i-1"), queue=QueueId("sales")),
        ),
        (
            "/v1/interactions/i-1/assign",
            {"agent": "anna"},
            asked.AssignInteraction(interaction=InteractionId("i-1"), agent=AgentId("anna")),
        ),
        (
            "/v1/interactions/i-1/pick",
            {"agent": "anna"},
            asked.PickInteraction(interaction=InteractionId("i-1"), agent=AgentId("anna")),
        ),
        (
            "/v1/queues/sales/scores",
            {
                "scores": {"anna": 7},
                "at": "2026-01-01T01:00:00+01:00",
                "skills": {"es": 2},
                "good_for_s": 60,
                "source": "model-3",
            },
            LearnScores(
                queue=QueueId("sales"),
                scores={AgentId("anna"): 7},
                at=Instant(NOW),
                skills={"es": 2},
                good_for_ms=60_000,
                source="model-3",
            ),
        ),
        (
            "/v1/interactions/i-1/consult",
            {"agent": "anna", "colleague": "bruno"},
            consults.RequestConsult(
                agent=AgentId("anna"),
                interaction=InteractionId("i-1"),
                colleague=AgentId("bruno"),
            ),
        ),
        (
            "/v1/interactions/i-1/consult/complete",
            {"agent": "anna"},
            consults.CompleteConsult(agent=AgentId("anna"), interaction=InteractionId("i-1")),
        ),
        (
            "/v1/interactions/i-1/consult/end",
            {"agent": "anna"},
            consults.EndConsult(agent=AgentId("anna"), interaction=InteractionId("i-1")),
        ),
        ("/v1/agents/anna/wrap-up/finish", None, FinishWrapUp(agent=AgentId("anna"))),
        ("/v1/agents/anna/wrap-up/extend", None, ExtendWrapUp(agent=AgentId("anna"))),
    ],
)
def test_a_command_reaches_the_exchange_in_its_senders_name(
    path: str, body: dict[str, object] | None, command: object
) -> None:
    reception = Reception()
    answer = reception.command(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["idempotency_key"] == "k-1"
    (request,) = reception.control.done
    assert (request.tenant, request.subject, request.key) == (ACME, "boss", "k-1")
    assert request.command == command


def test_the_same_key_is_done_once_and_answered_the_same() -> None:
    reception = Reception()
    answers = [reception.command(NOT_READY, json={"reason": "break"}) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len(reception.control.done) == 1


def test_a_refusal_is_the_same_the_next_time() -> None:
    reception = Reception()
    reception.control.refusal = Conflict("the customer has gone already")
    first = reception.command("/v1/interactions/i-1/end")
    reception.control.refusal = None
    again = reception.command("/v1/interactions/i-1/end")
    assert first.status_code == again.status_code == 409
    assert first.json() == again.json()
    assert reception.command("/v1/interactions/i-1/end", key="k-2").status_code == 200


@pytest.mark.parametrize(("path", "reason"), [(READY, None), (NOT_READY, {"reason": "lunch"})])
def test_the_same_key_with_another_command_is_refused(
    path: str, reason: dict[str, str] | None
) -> None:
    reception = Reception()
    reception.command(NOT_READY, json={"reason": "break"})
    answer = reception.command(path, json=reason)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-key-reused")
    assert len(reception.control.done) == 1


def test_a_key_of_another_organisation_is_another_key() -> None:
    reception = Reception()
    reception.command(READY)
    answer = reception.command("/v1/agents/zoe/ready", token="stranger-token")
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize("key", [None, "", "x" * 129, "with space", "tab\there"])
def test_a_command_needs_a_key_that_can_be_one(key: str | None) -> None:
    reception = Reception()
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = reception.ask("POST", READY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert not reception.control.done


def test_who_may_only_look_commands_nothing() -> None:
    reception = Reception()
    answer = reception.command(READY, token=LOOKER)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert not reception.control.done


def test_an_agent_who_is_not_there_is_not_found() -> None:
    assert Reception().command("/v1/agents/zoe/ready").status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StorageError("the disk is full"), 503, "storage-error"),
        (RemoteTimeout("exchange", "command"), 504, "remote-timeout"),
        (CapacityExceeded("too many"), 409, "capacity-exceeded"),
    ],
)
def test_a_failure_tells_its_kind(error: AppError, status: int, code: str) -> None:
    reception = Reception()
    reception.control.refusal = error
    answer = reception.command(READY)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_failed_for_a_while_may_be_asked_again_with_the_same_key() -> None:
    reception = Reception()
    reception.control.refusal = StorageError("the disk is full")
    assert "same Idempotency-Key" in reception.command(READY).json()["mend"]
    reception.control.refusal = None
    assert reception.command(READY).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"reason": ""}', 422),
        (b'{"reason": 5}', 422),
        (b'{"reason": "My wife called"}', 422),
        (b'{"reason": "break", "until": "noon"}', 422),
    ],
)
def test_a_body_that_breaks_the_schema_is_refused(content: bytes, status: int) -> None:
    reception = Reception()
    answer = reception.command(NOT_READY, content=content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not reception.control.done


def test_a_body_that_is_too_large_is_refused() -> None:
    reception = Reception(settings=ApiSettings(most_body_bytes=1024))
    body = b'{"reason": "' + b"x" * 2000 + b'"}'
    answer = reception.command(NOT_READY, content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(body=JSON | st.fixed_dictionaries({"reason": JSON}))
def test_no_body_brings_the_server_down(body: object) -> None:
    reception = Reception()
    answer = reception.command(NOT_READY, json=body)
    assert answer.status_code in {200, 422}
    assert (answer.status_code == 200) == bool(reception.control.done)


def test_a_body_that_is_no_json_is_called_that() -> None:
    answer = Reception().command(NOT_READY, content=b"nonsense")
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is no JSON")


@given(content=st.binary(max_size=64))
def test_no_bytes_bring_the_server_down(content: bytes) -> None:
    answer = Reception().command(NOT_READY, content=content)
    assert answer.status_code in {200, 400, 422}


@given(name=st.text(min_size=1, max_size=200))
def test_no_name_brings_the_server_down(name: str) -> None:
    answer = Reception().command(f"/v1/agents/{quote(name, safe='')}/ready")
    assert answer.status_code in {404, 405, 422}
