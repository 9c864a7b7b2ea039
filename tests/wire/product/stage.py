# SPDX-License-Identifier: Apache-2.0
"""The whole product on a stage: its real processes, and the far side in the test's process.

Everything has ports of its own. The Teams users are scripted people at the simulated
Direct Routing proxies; the carrier sends callers or takes calls; sipp and baresip join
over UDP from loopback addresses of their own, so that each has a trunk.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from centralino.adapters.journal.sqlite import JournalReader
from centralino.adapters.voice.call_settings import CallSettings, RelayRouteSettings
from centralino.adapters.voice.settings import (
    TEAMS_PROXIES,
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    ResolverSettings,
    TlsSettings,
    TrunkLimits,
    TrunkSettings,
    VoiceSettings,
)
from centralino.api.settings import ApiSettings
from centralino.bootstrap.children import start_product
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.settings import LogSettings, MediaSettings, Settings
from centralino.bootstrap.supervisor import Supervisor
from centralino.core.flows.menu import MenuFlow, MenuKey
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.simulators import scenario as far
from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.report import Report
from tests.kit.certificates import trusted_authority
from tests.kit.ports import free_tcp_port, free_udp_port, free_udp_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

TENANT, QUEUE = TenantId("acme"), QueueId("service")
NUMBER = "+390288800000"
SBC = "sbc.acme.example"
CARRIER, PEER, PRODUCT = "127.0.0.1", "127.0.0.21", "127.0.0.1"
CARRIER_TRUNK, PEER_TRUNK, TEAMS_TRUNK = TrunkId("carrier"), TrunkId("peer"), TrunkId("teams")
TO_PEER = "+399900*"
"""Called numbers that the carrier's calls reach the peer by."""


@dataclass
class Plot:
    """What the stage is set for."""

    users: tuple[far.TeamsUser, ...] = ()
    callers: tuple[far.Caller, ...] = ()
    subscribers: tuple[far.Subscriber, ...] = ()
    peer_port: int = 0
    """UDP port at ``PEER`` that relayed calls go to."""
    listen_for_hz: tuple[int, ...] = ()
    faults: tuple[far.Fault, ...] = ()
    wrap_up_for_ms: int = 500
    tenant: TenantConfiguration | None = None
    """Instead of the one queue behind a menu."""
    media_ports: range | None = None
    far_media_ports: range | None = None


@dataclass
class Stage:
    """The running product and the far side around it."""

    supervisor: Supervisor
    teams: DirectRoutingSimulator
    carrier: CarrierSimulator
    report: Report
    """Lines of both simulators."""
    settings: Settings
    folder: Path
    news: list[str] = field(default_factory=list)

    @property
    def sip_port(self) -> int:
        """Where carriers and telephones reach the product over UDP."""
        return self.settings.voice.listeners[0].port

    @property
    def recordings(self) -> list[Path]:
        """The recordings so far."""
        return sorted((self.folder / "data" / "recordings").rglob("*.wav"))

    async def kill_and_wait(self, name: str) -> None:
        """``kill -9`` a process of the product and wait for its successor."""
        victim = self.supervisor.children[name]
        pid, restarts = victim.pid, victim.restarts
        assert pid is not None, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        await until(lambda: victim.restarts > restarts and victim.ready.is_set())

    async def recording_closed(self) -> None:
        """Wait for the first recording to be complete on disk."""
        await until(lambda: any(self.recordings))
        await until(lambda: "recording.completed" in self.journal_text())

    def journal_text(self) -> str:
        """Return every event of the journal so far, as text."""
        reader = JournalReader(Layout.of(self.settings).journal)
        return "\n".join(
            event.decode() for record in reader.read(TENANT) for event in record.events
        )


async def until(is_so: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    """Return when ``is_so`` does, looked at every 20 ms.

    Raises:
        TimeoutError: it never was.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        if done.done():
            return
        if is_so():
            done.set_result(None)
        else:
            loop.call_later(0.02, look)

    look()
    async with asyncio.timeout(timeout_s):
        await done


def user(index: int, **changes: object) -> far.TeamsUser:
    """Return a Teams user who answers, with a tone of his own."""
    fields: dict[str, object] = {
        "oid": f"00000000-0000-4000-8000-{index:012}",
        "upn": f"agent{index}@acme.example",
        "name": f"Agent {index} Example",
        "number": f"+3902888001{index:02}",
        "tone_hz": 2000 + 90 * index,
        "answer_after_ms": 300,
        **changes,
    }
    return msgspec.convert(fields, far.TeamsUser)


def caller(index: int, **changes: object) -> far.Caller:
    """Return a caller who presses 1 and stays."""
    fields: dict[str, object] = {
        "number": f"+3933388800{index:02}",
        "called": NUMBER,
        "tone_hz": 1000 + 70 * index,
        "keys": "1",
        "keys_after_ms": 400,
        "talk_for_ms": 3000,
        **changes,
    }
    return msgspec.convert(fields, far.Caller)


def tenant_of(plot: Plot) -> TenantConfiguration:
    """Return one queue of everybody behind a menu."""
    agents = tuple(AgentId(u.upn) for u in plot.users)
    return TenantConfiguration(
        tenant=TENANT,
        name="Acme Example",
        numbers=(NumberConfiguration(number=NUMBER, flow="main"),),
        flows=(
            MenuFlow(
                name="main",
                greeting=("hold.en",),
                menu=("hold.en",),
                keys=(MenuKey(digit="1", queue=QUEUE),),
                default_queue=QUEUE,
            ),
        ),
        queues=(
            QueueConfiguration(
                id=QUEUE,
                name="Service",
                agents=agents,
                music=("music",),
                ring_for_ms=6000,
                wrap_up_for_ms=plot.wrap_up_for_ms,
            ),
        ),
        agents=tuple(
            AgentConfiguration(id=AgentId(u.upn), name=u.name, trunk=TEAMS_TRUNK, target=u.number)
            for u in plot.users
        ),
    )


def _trunk(name: TrunkId, address: str, port: int, own_port: int) -> TrunkSettings:
    return TrunkSettings(
        trunk=name,
        tenant=TENANT,
        profile="carrier",
        transport="udp",
        proxies=(ProxySettings(host=address, port=port or 9),),
        match=MatchRule(networks=(f"{address}/32",)),
        contact_host=PRODUCT,
        contact_port=own_port,
        options=OptionsSettings(enabled=False),
        limits=TrunkLimits(calls_per_s=500, burst=500),
    )


def settings_for(folder: Path, plot: Plot, ports: dict[str, int]) -> Settings:
    """Return the product's settings for a plot."""
    own = trusted_authority().issue(SBC).write(folder, "sbc")
    root = trusted_authority().write(folder)
    media = plot.media_ports or free_udp_range(160)
    teams = TrunkSettings(
        trunk=TEAMS_TRUNK,
        tenant=TENANT,
        profile="teams-direct",
        proxies=tuple(ProxySettings(host=name, port=ports["proxies"]) for name in TEAMS_PROXIES),
        match=MatchRule(names=TEAMS_PROXIES),
        contact_host=SBC,
        contact_port=ports["tls"],
        srtp="required",
        options=OptionsSettings(interval_s=5.0, jitter_s=1.0),
        is_lab=True,
    )
    return Settings(
        data_dir=str(folder / "data"),
        run_dir=str(folder / "run"),
        tenants=(plot.tenant or tenant_of(plot),),
        voice=VoiceSettings(
            listeners=(
                ListenerSettings(transport="udp", address=PRODUCT, port=ports["sip"]),
                ListenerSettings(transport="tls", address=PRODUCT, port=ports["tls"]),
            ),
            tls=TlsSettings(
                certificate_file=str(own[0]),
                private_key_file=str(own[1]),
                trusted_roots_file=str(root),
            ),
            trunks=(
                teams,
                _trunk(CARRIER_TRUNK, CARRIER, ports["carrier"], ports["sip"]),
                _trunk(PEER_TRUNK, PEER, plot.peer_port, ports["sip"]),
            ),
            resolver=ResolverSettings(
                static={name: f"127.0.0.{2 + i}" for i, name in enumerate(TEAMS_PROXIES)}
                | {"*.pstnhub.microsoft.com": "127.0.0.2"}
            ),
            data_dir=str(folder / "data" / "voice"),
            run_dir=str(folder / "run"),
            recording_dir=str(folder / "data" / "recordings"),
        ),
        calls=CallSettings(
            routes=(
                RelayRouteSettings(
                    name="to-peer",
                    from_trunk=CARRIER_TRUNK,
                    to_trunk=PEER_TRUNK,
                    numbers=(TO_PEER,),
                ),
                RelayRouteSettings(name="from-peer", from_trunk=PEER_TRUNK, to_trunk=CARRIER_TRUNK),
            )
        ),
        media=MediaSettings(workers=1, first_port=media[0], last_port=media[-1]),
        api=ApiSettings(port=0),
        log=LogSettings(to_files=True),
    )


def scenario_for(folder: Path, plot: Plot, ports: dict[str, int]) -> far.Scenario:
    """Return the far side of a plot."""
    own = trusted_authority().issue(*TEAMS_PROXIES, "*.pstnhub.microsoft.com")
    certificate, key = own.write(folder, "proxies")
    media = plot.far_media_ports or free_udp_range(180)
    return far.Scenario(
        names={SBC: PRODUCT},
        media_ports=(media[0], media[-1]),
        direct_routing=far.DirectRouting(
            proxies=tuple(
                far.Proxy(fqdn=name, address=f"127.0.0.{2 + i}", port=ports["proxies"])
                for i, name in enumerate(TEAMS_PROXIES)
            ),
            tls=far.TlsFiles(
                certificate=str(certificate),
                private_key=str(key),
                authorities=str(trusted_authority().write(folder)),
            ),
            tenants=(far.Tenant(id="t1", domains=(SBC,), users=plot.users, trunks=(SBC,)),),
            trunks=(far.TrunkSettings(fqdn=SBC, port=ports["tls"]),),
            faults=plot.faults,
        ),
        carrier=far.Carrier(
            address=CARRIER,
            port=ports["carrier"],
            target_host=PRODUCT,
            target_port=ports["sip"],
            callers=plot.callers,
            subscribers=plot.subscribers,
            listen_for_hz=plot.listen_for_hz or tuple(u.tone_hz for u in plot.users),
        ),
    )


def free_ports() -> dict[str, int]:
    """Return a port for each listener of product and far side."""
    return {
        "sip": free_udp_port(PRODUCT),
        "tls": free_tcp_port(PRODUCT),
        "carrier": free_udp_port(CARRIER),
        "proxies": free_tcp_port("127.0.0.2"),
    }


@asynccontextmanager
async def stage(folder: Path, plot: Plot) -> AsyncIterator[Stage]:
    """Run the product and the far side; nothing of it is left afterwards."""
    ports = free_ports()
    settings = settings_for(folder, plot, ports)
    scenario = scenario_for(folder, plot, ports)
    layout = Layout.of(settings)
    loop = asyncio.get_running_loop()
    report = Report(loop.time)
    news: list[str] = []
    assert scenario.direct_routing is not None
    assert scenario.carrier is not None
    layout.logs.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        teams = await stack.enter_async_context(
            DirectRoutingSimulator(scenario, scenario.direct_routing, report)
        )
        carrier = await stack.enter_async_context(
            CarrierSimulator(scenario, scenario.carrier, report)
        )
        supervisor = await stack.enter_async_context(
            Supervisor(log_dir=layout.logs, on_news=news.append)
        )
        await start_product(supervisor, settings, layout)
        await report.wait_for("options.answered", status=200)
        yield Stage(supervisor, teams, carrier, report, settings, folder, news)
