# SPDX-License-Identifier: Apache-2.0
"""The simulated calls as paths of Graph, and the files that hang on them.

Each operation is reached under ``/communications`` and under the legacy alias ``/app``. Recordings
are fetched with the token of their own that the notification brought; the sound of a line is for
whoever looks at the simulation, needs no token, and is not of Microsoft.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.callers import ANYBODY
from centralino.simulators.graph.calls.orders import Order, Reply
from centralino.simulators.graph.calls.recordings import PATH
from centralino.simulators.graph.calls.sound import write_wav
from centralino.simulators.graph.calls.table import ROWS, Row
from centralino.simulators.graph.requests import VERSION, GraphRoute, answer
from centralino.simulators.http.messages import Refusal, Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.http.service import HttpService

LINES: Final = "/simulated/lines"
CHUNK: Final = 16_384
_SIDES: Final = frozenset({"heard", "said"})


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


def add_files(service: HttpService, world: CallWorld, now: Callable[[], int]) -> None:
    """Serve recordings, and the sound of lines."""

    async def recording(request: Request) -> Response:
        world.advance(now())
        kept = world.recordings.get(request.params["recording"])
        if kept is None:
            raise Refusal(404, "itemNotFound", "The recording is not there any more.")
        if request.bearer != kept.token:
            raise Refusal(401, "InvalidAuthenticationToken", "Not this recording's token.")
        headers = {"content-type": "application/octet-stream"}
        return Response(200, b"", headers, _chunks(kept.content))

    async def lines(request: Request) -> Response:
        owner = request.query_value("owner")
        found = world.lines_of(owner) if owner else list(world.lines.values())
        shown = [
            {"id": one.id, "owner": one.owner, "isOver": one.ended_at is not None}
            for one in found[-1000:]
        ]
        return json_response({"value": shown})

    async def sound(request: Request) -> Response:
        side = request.params["side"]
        samples = world.listen(request.params["line"], side, now()) if side in _SIDES else None
        if samples is None:
            raise Refusal(404, "itemNotFound", "There is no such line.")
        return Response(200, write_wav(samples), {"content-type": "audio/wav"})

    service.router.get(f"{PATH}/{{recording}}", recording)
    service.router.get(LINES, lines)
    service.router.get(f"{LINES}/{{line}}/{{side}}.wav", sound)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), CHUNK):
        yield content[begin : begin + CHUNK]
