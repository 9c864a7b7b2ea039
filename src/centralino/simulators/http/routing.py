# SPDX-License-Identifier: Apache-2.0
"""Which handler a method and a path mean.

A pattern is a path whose segments may hold names in braces: ``/users/{id}/presence/
microsoft.graph.setPresence``. A name stands for part of one segment, so OData functions work
too: ``/callRecords/getPstnCalls(fromDateTime={from},toDateTime={to})``. ``{rest*}`` at the end
stands for all that is left. Segments are split before they are decoded, so that an encoded
slash stays inside its segment. Patterns with more literal text win over those with less.
Source of the path forms: OData 4.01 Part 2, section 4 "Resource Path".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import unquote

from centralino.simulators.http.messages import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
_NAME = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True)
class Route:
    """One pattern under one method."""

    method: str
    pattern: str
    handler: Handler
    ignores_case: bool = False

    @property
    def name(self) -> str:
        """How faults and the log call it: ``GET /users/{id}``."""
        return f"{self.method} {self.pattern}"

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """What a raw path must match."""
        text, position = "", 0
        for found in _NAME.finditer(self.pattern):
            text += re.escape(self.pattern[position : found.start()])
            text += f"(?P<{found[1]}>{'.*' if found[2] else '[^/]+?'})"
            position = found.end()
        text += re.escape(self.pattern[position:])
        return re.compile(text + "/?", re.IGNORECASE if self.ignores_case else 0)

    @property
    def literal_count(self) -> int:
        """How much of the pattern is literal text."""
        return len(_NAME.sub("", self.pattern))


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what stood for its names."""

    route: Route
    params: Mapping[str, str]


class Router:
    """Finds routes. Paths are matched as they are on the wire, apart from case if told."""

    def __init__(self, *, ignores_case: bool = False) -> None:
        """Make an empty router; Graph ignores case in paths, Entra does too."""
        self._ignores_case = ignores_case
        self._routes: list[Route] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Add a route.

        Raises:
            ValueError: the same method and pattern are there already.
        """
        route = Route(method.upper(), pattern, handler, self._ignores_case)
        if any(other.name == route.name for other in self._routes):
            raise ValueError(f"{route.name} is there already")
        self._routes.append(route)
        self._routes.sort(key=lambda one: -one.literal_count)

    def get(self, pattern: str, handler: Handler) -> None:
        """Add a route for GET."""
        self.add("GET", pattern, handler)

    def post(self, pattern: str, handler: Handler) -> None:
        """Add a route for POST."""
        self.add("POST", pattern, handler)

    def patch(self, pattern: str, handler: Handler) -> None:
        """Add a route for PATCH."""
        self.add("PATCH", pattern, handler)

    def put(self, pattern: str, handler: Handler) -> None:
        """Add a route for PUT."""
        self.add("PUT", pattern, handler)

    def delete(self, pattern: str, handler: Handler) -> None:
        """Add a route for DELETE."""
        self.add("DELETE", pattern, handler)

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes, most literal first."""
        return tuple(self._routes)

    def find(self, method: str, raw_path: str) -> Match | Literal["no-path", "no-method"]:
        """Return the route of a raw (still encoded) path, or what was missing."""
        is_known = False
        for route in self._routes:
            found = route.expression.fullmatch(raw_path)
            if found is None:
                continue
            if route.method == method or (method == "HEAD" and route.method == "GET"):
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(route, values)
            is_known = True
        return "no-method" if is_known else "no-path"

    def methods_of(self, raw_path: str) -> tuple[str, ...]:
        """Return the methods that a path has."""
        found = {one.method for one in self._routes if one.expression.fullmatch(raw_path)}
        return tuple(sorted(found))
