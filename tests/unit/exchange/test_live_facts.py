# SPDX-License-Identifier: Apache-2.0
"""What followers are told of callbacks, closures, presence, and whom a customer is offered to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from centralino.core.agents.commands import MakeAgentReady, NotePresence
from centralino.core.agents.presence import Availability
from centralino.core.interactions import supervision
from centralino.core.interactions.callback_policy import CallbackPolicy
from centralino.exchange.live import LiveFeed
from centralino.exchange.replica import TenantReplica
from tests.unit.core.company import ANNA, SALES, TENANT
from tests.unit.core.test_callbacks import NUMBER, book, desk_of

if TYPE_CHECKING:
    from centralino.core.routing.engine import TenantEngine
    from centralino.exchange.tenant import TenantWriter
    from tests.unit.core.flow_company import FlowDesk

pytestmark = pytest.mark.unit


@dataclass
class Writer:
    """As much of a writer as a feed reads."""

    engine: TenantEngine


class Follower:
    """A replica that follows a desk."""

    def __init__(self, desk: FlowDesk) -> None:
        self.desk = desk
        self.feed = LiveFeed(TENANT, cast("TenantWriter", Writer(desk.engine)), ())
        self.replica = TenantReplica(TENANT)
        self._told = len(desk.decisions)
        for part in self.feed.reset():
            self.replica.take(part)

    def catch_up(self) -> TenantReplica:
        """Fold in what has happened since."""
        for decision in self.desk.decisions[self._told :]:
            self.feed.take(decision)
        self._told = len(self.desk.decisions)
        for changes in self.feed.changes():
            self.replica.take(changes)
        return self.replica


def test_a_callback_is_seen_until_it_is_over() -> None:
    desk = desk_of(CallbackPolicy())
    follower = Follower(desk)
    book(desk)
    (waiting,) = follower.catch_up().callbacks
    assert (waiting.state, waiting.number, waiting.queue) == ("waiting", NUMBER, SALES)
    desk.do(MakeAgentReady(agent=ANNA))
    replica = follower.catch_up()
    (dialling,) = replica.callbacks
    assert (dialling.state, dialling.attempts) == ("dialling", 1)
    (attempt,) = replica.interactions
    assert (attempt.callback, attempt.asked) == (dialling.id, (ANNA,))
    desk.do(supervision.CancelCallback(callback=dialling.id))
    assert list(follower.catch_up().callbacks) == []
    assert list(Follower(desk).replica.callbacks) == []


def test_a_closed_queue_says_why_and_since_when() -> None:
    desk = desk_of(CallbackPolicy())
    follower = Follower(desk)
    desk.do(supervision.CloseQueue(queue=SALES, reason="evacuation"))
    closed = follower.catch_up().queues.get(SALES)
    assert closed is not None
    assert (closed.closed_for, closed.closed_since) == ("evacuation", desk.now)
    desk.do(supervision.OpenQueue(queue=SALES))
    opened = follower.catch_up().queues.get(SALES)
    assert opened is not None
    assert opened.closed_for == ""


def test_presence_is_shown_with_its_source_and_age() -> None:
    desk = desk_of(CallbackPolicy())
    follower = Follower(desk)
    command = NotePresence(
        agent=ANNA,
        availability=Availability.AWAY,
        source="graph-poll",
        at=desk.now,
        sequence=1,
    )
    desk.do(command)
    anna = follower.catch_up().agents.get(ANNA)
    assert anna is not None
    assert anna.presence is not None
    assert (anna.presence.availability, anna.presence.source) == ("away", "graph-poll")
    assert anna.presence.at == desk.now
