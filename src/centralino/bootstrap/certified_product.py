# SPDX-License-Identifier: Apache-2.0
"""The product's real processes, as a certification runs them: supervised, in a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from centralino.bootstrap.children import start_product
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.supervisor import Supervisor

if TYPE_CHECKING:
    from centralino.bootstrap.settings import Settings


class CertifiedProcesses:
    """Starts and stops the processes, both in the same task; tells where they write."""

    def __init__(self) -> None:
        self._supervisor: Supervisor | None = None
        self._layout = Layout(Path(), Path())

    def numbers(self) -> dict[str, int]:
        """Return the process numbers of those that run now, by name."""
        children = self._supervisor.children if self._supervisor is not None else {}
        return {name: child.pid for name, child in children.items() if child.pid is not None}

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self._layout.journal

    @property
    def logs(self) -> Path:
        """The folder of log files."""
        return self._layout.logs

    async def run(self, settings: Settings, layout: Layout) -> None:
        """Start every process.

        Raises:
            ChildFailed: one did not become ready.
        """
        self._layout = layout
        supervisor = Supervisor(
            ready_s=settings.process.ready_s,
            stop_s=settings.process.stop_s,
            log_dir=layout.logs,
        )
        self._supervisor = await supervisor.__aenter__()
        await start_product(supervisor, settings, layout)

    async def stop(self) -> None:
        """Stop every process."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            await supervisor.__aexit__(None, None, None)
