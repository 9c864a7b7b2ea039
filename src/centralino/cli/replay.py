# SPDX-License-Identifier: Apache-2.0
"""``centralino replay``: every tenant of a journal, decided again and compared.

With ``--against`` the recorded day meets another configuration: what would have changed, and
what of that nobody can know.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from centralino.adapters.journal.sqlite import JournalReader
from centralino.bootstrap.applying import load_tenant
from centralino.bootstrap.journals import OpenReader, open_configured_reader
from centralino.bootstrap.sources import load_settings
from centralino.core.kernel.errors import ConfigError, NotFound
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import to_iso
from centralino.core.routing.configuration import TenantConfiguration
from centralino.exchange.comparison import UNKNOWN, CallChange, Comparison, Fate, Sum, compare
from centralino.exchange.replay import replay

_NAME = "journal.sqlite3"
MOST_SHOWN = 200
"""Calls of the table; the JSON file has them all."""


def reader_of(journal: Path | None, config: Path | None) -> OpenReader:
    """Open a journal by its path, or the one that settings name.

    Raises:
        ConfigError: neither is given, or the settings are wrong.
        NotFound: there is no journal.
        StorageError: it cannot be read.
    """
    if journal is not None:
        path = journal / _NAME if journal.is_dir() else journal
        if not path.is_file():
            raise NotFound(f"there is no journal {path}")
        return JournalReader(path)
    if config is None:
        raise ConfigError("journal", "is not named", "a journal's file or directory, or --config")
    return open_configured_reader(config)


def run(
    journal: Path | None, config: Path | None, against: Path | None, json_file: Path | None
) -> int:
    """Replay a journal; return 0 when all is identical, or when what it would have been is told."""
    with closing(reader_of(journal, config)) as reader:
        if against is not None:
            return _compare(reader, against, json_file)
        reports = [replay(reader, tenant) for tenant in reader.tenants()]
    for report in reports:
        verdict = (
            "identical"
            if report.is_identical
            else f"DIFFERENT from record {report.first_difference}"
        )
        print(
            f"{report.tenant}: {report.records} inputs, {report.events} events, {verdict}, "
            f"state {report.state_hash[:16]}"
        )
    _write(json_file, reports)
    return 0 if reports and all(report.is_identical for report in reports) else 1


def _compare(reader: OpenReader, against: Path, json_file: Path | None) -> int:
    wanted = _configurations(against)
    known = [tenant for tenant in reader.tenants() if tenant in wanted]
    if not known:
        names = ", ".join(reader.tenants()) or "none"
        raise NotFound(f"{against} has no tenant of this journal, which has: {names}")
    found = [compare(reader, tenant, wanted[tenant]) for tenant in known]
    console = Console()
    for one in found:
        _show(console, one)
    _write(json_file, found)
    return 0


def _configurations(path: Path) -> dict[TenantId, TenantConfiguration]:
    """Return the tenants of a settings file, or the one of a tenant's file.

    Raises:
        ConfigError: it is neither, or wrong.
    """
    if not path.is_file():
        raise ConfigError(str(path), "there is no such file")
    tenant, faults = load_tenant(path)
    if tenant is not None:
        return {tenant.tenant: tenant}
    try:
        return {one.tenant: one for one in load_settings(path, {}).tenants}
    except ConfigError as error:
        first = next((f"{one.file}: {one.reason}" for one in faults if one.is_error), "")
        raise ConfigError(
            str(path), f"is neither a tenant's file ({first}) nor settings ({error.message})"
        ) from None


def _show(console: Console, found: Comparison) -> None:
    sums = Table("", "calls", "answered", "abandoned", "mean wait s", title=f"{found.tenant}")
    for name, group in (("was", found.was), ("would be", found.would_be)):
        for one in group:
            sums.add_row(f"{name}: {one.queue or 'all'}", *_figures(one))
    console.print(sums)
    if found.changed:
        table = Table(
            *("arrived", "called", "was", "would have been", "waited s", "not known"),
            title=f"{len(found.changed)} of {found.calls} calls would have gone otherwise",
        )
        for change in found.changed[:MOST_SHOWN]:
            table.add_row(*_row(change))
        console.print(table)
    else:
        console.print(f"None of {found.calls} calls would have gone otherwise.")
    if len(found.changed) > MOST_SHOWN:
        console.print(f"The first {MOST_SHOWN} are shown; --json has all.")
    console.print(f"Of {found.certain} of {found.calls} calls everything is known.")
    for what, count in found.assumptions.items():
        console.print(f"  {what}: {count} calls; {UNKNOWN[what]}.")
    for kind, count in (*found.unapplied.items(), *found.skipped.items()):
        console.print(f"  {count} inputs '{kind}' of the record have no counterpart here.")


def _figures(one: Sum) -> tuple[str, ...]:
    return (str(one.calls), str(one.answered), str(one.abandoned), f"{one.waited_ms / 1000:.1f}")


def _row(change: CallChange) -> tuple[str, ...]:
    then = change.would_be
    return (
        to_iso(change.arrived_at)[11:19],
        change.called_number,
        _fate(change.was),
        "would not have come in" if then is None else _fate(then),
        f"{change.was.waited_ms / 1000:.1f}"
        + ("" if then is None else f" > {then.waited_ms / 1000:.1f}"),
        ", ".join(change.unknown),
    )


def _fate(fate: Fate) -> str:
    return " ".join(part for part in (fate.result, fate.agent, fate.queue) if part)


def _write(json_file: Path | None, found: list[Any]) -> None:
    if json_file is not None:
        text = json.dumps([msgspec.to_builtins(one) for one in found], indent=2)
        json_file.write_text(text + "\n", encoding="utf-8")
