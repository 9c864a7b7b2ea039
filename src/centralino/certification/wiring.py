# SPDX-License-Identifier: Apache-2.0
"""The product's settings and the far side's scenario, made of the same cases to fit each other.

Everything is on the loopback with ports of its own: the proxies on 127.0.0.2 to 127.0.0.4,
the rest on 127.0.0.1. The trunk knows the proxies by certificate and by network, as an
installation should.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.voice.call_settings import CallSettings
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    ResolverSettings,
    TimerSettings,
    TlsSettings,
    TransportSettings,
    TrunkProfile,
    TrunkSettings,
    VoiceSettings,
)
from centralino.certification.stage import USER_TONES, Cast, far_caller, far_users
from centralino.core.flows.menu import MenuFlow, MenuKey
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.simulators import scenario as far

if TYPE_CHECKING:
    from centralino.certification.authority import Files
    from centralino.certification.pace import Pace
    from centralino.certification.plan import Case, Profile

TENANT = TenantId("certification")
TEAMS_TRUNK, CARRIER_TRUNK = TrunkId("teams"), TrunkId("carrier")
TRUNK = "cust1.sbc.test"
WRONG_TRUNK = "other.sbc.test"
PROXIES = ("sip.pstnhub.test", "sip2.pstnhub.test", "sip3.pstnhub.test")
WRONG_PROXY = "sip.impostor.test"
PROXY_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
PROXY_NETWORK = "127.0.0.0/29"
PRODUCT = "127.0.0.1"
MEDIA_PORTS, FAR_MEDIA_PORTS = 200, 400
_PROFILES: dict[Profile, TrunkProfile] = {
    "direct": "teams-direct",
    "behind-sbc": "behind-sbc",
}
_ATTEMPTS = 100
_FIRST_MEDIA_PORT, _MEDIA_SPAN = 10_000, 9_600


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports of one run."""

    sip: int
    tls: int
    carrier: int
    proxies: int
    relay_in: int
    """Where a tampering relay stands for the product."""
    relay_out: int
    """Where it stands for the proxies."""
    media: range
    far_media: range


@dataclass(frozen=True, slots=True)
class Run:
    """What settings and scenario are made of."""

    cases: Sequence[Case]
    casts: Mapping[str, Cast]
    """By the id of the case."""
    pace: Pace
    profile: Profile
    ports: Ports
    folder: Path
    run_dir: Path
    root: Path
    """PEM of the roots that the product trusts."""
    is_relayed: bool
    """A relay stands between the product and the proxies."""


def choose_ports() -> Ports:
    """Return ports that nothing uses now."""
    taken: set[int] = set()
    media = _free_range(MEDIA_PORTS, taken)
    far_media = _free_range(FAR_MEDIA_PORTS, taken)
    everywhere = (PRODUCT, *PROXY_ADDRESSES)
    return Ports(
        sip=_free((PRODUCT,), taken),
        tls=_free((PRODUCT,), taken),
        carrier=_free((PRODUCT,), taken),
        proxies=_free(everywhere, taken),
        relay_in=_free((PRODUCT,), taken),
        relay_out=_free(everywhere, taken),
        media=media,
        far_media=far_media,
    )


def _free(addresses: Sequence[str], taken: set[int]) -> int:
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((addresses[0], 0))
            port: int = probe.getsockname()[1]
        kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
        if port not in taken and all(_is_free(a, port, k) for a in addresses for k in kinds):
            taken.add(port)
            return port
    raise OSError("no free port on the loopback")


def _free_range(count: int, taken: set[int]) -> range:
    """Return free UDP ports below those that the system gives to anybody (RFC 6335)."""
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((PRODUCT, 0))
            seed: int = probe.getsockname()[1]
        first = _FIRST_MEDIA_PORT + seed * count % _MEDIA_SPAN
        ports = range(first, first + count)
        if taken.intersection(ports):
            continue
        if all(_is_free(PRODUCT, port, socket.SOCK_DGRAM) for port in ports):
            taken.update(ports)
            return ports
    raise OSError("no free range of UDP ports on the loopback")


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


# ------------------------------------------------------------------------------- product


def tenant_of(run: Run) -> TenantConfiguration:
    """Return a tenant with a number, a flow, a queue and agents per case."""
    pairs = [(case, run.casts[case.id]) for case in run.cases]
    return TenantConfiguration(
        tenant=TENANT,
        name="Certification",
        numbers=tuple(
            NumberConfiguration(number=cast.number, flow=cast.queue) for _, cast in pairs
        ),
        flows=tuple(
            MenuFlow(
                name=cast.queue,
                greeting=(),
                menu=("music",),
                keys=(MenuKey(digit="1", queue=QueueId(cast.queue)),),
                default_queue=QueueId(cast.queue),
            )
            for _, cast in pairs
        ),
        queues=tuple(
            QueueConfiguration(
                id=QueueId(cast.queue),
                name=cast.queue,
                agents=tuple(AgentId(user.agent) for user in cast.users.values()),
                music=case.stage.music,
                ring_for_ms=case.stage.ring_ms(is_fast=run.pace.is_fast),
                wrap_up_for_ms=200,
                is_recorded=case.stage.is_recorded,
            )
            for case, cast in pairs
        ),
        agents=tuple(
            AgentConfiguration(
                id=AgentId(user.agent), name=user.name, trunk=TEAMS_TRUNK, target=user.number
            )
            for _, cast in pairs
            for user in cast.users.values()
        ),
    )


def voice_of(run: Run, certificate: Files) -> VoiceSettings:
    """Return the voice settings; ``certificate`` is where the product's own files are."""
    ports, pace = run.ports, run.pace
    return VoiceSettings(
        listeners=(
            ListenerSettings(transport="udp", port=ports.sip),
            ListenerSettings(transport="tls", port=ports.tls),
        ),
        tls=TlsSettings(
            certificate_file=str(certificate.certificate),
            private_key_file=str(certificate.private_key),
            trusted_roots_file=str(run.root),
            reload_s=pace.reload_s,
            retire_s=pace.retire_s,
        ),
        trunks=(teams_trunk(run), _carrier_trunk(ports)),
        resolver=ResolverSettings(
            static={
                **dict(zip(PROXIES, PROXY_ADDRESSES, strict=True)),
                "*.pstnhub.test": PROXY_ADDRESSES[0],
            }
        ),
        data_dir=str(run.folder / "voice"),
        run_dir=str(run.run_dir),
        recording_dir=str(run.folder / "recordings"),
        timers=TimerSettings(transaction_ms=round(pace.transaction_s * 1000)),
        transport=TransportSettings(backoff_s=pace.back_off_s, backoff_max_s=pace.back_off_most_s),
    )


def teams_trunk(run: Run, contact_host: str = TRUNK) -> TrunkSettings:
    """Return the trunk to the proxies.

    Raises:
        ConfigError: the product does not take it.
    """
    ports, pace = run.ports, run.pace
    port = ports.relay_out if run.is_relayed else ports.proxies
    return TrunkSettings(
        trunk=TEAMS_TRUNK,
        tenant=TENANT,
        profile=_PROFILES[run.profile],
        transport="tls",
        proxies=tuple(ProxySettings(host=name, port=port) for name in PROXIES),
        match=MatchRule(names=PROXIES, networks=(PROXY_NETWORK,)),
        contact_host=contact_host,
        contact_port=ports.relay_in if run.is_relayed else ports.tls,
        srtp="required",
        options=OptionsSettings(interval_s=pace.options_s, jitter_s=pace.jitter_s),
        failover_s=pace.failover_s,
        is_lab=pace.is_fast,
    )


def _carrier_trunk(ports: Ports) -> TrunkSettings:
    return TrunkSettings(
        trunk=CARRIER_TRUNK,
        tenant=TENANT,
        profile="carrier",
        transport="udp",
        proxies=(ProxySettings(host=PRODUCT, port=ports.carrier),),
        match=MatchRule(networks=(f"{PRODUCT}/32",)),
        contact_host=PRODUCT,
        contact_port=ports.sip,
        options=OptionsSettings(enabled=False),
    )


def calls_of() -> CallSettings:
    """Return the call settings: the usual ones."""
    return CallSettings()


# ------------------------------------------------------------------------------ far side


def scenario_of(run: Run, proxies: Files) -> far.Scenario:
    """Return the far side, with the people of every case."""
    ports = run.ports
    casts = [(case, run.casts[case.id]) for case in run.cases]
    return far.Scenario(
        media_ports=(ports.far_media.start, ports.far_media.stop - 1),
        names={
            TRUNK: PRODUCT,
            "*.pstnhub.test": PROXY_ADDRESSES[0],
            **dict(zip(PROXIES, PROXY_ADDRESSES, strict=True)),
        },
        direct_routing=far.DirectRouting(
            proxies=tuple(
                far.Proxy(fqdn=name, address=address, port=ports.proxies)
                for name, address in zip(PROXIES, PROXY_ADDRESSES, strict=True)
            ),
            tls=far.TlsFiles(
                certificate=str(proxies.certificate),
                private_key=str(proxies.private_key),
                authorities=str(run.folder / "root.crt"),
            ),
            tenants=(
                far.Tenant(
                    id="11111111-2222-4333-8444-555555555555",
                    domains=("sbc.test", TRUNK),
                    users=tuple(u for case, cast in casts for u in far_users(case, cast)),
                    trunks=(TRUNK,),
                ),
            ),
            trunks=(
                far.TrunkSettings(fqdn=TRUNK, port=ports.relay_in if run.is_relayed else ports.tls),
            ),
        ),
        carrier=far.Carrier(
            address=PRODUCT,
            port=ports.carrier,
            target_host=PRODUCT,
            target_port=ports.sip,
            callers=tuple(
                far_caller(caller, cast) for case, cast in casts for caller in case.stage.callers
            ),
            listen_for_hz=USER_TONES,
        ),
    )
