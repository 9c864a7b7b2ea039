# SPDX-License-Identifier: Apache-2.0
"""The voice process's end of the link to the exchange.

One exchange at a time; a newer connection takes the place of an older one. After each
connect every fact that was not acknowledged is sent again, oldest first. Losing the link
changes nothing for calls in progress; new ones get their holding treatment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.exchange.link.framing import Hello, LinkError
from centralino.exchange.link.messages import (
    AcknowledgeFacts,
    DeliverFacts,
    SubmitOrders,
    ToDriver,
    driver_decoder,
)
from centralino.exchange.link.stream import Link, LinkServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from centralino.adapters.voice.driver import VoiceDriver
    from centralino.adapters.voice.holding import Holding
    from centralino.exchange.facts import AnyFact

log = structlog.get_logger(__name__)

MOST_FACTS_PER_MESSAGE = 500


class ExchangeLink:
    """Serves the exchange on a Unix socket."""

    def __init__(
        self,
        driver: VoiceDriver,
        holding: Holding,
        *,
        on_attached: Callable[[], None] = lambda: None,
    ) -> None:
        self._driver = driver
        self._on_attached = on_attached
        self._holding = holding
        self._inbox = driver.calls.around.inbox
        self._present: Link[ToDriver] | None = None

    def server(self, path: Path) -> LinkServer[ToDriver]:
        """Return the server; enter it to listen."""
        hello = Hello(name="voice", generation=self._inbox.generation)
        return LinkServer(path, hello, driver_decoder(), self._serve)

    async def _serve(self, link: Link[ToDriver]) -> None:
        former, self._present = self._present, link
        if former is not None:
            former.close()
        log.info("exchange.attached", generation=link.peer.generation)
        self._on_attached()
        await self._driver.attach()
        self._inbox.hand_to(lambda facts: self._deliver(link, facts))
        try:
            await link.hand_over(lambda messages: self._take(link, messages))
        except LinkError as error:
            log.info("exchange.lost", reason=str(error))
        finally:
            if self._present is link:
                self._present = None
                self._inbox.hand_to(None)
                self._driver.detach()

    @staticmethod
    def _deliver(link: Link[ToDriver], facts: Sequence[AnyFact]) -> None:
        try:
            for start in range(0, len(facts), MOST_FACTS_PER_MESSAGE):
                link.send(DeliverFacts(tuple(facts[start : start + MOST_FACTS_PER_MESSAGE])))
        except LinkError as error:
            # The next exchange gets every fact that was not acknowledged.
            log.info("exchange.facts_unsent", reason=str(error))

    def _take(self, link: Link[ToDriver], messages: Sequence[ToDriver]) -> None:
        if self._present is not link:
            return
        for message in messages:
            if isinstance(message, SubmitOrders):
                self._holding.took_over(message.orders)
                self._driver.submit(message.orders)
            elif isinstance(message, AcknowledgeFacts):
                self._driver.acknowledge(message.generation, message.fact)
