# SPDX-License-Identifier: Apache-2.0
"""Finding the session description in a message body, also inside multipart.

Only the outermost level of a multipart body is searched; the body itself stays untouched in the
message. Sources: RFC 3261 7.4, RFC 5621 3, RFC 2046 5.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.grammar import find_param, parse_params

if TYPE_CHECKING:
    from centralino.wire.sip.message import Message

_MAX_PARTS = 16


def sdp_of(message: Message) -> bytes | None:
    """Return the part of type application/sdp, None when there is none."""
    body = message.body
    if not body:
        return None
    content_type = (message.headers.get("Content-Type") or "").lower()
    kind = content_type.partition(";")[0].strip()
    if kind == "application/sdp":
        return body
    if kind.startswith("multipart/"):
        return _part(message.headers.get("Content-Type") or "", body)
    return None


def _part(content_type: str, body: bytes) -> bytes | None:
    try:
        boundary = find_param(parse_params(content_type.partition(";")[2]), "boundary")
    except SipParseError:
        return None
    if not boundary:
        return None
    mark = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    for piece in (b"\r\n" + body).split(mark, _MAX_PARTS)[1:]:
        if piece.startswith(b"--"):
            break
        head, gap, content = piece.partition(b"\r\n\r\n")
        if gap and _is_sdp(head):
            return content
    return None


def _is_sdp(head: bytes) -> bool:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip() in (b"content-type", b"c"):
            return value.partition(b";")[0].strip() == b"application/sdp"
    return False
