# SPDX-License-Identifier: Apache-2.0
"""The running exchange: tenants' writers on one side, call drivers on the other.

Facts of a driver are taken in order, turned into commands of their tenants, and
acknowledged when everything before them is durable. Effects of durable decisions go to
the driver as orders. At start and after every reconnect the driver lists its legs and
each tenant reconciles; until then nothing is sent. While the journal cannot be written
the drivers are let go: they hold their calls and treat new ones by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from centralino.core.interactions import effects
from centralino.core.interactions.commands import AnyCallCommand, LegView, ReconcileLegs
from centralino.core.kernel.errors import AppError, NotFound, RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, RecordingId, TenantId
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange import facts, orders
from centralino.exchange.cursor import FactCursor, key_of
from centralino.exchange.errands import Errands, Helpers
from centralino.exchange.missing_phones import MissingPhones
from centralino.exchange.outbox import Outbox
from centralino.exchange.tenant import CommitTimes, Input, Listener, TenantWriter
from centralino.exchange.translation import failed_order, to_command, to_order, to_view

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.turn import Decision
    from centralino.exchange.ports import CallControlPort, ClockPort, JournalPort
    from centralino.exchange.snapshot import Snapshots
    from centralino.exchange.snapshotting import SnapshotKeeper

log = structlog.get_logger(__name__)

MOST_ALARMS = 1000
_ENDINGS = (
    orders.RecordStop,
    orders.HangUp,
    orders.CancelInvite,
    orders.StopPlay,
    orders.StopCollect,
)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How snapshots are kept: where restarts find them, and who asks for new ones."""

    snapshots: Snapshots
    keeper: SnapshotKeeper


@dataclass(frozen=True, slots=True)
class Observer:
    """Who wants to see what becomes durable, and alarms."""

    on_decision: Callable[[TenantId, Decision], None] = lambda tenant, decision: None
    on_alarm: Callable[[facts.Alarm], None] = lambda alarm: None
    on_trunk: Callable[[facts.TrunkState], None] = lambda state: None
    on_commit: Callable[[CommitTimes], None] = lambda times: None
    on_recovered: Callable[[TenantId, Sequence[str]], None] = lambda tenant, keys: None
    """A tenant is back, with the keys of the inputs that its journal holds."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A batch of facts on its way into the journal."""

    decided: Sequence[asyncio.Future[None]]
    """One for each tenant it concerns."""
    highest: Mapping[int, int]
    """Generation to the highest fact of it."""

    @property
    def is_durable(self) -> bool:
        """Whether every tenant has written, or refused, its part."""
        return all(done.done() for done in self.decided)


class Exchange:
    """Runs tenants on one call driver; ``run`` until cancelled."""

    def __init__(  # noqa: PLR0913 - the ports it works with
        self,
        *,
        driver: CallControlPort,
        driver_name: str,
        journal: JournalPort,
        clock: ClockPort,
        observer: Observer | None = None,
        helpers: Helpers | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.tenants: dict[TenantId, TenantWriter] = {}
        self.alarms: dict[tuple[str, str], facts.Alarm] = {}
        """Alarms in force, by (code, trunk or tenant)."""
        self.trunks: dict[str, str] = {}
        """Trunk to its last reported state."""
        self._driver = driver
        self._driver_name = driver_name
        self._journal = journal
        self._clock = clock
        self._keeping = keeping
        self._observer = observer or Observer()
        self._outbox = Outbox(driver)
        self._errands = Errands(helpers or Helpers(), submit=self.submit, request=self._request)
        self._cursor = FactCursor()
        self._deliveries: deque[_Delivery] = deque()
        """Batches of facts not yet durable, oldest first."""
        self._missing_phones = MissingPhones()
        self._leg_tenants: dict[LegId, TenantId] = {}
        self._recording_tenants: dict[RecordingId, TenantId] = {}
        self._listing = OrderId("")
        """The listing of legs that is awaited; no other is true now."""
        self._unwritable: set[str] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self.attached = asyncio.Event()
        """Set while the driver is attached and its legs are reconciled."""

    async def run(self, configurations: Mapping[TenantId, TenantConfiguration]) -> None:
        """Recover each tenant, bring its configuration into force, and work.

        Raises:
            StorageError: the journal cannot be read.
            InvalidInput, Conflict: a configuration is refused.
            VersionConflict: another exchange writes the journal, or has taken it over.
        """
        for tenant in configurations:
            await self._journal.own(tenant)
            self._recover(tenant)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._journal.guard())
            if self._keeping is not None:
                group.create_task(self._keeping.keeper.run())
            self._errands.start(group)
            for writer in self.tenants.values():
                group.create_task(writer.run())
            for tenant, configuration in configurations.items():
                present = self.tenants[tenant].engine.state.configuration
                if present is not None and present.is_applied and not configuration.is_applied:
                    continue
                command = ConfigureTenant(configuration=configuration)
                await self.tenants[tenant].submit([Input(command)])
            group.create_task(self._serve_driver())

    @property
    def is_journal_writable(self) -> bool:
        """Whether what is decided now becomes durable now."""
        return self._writable.is_set()

    async def submit(self, tenant: TenantId, item: Input) -> None:
        """Have a command decided; returns when it is durable.

        Raises:
            NotFound: there is no such tenant; and what ``TenantWriter.submit`` raises.
        """
        if tenant not in self.tenants:
            raise NotFound(f"there is no tenant {tenant}")
        await self.tenants[tenant].submit([item])

    # ------------------------------------------------------------------- recovery
    def _recover(self, tenant: TenantId) -> None:
        writer = TenantWriter(
            tenant,
            journal=self._journal,
            clock=self._clock,
            listener=Listener(
                on_decision=self._carry_out,
                on_storage=lambda problem: self._note_storage(tenant, problem),
                on_commit=lambda times: self._note_commit(tenant, times),
            ),
            snapshots=self._keeping.snapshots if self._keeping else None,
        )
        keys = writer.recover()
        self._cursor.recover(keys)
        index, state = writer.engine.index, writer.engine.state
        for leg in (*index.customer_legs, *index.agent_legs, *index.party_legs):
            self._leg_tenants[leg] = tenant
        for recording in (*state.recordings, *state.voicemails):
            self._recording_tenants[recording] = tenant
        self.tenants[tenant] = writer
        if self._keeping is not None:
            self._keeping.keeper.begin(tenant, writer.snapshot_sequence)
        self._observer.on_recovered(tenant, keys)
        log.info("tenant.recovered", tenant=tenant, sequence=state.sequence)

    def _note_commit(self, tenant: TenantId, times: CommitTimes) -> None:
        self._observer.on_commit(times)
        if self._keeping is not None:
            self._keeping.keeper.note(tenant, self.tenants[tenant].engine.state.sequence)

    # --------------------------------------------------------------------- driver
    async def _serve_driver(self) -> None:
        while True:
            await self._writable.wait()
            generation = await self._driver.attach()
            log.info("driver.attached", driver=self._driver_name, generation=generation)
            try:
                name = OrderId(f"list:{self._clock.utc()}")
                self._listing = name
                self._driver.submit([orders.ListLegs(order=name, leg=LegId(""))])
                while True:
                    await self._take(await self._driver.next_facts())
            except RemoteUnavailable as error:
                log.warning("driver.lost", driver=self._driver_name, reason=error.message)
            finally:
                self.attached.clear()
                self._outbox.hold()

    async def _take(self, batch: Sequence[facts.AnyFact]) -> None:
        """Have a batch of facts decided; it is acknowledged when it is durable."""
        inputs: dict[TenantId, list[Input]] = {}
        for fact in batch:
            if not self._cursor.take(self._driver_name, fact):
                continue
            if isinstance(fact, facts.LegsListed):
                if fact.order != self._listing:
                    continue  # what was so when an earlier exchange asked
                await self._post(inputs, {})
                inputs = {}
                await self._all_durable()
                await self._reconcile(fact)
                continue
            self._note(fact)
            command = self._command(fact)
            tenant = self._tenant_of(fact)
            if command is None:
                continue
            if tenant is None or tenant not in self.tenants:
                self._refuse_stranger(fact)
                continue
            inputs.setdefault(tenant, []).append(Input(command, key_of(self._driver_name, fact)))
        highest: dict[int, int] = {}
        for fact in batch:
            highest[fact.generation] = max(fact.fact, highest.get(fact.generation, 0))
        await self._post(inputs, highest)

    async def _post(
        self, inputs: Mapping[TenantId, list[Input]], highest: Mapping[int, int]
    ) -> None:
        """Have inputs decided; ``highest`` is acknowledged when they are durable."""
        decided = [
            await self.tenants[tenant].post(items, is_patient=True)
            for tenant, items in inputs.items()
        ]
        self._deliveries.append(_Delivery(decided, highest))
        for done in decided:
            done.add_done_callback(self._acknowledge)
        if not decided:
            self._acknowledge()

    async def _all_durable(self) -> None:
        """Wait for everything that was posted: what came of it has its effects in the outbox."""
        waiting = [done for delivery in self._deliveries for done in delivery.decided]
        if waiting:
            await asyncio.wait(waiting)

    def _acknowledge(self, _: asyncio.Future[None] | None = None) -> None:
        """Acknowledge every batch that is durable with all before it."""
        while self._deliveries and self._deliveries[0].is_durable:
            delivery = self._deliveries.popleft()
            for done in delivery.decided:
                error = None if done.cancelled() else done.exception()
                if isinstance(error, AppError):
                    log.warning("exchange.fact_refused", code=error.code, reason=error.message)
            with contextlib.suppress(RemoteUnavailable):
                # A driver that went away sends again what it does not know to be durable.
                for generation, number in delivery.highest.items():
                    self._driver.acknowledge(generation, number)

    async def _reconcile(self, listed: facts.LegsListed) -> None:
        held = set(self._outbox.held_invitations())
        views: dict[TenantId, list[LegView]] = {tenant: [] for tenant in self.tenants}
        for status in listed.legs:
            tenant = self._leg_tenants.get(status.leg, status.tenant)
            if tenant in views:
                views[tenant].append(to_view(status))
        for leg in held:
            tenant = self._leg_tenants[leg]
            views[tenant].append(LegView(leg, "inviting"))
        for tenant, legs in views.items():
            command = ReconcileLegs(legs=tuple(legs))
            await self.tenants[tenant].submit([Input(command)])
        self._outbox.release()
        self.attached.set()

    def _command(self, fact: facts.AnyFact) -> AnyCallCommand | None:
        failed = self._outbox.confirm(fact)
        if isinstance(fact, facts.OrderFailed):
            self._note_failure(fact, failed)
            if isinstance(failed, orders.Bridge):
                name = OrderId(f"{failed.order}:undo")
                self._request([orders.HangUp(order=name, leg=fact.leg)])
            return None if failed is None else failed_order(failed)
        return to_command(fact)

    @staticmethod
    def _note_failure(fact: facts.OrderFailed, failed: orders.AnyOrder | None) -> None:
        """Log an order that failed; that what is to be ended has ended already is no news."""
        if isinstance(failed, _ENDINGS):
            log.debug("order.was_needless", order=fact.order, leg=fact.leg, code=fact.code)
        else:
            log.warning("order.failed", order=fact.order, leg=fact.leg, code=fact.code)

    def _tenant_of(self, fact: facts.AnyFact) -> TenantId | None:
        match fact:
            case facts.Offered():
                self._leg_tenants[fact.leg] = fact.tenant
                return fact.tenant
            case facts.RecordingReady():
                return self._recording_tenants.pop(fact.recording, None)
            case facts.Ended():
                return self._leg_tenants.pop(fact.leg, None)
            case _:
                return self._leg_tenants.get(fact.leg)

    def _refuse_stranger(self, fact: facts.AnyFact) -> None:
        """End a live leg that no tenant of ours knows."""
        if isinstance(fact, facts.Offered):
            name = OrderId(f"stranger:{fact.generation}:{fact.fact}")
            cause = orders.RejectCause.NOT_FOUND
            self._request([orders.Reject(order=name, leg=fact.leg, cause=cause)])
        elif isinstance(fact, facts.Answered):
            name = OrderId(f"stranger:{fact.generation}:{fact.fact}")
            self._request([orders.HangUp(order=name, leg=fact.leg)])

    def _note(self, fact: facts.AnyFact) -> None:
        if isinstance(fact, facts.Alarm):
            self._raise_alarm(fact)
        elif isinstance(fact, facts.TrunkState):
            self.trunks[fact.trunk] = fact.state
            self._observer.on_trunk(fact)
            log.info("trunk.changed", trunk=fact.trunk, state=fact.state, reason=fact.reason)

    # -------------------------------------------------------------------- effects
    def _carry_out(self, tenant: TenantId, decision: Decision) -> None:
        batch: list[orders.AnyOrder] = []
        for number, effect in enumerate(decision.effects, start=1):
            name = OrderId(f"{tenant}:{decision.sequence}:{number}")
            match effect:
                case effects.RequestLookup():
                    self._errands.look_up(tenant, effect)
                    continue
                case effects.SendMail():
                    self._errands.mail(tenant, effect)
                    continue
                case effects.PlaySounds():
                    self._errands.speak(tenant, name, effect)
                    continue
                case effects.RingAgent() | effects.RingParty():
                    self._leg_tenants[effect.leg] = tenant
                case effects.StartRecording():
                    self._recording_tenants[effect.recording] = tenant
                case _:
                    pass
            order = to_order(effect, name, tenant)
            if not self._errands.hold_back(order):
                batch.append(order)
        self._request(batch)
        hint = self._missing_phones.take(tenant, decision)
        if hint is not None:
            self._raise_alarm(hint)
        self._observer.on_decision(tenant, decision)

    def _request(self, batch: Sequence[orders.AnyOrder]) -> None:
        try:
            self._outbox.request(batch)
        except RemoteUnavailable as error:
            log.warning("driver.lost", driver=self._driver_name, reason=error.message)

    # --------------------------------------------------------------------- alarms
    def _note_storage(self, tenant: TenantId, problem: str) -> None:
        alarm = facts.Alarm(
            leg=LegId(""),
            at=self._clock.utc(),
            code="journal-unwritable",
            text=problem or "the journal can be written again",
            trunk=tenant,
            is_cleared=not problem,
        )
        self._raise_alarm(alarm)
        if problem:
            self._unwritable.add(tenant)
            self._writable.clear()
            self._driver.detach()
            self._outbox.hold()
        else:
            self._unwritable.discard(tenant)
            if not self._unwritable:
                self._writable.set()

    def _raise_alarm(self, alarm: facts.Alarm) -> None:
        name = (alarm.code, alarm.trunk)
        if alarm.is_cleared:
            self.alarms.pop(name, None)
        elif len(self.alarms) < MOST_ALARMS:
            self.alarms[name] = alarm
        log.warning("alarm", code=alarm.code, is_cleared=alarm.is_cleared, trunk=alarm.trunk)
        self._observer.on_alarm(alarm)
