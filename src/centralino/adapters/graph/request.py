# SPDX-License-Identifier: Apache-2.0
"""One request to Graph, and what its answer means in our errors.

Whether a request may be repeated is said with it: reading and replacing may, creating may
not, because nobody knows whether the first one took effect. A 429 may always be repeated:
it was not carried out. Source: Microsoft, "Microsoft Graph error responses".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from centralino.core.kernel.errors import (
    AppError,
    Conflict,
    InvalidInput,
    NotFound,
    RemoteAuthFailed,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.adapters.graph.settings import Area
    from centralino.exchange.microsoft import DirectoryId

SERVICE = "graph"
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """What is asked."""

    operation: str
    """Our name for it, fit for logs and errors: ``read presences``."""
    method: str
    path: str
    """Below the base address, with a slash first; or an address that Graph itself gave for the
    next page."""
    directory: DirectoryId
    permission: str
    """What the application must have been granted, for the error when it was not."""
    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    area: Area = "other"
    account: str = ""
    """The delegated account to ask as; empty: the application."""
    reads_only: bool = False
    """A POST that changes nothing, such as reading many presences."""
    correlation: str = ""
    """The interaction it is for; goes out as ``client-request-id``."""

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when nobody knows what became of it."""
        return self.reads_only or self.method in _REPEATABLE


class _Inner(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct):
    error: _Inner = msgspec.field(default_factory=_Inner)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success."""

    status: int
    code: str
    """Graph's own word."""
    retry_after: str | None = None


def refusal_of(status: int, body: bytes, retry_after: str | None) -> Refusal:
    """Return what an answer refuses; nonsense in the body is no second error."""
    try:
        code = msgspec.json.decode(body, type=_Envelope).error.code
    except msgspec.DecodeError:
        code = ""
    return Refusal(status, code[:80], retry_after)


def error_of(request: GraphRequest, refusal: Refusal, wait_s: float) -> AppError:
    """Return the error that a refusal means to our side; the answer's text is not repeated."""
    status, operation = refusal.status, request.operation
    word = f"{status} {refusal.code}".strip()
    if status == 401:
        return RemoteAuthFailed(SERVICE, operation, f"{operation}: Graph does not take our token")
    if status == 403:
        text = (
            f"{operation}: Graph refuses ({word}). Grant the application {request.permission} and "
            "give admin consent; `centralino doctor` checks it"
        )
        return RemoteRejected(SERVICE, operation, text)
    if status == 404:
        return NotFound(f"{operation}: Graph knows no such thing ({word})")
    if status in {409, 412}:
        return Conflict(f"{operation}: Graph says {word}")
    if status == 429:
        return RemoteThrottled(SERVICE, operation, retry_after_s=wait_s)
    if status >= 500:
        return RemoteUnavailable(SERVICE, operation, f"{operation}: {word}", retry_after_s=wait_s)
    if status == 400:
        return InvalidInput(f"{operation}: Graph takes it for wrong ({word})")
    return RemoteRejected(SERVICE, operation, f"{operation}: {word}")
