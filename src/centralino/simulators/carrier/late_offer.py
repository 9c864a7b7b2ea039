# SPDX-License-Identifier: Apache-2.0
"""Calls whose INVITE carries no description: the offer comes in the 200, the answer in the ACK.

Our SIP endpoint always offers first, so this changes messages on their way: it takes the
body out of the INVITE, reads the 200 before the endpoint does, and puts the answer into
the ACK (RFC 3261 13.2.1, RFC 3264).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.simulators.party.description import DescriptionError
from centralino.wire.sip.message import Message, Request, parse_message

if TYPE_CHECKING:
    from centralino.simulators.transport import FarStack
    from centralino.wire.sip.flow import Flow

Answer = Callable[[bytes], bytes]


class LateOffers:
    """The calls of one stack that offer late."""

    def __init__(self, stack: FarStack) -> None:
        """Watch the messages of ``stack``."""
        self._answer_with: dict[str, Answer] = {}
        self._answers: dict[str, tuple[int, bytes]] = {}
        stack.rewrite = self._rewrite
        stack.inspect = self._inspect

    def expect(self, call_id: str, answer: Answer) -> None:
        """Let the call with that Call-ID offer late; ``answer`` answers what comes."""
        self._answer_with[call_id] = answer

    def forget(self, call_id: str) -> None:
        """Forget a call that is over."""
        self._answer_with.pop(call_id, None)
        self._answers.pop(call_id, None)

    def _rewrite(self, data: bytes) -> bytes:
        if not self._answer_with or not data.startswith((b"INVITE ", b"ACK ")):
            return data
        message = parse_message(data)
        if not isinstance(message, Request) or message.call_id not in self._answer_with:
            return data
        if message.method == "INVITE" and message.to.tag is None:
            message.body = b""
            message.headers.remove("Content-Type")
            return message.to_bytes()
        number, answer = self._answers.get(message.call_id, (0, b""))
        if message.method == "ACK" and message.cseq.number == number:
            message.set_body(answer, "application/sdp")
            return message.to_bytes()
        return data

    def _inspect(self, message: Message, flow: Flow) -> bool:
        del flow
        if isinstance(message, Request) or not 200 <= message.status < 300:
            return False
        answer = self._answer_with.get(message.call_id)
        if answer is None or message.cseq.method != "INVITE" or message.call_id in self._answers:
            return False
        try:
            self._answers[message.call_id] = (message.cseq.number, answer(message.body))
        except DescriptionError:
            return False
        return False
