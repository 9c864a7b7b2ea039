# SPDX-License-Identifier: Apache-2.0
"""Throws an engine away between inputs and goes on from its state, as a restart does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.routing.engine import TenantEngine
from tests.unit.core.company import TENANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision

EVERY = 3


def require_same_after_revival(
    inputs: Sequence[tuple[Command, Instant]], decisions: Sequence[Decision]
) -> None:
    """Hold that an engine that is revived every third input decides the same.

    What fails here is something that decisions depend on and the state does not hold, or
    that ``Index.rebuild`` does not derive from it.
    """
    engine = TenantEngine(TENANT)
    for number, ((command, now), decision) in enumerate(zip(inputs, decisions, strict=True)):
        if number % EVERY == EVERY - 1:
            before = engine.next_deadline()
            engine = TenantEngine.revive(engine.state_bytes())
            assert engine.next_deadline() == before
        assert engine.apply(command, now) == decision
