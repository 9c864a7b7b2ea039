# SPDX-License-Identifier: Apache-2.0
"""A call driver in another process, as the exchange sees it through the link.

The driver listens; this side connects, again and again. After ``detach`` the link stays
closed until the next ``attach``, and the driver treats its calls as it does whenever the
exchange is away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import RemoteUnavailable
from centralino.exchange.link.framing import Hello, LinkError
from centralino.exchange.link.messages import (
    AcknowledgeFacts,
    FromDriver,
    SubmitOrders,
    exchange_decoder,
)
from centralino.exchange.link.stream import RETRY_FIRST_S, RETRY_MOST_S, Link, open_link, pause

if TYPE_CHECKING:
    from centralino.exchange.facts import AnyFact
    from centralino.exchange.orders import AnyOrder

MOST_ORDERS_PER_MESSAGE = 500
ACKNOWLEDGE_AFTER_S = 1.0
"""Facts that the driver keeps a little longer than needed cost nothing; a message for each batch
of them does. What it sends again after a loss of the link is known by its numbers."""


class LinkedDriver:
    """Implements ``CallControlPort`` over a Unix socket."""

    def __init__(self, name: str, path: Path, generation: int) -> None:
        self.name = name
        self._path = path
        self._hello = Hello(name="exchange", generation=generation)
        self._link: Link[FromDriver] | None = None
        self._acknowledged: dict[int, int] = {}
        """Generation to the highest fact that is to be acknowledged."""
        self._due: asyncio.TimerHandle | None = None

    async def attach(self) -> int:
        """Connect, with back-off; return the driver's generation."""
        self.detach()
        delay_s = RETRY_FIRST_S
        while True:
            try:
                self._link = await open_link(self._path, self._hello, exchange_decoder())
            except LinkError:
                await pause(delay_s)
                delay_s = min(delay_s * 2, RETRY_MOST_S)
            else:
                return self._link.peer.generation

    def detach(self) -> None:
        """Close the link; what is acknowledged is still told."""
        if self._link is not None:
            self._tell_acknowledged(self._link)
            self._link.close()
            self._link = None

    def submit(self, orders: Sequence[AnyOrder]) -> None:
        """Send orders; raises ``RemoteUnavailable`` when the link is down."""
        link = self._require_link("submit")
        try:
            for start in range(0, len(orders), MOST_ORDERS_PER_MESSAGE):
                link.send(SubmitOrders(tuple(orders[start : start + MOST_ORDERS_PER_MESSAGE])))
        except LinkError as error:
            raise RemoteUnavailable(self.name, "submit", str(error)) from error

    async def next_facts(self) -> Sequence[AnyFact]:
        """Return what has come, at least one fact."""
        link = self._require_link("next_facts")
        try:
            messages = await link.receive_all()
        except LinkError as error:
            raise RemoteUnavailable(self.name, "next_facts", str(error)) from error
        return [fact for message in messages for fact in message.facts]

    def acknowledge(self, generation: int, fact: int) -> None:
        """Tell the driver what it may forget, at most once per ``ACKNOWLEDGE_AFTER_S``.

        Raises:
            RemoteUnavailable: the link is down.
        """
        link = self._require_link("acknowledge")
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(
                ACKNOWLEDGE_AFTER_S, self._tell_acknowledged, link
            )
        self._acknowledged[generation] = max(fact, self._acknowledged.get(generation, 0))

    def _tell_acknowledged(self, link: Link[FromDriver]) -> None:
        facts, self._acknowledged = self._acknowledged, {}
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if link is not self._link:
            return  # the next link learns it from the next acknowledgement
        with contextlib.suppress(LinkError):
            for generation, fact in facts.items():
                link.send(AcknowledgeFacts(generation, fact))

    def _require_link(self, operation: str) -> Link[FromDriver]:
        if self._link is None:
            raise RemoteUnavailable(self.name, operation, f"{self.name} is not attached")
        return self._link
