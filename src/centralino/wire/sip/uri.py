# SPDX-License-Identifier: Apache-2.0
"""SIP URIs whose text survives untouched.

A URI that was parsed prints exactly the text it came from: same case, same escapes, same
order of parameters. Direct Routing depends on it (a REFER target with opaque `x-*`
parameters has to come back byte for byte). Anything that changes a URI returns a new
value, and then only the changed piece is written anew.

Not here: name-addr with display name and header parameters (`values.NameAddr`), and no
normalisation or number plan. Sources: RFC 3261 19.1 and 25.1, RFC 3986, RFC 3966.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes, unquote_to_bytes

from typing_extensions import override

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.errors import SipParseError

UriParam = tuple[str, str | None]

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_FORBIDDEN = re.compile(r"[\x00-\x20<>\"\x7f]")
_SAFE_IN_USER = "-_.!~*'()&=+$,;?/"
_SAFE_IN_HEADER = "-_.!~*'()[]/?:+$"


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Split `host[:port]`; the host keeps its case and its brackets.

    Names with an underscore or a digit in the last label are accepted, because lab
    machines and containers are called like that.

    Raises:
        SipParseError: The host is empty or has a foreign character, or the port is not
            a number from 0 to 65535.
    """
    host, colon, port = text, "", ""
    if text[:1] == "[":
        end = text.find("]") + 1
        host, tail = text[:end], text[end:]
        colon, port = tail[:1], tail[1:]
        if tail and colon != ":":
            raise SipParseError("bad-host", offending=text)
    elif ":" in text:
        host, colon, port = text.partition(":")
    if not _HOST.fullmatch(host):
        raise SipParseError("bad-host", offending=text)
    if not colon:
        return host, None
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        raise SipParseError("bad-port", offending=text)
    return host, int(port)


def escape(text: str, safe: str = _SAFE_IN_HEADER) -> str:
    """Percent-escape `text` for use inside a URI (by default as a URI header's value)."""
    return quote_from_bytes(text.encode("utf-8", "surrogateescape"), safe=safe)


def unescape(text: str) -> str:
    """Undo percent-escapes; bytes that are not UTF-8 become surrogate escapes."""
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _split_params(text: str) -> tuple[UriParam, ...]:
    params: list[UriParam] = []
    for piece in text.split(";"):
        name, equals, value = piece.partition("=")
        if not name:
            if not piece:
                continue
            raise SipParseError("bad-uri-parameter", offending=text)
        params.append((name, value if equals else None))
    return tuple(params)


def _join_params(params: tuple[UriParam, ...]) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


@dataclass(frozen=True, slots=True)
class SipUri:
    """A `sip:` or `sips:` URI. All pieces are as written, escapes included."""

    scheme: str
    """`sip` or `sips`, lower case."""
    user: str | None
    """User part as written, or None when the URI has no `@`."""
    host: str
    """Host name, IPv4 address or bracketed IPv6 reference, as written."""
    port: int | None = None
    """Port, 0 to 65535, or None when absent."""
    params: tuple[UriParam, ...] = ()
    """Parameters in order; a value of None means a flag without `=`."""
    headers: str | None = None
    """Everything after `?`, as written."""
    password: str | None = None
    """Second half of the user part after a colon, as written."""
    raw: str | None = field(default=None, compare=False, repr=False)
    """The text this value was parsed from."""

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Parse a bare URI (no angle brackets).

        Raises:
            SipParseError: Not a SIP URI; status 416 for another scheme, else 400.
        """
        scheme, colon, rest = text.partition(":")
        lowered = scheme.lower()
        if not colon or lowered not in ("sip", "sips"):
            raise SipParseError("not-a-sip-uri", offending=text, status=416)
        if _FORBIDDEN.search(text):
            raise SipParseError("bad-uri-character", offending=text)
        userinfo, at, tail = rest.partition("@")
        user: str | None = None
        password: str | None = None
        if at:
            user, has_password, secret = userinfo.partition(":")
            password = secret if has_password else None
            if not user:
                raise SipParseError("empty-uri-user", offending=text)
        else:
            tail = rest
        tail, question, headers = tail.partition("?")
        hostport, semicolon, params = tail.partition(";")
        host, port = parse_host_port(hostport)
        return cls(
            lowered,
            user,
            host,
            port,
            _split_params(params) if semicolon else (),
            headers if question else None,
            password,
            text,
        )

    @override
    def __str__(self) -> str:
        """Return the text: the original when parsed, else built from the pieces."""
        if self.raw is not None:
            return self.raw
        user = ""
        if self.user is not None:
            user = self.user if self.password is None else f"{self.user}:{self.password}"
            user += "@"
        port = "" if self.port is None else f":{self.port}"
        headers = "" if self.headers is None else f"?{self.headers}"
        text = f"{self.scheme}:{user}{self.host}{port}{_join_params(self.params)}{headers}"
        if _FORBIDDEN.search(text):
            raise LocalProtocolError("bad-uri-character", offending=text)
        return text

    @property
    def transport(self) -> str | None:
        """The `transport` parameter in lower case, or None."""
        value = self.param("transport")
        return value.lower() if value else None

    @property
    def user_text(self) -> str | None:
        """The user part with its escapes undone."""
        return None if self.user is None else unescape(self.user)

    def param(self, name: str) -> str | None:
        """Return the value of a parameter, `""` for a flag, None when it is absent."""
        wanted = name.lower()
        for key, value in self.params:
            if key.lower() == wanted:
                return value or ""
        return None

    def with_param(self, name: str, value: str | None) -> SipUri:
        """Return a copy with the parameter set (in place when present, else appended)."""
        wanted = name.lower()
        params = list(self.params)
        for index, (key, _) in enumerate(params):
            if key.lower() == wanted:
                params[index] = (key, value)
                break
        else:
            params.append((name, value))
        return self._rebuilt(tuple(params), self.headers)

    def without_param(self, name: str) -> SipUri:
        """Return a copy without the parameter."""
        wanted = name.lower()
        kept = tuple(pair for pair in self.params if pair[0].lower() != wanted)
        return self if len(kept) == len(self.params) else self._rebuilt(kept, self.headers)

    def without_headers(self) -> SipUri:
        """Return a copy without the `?` part, as a Request-URI must be (RFC 3261 19.1.5)."""
        if self.headers is None:
            return self
        if self.raw is not None:
            kept = self.raw[: len(self.raw) - len(self.headers) - 1]
            return SipUri.parse(kept)
        return self._rebuilt(self.params, None)

    def header(self, name: str) -> str | None:
        """Return the unescaped value of a URI header such as `Replaces`, or None."""
        wanted = name.lower()
        for piece in (self.headers or "").split("&"):
            key, equals, value = piece.partition("=")
            if equals and unescape(key).lower() == wanted:
                return unescape(value)
        return None

    def _rebuilt(self, params: tuple[UriParam, ...], headers: str | None) -> SipUri:
        return SipUri(self.scheme, self.user, self.host, self.port, params, headers, self.password)


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of another scheme (`tel:`, `urn:`, ...), kept as it is."""

    scheme: str
    """Scheme in lower case."""
    rest: str
    """Everything after the first colon, as written."""
    raw: str | None = field(default=None, compare=False, repr=False)
    """The text this value was parsed from."""

    @override
    def __str__(self) -> str:
        """Return the text: the original when parsed."""
        return self.raw if self.raw is not None else f"{self.scheme}:{self.rest}"


Uri = SipUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Parse any URI; `sip:` and `sips:` become `SipUri`, the rest stay opaque.

    Raises:
        SipParseError: No scheme, a forbidden character, or a broken SIP URI.
    """
    scheme, colon, rest = text.partition(":")
    lowered = scheme.lower()
    if lowered in ("sip", "sips"):
        return SipUri.parse(text)
    if not colon or not rest or not _SCHEME.fullmatch(scheme) or _FORBIDDEN.search(text):
        raise SipParseError("bad-uri", offending=text)
    return OtherUri(lowered, rest, text)


def sip_uri(
    host: str, *, user: str | None = None, port: int | None = None, transport: str | None = None
) -> SipUri:
    """Build a `sip:` URI; `user` is plain text and is escaped where needed."""
    params: tuple[UriParam, ...] = (("transport", transport),) if transport else ()
    written = None if user is None else escape(user, _SAFE_IN_USER)
    return SipUri("sip", written, host, port, params)
