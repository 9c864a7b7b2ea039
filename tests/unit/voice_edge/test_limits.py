# SPDX-License-Identifier: Apache-2.0
"""Rates, admission, alarms, back-off: everything that bounds what a peer may ask of us."""

from __future__ import annotations

import pytest

from centralino.adapters.voice.admission import Admission
from centralino.adapters.voice.alarms import AlarmBoard
from centralino.adapters.voice.settings import ListenerSettings, TrunkLimits, VoiceSettings
from centralino.adapters.voice.transport_route import Backoffs, RouteKey
from centralino.core.kernel.ids import TrunkId
from centralino.exchange.token_bucket import PeerBuckets, TokenBucket
from tests.unit.voice_edge.trunk_settings import SECOND, carrier

pytestmark = pytest.mark.unit

ONE, TWO = TrunkId("one"), TrunkId("two")


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2.0, 3, 0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_ns(0) == SECOND // 2
    assert not bucket.take(SECOND // 2 - 1)
    assert bucket.take(SECOND // 2)
    assert [bucket.take(60 * SECOND) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_ns(60 * SECOND + SECOND) == 0


def test_peers_have_buckets_of_their_own_and_the_oldest_makes_room() -> None:
    buckets = PeerBuckets(1.0, 1, max_peers=2)
    assert [buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)] == [
        True,
        False,
        True,
    ]
    buckets.take("a", 0)
    assert buckets.take("c", 0)
    assert len(buckets) == 2
    assert not buckets.take("a", 0)


def _settings(**changes: object) -> VoiceSettings:
    limits = TrunkLimits(max_calls=2, calls_per_s=10.0, burst=10)
    trunks = tuple(
        carrier(name, match=_network(index), limits=limits)
        for index, name in enumerate(("one", "two"))
    )
    values: dict[str, object] = {
        "listeners": (ListenerSettings(transport="udp"),),
        "trunks": trunks,
        **changes,
    }
    return VoiceSettings(**values)  # type: ignore[arg-type]  # fields by name, checked by the struct


def _network(index: int) -> object:
    from centralino.adapters.voice.settings import MatchRule

    return MatchRule(networks=(f"192.0.{index}.0/24",))


def _limit(admission: Admission, trunk: TrunkId | None, now: int = 0) -> str | None:
    refusal = admission.refuse(trunk, now)
    return refusal.limit if refusal is not None else None


def test_one_trunk_at_its_limit_leaves_the_other_unharmed() -> None:
    admission = Admission(_settings(), 0)
    for number in range(2):
        assert _limit(admission, ONE) is None
        admission.opened(f"s{number}", ONE)
    assert _limit(admission, ONE) == "trunk-calls"
    assert _limit(admission, TWO) is None
    admission.closed("s0")
    admission.closed("s0")
    admission.opened("s1", ONE)
    assert (admission.calls(ONE), admission.calls()) == (1, 1)
    assert _limit(admission, ONE) is None


def test_the_whole_has_limits_too() -> None:
    admission = Admission(_settings(max_calls=1), 0)
    admission.opened("s", ONE)
    assert _limit(admission, TWO) == "all-calls"
    slow = Admission(_settings(calls_per_s=1.0), 0)
    assert [_limit(slow, TWO), _limit(slow, TWO)] == [None, "all-rate"]
    refusal = slow.refuse(TWO, 0)
    assert refusal is not None
    assert refusal.retry_after_s == 1


def test_a_rate_is_refused_with_the_time_until_it_is_allowed() -> None:
    limits = TrunkLimits(calls_per_s=0.25, burst=1)
    admission = Admission(_settings(trunks=(carrier("one", limits=limits),)), 0)
    assert _limit(admission, ONE) is None
    refusal = admission.refuse(ONE, 0)
    assert refusal is not None
    assert (refusal.limit, refusal.retry_after_s) == ("trunk-rate", 4)
    assert _limit(admission, ONE, 4 * SECOND) is None


def test_draining_refuses_new_calls_and_counts_the_old() -> None:
    admission = Admission(_settings(), 0)
    admission.opened("s", ONE)
    admission.drain(ONE, on=True)
    assert (_limit(admission, ONE), _limit(admission, TWO)) == ("draining", None)
    admission.drain(ONE, on=False)
    admission.drain(None, on=True)
    assert (_limit(admission, ONE), _limit(admission, TWO)) == ("draining", "draining")
    admission.drain(TrunkId("nobody"), on=True)
    assert admission.calls(ONE) == 1
    assert admission.calls(TrunkId("nobody")) == 0


def test_a_message_of_no_trunk_is_refused() -> None:
    assert _limit(Admission(_settings(), 0), None) == "unknown-trunk"


def test_replaced_trunks_keep_their_calls_and_disabled_ones_drain() -> None:
    admission = Admission(_settings(), 0)
    admission.opened("s", ONE)
    admission.replace([carrier("one", enabled=False)], 0)
    assert admission.calls(ONE) == 1
    assert _limit(admission, ONE) == "draining"
    assert _limit(admission, TWO) == "unknown-trunk"
    admission.closed("s")
    assert admission.calls() == 0


def test_load_is_told_once_each_way_with_a_gap_between() -> None:
    told: list[tuple[int, bool]] = []
    limits = TrunkLimits(max_calls=10, alarm_ratio=0.9)
    admission = Admission(
        _settings(trunks=(carrier("one", limits=limits),)),
        0,
        lambda _trunk, calls, _limit, is_high: told.append((calls, is_high)),
    )
    for number in range(10):
        admission.opened(f"s{number}", ONE)
    for number in range(4):
        admission.closed(f"s{number}")
    assert told == [(9, True), (7, False)]


# ---- alarms


def test_an_alarm_is_told_when_it_begins_changes_and_ends() -> None:
    board = AlarmBoard()
    told: list[tuple[str, str, bool]] = []
    board.handler = lambda code, text, _trunk, cleared: told.append((code, text, cleared))
    board.begin("down", "a", ONE)
    board.begin("down", "a", ONE)
    board.begin("down", "b", ONE)
    assert board.holding() == (("down", "b", ONE),)
    board.end("down", TWO)
    board.end("down", ONE)
    board.end("down", ONE)
    assert told == [("down", "a", False), ("down", "b", False), ("down", "b", True)]


def test_alarms_are_bounded_and_end_together() -> None:
    board = AlarmBoard()
    for number in range(600):
        board.begin("tls-expired", "x", subject=f"peer{number}")
    assert len(board.holding()) == 512
    board.begin("tls-closed", "y", subject="peer599")
    board.end_all("tls-", "peer599")
    assert len(board.holding()) == 510


# ---- back-off


def test_a_back_off_doubles_up_to_its_limit_and_is_forgotten_on_success() -> None:
    backoffs = Backoffs(5.0, 15.0)
    key = (RouteKey("tls", "host", None, ()), "192.0.2.1", 5061)
    now = 0
    waits = []
    for _ in range(4):
        waits.append(backoffs.failed(key, "refused", now) // SECOND)
        now += waits[-1] * SECOND
    assert waits == [5, 10, 15, 15]
    assert backoffs.active(key, now - 1) is not None
    assert backoffs.active(key, now) is None
    assert backoffs.failed(key, "refused", now) == 15 * SECOND
    assert backoffs.failed(key, "again", now + SECOND) == 14 * SECOND
    backoffs.worked(key)
    assert backoffs.failed(key, "refused", now) == 5 * SECOND


def test_back_offs_are_bounded() -> None:
    backoffs = Backoffs(5.0, 15.0, max_entries=2)
    keys = [(RouteKey("tcp", "host", None, ()), f"192.0.2.{n}", 5060) for n in range(3)]
    for key in keys:
        backoffs.failed(key, "refused", 0)
    assert [backoffs.active(key, 1) is not None for key in keys] == [False, True, True]
