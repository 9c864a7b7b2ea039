# SPDX-License-Identifier: Apache-2.0
"""Explanations from a journal: the state at a moment, and why an interaction is where it is.

The state of the last moment that was asked for is kept, so that a question about now or
later reads only what has come since. One question at a time; the caller sees to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.instant import Instant
from centralino.core.routing.explain import Explanation, explain
from centralino.exchange.recovery import Recovered, advance, recover

if TYPE_CHECKING:
    from centralino.core.kernel.ids import InteractionId, TenantId
    from centralino.exchange.ports import JournalReadPort
    from centralino.exchange.snapshot import Snapshots

MOST_TENANTS = 8
"""Tenants whose last state is kept."""


class ExplanationPort(Protocol):
    """Explains interactions to many who ask at once; one at a time is answered."""

    async def explain(
        self, tenant: TenantId, interaction: InteractionId, at: Instant | None
    ) -> Explanation:
        """Return why an interaction is where it is, now or at ``at``.

        Raises:
            NotFound: it is not there at that moment.
            RemoteUnavailable: too many ask, or the journal cannot be read.
        """
        ...


class Explainer:
    """Answers from one journal. Not thread safe."""

    def __init__(self, journal: JournalReadPort, snapshots: Snapshots | None = None) -> None:
        self._journal = journal
        self._snapshots = snapshots
        self._kept: dict[TenantId, Recovered] = {}

    def explain(
        self, tenant: TenantId, interaction: InteractionId, at: Instant | None, now: Instant
    ) -> Explanation:
        """Return why an interaction is where it is at ``at``, or ``now``.

        Raises:
            NotFound: the interaction is not there at that instant, or the tenant has no journal.
            StorageError: the journal cannot be read.
        """
        moment = now if at is None else at
        known = self._kept.pop(tenant, None)
        if known is not None and known.at <= moment:
            advance(known, tenant, self._journal, until=moment)
        else:
            known, _ = recover(tenant, self._journal, self._snapshots, until=moment)
        self._kept[tenant] = known
        if len(self._kept) > MOST_TENANTS:
            del self._kept[next(iter(self._kept))]
        if known.engine.state.configuration is None:
            raise NotFound(f"the journal has nothing of {tenant} before that")
        return explain(known.engine.state, interaction, Instant(max(moment, known.at)))
