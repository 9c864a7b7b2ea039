# SPDX-License-Identifier: Apache-2.0
"""The order of a tenant's trunks: health of carrier trunks, drain, Retry-After, regions."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

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

pytestmark = pytest.mark.unit

DERIVED, OWN = "cust1.carrier.test", "own.cust1.test"
TENANT = Tenant(id="t1", domains=("cust1.carrier.test",), trunks=(OWN, DERIVED))
CARRIER_TRUNK = TrunkSettings(fqdn="carrier.test", port=5061, is_carrier=True)
OWN_TRUNK = TrunkSettings(fqdn=OWN, port=5061)


def simulator(carrier: TrunkSettings = CARRIER_TRUNK) -> DirectRoutingSimulator:
    settings = DirectRouting(
        proxies=(
            Proxy(fqdn="sip.pstnhub.test", address="127.0.0.2", port=5161),
            Proxy(fqdn="sip2.pstnhub.test", address="127.0.0.3", port=5161, region="apac"),
        ),
        tls=TlsFiles(certificate="", private_key="", authorities=""),
        tenants=(TENANT,),
        trunks=(carrier, OWN_TRUNK),
    )
    return DirectRoutingSimulator(Scenario(direct_routing=settings), settings, Report(lambda: 0.0))


async def order(teams: DirectRoutingSimulator, *, seen: str = "", at: str = "127.0.0.2") -> str:
    """Return the trunks' names joined, after one of them was seen."""
    if seen:
        teams.health.seen(seen, at, asyncio.get_running_loop().time())
    return " ".join(fqdn for fqdn, _ in teams.watch.trunks_in_order(TENANT))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [("carrier.test", f"{DERIVED} {OWN}"), (OWN, f"{OWN} {DERIVED}")],
)
def test_a_derived_trunk_has_the_health_of_the_carrier_trunk(seen: str, expected: str) -> None:
    assert asyncio.run(order(simulator(), seen=seen)) == expected


def test_options_of_the_derived_name_itself_do_not_count() -> None:
    assert asyncio.run(order(simulator(), seen=OWN)) == f"{OWN} {DERIVED}"
    teams = simulator()

    async def both() -> str:
        await order(teams, seen=DERIVED)
        return await order(teams, seen=OWN)

    assert asyncio.run(both()) == f"{OWN} {DERIVED}"


def test_a_disabled_carrier_trunk_takes_its_derived_ones_along() -> None:
    drained = msgspec.structs.replace(CARRIER_TRUNK, enabled=False)
    assert asyncio.run(order(simulator(drained), seen="carrier.test")) == OWN


def test_a_trunk_drained_at_runtime_is_left_out() -> None:
    teams = simulator()
    teams.watch.drained.add("carrier.test")
    assert asyncio.run(order(teams, seen="carrier.test")) == OWN


def test_one_that_asked_for_time_stands_behind_a_demoted_one() -> None:
    teams = simulator()

    async def after_retry_after() -> str:
        teams.watch.left_alone(OWN, 60)
        return await order(teams, seen=OWN)

    assert asyncio.run(after_retry_after()) == f"{DERIVED} {OWN}"


@pytest.mark.parametrize(
    ("at", "label"), [("127.0.0.2", "sip-du-a-eu"), ("127.0.0.3", "sip-du-a-apac")]
)
def test_a_call_leaves_where_options_arrive(at: str, label: str) -> None:
    teams = simulator()

    async def region() -> str:
        await order(teams, seen="carrier.test", at=at)
        return teams.sent_by(teams.watch.region_for(DERIVED, CARRIER_TRUNK))

    assert asyncio.run(region()).startswith(label)
