# SPDX-License-Identifier: Apache-2.0
"""The judge of Graph values finds what Microsoft's schema forbids, and nothing else."""

from __future__ import annotations

import pytest

from tests.kit.graph_schema import assert_answer, assert_is, graph_schema

pytestmark = pytest.mark.unit

PRESENCE = {"id": "a", "availability": "Busy", "activity": "InACall", "statusMessage": None}
CALL = {
    "@odata.type": "#microsoft.graph.call",
    "state": "established",
    "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
    "ringingTimeoutInSeconds": 30,
}


def test_good_values_pass() -> None:
    assert_is("microsoft.graph.presence", PRESENCE)
    assert_is("microsoft.graph.call", CALL)
    assert_answer("GET", "/users/a/presence", 200, PRESENCE)
    assert_answer("POST", "/users/a/presence/setPresence", 200, None)


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("microsoft.graph.call", CALL | {"state": "ringing-soon"}, "ringing-soon"),
        ("microsoft.graph.call", CALL | {"resultInfo": {"code": "200"}}, "'200'"),
        ("microsoft.graph.presence", PRESENCE | {"mood": "fine"}, "declares no 'mood'"),
        (
            "microsoft.graph.presence",
            PRESENCE | {"outOfOfficeSettings": {"isAway": True}},
            "declares no 'isAway'",
        ),
        (
            "microsoft.graph.call",
            CALL | {"mediaConfig": CALL["mediaConfig"] | {"preFetchMedia": "one.wav"}},  # type: ignore[operator]  # a literal of mixed values
            "one.wav",
        ),
    ],
)
def test_bad_values_are_named(type_name: str, value: object, expected: str) -> None:
    assert expected in "\n".join(graph_schema().problems(type_name, value))


def test_an_error_needs_its_envelope() -> None:
    assert_answer("GET", "/users/a", 404, {"error": {"code": "NotFound", "message": "no"}})
    assert graph_schema().answer_problems("GET", "/users/a", 404, {"message": "no"})


def test_an_operation_that_is_not_microsofts_is_a_problem() -> None:
    assert graph_schema().answer_problems("GET", "/users/a/mood", 200, {})


def test_a_literal_path_is_found_before_one_with_a_key() -> None:
    operation = graph_schema().operation("POST", "/communications/onlineMeetings/createOrGet")
    assert operation is not None
    assert "createOrGet" in operation["operationId"]
    dated = "getPstnCalls(fromDateTime=2026-11-01,toDateTime=2026-11-02)"
    path = f"/communications/callRecords/microsoft.graph.callRecords.{dated}"
    assert graph_schema().operation("GET", path) is not None
