# SPDX-License-Identifier: Apache-2.0
"""How fast a Teams-style INVITE is parsed and its usual headers are read.

The figure is messages per second on one core for `parse_message` plus what a call needs:
top Via, From, To, Contact, CSeq, every Record-Route, and the session description found.
In alternating slices of the same run stands the floor: a bare split of the same bytes into
lines and names, which no parser can beat. The note has the machine's speed index.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.measurement import Measurement, alternate, speed_index_ns
from centralino.wire.sdp.description import find_sdp
from centralino.wire.sip.message import Request, parse_message
from centralino.wire.sip.values import parse_name_addrs

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL_PER_S = 8_000
"""Messages per second to reach. sipmessage does about 1,000 on this class of machine."""
SLICES = 15
SLICE_MESSAGES = 400

SDP = """v=0
o=- 1001 1 IN IP4 192.0.2.10
s=session
c=IN IP4 192.0.2.10
b=CT:10000000
t=0 0
m=audio 49170 RTP/SAVP 104 9 8 0 101
a=rtcp:49171
a=label:main-audio
a=mid:1
a=rtpmap:104 SILK/16000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
""".replace("\n", "\r\n")

INVITE = (
    f"""INVITE sip:+390612345678@sbc.lab.test:5061;user=phone;transport=tls SIP/2.0
RECORD-ROUTE: <sip:sip-du-a-eu.pstnhub.test:5061;transport=tls;lr>
VIA: SIP/2.0/TLS 192.0.2.9:5061;branch=z9hG4bK7c1d2e3f
MAX-FORWARDS: 69
FROM: "Rossi, Anna" <sip:+14255550101@sip.pstnhub.test:5061;user=phone>;tag=1a2b3c4d5e
TO: <sip:+390612345678@sbc.lab.test:5061;user=phone>
CALL-ID: 0f1e2d3c4b5a69788796a5b4c3d2e1f0
CSEQ: 1 INVITE
CONTACT: <sip:api-du-a-eu.pstnhub.test:443;x-i=8f3a2b1c-0d9e-4f5a;x-c=9d/8/e7f6/5d>
CONTENT-LENGTH: {len(SDP)}
MIN-SE: 300
SUPPORTED: histinfo,timer
SESSION-EXPIRES: 3600
USER-AGENT: Microsoft.PSTNHub.SIPProxy v.2026.1.1.1 i.EUWE.0
CONTENT-TYPE: application/sdp
ALLOW: INVITE,ACK,CANCEL,BYE,OPTIONS,NOTIFY,REFER
P-ASSERTED-IDENTITY: <tel:+14255550101>,<sip:anna@contoso.test>
PRIVACY: id
HISTORY-INFO: <sip:+390699999999@sip.pstnhub.test;user=phone>;index=1
REFERRED-BY: <sip:sip.pstnhub.test:5061;x-m=8:orgid:1111;x-t=2222;x-tt=aHR0cHM6Ly9hcGkt%3d>
X-MS-CORRELATION: 4c6f72656d-6970-73756d

""".replace("\n", "\r\n")
    + SDP
).encode()


def parse_and_read() -> None:
    """Parse the INVITE and read what a call needs; fail when a value is wrong."""
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    assert message.via.branch == "z9hG4bK7c1d2e3f"
    assert message.from_.tag == "1a2b3c4d5e"
    assert message.to.tag is None
    assert message.contact is not None
    assert message.cseq.number == 1
    assert len(parse_name_addrs(message.headers.get_all("Record-Route"))) == 1
    assert find_sdp(message.content_type, message.body) is message.body


def bare_split() -> None:
    """Split the same bytes into start line, names and values, and judge nothing."""
    head, _, body = INVITE.partition(b"\r\n\r\n")
    fields = [line.split(b":", 1) for line in head.split(b"\r\n")]
    assert len(fields) == 21
    assert body


def _rate(work: Callable[[], None]) -> float:
    """Return how often `work` runs per second of CPU time, over one slice."""
    started = time.process_time_ns()
    for _ in range(SLICE_MESSAGES):
        work()
    return SLICE_MESSAGES * 1e9 / max(1, time.process_time_ns() - started)


def measure() -> list[Measurement]:
    """Run parser and floor in turns and return the one figure."""
    pair = alternate(lambda: _rate(parse_and_read), lambda: _rate(bare_split), slices=SLICES)
    return [
        Measurement(
            name="voice.parse_invite",
            value=pair.value,
            unit="messages/s",
            floor=pair.floor,
            goal=GOAL_PER_S,
            is_goal_a_minimum=True,
            note=f"floor: bare split of the bytes; speed index {speed_index_ns():.1f} ns/step",
        )
    ]
