# SPDX-License-Identifier: Apache-2.0
"""A request of Graph as its handlers see it, and how a path is declared.

A route says its path below ``/v1.0``, the permissions of which any one suffices, and the group
of limits that it counts for. Whoever simulates a part of Graph hands in a list of routes. A path
that begins with ``/users/{user}`` is also reached as ``/me``, for callers on behalf of a user.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.errors import MEDIA_TYPE, bad_request
from centralino.simulators.graph.odata import Options, Place, read_options
from centralino.simulators.http.messages import Response, json_response

if TYPE_CHECKING:
    from centralino.simulators.graph.callers import Caller, Permission
    from centralino.simulators.graph.scenario import Person
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Request

Json = dict[str, Any]

VERSION = "/v1.0"
MOST_STRING = 64 * 1024


@dataclass(frozen=True)
class GraphRequest:
    """One request, with who asks and where."""

    http: Request
    caller: Caller
    world: World
    tenant: SimulatedTenant
    now: int
    """When it arrived."""

    @property
    def params(self) -> Mapping[str, str]:
        """What stood for the names in the path."""
        return self.http.params

    @cached_property
    def place(self) -> Place:
        """Where it arrived: for links and contexts."""
        path = self.http.path.removeprefix(VERSION)
        return Place(self.http.base_url + VERSION, path, self.http.query)

    @cached_property
    def options(self) -> Options:
        """The query options.

        Raises:
            GraphError: 400, one is wrong.
        """
        return read_options(self.http.query)

    @cached_property
    def body(self) -> Json:
        """The body, an object; its members begin with a small letter.

        Parameters of some actions are spelled with a capital in the metadata (``Schedules``), which
        is what Microsoft's SDK sends; the prose has small letters.

        Raises:
            Refusal: 400, it is none.
        """
        return {name[:1].lower() + name[1:]: v for name, v in self.http.json_object().items()}

    def user(self) -> Person:
        """Return the user of the path: ``{user}``, or who asks when it was ``/me``.

        Raises:
            GraphError: 400, ``/me`` without a user; 404, there is no such user.
        """
        key = self.params.get("user")
        if key is None:
            if not self.caller.is_delegated:
                raise bad_request("/me request is only valid with delegated authentication flow.")
            key = self.caller.user_id
        return self.tenant.directory.find(key)

    def text(self, name: str) -> str:
        """Return a string of the body.

        Raises:
            GraphError: 400, it is missing, empty or no string.
        """
        found = self.body.get(name)
        if not isinstance(found, str) or not found or len(found) > MOST_STRING:
            raise bad_request(f"'{name}' must be a non-empty string.", "InvalidRequest")
        return found


Handler = Callable[[GraphRequest], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class GraphRoute:
    """A path of Graph."""

    method: str
    path: str
    """Below the version: ``/users/{user}/presence``."""
    permission: Permission
    handler: Handler
    limits: str = "none"
    """A group of ``throttle.LIMITS``."""
    thing: str = ""
    """The name in the path whose value has a limit of its own."""
    is_action: bool = False
    """Also reached with its namespace: ``microsoft.graph.setPresence``."""

    def patterns(self) -> list[str]:
        """Return all patterns under which it is reached, with the version."""
        paths = [self.path]
        if self.path.startswith("/users/{user}"):
            paths.append(self.path.replace("/users/{user}", "/me", 1))
        if self.is_action:
            for path in list(paths):
                head, _, action = path.rpartition("/")
                paths.append(f"{head}/microsoft.graph.{action}")
        return [VERSION + path for path in paths]


def answer(document: object, status: int = 200, **headers: str) -> Response:
    """Return a JSON answer with Graph's media type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return json_response(document, status, {"content-type": MEDIA_TYPE, **named})


def nothing(status: int = 204, **headers: str) -> Response:
    """Return an answer without a body."""
    return Response(status, b"", {name.replace("_", "-"): value for name, value in headers.items()})
