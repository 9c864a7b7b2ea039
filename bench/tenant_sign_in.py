# SPDX-License-Identifier: Apache-2.0
"""How many tokens a core verifies with warm keys, beside the bare RSA verification.

The tokens are a tab's, as the simulated Entra signs them, each another one, so that nothing is
remembered from one to the next. What is measured is all that the API does to believe one:
header, key, signature, every claim, roles. The floor is OpenSSL's RSA check of the same
signatures, in alternating slices; both are CPU time of one thread.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from bench.measurement import Measurement, alternate
from centralino.adapters.clock import SystemClock
from centralino.adapters.entra.keys import KeyCache
from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.entra.tenants import OnboardedTenants
from centralino.adapters.entra.tokens import EntraTokens
from centralino.core.kernel.instant import SECOND
from centralino.simulators.entra.description import TEAMS_CLIENTS, Application, Person, Tenant
from centralino.simulators.entra.keys import KeyRing
from centralino.simulators.entra.mint import Subject, TokenMint
from centralino.simulators.http.clock import LoopClock
from centralino.simulators.http.ids import SeededIds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = "tenant.sign_in"
TOKENS = 400
AUTHORITY = "https://login.microsoftonline.com"
DIRECTORY = "11111111-1111-4111-8111-111111111111"
CLIENT = "aaaaaaaa-0000-4000-8000-000000000001"


def _tokens(ring: KeyRing, clock: SystemClock) -> list[str]:
    mint = TokenMint(
        ring,
        LoopClock(lambda: clock.utc() / SECOND),
        SeededIds(1),
        base_url=lambda: AUTHORITY,
        v1_issuer="https://sts.windows.net",
    )
    ours = Application(client_id=CLIENT, name="Centralino")
    teams = Application(client_id=TEAMS_CLIENTS[1], name="Teams", is_public=True)
    tenant = Tenant(id=DIRECTORY, domain="first.example", name="First")
    person = Person(
        oid="bbbbbbbb-0000-4000-8000-000000000001", upn="anna@first.example", name="Anna Riva"
    )
    subject = Subject(
        tenant, teams, ours, person=person, scopes=("access_as_user",), roles=("Supervisor",)
    )
    return [mint.access_token(subject) for _ in range(TOKENS)]


def _verifier(folder: Path, ring: KeyRing, clock: SystemClock) -> EntraTokens:
    settings = EntraSettings(
        client_id=CLIENT, tenants=(OnboardedTenant(directory=DIRECTORY, tenant="first"),)
    )

    async def fetch() -> bytes:
        return json.dumps(ring.document()).encode()

    tenants = OnboardedTenants(settings, folder / "onboarded.jsonl")
    return EntraTokens(settings, KeyCache(fetch, settings, clock), tenants, clock)


def _ours(
    loop: asyncio.AbstractEventLoop, tokens: EntraTokens, many: list[str]
) -> Callable[[], float]:
    async def verify_all() -> None:
        for token in many:
            await tokens.verify(token)

    def seconds_per_token() -> float:
        began_at = time.process_time()
        loop.run_until_complete(verify_all())
        return (time.process_time() - began_at) / len(many)

    return seconds_per_token


def _bare(ring: KeyRing, many: list[str]) -> Callable[[], float]:
    public, padding, digest = ring.current.public, PKCS1v15(), hashes.SHA256()
    parts = []
    for token in many:
        signed, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        parts.append((raw, signed.encode()))

    def seconds_per_token() -> float:
        began_at = time.process_time()
        for signature, signed in parts:
            public.verify(signature, signed, padding, digest)
        return (time.process_time() - began_at) / len(parts)

    return seconds_per_token


def measure() -> Iterator[Measurement]:
    """Measure tokens per second of one core."""
    clock = SystemClock()
    ring = KeyRing()
    many = _tokens(ring, clock)
    loop = asyncio.new_event_loop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tokens = _verifier(Path(folder), ring, clock)
            pair = alternate(_ours(loop, tokens, many), _bare(ring, many))
    finally:
        loop.close()
    yield Measurement(
        name="tenant.sign_in_tokens_per_s",
        value=1 / pair.value,
        unit="tokens/s",
        floor=1 / pair.floor,
        goal=3000.0,
        is_goal_a_minimum=True,
        note=f"{pair.value * 1e6:.0f} us each; floor: bare RSA check, {pair.floor * 1e6:.0f} us",
    )
