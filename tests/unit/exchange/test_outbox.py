# SPDX-License-Identifier: Apache-2.0
"""Orders on their way: held while the driver is away, never sent twice, forgotten when done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, TenantId, TrunkId
from centralino.core.kernel.outcome import COMPLETED
from centralino.exchange import facts, orders
from centralino.exchange.cursor import FactCursor, key_of
from centralino.exchange.outbox import OrderState, Outbox

pytestmark = pytest.mark.unit

LEG, OTHER = LegId("leg-1"), LegId("leg-2")


class InMemoryDriver:
    """Takes orders while it is there."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_away = False

    async def attach(self) -> int:
        return 1

    def detach(self) -> None:
        self.is_away = True

    def submit(self, orders: Sequence[orders.AnyOrder]) -> None:
        if self.is_away:
            raise RemoteUnavailable("voice", "submit")
        self.taken.extend(order.order for order in orders)

    async def next_facts(self) -> Sequence[facts.AnyFact]:
        raise AssertionError

    def acknowledge(self, generation: int, fact: int) -> None:
        raise AssertionError


def answer(name: str, leg: LegId = LEG) -> orders.Answer:
    return orders.Answer(order=OrderId(name), leg=leg)


def invite(name: str, leg: LegId) -> orders.Invite:
    return orders.Invite(
        order=OrderId(name), leg=leg, tenant=TenantId("t"), trunk=TrunkId("x"), target="+391"
    )


def test_nothing_is_sent_before_the_first_reconciliation() -> None:
    driver = InMemoryDriver()
    outbox = Outbox(driver)
    outbox.request([answer("a")])
    assert driver.taken == []
    assert outbox.count(OrderState.REQUESTED) == 1
    outbox.release()
    outbox.request([answer("b")])
    assert driver.taken == ["a", "b"]
    assert outbox.count(OrderState.SENT) == 2


def test_what_was_sent_before_the_driver_went_is_in_doubt_and_not_sent_again() -> None:
    driver = InMemoryDriver()
    outbox = Outbox(driver)
    outbox.release()
    outbox.request([answer("a")])
    outbox.hold()
    assert outbox.count(OrderState.IN_DOUBT) == 1
    outbox.request([answer("b")])
    outbox.release()
    assert driver.taken == ["a", "b"]
    assert outbox.count(OrderState.IN_DOUBT) == 0


def test_a_driver_that_goes_while_sending_gets_the_orders_later() -> None:
    driver = InMemoryDriver()
    outbox = Outbox(driver)
    outbox.release()
    driver.is_away = True
    with pytest.raises(RemoteUnavailable):
        outbox.request([answer("a")])
    driver.is_away = False
    outbox.release()
    assert driver.taken == ["a"]


def test_a_ringing_that_was_called_off_meanwhile_is_never_begun() -> None:
    driver = InMemoryDriver()
    outbox = Outbox(driver)
    outbox.request([invite("a", OTHER), answer("b")])
    assert outbox.held_invitations() == [OTHER]
    outbox.request([orders.CancelInvite(order=OrderId("c"), leg=OTHER)])
    outbox.release()
    assert driver.taken == ["b"]


def play(name: str, what: str) -> orders.Play:
    return orders.Play(order=OrderId(name), leg=LEG, play=what, prompts=("music",))


def test_what_is_asked_for_twice_in_the_same_words_is_sent_once() -> None:
    """A decision and the reconciliation after it may both find the same thing missing."""
    driver = InMemoryDriver()
    outbox = Outbox(driver)
    outbox.request([answer("a"), play("p", "menu"), answer("other", OTHER), play("q", "music")])
    outbox.request([play("r", "menu"), answer("b")])
    outbox.release()
    assert driver.taken == ["other", "q", "r", "b"]
    assert outbox.count(OrderState.SENT) == 4
    assert outbox.count(OrderState.REQUESTED) == 0
    outbox.request([answer("c")])
    assert driver.taken[-1] == "c", "what is asked for later is another matter"


def test_facts_close_orders() -> None:
    outbox = Outbox(InMemoryDriver())
    outbox.release()
    outbox.request([answer("a"), orders.HangUp(order=OrderId("h"), leg=LEG), invite("i", OTHER)])
    outbox.confirm(facts.Answered(leg=LEG))
    assert outbox.count(OrderState.SENT) == 2
    failed = facts.OrderFailed(leg=OTHER, order=OrderId("i"), code="no-route", text="")
    assert isinstance(outbox.confirm(failed), orders.Invite)
    outbox.confirm(facts.Ended(leg=LEG, outcome=COMPLETED))
    assert outbox.count(OrderState.SENT) == 0


def test_each_fact_is_taken_once_also_after_a_restart() -> None:
    first, second = (facts.Answered(leg=LEG, generation=3, fact=n) for n in (1, 2))
    cursor = FactCursor()
    assert [cursor.take("voice", f) for f in (first, second, first)] == [True, True, False]
    again = FactCursor()
    again.recover([key_of("voice", first), "", "api/7"])
    assert [again.take("voice", f) for f in (first, second)] == [False, True]
    assert again.take("graph", first), "drivers count for themselves"
    assert again.take("voice", facts.Answered(leg=LEG, generation=4, fact=1))
