# SPDX-License-Identifier: Apache-2.0
"""Teams clients of one tenant's people: who rings whom, who talks, by script or by hand.

These are calls between people of the tenant. Calls that others simulate (a calling bot's) join
through :class:`PhoneSource`, so that the page and the scripts see one list per person. Pure:
everything takes ``now``.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from centralino.simulators.graph.errors import conflict, not_found
from centralino.simulators.graph.instants import NS_PER_MS, NS_PER_S, iso
from centralino.simulators.graph.records import CallEnded, Leg, Party

if TYPE_CHECKING:
    from centralino.simulators.graph.directory import Directory
    from centralino.simulators.graph.identifiers import Identifiers
    from centralino.simulators.graph.scenario import Person

Json = dict[str, Any]

RING_NS = 30 * NS_PER_S
MOST_CALLS = 2000


class PhoneSource(Protocol):
    """Calls of somebody else that ring at people of the tenant."""

    def phone_calls(self, user_id: str) -> list[Json]:
        """Return his calls.

        Members: ``id``, ``state`` (ringing, connected, held), ``incoming``, ``with``, ``since``.
        """
        ...

    def press(self, user_id: str, call_id: str, key: str) -> bool:
        """Let him ``answer``, ``decline`` or ``hang-up``; False when the call is not of here."""
        ...


@dataclass(slots=True)
class PhoneCall:
    """A call between two people."""

    id: str
    caller: Person
    callee: Person
    began_at: int
    answered_at: int | None = None


@dataclass(slots=True)
class Phones:
    """The calls of one tenant's people."""

    directory: Directory
    ids: Identifiers
    on_presence: Callable[[str, str, int, int], None]
    """Told (user, call, parties, now); parties 0 when he is out of the call."""
    on_ended: Callable[[CallEnded, int], None]
    sources: list[PhoneSource] = field(default_factory=list)
    missed: dict[str, int] = field(default_factory=dict)
    """User id to calls that he did not take."""
    _calls: dict[str, PhoneCall] = field(default_factory=dict)
    _due: list[tuple[int, int, str, str]] = field(default_factory=list)

    def ring(self, caller_id: str, callee_id: str, now: int) -> PhoneCall:
        """Let somebody call somebody.

        Raises:
            GraphError: 404, there is no such person; 409, he calls himself or is busy with it.
        """
        caller, callee = self.directory.find(caller_id), self.directory.find(callee_id)
        if caller is callee or len(self._calls) >= MOST_CALLS or self._is_ringing(caller.id):
            raise conflict("This call cannot be made now.")
        call = PhoneCall(self.ids.guid("phone call"), caller, callee, now)
        if callee.phone.does == "busy":
            self._end(call, now, "busy")
            return call
        self._calls[call.id] = call
        wait = callee.phone.after_ms * NS_PER_MS
        if callee.phone.does in {"answer", "decline"}:
            self._arm(now + wait, callee.phone.does, call)
        self._arm(now + RING_NS, "give-up", call)
        return call

    def _is_ringing(self, user_id: str) -> bool:
        return any(c.caller.id == user_id and c.answered_at is None for c in self._calls.values())

    def press(self, user_id: str, call_id: str, key: str, now: int) -> None:
        """Let somebody answer, decline or hang up one of his calls.

        Raises:
            GraphError: 404, it is none of his; 409, it is past that.
        """
        call = self._calls.get(call_id)
        if call is None or user_id not in {call.caller.id, call.callee.id}:
            if any(source.press(user_id, call_id, key) for source in self.sources):
                return
            raise not_found("There is no such call.")
        is_ringing_here = call.answered_at is None and call.callee.id == user_id
        if key in {"answer", "decline"} and not is_ringing_here:
            raise conflict("The call does not ring there.")
        self._do(key, call, now)

    def _do(self, key: str, call: PhoneCall, now: int) -> None:
        if key == "answer":
            call.answered_at = now
            for one in (call.caller, call.callee):
                self.on_presence(one.id, call.id, 2, now)
            if call.callee.phone.talk_for_ms:
                self._arm(now + call.callee.phone.talk_for_ms * NS_PER_MS, "hang-up", call)
        elif key in {"decline", "hang-up"}:
            self._end(call, now, "declined" if key == "decline" else "cancelled")

    def hang_up_all(self, user_id: str, now: int) -> None:
        """Let somebody leave all his calls."""
        for call in list(self._calls.values()):
            if user_id in {call.caller.id, call.callee.id}:
                self._end(call, now, "cancelled")

    def advance(self, now: int) -> None:
        """Let time pass: scripts answer, ringing ends."""
        while self._due and self._due[0][0] <= now:
            at, _, key, call_id = heapq.heappop(self._due)
            call = self._calls.get(call_id)
            if call is None or (call.answered_at is not None and key != "hang-up"):
                continue
            if key == "give-up":
                self._end(call, at, "no answer")
            else:
                self._do(key, call, at)

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` has something to do."""
        return self._due[0][0] if self._due else None

    def calls_of(self, user_id: str) -> list[Json]:
        """Return somebody's calls, those of other sources too."""
        own = [
            _shown(call, user_id)
            for call in self._calls.values()
            if user_id in {call.caller.id, call.callee.id}
        ]
        return own + [row for source in self.sources for row in source.phone_calls(user_id)]

    def _arm(self, at: int, key: str, call: PhoneCall) -> None:
        heapq.heappush(self._due, (at, self.ids.number("phone timer"), key, call.id))

    def _end(self, call: PhoneCall, now: int, why: str) -> None:
        self._calls.pop(call.id, None)
        if call.answered_at is None and why in {"declined", "no answer", "busy"}:
            self.missed[call.callee.id] = self.missed.get(call.callee.id, 0) + 1
        for one in (call.caller, call.callee):
            self.on_presence(one.id, call.id, 0, now)
        answered = call.answered_at is not None
        leg = Leg(
            _party(call.caller), _party(call.callee), call.began_at, now, "" if answered else why
        )
        self.on_ended(CallEnded(call.id, (leg,), _party(call.caller)), now)


def _party(person: Person) -> Party:
    return Party(user_id=person.id, name=person.name, upn=person.upn)


def _shown(call: PhoneCall, user_id: str) -> Json:
    other = call.callee if call.caller.id == user_id else call.caller
    return {
        "id": call.id,
        "state": "ringing" if call.answered_at is None else "connected",
        "incoming": call.callee.id == user_id,
        "with": other.name,
        "since": iso(call.answered_at or call.began_at),
    }
