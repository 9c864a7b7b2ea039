# SPDX-License-Identifier: Apache-2.0
"""Reads the people of Microsoft groups and says what they change in a tenant's file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.people import GraphDirectory
from centralino.adapters.graph.presence_book import PresenceBook
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.sign_in import sign_in_parts
from centralino.bootstrap.sources import load_settings
from centralino.core.kernel.errors import ConfigError
from centralino.exchange.microsoft import DirectoryId
from centralino.exchange.people_import import PeopleImport, plan_import
from centralino.exchange.tenant_file import read_tenant_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.exchange.directory import Person


async def read_import(
    config: Path, tenant: str, groups: Sequence[str], file: Path | None
) -> PeopleImport:
    """Return what the people of groups change in a tenant's file.

    Args:
        config: the server's settings.
        tenant: whose organisation is asked; the first one when empty.
        groups: object ids of the groups.
        file: the tenant's file; without one everybody is new.

    Raises:
        ConfigError: no sign-in is set up, the tenant has no organisation, or the file is wrong.
        NotFound: there is no such group.
        RemoteError: Microsoft cannot be asked, or a permission is missing; it is named.
    """
    settings = load_settings(config, os.environ)
    tenant = tenant or settings.tenants[0].tenant
    agents = _agents(file)
    clock = SystemClock()
    parts = sign_in_parts(settings, Layout.of(settings), clock)
    if parts is None:
        hint = "see the how-to page on sign-in"
        raise ConfigError("entra.client_id", "is not set: no organisation can be asked", hint)
    client = GraphClient(settings.graph, parts.access, clock)
    try:
        found = [name for name, one in parts.tenants.current().items() if one == tenant]
        if not found:
            hint = "entra.tenants, or an invitation"
            raise ConfigError("entra.tenants", f"no organisation is {tenant!r}", hint)
        people: list[Person] = []
        for directory in found:
            asked = GraphDirectory(client, DirectoryId(directory), PresenceBook(), clock)
            for group in groups:
                people.extend(await asked.members(group))
        return plan_import(people, agents)
    finally:
        await client.close()
        await parts.close()


def _agents(file: Path | None) -> list[tuple[str, str]]:
    if file is None:
        return []
    try:
        reading = read_tenant_file(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), str(error)) from error
    if reading.document is None:
        first = reading.problems[0]
        raise ConfigError(f"{file}:{first.line}", first.reason)
    return [(one.id, one.user) for one in reading.document.agents]
