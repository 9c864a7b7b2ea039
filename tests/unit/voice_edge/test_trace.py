# SPDX-License-Identifier: Apache-2.0
"""What is kept of a call's messages, in which bounds, and what leaves of it (SEC-05)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from centralino.adapters.voice.settings import TraceSettings
from centralino.adapters.voice.trace import SipTrace, call_id_of, mask

pytestmark = pytest.mark.unit

INVITE = (
    b"INVITE sip:+390612345678@sbc.test;user=phone SIP/2.0\r\n"
    b'From: "Ann" <sip:+393331234567@sbc.test>;tag=1\r\nCall-ID: one\r\n'
    b'Authorization: Digest username="u", nonce="abc", response="0123abcd", qop=auth\r\n'
    b"Content-Length: 90\r\n\r\nv=0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0a2V5c2VjcmV0a2V5c2VjcmV0|2^31\r\n"
)
OK = b"SIP/2.0 200 OK\r\nCALL-ID: one\r\nCONTENT-LENGTH: 0\r\n\r\n"


def _message(call: str, padding: int = 0) -> bytes:
    return f"OPTIONS sip:a SIP/2.0\r\nCall-ID: {call}\r\nX: {'x' * padding}\r\n\r\n".encode()


def _trace(**changes: object) -> SipTrace:
    return SipTrace(TraceSettings(**changes), lambda: 5_000)  # type: ignore[arg-type]  # by name


def test_secrets_and_digits_do_not_leave() -> None:
    text = mask(INVITE)
    assert "c2VjcmV0" not in text
    assert "inline:***|2^31" in text
    assert "0123abcd" not in text
    assert "+390612345678" not in text
    assert "+xxxxxxxxx678@sbc.test" in text
    assert "+xxxxxxxxx567@sbc.test" in text
    assert 'username="u"' in text
    assert mask(b"<sip:0612345678@a.test:5061;transport=tls> sip:a.test:5060>") == (
        "<sip:xxxxxxx678@a.test:5061;transport=tls> sip:a.test:5060>"
    )
    assert mask(b"<tel:0612345678;phone-context=x>") == "<tel:xxxxxxx678;phone-context=x>"
    assert "Signal=*" in mask(b"Signal=5\r\nDuration=160\r\n")


def test_a_ladder_shows_the_way_of_each_message_masked() -> None:
    trace = _trace()
    trace.record(INVITE, "teams", 1_000_000_000, is_outgoing=True)
    trace.record(OK, "teams", 1_250_000_000, is_outgoing=False)
    ladder = trace.ladder("one")
    lines = ladder.splitlines()
    assert "teams" in lines[0]
    assert lines[1].startswith("     0.000  |--- INVITE ")
    assert lines[2].startswith("     0.250  |<-- 200 OK ")
    assert "inline:***" in ladder
    assert "c2VjcmV0" not in ladder
    assert trace.ladder("unknown") == ""


@pytest.mark.parametrize(
    "head", [b"Call-ID: abc", b"CALL-ID:abc ", b"i: abc", b"call-id :  abc", b"I:abc"]
)
def test_the_call_id_is_found_however_it_is_written(head: bytes) -> None:
    assert call_id_of(b"SIP/2.0 200 OK\r\n" + head + b"\r\nX: y\r\n\r\n") == b"abc"


def test_without_a_call_id_the_key_is_empty() -> None:
    assert call_id_of(b"junk") == b""


def test_calls_messages_and_bytes_are_bounded() -> None:
    trace = _trace(max_calls=3, max_messages_per_call=2)
    for number in range(5):
        for _ in range(4):
            trace.record(_message(f"c{number}"), "p", number, is_outgoing=True)
    assert len(trace) == 3
    assert trace.messages("c1") == ()
    assert len(trace.messages("c4")) == 2
    small = _trace(max_bytes=2_000)
    for number in range(10):
        small.record(_message(f"c{number}", 500), "p", number, is_outgoing=True)
    assert small.size_bytes <= 2_000
    assert small.messages("c9")
    assert small.messages("c0") == ()


def test_a_trace_that_is_off_keeps_nothing() -> None:
    trace = _trace(enabled=False)
    trace.record(INVITE, "p", 0, is_outgoing=True)
    assert len(trace) == 0


def test_the_file_has_a_masked_line_per_message_and_turns_over(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = _trace(file=str(path), file_max_bytes=700)
    for _ in range(2):
        trace.record(INVITE, "teams", 0, is_outgoing=True)
    trace.record(OK, "teams", 0, is_outgoing=False)
    first = json.loads((tmp_path / "trace.jsonl.1").read_text().splitlines()[0])
    assert (first["dir"], first["title"], first["call_id"], first["ts"]) == (
        "out",
        "INVITE",
        "one",
        5,
    )
    assert "c2VjcmV0" not in first["raw"]
    assert json.loads(path.read_text().splitlines()[-1])["title"] == "200 OK"


def test_a_file_that_cannot_be_written_is_told_once_and_the_memory_goes_on(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    settings = TraceSettings(file=str(tmp_path / "missing" / "trace.jsonl"))
    trace = SipTrace(settings, lambda: 0, told.append)
    for _ in range(2):
        trace.record(INVITE, "p", 0, is_outgoing=True)
    assert len(told) == 1
    assert len(trace.messages("one")) == 2
