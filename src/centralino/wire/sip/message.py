# SPDX-License-Identifier: Apache-2.0
"""SIP requests and responses: parse, inspect, build, write.

What lives here: the start line, the fields every message must have, Content-Length, and
the answer to a message. `parse_message` proves the five fields every transaction needs
(top Via, From, To, Call-ID, CSeq) so that nobody later has to; all else is parsed when
asked for. A broken request still yields enough to be answered with 400.

Invariants: `parse_message(data).to_bytes() == data` for a sound message whose
Content-Length is right; what we write never holds a line break a caller slipped in.
Not here: cutting a stream (`framing`), what a method means (`endpoint`).
Sources: RFC 3261 7, 8.1.1, 8.2.6, 18.3, 20.
"""

from __future__ import annotations

import re
from typing import TypeVar

from typing_extensions import override

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.grammar import NUL, has_bare_nul
from centralino.wire.sip.header_names import KNOWN, canonical_name
from centralino.wire.sip.headers import Headers
from centralino.wire.sip.limits import DEFAULT_LIMITS, Limits
from centralino.wire.sip.reasons import REASONS, reason_phrase
from centralino.wire.sip.uri import parse_uri
from centralino.wire.sip.values import CSeq, NameAddr, Via, is_token, parse_number

__all__ = [
    "DEFAULT_LIMITS",
    "REASONS",
    "Headers",
    "Limits",
    "Message",
    "Request",
    "Response",
    "SipParseError",
    "parse_message",
    "response_to",
]

T = TypeVar("T")

_UNSAFE_URI = re.compile(r"[\x00-\x20\x7f<>]")
_UNSAFE_REASON = re.compile(r"[\r\n\x00]")
_STATUS = re.compile(r"[1-6][0-9][0-9]")
_ONCE = frozenset(("from", "to", "call-id", "cseq", "max-forwards"))
_COPIED = ("via", "from", "to", "call-id", "cseq")
_CODEC = ("utf-8", "surrogateescape")


class _Fields:
    """What requests and responses share: headers, body and the typed views of them."""

    __slots__ = ("body", "headers")

    headers: Headers
    body: bytes

    @property
    def via(self) -> Via:
        """The top Via. Raises `SipParseError` when missing or broken."""
        return _present(self.headers.parsed("via", Via.parse), "missing-via")

    @property
    def from_(self) -> NameAddr:
        """The From address. Raises `SipParseError` when missing or broken."""
        return _present(self.headers.parsed("from", NameAddr.parse, whole=True), "missing-from")

    @property
    def to(self) -> NameAddr:
        """The To address. Raises `SipParseError` when missing or broken."""
        return _present(self.headers.parsed("to", NameAddr.parse, whole=True), "missing-to")

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact address (`*` included), or None. Raises `SipParseError` when broken."""
        return self.headers.parsed("contact", NameAddr.parse)

    @property
    def cseq(self) -> CSeq:
        """The CSeq. Raises `SipParseError` when missing or broken."""
        return _present(self.headers.parsed("cseq", CSeq.parse, whole=True), "missing-cseq")

    @property
    def call_id(self) -> str:
        """The Call-ID. Raises `SipParseError` when missing."""
        return _present(self.headers.get("call-id") or None, "missing-call-id")

    @property
    def content_type(self) -> str | None:
        """The Content-Type as written, or None."""
        return self.headers.get("content-type")

    def set_body(self, body: bytes, content_type: str) -> None:
        """Replace the body and say what it is."""
        self.body = body
        self.headers.set("Content-Type", content_type)

    def _to_bytes(self, start_line: str) -> bytes:
        length = str(len(self.body))
        if self.headers.get("content-length") != length:
            self.headers.set("Content-Length", length)
        head = f"{start_line}\r\n{self.headers.text()}\r\n\r\n"
        try:
            return head.encode(*_CODEC) + self.body
        except UnicodeEncodeError as error:
            raise LocalProtocolError("unencodable-header") from error


class Request(_Fields):
    """A SIP request. Mutable; copy before changing one that others hold."""

    __slots__ = ("method", "uri")

    def __init__(
        self, method: str, uri: str, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        """Make a request; `uri` is the Request-URI text, written as it is."""
        self.method = method
        self.uri = uri
        self.headers = Headers() if headers is None else headers
        self.body = body

    def to_bytes(self) -> bytes:
        """Write the request; untouched headers are byte exact, Content-Length is right.

        Raises:
            LocalProtocolError: Method or URI could not stand in a request line.
        """
        if not is_token(self.method) or not self.uri or _UNSAFE_URI.search(self.uri):
            raise LocalProtocolError("bad-request-line", offending=f"{self.method} {self.uri}")
        return self._to_bytes(f"{self.method} {self.uri} SIP/2.0")

    def copy(self) -> Request:
        """Return an independent copy."""
        return Request(self.method, self.uri, self.headers.copy(), self.body)

    @override
    def __repr__(self) -> str:
        """Show the method only; the URI holds a customer's number."""
        return f"Request({self.method!r}, {len(self.headers)} headers, {len(self.body)} bytes)"


class Response(_Fields):
    """A SIP response."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        """Make a response; `status` is 100 to 699."""
        self.status = status
        self.reason = reason
        self.headers = Headers() if headers is None else headers
        self.body = body

    def to_bytes(self) -> bytes:
        """Write the response; see `Request.to_bytes`.

        Raises:
            LocalProtocolError: The status is out of range or the reason has a line break.
        """
        if not 100 <= self.status <= 699 or _UNSAFE_REASON.search(self.reason):
            raise LocalProtocolError("bad-status-line", offending=self.reason)
        return self._to_bytes(f"SIP/2.0 {self.status} {self.reason}")

    def copy(self) -> Response:
        """Return an independent copy."""
        return Response(self.status, self.reason, self.headers.copy(), self.body)

    @override
    def __repr__(self) -> str:
        """Show the status line."""
        return f"Response({self.status} {self.reason!r}, {len(self.headers)} headers)"


Message = Request | Response


def response_to(
    request: Request, status: int, reason: str | None = None, *, to_tag: str | None = None
) -> Response:
    """Answer a request: copies Via lines, From, To, Call-ID and CSeq (RFC 3261 8.2.6.2).

    Args:
        request: The request, or the skeleton of a broken one.
        status: 100 to 699.
        reason: Phrase; the usual one when None.
        to_tag: Added to To when To has no tag yet; leave None for 100.
    """
    response = Response(status, reason_phrase(status) if reason is None else reason)
    for name in _COPIED:
        response.headers.copy_from(request.headers, name)
    if to_tag is not None:
        _add_to_tag(response, to_tag)
    response.headers.add("Content-Length", "0")
    return response


def parse_message(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """Parse one complete message; a datagram may have bytes beyond Content-Length.

    Leading CRLFs are skipped. Without Content-Length the body reaches to the end.

    Raises:
        SipParseError: With `status` to answer and, for a request readable enough to be
            answered (never an ACK), `request_skeleton`.
    """
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise SipParseError("head-not-ended", offending=data)
    if end + 4 > limits.head_bytes:
        raise SipParseError("head-too-large", offending=data, status=513)
    start_line, *lines = _lines(data[:end].decode(*_CODEC))
    if start_line[:4].upper() == "SIP/":
        return _response(start_line, lines, data, end + 4, limits)
    try:
        return _request(start_line, lines, data, end + 4, limits)
    except SipParseError as error:
        error.request_skeleton = _skeleton(start_line, lines)
        raise


def _request(start_line: str, lines: list[str], data: bytes, at: int, limits: Limits) -> Request:
    method, _, rest = start_line.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if version.upper() != "SIP/2.0":
        status = 505 if version.upper().startswith("SIP/") else 400
        raise SipParseError("bad-version", offending=start_line, status=status)
    if not is_token(method) or ":" not in uri or _UNSAFE_URI.search(uri):
        raise SipParseError("bad-request-line", offending=start_line)
    if "?" in uri and getattr(parse_uri(uri), "headers", None) is not None:
        raise SipParseError("headers-in-request-uri", offending=start_line)
    headers = _headers(lines, limits)
    request = Request(method, uri, headers, _body(headers, data, at, limits))
    _check(request, limits)
    if request.cseq.method != method:
        raise SipParseError("cseq-method-mismatch", offending=start_line)
    max_forwards = headers.get("max-forwards")
    if max_forwards is not None and parse_number(max_forwards, "bad-max-forwards") > 255:
        raise SipParseError("bad-max-forwards", offending=max_forwards)
    return request


def _response(start_line: str, lines: list[str], data: bytes, at: int, limits: Limits) -> Response:
    version, _, rest = start_line.partition(" ")
    status, _, reason = rest.partition(" ")
    if version.upper() != "SIP/2.0" or not _STATUS.fullmatch(status):
        raise SipParseError("bad-status-line", offending=start_line)
    headers = _headers(lines, limits)
    response = Response(int(status), reason, headers, _body(headers, data, at, limits))
    _check(response, limits)
    return response


def _lines(head: str) -> list[str]:
    lines = head.split("\r\n")
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks:
        raise SipParseError("bare-line-break", offending=head)
    if "\r\n " not in head and "\r\n\t" not in head:
        return lines
    joined = lines[:1]
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and len(joined) > 1:
            joined[-1] += "\r\n" + line
        else:
            joined.append(line)
    return joined


def _headers(lines: list[str], limits: Limits) -> Headers:
    if len(lines) > limits.header_count:
        raise SipParseError("too-many-headers", status=513)
    if NUL in "".join(lines) and any(map(has_bare_nul, lines)):
        raise SipParseError("nul-in-header")
    known = KNOWN.get
    keys = [known(line.partition(":")[0]) or _unusual_name(line) for line in lines]
    if lines and max(map(len, lines)) > limits.line_bytes:
        raise SipParseError("header-line-too-long", status=513)
    return Headers.from_lines(keys, lines)


def _unusual_name(line: str) -> str:
    name, colon, _ = line.partition(":")
    name = name.rstrip(" \t")
    if not colon:
        raise SipParseError("header-without-colon", offending=line)
    if not is_token(name):
        raise SipParseError("bad-header-name", offending=line)
    return canonical_name(name)


def _body(headers: Headers, data: bytes, at: int, limits: Limits) -> bytes:
    available = len(data) - at
    size = available
    if "content-length" in headers:
        texts = headers.get_all("content-length")
        size = parse_number(texts[0], "bad-content-length")
        if any(parse_number(text, "bad-content-length") != size for text in texts[1:]):
            raise SipParseError("conflicting-content-length")
    if size > limits.body_bytes:
        raise SipParseError("body-too-large", status=413)
    if size > available:
        raise SipParseError("body-shorter-than-content-length")
    return data[at : at + size]


def _check(message: Message, limits: Limits) -> None:
    """Prove the five fields; their parsed views stay with the message."""
    headers = message.headers
    repeated = headers.first_repeated(_ONCE)
    if repeated is not None:
        raise SipParseError("repeated-header", offending=repeated)
    _ = (message.via, message.from_, message.to, message.cseq, message.call_id)
    hops = headers.get_all("via")
    if len(hops) > 1 or "," in hops[0]:
        hops = headers.values("via")
        if any("/" not in hop for hop in hops):
            raise SipParseError("bad-via")
    if len(hops) > limits.via_count:
        raise SipParseError("too-many-via", status=483)


def _skeleton(start_line: str, lines: list[str]) -> Request | None:
    """Keep what an answer needs, or None: no method, an ACK, no usable top Via, a NUL in it."""
    method = start_line.partition(" ")[0]
    if not is_token(method) or method == "ACK":
        return None
    keys: list[str] = []
    kept: list[str] = []
    for line in lines:
        key = canonical_name(line.partition(":")[0])
        if key in _COPIED and has_bare_nul(line):
            return None
        if ":" in line and key in _COPIED and (key == "via" or key not in keys):
            keys.append(key)
            kept.append(line)
    skeleton = Request(method, "", Headers.from_lines(keys, kept))
    try:
        _ = skeleton.via
    except SipParseError:
        return None
    return skeleton


def _add_to_tag(response: Response, tag: str) -> None:
    try:
        to = response.to
    except SipParseError:
        return
    if to.tag is None:
        response.headers.set("To", str(to.with_param("tag", tag)))


def _present(value: T | None, code: str) -> T:
    if value is None:
        raise SipParseError(code)
    return value
