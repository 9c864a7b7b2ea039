# SPDX-License-Identifier: Apache-2.0
"""Our edge before the simulated Direct Routing proxies: CON-01, CON-03, CON-07, MT-04."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.adapters.voice.health import DOMAIN_UNKNOWN
from centralino.adapters.voice.resolver import StaticResolver
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
)
from centralino.core.kernel.ids import TrunkId
from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.report import Report
from centralino.simulators.scenario import (
    DirectRouting,
    Proxy,
    Scenario,
    Tenant,
    TlsFiles,
    TrunkSettings,
)
from tests.kit.certificates import trusted_authority
from tests.kit.ports import free_tcp_port, free_udp_range
from tests.wire.voice_edge.peers import (
    TEAMS,
    Recorder,
    running_stack,
    settings_of,
    teams_trunk,
    tls_settings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from centralino.adapters.voice import settings as voice
    from centralino.adapters.voice.stack import SipStack

pytestmark = pytest.mark.wire

BASE = "customers.sbc.test"
HOSTS = ("sip.pstnhub.test", "sip2.pstnhub.test", "sip3.pstnhub.test")
ASKING = OptionsSettings(interval_s=0.5, jitter_s=0.0)


@asynccontextmanager
async def _world(
    folder: Path, trunks: tuple[voice.TrunkSettings, ...], certificate_name: str
) -> AsyncIterator[tuple[SipStack, Recorder, Report]]:
    """The three proxies and our stack, each at its names on the loopback."""
    root = trusted_authority()
    port, ours = free_tcp_port("127.0.0.2"), free_tcp_port()
    names = {name: f"127.0.0.{2 + i}" for i, name in enumerate(HOSTS)}
    names |= {"*.sbc.test": "127.0.0.1"}
    certificate, key = root.issue(*HOSTS).write(folder, "proxies")
    ports = free_udp_range(20)
    far = DirectRouting(
        proxies=tuple(Proxy(fqdn=name, address=names[name], port=port) for name in HOSTS),
        tls=TlsFiles(
            certificate=str(certificate),
            private_key=str(key),
            authorities=str(root.write(folder)),
        ),
        tenants=(Tenant(id="t1", domains=(BASE, f"one.{BASE}")),),
        trunks=(TrunkSettings(fqdn=BASE, port=ours, is_carrier=True),),
    )
    scenario = Scenario(names=names, direct_routing=far, media_ports=(ports[0], ports[-1]))
    report = Report(lambda: 0.0)
    proxies = tuple(ProxySettings(host=name, port=port) for name in HOSTS)
    settings = settings_of(
        *(
            msgspec.structs.replace(item, proxies=proxies) if item.health_of is None else item
            for item in trunks
        ),
        listeners=(ListenerSettings(transport="tls", port=ours),),
        tls=tls_settings(folder, root.issue(certificate_name), root),
    )
    async with (
        DirectRoutingSimulator(scenario, far, report),
        running_stack(settings, StaticResolver(names)) as (stack, heard),
    ):
        yield stack, heard, report


def _trunk(name: TrunkId, host: str, **changes: Any) -> voice.TrunkSettings:  # noqa: ANN401
    match = MatchRule(names=(HOSTS[0],), networks=("127.0.0.0/8",))
    return teams_trunk(
        trunk=name, contact_host=host, match=match, options=ASKING, is_lab=True, **changes
    )


def test_options_go_both_ways_and_a_derived_trunk_inherits_the_health(tmp_path: Path) -> None:
    derived = _trunk(TrunkId("one"), f"one.{BASE}", health_of=TEAMS)

    async def run() -> None:
        trunks = (_trunk(TEAMS, BASE), derived)
        async with _world(tmp_path, trunks, BASE) as (stack, heard, report):
            answered = await report.wait_for("options.answered")
            assert (answered["status"], answered["trunk"]) == (200, BASE)
            for trunk in (TEAMS, TrunkId("one")):
                found = stack.report(trunk)
                assert found is not None
                assert (found.health, len(found.proxies)) == ("active", 3)
            assert stack.hop_for(TrunkId("one")).host == HOSTS[0]
            assert stack.hop_for(TrunkId("one")).sent_by == f"one.{BASE}:{stack.listening()[0][2]}"
            seen = {line["trunk"] for line in report.lines if line["what"] == "options.seen"}
            assert seen == {BASE}
            told = {code for code, _, _, cleared in heard.alarms if not cleared}
            # The certificate is for the base alone, and the derived name is told to be missing.
            assert told == {"certificate-ending", "certificate-wrong-name"}

    asyncio.run(run())


def test_a_domain_that_no_tenant_knows_brings_the_trunk_down(tmp_path: Path) -> None:
    stranger = "stranger.elsewhere.test"

    async def run() -> None:
        trunks = (_trunk(TEAMS, stranger),)
        async with _world(tmp_path, trunks, stranger) as (stack, heard, _):
            assert DOMAIN_UNKNOWN in await heard.alarm("trunk-down")
            found = stack.report(TEAMS)
            assert found is not None
            assert found.reason == DOMAIN_UNKNOWN
            # It goes on asking at its cadence.
            asked = found.proxies[0].answered_at
            await heard.wait_for(lambda: True)
            async with asyncio.timeout(5):
                while (now := stack.report(TEAMS)) is None or now.proxies[0].answered_at == asked:
                    turn = asyncio.get_running_loop().create_future()
                    asyncio.get_running_loop().call_later(0.05, turn.set_result, None)
                    await turn

    asyncio.run(run())


def test_a_certificate_without_the_trunks_name_is_told_before_and_refused(tmp_path: Path) -> None:
    async def run() -> None:
        trunks = (_trunk(TEAMS, BASE),)
        async with _world(tmp_path, trunks, "other.sbc.test") as (_, heard, report):
            text = await heard.alarm("certificate-wrong-name")
            assert BASE in text
            assert "other.sbc.test" in text
            await heard.alarm("trunk-down")
            refused = await report.wait_for("options.refused")
            assert "certificate" in str(refused["sentence"])

    asyncio.run(run())
