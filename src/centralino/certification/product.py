# SPDX-License-Identifier: Apache-2.0
"""What certification asks of the product: to run as it runs for users, and to be looked at.

The implementation lies in ``bootstrap``, which knows the processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from centralino.adapters.voice.call_settings import CallSettings
    from centralino.adapters.voice.settings import VoiceSettings
    from centralino.core.routing.configuration import TenantConfiguration


@dataclass(frozen=True, slots=True)
class Wish:
    """The settings that the product shall run with."""

    folder: Path
    """For journal, logs, recordings."""
    run_dir: Path
    """For sockets: a short path."""
    tenant: TenantConfiguration
    voice: VoiceSettings
    calls: CallSettings
    media_ports: range


class ProductPort(Protocol):
    """The running product."""

    async def start(self, wish: Wish) -> None:
        """Start every process; returns when all are ready.

        Raises:
            AppError: one did not start.
        """
        ...

    async def stop(self) -> None:
        """Stop every process; without effect when none runs."""
        ...

    def pids(self) -> tuple[int, ...]:
        """Return the numbers of its processes that run now."""
        ...

    @property
    def journal(self) -> Path:
        """The journal file."""
        ...

    @property
    def logs(self) -> Path:
        """The folder with one JSON Lines file per process, named after it."""
        ...
