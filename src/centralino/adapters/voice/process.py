# SPDX-License-Identifier: Apache-2.0
"""The voice process: SIP edge, call driver, relay, checkpoints, link to the exchange.

Composition only. Order at the start: what an earlier process left is read, dialogs and media
legs are claimed, then the listeners open, then the exchange may come. An orderly stop leaves
the checkpoints, so that the next process goes on with the calls; ``hang_up_at_stop`` ends
them instead.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice.checkpoint import CheckpointLog
from centralino.adapters.voice.driver import VoiceDriver
from centralino.adapters.voice.edge import Surroundings
from centralino.adapters.voice.exchange_link import ExchangeLink
from centralino.adapters.voice.holding import Holding
from centralino.adapters.voice.inbox import Inbox, next_generation
from centralino.adapters.voice.relay import Relay
from centralino.adapters.voice.resolver import make_resolver
from centralino.adapters.voice.stack import SipStack
from centralino.adapters.voice.trunks import TrunkRegistry
from centralino.core.kernel.ids import LegId
from centralino.exchange.facts import Alarm, TrunkState
from centralino.exchange.orders import HangUpCause

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.call_settings import CallSettings
    from centralino.adapters.voice.edge import RestorableMedia
    from centralino.adapters.voice.settings import VoiceSettings
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ClockPort, ResolverPort
    from centralino.wire.sip.events import SipEvent

log = structlog.get_logger(__name__)

_HEALTH_EVERY_MS = 1000
_FAREWELL_S = 1.0
"""Longest wait for calls to be over at an orderly stop that ends them."""
_KEY_BYTES = 30
_TOKEN_BYTES = 8
_TOKENS_AT_ONCE = 256


class VoiceProcess:
    """Everything of one voice process."""

    def __init__(
        self,
        voice: VoiceSettings,
        calls: CallSettings,
        media: RestorableMedia,
        clock: ClockPort,
        resolver: ResolverPort | None = None,
    ) -> None:
        """Open the files and put the parts together; no socket opens.

        Raises:
            ConfigError: settings that cannot work.
            StorageError: the data directory cannot be written.
        """
        folder = Path(voice.data_dir)
        self._voice = voice
        self._media = media
        token = Tokens()
        generation = next_generation(folder / "voice.generation")
        inbox = Inbox(folder / "voice.inbox", calls.driver, generation, clock, voice.inbox_facts)
        self._store = CheckpointLog(folder / "voice.calls")
        self.stack = SipStack(
            voice,
            clock=clock,
            resolver=resolver or make_resolver(voice.resolver, clock, Random().random),
            token=token,
            trunks=TrunkRegistry.from_settings(voice),
        )
        self.driver = VoiceDriver(
            Surroundings(
                edge=self.stack,
                media=media,
                clock=clock,
                settings=calls,
                inbox=inbox,
                store=self._store,
                voice=voice,
                token=token,
                key=_key,
            )
        )
        self.relay = Relay(self.driver.calls, calls.routes)
        self.holding = Holding(self.driver)
        self._states: dict[TrunkId, str] = {}
        # An exchange that comes knows nothing of the trunks: it is told all of them again.
        self._link = ExchangeLink(self.driver, self.holding, on_attached=self._states.clear)
        self.stack.on_event = self._on_event
        self.stack.on_alarm = self._on_alarm

    async def run(self, socket: Path | None, on_ready: Callable[[], None]) -> None:
        """Serve until cancelled.

        Args:
            socket: where the exchange connects; None: nobody does (relay only).
            on_ready: called when listeners and socket are open.

        Raises:
            ConfigError: a certificate or an address cannot be used.
        """
        try:
            await self.driver.restore(self._media)
            restored = await self.relay.restore(self._media)
            self._media.release_unclaimed()
            self.holding.restored()
            await self.stack.start()
            self.stack.flush()
            log.info("voice.started", restored_relays=restored)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.driver.run())
                self._watch_trunks(0)
                if socket is None:
                    on_ready()
                    return
                async with self._link.server(socket):
                    on_ready()
                    await asyncio.Event().wait()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        calls = self.driver.calls
        is_last = calls.settings.hang_up_at_stop
        if is_last:
            for leg in list(calls.legs.values()):
                self.driver.hang_up(leg, HangUpCause.NORMAL, calls.now())
            self.relay.hang_up_all(calls.now())
        self.stack.flush()
        await self.stack.stop(_FAREWELL_S if is_last else 0.0)
        calls.around.inbox.close()
        self._store.close()

    def _on_event(self, event: SipEvent, now: int) -> None:
        if not self.relay.take(event, now):
            self.driver.on_event(event, now)

    def _on_alarm(self, code: str, text: str, trunk: TrunkId | None, cleared: bool) -> None:
        self.driver.calls.tell(
            Alarm(leg=LegId(""), code=code, text=text, trunk=trunk or "", is_cleared=cleared)
        )

    def _watch_trunks(self, now: int) -> None:
        """Tell of each trunk whose health is another one, once per second."""
        del now
        for settings in self.stack.trunks.all():
            report = self.stack.report(settings.trunk)
            if report is None or self._states.get(settings.trunk) == report.health:
                continue
            self._states[settings.trunk] = report.health
            fact = TrunkState(
                leg=LegId(""),
                trunk=settings.trunk,
                state=str(report.health),
                reason=report.reason,
            )
            self.driver.calls.tell(fact)
        self.driver.calls.arm_ms(_HEALTH_EVERY_MS, self._watch_trunks)


async def run_voice(
    voice: VoiceSettings,
    calls: CallSettings,
    media: RestorableMedia,
    *,
    clock: ClockPort,
    socket: Path | None,
    on_ready: Callable[[], None],
) -> None:
    """Run the voice process until cancelled.

    Args:
        voice: SIP settings.
        calls: call settings.
        media: connected media workers, whose own tasks the caller runs.
        clock: time.
        socket: Unix socket for the exchange.
        on_ready: called once everything is open.

    Raises:
        ConfigError: settings, a certificate or an address cannot be used.
        StorageError: the data directory cannot be written.
    """
    await VoiceProcess(voice, calls, media, clock).run(socket, on_ready)


class Tokens:
    """Random words: the system is asked for many at a time, every call takes a dozen."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def __call__(self) -> str:
        """Return a word of 64 random bits."""
        if not self._words:
            text = secrets.token_hex(_TOKEN_BYTES * _TOKENS_AT_ONCE)
            size = 2 * _TOKEN_BYTES
            self._words = [text[at : at + size] for at in range(0, len(text), size)]
        return self._words.pop()


def _key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)
