# SPDX-License-Identifier: Apache-2.0
"""A small fictional company at the simulated Entra, and keys that are made once per run."""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from centralino.simulators.entra.description import (
    TEAMS_CLIENTS,
    Application,
    AppRole,
    EntraScenario,
    Group,
    Permission,
    Person,
    Secret,
    Tenant,
)

if TYPE_CHECKING:
    from centralino.simulators.entra.keys import MakeKey

TENANT_ID = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT_ID = "22222222-2222-4222-8222-222222222222"
CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
DAEMON_ID = "aaaaaaaa-0000-4000-8000-000000000002"
DESKTOP_ID = "aaaaaaaa-0000-4000-8000-000000000003"
SECRET, OLD_SECRET = "a-secret-of-the-tests", "a-secret-that-has-ended"
REDIRECT = "http://127.0.0.1:8080/v1/sign-in/callback"
ANNA, SUSANNA, NOBODY, GUEST, CAREFUL, STRANGER = (
    f"bbbbbbbb-0000-4000-8000-00000000000{number}" for number in range(1, 7)
)
GROUP_ID = "cccccccc-0000-4000-8000-000000000001"
URI = f"api://localhost/{CLIENT_ID}"
ROLES = ("Agent", "Supervisor", "TenantAdmin")


def application(**changes: object) -> Application:
    """Return the registration of the product."""
    made = Application(
        client_id=CLIENT_ID,
        name="Centralino",
        home_tenant=TENANT_ID,
        secrets=(Secret(value=SECRET), Secret(value=OLD_SECRET, ends_at=1.0)),
        redirect_uris=(REDIRECT,),
        identifier_uris=(URI, f"api://{CLIENT_ID}"),
        scopes=("access_as_user",),
        roles=tuple(AppRole(value=role, allowed=("User", "Application")) for role in ROLES),
        pre_authorized=TEAMS_CLIENTS,
        wants=(Permission(scopes=("User.Read", "Presence.Read.All"), roles=("User.Read.All",)),),
    )
    return msgspec.structs.replace(made, **changes)


def scenario(**changes: object) -> EntraScenario:
    """Return two tenants; the second has not consented to anything."""
    supervisors = Group(id=GROUP_ID, name="Supervisors", roles={CLIENT_ID: ("Supervisor",)})
    people = (
        Person(oid=ANNA, upn="anna@first.example", name="Anna Riva", roles=_agent()),
        Person(oid=SUSANNA, upn="susanna@first.example", name="Susanna Po", groups=(GROUP_ID,)),
        Person(oid=NOBODY, upn="nadia@first.example", name="Nadia Orsi", is_admin=True),
        Person(
            oid=GUEST,
            upn="gil@second.example",
            name="Gil Ferro",
            roles=_agent(),
            home_tenant=OTHER_TENANT_ID,
        ),
        Person(oid=CAREFUL, upn="carla@first.example", name="Carla Bo", needs_mfa=True),
    )
    stranger = Person(oid=STRANGER, upn="otto@second.example", name="Otto Lai", is_admin=True)
    daemon = Application(
        client_id=DAEMON_ID,
        name="A daemon",
        home_tenant=TENANT_ID,
        secrets=(Secret(value=SECRET),),
        wants=(Permission(resource=CLIENT_ID, roles=("Supervisor",)),),
    )
    desktop = Application(
        client_id=DESKTOP_ID,
        name="A desktop program",
        home_tenant=TENANT_ID,
        is_public=True,
        redirect_uris=("http://localhost",),
        wants=(Permission(resource=CLIENT_ID, scopes=("access_as_user",)),),
    )
    first = Tenant(
        id=TENANT_ID,
        domain="first.example",
        name="First",
        people=people,
        groups=(supervisors,),
        consents=(CLIENT_ID, DAEMON_ID, DESKTOP_ID),
    )
    second = Tenant(id=OTHER_TENANT_ID, domain="second.example", name="Second", people=(stranger,))
    fields: dict[str, object] = {
        "tenants": (first, second),
        "applications": (application(), daemon, desktop),
        "port": 0,
        **changes,
    }
    return EntraScenario(**fields)  # type: ignore[arg-type] # rows of tests


def lent_keys() -> MakeKey:
    """Return a source of keys that every caller gets in the same order, made once per run."""
    numbers = itertools.count()
    return lambda: _key(next(numbers))


@cache
def _key(number: int) -> rsa.RSAPrivateKey:
    del number
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _agent() -> dict[str, tuple[str, ...]]:
    return {CLIENT_ID: ("Agent",)}
