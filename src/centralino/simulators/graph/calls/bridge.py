# SPDX-License-Identifier: Apache-2.0
"""Between the calls and the tenant: presence, call records, the buttons of the page.

Who talks is in a call for the presence board; a conversation that is over becomes a call record;
a call that rings somebody shows on the tenant page and can be answered there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from centralino.simulators.graph.calls.settings import Application, CallsScenario, Instance, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from centralino.simulators.graph.calls.people import Somebody
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.simulators.graph.records import CallEnded
    from centralino.simulators.graph.scenario import Person as TenantPerson
    from centralino.simulators.graph.scenario import Tenant
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.graph.world import World

Json = dict[str, Any]
FIRST_TONE_HZ = 520
TONE_STEP_HZ = 40
TONES = 60


class TenantBridge:
    """Brings what happens in calls to the tenant, and hands back to the people."""

    def __init__(self, calls: CallWorld, graph: World, now: Callable[[], int]) -> None:
        self._calls = calls
        self._graph = graph
        self._now = now

    @property
    def _tenant(self) -> SimulatedTenant | None:
        return self._graph.tenants.get(self._calls.settings.tenant_id.lower())

    def attach(self) -> None:
        """Begin."""
        self._calls.on_talk = self._talks
        self._calls.on_ended = self._ended
        tenant = self._tenant
        if tenant is not None:
            tenant.phones.sources.append(self)

    def detach(self) -> None:
        """End."""
        tenant = self._tenant
        if tenant is not None and self in tenant.phones.sources:
            tenant.phones.sources.remove(self)

    def _talks(self, person_id: str, room_id: str, parties: int) -> None:
        tenant = self._tenant
        if tenant is not None:
            tenant.in_call(person_id, room_id, parties, self._calls.now)
            self._graph.changed()

    def _ended(self, ended: CallEnded) -> None:
        tenant = self._tenant
        if tenant is not None:
            tenant.records.add(ended, self._calls.now)
            self._graph.changed()

    # ---- the page

    def phone_calls(self, user_id: str) -> list[Json]:
        """Return what rings somebody, and the calls that he is in."""
        somebody = self._calls.people.get(user_id.lower())
        return [] if somebody is None else [*_ringing(somebody), *_talking(somebody)]

    def press(self, user_id: str, call_id: str, key: str) -> bool:
        """Let somebody ``answer``, ``decline`` or ``hang-up``; False for a call not of here."""
        shown = {str(one["id"]) for one in self.phone_calls(user_id)}
        if call_id not in shown:
            return False
        somebody = self._calls.somebody(user_id, self._now())
        rings = next((one for one in somebody.ringing if one.id == call_id), None)
        seat = next((one for one in somebody.seats if one.line.id == call_id), None)
        if rings is not None and key == "answer":
            rings.answer()
        elif rings is not None:
            rings.fail("declined")
        elif seat is not None and key == "hang-up":
            somebody.leave(seat)
        else:
            return False
        self._graph.changed()
        return True


def _ringing(somebody: Somebody) -> Iterable[Json]:
    for attempt in somebody.ringing:
        yield {
            "id": attempt.id,
            "state": "ringing",
            "incoming": True,
            "with": attempt.caller_name,
            "since": attempt.began_at,
        }


def _talking(somebody: Somebody) -> Iterable[Json]:
    for seat in somebody.seats:
        if seat.member is None:
            continue
        others = [one for one in seat.member.room.members if one is not seat.member]
        yield {
            "id": seat.line.id,
            "state": "held" if seat.holds else "connected",
            "incoming": not seat.is_caller,
            "with": ", ".join(one.name for one in others),
            "since": seat.line.began_at,
        }


def with_tenant(calls: CallsScenario, tenant: Tenant) -> CallsScenario:
    """Complete the calls' scenario by what the tenant has anyway: its people, its accounts.

    Who is described in the calls stays as he is there; the others get a voice and their phone's
    habits. Resource accounts become instances of their applications.
    """
    known = {one.id.lower() for one in calls.people}
    people = [
        _person(index, one)
        for index, one in enumerate(tenant.people)
        if one.id.lower() not in known
    ]
    applications = {one.id.lower(): one for one in calls.applications}
    for account in tenant.resource_accounts:
        key = account.app_id.lower()
        application = applications.get(key) or Application(id=account.app_id, name=account.name)
        if all(one.id != account.id for one in application.instances):
            added = Instance(id=account.id, name=account.name, number=account.number)
            instances = (*application.instances, added)
            application = msgspec.structs.replace(application, instances=instances)
        applications[key] = application
    return msgspec.structs.replace(
        calls, people=(*calls.people, *people), applications=tuple(applications.values())
    )


def _person(index: int, one: TenantPerson) -> Person:
    """Give a person of the tenant a voice and his phone's habits."""
    return Person(
        id=one.id,
        name=one.name,
        kind="guest" if one.is_guest else "user",
        number=one.number,
        tone_hz=FIRST_TONE_HZ + TONE_STEP_HZ * (index % TONES),
        behaviour=one.phone.does,
        answer_after_ms=one.phone.after_ms,
        talk_for_ms=one.phone.talk_for_ms,
        language=one.language,
    )
