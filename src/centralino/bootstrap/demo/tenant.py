# SPDX-License-Identifier: Apache-2.0
"""Aurora's Microsoft 365: what its people do all day in Teams.

The same people as on the telephone, now in a directory, with presence, calendars, shifts and
groups. How they sign in is in ``identity``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.bootstrap.demo import company
from centralino.simulators.graph import scenario as graph
from centralino.simulators.graph.calls import settings as calls

if TYPE_CHECKING:
    from centralino.bootstrap.authority import CertificateFiles

TENANT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "a0205a00-0000-4000-8000-00000000c001"
"""Of Centralino's application registration at Aurora."""
ROBOT_ID = "a0205a00-0000-4000-8000-00000000b001"
HOST = "localhost"
GRAPH_PORT = 8444
AGENTS_GROUP = "a0205a00-0000-4000-8000-00000000a001"
EXPERTS_GROUP = "a0205a00-0000-4000-8000-00000000a002"
TEAM = "a0205a00-0000-4000-8000-00000000a003"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
LANGUAGES = {"it": "it-IT", "en": "en-US"}
SUPERVISOR, ADMIN = "laura", "rita"


def graph_scenario(files: CertificateFiles, port: int = GRAPH_PORT) -> graph.GraphScenario:
    """Return Aurora's people in Teams: they come, talk, meet, go to lunch."""
    ids = {person.id: person.oid for person in company.PEOPLE}
    tenant = graph.Tenant(
        id=TENANT_ID,
        name="Aurora Outdoor",
        domain=company.DOMAIN,
        people=tuple(_in_teams(person, n) for n, person in enumerate(company.PEOPLE)),
        groups=_groups(ids),
        shifts=tuple(_shift(person, n) for n, person in enumerate(company.AGENTS)),
        resource_accounts=(
            graph.ResourceAccount(
                id=ROBOT_ID,
                upn=f"centralino@{company.DOMAIN}",
                name="Centralino",
                app_id=CLIENT_ID,
                number="+390212345690",
            ),
        ),
        free_numbers=("+390212345691", "+390212345692"),
        installed_apps=(CLIENT_ID,),
        meeting_apps=(CLIENT_ID,),
        settings={"routing.trunks": [f"sbc.{company.DOMAIN}"]},
    )
    return graph.GraphScenario(
        host=HOST,
        port=port,
        certificate=str(files.certificate),
        private_key=str(files.private_key),
        authorities=str(files.root),
        tenants=(tenant,),
        subscriptions=graph.SubscriptionSettings(allows_http_loopback=True),
        records=graph.RecordSettings(first_after_ms=30_000, second_after_ms=60_000),
    )


def calls_scenario() -> calls.CallsScenario:
    """Return what is in Aurora's calls beside its people: two telephones of customers."""
    phones = (("+393331000001", 1_150), ("+393331000002", 1_250))
    return calls.CallsScenario(
        tenant_id=TENANT_ID,
        people=tuple(calls.Person(id=number, kind="phone", tone_hz=hz) for number, hz in phones),
    )


def _groups(ids: dict[str, str]) -> tuple[graph.Group, ...]:
    agents = tuple(ids[person.id] for person in company.AGENTS)
    experts = tuple(ids[person.id] for person in company.EXPERTS)
    channel = graph.Channel(id="19:aurora-general@thread.tacv2", name="General")
    return (
        graph.Group(id=AGENTS_GROUP, name="Contact center agents", members=agents),
        graph.Group(id=EXPERTS_GROUP, name="Experts", members=experts),
        graph.Group(
            id=TEAM,
            name="Contact center",
            members=(*agents, *experts),
            owners=(ids[SUPERVISOR],),
            is_team=True,
            channels=(channel,),
        ),
    )


def _in_teams(person: company.Person, number: int) -> graph.Person:
    is_agent = person in company.AGENTS
    return graph.Person(
        id=person.oid,
        upn=person.upn,
        name=person.name,
        job_title="Agent" if is_agent else "Expert",
        department="Contact center" if is_agent else "Mountain shop",
        number=person.number,
        language=LANGUAGES["it"],
        time_zone="Europe/Rome",
        has_photo=number % 3 == 0,
        client="active" if number % 6 else "away",
        phone=graph.Phone(does="by-hand"),
        appointments=(
            graph.Appointment(
                at_ms=(number + 1) * 7 * MINUTE_MS,
                for_ms=15 * MINUTE_MS,
                subject="Briefing",
                every_ms=3 * HOUR_MS,
                times=3,
            ),
        ),
        script=_day(number),
    )


def _day(number: int) -> tuple[graph.Step, ...]:
    """Return what somebody does, again and again: steps away and comes back, calls a colleague."""
    start, colleague = (number + 1) * 11_000, company.PEOPLE[(number + 5) % len(company.PEOPLE)]
    steps = [
        graph.Step(at_ms=start, do="idle", every_ms=4 * MINUTE_MS),
        graph.Step(at_ms=start + 35_000, do="active", every_ms=4 * MINUTE_MS),
    ]
    if number % 4 == 1:
        steps += [
            graph.Step(at_ms=start + 60_000, do="call", who=colleague.oid, every_ms=5 * MINUTE_MS),
            graph.Step(at_ms=start + 95_000, do="hang-up", every_ms=5 * MINUTE_MS),
        ]
    return tuple(steps)


def _shift(person: company.Person, number: int) -> graph.ShiftPlan:
    is_early = number % 2 == 0
    return graph.ShiftPlan(
        team=TEAM,
        who=person.oid,
        at_ms=0 if is_early else 4 * HOUR_MS,
        for_ms=8 * HOUR_MS,
        label="Early" if is_early else "Late",
    )
