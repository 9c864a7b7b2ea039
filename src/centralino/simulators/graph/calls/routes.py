# SPDX-License-Identifier: Apache-2.0
"""The simulated calls as paths of Graph, and their recordings.

Each operation is reached under ``/communications`` and under the legacy alias ``/app``. Recordings
are fetched with the token of their own that the notification brought.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.callers import ANYBODY
from centralino.simulators.graph.calls.orders import Order, Reply
from centralino.simulators.graph.calls.recordings import PATH
from centralino.simulators.graph.calls.table import ROWS, Row
from centralino.simulators.graph.requests import VERSION, GraphRoute, answer
from centralino.simulators.http.messages import Refusal, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.http.service import HttpService

CHUNK: Final = 16_384


def routes(world: CallWorld) -> list[GraphRoute]:
    """Return every operation of the calls part, under both names of the collection."""
    found = []
    for row in ROWS:
        for path in (row.path, row.path.replace("/communications/", "/app/", 1)):
            handler = partial(_handle, world, row)
            route = GraphRoute(row.method, path, ANYBODY, handler, is_action=row.is_action)
            found.append(route)
    return found


def _handle(world: CallWorld, row: Row, request: GraphRequest) -> Response:
    base = request.http.base_url
    world.recordings.base_url = base
    call = None
    if "call" in request.params:
        world.require_application(request.caller)
        call = world.call_for(request.caller, request.params["call"], request.now)
    order = Order(request.caller, base + VERSION, request.body, request.params, call)
    return _response(world.carry_out(row.handler, order, request.now))


def _response(reply: Reply) -> Response:
    headers = {"location": reply.location} if reply.location else {}
    if reply.body is None:
        return Response(reply.status, b"", headers)
    return answer(reply.body, reply.status, **headers)


def add_recordings(service: HttpService, world: CallWorld, now: Callable[[], int]) -> None:
    """Serve recordings."""

    async def recording(request: Request) -> Response:
        world.advance(now())
        kept = world.recordings.get(request.params["recording"])
        if kept is None:
            raise Refusal(404, "itemNotFound", "The recording is not there any more.")
        if request.bearer != kept.token:
            raise Refusal(401, "InvalidAuthenticationToken", "Not this recording's token.")
        headers = {"content-type": "application/octet-stream"}
        return Response(200, b"", headers, _chunks(kept.content))

    service.router.get(f"{PATH}/{{recording}}", recording)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), CHUNK):
        yield content[begin : begin + CHUNK]
