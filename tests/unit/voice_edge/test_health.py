# SPDX-License-Identifier: Apache-2.0
"""The health of trunks over time: cert cases CON-02 to CON-05, RES-01, RES-02, MT-04."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from centralino.adapters.voice.health import DOMAIN_UNKNOWN, NOT_ASKED, Health, HealthMonitor
from centralino.core.kernel.ids import TrunkId
from tests.unit.voice_edge.trunk_settings import SECOND, carrier, teams

pytestmark = pytest.mark.unit

TEAMS = TrunkId("teams")
HOSTS = ("sip", "sip2", "sip3")


def _monitor(**changes: Any) -> HealthMonitor:  # noqa: ANN401  any field
    return HealthMonitor([teams(**changes)], 0, chance=lambda: 0.0)


def _state(monitor: HealthMonitor, trunk: str = "teams") -> tuple[Health, str]:
    report = monitor.report(TrunkId(trunk))
    assert report is not None
    return report.health, report.reason


def _answer_all(monitor: HealthMonitor, now: int, status: int = 200) -> None:
    for host in HOSTS:
        monitor.answered(TEAMS, host, status, now)


def test_the_cadence_stays_within_what_teams_allows() -> None:
    monitor = HealthMonitor([teams()], 0, chance=Random(5).random)
    asked: dict[str, list[int]] = {host: [] for host in HOSTS}
    now = 0
    while now < 600 * SECOND:
        for _, host in monitor.due(now):
            asked[host].append(now)
        deadline = monitor.next_deadline()
        assert deadline is not None
        assert deadline > now
        now = deadline
    for times in asked.values():
        gaps = [(later - earlier) / SECOND for earlier, later in pairwise(times)]
        assert times[0] == 0
        assert all(60 <= gap <= 180 for gap in gaps)
        assert len(set(gaps)) > 1


def test_active_needs_both_directions() -> None:
    monitor = _monitor()
    monitor.due(0)
    _answer_all(monitor, SECOND)
    assert _state(monitor) == (Health.UNKNOWN, NOT_ASKED)
    monitor.asked(TEAMS, 2 * SECOND)
    assert _state(monitor) == (Health.ACTIVE, "")
    assert [(c.before, c.after) for c in monitor.take_changes()] == [
        (Health.UNKNOWN, Health.ACTIVE)
    ]
    assert monitor.take_changes() == []


def test_a_403_of_every_proxy_is_a_tenant_that_does_not_know_us() -> None:
    monitor = _monitor()
    _answer_all(monitor, SECOND, 403)
    assert _state(monitor) == (Health.DOWN, DOMAIN_UNKNOWN)
    assert monitor.usable(TEAMS, SECOND) == []
    assert "down (domain not known to tenant)" in monitor.why_not(TEAMS, SECOND)
    _answer_all(monitor, 61 * SECOND)
    assert monitor.usable(TEAMS, 61 * SECOND) == list(HOSTS)


def test_a_403_of_a_carrier_is_an_answer_like_any_other() -> None:
    from centralino.adapters.voice.settings import ProxySettings

    monitor = HealthMonitor([carrier(proxies=(ProxySettings(host="gw"),))], 0, chance=lambda: 0.0)
    monitor.answered(TrunkId("carrier"), "gw", 403, SECOND)
    assert _state(monitor, "carrier") == (Health.ACTIVE, "")


def test_three_losses_are_down_and_one_answer_is_back() -> None:
    monitor = _monitor()
    _answer_all(monitor, SECOND)
    monitor.asked(TEAMS, SECOND)
    seen = []
    for count in range(1, 4):
        monitor.lost(TEAMS, "sip", "no answer", count * 60 * SECOND)
        monitor.asked(TEAMS, count * 60 * SECOND)
        seen.append("sip" in monitor.usable(TEAMS, count * 60 * SECOND))
    assert seen == [True, True, False]
    assert _state(monitor) == (Health.DEGRADED, "sip: no answer")
    assert monitor.usable(TEAMS, 181 * SECOND) == ["sip2", "sip3"]
    monitor.answered(TEAMS, "sip", 200, 190 * SECOND)
    assert monitor.usable(TEAMS, 190 * SECOND) == list(HOSTS)
    assert _state(monitor)[0] is Health.ACTIVE


@pytest.mark.parametrize(
    ("status", "is_loss"),
    [(200, False), (404, False), (405, False), (501, False), (503, True), (500, True), (408, True)],
)
def test_which_answers_are_signs_of_life(status: int, is_loss: bool) -> None:
    monitor = _monitor()
    monitor.answered(TEAMS, "sip", status, SECOND)
    report = monitor.report(TEAMS)
    assert report is not None
    assert report.proxies[0].losses == int(is_loss)


def test_all_down_tells_the_common_reason_or_each() -> None:
    monitor = _monitor()
    for host in HOSTS:
        for _ in range(3):
            monitor.lost(TEAMS, host, f"{host} is gone", SECOND)
    assert _state(monitor) == (
        Health.DOWN,
        "sip: sip is gone; sip2: sip2 is gone; sip3: sip3 is gone",
    )


def test_a_peer_that_stops_asking_is_one_way_and_calls_go_on() -> None:
    monitor = _monitor()
    _answer_all(monitor, 0)
    monitor.asked(TEAMS, 10 * SECOND)
    monitor.due(309 * SECOND)
    assert _state(monitor)[0] is Health.ACTIVE
    monitor.due(310 * SECOND)
    assert _state(monitor) == (Health.ONE_WAY, NOT_ASKED)
    assert monitor.usable(TEAMS, 310 * SECOND) == list(HOSTS)
    monitor.asked(TEAMS, 320 * SECOND)
    assert _state(monitor)[0] is Health.ACTIVE


def test_a_teams_trunk_that_was_never_asked_is_one_way_after_five_minutes() -> None:
    monitor = _monitor()
    _answer_all(monitor, 0)
    monitor.due(300 * SECOND)
    assert _state(monitor) == (Health.ONE_WAY, NOT_ASKED)


def test_the_deadline_covers_the_silence_of_the_peer() -> None:
    monitor = _monitor()
    _answer_all(monitor, 0)
    monitor.asked(TEAMS, 10 * SECOND)
    at = 0
    while at < 310 * SECOND:
        monitor.due(at)
        deadline = monitor.next_deadline()
        assert deadline is not None
        at = deadline
    assert at == 310 * SECOND


def test_a_proxy_is_avoided_for_as_long_as_it_asks() -> None:
    monitor = _monitor()
    monitor.avoid(TEAMS, "sip", 7 * SECOND, "503 with Retry-After")
    assert monitor.usable(TEAMS, SECOND) == ["sip2", "sip3"]
    assert monitor.why_not(TEAMS, SECOND) == "sip: avoided for 6 s (503 with Retry-After)"
    assert monitor.usable(TEAMS, 7 * SECOND) == list(HOSTS)
    assert _state(monitor)[0] is Health.UNKNOWN


def test_an_answer_ends_the_rest_after_a_failed_connect_but_no_wish() -> None:
    monitor = _monitor()
    monitor.avoid(TEAMS, "sip", 7 * SECOND, "connection refused")
    monitor.avoid(TEAMS, "sip2", 7 * SECOND, "503 with Retry-After", is_wish=True)
    _answer_all(monitor, SECOND)
    assert monitor.usable(TEAMS, 2 * SECOND) == ["sip", "sip3"]
    assert monitor.usable(TEAMS, 7 * SECOND) == list(HOSTS)


def test_a_derived_trunk_shows_its_bases_health_and_asks_nobody() -> None:
    derived = teams("derived", health_of=TEAMS, proxies=())
    monitor = HealthMonitor([teams(), derived], 0, chance=lambda: 0.0)
    assert {trunk for trunk, _ in monitor.due(0)} == {TEAMS}
    _answer_all(monitor, SECOND)
    monitor.asked(TEAMS, SECOND)
    assert _state(monitor, "derived") == (Health.ACTIVE, "")
    assert monitor.usable(TrunkId("derived"), SECOND) == list(HOSTS)


def test_replacing_trunks_keeps_the_state_of_those_that_stay() -> None:
    monitor = _monitor()
    _answer_all(monitor, SECOND)
    monitor.asked(TEAMS, SECOND)
    monitor.replace([teams(enabled=False), carrier()], 2 * SECOND)
    assert _state(monitor)[0] is Health.ACTIVE
    assert _state(monitor, "carrier")[0] is Health.UNKNOWN
    monitor.replace([carrier()], 3 * SECOND)
    assert monitor.report(TEAMS) is None
    # What is still under way for a trunk that is gone has no effect.
    monitor.answered(TEAMS, "sip", 200, 3 * SECOND)
    monitor.lost(TEAMS, "sip", "late", 3 * SECOND)
    monitor.asked(TEAMS, 3 * SECOND)
    monitor.avoid(TEAMS, "sip", 9 * SECOND, "late")
    assert monitor.usable(TEAMS, SECOND) == []
    assert monitor.next_deadline() is None
