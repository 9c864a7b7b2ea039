# SPDX-License-Identifier: Apache-2.0
"""Header values: addresses, Via, CSeq, Replaces, Reason, Session-Expires, History-Info, auth.

Each value keeps the text it was parsed from, so `str(value)` is byte exact as long as
nothing was changed; a changed copy is written from its pieces. Parsing is strict enough
that an attacker cannot smuggle a second identity into one address (two quoted addresses
in one header stay two), and lenient where real peers are sloppy.

Not here: whole messages (`message`) and URIs (`uri`). Sources: RFC 3261 20 and 25.1,
RFC 3891 (Replaces), RFC 3326 (Reason), RFC 4028 (Session-Expires), RFC 7044
(History-Info), RFC 3581 (rport), RFC 5923 (alias), RFC 8760 and RFC 7616 (digest).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from centralino.wire.sip.auth_value import AuthValue, parse_auth
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.grammar import (
    ESCAPED_PAIR,
    SPACE,
    Param,
    drop_param,
    find_param,
    is_token,
    join_params,
    parse_params,
    quote,
    quote_split,
    set_param,
    unquote,
)
from centralino.wire.sip.uri import SipUri, Uri, parse_host_port, parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_CSEQ",
    "AuthValue",
    "CSeq",
    "HistoryEntry",
    "NameAddr",
    "Param",
    "Reason",
    "Replaces",
    "SessionExpires",
    "Via",
    "find_param",
    "is_token",
    "join_params",
    "parse_auth",
    "parse_history_info",
    "parse_name_addrs",
    "parse_number",
    "parse_params",
    "quote",
    "quote_split",
    "unquote",
]

_DISPLAY = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t\r\n]*(?=<)', re.DOTALL)
MAX_CSEQ = 2**31 - 1
"""Largest CSeq number (RFC 3261 8.1.1.5)."""


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with optional display name and header parameters (From, Contact, ...)."""

    display: str | None
    """Display name without quotes and escapes, or None."""
    uri: str
    """URI text exactly as written; `*` for a wildcard Contact."""
    params: tuple[Param, ...] = ()
    """Header parameters in order; values as written."""
    raw: str | None = field(default=None, compare=False, repr=False)
    """The text this value was parsed from."""

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Parse one address; the caller has split a list first.

        Raises:
            SipParseError: Unbalanced quotes or brackets, no URI, or more than one address.
        """
        text = text.strip(SPACE)
        if "<" not in text:
            return cls._parse_bare(text)
        display: str | None
        if text[0] == '"':
            match = _DISPLAY.match(text)
            if match is None:
                raise SipParseError("unbalanced-display-name", offending=text)
            display = ESCAPED_PAIR.sub(r"\1", match[1]) if "\\" in match[1] else match[1]
            rest = text[match.end() + 1 :]
        else:
            before, _, rest = text.partition("<")
            display = before.strip(SPACE) or None
            if display is not None and ('"' in display or "," in display):
                raise SipParseError("bad-display-name", offending=text)
        uri, closed, tail = rest.partition(">")
        uri = uri.strip(SPACE)
        tail = tail.strip(SPACE)
        if not closed or not uri or "<" in uri or (tail and tail[0] != ";"):
            raise SipParseError("unbalanced-angle-brackets", offending=text)
        return cls(display, uri, parse_params(tail[1:]), text)

    @classmethod
    def _parse_bare(cls, text: str) -> NameAddr:
        uri, _, tail = text.partition(";")
        uri = uri.rstrip(SPACE)
        if uri != "*" and (":" not in uri or any(mark in uri for mark in '?," \t>')):
            raise SipParseError("bad-address", offending=text)
        return cls(None, uri, parse_params(tail), text)

    @override
    def __str__(self) -> str:
        """Return the text: the original when parsed, else written with angle brackets."""
        if self.raw is not None:
            return self.raw
        display = f"{quote(self.display)} " if self.display is not None else ""
        return f"{display}<{self.uri}>{join_params(self.params)}"

    @property
    def tag(self) -> str | None:
        """The `tag` parameter, or None."""
        return find_param(self.params, "tag")

    def param(self, name: str) -> str | None:
        """Return a header parameter without quotes, `""` for a flag, None when absent."""
        return find_param(self.params, name.lower())

    def with_param(self, name: str, value: str | None) -> NameAddr:
        """Return a copy with a header parameter set; the rest stays as written."""
        if self.raw is not None and self.param(name) is None and "<" in self.raw:
            written = f"{self.raw};{name}" if value is None else f"{self.raw};{name}={value}"
            return NameAddr(self.display, self.uri, (*self.params, (name, value)), written)
        return NameAddr(self.display, self.uri, set_param(self.params, name, value))

    def without_param(self, name: str) -> NameAddr:
        """Return a copy without a header parameter."""
        return NameAddr(self.display, self.uri, drop_param(self.params, name))

    def parsed_uri(self) -> Uri:
        """Parse the URI. Raises `SipParseError` when it is broken."""
        return parse_uri(self.uri)

    def sip_uri(self) -> SipUri:
        """Parse the URI, which must be `sip:` or `sips:`. Raises `SipParseError`."""
        return SipUri.parse(self.uri)


def parse_name_addrs(texts: str | Iterable[str]) -> list[NameAddr]:
    """Parse a list of addresses: one header text, or the lines of `Headers.get_all`."""
    lines = (texts,) if isinstance(texts, str) else texts
    return [NameAddr.parse(piece) for line in lines for piece in quote_split(line)]


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of the response path (RFC 3261 20.42)."""

    transport: str
    """`UDP`, `TCP`, `TLS`, ... in upper case."""
    host: str
    """Sent-by host as written."""
    port: int | None = None
    """Sent-by port, or None for the transport's default."""
    params: tuple[Param, ...] = ()
    """Parameters in order, values as written."""
    raw: str | None = field(default=None, compare=False, repr=False)
    """The text this value was parsed from."""

    @classmethod
    def parse(cls, text: str) -> Via:
        """Parse one Via value.

        Raises:
            SipParseError: No protocol, a version other than 2.0 (status 505), bad sent-by.
        """
        head, _, tail = text.partition(";")
        pieces = head.split()
        if len(pieces) != 2:
            pieces = _loose_via(head)
        protocol, sent_by = pieces
        name, _, rest = protocol.partition("/")
        version, slash, transport = rest.partition("/")
        if name.upper() != "SIP" or not slash or not is_token(transport):
            raise SipParseError("bad-via", offending=text)
        if version != "2.0":
            raise SipParseError("bad-via-version", offending=text, status=505)
        host, port = parse_host_port(sent_by)
        return cls(transport.upper(), host, port, parse_params(tail), text)

    @override
    def __str__(self) -> str:
        """Return the text: the original when parsed."""
        if self.raw is not None:
            return self.raw
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{join_params(self.params)}"

    @property
    def branch(self) -> str | None:
        """The `branch` parameter, or None (an RFC 2543 peer)."""
        return find_param(self.params, "branch")

    @property
    def received(self) -> str | None:
        """The source address a downstream hop saw, or None."""
        return find_param(self.params, "received") or None

    @property
    def rport(self) -> int | None:
        """The source port a downstream hop saw, or None (absent, still empty, or broken)."""
        value = find_param(self.params, "rport")
        return int(value) if value and value.isascii() and value.isdigit() else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asks for its source port (RFC 3581)."""
        return find_param(self.params, "rport") is not None

    @property
    def alias(self) -> bool:
        """Whether the sender allows reuse of its connection (RFC 5923)."""
        return find_param(self.params, "alias") is not None

    def param(self, name: str) -> str | None:
        """Return a parameter without quotes, `""` for a flag, None when absent."""
        return find_param(self.params, name.lower())

    def with_param(self, name: str, value: str | None) -> Via:
        """Return a copy with a parameter set."""
        return replace(self, params=set_param(self.params, name, value), raw=None)


def _loose_via(head: str) -> list[str]:
    """Read `SIP / 2.0 / UDP  host : port`, legal white space that nobody sends."""
    text = re.sub(r"\s*([/:])\s*", r"\1", head.strip(SPACE))
    pieces = text.split()
    if len(pieces) != 2:
        raise SipParseError("bad-via", offending=head)
    return pieces


class CSeq(msgspec.Struct, frozen=True):
    """Sequence number and method (RFC 3261 20.16)."""

    number: int
    """0 to 2**31 - 1."""
    method: str
    """Method as written; methods are case-sensitive."""

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Parse a CSeq value. Raises `SipParseError` when broken or out of range."""
        pieces = text.split()
        if len(pieces) != 2:
            raise SipParseError("bad-cseq", offending=text)
        digits, method = pieces
        if not (digits.isascii() and digits.isdigit()) or not is_token(method):
            raise SipParseError("bad-cseq", offending=text)
        if len(digits) > 64 or int(digits) > MAX_CSEQ:
            raise SipParseError("cseq-out-of-range", offending=text)
        return cls(int(digits), method)

    @override
    def __str__(self) -> str:
        """Return `number method`."""
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class Replaces:
    """Which dialog an INVITE takes over (RFC 3891)."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Parse an unescaped Replaces value. Raises `SipParseError` without both tags."""
        call_id, _, tail = text.strip(SPACE).partition(";")
        params = parse_params(tail)
        tags = [
            [value for key, value in params if key.lower() == name]
            for name in ("to-tag", "from-tag")
        ]
        if not call_id.strip(SPACE) or any(len(tag) != 1 or not tag[0] for tag in tags):
            raise SipParseError("bad-replaces", offending=text)
        early = find_param(params, "early-only") is not None
        return cls(call_id.strip(SPACE), tags[0][0] or "", tags[1][0] or "", early)

    @override
    def __str__(self) -> str:
        """Return the header value, unescaped."""
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request was sent or a response given (RFC 3326)."""

    protocol: str
    """`SIP`, `Q.850`, ... as written."""
    cause: int | None = None
    """Cause number, or None when absent or not a number."""
    text: str | None = None
    """Sentence for people, unquoted."""

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Parse one Reason value. Raises `SipParseError` without a protocol."""
        protocol, _, tail = text.strip(SPACE).partition(";")
        protocol = protocol.strip(SPACE)
        if not is_token(protocol):
            raise SipParseError("bad-reason", offending=text)
        params = parse_params(tail)
        cause = find_param(params, "cause")
        number = int(cause) if cause and cause.isascii() and cause.isdigit() else None
        return cls(protocol, number, find_param(params, "text"))

    @override
    def __str__(self) -> str:
        """Return the header value."""
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """Session timer (RFC 4028)."""

    delta_s: int
    """Session interval. Unit: seconds."""
    refresher: str | None = None
    """`uac`, `uas` or None when undecided."""

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """Parse a Session-Expires (or Min-SE) value. Raises `SipParseError`."""
        digits, _, tail = text.strip(SPACE).partition(";")
        refresher = find_param(parse_params(tail), "refresher")
        lowered = refresher.lower() if refresher else None
        if lowered not in (None, "uac", "uas"):
            raise SipParseError("bad-session-expires", offending=text)
        return cls(parse_number(digits, "bad-session-expires"), lowered)

    @override
    def __str__(self) -> str:
        """Return the header value."""
        return f"{self.delta_s};refresher={self.refresher}" if self.refresher else str(self.delta_s)


def parse_number(text: str, code: str = "bad-number") -> int:
    """Parse an unsigned number below 2**32. Raises `SipParseError(code)` else."""
    digits = text.strip(SPACE)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 64 or int(digits) >= 2**32:
        raise SipParseError(code, offending=text)
    return int(digits)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of how a call was retargeted (RFC 7044)."""

    address: NameAddr
    """The address as written; its URI may carry escaped Reason and Privacy headers."""
    index: tuple[int, ...]
    """Position such as (1, 2); empty when absent or broken."""
    reason: Reason | None
    """Reason from the URI headers, unescaped, or None."""
    privacy: str | None
    """Privacy from the URI headers, such as `history`, or None."""


def parse_history_info(texts: str | Iterable[str]) -> list[HistoryEntry]:
    """Parse History-Info in the order written; see `parse_name_addrs` for the input."""
    return [_history_entry(address) for address in parse_name_addrs(texts)]


def _history_entry(address: NameAddr) -> HistoryEntry:
    uri = address.parsed_uri()
    reason = privacy = None
    if isinstance(uri, SipUri):
        written = uri.header("Reason")
        reason = Reason.parse(written) if written else None
        privacy = uri.header("Privacy")
    steps = (address.param("index") or "").split(".")
    is_sound = all(step.isascii() and step.isdigit() and len(step) < 10 for step in steps)
    return HistoryEntry(address, tuple(map(int, steps)) if is_sound else (), reason, privacy)
