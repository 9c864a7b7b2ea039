# SPDX-License-Identifier: Apache-2.0
"""Orders on their way to one driver: requested, sent, confirmed, or in doubt.

An order is *requested* when its cause is durable, *sent* when the driver took it,
*confirmed* when a fact shows that it was carried out, and *in doubt* when the driver went
away in between. One in doubt is never sent again by itself: after the driver has listed
its legs the core decides anew, from what is really there.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import OrderId
from centralino.exchange import facts, orders

if TYPE_CHECKING:
    from centralino.core.kernel.ids import LegId
    from centralino.exchange.ports import CallControlPort

_encoder = msgspec.msgpack.Encoder()

MOST_HELD = 100_000
"""Held orders past this are dropped, oldest first; re-attachment makes them good."""


class OrderState(StrEnum):
    """How far an order has come."""

    REQUESTED = "requested"
    SENT = "sent"
    IN_DOUBT = "in-doubt"


_CONFIRMED_BY: dict[type[facts.Fact], tuple[type[orders.Order], ...]] = {
    facts.Answered: (orders.Answer, orders.Invite),
    facts.Progressing: (orders.Invite,),
    facts.PlayFinished: (orders.Play, orders.StopPlay),
    facts.Collected: (orders.Collect, orders.StopCollect),
    facts.ParticipantJoined: (orders.Bridge,),
    facts.Held: (orders.Hold, orders.Resume),
    facts.RecordingReady: (orders.RecordStart, orders.RecordStop),
}


class Outbox:
    """Sends orders to a driver, or holds them while it is away."""

    def __init__(self, driver: CallControlPort) -> None:
        self._driver = driver
        self._held: list[orders.AnyOrder] = []
        self._is_holding = True
        self._open: dict[LegId, dict[OrderId, tuple[orders.AnyOrder, OrderState]]] = {}

    def request(self, batch: Sequence[orders.AnyOrder]) -> None:
        """Take orders whose cause is durable; send them now or when the driver is back.

        Raises:
            RemoteUnavailable: the driver went away; the orders are held.
        """
        for order in batch:
            self._open.setdefault(order.leg, {})[order.order] = (order, OrderState.REQUESTED)
        self._held.extend(batch)
        del self._held[:-MOST_HELD]
        if not self._is_holding:
            self._send()

    def hold(self) -> None:
        """The driver is away: what was sent and not confirmed is in doubt."""
        self._is_holding = True
        for legs in self._open.values():
            for name, (order, state) in legs.items():
                if state is OrderState.SENT:
                    legs[name] = (order, OrderState.IN_DOUBT)

    def held_invitations(self) -> list[LegId]:
        """Return the new legs that the driver has not been asked for yet."""
        return [order.leg for order in self._held if isinstance(order, orders.Invite)]

    def release(self) -> None:
        """The driver is back and its legs are reconciled: send what is held.

        A ringing that was asked for and called off while the driver was away is dropped.

        Raises:
            RemoteUnavailable: the driver went away again; the orders are held.
        """
        ended = {
            order.leg
            for order in self._held
            if isinstance(order, orders.CancelInvite | orders.HangUp)
        }
        never = set(self.held_invitations()) & ended
        self._held = [order for order in self._held if order.leg not in never]
        for leg in never:
            self._open.pop(leg, None)
        for leg, legs in list(self._open.items()):
            doubtful = [name for name, (_, state) in legs.items() if state is OrderState.IN_DOUBT]
            self._forget(leg, doubtful)
        self._drop_repeated()
        self._is_holding = False
        self._send()

    def confirm(self, fact: facts.AnyFact) -> orders.AnyOrder | None:
        """Note what a fact says about open orders; return the one that it says has failed."""
        if isinstance(fact, facts.Ended):
            self._open.pop(fact.leg, None)
            return None
        legs = self._open.get(fact.leg)
        if legs is None:
            return None
        if isinstance(fact, facts.OrderFailed):
            failed = legs.get(fact.order)
            self._forget(fact.leg, [fact.order])
            return failed[0] if failed else None
        kinds = _CONFIRMED_BY.get(type(fact), ())
        done = [name for name, (order, _) in legs.items() if isinstance(order, kinds)]
        self._forget(fact.leg, done)
        return None

    def count(self, state: OrderState) -> int:
        """Return how many open orders are in a state."""
        return sum(1 for legs in self._open.values() for _, held in legs.values() if held is state)

    def _drop_repeated(self) -> None:
        """Leave of what is asked for twice in the same words the last.

        A decision that was taken before the legs were reconciled and the reconciliation itself
        may both have found that, say, a call is to be answered.
        """
        last = {_words(order): order.order for order in self._held}
        for order in self._held:
            if last[_words(order)] != order.order:
                self._forget(order.leg, [order.order])
        self._held = [order for order in self._held if last[_words(order)] == order.order]

    def _send(self) -> None:
        batch, self._held = self._held, []
        if not batch:
            return
        try:
            self._driver.submit(batch)
        except RemoteUnavailable:
            self._held = batch + self._held
            self._is_holding = True
            raise
        for order in batch:
            legs = self._open.get(order.leg)
            if legs is not None and order.order in legs:
                legs[order.order] = (order, OrderState.SENT)

    def _forget(self, leg: LegId, names: Sequence[OrderId]) -> None:
        legs = self._open.get(leg, {})
        for name in names:
            legs.pop(name, None)
        if not legs:
            self._open.pop(leg, None)


def _words(order: orders.AnyOrder) -> bytes:
    """Return what an order asks for, without its name."""
    return type(order).__name__.encode() + _encoder.encode(
        msgspec.structs.replace(order, order=OrderId(""))
    )
