# SPDX-License-Identifier: Apache-2.0
"""Messages that a broken or hostile peer could send, in any order: nothing raises, all ends.

Real messages of a rich call are spoilt header by header and fed to an endpoint that is in the
middle of that call.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.events import (
    ReferReceived,
    SessionAnswered,
    SessionInvited,
    SessionReoffered,
)
from centralino.wire.sip.message import parse_message
from tests.unit.wire.sip_machines.link import ANSWER, HELD, Link, Peer

if TYPE_CHECKING:
    from centralino.wire.sip.endpoint import SipEvent

pytestmark = pytest.mark.property

REFER_TO = "<sip:sip.test;x-m=8:orgid:1>"
NASTY = [
    "",
    "*",
    "<",
    "<sip:a b@c>",
    "<sip:x@y",
    "sip:",
    "<tel:+39>",
    "<sip:[::1]:99999>",
    "²",
    "-1",
    "99999999999999999999",
    "4294967295",
    "0",
    ";;;=",
    '"',
    "a\x00b",
    '"a\\\x00b" <sip:x@y>',
    '"a\\\\\x00b" <sip:x@y>',
    "\udcff",
    "timer, 100rel, frob",
    "refer;id=",
    "terminated",
    "1 INVITE",
    "1;refresher=zzz",
    "90;refresher=uas",
    "z9hG4bK",
    'multipart/mixed;=x;boundary="',
    "multipart/mixed;boundary=a",
    "Digest",
    "<sip:p.test>, <sip:q.test;lr>",
]
NAMES = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Record-Route",
    "Require",
    "Supported",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "Replaces",
    "Refer-To",
    "Event",
    "Subscription-State",
    "Content-Type",
    "Max-Forwards",
    "Retry-After",
    "WWW-Authenticate",
    "Allow",
]


def play(link: Link) -> tuple[str, str]:
    """Let both sides use all that a call offers."""
    caller, callee = link.connect()
    a, b = link.a.endpoint, link.b.endpoint
    a.reoffer(caller, HELD, link.now)
    link.run_for(50)
    b.accept_offer(callee, ANSWER, link.now)
    link.run_for(50)
    a.refer(caller, REFER_TO, link.now)
    link.run_for(50)
    asked = link.b.only(ReferReceived)
    b.accept_refer(callee, asked.refer, link.now)
    b.notify_refer(callee, asked.refer, 200, "OK", final=True, now=link.now)
    b.info(callee, link.now, "a/b", b"x")
    link.run_for(100)
    return caller, callee


@cache
def recorded() -> tuple[bytes, ...]:
    """Return every message of such a call, with its end and a cancelled one."""
    link = Link()
    caller, _ = play(link)
    link.a.endpoint.bye(caller, link.now)
    cancelled = link.call()
    link.run_for(50)
    link.a.endpoint.cancel(cancelled, link.now)
    link.run_for(50)
    return tuple(message.to_bytes() for peer in (link.a, link.b) for message in peer.sent)


spoilt = st.tuples(
    st.integers(0, 60),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NASTY), st.sampled_from("sadp")),
        max_size=3,
    ),
    st.sampled_from(["a", "b"]),
    st.sampled_from([0, 10, 5_000]),
)


def spoil(data: bytes, changes: list[tuple[str, str, str]]) -> bytes:
    """Set, add, delete or prefix header lines without asking what is allowed."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    for name, value, how in changes:
        at = [i for i, line in enumerate(lines) if line.lower().startswith(name.lower() + ":")]
        if how == "a" or not at:
            lines.append(f"{name}: {value}")
        elif how == "d":
            del lines[at[0]]
        elif how == "p":
            lines[at[0]] = f"{name}: {value}{lines[at[0]].partition(':')[2]}"
        else:
            lines[at[0]] = f"{name}: {value}"
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def sessions_of(events: list[SipEvent]) -> set[str]:
    """Return the sessions an endpoint has told of."""
    kinds = (SessionInvited, SessionAnswered, SessionReoffered)
    return {event.session for event in events if isinstance(event, kinds)}


def finish(link: Link, peer: Peer, known: set[str]) -> None:
    """Hang up all there is."""
    link.flush()
    for session in known | sessions_of(peer.events):
        peer.endpoint.bye(session, link.now)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(spoilt, min_size=1, max_size=12))
def test_nothing_a_peer_sends_raises_or_leaks(
    script: list[tuple[int, list[tuple[str, str, str]], str, int]],
) -> None:
    messages = recorded()
    link = Link()
    caller, callee = play(link)
    for index, changes, side, pause_ms in script:
        try:
            message = parse_message(spoil(messages[index % len(messages)], changes))
        except SipParseError:
            continue
        peer = link.a if side == "a" else link.b
        peer.endpoint.receive(message, link.flow_to(peer), link.now)
        link.run_for(pause_ms)
    for _ in range(3):
        finish(link, link.a, {caller})
        finish(link, link.b, {callee})
        link.run_out(500)
    assert link.a.is_clean
    assert link.b.is_clean
