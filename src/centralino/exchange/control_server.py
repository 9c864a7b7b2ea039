# SPDX-License-Identifier: Apache-2.0
"""The exchange's side of the control link: live state out, commands in.

Listens on one Unix socket, which only the product's own user may open. Any number of edges
may follow. One that does not read is cut off and begins anew; it never holds the exchange
up. Commands of one link run beside each other, at most ``MOST_AT_ONCE``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from centralino.core.kernel.errors import AppError, NotFound, StorageError
from centralino.core.kernel.ids import TenantId, TrunkId
from centralino.exchange.control import (
    CONTROL_VERSION,
    FLUSH_MS,
    AlarmView,
    Answer,
    Figures,
    Follow,
    Health,
    ReadFigures,
    Refused,
    Submit,
    ToExchange,
    TrunkView,
    control_server_decoder,
)
from centralino.exchange.control_answers import AnswerBook, journal_key
from centralino.exchange.exchange import Exchange, Observer
from centralino.exchange.link.framing import Hello, LinkError, encode_frame
from centralino.exchange.link.stream import Link, LinkServer, pause
from centralino.exchange.live import LengthCounter, LiveFeed
from centralino.exchange.tenant import CommitTimes, Input

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision
    from centralino.exchange.facts import Alarm, TrunkState
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200
HEALTH_EVERY_S = 1.0
DECISION_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)
COMMIT_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class ControlServer:
    """Observes an exchange and serves edges; made before the exchange, run beside it."""

    def __init__(
        self, *, clock: ClockPort, generation: int, trunks: Mapping[TrunkId, TenantId]
    ) -> None:
        self._clock = clock
        self._generation = generation
        self._trunks = trunks
        self._exchange: Exchange | None = None
        self._feeds: dict[TenantId, LiveFeed] = {}
        self._answers: dict[TenantId, AnswerBook] = {}
        self._decisions = LengthCounter(DECISION_BOUNDS_S)
        self._commits = LengthCounter(COMMIT_BOUNDS_S)
        self._followers: dict[Link[ToExchange], None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._told_health: Health | None = None

    @property
    def observer(self) -> Observer:
        """What the exchange is to be given."""
        return Observer(
            on_decision=self._on_decision,
            on_alarm=self._on_alarm,
            on_trunk=self._on_trunk,
            on_commit=self._on_commit,
            on_recovered=self._on_recovered,
        )

    def watch(self, exchange: Exchange) -> None:
        """Serve this exchange, which was given our ``observer``; before it runs."""
        self._exchange = exchange

    async def run(self, socket: Path) -> None:
        """Serve until cancelled; ``watch`` first."""
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - watched first
        hello = Hello(name="exchange", generation=self._generation)
        server = LinkServer(socket, hello, control_server_decoder(), self._serve)
        async with server:
            while True:
                self._tell_health()
                await self._health_changed(exchange)

    # ------------------------------------------------------------------- observing
    def _on_recovered(self, tenant: TenantId, keys: Sequence[str]) -> None:
        book = self._answers[tenant] = AnswerBook()
        book.recover(keys)
        feed = self._feed(tenant)
        if feed is not None:
            for changes in feed.reset():
                self._broadcast(changes)

    def _feed(self, tenant: TenantId) -> LiveFeed | None:
        feed = self._feeds.get(tenant)
        if feed is None and self._exchange is not None:
            writer = self._exchange.tenants.get(tenant)
            if writer is not None:
                mine = tuple(trunk for trunk, owner in self._trunks.items() if owner == tenant)
                feed = self._feeds[tenant] = LiveFeed(tenant, writer, mine)
        return feed

    def _on_decision(self, tenant: TenantId, decision: Decision) -> None:
        feed = self._feed(tenant)
        if feed is not None:
            feed.take(decision)
            self._arm()

    def _on_trunk(self, fact: TrunkState) -> None:
        view = TrunkView(
            id=fact.trunk, state=fact.state, reason=fact.reason, since=self._clock.utc()
        )
        feed = self._feed(self._trunks.get(fact.trunk, TenantId("")))
        if feed is not None:
            feed.take_trunk(view)
            self._arm()

    def _on_alarm(self, alarm: Alarm) -> None:
        view = AlarmView(
            code=alarm.code, about=alarm.trunk, text=alarm.text, since=self._clock.utc()
        )
        for tenant in self._exchange.tenants if self._exchange else ():
            feed = self._feed(tenant)
            if feed is not None:
                feed.take_alarm(view, is_cleared=alarm.is_cleared)
        self._arm()
        self._tell_health()

    def _on_commit(self, times: CommitTimes) -> None:
        self._decisions.note(times.decided_for)
        self._commits.note(times.stored_for)

    # --------------------------------------------------------------------- telling
    def _arm(self) -> None:
        if self._followers and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FLUSH_MS / 1000, self._flush)

    def _flush(self) -> None:
        self._timer = None
        for feed in self._feeds.values():
            if feed.has_news:
                for changes in feed.changes():
                    self._broadcast(changes)

    def _broadcast(self, message: object) -> None:
        frame = encode_frame(message)
        for link in list(self._followers):
            try:
                link.send_frame(frame)
            except LinkError as error:
                log.warning("control.follower_dropped", reason=str(error))
                self._followers.pop(link, None)

    def _tell_health(self) -> None:
        health = self._health()
        if health != self._told_health:
            self._told_health = health
            self._broadcast(health)

    def _health(self) -> Health:
        exchange = self._exchange
        return Health(
            is_journal_writable=exchange is not None and exchange.is_journal_writable,
            is_driver_attached=exchange is not None and exchange.attached.is_set(),
        )

    @staticmethod
    async def _health_changed(exchange: Exchange) -> None:
        """Return when the driver is attached, or after a while."""
        if exchange.attached.is_set():
            await pause(HEALTH_EVERY_S)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(HEALTH_EVERY_S):
                await exchange.attached.wait()

    # --------------------------------------------------------------------- serving
    async def _serve(self, link: Link[ToExchange]) -> None:
        room = asyncio.Semaphore(MOST_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    message = await link.receive()
                    if isinstance(message, Submit):
                        await room.acquire()
                        group.create_task(self._submit(link, message, room))
                    elif not self._tell(link, message):
                        return
            except LinkError as error:
                log.info("control.edge_left", reason=str(error))
            finally:
                self._followers.pop(link, None)

    def _tell(self, link: Link[ToExchange], message: Follow | ReadFigures) -> bool:
        """Answer what needs no decision; return whether the link goes on."""
        if isinstance(message, ReadFigures):
            link.send(self._figures(message))
            return True
        if message.version != CONTROL_VERSION:
            text = f"the exchange speaks control version {CONTROL_VERSION}"
            link.send(Refused(f"{text}, not {message.version}: start both from the same release"))
            return False
        self._flush()
        link.send(self._health())
        for tenant in self._exchange.tenants if self._exchange else ():
            feed = self._feed(tenant)
            if feed is not None:
                for changes in feed.reset():
                    link.send(changes)
        self._followers[link] = None
        return True

    def _figures(self, message: ReadFigures) -> Figures:
        feed = self._feeds.get(message.tenant)
        figures = Figures(
            request=message.request,
            decisions=self._decisions.read(),
            commits=self._commits.read(),
        )
        if feed is None:
            return figures
        return Figures(
            request=message.request,
            calls=feed.counter.read(),
            decisions=figures.decisions,
            commits=figures.commits,
        )

    async def _submit(
        self, link: Link[ToExchange], message: Submit, room: asyncio.Semaphore
    ) -> None:
        try:
            await self._decide(message)
            answer = Answer(request=message.request)
        except AppError as error:
            details = {name: str(value) for name, value in error.details.items()}
            answer = Answer(
                request=message.request, code=error.code, text=error.message, details=details
            )
        finally:
            room.release()
        try:
            link.send(answer)
        except LinkError as error:
            log.info("control.answer_unsent", reason=str(error))

    async def _decide(self, message: Submit) -> None:
        exchange = self._exchange
        book = self._answers.get(message.tenant)
        if exchange is None or book is None:
            raise NotFound("there is no such tenant")
        if not exchange.is_journal_writable:
            raise StorageError("the journal cannot be written now; nothing was done")

        async def decide() -> None:
            key = journal_key(message.key, message.command, self._clock.utc())
            await exchange.submit(message.tenant, Input(message.command, key))

        await book.answer(message.key, message.command, decide)
        log.info(
            "control.command_done",
            tenant=message.tenant,
            command=type(message.command).__name__,
            subject=message.subject,
        )
