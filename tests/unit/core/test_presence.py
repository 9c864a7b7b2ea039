# SPDX-License-Identifier: Apache-2.0
"""Presence is noted with its source and age, moves nobody, and the newest holds."""

from __future__ import annotations

import pytest

from centralino.core.agents.commands import NotePresence
from centralino.core.agents.presence import Availability
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import AgentId
from centralino.core.kernel.instant import SECOND, Instant
from tests.unit.core.company import ANNA, Desk

pytestmark = pytest.mark.unit


def report(desk: Desk, word: Availability, at_s: float, sequence: int = 0) -> NotePresence:
    """Return a report of ``at_s`` seconds from now, by the source's clock."""
    return NotePresence(
        agent=ANNA,
        availability=word,
        source="graph-subscription",
        at=Instant(desk.now + round(at_s * SECOND)),
        sequence=sequence,
    )


def known(desk: Desk) -> Availability | None:
    """Return what is known of anna."""
    presence = desk.engine.state.agents[ANNA].presence
    return None if presence is None else presence.availability


def test_the_newest_holds_whatever_the_order_of_telling() -> None:
    desk = Desk()
    desk.do(report(desk, Availability.BUSY, -10, sequence=2))
    assert desk.do(report(desk, Availability.AVAILABLE, -40, sequence=1)).is_empty
    assert desk.do(report(desk, Availability.AWAY, -10, sequence=1)).is_empty
    assert desk.do(report(desk, Availability.BUSY, -10, sequence=2)).is_empty
    assert known(desk) is Availability.BUSY
    desk.do(report(desk, Availability.AWAY, -10, sequence=3))
    assert known(desk) is Availability.AWAY


def test_age_and_source_are_kept_and_nobody_is_moved() -> None:
    desk = Desk()
    before = desk.engine.state.agents[ANNA].state
    desk.do(report(desk, Availability.DO_NOT_DISTURB, -60))
    agent = desk.engine.state.agents[ANNA]
    assert agent.state is before
    assert agent.presence is not None
    assert agent.presence.source == "graph-subscription"
    assert agent.presence.age(Instant(desk.now + 5 * SECOND)) == 65 * SECOND


def test_a_source_far_ahead_of_us_speaks_of_now() -> None:
    desk = Desk()
    desk.do(report(desk, Availability.OFFLINE, 3600))
    agent = desk.engine.state.agents[ANNA]
    assert agent.presence is not None
    assert agent.presence.at == desk.now
    desk.do(report(desk, Availability.AVAILABLE, 1))
    assert known(desk) is Availability.AVAILABLE


def test_nobody_of_that_name() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        desk.do(
            NotePresence(
                agent=AgentId("zoe"),
                availability=Availability.AWAY,
                source="graph-poll",
                at=desk.now,
                sequence=1,
            )
        )
