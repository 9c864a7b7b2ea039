# SPDX-License-Identifier: Apache-2.0
"""The demo's settings and the far side's scenario, made to fit each other.

Ports are the usual ones where they are free and others where they are taken. Nothing
leaves the loopback: Microsoft's names resolve to 127.0.0.2 to 127.0.0.4.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.graph.settings import GraphSettings
from centralino.adapters.voice.call_settings import CallSettings, HoldingSettings
from centralino.adapters.voice.settings import (
    TEAMS_PROXIES,
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    ResolverSettings,
    TlsSettings,
    TrunkSettings,
    VoiceSettings,
)
from centralino.bootstrap.demo import cast, company
from centralino.bootstrap.demo.identity import DIRECTORY, entra_settings
from centralino.bootstrap.demo.softphones import own_networks
from centralino.bootstrap.demo.tenant import GRAPH_PORT, HOST
from centralino.bootstrap.settings import LogSettings, MediaSettings, Settings
from centralino.simulators import scenario as far

if TYPE_CHECKING:
    from centralino.bootstrap.authority import CertificateFiles
    from centralino.bootstrap.demo.identity import Identity
    from centralino.bootstrap.layout import Layout
    from centralino.simulators.entra.description import EntraScenario

SBC_HOST = f"sbc.{company.DOMAIN}"
CARRIER_HOST = "127.0.0.1"
REGIONAL = "pstnhub.microsoft.com"
"""In-dialog requests go to regional hosts below it."""
PROXY_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
SIP_PORT, TLS_PORT, CARRIER_PORT, PROXY_PORT = 5060, 5061, 5160, 5161
ENTRA_PORT, PAGES_PORT = 8443, 8480
MEDIA_PORTS = (20000, 29999)
FAR_MEDIA_PORTS = (40000, 44999)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one demo."""

    sip: int
    tls: int
    carrier: int
    proxies: int
    entra: int = 8443
    """The simulated sign-in service, over TLS."""
    pages: int = 8480
    """Its pages for browsers, plain."""
    graph: int = GRAPH_PORT
    """The simulated Graph."""

    @property
    def moved(self) -> dict[str, tuple[int, int]]:
        """What could not have its usual port: name to (usual, taken instead)."""
        pairs = {
            "SIP": (SIP_PORT, self.sip),
            "SIP over TLS": (TLS_PORT, self.tls),
            "the simulated carrier": (CARRIER_PORT, self.carrier),
            "the simulated SIP proxies": (PROXY_PORT, self.proxies),
            "the simulated sign-in service": (ENTRA_PORT, self.entra),
            "its pages": (PAGES_PORT, self.pages),
            "the simulated Graph": (GRAPH_PORT, self.graph),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo run is made of."""

    seed: int
    seconds: float | None
    """Until when callers come; ``None`` is until somebody stops it."""
    plant: str = ""
    """A planted defect: ``mute`` makes one agent inaudible."""
    interarrival_ms: int = 1900
    most_patience_ms: int | None = None
    """Nobody waits longer for somebody to talk to; ``None`` leaves it to the callers."""
    most_callers: int = 5000


def choose_ports() -> Ports:
    """Return the usual ports where they are free, others where not."""
    return Ports(
        sip=_free(SIP_PORT, ("127.0.0.1",), is_datagram=True),
        tls=_free(TLS_PORT, ("127.0.0.1",)),
        carrier=_free(CARRIER_PORT, ("127.0.0.1",), is_datagram=True),
        proxies=_free(PROXY_PORT, PROXY_ADDRESSES),
        entra=_free(ENTRA_PORT, ("127.0.0.1",)),
        pages=_free(PAGES_PORT, ("127.0.0.1",)),
        graph=_free(GRAPH_PORT, ("127.0.0.1",)),
    )


def usual_ports() -> Ports:
    """Return the usual ports, taken or not."""
    return Ports(SIP_PORT, TLS_PORT, CARRIER_PORT, PROXY_PORT)


def proxy_names() -> tuple[str, ...]:
    """Return the names of the simulated proxies, which are Microsoft's."""
    return (*TEAMS_PROXIES, f"*.{REGIONAL}")


def _free(usual: int, addresses: tuple[str, ...], *, is_datagram: bool = False) -> int:
    candidates: tuple[int, ...] = (usual, *range(usual + 10_000, usual + 10_200, 2))
    for port in candidates:
        is_free = all(_is_free(address, port, is_datagram=is_datagram) for address in addresses)
        if is_free and _claim(port):
            return port
    return usual


def _claim(port: int) -> bool:
    """Keep other demos from a port until this process ends; it is opened only later.

    A name in Linux' abstract socket namespace (``unix(7)``) is what they all can see.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        try:
            claim.bind(f"\0centralino-demo-port-{port}")
        except OSError:
            return False
        claim.detach()
    return True


def _is_free(address: str, port: int, *, is_datagram: bool) -> bool:
    kinds = [socket.SOCK_STREAM, *([socket.SOCK_DGRAM] if is_datagram else [])]
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def demo_settings(
    layout: Layout, ports: Ports, sbc: CertificateFiles, identity: Identity
) -> Settings:
    """Return the product's settings for Aurora."""
    return Settings(
        profile="demo",
        data_dir=str(layout.data_dir),
        run_dir=str(layout.run_dir),
        tenants=(company.tenant_configuration(),),
        voice=VoiceSettings(
            listeners=(
                ListenerSettings(transport="udp", port=ports.sip),
                ListenerSettings(transport="tcp", port=ports.sip),
                ListenerSettings(transport="tls", port=ports.tls),
            ),
            tls=TlsSettings(
                certificate_file=str(sbc.certificate),
                private_key_file=str(sbc.private_key),
                trusted_roots_file=str(sbc.root),
            ),
            trunks=(_teams_trunk(ports), _carrier_trunk(ports)),
            resolver=ResolverSettings(
                static=dict(zip(TEAMS_PROXIES, PROXY_ADDRESSES, strict=True))
                | {f"*.{REGIONAL}": PROXY_ADDRESSES[0]}
            ),
            data_dir=str(layout.data_dir / "voice"),
            run_dir=str(layout.run_dir),
            recording_dir=str(layout.data_dir / "recordings"),
        ),
        calls=CallSettings(holding=(HoldingSettings(music=("music",)),)),
        media=MediaSettings(first_port=MEDIA_PORTS[0], last_port=MEDIA_PORTS[1]),
        entra=entra_settings(ports, identity),
        graph=GraphSettings(
            base_url=f"https://{HOST}:{ports.graph}/v1.0", ca_file=str(identity.root)
        ),
        log=LogSettings(to_files=True),
    )


def status_page_url(layout: Layout) -> str:
    """Return the address of the status page, once the edge process is ready."""
    port = layout.edge_port.read_text(encoding="ascii")
    return f"http://127.0.0.1:{port}/"


def _teams_trunk(ports: Ports) -> TrunkSettings:
    return TrunkSettings(
        trunk=company.TEAMS_TRUNK,
        tenant=company.TENANT,
        profile="teams-direct",
        transport="tls",
        proxies=tuple(ProxySettings(host=name, port=ports.proxies) for name in TEAMS_PROXIES),
        match=MatchRule(names=TEAMS_PROXIES),
        contact_host=SBC_HOST,
        contact_port=ports.tls,
        srtp="required",
        options=OptionsSettings(interval_s=10.0, jitter_s=1.0),
        is_lab=True,
    )


def _carrier_trunk(ports: Ports) -> TrunkSettings:
    return TrunkSettings(
        trunk=company.CARRIER_TRUNK,
        tenant=company.TENANT,
        profile="carrier",
        transport="udp",
        proxies=(ProxySettings(host=CARRIER_HOST, port=ports.carrier),),
        match=MatchRule(networks=own_networks()),
        contact_host="127.0.0.1",
        contact_port=ports.sip,
    )


def demo_scenario(
    plan: DemoPlan,
    ports: Ports,
    proxies: CertificateFiles,
    entra: EntraScenario | None = None,
) -> far.Scenario:
    """Return the far side: Microsoft's proxies with Aurora's people, sign-in, and a carrier."""
    stop_after_ms = 2_000_000_000 if plan.seconds is None else int(plan.seconds * 1000)
    expected = stop_after_ms // plan.interarrival_ms * 2 + 20
    return far.Scenario(
        seed=plan.seed,
        media_ports=FAR_MEDIA_PORTS,
        names={SBC_HOST: "127.0.0.1"},
        entra=entra,
        direct_routing=far.DirectRouting(
            proxies=tuple(
                far.Proxy(fqdn=name, address=address, port=ports.proxies)
                for name, address in zip(TEAMS_PROXIES, PROXY_ADDRESSES, strict=True)
            ),
            tls=far.TlsFiles(
                certificate=str(proxies.certificate),
                private_key=str(proxies.private_key),
                authorities=str(proxies.root),
            ),
            tenants=(
                far.Tenant(
                    id=DIRECTORY,
                    domains=(company.DOMAIN, SBC_HOST),
                    users=cast.teams_users(plan.seed, "anna" if plan.plant == "mute" else ""),
                    trunks=(SBC_HOST,),
                ),
            ),
            trunks=(far.TrunkSettings(fqdn=SBC_HOST, port=ports.tls),),
        ),
        carrier=far.Carrier(
            address=CARRIER_HOST,
            port=ports.carrier,
            target_host="127.0.0.1",
            target_port=ports.sip,
            callers=cast.callers(
                plan.seed, min(expected, plan.most_callers), plan.most_patience_ms
            ),
            subscribers=cast.subscribers(),
            arrivals=far.Arrivals(
                interarrival_ms=plan.interarrival_ms,
                stop_after_ms=stop_after_ms,
                most=plan.most_callers,
            ),
            listen_for_hz=tuple(person.tone_hz for person in company.PARTIES),
        ),
    )


def save_scenario(scenario: far.Scenario, path: Path) -> None:
    """Write the scenario where the far side's process reads it."""
    far.save_scenario(scenario, path)
