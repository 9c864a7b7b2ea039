# SPDX-License-Identifier: Apache-2.0
"""What ``centralino doctor`` examines of sign-in: addresses, keys, and a token per organisation.

The sign-in service is asked as the product asks it, so that what works here works there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from centralino.adapters.entra.access import GRAPH_SCOPE
from centralino.adapters.entra.client import EntraClient
from centralino.adapters.entra.keys import read_keys
from centralino.bootstrap.finding import Finding
from centralino.core.kernel.errors import AppError

if TYPE_CHECKING:
    from centralino.bootstrap.settings import Settings

_CONSENT = "The secret's value in its file, and an administrator's consent: docs/how-to/sign-in.md."


def check_sign_in(settings: Settings) -> list[Finding]:
    """Return the findings; the service is asked only where sign-in is set up."""
    if not settings.entra.client_id:
        text = "is not set up: API and status page let nobody in"
        return [Finding("sign-in", is_good=True, text=text)]
    findings = _check_public_url(settings)
    return findings + asyncio.run(_ask(settings))


def _check_public_url(settings: Settings) -> list[Finding]:
    url = settings.api.public_url
    if not url:
        return []
    parts = urlsplit(url)
    is_known = (parts.hostname or "") in {host.lower() for host in settings.api.hosts}
    if parts.scheme == "https" and is_known:
        return [Finding("public address", is_good=True, text=url)]
    cure = "Give api.public_url as https://HOST, and put HOST into api.hosts."
    return [Finding("public address", is_good=False, text=f"{url} cannot work", cure=cure)]


async def _ask(settings: Settings) -> list[Finding]:
    try:
        client = EntraClient(settings.entra)
    except AppError as error:
        cure = "Mend the branch entra of the settings."
        return [Finding("sign-in", is_good=False, text=error.message, cure=cure)]
    try:
        findings = [await _check_keys(client)]
        if findings[0].is_good:
            findings += [
                await _check_organisation(client, one.directory, one.tenant)
                for one in settings.entra.tenants
            ]
        return findings
    finally:
        await client.close()


async def _check_keys(client: EntraClient) -> Finding:
    authority = client.settings.authority
    try:
        count = len(read_keys(await client.fetch_keys()))
    except AppError as error:
        cure = f"Reach {authority} from this machine; entra.ca_file names whom to trust."
        return Finding("sign-in keys", is_good=False, text=error.message, cure=cure)
    return Finding("sign-in keys", is_good=True, text=f"{count} from {authority}")


async def _check_organisation(client: EntraClient, directory: str, tenant: str) -> Finding:
    name = f"organisation of {tenant}"
    try:
        await client.for_application(directory, GRAPH_SCOPE)
    except AppError as error:
        return Finding(name, is_good=False, text=error.message, cure=_CONSENT)
    return Finding(name, is_good=True, text=f"{directory} gives us tokens")
