# SPDX-License-Identifier: Apache-2.0
"""What cloud certification asks of the product: to run as for users, and to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings
    from centralino.adapters.graph.settings import GraphSettings
    from centralino.core.routing.configuration import TenantConfiguration


@dataclass(frozen=True, slots=True)
class CloudWish:
    """The settings that the product shall run with."""

    folder: Path
    """For journal, logs, state."""
    run_dir: Path
    """For sockets: a short path."""
    api_port: int
    tenant: TenantConfiguration
    entra: EntraSettings
    graph: GraphSettings
    accounts: tuple[tuple[str, str], ...]
    """Accounts that were bound: object id and refresh token."""


class CloudProductPort(Protocol):
    """The running product."""

    async def start(self, wish: CloudWish) -> None:
        """Start every process; returns when all are ready.

        Raises:
            AppError: one did not start.
        """
        ...

    async def stop(self) -> None:
        """Stop every process; without effect when none runs."""
        ...

    def pid(self, process: str) -> int | None:
        """Return the number of a process that runs now."""
        ...

    @property
    def journal(self) -> Path:
        """The journal file."""
        ...

    @property
    def logs(self) -> Path:
        """The folder with one JSON Lines file per process, named after it."""
        ...
