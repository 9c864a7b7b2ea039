# SPDX-License-Identifier: Apache-2.0
"""Aurora at the simulated Entra: who signs in as what, and which programs may.

The product's settings and the service's scenario, made to fit each other. Secrets are made at
the first start and lie beside the certificates, readable by this user only. Browsers are sent
to a plain port on the loopback, because they do not trust the demo's certificates.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.entra.roles import APP_ROLES
from centralino.adapters.entra.settings import TEAMS_CLIENTS, EntraSettings, OnboardedTenant
from centralino.bootstrap.demo import company, tenant
from centralino.bootstrap.demo.tenant import CLIENT_ID, HOST
from centralino.bootstrap.teams.permissions import FEATURES, permissions_of
from centralino.simulators.entra import description as entra

if TYPE_CHECKING:
    from centralino.bootstrap.authority import CertificateFiles
    from centralino.bootstrap.demo.wiring import Ports

DIRECTORY = tenant.TENANT_ID
TOOLS_ID = "a0205a00-0000-4000-8000-00000000c002"
"""A program that calls the API without a person."""
URI = f"api://{HOST}/{CLIENT_ID}"
_CALLBACKS = ("/v1/sign-in/callback", "/v1/onboarding/callback")


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of Aurora who takes no calls."""

    id: str
    name: str
    number: int
    roles: tuple[str, ...]
    is_admin: bool = False

    @property
    def oid(self) -> str:
        """His object in Microsoft Entra."""
        return f"00000000-0000-4000-8000-0000000009{self.number:02d}"

    @property
    def upn(self) -> str:
        """His user principal name."""
        return f"{self.id}@{company.DOMAIN}"


SILVIA = Staff("silvia", "Silvia Costa", 1, ("Supervisor",))
TULLIO = Staff("tullio", "Tullio Amato", 2, ("TenantAdmin",), is_admin=True)
STAFF = (
    SILVIA,
    TULLIO,
    Staff("quinto", "Quinto Sala", 3, ("QualityAnalyst", "Auditor")),
    Staff("paola", "Paola Denti", 4, ("Planner", "FlowDesigner")),
    Staff("nina", "Nina Valli", 5, ()),
)
"""The last one has no role: she is known and not admitted."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Files that the product and the service share."""

    root: Path
    """Who signed the service's certificate."""
    secret_file: Path
    tools_secret_file: Path

    @classmethod
    def below(cls, data_dir: Path) -> Identity:
        """Return the files below the demo's directory."""
        root = data_dir / "certificates" / "root.crt"
        return cls(root, data_dir / "entra.secret", data_dir / "tools.secret")

    def make(self) -> None:
        """Make the secrets where there are none yet."""
        for path in (self.secret_file, self.tools_secret_file):
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
                path.touch(mode=0o600)
                path.write_text(secrets.token_urlsafe(32), encoding="ascii")


def entra_settings(ports: Ports, identity: Identity) -> EntraSettings:
    """Return the product's settings: only addresses and files differ from the real service."""
    return EntraSettings(
        client_id=CLIENT_ID,
        authority=f"https://{HOST}:{ports.entra}",
        browser_authority=f"http://{HOST}:{ports.pages}",
        has_instance_discovery=False,
        ca_file=str(identity.root),
        secret_file=str(identity.secret_file),
        application_uris=(URI,),
        allowed_clients=(*TEAMS_CLIENTS, TOOLS_ID),
        tenants=(OnboardedTenant(directory=DIRECTORY, tenant=company.TENANT),),
    )


def entra_scenario(
    ports: Ports, identity: Identity, files: CertificateFiles
) -> entra.EntraScenario:
    """Return the service: Aurora, its people, two applications, and consent to all they want."""
    return entra.EntraScenario(
        host=HOST,
        port=ports.entra,
        page_port=ports.pages,
        certificate=str(files.certificate),
        private_key=str(files.private_key),
        tenants=(
            entra.Tenant(
                id=DIRECTORY,
                domain=company.DOMAIN,
                name="Aurora Outdoor",
                people=_people(),
                groups=(
                    entra.Group(id=tenant.AGENTS_GROUP, name="Contact center agents"),
                    entra.Group(id=tenant.EXPERTS_GROUP, name="Experts"),
                ),
                consents=(CLIENT_ID, TOOLS_ID),
            ),
        ),
        applications=(_product(identity), _tools(identity)),
    )


def _people() -> tuple[entra.Person, ...]:
    staff = tuple(
        entra.Person(
            oid=one.oid,
            upn=one.upn,
            name=one.name,
            roles={CLIENT_ID: one.roles} if one.roles else {},
            is_admin=one.is_admin,
        )
        for one in STAFF
    )
    return (*staff, *map(_worker, company.PEOPLE))


def _worker(person: company.Person) -> entra.Person:
    """Return somebody who takes calls; two of them also lead."""
    is_agent = person in company.AGENTS
    leads = {tenant.SUPERVISOR: "Supervisor", tenant.ADMIN: "TenantAdmin"}.get(person.id)
    own = "Agent" if is_agent else "Expert"
    return entra.Person(
        oid=person.oid,
        upn=person.upn,
        name=person.name,
        language="it",
        groups=(tenant.AGENTS_GROUP if is_agent else tenant.EXPERTS_GROUP,),
        roles={CLIENT_ID: (own, leads) if leads else (own,)},
        is_admin=person.id == tenant.ADMIN,
    )


def _names(kind: str) -> tuple[str, ...]:
    """Return the permissions of Graph that all features together need."""
    signing_in = {"openid", "profile", "offline_access", "email"}
    found = (one.name for one in permissions_of(FEATURES) if one.kind == kind)
    return tuple(name for name in found if name not in signing_in)


def _product(identity: Identity) -> entra.Application:
    return entra.Application(
        client_id=CLIENT_ID,
        name="Centralino",
        home_tenant=DIRECTORY,
        secrets=(entra.Secret(value=identity.secret_file.read_text(encoding="ascii")),),
        redirect_uris=tuple(
            f"http://{host}{path}" for host in ("127.0.0.1", "localhost") for path in _CALLBACKS
        ),
        identifier_uris=(URI, f"api://{CLIENT_ID}"),
        scopes=("access_as_user",),
        roles=tuple(
            entra.AppRole(value=value, allowed=("User", "Application")) for value in APP_ROLES
        ),
        pre_authorized=TEAMS_CLIENTS,
        wants=(entra.Permission(scopes=_names("delegated"), roles=_names("application")),),
    )


def _tools(identity: Identity) -> entra.Application:
    return entra.Application(
        client_id=TOOLS_ID,
        name="Programs of the demo",
        home_tenant=DIRECTORY,
        secrets=(entra.Secret(value=identity.tools_secret_file.read_text(encoding="ascii")),),
        wants=(entra.Permission(resource=CLIENT_ID, roles=("Supervisor",)),),
    )
