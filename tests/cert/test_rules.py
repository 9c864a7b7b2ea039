# SPDX-License-Identifier: Apache-2.0
"""The assertions G1 to G10: good calls satisfy them, and each notices what it is there for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from centralino.certification.exchanged import CARRIER, PROBE, TEAMS, Exchanged
from centralino.certification.rules import (
    RULES,
    Connection,
    MediaFigures,
    Record,
    check_all,
)
from centralino.wire.sip.message import parse_message

pytestmark = pytest.mark.cert

TRUNK = "cust1.sbc.test"
SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 10000 RTP/SAVP 8 0 101
a=rtpmap:101 telephone-event/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
a=sendrecv
"""
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER"
CONTACT = f"<sip:+390612345678@{TRUNK}:5061;transport=tls>"
FROM = f"<sip:+390612345678@{TRUNK};user=phone>;tag=c1"
TO = "<sip:+14255550101@sip.pstnhub.test;user=phone>"
URI = "sip:+14255550101@sip.pstnhub.test:5061;user=phone"


def _message(start: str, cseq: str, *lines: str, to: str = TO, body: str = "") -> bytes:
    data = body.replace("\n", "\r\n")
    head = [
        start,
        "Via: SIP/2.0/TLS cust1.sbc.test:5061;branch=z9hG4bKa",
        f"From: {FROM}",
        f"To: {to}",
        "Call-ID: call-1",
        f"CSeq: {cseq}",
        "Max-Forwards: 70",
        *lines,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(data)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + data).encode()


def _seen(raw: bytes, at: float, *, ours: bool, part: str = TEAMS) -> Exchanged:
    return Exchanged(at, part, ours, "127.0.0.2", raw, parse_message(raw))


def _invite(body: str = SDP, uri: str = URI, contact: str = CONTACT, *more: str) -> bytes:
    lines = (f"Contact: {contact}", f"Allow: {ALLOW}", *more)
    return _message(f"INVITE {uri} SIP/2.0", "1 INVITE", *lines, body=body)


def _call(invite: bytes | None = None, **changes: bytes | None) -> Record:
    """Return a good call to a Teams user; a part may be another message, or be left out."""
    tagged = f"{TO};tag=t1"
    parts: dict[str, tuple[bytes | None, bool, float]] = {
        "invite": (invite or _invite(), True, 0.0),
        "trying": (_message("SIP/2.0 100 Trying", "1 INVITE"), False, 0.01),
        "answer": (
            _message("SIP/2.0 200 OK", "1 INVITE", "Contact: <sip:api.test>", to=tagged, body=SDP),
            False,
            1.0,
        ),
        "ack": (_message(f"ACK {URI} SIP/2.0", "1 ACK", to=tagged), True, 1.02),
        "bye": (_message(f"BYE {URI} SIP/2.0", "2 BYE", to=tagged), True, 3.0),
        "end": (_message("SIP/2.0 200 OK", "2 BYE", to=tagged), False, 3.01),
    }
    messages = []
    for name, (raw, ours, at) in parts.items():
        chosen = changes.get(name, raw)
        if chosen is not None:
            messages.append(_seen(chosen, at, ours=ours))
    return Record(messages=tuple(messages), trunk=TRUNK)


def _broken(record: Record) -> set[str]:
    return {violation.rule for violation in check_all(record)}


def _with(record: Record, *more: Exchanged) -> Record:
    messages = sorted((*record.messages, *more), key=lambda item: item.at)
    return replace(record, messages=tuple(messages))


def test_a_good_call_breaks_nothing() -> None:
    good = replace(
        _call(),
        connections=(Connection("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", (TRUNK,), True),),
        media=(MediaFigures("call-1", 30.0, 5),),
    )
    assert check_all(good) == []
    assert list(RULES) == [f"G{number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    "connection",
    [
        Connection("TLSv1.1", "ECDHE-RSA-AES256-SHA384", (TRUNK,), True),
        Connection("TLSv1.2", "AES128-SHA", (TRUNK,), True),
        Connection("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", (), True),
    ],
)
def test_g1_notices_weak_or_anonymous_tls(connection: Connection) -> None:
    assert _broken(replace(_call(), connections=(connection,))) == {"G1"}


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:+390612345678@127.0.0.1:5061;transport=tls>",
        "<sip:+390612345678@other.test:5061;transport=tls>",
        f"<sip:+390612345678@{TRUNK}:5061>",
        f"<sip:+390612345678@{TRUNK}:5061;transport=tcp>",
        "<tel:+390612345678>",
    ],
)
def test_g2_notices_a_wrong_contact(contact: str) -> None:
    assert _broken(_call(_invite(contact=contact))) == {"G2"}


def test_g2_notices_a_missing_contact_and_a_foreign_record_route() -> None:
    bare = _invite().replace(f"Contact: {CONTACT}\r\n".encode(), b"")
    assert _broken(_call(bare)) == {"G2"}
    routed = _invite(SDP, URI, CONTACT, "Record-Route: <sip:10.0.0.1;lr>")
    assert _broken(_call(routed)) == {"G2"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RTP/SAVP", "RTP/AVP"),
        ("8 0 101", "8 8 0 101"),
        ("SHA1_80", "SHA1_32"),
        ("telephone-event", "other"),
        ("8 0 101", "8 0"),
        ("m=audio", "m=video"),
    ],
)
def test_g3_notices_a_wrong_offer(old: str, new: str) -> None:
    assert _broken(_call(_invite(SDP.replace(old, new)))) == {"G3"}


def test_g3_notices_an_invite_without_offer() -> None:
    assert _broken(_call(_invite(""))) == {"G3"}


@pytest.mark.parametrize(
    "uri",
    [
        URI.replace(";user=phone", ""),
        URI.replace("+1425", "1425"),
        URI.replace("sip:", "sips:"),
        "sip:anonymous@sip.pstnhub.test;user=phone",
    ],
)
def test_g4_notices_a_wrong_number(uri: str) -> None:
    assert _broken(_call(_invite(uri=uri))) == {"G4"}


def test_g4_notices_a_wrong_caller_and_lets_anonymous_ones_be() -> None:
    wrong = _invite().replace(b"From: <sip:+39", b"From: <sip:39")
    assert _broken(_call(wrong)) == {"G4"}
    hidden = _invite().replace(FROM.encode(), b"<sip:anonymous@anonymous.invalid>;tag=c1")
    assert _broken(_call(hidden)) == set()


@pytest.mark.parametrize("method", ["REFER", "UPDATE", "PRACK", "INFO"])
def test_g5_notices_methods_that_teams_does_not_take(method: str) -> None:
    raw = _message(f"{method} {URI} SIP/2.0", f"3 {method}", to=f"{TO};tag=t1")
    assert _broken(_with(_call(), _seen(raw, 2.0, ours=True))) == {"G5"}


@pytest.mark.parametrize("line", ["Replaces: x;to-tag=1;from-tag=2", "Require: 100rel"])
def test_g5_notices_headers_that_teams_does_not_take(line: str) -> None:
    assert _broken(_call(_invite(SDP, URI, CONTACT, line))) == {"G5"}


@pytest.mark.parametrize("direction", ["sendonly", "recvonly"])
def test_g5_notices_hold_by_direction(direction: str) -> None:
    assert _broken(_call(_invite(SDP.replace("sendrecv", direction)))) == {"G5"}


def test_g5_notices_hold_by_address() -> None:
    held = SDP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")
    assert "G5" in _broken(_call(_invite(held)))


@pytest.mark.parametrize("method", ["NOTIFY", "REFER", "CANCEL"])
def test_g6_notices_what_allow_lacks(method: str) -> None:
    lacking = _invite().replace(f", {method}".encode(), b"")
    assert _broken(_call(lacking)) == {"G6"}


def test_g6_wants_refer_only_where_transfers_are_taken() -> None:
    record = _call(_invite().replace(b", REFER", b""))
    assert _broken(replace(record, allow_refer=False)) == set()


def test_g7_notices_a_missing_or_late_ack() -> None:
    assert _broken(_call(ack=None)) == {"G7"}
    late = _call(ack=None)
    ack = _message(f"ACK {URI} SIP/2.0", "1 ACK", to=f"{TO};tag=t1")
    assert _broken(_with(late, _seen(ack, 1.6, ours=True))) == {"G7"}


def test_g7_notices_a_refusal_without_ack() -> None:
    busy = _message("SIP/2.0 486 Busy Here", "1 INVITE", to=f"{TO};tag=t1")
    assert _broken(_call(answer=busy, ack=None, bye=None, end=None)) == {"G7"}


@pytest.mark.parametrize(
    ("first", "at"),
    [("SIP/2.0 100 Trying", 0.3), ("SIP/2.0 180 Ringing", 0.05)],
)
def test_g7_notices_a_late_or_missing_trying(first: str, at: float) -> None:
    tagged = f"{TO};tag=t1"
    record = Record(
        messages=(
            _seen(_invite(), 0.0, ours=False, part=PROBE),
            _seen(_message(first, "1 INVITE", to=tagged), at, ours=True, part=PROBE),
            _seen(_message("SIP/2.0 404 Not Found", "1 INVITE", to=tagged), 0.5, ours=True),
        ),
        trunk=TRUNK,
    )
    assert _broken(record) == {"G7"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10000", "10002"),
        ("a=sendrecv", "a=rtcp-mux\na=sendrecv"),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 127.0.0.9"),
    ],
)
def test_g8_notices_media_that_moves(old: str, new: str) -> None:
    lines = (f"Contact: {CONTACT}", f"Allow: {ALLOW}")
    raw = _message(
        f"INVITE {URI} SIP/2.0", "3 INVITE", *lines, to=f"{TO};tag=t1", body=SDP.replace(old, new)
    )
    assert "G8" in _broken(_with(_call(), _seen(raw, 2.0, ours=True)))


def test_g8_notices_silence_on_rtcp_in_a_long_call_only() -> None:
    assert _broken(replace(_call(), media=(MediaFigures("call-1", 30.0, 0),))) == {"G8"}
    assert _broken(replace(_call(), media=(MediaFigures("call-1", 2.0, 0),))) == set()


def test_g9_notices_a_message_that_was_not_understood() -> None:
    record = Record(
        messages=(
            _seen(_invite(), 0.0, ours=False, part=PROBE),
            _seen(_message("SIP/2.0 400 Bad Request", "1 INVITE"), 0.01, ours=True, part=PROBE),
        ),
        trunk=TRUNK,
    )
    assert _broken(record) == {"G9"}


def test_g9_notices_answers_that_have_to_be_repeated() -> None:
    record = _call()
    answer = next(item for item in record.messages if item.status == 200)
    repeats = [replace(answer, at=answer.at + 0.005 * number) for number in (1, 2)]
    assert _broken(_with(record, *repeats)) == {"G9"}


def test_g10_notices_what_is_left_open() -> None:
    assert _broken(_call(bye=None, end=None)) == {"G10"}
    assert _broken(_call(end=None)) == {"G10"}
    assert _broken(_call(answer=None, ack=None, bye=None, end=None)) == {"G10"}
    assert _broken(replace(_call(), open_ports=2)) == {"G10"}
    assert _broken(replace(_call(), open_interactions=("interaction-7",))) == {"G10"}
    assert _broken(replace(_call(end=None), is_over=False)) == set()


def test_the_carrier_and_swallowed_calls_do_not_count() -> None:
    carrier = _seen(_invite(contact="<sip:carrier@127.0.0.1>"), 0.0, ours=True, part=CARRIER)
    record = replace(_call(), messages=(carrier,), is_over=False)
    assert _broken(record) == set()
    lost = replace(
        _call(answer=None, ack=None, bye=None, end=None), lost_requests=frozenset({"call-1"})
    )
    assert _broken(lost) == set()
