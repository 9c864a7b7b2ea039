# SPDX-License-Identifier: Apache-2.0
"""When a tenant's state is kept as a snapshot. Making it is somebody else's work.

A snapshot is made from the journal by another process, so that the exchange, which answers
the calls, never stops to write down a large state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from centralino.core.kernel.errors import AppError
from centralino.core.kernel.instant import SECOND
from centralino.exchange.link.stream import pause

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)


class SnapshotMakerPort(Protocol):
    """Makes snapshots from the journal, off the exchange's own loop."""

    async def make(self, tenant: TenantId) -> int:
        """Make a snapshot of a tenant; return the sequence of the newest one.

        Raises:
            AppError: there is none; nothing else is harmed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a tenant's snapshot is made."""

    records: int = 2000
    """After so many records, which a restart then has to read at most, give or take."""
    pause_s: float = 60.0
    """And not before so many seconds after the last one."""


class SnapshotKeeper:
    """Asks for snapshots; one at a time."""

    def __init__(
        self, maker: SnapshotMakerPort, clock: ClockPort, rhythm: Rhythm | None = None
    ) -> None:
        self._maker = maker
        self._clock = clock
        self._rhythm = rhythm or Rhythm()
        self._newest: dict[TenantId, int] = {}
        self._due: dict[TenantId, None] = {}
        self._wake = asyncio.Event()

    def begin(self, tenant: TenantId, newest: int) -> None:
        """Learn where a tenant's newest snapshot stands, 0 for none."""
        self._newest[tenant] = newest

    def note(self, tenant: TenantId, sequence: int) -> None:
        """A tenant's journal has come to ``sequence``."""
        if sequence - self._newest.get(tenant, 0) >= self._rhythm.records:
            self._due[tenant] = None
            self._wake.set()

    async def run(self) -> None:
        """Have snapshots made until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = self._clock.now()
            while self._due:
                tenant = next(iter(self._due))
                await self._make(tenant)
                del self._due[tenant]
            took_s = (self._clock.now() - began) / SECOND
            await pause(max(0.0, self._rhythm.pause_s - took_s))

    async def _make(self, tenant: TenantId) -> None:
        try:
            self._newest[tenant] = await self._maker.make(tenant)
        except AppError as error:
            log.warning("snapshot.not_made", tenant=tenant, reason=error.message)
        else:
            log.info("snapshot.made", tenant=tenant, sequence=self._newest[tenant])
