# SPDX-License-Identifier: Apache-2.0
"""The cookies of a browser that is signed in, and what keeps other sites from using them.

Cookies are ``HttpOnly`` and ``SameSite=Lax``; over TLS also ``Secure`` with the ``__Host-``
prefix, so that no neighbouring host can set them. ``Lax`` still sends them with a navigation,
so what changes something must also carry a header that another site cannot set, and the
stream must come from our own origin. Sources: RFC 6265bis 4.1.3, 5.6.7; OWASP "Cross-Site
Request Forgery Prevention Cheat Sheet" (custom request headers); RFC 6455 10.2.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType

from centralino.api.boundary import host_of
from centralino.core.kernel.errors import NotAllowed

SESSION, BEGUN, CONSENT = "centralino-session", "centralino-sign-in", "centralino-consent"
HOST_PREFIX = "__Host-"
OWN_HEADER = "x-centralino-request"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"", "same-origin", "none"})


class RequestUnsafe(NotAllowed):
    """This might be another site's doing."""

    code = "request-unsafe"


def cookie(name: str, value: str, life_s: int, *, is_secure: bool) -> Cookie:
    """Return a cookie to set; an empty value with no life removes it."""
    return Cookie(
        key=f"{HOST_PREFIX}{name}" if is_secure else name,
        value=value,
        max_age=life_s,
        path="/",
        httponly=True,
        secure=is_secure,
        samesite="lax",
    )


def read_cookie(connection: ASGIConnection[Any, Any, Any, Any], name: str) -> str:
    """Return a cookie's value, empty when there is none; the prefixed one wins."""
    found = connection.cookies
    return found.get(f"{HOST_PREFIX}{name}") or found.get(name) or ""


def session_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the session as the browser brought it, empty when there is none."""
    return read_cookie(connection, SESSION)


def require_own_site(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """See that a request with a cookie comes from our own page.

    Raises:
        RequestUnsafe: it changes something without our header, or another site sent it.
    """
    headers = connection.headers
    if connection.scope["type"] == ScopeType.WEBSOCKET:
        origin = headers.get("origin", "")
        if (urlsplit(origin).hostname or "") != host_of(connection.scope) or not _same_port(
            origin, headers.get("host", "")
        ):
            raise RequestUnsafe("the stream was opened by a page of another site")
        return
    if connection.scope.get("method") in _SAFE_METHODS:
        return
    if not headers.get(OWN_HEADER) or headers.get("sec-fetch-site", "") not in _OWN_SITE:
        raise RequestUnsafe


def _same_port(origin: str, host: str) -> bool:
    return urlsplit(origin).netloc.lower() == host.lower()
