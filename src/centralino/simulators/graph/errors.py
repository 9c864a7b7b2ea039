# SPDX-License-Identifier: Apache-2.0
"""What Graph refuses, with the status, code and message it answers.

The envelope is OData's (Microsoft Graph error responses and resource types); codes are the ones
that Graph is seen to use, for messages there is no promise.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from centralino.simulators.http.messages import Refusal, Response, json_response

if TYPE_CHECKING:
    from centralino.simulators.http.messages import Correlation

MEDIA_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8"
)


class GraphError(Refusal):
    """An answer of 4xx or 5xx."""


def rendered(refusal: Refusal, correlation: Correlation, utc: float) -> Response:
    """Return the answer that carries an error; ``utc`` is in seconds since the Unix epoch."""
    names = {
        "date": datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": correlation.request_id,
        "client-request-id": correlation.client_request_id or correlation.request_id,
    }
    error = {"code": refusal.code, "message": refusal.message, "innerError": names}
    headers = {"content-type": MEDIA_TYPE, **refusal.headers}
    return json_response({"error": error | refusal.details}, refusal.status, headers)


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """Return a 400: what was sent is wrong."""
    return GraphError(400, code, message)


def unauthorized(message: str) -> GraphError:
    """Return a 401: the token is missing or no good."""
    return GraphError(401, "InvalidAuthenticationToken", message)


def forbidden(message: str, code: str = "Forbidden") -> GraphError:
    """Return a 403: who asks may not, or a quota is used up."""
    return GraphError(403, code, message)


def not_found(message: str, code: str = "NotFound") -> GraphError:
    """Return a 404."""
    return GraphError(404, code, message)


def no_such_user(user_id: str) -> GraphError:
    """Return the directory's 404."""
    message = (
        f"Resource '{user_id}' does not exist or one of its queried reference-property objects "
        "are not present."
    )
    return GraphError(404, "Request_ResourceNotFound", message)


def conflict(message: str, code: str = "Conflict") -> GraphError:
    """Return a 409: it is there already, or its state does not allow it."""
    return GraphError(409, code, message)
