# SPDX-License-Identifier: Apache-2.0
"""Settings of a tenant that make features of a contact center work or fail.

In a real tenant they are read by PowerShell (MicrosoftTeams, Microsoft Graph modules); a simulated
tenant shows all of them at one endpoint of ours, so that a check of a tenant can be tried with
each fault planted. Each row of ``tenant_settings.yaml`` says where the real one is set, what value
a healthy tenant has and what breaks otherwise. Sources: the cmdlet references that are named,
"Plan Direct Routing", "Create a call queue", "Set up presence-based call routing".
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import msgspec

from centralino.simulators.graph.errors import bad_request, not_found

Value = bool | int | str | list[str]
Json = dict[str, Any]


class TenantSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting."""

    name: str
    """``area.member`` in our own spelling."""
    healthy: Value
    """What a healthy tenant has."""
    cmdlet: str
    """The cmdlet and parameter that set it."""
    breaks: str
    """What does not work when it differs."""


def _load() -> tuple[TenantSetting, ...]:
    text = resources.files(__package__).joinpath("tenant_settings.yaml").read_bytes()
    return msgspec.yaml.decode(text, type=tuple[TenantSetting, ...])


SETTINGS = _load()
"""All settings; a tenant's file may only name these."""

BY_NAME = {row.name: row for row in SETTINGS}


class TenantSettings:
    """The settings of one tenant."""

    def __init__(self, differing: Mapping[str, Value]) -> None:
        """Take what differs from a healthy tenant.

        Raises:
            GraphError: 404, there is no such setting; 400, the value is of another type.
        """
        self._values: dict[str, Value] = {row.name: row.healthy for row in SETTINGS}
        for name, value in differing.items():
            self.set(name, value)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def set(self, name: str, value: object) -> None:
        """Change a setting.

        Raises:
            GraphError: 404, there is none of that name; 400, the value is of another type.
        """
        row = BY_NAME.get(name)
        if row is None:
            raise not_found(f"There is no tenant setting {name!r}.")
        if isinstance(value, list | tuple) and isinstance(row.healthy, list):
            self._values[name] = [str(part) for part in value]
        elif type(value) is type(row.healthy) and isinstance(value, bool | int | str):
            self._values[name] = value
        else:
            raise bad_request(f"{name} takes a value like {row.healthy!r}.")

    def rows(self) -> list[Json]:
        """Return all settings with their values."""
        return [
            {
                "name": row.name,
                "value": self._values[row.name],
                "healthy": row.healthy,
                "cmdlet": row.cmdlet,
                "breaks": row.breaks,
            }
            for row in SETTINGS
        ]
