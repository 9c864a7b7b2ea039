# SPDX-License-Identifier: Apache-2.0
"""Requests as handlers see them, answers as they make them.

A body is read whole before the handler runs, up to the service's limit. What cannot be read
raises :class:`Refusal`, which the simulator renders in its own shape. An answer may be a
stream of chunks (server-sent events); it ends when the client goes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

MOST_FIELDS = 200
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
EVENTS_TYPE = "text/event-stream; charset=utf-8"


class Refusal(Exception):
    """An error that the simulated service answers with; rendered by the simulator."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Take the HTTP status, the service's own code, and what else it says."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = dict(details or {})


@dataclass(frozen=True, slots=True)
class Correlation:
    """How both sides name one exchange."""

    request_id: str
    """Ours, a GUID: ``request-id``."""
    client_request_id: str
    """The client's ``client-request-id`` (or ``x-ms-client-request-id``); empty for none."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    path: str
    """Decoded, without the query."""
    route: str
    """The pattern that matched, for example ``/users/{id}``."""
    params: Mapping[str, str]
    """What stood for the names in the pattern, decoded."""
    query: tuple[tuple[str, str], ...]
    """In order, decoded; names may repeat."""
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last."""
    body: bytes
    base_url: str
    """Scheme and authority under which the client reached us; links are built on it."""
    correlation: Correlation

    def query_value(self, name: str, default: str = "") -> str:
        """Return the first query value of a name."""
        return next((value for key, value in self.query if key == name), default)

    @property
    def bearer(self) -> str:
        """The token of the ``Authorization`` header; empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def media_type(self) -> str:
        """The body's type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> object:
        """Return the body as JSON; an empty body is ``None``.

        Raises:
            Refusal: it is none (400).
        """
        if not self.body:
            return None
        try:
            return cast("object", json.loads(self.body))
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "BadRequest", "Unable to read JSON request payload.") from error

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object; an empty body is an empty object.

        Raises:
            Refusal: it is no object (400).
        """
        found = self.json()
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise Refusal(400, "BadRequest", "The request body must be a JSON object.")
        return cast("dict[str, object]", found)

    def form(self) -> dict[str, str]:
        """Return the fields of a form; of a repeated field the last.

        Raises:
            Refusal: it is no form, or has too many fields (400).
        """
        if self.media_type != "application/x-www-form-urlencoded":
            raise Refusal(400, "invalid_request", "The body must be a form.")
        try:
            text = self.body.decode("utf-8")
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
        except ValueError as error:
            raise Refusal(400, "invalid_request", "The form cannot be read.") from error


@dataclass(slots=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """Names as they are sent; ``content-length`` is added."""
    stream: AsyncIterator[bytes] | None = None
    """Chunks that follow ``body``; the length is then not told."""


def json_response(
    document: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"content-type": JSON_TYPE, **(headers or {})})


def text_response(text: str, status: int = 200, media_type: str = TEXT_TYPE) -> Response:
    """Return an answer of text."""
    return Response(status, text.encode(), {"content-type": media_type})


def page_response(document: str, status: int = 200, *, policy: str) -> Response:
    """Return a page; ``policy`` is its Content-Security-Policy."""
    headers = {
        "content-type": HTML_TYPE,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return Response(status, document.encode(), headers)


def redirect_response(url: str, status: int = 302) -> Response:
    """Return an answer that sends the client elsewhere."""
    return Response(status, b"", {"location": url, "cache-control": "no-store"})


def events_response(events: AsyncIterator[bytes]) -> Response:
    """Return server-sent events (WHATWG HTML, "Server-sent events")."""
    headers = {"content-type": EVENTS_TYPE, "cache-control": "no-store"}
    return Response(200, b"", headers, events)
