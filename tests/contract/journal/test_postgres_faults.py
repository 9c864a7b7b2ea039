# SPDX-License-Identifier: Apache-2.0
"""What becomes of the journal in PostgreSQL when writers, ways and the server fail.

Held throughout: what was acknowledged is there once, nothing is stored under an epoch that
is over, and whoever is refused is told what to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.postgres import PostgresJournal, PostgresReader
from centralino.adapters.journal.postgres_database import Place
from centralino.adapters.journal.postgres_snapshots import PostgresSnapshots
from centralino.core.kernel.errors import ConfigError, Conflict, StorageError, VersionConflict
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange.link.stream import pause
from centralino.exchange.recovery import recover, take_snapshot
from centralino.exchange.replay import replay
from centralino.exchange.snapshot import Snapshots
from centralino.exchange.tenant import Input, Listener, TenantWriter
from tests.contract.journal.journal_cases import ACME, record, write
from tests.kit.cutting_proxy import CuttingProxy
from tests.kit.postgres import running_postgres
from tests.replay.test_journals import JOURNALS, load
from tests.unit.core.company import company

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.postgres import PostgresServer

pytestmark = pytest.mark.contract

LONG_S = 600.0
"""A lease that no test waits for."""
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as found:
        yield found


@pytest.fixture
def place(server: PostgresServer) -> Place:
    return Place(server.dsn, f"f{next(_numbers)}", 5.0)


def opened(place: Place, lease_s: float = LONG_S, take_over_s: float = 0.0) -> PostgresJournal:
    return PostgresJournal(place, lease_s=lease_s, take_over_s=take_over_s)


def expire(server: PostgresServer, place: Place) -> None:
    """Let the lease run out as if its owner had given no sign of life for long."""
    server.ask(f"UPDATE {place.schema}.lease SET expires_at = now() - interval '1 s'")


def require_one_history(server: PostgresServer, place: Place, acknowledged: int) -> None:
    """Hold that records follow each other, epochs never fall, and nothing acknowledged lacks."""
    table = f"{place.schema}.record"
    rows = server.ask(f"SELECT sequence, epoch FROM {table} ORDER BY sequence").split()
    found = [tuple(map(int, row.split("|"))) for row in rows]
    assert [sequence for sequence, _ in found] == list(range(1, len(found) + 1))
    assert len(found) >= acknowledged
    epochs = [epoch for _, epoch in found]
    assert epochs == sorted(epochs), "a record of an epoch that was over"
    keys = server.ask(f"SELECT count(*) - count(DISTINCT key) FROM {table} WHERE key <> ''")
    assert keys == "0"


# --------------------------------------------------------------------------- who may write
def test_a_tenant_that_somebody_writes_is_refused_with_his_name(place: Place) -> None:
    with closing(opened(place)) as first, closing(opened(place)) as second:
        asyncio.run(write(first, record(1)))
        with pytest.raises(Conflict, match=rf"acme is written by .*/{os.getpid()}; it is taken"):
            asyncio.run(second.own(ACME))
        with pytest.raises(VersionConflict, match="stand by"):
            asyncio.run(second.append([record(2)]))
        asyncio.run(first.append([record(2)]))
        assert second.last_sequence(ACME) == 2


def test_one_that_is_closed_gives_its_tenants_back_at_once(place: Place) -> None:
    with closing(opened(place)) as first:
        asyncio.run(write(first, record(1)))
    with closing(opened(place)) as second:
        asyncio.run(write(second, record(2)))
        assert [kept.sequence for kept in second.read(ACME)] == [1, 2]
    with pytest.raises(StorageError, match="closed"):
        asyncio.run(first.append([record(3)]))


def test_who_is_taken_over_is_refused_and_told(server: PostgresServer, place: Place) -> None:
    async def guarded(journal: PostgresJournal) -> BaseException:
        watching = asyncio.ensure_future(journal.guard())
        with pytest.raises(VersionConflict, match="another exchange writes the tenant acme"):
            await journal.append([record(2)])
        (told,) = await asyncio.gather(watching, return_exceptions=True)
        assert isinstance(told, BaseException)
        return told

    with closing(opened(place)) as old, closing(opened(place)) as new:
        asyncio.run(write(old, record(1)))
        expire(server, place)
        asyncio.run(write(new, record(2, key="of the new one")))
        assert isinstance(asyncio.run(guarded(old)), VersionConflict)
        asyncio.run(new.append([record(3)]))
    require_one_history(server, place, 3)


def test_an_idle_owner_learns_from_his_own_sign_of_life(
    server: PostgresServer, place: Place
) -> None:
    with closing(opened(place, lease_s=1.0)) as old, closing(opened(place)) as new:
        asyncio.run(write(old, record(1)))
        server.ask(f"UPDATE {place.schema}.lease SET owner = NULL")
        asyncio.run(new.own(ACME))
        with pytest.raises(VersionConflict, match="another exchange"):
            asyncio.run(asyncio.wait_for(old.guard(), 10))


def test_takeovers_under_load_leave_one_history(server: PostgresServer, place: Place) -> None:
    acknowledged: set[int] = set()

    async def write_on(journal: PostgresJournal, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            with contextlib.suppress(Conflict):
                await journal.own(ACME)
                sequence = journal.last_sequence(ACME)
                while not is_over.is_set():
                    sequence += 1
                    await journal.append([record(sequence, key=f"{id(journal)}/{sequence}")])
                    acknowledged.add(sequence)

    async def contend(journals: list[PostgresJournal]) -> None:
        is_over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for journal in journals:
                group.create_task(write_on(journal, is_over))
            for _ in range(12):
                await pause(0.08)
                await asyncio.to_thread(expire, server, place)
            is_over.set()

    with contextlib.ExitStack() as stack:
        journals = [stack.enter_context(closing(opened(place))) for _ in range(3)]
        asyncio.run(contend(journals))
    require_one_history(server, place, max(acknowledged))
    taken = int(server.ask(f"SELECT epoch FROM {place.schema}.lease"))
    assert taken > 4, "hardly anybody took over"


@contextlib.contextmanager
def writer(place: Place, lease_s: float) -> Iterator[subprocess.Popen[str]]:
    """Run a writer in a process of its own."""
    module = "tests.contract.journal.postgres_writer"
    with subprocess.Popen(
        [sys.executable, "-m", module, place.dsn, place.schema, str(lease_s)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_owner_is_followed_before_its_lease_is_over(
    server: PostgresServer, place: Place
) -> None:
    with writer(place, LONG_S) as first:
        assert first.stdout is not None
        said = [first.stdout.readline() for _ in range(20)]
        first.kill()
        said += first.stdout.read().splitlines(keepends=True)
    acknowledged = int([line for line in said if line.endswith("\n")][-1])
    with closing(opened(place, take_over_s=20)) as second:
        asyncio.run(second.own(ACME))
        last = second.last_sequence(ACME)
        assert acknowledged <= last <= acknowledged + 1
        asyncio.run(second.append([record(last + 1)]))
    require_one_history(server, place, last + 1)


def test_a_frozen_owner_is_followed_by_time_and_stores_nothing_afterwards(
    server: PostgresServer, place: Place
) -> None:
    with writer(place, 1.0) as first:
        assert first.stdout is not None
        for _ in range(10):
            first.stdout.readline()
        first.send_signal(signal.SIGSTOP)
        with closing(opened(place, take_over_s=20)) as second:
            asyncio.run(second.own(ACME))
            last = second.last_sequence(ACME)
            asyncio.run(second.append([record(last + 1), record(last + 2)]))
            first.send_signal(signal.SIGCONT)
            assert first.stdout.read().splitlines()[-1] == "fenced"
            assert second.last_sequence(ACME) == last + 2
    require_one_history(server, place, last + 2)


# ----------------------------------------------------------------------- the way to it
def test_a_connection_cut_after_the_commit_does_not_store_it_twice(
    server: PostgresServer, place: Place
) -> None:
    with CuttingProxy(server.port) as proxy:
        dsn = server.dsn.replace(str(server.port), str(proxy.port))
        with closing(opened(through(place, dsn))) as journal:
            asyncio.run(write(journal, record(1)))
            batch = [record(2, key="a"), record(3, key="b")]
            proxy.cut_after(b"of the cut")
            doubtful = [*batch, record(4, key="of the cut")]
            with pytest.raises(StorageError, match="does not answer"):
                asyncio.run(journal.append(doubtful))
            assert proxy.cuts == 1
            assert server.ask(f"SELECT count(*) FROM {place.schema}.record") == "4"
            asyncio.run(journal.append(doubtful))
            asyncio.run(journal.append([record(5)]))
    require_one_history(server, place, 5)


def test_a_connection_cut_before_the_commit_stores_it_at_the_next_try(
    server: PostgresServer, place: Place
) -> None:
    with closing(opened(place)) as journal:
        asyncio.run(write(journal, record(1)))
        server.ask(
            f"""
            CREATE TABLE {place.schema}.cut (n int);
            CREATE FUNCTION {place.schema}.cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;
            END $$;
            CREATE TRIGGER cut BEFORE INSERT ON {place.schema}.record FOR EACH ROW
                WHEN (NEW.sequence = 3) EXECUTE FUNCTION {place.schema}.cut();
            """
        )
        with pytest.raises(StorageError, match="does not answer"):
            asyncio.run(journal.append([record(2), record(3)]))
        assert journal.last_sequence(ACME) == 1
        server.ask(f"DROP TRIGGER cut ON {place.schema}.record")
        asyncio.run(journal.append([record(2), record(3)]))
    require_one_history(server, place, 3)


def test_other_records_than_those_in_doubt_are_refused(
    server: PostgresServer, place: Place
) -> None:
    with CuttingProxy(server.port) as proxy:
        dsn = server.dsn.replace(str(server.port), str(proxy.port))
        with closing(opened(through(place, dsn))) as journal:
            asyncio.run(write(journal, record(1)))
            proxy.cut_after(b"of the cut")
            with pytest.raises(StorageError):
                asyncio.run(journal.append([record(2, key="of the cut")]))
            with pytest.raises(VersionConflict):
                asyncio.run(journal.append([record(2, key="another")]))
    require_one_history(server, place, 2)


def test_signs_of_life_go_on_over_a_new_connection(server: PostgresServer, place: Place) -> None:
    async def live(journal: PostgresJournal) -> str:
        await write(journal, record(1))
        sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
        ended = await asyncio.to_thread(server.ask, sql)
        before = await asyncio.to_thread(expires)
        while await asyncio.to_thread(expires) <= before:
            await pause(0.05)
        await journal.append([record(2)])
        return ended

    def expires() -> str:
        return server.ask(f"SELECT expires_at FROM {place.schema}.lease")

    with closing(opened(place, lease_s=2.0)) as journal:
        assert int(asyncio.run(live(journal))) >= 1


# --------------------------------------------------------------------------- the server
def test_a_server_that_is_gone_is_said_and_nothing_is_lost(
    server: PostgresServer, place: Place
) -> None:
    with closing(opened(place)) as journal:
        asyncio.run(write(journal, record(1)))
        server.stop()
        for _ in range(3):
            with pytest.raises(StorageError, match=r"does not answer \(.*\); start it"):
                asyncio.run(journal.append([record(2, key="k")]))
        with pytest.raises(StorageError, match="does not answer"):
            opened(place)
        server.start()
        asyncio.run(journal.append([record(2, key="k")]))
        asyncio.run(journal.append([record(3)]))
    require_one_history(server, place, 3)


def test_a_server_that_stands_still_leaves_a_doubt_that_is_settled(
    server: PostgresServer, place: Place
) -> None:
    quick = Place(place.dsn, place.schema, 0.3)
    with closing(opened(quick)) as journal:
        asyncio.run(write(journal, record(1)))
        server.freeze()
        for _ in range(3):
            with pytest.raises(StorageError, match="no answer in time"):
                asyncio.run(journal.append([record(2, key="k")]))
        server.thaw()

        async def go_on() -> None:
            for _ in range(100):
                with contextlib.suppress(StorageError):
                    await journal.append([record(2, key="k")])
                    return
                await pause(0.1)

        asyncio.run(go_on())
        asyncio.run(journal.append([record(3)]))
    require_one_history(server, place, 3)


def test_a_writer_waits_out_the_absence_and_answers_then(
    server: PostgresServer, place: Place
) -> None:
    told: list[str] = []

    async def run(journal: PostgresJournal) -> tuple[bool, TenantWriter]:
        tenant = company().tenant
        await journal.own(tenant)
        listener = Listener(on_decision=lambda tenant, decision: None, on_storage=told.append)
        writer = TenantWriter(tenant, journal=journal, clock=SystemClock(), listener=listener)
        writer.recover()
        running = asyncio.ensure_future(writer.run())
        await asyncio.to_thread(server.stop)
        asking = asyncio.ensure_future(
            writer.submit([Input(ConfigureTenant(configuration=company()), "configured")])
        )
        while not told:
            await pause(0.02)
        was_answered = asking.done()
        await asyncio.to_thread(server.start)
        await asking
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return was_answered, writer

    with closing(opened(place)) as journal:
        was_answered, one = asyncio.run(run(journal))
        assert not was_answered
        assert "does not answer" in told[0]
        assert told[1:] == [""]
        report = replay(journal, one.tenant)
        assert report.is_identical
        assert report.state_hash == one.engine.state_hash()


def test_a_server_that_would_forget_is_refused(server: PostgresServer, place: Place) -> None:
    server.ask("ALTER SYSTEM SET fsync = off")
    server.stop("fast")
    server.start()
    try:
        with pytest.raises(ConfigError, match="fsync off"):
            opened(place)
    finally:
        server.ask("ALTER SYSTEM RESET fsync")
        server.stop("fast")
        server.start()


# ------------------------------------------------------------------------------ secrets
@pytest.mark.parametrize("dsn", ["{0}-none", "postgresql://u:hidden-word@[", "hidden-word", ""])
def test_the_connection_string_is_never_shown(server: PostgresServer, dsn: str) -> None:
    place = Place(dsn.format(server.dsn.replace("not-asked-for", "hidden-word")))
    with pytest.raises((ConfigError, StorageError)) as refused:
        opened(place)
    for text in (repr(place), str(refused.value), repr(refused.value.details)):
        assert "hidden-word" not in text
    assert refused.value.__cause__ is None


# ---------------------------------------------------------------------------- snapshots
def test_snapshots_lie_in_the_database_and_are_thinned(place: Place) -> None:
    golden = load(JOURNALS / "flow-hour-2.jsonl")
    records = list(golden.read(ACME))
    with closing(opened(place)) as journal:
        snapshots = Snapshots(PostgresSnapshots(place, most=3), "code-1")
        for start in range(0, len(records), 18):
            asyncio.run(write(journal, *records[start : start + 18]))
            assert take_snapshot(ACME, journal, snapshots) is not None
        with closing(PostgresReader(place)) as reader:
            full, _ = recover(ACME, reader)
            quick, _ = recover(ACME, reader, snapshots)
        assert (quick.since, quick.records) == (len(records), 0)
        assert quick.engine.state_hash() == full.engine.state_hash()
        assert len(snapshots.store.headers(ACME)) == 3


def test_a_damaged_snapshot_in_the_database_is_ignored(
    server: PostgresServer, place: Place
) -> None:
    golden = load(JOURNALS / "flow-hour-2.jsonl")
    with closing(opened(place)) as journal:
        asyncio.run(write(journal, *golden.read(ACME)))
        snapshots = Snapshots(PostgresSnapshots(place, most=3), "code-1")
        assert take_snapshot(ACME, journal, snapshots) is not None
        server.ask(f"UPDATE {place.schema}.snapshot SET state = state || 'x'")
        assert recover(ACME, journal, snapshots)[0].since == 0
        server.ask(f"UPDATE {place.schema}.snapshot SET header = 'x'")
        assert snapshots.store.headers(ACME) == []


def through(place: Place, dsn: str) -> Place:
    return Place(dsn, place.schema, place.timeout_s)
