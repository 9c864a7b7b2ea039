# SPDX-License-Identifier: Apache-2.0
"""``$batch``: up to twenty requests in one, some after others.

Each is routed as if it had come alone and counts for the limits by itself. One whose dependency
failed answers 424. Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from centralino.simulators.graph.errors import GraphError, bad_request
from centralino.simulators.graph.requests import VERSION, answer
from centralino.simulators.http.messages import Refusal
from centralino.simulators.http.routing import Match

if TYPE_CHECKING:
    from centralino.simulators.http.messages import Correlation, Request, Response
    from centralino.simulators.http.service import HttpService

Json = dict[str, Any]

MOST_REQUESTS = 20
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


class Batch:
    """Runs batches on one service."""

    def __init__(
        self, service: HttpService, render: Callable[[Refusal, Correlation], Response]
    ) -> None:
        self._service = service
        self._render = render

    async def handle(self, request: Request) -> Response:
        """Run a batch.

        Raises:
            GraphError: 400, it is malformed, too long, or its dependencies go in a circle.
        """
        parts = _read(request.json_object())
        if not request.bearer:
            # What a single request without a token gets.
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        done: dict[str, Json] = {}
        for part in _ordered(parts):
            failed = [key for key in part["dependsOn"] if done[key]["status"] >= 400]
            if failed:
                refusal = GraphError(424, "FailedDependency", f"Request {failed[0]} has failed.")
                response = self._render(refusal, request.correlation)
            else:
                response = await self._one(request, part)
            done[part["id"]] = _shown(part["id"], response)
        return answer({"responses": [done[part["id"]] for part in parts]})

    async def _one(self, outer: Request, part: Json) -> Response:
        try:
            return await self._routed(outer, part)
        except Refusal as refusal:
            return self._render(refusal, outer.correlation)

    async def _routed(self, outer: Request, part: Json) -> Response:
        split = urlsplit(part["url"])
        raw_path = f"{VERSION}/{split.path.lstrip('/')}"
        match = self._service.router.find(part["method"], raw_path)
        if not isinstance(match, Match) or raw_path.lower().endswith("/$batch"):
            raise GraphError(404, "NotFound", "The resource could not be found.")
        inner = replace(
            outer,
            method=part["method"],
            path=unquote(raw_path),
            route=match.route.pattern,
            params=match.params,
            query=tuple(parse_qsl(split.query, keep_blank_values=True)),
            headers={"authorization": outer.headers.get("authorization", ""), **part["headers"]},
            body=b"" if part["body"] is None else json.dumps(part["body"]).encode(),
        )
        return await match.route.handler(inner)


def _read(body: Mapping[str, object]) -> list[Json]:
    rows = body.get("requests")
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_REQUESTS:
        raise bad_request(f"'requests' must hold 1 to {MOST_REQUESTS} requests.")
    parts = [_part(row) for row in rows]
    if len({part["id"] for part in parts}) < len(parts):
        raise bad_request("Every request of a batch needs an id of its own.")
    return parts


def _part(row: object) -> Json:
    if not isinstance(row, dict):
        raise bad_request("A request of a batch must be an object.")
    method, url, key = str(row.get("method", "")).upper(), row.get("url"), row.get("id")
    if method not in METHODS or not isinstance(url, str) or not isinstance(key, str) or not key:
        raise bad_request("A request of a batch needs id, method and a relative url.")
    depends = row.get("dependsOn") or row.get("depends_on") or []
    headers = row.get("headers") or {}
    if not isinstance(depends, list) or not isinstance(headers, dict):
        raise bad_request("dependsOn must be a list, headers an object.")
    return {
        "id": key,
        "method": method,
        "url": url,
        "headers": {str(name).lower(): str(value) for name, value in headers.items()},
        "body": row.get("body"),
        "dependsOn": [str(one) for one in depends],
    }


def _ordered(parts: list[Json]) -> list[Json]:
    """Return the parts so that each comes after those it depends on."""
    known = {part["id"] for part in parts}
    found: list[Json] = []
    waiting, placed = list(parts), set[str]()
    while waiting:
        ready = [part for part in waiting if placed.issuperset(part["dependsOn"])]
        if not ready or any(key not in known for part in waiting for key in part["dependsOn"]):
            raise bad_request("dependsOn names an unknown request, or goes in a circle.")
        found += ready
        placed.update(part["id"] for part in ready)
        waiting = [part for part in waiting if part["id"] not in placed]
    return found


def _shown(key: str, response: Response) -> Json:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    body: object = None
    if response.body:
        is_json = "json" in headers.get("content-type", "")
        body = json.loads(response.body) if is_json else base64.b64encode(response.body).decode()
    return {"id": key, "status": response.status, "headers": headers, "body": body}
