# SPDX-License-Identifier: Apache-2.0
"""Strategies for SIP text: tokens, addresses, headers, whole messages."""

from __future__ import annotations

import string

from hypothesis import strategies as st

TOKEN = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=12)
HOST = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9]{0,5}){0,2}", fullmatch=True)
PARAM_VALUE = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~[]/:&$", max_size=12)
USER = st.text(string.ascii_letters + string.digits + "-_.!~*'()&=+$,;?/%", min_size=1, max_size=12)
ANY_TEXT = st.text(
    st.sampled_from('"\\<>,;:=% a\t')
    | st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]),
    max_size=24,
)


@st.composite
def sip_uris(draw: st.DrawFn) -> str:
    """A SIP URI with user, port and parameters in odd but legal dress."""
    scheme = draw(st.sampled_from(["sip", "sips", "SIP"]))
    user = draw(st.none() | USER)
    port = draw(st.none() | st.integers(0, 65535))
    params = draw(st.lists(st.tuples(TOKEN, st.none() | PARAM_VALUE), max_size=4))
    tail = "".join(f";{k}" if v is None else f";{k}={v}" for k, v in params)
    at = f"{user}@" if user is not None else ""
    return f"{scheme}:{at}{draw(HOST)}{'' if port is None else f':{port}'}{tail}"


@st.composite
def name_addrs(draw: st.DrawFn) -> str:
    """An address with a quoted, bare or missing display name."""
    quoted = ANY_TEXT.map(lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '" ')
    display = draw(st.just("") | TOKEN.map(lambda s: s + " ") | quoted)
    params = draw(st.lists(st.tuples(TOKEN, st.none() | TOKEN), max_size=3))
    tail = "".join(f";{k}" if v is None else f";{k}={v}" for k, v in params)
    return f"{display}<{draw(sip_uris())}>{tail}"


def _spelled(draw: st.DrawFn, name: str, compact: str | None = None) -> str:
    forms = [name, name.lower(), name.upper(), name.swapcase()]
    return draw(st.sampled_from(forms + ([compact] if compact else [])))


@st.composite
def odd_lines(draw: st.DrawFn) -> str:
    """A header we know nothing of, with odd spaces and perhaps a fold."""
    value = draw(ANY_TEXT)
    if draw(st.booleans()):
        value += "\r\n" + draw(st.sampled_from([" ", "\t", "  "])) + draw(ANY_TEXT)
    space = draw(st.sampled_from(["", " ", "\t"]))
    return f"X-{draw(TOKEN)}{space}:{space}{value}"


@st.composite
def raw_messages(draw: st.DrawFn) -> bytes:
    """A sound request or response with an exact Content-Length, as bytes."""
    method = draw(TOKEN)
    body = draw(st.binary(max_size=80))
    via = f"{_spelled(draw, 'Via', 'v')}: SIP/2.0/TLS {draw(HOST)};branch=z9hG4bK{draw(TOKEN)}"
    rest = [
        via,
        f"{_spelled(draw, 'From', 'f')}: {draw(name_addrs())}",
        f"{_spelled(draw, 'To', 't')} : {draw(name_addrs())}",
        f"{_spelled(draw, 'Call-ID', 'i')}:{draw(TOKEN)}",
        f"CSeq: {draw(st.integers(0, 2**31 - 1))} {method}",
        f"{_spelled(draw, 'Content-Length', 'l')}: {len(body)}",
        *draw(st.lists(odd_lines(), max_size=4)),
    ]
    lines = draw(st.permutations(rest))
    is_request = draw(st.booleans())
    start = (
        f"{method} {draw(sip_uris())} SIP/2.0" if is_request else f"SIP/2.0 200 {draw(ANY_TEXT)}"
    )
    head = "\r\n".join([start, *lines]) + "\r\n\r\n"
    return head.encode("utf-8") + body
