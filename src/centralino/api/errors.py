# SPDX-License-Identifier: Apache-2.0
"""Errors as problem details: the one table from our errors to HTTP statuses.

Every answer that is not a success is ``application/problem+json`` with a stable ``code``,
a sentence for people, and where we know one a ``mend``: what to do about it. Sources: RFC
9457 (Problem Details for HTTP APIs), RFC 9110 15 (statuses).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.openapi import ResponseSpec

from centralino.core.kernel import errors
from centralino.core.kernel.errors import AppError
from centralino.exchange.tokens import TokenRefused

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

STATUSES: dict[type[AppError], int] = {
    AppError: 500,
    errors.InvalidInput: 422,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IllegalTransition: 409,
    errors.VersionConflict: 409,
    errors.CapacityExceeded: 409,
    errors.AlreadyExists: 409,
    errors.RemoteError: 502,
    errors.RemoteTimeout: 504,
    errors.RemoteThrottled: 503,
    errors.RemoteUnavailable: 503,
    errors.RemoteRejected: 502,
    errors.RemoteAuthFailed: 502,
    errors.ConfigError: 500,
    errors.StorageError: 503,
    errors.Bug: 500,
    TokenRefused: 401,
}
"""Each error's status; a class that is not listed has its parent's."""

_SAME_KEY = "Send it again with the same Idempotency-Key: it will not happen twice."
MENDS: dict[str, str] = {
    "token-refused": "Sign in at /v1/sign-in with a browser, or send 'Authorization: Bearer"
    " <token>' with a token of your organisation's sign-in for this application.",
    "sign-in-failed": "Begin again at /v1/sign-in; a sign-in is finished once, in the browser that"
    " began it, within ten minutes.",
    "consent-needed": "An administrator of your organisation opens the consent page; the how-to"
    " page on sign-in has its address.",
    "interaction-needed": "Sign in again in a window of its own, with the claims that came along.",
    "request-unsafe": "Send the header X-Centralino-Request: 1 with what changes something.",
    "not-allowed": "Ask a supervisor or administrator of your organisation.",
    "remote-unavailable": "The exchange process is away; the supervisor starts it again, which"
    f" takes a few seconds. {_SAME_KEY} If it stays away, read the exchange's log.",
    "remote-timeout": f"Whether it was done is not known. {_SAME_KEY}",
    "storage-error": "The journal cannot be written: make room on its disk, or mend it. Nothing"
    f" was done. {_SAME_KEY}",
    "idempotency-key-reused": "Take a new Idempotency-Key for each new command.",
    "host-unknown": "Use a name that api.hosts lists, or add this one there.",
    "bug": "This is our mistake. Please report it with the request's id and the log around it.",
}
"""What to do about an error, by its code."""

HTTP_CODES = {
    400: "malformed",
    401: "token-refused",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    421: "host-unknown",
    429: "too-many-requests",
    503: "unavailable",
    504: "timeout",
}


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    path: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that is not a success (RFC 9457)."""

    type: str
    """A URN that ends in ``code``."""
    title: str
    status: int
    code: str
    """Stable; decide by it."""
    detail: str = ""
    mend: str = ""
    """What to do about it."""
    errors: tuple[FieldProblem, ...] = ()
    """Fields that are wrong."""
    claims: str = ""
    """With ``interaction-needed``: the challenge to pass on when signing in again."""


def problem_of(
    status: int, code: str, detail: str, fields: tuple[FieldProblem, ...] = ()
) -> Problem:
    """Return the problem of a status and a code."""
    return Problem(
        type=f"urn:centralino:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        mend=MENDS.get(code, ""),
        errors=fields,
    )


def status_of(kind: type[AppError]) -> int:
    """Return the status of an error: its own row, or the nearest parent's."""
    return next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)


def problem_headers(status: int) -> dict[str, str]:
    """Return the headers that go with a problem."""
    if status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": "Bearer"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"retry-after": str(RETRY_AFTER_S)}
    return {}


def problem_of_error(error: AppError) -> Problem:
    """Return the problem of one of our errors."""
    path = error.details.get("path")
    fields = (FieldProblem(str(path), error.message),) if path else ()
    problem = problem_of(status_of(type(error)), error.code, error.message, fields)
    claims = error.details.get("claims")
    return msgspec.structs.replace(problem, claims=claims) if isinstance(claims, str) else problem


def answer(problem: Problem) -> Response[Problem]:
    """Return a problem as a response."""
    return Response(
        problem,
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=problem_headers(problem.status),
    )


def answer_app_error(request: Request[Any, Any, Any], error: AppError) -> Response[Problem]:
    """Answer one of our errors."""
    if status_of(type(error)) == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("api.bug", code=error.code, reason=error.message, exc_info=error)
    return answer(problem_of_error(error))


def answer_invalid(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[Problem]:
    """Answer a request whose fields are wrong."""
    found = error.extra if isinstance(error.extra, list) else []
    fields = tuple(
        FieldProblem(
            ".".join(_word(item[name]) for name in ("source", "key") if item.get(name)),
            str(item.get("message", "")),
        )
        for item in found
        if isinstance(item, dict)
    )
    detail = "the request breaks its schema"
    if not fields:
        detail = str(error.detail)
    return answer(problem_of(422, errors.InvalidInput.code, detail, fields))


def _word(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def answer_unreadable(
    request: Request[Any, Any, Any], error: SerializationException
) -> Response[Problem]:
    """Answer a body that is no JSON."""
    return answer(problem_of(400, HTTP_CODES[400], "the body is no JSON"))


def answer_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refuses by itself; it wraps what makes a body unreadable."""
    if isinstance(error.__cause__, SerializationException):
        return answer_unreadable(request, error.__cause__)
    status = error.status_code
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_surprise(request, error)
    code = HTTP_CODES.get(status, "malformed")
    return answer(problem_of(status, code, HTTPStatus(status).description))


def answer_surprise(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer an error that nobody expected; it is logged, and nothing of it is told."""
    log.error("api.surprise", kind=type(error).__name__, exc_info=error)
    return answer(problem_of(500, errors.Bug.code, "something went wrong in the server"))


def problem_specs(*statuses: int) -> dict[int, ResponseSpec]:
    """Return what the OpenAPI document says about answers that are problems."""
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=PROBLEM_TYPE,
        )
        for status in statuses
    }


HANDLERS: dict[type[Exception] | int, Callable[..., Response[Problem]]] = {
    AppError: answer_app_error,
    ValidationException: answer_invalid,
    SerializationException: answer_unreadable,
    HTTPException: answer_http_error,
    Exception: answer_surprise,
}
"""For the application; the most specific class wins."""
