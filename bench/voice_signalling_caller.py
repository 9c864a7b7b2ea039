# SPDX-License-Identifier: Apache-2.0
"""A caller with a good clock: places calls over UDP and times INVITE to 200.

sipp reads a clock that moves in steps of 4 ms, too coarse for a delay of that size. This
caller takes the kernel's receive time stamp of the 200, so that its own scheduling does
not count. It prints one JSON object: ``{"set_up_ms": [...], "failed": n}``.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

SO_TIMESTAMPNS = 35
"""Linux; the ancillary data carries a timespec."""
HOLD_S = 0.2
WAIT_S = 3.0
_TIMESPEC = struct.Struct("@qq")

_SDP = (
    "v=0\r\no=c 1 1 IN IP4 {own}\r\ns=-\r\nc=IN IP4 {own}\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)


@dataclass
class Call:
    """One call under way."""

    number: int
    sent_at: int = 0
    """UTC nanoseconds of the INVITE."""
    answered_at: int = 0
    to: str = ""
    contact: str = ""


@dataclass
class Caller:
    """Places calls from one UDP socket."""

    own: tuple[str, int]
    target: tuple[str, int]
    calls: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the socket, with time stamps."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(self.own)
        self.socket.setblocking(False)

    def _request(self, method: str, call: Call, sequence: int, body: str = "") -> bytes:
        host = f"{self.own[0]}:{self.own[1]}"
        target = f"{self.target[0]}:{self.target[1]}"
        uri = call.contact or f"sip:+390612345678@{target};user=phone"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{call.number}x{sequence}x{self.own[1]}{method}",
            f'From: "Caller" <sip:+390612340000@{host};user=phone>;tag=t{call.number}',
            f"To: {call.to or f'<sip:+390612345678@{target};user=phone>'}",
            f"Call-ID: {call.number}@{host}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:+390612340000@{host}>",
            "Max-Forwards: 70",
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def invite(self, number: int) -> None:
        """Begin a call."""
        call = Call(number)
        self.calls[f"{number}@{self.own[0]}:{self.own[1]}"] = call
        data = self._request("INVITE", call, 1, _SDP.format(own=self.own[0]))
        call.sent_at = time.time_ns()
        self.socket.sendto(data, self.target)

    def bye(self, call: Call) -> None:
        """End a call."""
        self.socket.sendto(self._request("BYE", call, 2), self.target)

    def read(self) -> list[Call]:
        """Take what has come; return the calls that were answered by it."""
        answered: list[Call] = []
        while True:
            try:
                data, extra, _, _ = self.socket.recvmsg(65535, 64)
            except BlockingIOError:
                return answered
            call = self._answered(data.decode())
            if call is not None:
                seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2])
                call.answered_at = seconds * 1_000_000_000 + nanoseconds
                answered.append(call)

    def _answered(self, text: str) -> Call | None:
        if not text.startswith("SIP/2.0 200") or "INVITE" not in _header(text, "CSeq"):
            return None
        call = self.calls.get(_header(text, "Call-ID"))
        if call is None or call.answered_at:
            return None
        call.to = _header(text, "To")
        call.contact = _header(text, "Contact").partition("<")[2].partition(">")[0]
        self.socket.sendto(self._request("ACK", call, 1), self.target)
        return call


def _header(text: str, name: str) -> str:
    for line in text.split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == name.lower():
            return value.strip()
    return ""


def place(own: tuple[str, int], target: tuple[str, int], count: int, per_s: int) -> list[float]:
    """Place calls at an even pace; return the set-up times in ms of those that were answered."""
    caller = Caller(own, target)
    waiting = selectors.DefaultSelector()
    waiting.register(caller.socket, selectors.EVENT_READ)
    started = time.monotonic()
    placed, byes = 0, list[tuple[float, Call]]()
    end = started + count / per_s + WAIT_S
    while (now := time.monotonic()) < end:
        while placed < count and now >= started + placed / per_s:
            caller.invite(placed)
            placed += 1
        while byes and byes[0][0] <= now:
            caller.bye(byes.pop(0)[1])
        waiting.select(0.001)
        byes += [(time.monotonic() + HOLD_S, call) for call in caller.read()]
    return [
        (call.answered_at - call.sent_at) / 1e6
        for call in caller.calls.values()
        if call.answered_at
    ]


if __name__ == "__main__":
    _own, _target = (sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4]))
    _times = place(_own, _target, int(sys.argv[5]), int(sys.argv[6]))
    print(json.dumps({"set_up_ms": sorted(_times), "failed": int(sys.argv[5]) - len(_times)}))
