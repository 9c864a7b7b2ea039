# SPDX-License-Identifier: Apache-2.0
"""The single writer of one tenant: inputs in, durable decisions out.

One mailbox, one engine, one sequence. Inputs are decided one after the other, their
records made durable together, and only then are effects released and callers answered.
While the journal cannot be written nothing is answered: the same records are tried
again until they are durable, and whoever listens is told. A decision without effects that
nobody waits for may join the next commit, so that the disk is not written for it alone; what
has not been written yet is repeated by whoever sent it. The one timer of the tenant is the
wait for its mailbox.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from centralino.core.kernel.errors import (
    AppError,
    Bug,
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    StorageError,
)
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.commands import Command, Tick
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import encode, events_of
from centralino.exchange.link.stream import pause
from centralino.exchange.ports import ClockPort, JournalPort, JournalRecord
from centralino.exchange.recovery import recover

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.turn import Decision
    from centralino.exchange.snapshot import Snapshots

log = structlog.get_logger(__name__)

MOST_MAIL = 10_000
"""Mails that wait; a sender past that waits to put his."""
MOST_MAIL_PER_COMMIT = 256
RETRY_STORAGE_S = 0.5
PATIENCE_NS = 50_000_000
"""How long a decision that can wait waits for the next commit."""

_FAULTS = (AppError, LookupError, TypeError, ValueError, AssertionError, AttributeError)
_REFUSALS = (Conflict, InvalidInput, NotFound)


@dataclass(frozen=True, slots=True)
class Input:
    """One command and its idempotency key."""

    command: Command
    key: str = ""
    """Empty for inputs of our own, which cannot come twice."""


@dataclass(slots=True)
class _Mail:
    inputs: Sequence[Input]
    done: asyncio.Future[None]
    is_patient: bool = False
    refusal: AppError | None = None


class _Mailbox:
    """Mails that wait for the one reader, oldest first."""

    def __init__(self) -> None:
        self._mails: deque[_Mail] = deque()
        self._news: asyncio.Future[None] | None = None
        """What the reader waits for."""
        self._room = asyncio.Event()

    async def put(self, mail: _Mail) -> None:
        """Add a mail, as soon as there is room."""
        while len(self._mails) >= MOST_MAIL:
            self._room.clear()
            await self._room.wait()
        self._mails.append(mail)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def take(self, longest_s: float | None) -> list[_Mail]:
        """Return the mails of one commit, none when the time is over first."""
        if not self._mails:
            await self._wait(longest_s)
        count = min(len(self._mails), MOST_MAIL_PER_COMMIT)
        self._room.set()
        return [self._mails.popleft() for _ in range(count)]

    async def _wait(self, longest_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        news = self._news = loop.create_future()
        timer = None if longest_s is None else loop.call_later(longest_s, _end_wait, news)
        try:
            await news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()


def _end_wait(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


@dataclass(slots=True)
class _Group:
    """What becomes durable with one commit."""

    mails: list[_Mail] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    records: list[JournalRecord] = field(default_factory=list)
    decided_for: int = 0
    due_at: int | None = None
    """When it is committed at last, if it waits; monotonic nanoseconds."""

    def may_wait(self, now: int) -> bool:
        """Whether nothing depends on its commit yet."""
        if not self.records or any(decision.effects for decision in self.decisions):
            return False
        if not all(mail.is_patient for mail in self.mails):
            return False
        if self.due_at is None:
            self.due_at = now + PATIENCE_NS
        return now < self.due_at


@dataclass(frozen=True, slots=True)
class CommitTimes:
    """What one group of inputs cost, in nanoseconds."""

    decided_for: int
    stored_for: int
    """Until the records were durable."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what the writer does."""

    on_decision: Callable[[TenantId, Decision], None]
    """A decision is durable: carry out its effects."""
    on_storage: Callable[[str], None]
    """The journal cannot be written (why), or can again (empty)."""
    on_commit: Callable[[CommitTimes], None] = lambda times: None
    """Records are durable, and took this long."""


class TenantWriter:
    """Owns a tenant's engine; ``run`` is its one task."""

    def __init__(
        self,
        tenant: TenantId,
        *,
        journal: JournalPort,
        clock: ClockPort,
        listener: Listener,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.tenant = tenant
        self.engine = TenantEngine(tenant)
        self.snapshot_sequence = 0
        """Of the snapshot that the last recovery began with."""
        self._journal = journal
        self._clock = clock
        self._listener = listener
        self._snapshots = snapshots
        self._mailbox = _Mailbox()
        self._last_at = Instant(0)
        self._offset: int | None = None
        """What to add to the monotonic clock for the tenant's time."""

    def recover(self) -> tuple[str, ...]:
        """Rebuild the engine from the journal; return the keys of its inputs that still matter.

        Raises:
            StorageError: the journal cannot be read, is damaged, or of a newer release.
        """
        found, keys = recover(self.tenant, self._journal, self._snapshots)
        self.engine = found.engine
        self.snapshot_sequence = found.since
        self._last_at = max(found.at, self._last_at)
        return keys.keys()

    async def submit(self, inputs: Sequence[Input]) -> None:
        """Have inputs decided; returns when what came of them is durable.

        Raises:
            InvalidInput, NotFound, Conflict: an input was refused (the others were not).
        """
        await (await self.post(inputs))

    async def post(
        self, inputs: Sequence[Input], *, is_patient: bool = False
    ) -> asyncio.Future[None]:
        """Hand inputs in; the future is done, or raises as ``submit``, when all is durable.

        Args:
            inputs: decided one after the other.
            is_patient: nobody waits for the answer, and the sender repeats what gets none.
        """
        mail = _Mail(inputs, asyncio.get_running_loop().create_future(), is_patient)
        await self._mailbox.put(mail)
        return mail.done

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            VersionConflict: somebody else writes this tenant's journal; stop at once.
        """
        group = _Group()
        while True:
            mails = await self._next_mails(group.due_at)
            began = self._clock.now()
            self._decide_all(mails, group)
            decided = self._clock.now()
            group.decided_for += decided - began
            if group.may_wait(decided):
                continue
            if group.records:
                await self._persist(group.records)
                times = CommitTimes(group.decided_for, self._clock.now() - decided)
                self._listener.on_commit(times)
            self._release(group)
            group = _Group()

    def _release(self, group: _Group) -> None:
        """Let out what is durable now."""
        for decision in group.decisions:
            self._listener.on_decision(self.tenant, decision)
        for mail in group.mails:
            if mail.done.done():
                continue
            if mail.refusal is not None:
                mail.done.set_exception(mail.refusal)
            else:
                mail.done.set_result(None)

    async def _next_mails(self, due_at: int | None) -> list[_Mail]:
        """Return what has come, at the latest when the engine or a commit is due."""
        waits = [] if due_at is None else [due_at - self._clock.now()]
        deadline = self.engine.next_deadline()
        if deadline is not None:
            waits.append(deadline - self._instant())
        return await self._mailbox.take(max(0, min(waits)) / SECOND if waits else None)

    def _instant(self) -> Instant:
        """Return the tenant's time: it runs evenly and never goes back.

        It follows the monotonic clock, so that a step of the wall clock neither ends every
        wait at once nor makes one endless. A step forward is taken over when no call is there;
        one back never while the process lives.
        """
        utc, monotonic = self._clock.utc(), self._clock.now()
        if self._offset is None:
            self._offset = max(utc, self._last_at) - monotonic
        if utc > monotonic + self._offset and not self.engine.state.interactions:
            self._offset = utc - monotonic
        return Instant(max(monotonic + self._offset, self._last_at))

    def _decide_all(self, mails: Sequence[_Mail], group: _Group) -> None:
        """Decide what has come, into the group of what is committed next."""
        group.mails += mails
        now = self._instant()
        self._last_at = now
        pending = [(item, mail) for mail in mails for item in mail.inputs]
        deadline = self.engine.next_deadline()
        if deadline is not None and deadline <= now:
            pending.insert(0, (Input(Tick()), _Mail((), self._nobody())))
        for item, mail in pending:
            decision = self._decide(item, mail, now, group.records)
            if decision is not None and not decision.is_empty:
                group.decisions.append(decision)
                group.records.append(self._record(item, decision))

    def _decide(
        self, item: Input, mail: _Mail, now: Instant, records: Sequence[JournalRecord]
    ) -> Decision | None:
        try:
            return self.engine.apply(item.command, now)
        except _FAULTS as error:
            if isinstance(error, _REFUSALS) and not isinstance(error, IllegalTransition):
                mail.refusal = error
                return None
            log.exception(
                "tenant.input_failed", tenant=self.tenant, input=type(item.command).__name__
            )
            mail.refusal = Bug("an input could not be decided; it was left out")
            self._rebuild(records)
            return None

    def _rebuild(self, undurable: Sequence[JournalRecord]) -> None:
        """Forget a half-done decision: the journal's state, and what waits to join it."""
        self.recover()
        for record in undurable:
            events = events_of(record)
            self.engine.restore(record.sequence, Instant(record.at), events)
            self._last_at = Instant(record.at)

    def _record(self, item: Input, decision: Decision) -> JournalRecord:
        return JournalRecord(
            tenant=self.tenant,
            sequence=decision.sequence,
            at=decision.at,
            configuration=self.engine.state.configuration_version,
            key=item.key,
            input=encode(item.command),
            events=tuple(encode(event) for event in decision.events),
        )

    async def _persist(self, records: Sequence[JournalRecord]) -> None:
        is_told = False
        while True:
            try:
                await self._journal.append(records)
            except StorageError as error:
                if not is_told:
                    is_told = True
                    log.error("journal.unwritable", tenant=self.tenant, reason=error.message)
                    self._listener.on_storage(error.message)
                await pause(RETRY_STORAGE_S)
            else:
                break
        if is_told:
            log.warning("journal.writable_again", tenant=self.tenant)
            self._listener.on_storage("")

    @staticmethod
    def _nobody() -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future
