# SPDX-License-Identifier: Apache-2.0
"""The lexical level of SIP headers: tokens, quoted strings, lists, parameters.

Every scan is linear in the length of the text: the expressions have no nested choice to
fall back into. An unclosed quote or bracket reaches to the end of the text, so nothing
inside it can pass for a value of its own. Source: RFC 3261 25.1.
"""

from __future__ import annotations

import re

from centralino.wire.sip.errors import SipParseError

Param = tuple[str, str | None]
"""Name and value as written; a value of None is a flag without `=`."""

SPACE = " \t\r\n"
"""What a header value is stripped of."""

ESCAPED_PAIR = re.compile(r"\\(.)", re.DOTALL)
"""A backslash and the character it protects inside a quoted string."""

NUL = "\x00"
"""Legal in one place only: protected by a backslash in a quoted string (RFC 4475 3.1.1.2)."""

_PROPERLY_QUOTED = re.compile(r'"(?:[^"\\\x00]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_SPLITTERS = {
    sep: re.compile(rf'(?:[^"<{sep}]|{_QUOTED}|<[^>]*>?)+', re.DOTALL) for sep in (",", ";")
}
_PARAM_SPLITTER = re.compile(rf'(?:[^";]|{_QUOTED})+', re.DOTALL)


def is_token(text: str) -> bool:
    """Tell whether `text` is a token (RFC 3261 25.1): method, header name, tag."""
    return _TOKEN.fullmatch(text) is not None


def quote(text: str) -> str:
    """Wrap `text` as a quoted-string, escaping quotes, backslashes and NUL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace(NUL, "\\" + NUL) + '"'


def has_bare_nul(line: str) -> bool:
    """Tell whether a header line has a NUL that no quoted pair protects."""
    return NUL in line and NUL in _PROPERLY_QUOTED.sub("", line)


def unquote(text: str) -> str:
    """Return the content of a quoted-string; other text comes back unchanged."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        inner = text[1:-1]
        return ESCAPED_PAIR.sub(r"\1", inner) if "\\" in inner else inner
    return text


def quote_split(text: str, separator: str = ",") -> list[str]:
    """Split at `separator` outside quotes and angle brackets; pieces come back stripped.

    Empty pieces are dropped. An unclosed quote or bracket reaches to the end, so that
    nothing inside it can pass for a value of its own. `separator` is `,` or `;`.
    """
    if separator not in text:
        stripped = text.strip(SPACE)
        return [stripped] if stripped else []
    if '"' not in text and "<" not in text:
        pieces = text.split(separator)
    else:
        pieces = _SPLITTERS[separator].findall(text)
    return [piece for piece in (raw.strip(SPACE) for raw in pieces) if piece]


def parse_params(text: str) -> tuple[Param, ...]:
    """Parse `a=b;c;d="x;y"` (what follows the first semicolon).

    Values keep their quotes. Empty pieces are dropped.

    Raises:
        SipParseError: A parameter without a name.
    """
    if not text:
        return ()
    pieces = text.split(";") if '"' not in text else _PARAM_SPLITTER.findall(text)
    params: list[Param] = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip(SPACE)
        if name:
            params.append((name, value.strip(SPACE) if equals else None))
        elif equals:
            raise SipParseError("parameter-without-name", offending=text)
    return tuple(params)


def find_param(params: tuple[Param, ...], name: str) -> str | None:
    """Return a parameter's value without quotes, `""` for a flag, None when absent."""
    for key, value in params:
        if key == name or key.lower() == name:
            return unquote(value) if value else ""
    return None


def join_params(params: tuple[Param, ...]) -> str:
    """Write parameters, each with its leading semicolon."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def set_param(params: tuple[Param, ...], name: str, value: str | None) -> tuple[Param, ...]:
    """Set a parameter in place, or append it."""
    wanted = name.lower()
    if any(key.lower() == wanted for key, _ in params):
        return tuple((k, value if k.lower() == wanted else v) for k, v in params)
    return (*params, (name, value))


def drop_param(params: tuple[Param, ...], name: str) -> tuple[Param, ...]:
    """Remove a parameter."""
    wanted = name.lower()
    return tuple(pair for pair in params if pair[0].lower() != wanted)
