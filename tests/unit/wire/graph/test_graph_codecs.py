# SPDX-License-Identifier: Apache-2.0
"""The codecs of Graph's calls read what Microsoft writes, in all its spellings."""

from __future__ import annotations

import msgspec
import pytest

from centralino.wire.graph.call_lifecycle import (
    INITIAL_STATES,
    TABLE,
    TERMINAL,
    CallEvent,
    CallState,
    IllegalCallTransition,
    may_follow,
    next_state,
)
from centralino.wire.graph.errors import GraphProtocolError
from centralino.wire.graph.identity import Identity, IdentityKind, read_identity
from centralino.wire.graph.ids import id_key, spell_id
from centralino.wire.graph.iso8601 import (
    read_duration,
    read_instant,
    write_duration,
    write_instant,
)
from centralino.wire.graph.notification import (
    MOST_BYTES,
    CommsNotification,
    read_notifications,
    write_notifications,
)
from centralino.wire.graph.resource import CallResource, Part, read_resource
from centralino.wire.graph.result import ResultInfo, read_result
from centralino.wire.graph.states import (
    ChangeType,
    OperationStatus,
    RejectReason,
    read_word,
)
from centralino.wire.graph.tones import KEY_PAIRS, TONE_OF_KEY, read_stop_tone

pytestmark = pytest.mark.unit

DASHED = "57dab8b1-894c-409a-b240-bd8beae78896"
PACKED = "57DAB8B1894C409AB240BD8BEAE78896"


@pytest.mark.parametrize(
    "text",
    [
        f"/communications/calls/{DASHED}/operations/7B",
        f"/app/calls/{PACKED}/operations/7b",
        f"communications/calls/{DASHED}/operations/7b/",
        f"https://graph.example/v1.0/communications/calls/{PACKED}/operations/7B",
        f"/communications/calls('{DASHED}')/operations('7b')",
        f"/Communications/Calls/{DASHED}/Operations/7b",
        f"/communications/calls/{DASHED}/operations/7b".replace("/o", "%2Fo"),
    ],
)
def test_one_operation_has_many_spellings(text: str) -> None:
    assert read_resource(text).key == (id_key(DASHED), Part.OPERATIONS, "7b")


def test_a_call_and_a_roster_are_told_apart() -> None:
    assert read_resource(f"/communications/calls/{DASHED}").part is Part.CALL
    roster = read_resource(f"/app/calls/{DASHED}/participants")
    assert (roster.part, roster.item_id) == (Part.PARTICIPANTS, "")


def test_an_address_is_written_in_the_spelling_asked_for() -> None:
    resource = CallResource(DASHED, Part.OPERATIONS, DASHED)
    assert resource.write() == f"/communications/calls/{DASHED}/operations/{DASHED}"
    assert resource.write("app", "packed") == f"/app/calls/{PACKED}/operations/{PACKED}"
    assert CallResource(DASHED).write() == f"/communications/calls/{DASHED}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/communications/calls",
        "/users/a",
        f"/communications/calls/{DASHED}/nothing",
        "/" * 4000,
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(GraphProtocolError):
        read_resource(text)


def test_ids_that_are_no_guid_keep_their_text() -> None:
    assert spell_id("a-b", "packed") == "a-b"
    assert id_key("A-b") == "a-b"


def test_words_are_read_without_case() -> None:
    assert read_word(OperationStatus, "Completed") is OperationStatus.COMPLETED
    assert read_word(RejectReason, "Busy") is RejectReason.BUSY
    assert read_word(CallState, "ringing") is None
    assert read_word(CallState, 3) is None


def test_the_life_of_a_call_ends_and_forbids_the_rest() -> None:
    reached = INITIAL_STATES | set(TABLE.values())
    assert {state for state, _ in TABLE} | TERMINAL == reached == set(CallState)
    assert next_state(CallState.INCOMING, CallEvent.ANSWERED) is CallState.ESTABLISHING
    assert may_follow(CallState.TRANSFERRING, CallState.ESTABLISHED)
    assert not may_follow(CallState.TERMINATED, CallState.ESTABLISHED)
    with pytest.raises(IllegalCallTransition, match="incoming"):
        next_state(CallState.INCOMING, CallEvent.CONNECTED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"code": 200, "subcode": 8515, "message": "m"}, ResultInfo(200, 8515, "m")),
        ({"code": "500", "subCode": "7700"}, ResultInfo(500, 7700)),
        ({"code": None}, ResultInfo(0)),
        (None, None),
    ],
)
def test_results_are_read_as_samples_write_them(value: object, expected: ResultInfo | None) -> None:
    assert read_result(value) == expected


def test_a_result_says_whether_it_is_good() -> None:
    assert ResultInfo(0, 7015).is_success
    assert ResultInfo(0, 7015).meaning == "transferred"
    assert not ResultInfo(480, 10037).is_success
    assert ResultInfo(1, 2).meaning == ""
    assert read_result(ResultInfo(200, 5001, "x").write()) == ResultInfo(200, 5001, "x")


@pytest.mark.parametrize("value", [[], {"code": "x"}, {"code": True}, {"code": "9" * 40}])
def test_broken_results_are_refused(value: object) -> None:
    with pytest.raises(GraphProtocolError):
        read_result(value)


def test_identities_are_read_from_both_sets() -> None:
    phone = {"@odata.type": "#microsoft.graph.identitySet", "phone": {"id": "+390200"}}
    assert read_identity(phone) == Identity(IdentityKind.PHONE, "+390200")
    user = Identity(IdentityKind.USER, "A1", "Ada", "t")
    assert read_identity(user.write()) == user
    assert user.key == (IdentityKind.USER, "a1")
    assert user.write()["@odata.type"] == "#microsoft.graph.identitySet"
    written = Identity(IdentityKind.PHONE, "+1").write()
    assert written["@odata.type"] == "#microsoft.graph.communicationsIdentitySet"
    assert read_identity(None) is None
    assert read_identity({"user": None}) is None


@pytest.mark.parametrize("value", ["x", {"user": "x"}, {"user": {}}, {"phone": {"id": ""}}])
def test_broken_identities_are_refused(value: object) -> None:
    with pytest.raises(GraphProtocolError):
        read_identity(value)


def test_keys_and_tones_name_each_other() -> None:
    assert TONE_OF_KEY["#"] == "pound"
    assert set(KEY_PAIRS) == set(TONE_OF_KEY) - {"!"}
    assert KEY_PAIRS["5"] == (770, 1336)
    assert read_stop_tone("star") == "*"


@pytest.mark.parametrize(
    ("text", "length_ns"),
    [
        ("PT0S", 0),
        ("PT1H", 3_600_000_000_000),
        ("P1W", 604_800_000_000_000),
        ("-PT1.5S", -1_500_000_000),
        ("PT0.000000001S", 1),
    ],
)
def test_durations(text: str, length_ns: int) -> None:
    assert read_duration(text) == length_ns
    assert read_duration(write_duration(length_ns)) == length_ns


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1:00:00", "P1Y", "PT1", "PT1S\n", "PT" + "9" * 99]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(GraphProtocolError):
        read_duration(text)


def test_instants() -> None:
    assert read_instant("2026-01-01T01:00:00.25+01:00") == 1_767_225_600_250_000_000
    assert write_instant(1_767_225_600_250_000_000) == "2026-01-01T00:00:00.25Z"
    for text in ("2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"):
        with pytest.raises(GraphProtocolError):
            read_instant(text)


def test_an_envelope_comes_back_as_it_was() -> None:
    call = CommsNotification(
        ChangeType.CREATED, CallResource(DASHED), {"state": "incoming"}, "https://cc.example/c"
    )
    roster = CommsNotification(
        ChangeType.UPDATED, CallResource(DASHED, Part.PARTICIPANTS), [{"id": "p"}]
    )
    assert read_notifications(write_notifications([call, roster])) == (call, roster)
    assert call.members["state"] == "incoming"
    assert roster.members == {}


def test_an_item_with_the_legacy_address_alone_is_read() -> None:
    body = {"value": [{"changeType": "Updated", "resource": f"/app/calls/{PACKED}"}]}
    (only,) = read_notifications(msgspec.json.encode(body))
    assert only.resource.key == CallResource(DASHED).key
    assert only.content == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 5000,
        b"[]",
        b'{"value":[]}',
        b'{"value":[1]}',
        b'{"value":[{"changeType":"melted","resourceUrl":"/app/calls/1"}]}',
        b'{"value":[{"changeType":"updated"}]}',
        b'{"value":[{"changeType":"updated","resourceUrl":"/app/calls/1","resourceData":3}]}',
        b'{"value":[{"changeType":"updated","resourceUrl":"/users/1"}]}',
        b'{"value":[' + b"{}," * 1000 + b"{}]}",
        b" " * (MOST_BYTES + 1),
    ],
)
def test_broken_envelopes_are_refused(body: bytes) -> None:
    with pytest.raises(GraphProtocolError):
        read_notifications(body)
