# SPDX-License-Identifier: Apache-2.0
"""Recorded messages, parsed once, and the patterns by which they are found.

A pattern reads ``> INVITE`` (request of the product), ``< 180 INVITE`` (response of the far
side), ``> 200 INVITE+sdp`` (with a body). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from centralino.core.kernel.errors import InvalidInput
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import Message, Request, Response
from centralino.wire.sip.uri import SipUri, parse_uri

TEAMS, CARRIER, PROBE = "direct-routing", "carrier", "probe"
_PATTERN = re.compile(r"([<>]) (?:(\d{3}) )?([A-Z]+)(\+sdp)?")


@dataclass(frozen=True)
class Exchanged:
    """One message between the product and the far side."""

    at: float
    """Seconds since the Unix epoch."""
    part: str
    """Who recorded it: ``direct-routing``, ``carrier``, ``probe``."""
    is_from_product: bool
    address: str
    """Address of the far side's end: which proxy it was."""
    raw: bytes
    message: Message

    @property
    def call_id(self) -> str:
        """Its Call-ID."""
        return self.message.headers.get("Call-ID") or ""

    @cached_property
    def cseq(self) -> tuple[int, str]:
        """Number and method of its CSeq."""
        number, _, method = (self.message.headers.get("CSeq") or "0 ?").partition(" ")
        return (int(number) if number.isdigit() else 0), method.strip()

    @property
    def status(self) -> int | None:
        """The status of a response."""
        return self.message.status if isinstance(self.message, Response) else None

    @property
    def method(self) -> str:
        """The method of a request, or that of the request it responds to."""
        return self.message.method if isinstance(self.message, Request) else self.cseq[1]

    @property
    def request(self) -> Request | None:
        """The message, when it is a request."""
        return self.message if isinstance(self.message, Request) else None

    @property
    def is_initial_invite(self) -> bool:
        """Whether it is an INVITE outside any dialog."""
        return self.request is not None and self.method == "INVITE" and not self.to_tag

    @property
    def to_tag(self) -> str:
        """The tag of To; empty when there is none."""
        return tag_of(self.message.headers.get("To"))

    @property
    def from_tag(self) -> str:
        """The tag of From."""
        return tag_of(self.message.headers.get("From"))

    @property
    def branch(self) -> str:
        """The branch of the topmost Via."""
        found = re.search(
            r";\s*branch=([^;,\s]+)", self.message.headers.get("Via") or "", re.IGNORECASE
        )
        return found.group(1) if found else ""

    @property
    def label(self) -> str:
        """The pattern that stands for it."""
        arrow = ">" if self.is_from_product else "<"
        status = f"{self.status} " if self.status is not None else ""
        return f"{arrow} {status}{self.method}{'+sdp' if self.message.body else ''}"

    def is_like(self, pattern: str) -> bool:
        """Tell whether it fits a pattern."""
        is_from_product, status, method, needs_body = read_pattern(pattern)
        return (
            self.is_from_product is is_from_product
            and self.status == status
            and self.method == method
            and (bool(self.message.body) or not needs_body)
        )


@lru_cache(maxsize=512)
def read_pattern(text: str) -> tuple[bool, int | None, str, bool]:
    """Return direction, status, method and whether a body is wanted.

    Raises:
        InvalidInput: it is no pattern.
    """
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text!r} is no pattern of a message")
    arrow, status, method, body = found.groups()
    return arrow == ">", int(status) if status else None, method, body is not None


def missing_of(messages: Sequence[Exchanged], patterns: Sequence[str]) -> str:
    """Return the first pattern that does not come in its turn; empty when all do."""
    at = 0
    for pattern in patterns:
        while at < len(messages) and not messages[at].is_like(pattern):
            at += 1
        if at == len(messages):
            return pattern
        at += 1
    return ""


def user_of(uri: str) -> str:
    """Return the user part of a SIP URI, without its parameters; empty when there is none.

    >>> user_of("sip:+390612345678@cust1.sbc.test:5061;user=phone")
    '+390612345678'
    """
    try:
        parsed = parse_uri(uri)
    except SipParseError:
        return ""
    return (parsed.user or "").partition(";")[0] if isinstance(parsed, SipUri) else ""


def tag_of(value: str | None) -> str:
    """Return the tag parameter of a From or To value.

    >>> tag_of("<sip:a@b.test>;tag=x7")
    'x7'
    """
    found = re.search(r";\s*tag=([^;,\s>]+)", (value or "").rpartition(">")[2], re.IGNORECASE)
    return found.group(1) if found else ""
