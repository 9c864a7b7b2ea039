# SPDX-License-Identifier: Apache-2.0
"""Explanations for the API: the edge reads the journal itself, on a thread, one at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.journals import OpenReader, open_reader, open_snapshots
from centralino.core.kernel.errors import ConfigError, RemoteUnavailable, StorageError
from centralino.core.kernel.instant import Instant
from centralino.exchange.explaining import Explainer

if TYPE_CHECKING:
    from centralino.adapters.journal.settings import JournalSettings
    from centralino.bootstrap.layout import Layout
    from centralino.core.kernel.ids import InteractionId, TenantId
    from centralino.core.routing.explain import Explanation
    from centralino.exchange.snapshot import Snapshots

MOST_ASKING = 20
"""More who ask at once are told to come again."""
WITHIN_S = 30.0


class _OpenExplainer(Explainer):
    """One that lets go of its journal."""

    def __init__(self, reader: OpenReader, snapshots: Snapshots) -> None:
        super().__init__(reader, snapshots)
        self.close = reader.close


class JournalExplanations:
    """Implements ``ExplanationPort``."""

    def __init__(self, settings: JournalSettings, layout: Layout) -> None:
        self._settings = settings
        self._layout = layout
        self._clock = SystemClock()
        self._turn = asyncio.Lock()
        self._asking = 0
        self._explainer: _OpenExplainer | None = None

    async def explain(
        self, tenant: TenantId, interaction: InteractionId, at: Instant | None
    ) -> Explanation:
        """Return why an interaction is where it is; see ``ExplanationPort``."""
        if self._asking >= MOST_ASKING:
            raise RemoteUnavailable("journal", "explain", "too many explanations are asked for")
        self._asking += 1
        try:
            async with asyncio.timeout(WITHIN_S), self._turn:
                return await asyncio.to_thread(self._explain, tenant, interaction, at)
        except TimeoutError as error:
            self._explainer = None  # its thread may still be at work with it
            text = "the journal takes too long to read"
            raise RemoteUnavailable("journal", "explain", text) from error
        finally:
            self._asking -= 1

    def _explain(
        self, tenant: TenantId, interaction: InteractionId, at: Instant | None
    ) -> Explanation:
        if self._explainer is None:
            try:
                reader = open_reader(self._settings, self._layout)
            except (StorageError, ConfigError) as error:
                raise RemoteUnavailable("journal", "explain", error.message) from error
            snapshots = open_snapshots(self._settings, self._layout)
            self._explainer = _OpenExplainer(reader, snapshots)
        now = Instant(self._clock.utc())
        try:
            return self._explainer.explain(tenant, interaction, at, now)
        except StorageError as error:
            self._explainer.close()
            self._explainer = None
            raise RemoteUnavailable("journal", "explain", error.message) from error
