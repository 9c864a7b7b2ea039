# SPDX-License-Identifier: Apache-2.0
"""The product as certification runs it: its real processes, supervised, in a folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from centralino.api.settings import ApiSettings
from centralino.bootstrap.children import start_product
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.settings import LogSettings, MediaSettings, ProcessSettings, Settings
from centralino.bootstrap.supervisor import Supervisor

if TYPE_CHECKING:
    from centralino.certification.product import Wish


class SupervisedProduct:
    """Implements ``ProductPort`` with the supervisor; start and stop in the same task."""

    def __init__(self) -> None:
        self._supervisor: Supervisor | None = None
        self._layout = Layout(Path(), Path())

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self._layout.journal

    @property
    def logs(self) -> Path:
        """The folder of log files."""
        return self._layout.logs

    async def start(self, wish: Wish) -> None:
        """Start every process.

        Raises:
            ChildFailed: one did not become ready.
            ConfigError: the run directory is too long for sockets.
        """
        settings = Settings(
            data_dir=str(wish.folder),
            run_dir=str(wish.run_dir),
            tenants=(wish.tenant,),
            voice=wish.voice,
            calls=wish.calls,
            media=MediaSettings(
                workers=1,
                first_port=wish.media_ports.start,
                last_port=wish.media_ports.stop - 1,
            ),
            process=ProcessSettings(has_standby=False),
            api=ApiSettings(is_enabled=False),
            log=LogSettings(to_files=True),
        )
        self._layout = Layout.of(settings)
        supervisor = Supervisor(
            ready_s=settings.process.ready_s,
            stop_s=settings.process.stop_s,
            log_dir=self._layout.logs,
        )
        self._supervisor = await supervisor.__aenter__()
        await start_product(supervisor, settings, self._layout)

    async def stop(self) -> None:
        """Stop every process."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            await supervisor.__aexit__(None, None, None)
