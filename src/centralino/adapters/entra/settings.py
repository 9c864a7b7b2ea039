# SPDX-License-Identifier: Apache-2.0
"""Where Entra is, who we are there, and whom we let in.

The defaults are the real service. A simulated one is the same with another authority, its
certificate authority and its own client.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

TEAMS_CLIENTS = (
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
    "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
)
"""Teams on desktop and mobile, and Teams on the web (Microsoft, "Enable SSO for tab app")."""


class OnboardedTenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation that may sign in."""

    directory: str
    """Its tenant id at Microsoft Entra, a GUID."""
    tenant: str
    """Which of `tenants` its people belong to."""


class EntraSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sign-in with Microsoft Entra ID."""

    client_id: str = ""
    """Application (client) id of our registration; empty: nobody can sign in."""
    authority: str = "https://login.microsoftonline.com"
    """The sign-in service as this server reaches it, HTTPS only."""
    browser_authority: str = ""
    """The same as browsers reach it, where that differs; empty is `authority`."""
    has_instance_discovery: bool = True
    """False keeps the library from asking Microsoft whether `authority` is one of theirs;
    needed for any other address."""
    ca_file: str = ""
    """Certificate authorities to trust instead of the system's."""
    secret_file: str = ""
    """File with the client secret."""
    certificate_file: str = ""
    """PEM of a certificate registered instead of a secret; with `private_key_file`."""
    private_key_file: str = ""
    """PEM of its private key."""
    application_uris: tuple[str, ...] = ()
    """Application ID URIs of the registration, for example `api://contact.example/<client_id>`:
    audiences taken beside `client_id` and `api://<client_id>`."""
    allowed_clients: tuple[str, ...] = TEAMS_CLIENTS
    """Whose tokens are taken, beside our own: Teams, and programs that call the API."""
    tenants: tuple[OnboardedTenant, ...] = ()
    """Who may sign in from the start; others are onboarded by their administrator's consent."""
    takes_v1_tokens: bool = False
    """True also takes tokens of version 1, for registrations that ask for those."""
    v1_issuer: str = "https://sts.windows.net"
    """Issuer of tokens of version 1, without the tenant."""
    admits_guests: bool = False
    """True lets guests of an onboarded organisation in, if they have a role there."""
    leeway_s: Annotated[int, Meta(ge=0, le=300)] = 300
    """How far clocks may be apart when a token's times are judged."""
    keys_for_h: Annotated[float, Meta(gt=0, le=24)] = 24.0
    """How long the service's public keys are kept before they are fetched again."""
    keys_again_after_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """Shortest time between two fetches that an unknown key causes."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Longest wait for one answer of the service."""
    session_for_h: Annotated[float, Meta(gt=0, le=24)] = 8.0
    """How long somebody stays signed in in a browser."""

    @property
    def pages(self) -> str:
        """Where browsers are sent."""
        return self.browser_authority or self.authority

    @property
    def audiences(self) -> frozenset[str]:
        """What a token may be for."""
        return frozenset({self.client_id, f"api://{self.client_id}", *self.application_uris})

    @property
    def clients(self) -> frozenset[str]:
        """Whose tokens are taken."""
        return frozenset({self.client_id, *self.allowed_clients})
