# SPDX-License-Identifier: Apache-2.0
"""Every torture message does what its case says."""

from __future__ import annotations

import pytest

from centralino.wire.sip.framing import datagram
from centralino.wire.sip.message import (
    Message,
    Request,
    Response,
    SipParseError,
    parse_message,
    response_to,
)
from centralino.wire.sip.uri import SipUri, parse_uri
from centralino.wire.sip.values import parse_auth
from tests.unit.wire.sip_messages.torture import BROKEN, SOUND, Broken, Sound, to_bytes

pytestmark = pytest.mark.unit


def _fact(message: Message, name: str) -> object:
    """Look up one named fact of a case."""
    owner, _, detail = name.partition(".")
    if name == "hops":
        return len(message.headers.values("via"))
    if name == "body_bytes":
        return len(message.body)
    if owner == "auth":
        return getattr(parse_auth(message.headers.get("authorization") or ""), detail)
    if owner == "uri":
        assert isinstance(message, Request)
        return getattr(parse_uri(message.uri), detail)
    if owner in ("from", "to", "contact") and detail:
        address = {"from": message.from_, "to": message.to, "contact": message.contact}[owner]
        assert address is not None
        if detail == "user_text":
            return address.sip_uri().user_text
        if detail.startswith("header:"):
            uri = address.parsed_uri()
            assert isinstance(uri, SipUri)
            return uri.header(detail[7:])
        return address.param(detail) if detail == "q" else getattr(address, detail)
    if detail or name in ("method", "status", "reason"):
        return getattr(getattr(message, owner), detail) if detail else getattr(message, name)
    return message.headers.get(name)


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.name)
def test_sound_message_is_read_and_comes_back_byte_for_byte(case: Sound) -> None:
    data = to_bytes(case.text, case.body)
    message = parse_message(data + case.trailing)
    assert {name: _fact(message, name) for name in case.facts} == case.facts
    if "content-length" in message.headers:
        assert message.to_bytes() == data
        assert datagram(data + case.trailing) == data


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_broken_message_is_refused_with_its_code(case: Broken) -> None:
    with pytest.raises(SipParseError) as refusal:
        parse_message(to_bytes(case.text, case.body))
    assert (refusal.value.code, refusal.value.status) == (case.code, case.status)
    assert (refusal.value.request_skeleton is not None) is case.answerable
    assert len(refusal.value.offending) <= 256


@pytest.mark.parametrize(
    "case", [case for case in BROKEN if case.answerable], ids=lambda case: case.name
)
def test_broken_request_can_be_answered_on_its_via(case: Broken) -> None:
    with pytest.raises(SipParseError) as refusal:
        parse_message(to_bytes(case.text, case.body))
    skeleton = refusal.value.request_skeleton
    assert skeleton is not None
    response = response_to(skeleton, refusal.value.status, to_tag="ours")
    answer = response.to_bytes()
    assert answer.startswith(b"SIP/2.0 %d " % case.status)
    assert b"\r\nVia: SIP/2.0/UDP " in answer
    assert answer.endswith(b"Content-Length: 0\r\n\r\n")


def test_answers_to_most_broken_requests_are_sound_themselves() -> None:
    sound = 0
    for case in BROKEN:
        try:
            parse_message(to_bytes(case.text, case.body))
        except SipParseError as error:
            if error.request_skeleton is not None and case.code in (
                "bad-request-line",
                "bad-version",
                "cseq-method-mismatch",
                "conflicting-content-length",
            ):
                answer = response_to(error.request_skeleton, error.status, to_tag="ours")
                parsed = parse_message(answer.to_bytes())
                assert isinstance(parsed, Response)
                assert parsed.to.tag == "ours"
                sound += 1
    assert sound == 8


def test_unbracketed_contact_with_question_mark_is_refused_when_read() -> None:
    text = (
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 1 REGISTER\n"
        "Contact: sip:user@lab.test?Route=%3Csip:sip.lab.test%3E\n{cl}"
    )
    message = parse_message(to_bytes(text))
    with pytest.raises(SipParseError):
        _ = message.contact
