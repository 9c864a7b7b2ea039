# SPDX-License-Identifier: Apache-2.0
"""The laboratory: the real product, the simulators around it, and what records them.

One laboratory serves many cases; the product keeps running between them. Whatever a case
disturbs (certificates, faults, media styles) is put right before the next one.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from centralino.certification import wiring
from centralino.certification.authority import Files, LabAuthority
from centralino.certification.exchanged import CARRIER, TEAMS
from centralino.certification.product import Wish
from centralino.certification.relay import Relay
from centralino.certification.stage import Cast
from centralino.certification.tape import Tape
from centralino.certification.waiting import until
from centralino.certification.watch import JournalWatch, LogWatch
from centralino.certification.wiring import PROXIES, PROXY_ADDRESSES, TRUNK, Run
from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.report import Report

if TYPE_CHECKING:
    from centralino.certification.defects import Defect
    from centralino.certification.pace import Pace
    from centralino.certification.plan import Case, Profile
    from centralino.certification.product import ProductPort
    from centralino.certification.stage import Certificate
    from centralino.exchange.ports import ClockPort
    from centralino.simulators.carrier.caller import CallerCall
    from centralino.simulators.party.description import Style
    from centralino.simulators.scenario import Scenario

READY_S = 8.0
_INODE = 9
"""Column of ``/proc/net/udp``."""


@dataclass(frozen=True, slots=True)
class LabOptions:
    """How a laboratory is set up."""

    folder: Path
    run_dir: Path
    pace: Pace
    profile: Profile = "direct"
    defects: tuple[Defect, ...] = ()
    is_relayed: bool = False
    """Put a relay in between even when no defect needs one yet."""
    patience: float = 1.0
    """Factor on every wait: below 1 where things are expected to fail."""


class Lab:
    """Use as an async context manager; the product starts with ``start_product``."""

    def __init__(
        self, options: LabOptions, cases: Sequence[Case], product: ProductPort, clock: ClockPort
    ) -> None:
        self.options = options
        self.clock = clock
        self.product = product
        self.cases = {case.id: self._with_defects(case) for case in cases}
        self.casts = {case.id: Cast.of(case, place) for place, case in enumerate(cases)}
        self.tape = Tape(self.utc)
        self.report = Report(self.utc)
        self.logs = LogWatch()
        self.journal = JournalWatch(wiring.TENANT)
        self.calls: dict[str, CallerCall] = {}
        """Calls of the case that runs now, by the caller's name."""
        self.is_running = False
        self.is_disturbed = False
        is_relayed = options.is_relayed or any(d.needs_relay for d in options.defects)
        self.ports = wiring.choose_ports()
        now = datetime.datetime.fromtimestamp(self.utc(), datetime.UTC)
        options.folder.mkdir(parents=True, exist_ok=True)
        self.authority = LabAuthority(options.folder, now)
        strangers = any(d.trusts_strangers for d in options.defects)
        self.run = Run(
            cases=list(self.cases.values()),
            casts=self.casts,
            pace=options.pace,
            profile=options.profile,
            ports=self.ports,
            folder=options.folder,
            run_dir=options.run_dir,
            root=self.authority.both_roots if strangers else self.authority.root,
            is_relayed=is_relayed,
        )
        self.relay = self._make_relay() if is_relayed else None
        self.sbc = self.write_certificate(next((d.certificate for d in options.defects), "good"))
        self.scenario: Scenario = wiring.scenario_of(self.run, self._proxy_files("good"))
        self.teams: DirectRoutingSimulator
        self.carrier: CarrierSimulator

    def utc(self) -> float:
        """Return seconds since the Unix epoch."""
        return self.clock.utc() / 1e9

    def _with_defects(self, case: Case) -> Case:
        for defect in self.options.defects:
            case = defect.on_case(case)
        return case

    def _make_relay(self) -> Relay:
        names = dict(zip(PROXIES, PROXY_ADDRESSES, strict=True))
        relay = Relay(self.ports, names, TRUNK, wiring.PRODUCT)
        for defect in self.options.defects:
            if defect.needs_relay:
                relay.tamper = defect.tamper
        return relay

    # ---- life

    async def __aenter__(self) -> Lab:
        """Start the far side."""
        await self._start_teams()
        carrier = self.scenario.carrier
        assert carrier is not None  # noqa: S101 - the scenario always has one
        self.carrier = CarrierSimulator(self.scenario, carrier, self.report)
        self.tape.listen(self.carrier.stack, CARRIER)
        await self.carrier.__aenter__()
        if self.relay is not None:
            sbc = self.authority.issue("relay-sbc", "good", [TRUNK], wiring.WRONG_TRUNK)
            proxies = self._proxy_files("good", file="relay-proxies")
            await self.relay.start(self.authority.root, sbc, proxies)
        return self

    async def __aexit__(self, *problem: object) -> None:
        """Stop the product, then the far side."""
        await self.product.stop()
        if self.relay is not None:
            await self.relay.close()
        await self.carrier.__aexit__(None, None, None)
        await self.teams.__aexit__(None, None, None)

    async def _start_teams(self) -> None:
        settings = self.scenario.direct_routing
        assert settings is not None  # noqa: S101 - the scenario always has it
        self.teams = DirectRoutingSimulator(self.scenario, settings, self.report)
        self.tape.listen(self.teams.stack, TEAMS)
        await self.teams.__aenter__()
        self.tape.watch_connections(self.teams.stack)

    async def start_product(self) -> None:
        """Start the product once.

        Raises:
            AppError: a process did not start.
        """
        if self.is_running:
            return
        self.is_running = True
        tenant = wiring.tenant_of(self.run)
        voice = wiring.voice_of(self.run, self.sbc)
        for defect in self.options.defects:
            tenant = tenant if defect.tenant is None else defect.tenant(tenant)
            voice = voice if defect.voice is None else defect.voice(voice)
        await self.product.start(
            Wish(
                folder=self.options.folder,
                run_dir=self.options.run_dir,
                tenant=tenant,
                voice=voice,
                calls=wiring.calls_of(),
                media_ports=self.ports.media,
            )
        )

    async def be_ready(self) -> bool:
        """Put right what an earlier case disturbed and wait until the trunk is in service."""
        await self.restore()
        try:
            await until(
                lambda: True if self.is_in_service() else None, READY_S * self.options.patience
            )
        except TimeoutError:
            return False
        return True

    def is_in_service(self) -> bool:
        """Tell whether the product says that its trunk to the proxies is active."""
        lines = self.logs.refresh(self.product.logs)
        for line in reversed(lines):
            if line.fits("trunk.changed", TEAMS_LINE):
                return line.fields.get("state") == "active"
        return False

    # ---- what cases disturb

    def write_certificate(self, kind: Certificate) -> Files:
        """Give the product another certificate in the same files."""
        return self.authority.issue("sbc", kind, [TRUNK], wiring.WRONG_TRUNK)

    def _proxy_files(self, kind: Certificate, file: str = "proxies") -> Files:
        names = [*PROXIES, "*.pstnhub.test"]
        return self.authority.issue(file, kind, names, wiring.WRONG_PROXY)

    def probe_files(self, kind: Certificate) -> Files:
        """Return the certificate of a probe: the proxies', unless it says otherwise."""
        if kind == "sbc":
            return self.authority.issue("probe-sbc", "good", [TRUNK], wiring.WRONG_TRUNK)
        return self._proxy_files(kind, file=f"probe-{kind}")

    async def restart_proxies(self, kind: Certificate) -> None:
        """Let the proxies come back with another certificate."""
        self._proxy_files(kind)
        await self.teams.__aexit__(None, None, None)
        await self._start_teams()

    def set_style(self, teams: Style, carrier: tuple[str, ...]) -> None:
        """Describe media like this from now on."""
        self.teams.style = teams
        self.carrier.settings = msgspec.structs.replace(self.carrier.settings, codecs=carrier)

    def usual_style(self) -> Style:
        """Return how the proxies usually describe media."""
        return replace(
            self.teams.style, codecs=("PCMA", "PCMU"), is_secure=True, event_payload_type=101
        )

    async def restore(self) -> None:
        """Undo what the last case did to the far side and the certificates."""
        self.calls = {}
        self.teams.faults.faults.clear()
        if not self.is_disturbed:
            return
        self.is_disturbed = False
        self.write_certificate("good")
        await self.restart_proxies("good")
        self.set_style(self.usual_style(), ("PCMA", "PCMU"))

    def forget_calls(self) -> None:
        """Let the simulated users forget calls that nobody ended."""
        for call in self.teams.user_calls():
            call.close()
            self.teams.forget(call.session)

    def open_media_ports(self) -> int:
        """Return how many UDP sockets of its media range the product has open (Linux only)."""
        try:
            table = Path("/proc/net/udp").read_text(encoding="ascii")
            inodes = {name for pid in self.product.pids() for name in _sockets_of(pid)}
        except OSError:
            return 0
        return count_ports(table, self.ports.media, inodes)


def _sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found


TEAMS_LINE = {"trunk": str(wiring.TEAMS_TRUNK)}


def count_ports(table: str, ports: range, inodes: Container[str]) -> int:
    r"""Count sockets of a port range and of certain inodes in the text of ``/proc/net/udp``.

    >>> row = "1: 0100007F:4E20 00000000:0000 07 0:0 00:0 0 0 0 4711 2 0 0"
    >>> count_ports(f"header\n{row}", range(20000, 20010), {"4711"})
    1
    """
    rows = [line.split() for line in table.splitlines()[1:]]
    return sum(
        1
        for row in rows
        if len(row) > _INODE
        and row[_INODE] in inodes
        and int(row[1].rpartition(":")[2], 16) in ports
    )
