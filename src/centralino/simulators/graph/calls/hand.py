# SPDX-License-Identifier: Apache-2.0
"""The calls by hand, below ``/simulator/``: what people do, who is talking, what they hear.

The real service has none of it. No token is asked for: whoever reaches these sits on the same
machine, and requests of another origin are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.people import HandError
from centralino.simulators.graph.calls.sound import write_wav
from centralino.simulators.graph.errors import bad_request, conflict, not_found
from centralino.simulators.http.messages import Response, json_response

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.people import Somebody
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.simulators.graph.server import GraphSimulator
    from centralino.simulators.http.messages import Request

Json = dict[str, Any]
CALLS: Final = "/simulator/calls"
LINES: Final = "/simulator/lines"
MOST_LINES: Final = 1_000
_SIDES: Final = frozenset({"heard", "said"})


class Hand:
    """Answers ``/simulator/calls`` and ``/simulator/lines``."""

    def __init__(self, world: CallWorld, graph: GraphSimulator, wake: Callable[[], None]) -> None:
        """Take whose people; :meth:`add_routes` serves it."""
        self._world = world
        self._graph = graph
        self._wake = wake

    def add_routes(self) -> None:
        """Serve it."""
        router = self._graph.application.service.router
        router.get(CALLS, self.calls)
        router.get(f"{CALLS}/people", self.people)
        router.post(f"{CALLS}/people/{{person}}/{{action}}", self.act)
        router.get(LINES, self.lines)
        router.get(f"{LINES}/{{line}}/{{side}}.wav", self.sound)

    def _now(self, request: Request) -> int:
        self._graph.require_near(request)
        now = self._graph.application.now()
        self._world.advance(now)
        return now

    async def calls(self, request: Request) -> Response:
        """Answer the calls that are not over: ``{"value": [...]}``."""
        self._now(request)
        return json_response({"value": [_shown(one) for one in self._world.calls.values()]})

    async def people(self, request: Request) -> Response:
        """Answer who is there and what he does: ``{"value": [{id, name, kind, status}]}``."""
        self._now(request)
        value = [
            {"id": p.person.id, "name": p.person.name, "kind": p.person.kind, "status": p.status}
            for p in self._world.people.values()
        ]
        return json_response({"value": value})

    async def act(self, request: Request) -> Response:
        """Let somebody do something.

        ``ring`` wants ``{"target": application id, instance id or number}``, ``press`` wants
        ``{"keys": "12#"}``, ``say`` may have ``{"forMs": 1000}``.
        """
        now, body = self._now(request), request.json_object()
        name = request.params["action"]
        try:
            somebody = self._world.somebody(request.params["person"], now)
        except HandError as error:
            raise not_found(str(error)) from error
        try:
            done = self._do(somebody, name, body, now)
        except HandError as error:
            raise conflict(str(error)) from error
        self._wake()
        self._graph.world.changed()
        return json_response(done)

    def _do(self, somebody: Somebody, name: str, body: Json, now: int) -> Json:
        if name == "ring":
            arrival = Arrival(somebody.person.id, str(body.get("target", "")))
            return {"id": self._world.ring(arrival, now).id}
        if name == "press":
            somebody.press(str(body.get("keys", "")))
            return {}
        if name == "say":
            length = body.get("forMs", 0)
            if not isinstance(length, int) or not 0 <= length <= 600_000:
                raise bad_request("'forMs' must be a number of milliseconds.")
            somebody.say(length)
            return {}
        action = _simple(somebody).get(name)
        if action is None:
            known = ", ".join(sorted({"ring", "press", "say", *_simple(somebody)}))
            raise not_found(f"There is no such button; there are: {known}.")
        action()
        return {}

    # ---- what is heard

    async def lines(self, request: Request) -> Response:
        """Answer the lines that can be listened to, of ``?owner=`` alone where given."""
        self._now(request)
        owner = request.query_value("owner")
        found = self._world.lines.of(owner) if owner else self._world.lines.all()
        value = [
            {"id": one.id, "owner": one.owner, "isOver": one.ended_at is not None}
            for one in found[-MOST_LINES:]
        ]
        return json_response({"value": value})

    async def sound(self, request: Request) -> Response:
        """Answer what a line has ``heard`` or ``said``, its last ten minutes, as WAV."""
        now, side = self._now(request), request.params["side"]
        line = request.params["line"]
        samples = self._world.lines.listen(line, side, now) if side in _SIDES else None
        if samples is None:
            raise not_found("There is no such line.")
        return Response(200, write_wav(samples), {"content-type": "audio/wav"})


def _simple(somebody: Somebody) -> dict[str, Callable[[], None]]:
    return {
        "answer": somebody.answer,
        "decline": somebody.decline,
        "hang-up": somebody.hang_up,
        "hold": somebody.hold,
        "resume": lambda: somebody.hold(on=False),
        "mute": somebody.mute,
        "unmute": lambda: somebody.mute(on=False),
        "hush": somebody.fall_silent,
    }


def _shown(call: ServiceCall) -> Json:
    others = [one for one in call.room.members if one.call is not call]
    return {
        "id": call.id,
        "application": call.application.id,
        "direction": call.direction.value,
        "state": call.state.value,
        "kind": call.room.kind,
        "with": [one.name for one in others],
        "operations": sum(not one.is_over for one in call.operations.values()),
    }
