# SPDX-License-Identifier: Apache-2.0
"""Answering a digest challenge for a request we sent (RFC 3261 22.2, RFC 8760).

Picks the first challenge we can answer; the arithmetic is in `digest`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip.digest import authorise
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.values import parse_auth

if TYPE_CHECKING:
    from centralino.wire.sip.digest import Credentials
    from centralino.wire.sip.message import Request, Response

MAX_TRIES = 2
"""Challenges answered per request: the first, and one whose nonce was stale."""

_HEADERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


def answer_challenge(
    request: Request,
    response: Response,
    credentials: Credentials | None,
    token: Callable[[], str],
) -> tuple[str, str] | None:
    """Return the header line that answers a 401 or 407; None when we cannot."""
    if credentials is None or response.status not in _HEADERS:
        return None
    asks, answers = _HEADERS[response.status]
    for text in response.headers.get_all(asks):
        try:
            value = authorise(
                parse_auth(text), credentials, request.method, request.uri, request.body, 1, token()
            )
        except SipParseError:
            continue
        return answers, value
    return None


def is_repeated_refusal(tries: int, response: Response) -> bool:
    """Whether the peer refused our answer, rather than asked for a fresh nonce."""
    if tries == 0:
        return False
    asks = _HEADERS[response.status][0]
    is_stale = any("stale=true" in text.lower() for text in response.headers.get_all(asks))
    return tries >= MAX_TRIES or not is_stale
