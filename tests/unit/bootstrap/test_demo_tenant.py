# SPDX-License-Identifier: Apache-2.0
"""The demo's tenant: the same people everywhere, and a day that lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from centralino.bootstrap.authority import CertificateFiles
from centralino.bootstrap.demo import company, tenant
from centralino.bootstrap.demo.identity import Identity, entra_scenario
from centralino.bootstrap.demo.wiring import usual_ports
from centralino.simulators.graph.instants import MINUTE_NS
from centralino.simulators.graph.world import make_world
from centralino.simulators.scenario import Scenario, load_scenario, save_scenario
from tests.kit.graph_tenant import EPOCH_NS

pytestmark = pytest.mark.unit

FILES = CertificateFiles(Path("c.crt"), Path("c.key"), Path("root.crt"))


def test_entra_and_graph_have_the_same_people(tmp_path: Path) -> None:
    known = Identity.below(tmp_path)
    known.make()
    entra, graph = entra_scenario(usual_ports(), known, FILES), tenant.graph_scenario(FILES)
    signing_in = {(one.oid, one.upn, one.name) for one in entra.tenants[0].people}
    in_teams = {(one.id, one.upn, one.name) for one in graph.tenants[0].people}
    assert in_teams == {(p.oid, p.upn, p.name) for p in company.PEOPLE}
    assert in_teams <= signing_in
    assert entra.tenants[0].id == graph.tenants[0].id


def test_what_the_demo_plays_can_be_written_and_read(tmp_path: Path) -> None:
    scenario = Scenario(graph=tenant.graph_scenario(FILES), calls=tenant.calls_scenario())
    save_scenario(scenario, tmp_path / "scenario.yaml")
    assert load_scenario(tmp_path / "scenario.yaml") == scenario


def test_an_hour_passes_and_people_come_go_and_talk() -> None:
    world = make_world(tenant.graph_scenario(FILES), "1", EPOCH_NS)
    seen: set[str] = set()
    for minute in range(1, 61):
        world.advance(EPOCH_NS + minute * MINUTE_NS)
        seen |= {one.detail for one in world.happenings if one.what == "presence.shown"}
    assert {"AvailableIdle/Inactive", "Available/Available", "Busy/InAMeeting"} <= seen
    (aurora,) = world.tenants.values()
    assert sum(aurora.phones.missed.values()) > 0
    assert aurora.schedules.of(tenant.TEAM).entries["shifts"]


def test_the_same_seed_gives_the_same_hour() -> None:
    def hour(seed: str) -> list[tuple[int, str, str, str]]:
        world = make_world(tenant.graph_scenario(FILES), seed, EPOCH_NS)
        world.advance(EPOCH_NS + 60 * MINUTE_NS)
        return [(one.at, one.what, one.who, one.detail) for one in world.happenings]

    assert hour("1") == hour("1")
    assert hour("1") != hour("2")
