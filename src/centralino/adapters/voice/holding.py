# SPDX-License-Identifier: Apache-2.0
"""What callers get while the exchange is away: the holding treatment of their number.

A call that comes in then, or was offered and not decided, is answered after a short grace,
greeted and given music; its facts wait in the inbox, so the exchange finds a waiting caller
when it is back, and its first order for the leg ends the treatment. If it does not come back
in time, an announcement is played and the caller is connected to the fallback number of the
treatment, or the call is ended. The number of such calls is bounded; more get 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.call_settings import HoldingSettings, fits
from centralino.adapters.voice.leg_lifecycle import LegState
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.ids import BridgeId, LegId, OrderId
from centralino.exchange.facts import Answered, Ended, OrderFailed
from centralino.exchange.orders import Bridge, BridgeMember, HangUpCause, Invite, Play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.adapters.voice.driver import VoiceDriver
    from centralino.adapters.voice.leg import Leg
    from centralino.exchange.facts import AnyFact
    from centralino.exchange.orders import AnyOrder

log = structlog.get_logger(__name__)

GREETING, MUSIC, ANNOUNCEMENT = "holding-greeting", "holding-music", "holding-announcement"
"""Names of our playings in the facts about them."""
_ANSWERING, _WAITING, _LEAVING = "answering", "waiting", "leaving"


class Holding:
    """The holding treatment of one driver's calls."""

    def __init__(self, driver: VoiceDriver) -> None:
        self._driver = driver
        self._calls = driver.calls
        self._fallbacks: dict[LegId, LegId] = {}
        """Leg we placed to the leg it is for."""
        self.is_exchange_here = False
        driver.on_presence = self._on_presence
        driver.on_offered = self._on_offered
        driver.incoming.on_connected = self._on_connected
        driver.playing.on_finished = self._on_finished
        driver.calls.on_fact = self._on_fact

    @property
    def count(self) -> int:
        """Calls under treatment."""
        return sum(leg.holding != "" for leg in self._calls.legs.values())

    # ---- the exchange comes and goes

    def _on_presence(self, is_here: bool) -> None:
        """Take notice that the exchange came or left.

        Treated calls wait for the orders of one that came; calls that one left undecided get
        their treatment soon.
        """
        self.is_exchange_here = is_here
        if is_here:
            return
        for leg in list(self._calls.legs.values()):
            if leg.state is LegState.OFFERED:
                self._on_offered(leg)

    def took_over(self, orders: Iterable[AnyOrder]) -> None:
        """End the treatment of legs about which the exchange decides again."""
        for order in orders:
            leg = self._calls.legs.get(order.leg)
            if leg is not None and leg.holding:
                leg.holding = ""
                self._calls.save(leg)

    def restored(self) -> None:
        """Go on with the treatment of legs of an earlier process."""
        for leg in self._calls.legs.values():
            if leg.holding:
                leg.holding = _WAITING
                self._watch(leg)

    # ---- treatment

    def _on_offered(self, leg: Leg) -> None:
        if not self.is_exchange_here:
            grace_ms = self._calls.settings.exchange_grace_ms
            self._calls.arm_ms(grace_ms, lambda now: self._begin(leg, now))

    def _begin(self, leg: Leg, now: int) -> None:
        if self.is_exchange_here or leg.state is not LegState.OFFERED or leg.holding:
            return
        if self.count >= self._calls.settings.max_holding:
            self._driver.incoming.hang_up(leg, outcomes.OVERLOADED, now)
            return
        leg.holding = _ANSWERING
        log.info("holding.begun", leg=leg.id)
        self._calls.lanes.run((leg.id,), lambda: self._answer(leg))

    async def _answer(self, leg: Leg) -> None:
        try:
            await self._driver.incoming.answer_leg(leg)
        except AppError as error:
            log.warning("holding.not_answered", leg=leg.id, code=error.code)
        self._calls.edge.flush()

    def _on_connected(self, leg: Leg) -> None:
        if leg.holding != _ANSWERING:
            return
        leg.holding = _WAITING
        self._watch(leg)
        treatment = self._treatment(leg)
        if treatment.greeting:
            self._play(leg, GREETING, treatment.greeting)
        else:
            self._play_music(leg)

    def _watch(self, leg: Leg) -> None:
        wait_ms = self._treatment(leg).announce_after_s * 1000
        self._calls.arm_ms(wait_ms, lambda now: self._announce(leg, now))

    def _play_music(self, leg: Leg) -> None:
        music = self._treatment(leg).music
        if music:
            self._play(leg, MUSIC, music, loop=True)

    def _announce(self, leg: Leg, now: int) -> None:
        if leg.holding != _WAITING or self.is_exchange_here or not leg.is_answered:
            return
        leg.holding = _LEAVING
        announcement = self._treatment(leg).announcement
        if announcement:
            self._play(leg, ANNOUNCEMENT, announcement)
        else:
            self._leave(leg, now)

    def _on_finished(self, leg: Leg, play: str, reason: str) -> None:
        if not leg.holding or reason in ("replaced", "stopped"):
            return
        if play == GREETING and leg.holding == _WAITING:
            self._play_music(leg)
        elif play == ANNOUNCEMENT and leg.holding == _LEAVING:
            self._leave(leg, self._calls.now())

    def _leave(self, leg: Leg, now: int) -> None:
        """Connect the caller to the fallback number, or end the call."""
        treatment = self._treatment(leg)
        if treatment.fallback_trunk is None or treatment.fallback_target is None:
            self._driver.hang_up(leg, HangUpCause.NORMAL, now)
            return
        self._play_music(leg)
        placed = LegId(f"leg-{self._calls.around.token()}")
        self._fallbacks[placed] = leg.id
        self._driver.submit(
            [
                Invite(
                    order=self._order(),
                    leg=placed,
                    tenant=leg.tenant,
                    trunk=treatment.fallback_trunk,
                    target=treatment.fallback_target,
                    caller_number=leg.caller_number,
                    caller_name=leg.caller_name,
                    ring_for_ms=60_000,
                    near=leg.id,
                )
            ]
        )

    def _on_fact(self, fact: AnyFact) -> None:
        """Follow the legs that we placed by their facts."""
        waiting = self._fallbacks.get(fact.leg)
        if waiting is None:
            self._caller_gone(fact)
            return
        if isinstance(fact, Answered):
            self._bridge(fact.leg, waiting)
        elif isinstance(fact, Ended | OrderFailed):
            del self._fallbacks[fact.leg]
            self._hang_up(waiting)

    def _caller_gone(self, fact: AnyFact) -> None:
        if isinstance(fact, Ended) and fact.leg in self._fallbacks.values():
            for placed, waiting in list(self._fallbacks.items()):
                if waiting == fact.leg:
                    self._hang_up(placed)

    def _bridge(self, placed: LegId, waiting: LegId) -> None:
        members = (BridgeMember(waiting), BridgeMember(placed, "agent"))
        bridge = BridgeId(f"holding-{self._calls.around.token()}")
        order = Bridge(order=self._order(), leg=waiting, bridge=bridge, members=members)
        self._driver.submit([order])

    def _hang_up(self, name: LegId) -> None:
        leg = self._calls.legs.get(name)
        if leg is not None and not leg.is_over:
            self._driver.hang_up(leg, HangUpCause.NORMAL, self._calls.now())

    def _play(self, leg: Leg, name: str, prompts: tuple[str, ...], *, loop: bool = False) -> None:
        order = Play(order=self._order(), leg=leg.id, play=name, prompts=prompts, loop=loop)
        self._driver.submit([order])

    def _order(self) -> OrderId:
        return OrderId(f"holding-{self._calls.around.token()}")

    def _treatment(self, leg: Leg) -> HoldingSettings:
        for treatment in self._calls.settings.holding:
            if fits(treatment.numbers, leg.called_number):
                return treatment
        return HoldingSettings()
