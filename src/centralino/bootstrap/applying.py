# SPDX-License-Identifier: Apache-2.0
"""Brings a tenant's file into force: in the running product, or stored for its next start.

The present configuration is read from the journal, which is what the product runs on. A
running product is found by the note it leaves in its data directory.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.journals import open_journal, open_reader, open_snapshots
from centralino.bootstrap.layout import Layout, product_prompts
from centralino.bootstrap.sources import load_settings
from centralino.core.flows.check import Judged, check_flow, check_surroundings
from centralino.core.flows.reading import Marks, Problem, Reading, read_flow
from centralino.core.kernel.errors import ConfigError, NotFound, StorageError
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange.control import ControlRequest
from centralino.exchange.control_client import LinkedControl
from centralino.exchange.difference import difference
from centralino.exchange.flow_needs import lacks
from centralino.exchange.link.stream import pause
from centralino.exchange.recovery import recover
from centralino.exchange.tenant import Input, Listener, TenantWriter
from centralino.exchange.tenant_file import (
    TenantFile,
    read_tenant_file,
    surroundings_of,
    to_configuration,
)

if TYPE_CHECKING:
    from centralino.bootstrap.settings import Settings
    from centralino.core.flows.document import Flow
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.configuration import TenantConfiguration

ANSWER_WITHIN_S = 20.0
CONNECT_WITHIN_S = 5.0
_SCRIPT = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a tenant's file or its flows."""

    file: Path
    line: int
    """From 1; 0 for the whole file."""
    reason: str
    is_error: bool = True
    """False is advice."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a file."""

    faults: tuple[Fault, ...]
    changes: tuple[str, ...] = ()
    how: str = ""
    """``planned``, ``unchanged``, ``running`` or ``stored``; empty when it was refused."""


async def apply_tenant(path: Path, config: Path, *, is_plan: bool) -> Applied:
    """Bring a tenant's file into force, or only say what it would change.

    Raises:
        ConfigError: a file is not there, or the settings have no such tenant.
        StorageError: the journal cannot be read or written.
        Conflict: callers are where the file has nothing any more.
    """
    wanted, faults = load_tenant(path)
    if wanted is None:
        return Applied(faults)
    settings = load_settings(config, os.environ)
    if wanted.tenant not in {one.tenant for one in settings.tenants}:
        raise ConfigError(str(path), f"the settings have no tenant {wanted.tenant}")
    known = {str(trunk.trunk) for trunk in settings.voice.trunks}
    for trunk in {wanted.outside_trunk, *(agent.trunk for agent in wanted.agents)} - {""}:
        if trunk not in known:
            raise ConfigError(f"{path}: trunks", f"the settings have no trunk {trunk}")
    layout = await asyncio.to_thread(_layout, settings)
    present = await asyncio.to_thread(_present, settings, layout, wanted.tenant)
    changes = difference(present, wanted)
    if is_plan or not changes:
        return Applied(faults, changes, "planned" if is_plan else "unchanged")
    running = _running(layout)
    if running is not None:
        await _submit(running, wanted)
        return Applied(faults, changes, "running")
    await _store(settings, layout, wanted)
    return Applied(faults, changes, "stored")


def _layout(settings: Settings) -> Layout:
    data_dir = Path(settings.data_dir).absolute()
    return Layout(data_dir, Path(settings.run_dir or data_dir))


def load_tenant(path: Path) -> tuple[TenantConfiguration | None, tuple[Fault, ...]]:
    """Read a tenant's file and its flows; the configuration is ``None`` when any is wrong.

    Raises:
        ConfigError: the file or the directory of its flows is not there.
    """
    reading = read_tenant_file(_read(path))
    if reading.document is None:
        return None, _faults(path, reading.problems)
    file = reading.document
    flows, faults = _load_flows(path, file, reading.marks)
    if any(fault.is_error for fault in faults):
        return None, tuple(faults)
    return to_configuration(file, flows, _prompts()), tuple(faults)


def _load_flows(
    path: Path, file: TenantFile, marks: Marks
) -> tuple[Mapping[str, Flow], list[Fault]]:
    folder = path.parent / file.flows
    if not folder.is_dir():
        raise ConfigError(str(folder), "there is no such directory", "`flows` names it")
    surroundings = surroundings_of(file, _prompts())
    faults = [*_faults(path, check_surroundings(surroundings, marks))]
    readings: dict[Path, Reading[Flow]] = {}
    for one in sorted(folder.glob("*.yaml")):
        if not one.name.endswith(_SCRIPT) and one.name != "company.yaml":
            readings[one] = read_flow(_read(one))
            faults += _faults(one, readings[one].problems)
    flows = {
        reading.document.flow: reading.document
        for reading in readings.values()
        if reading.document is not None
    }
    for one, reading in readings.items():
        if reading.document is not None:
            judged = Judged(reading.document, reading.marks, surroundings, flows)
            faults += _faults(one, check_flow(judged))
    for at, number in enumerate(file.numbers):
        if number.flow not in flows:
            reason = f"numbers.{at}.flow: there is no flow {number.flow}"
            faults.append(Fault(path, marks.line("numbers", str(at), "flow"), reason))
    for lack in lacks(flows, surroundings.numbers):
        at_node = f" at {lack.node}" if lack.node else ""
        reason = f"the number {lack.number}, flow {lack.flow}{at_node}: {lack.reason}"
        faults.append(Fault(path, marks.line("numbers"), reason))
    return flows, faults


def _faults(path: Path, problems: tuple[Problem, ...]) -> tuple[Fault, ...]:
    return tuple(
        Fault(path, one.line, f"{one.node}: {one.reason}" if one.node else one.reason, one.is_error)
        for one in problems
    )


def _prompts() -> dict[str, tuple[str, ...]]:
    """Return the prompts that come with the product, each with its languages."""
    found: dict[str, tuple[str, ...]] = {}
    for one in sorted(product_prompts().glob("*.wav")):
        name, _, language = one.stem.partition(".")
        found[name] = (*found.get(name, ()), *((language,) if language else ()))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError(str(path), "there is no such file") from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "this is not UTF-8 text") from None


def _present(settings: Settings, layout: Layout, tenant: TenantId) -> TenantConfiguration | None:
    try:
        reader = open_reader(settings.journal, layout)
    except NotFound:
        return None
    with closing(reader):
        found, _ = recover(tenant, reader, open_snapshots(settings.journal, layout))
    return found.engine.state.configuration


# --------------------------------------------------------------------- the running product
def note_running(layout: Layout) -> None:
    """Leave a note of where the running product's sockets are."""
    layout.data_dir.mkdir(parents=True, exist_ok=True)
    layout.running_note.write_text(str(layout.run_dir), encoding="utf-8")


def forget_running(layout: Layout) -> None:
    """Take the note away."""
    layout.running_note.unlink(missing_ok=True)


def _running(layout: Layout) -> Layout | None:
    """Return the layout of the running product, ``None`` when none left a note."""
    with suppress(OSError):
        run_dir = Path(layout.running_note.read_text(encoding="utf-8").strip())
        if (run_dir / layout.control_socket.name).exists():
            return Layout(layout.data_dir, run_dir)
    return None


async def _submit(layout: Layout, configuration: TenantConfiguration) -> None:
    control = LinkedControl(
        layout.control_socket, generation=time.time_ns() // 1_000_000, timeout_s=ANSWER_WITHIN_S
    )
    request = ControlRequest(
        tenant=configuration.tenant,
        key=uuid.uuid4().hex,
        subject="centralino apply",
        command=ConfigureTenant(configuration=configuration),
    )
    async with asyncio.TaskGroup() as group:
        link = group.create_task(control.run())
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                while control.health is None:
                    await pause(0.02)
            await control.submit(request)
        except TimeoutError:
            raise StorageError("the running product does not answer; nothing was done") from None
        finally:
            link.cancel()


async def _store(settings: Settings, layout: Layout, configuration: TenantConfiguration) -> None:
    """Write a configuration into the journal of a product that does not run."""
    layout.data_dir.mkdir(parents=True, exist_ok=True)
    journal = await asyncio.to_thread(open_journal, settings.journal, layout)
    try:
        await journal.own(configuration.tenant)
        writer = TenantWriter(
            configuration.tenant,
            journal=journal,
            clock=SystemClock(),
            listener=Listener(on_decision=_ignore_decision, on_storage=_refuse_storage),
        )
        writer.recover()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(writer.run())
            try:
                await writer.submit([Input(ConfigureTenant(configuration=configuration))])
            finally:
                running.cancel()
    finally:
        journal.close()


def _ignore_decision(tenant: TenantId, decision: object) -> None:
    """Orders to a driver are for the running product, which decides anew at its start."""


def _refuse_storage(problem: str) -> None:
    if problem:
        raise StorageError(problem)
