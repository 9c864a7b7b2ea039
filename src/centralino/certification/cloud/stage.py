# SPDX-License-Identifier: Apache-2.0
"""The stage of cloud cases: two organisations, their people, our registration, one queue.

Everybody is fictional. The ids are fixed, so that reports of two runs compare.
"""

from __future__ import annotations

from centralino.core.flows.document import Catalogue, Flow, PublishedFlow
from centralino.core.flows.nodes import AnyNode, HangUpNode, MusicStep, QueueNode
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.simulators.entra import description as entra
from centralino.simulators.graph import scenario as graph

DIRECTORY = "0f7e2d9c-0000-4000-8000-000000000001"
OTHER_DIRECTORY = "0f7e2d9c-0000-4000-8000-000000000002"
CLIENT = "0f7e2d9c-0000-4000-8000-0000000000a1"
PROGRAM = "0f7e2d9c-0000-4000-8000-0000000000a2"
SECRET = "a secret of one certification run"  # noqa: S105 - of the simulated Entra
REFRESH_TOKEN = "certification-refresh-token"  # noqa: S105 - of the simulated Entra
PEOPLE = {
    "agent": "0f7e2d9c-0000-4000-8000-000000000011",
    "supervisor": "0f7e2d9c-0000-4000-8000-000000000012",
    "employee": "0f7e2d9c-0000-4000-8000-000000000013",
    "outsider": "0f7e2d9c-0000-4000-8000-000000000021",
}
DIRECTORY_OF = {person: OTHER_DIRECTORY if person == "outsider" else DIRECTORY for person in PEOPLE}
TENANT = TenantId("certification")
AGENT = AgentId("agent")
AUDIENCE = f"api://localhost/{CLIENT}"
_ROLES = {"agent": ("Agent",), "supervisor": ("Supervisor",), "outsider": ("Supervisor",)}


def upn(person: str) -> str:
    """Return somebody's user principal name."""
    return f"{person}@{'elsewhere' if person == 'outsider' else 'north'}.example"


def entra_scenario(certificate: str, private_key: str, port: int = 0) -> entra.EntraScenario:
    """Return the sign-in service: both organisations, our registration, a program."""
    ours = entra.Application(
        client_id=CLIENT,
        name="Centralino",
        home_tenant=DIRECTORY,
        secrets=(entra.Secret(value=SECRET),),
        redirect_uris=("http://127.0.0.1:8080/v1/sign-in/callback",),
        identifier_uris=(AUDIENCE, f"api://{CLIENT}"),
        scopes=("access_as_user",),
        roles=tuple(
            entra.AppRole(value=role, allowed=("User", "Application"))
            for role in ("Agent", "Supervisor", "TenantAdmin")
        ),
        pre_authorized=entra.TEAMS_CLIENTS,
        wants=(
            entra.Permission(
                scopes=("Presence.Read.All",),
                roles=("Presence.ReadWrite.All", "User.Read.All", "GroupMember.Read.All"),
            ),
        ),
    )
    program = entra.Application(
        client_id=PROGRAM,
        name="A program",
        home_tenant=DIRECTORY,
        secrets=(entra.Secret(value=SECRET),),
        wants=(entra.Permission(resource=CLIENT, roles=("Supervisor",)),),
    )
    return entra.EntraScenario(
        port=port,
        certificate=certificate,
        private_key=private_key,
        tenants=(_entra_tenant(DIRECTORY, "north"), _entra_tenant(OTHER_DIRECTORY, "elsewhere")),
        applications=(ours, program),
    )


def _entra_tenant(directory: str, name: str) -> entra.Tenant:
    people = tuple(
        entra.Person(
            oid=oid,
            upn=upn(person),
            name=person.title(),
            roles={CLIENT: _ROLES[person]} if person in _ROLES else {},
        )
        for person, oid in PEOPLE.items()
        if DIRECTORY_OF[person] == directory
    )
    consents = (CLIENT, PROGRAM)
    return entra.Tenant(
        id=directory, domain=f"{name}.example", name=name, people=people, consents=consents
    )


def graph_scenario() -> graph.GraphScenario:
    """Return the organisation as Graph knows it; changes show at once."""
    people = tuple(
        graph.Person(id=oid, upn=upn(person), name=person.title(), client="active")
        for person, oid in PEOPLE.items()
        if DIRECTORY_OF[person] == DIRECTORY
    )
    north = graph.Tenant(id=DIRECTORY, name="North", domain="north.example", people=people)
    return graph.GraphScenario(
        tenants=(north,),
        port=0,
        presence=graph.PresenceSettings(lag_mean_ms=0),
        subscriptions=graph.SubscriptionSettings(allows_http_loopback=True),
    )


def tenant_configuration() -> TenantConfiguration:
    """Return the tenant of the product: one queue, one agent who is a Teams user."""
    queue = QueueConfiguration(id=QueueId("help"), name="Help", agents=(AGENT,), music=("music",))
    nodes: dict[str, AnyNode] = {
        "wait": QueueNode(queue=queue.id, steps=(MusicStep(prompts=("music",)),)),
        "end": HangUpNode(),
    }
    flow = Flow(flow="main", languages=("en",), start="wait", nodes=nodes, fallback="end")
    return TenantConfiguration(
        tenant=TENANT,
        name="Certification",
        numbers=(NumberConfiguration(number="+390655500000", flow="main"),),
        flows=(),
        queues=(queue,),
        agents=(
            AgentConfiguration(
                id=AGENT,
                name="Agent",
                trunk=TrunkId("teams"),
                target="+390655500001",
                user=upn("agent"),
            ),
        ),
        catalogue=Catalogue(flows=(PublishedFlow(version=1, flow=flow),), prompts={"music": ("",)}),
    )
