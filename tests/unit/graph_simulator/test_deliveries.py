# SPDX-License-Identifier: Apache-2.0
"""Notifications on their way: four hours of retries, slow endpoints, planted faults."""

from __future__ import annotations

import itertools

import pytest

from centralino.simulators.graph.deliveries import (
    Deliveries,
    DeliveryFaults,
    DeliveryRules,
    Item,
    audiences,
    envelope,
)
from centralino.simulators.graph.instants import HOUR_NS, MINUTE_NS, NS_PER_MS, NS_PER_S

pytestmark = pytest.mark.unit

URL = "https://product.example/notify?tenant=1"
FAST, SLOW = 100 * NS_PER_MS, 2950 * NS_PER_MS


def item(number: int, *, url: str = URL, is_rich: bool = False) -> Item:
    return Item(url, {"n": number}, "s", "t", "a", is_rich, 0)


def numbers(deliveries: Deliveries, now: int) -> list[list[int]]:
    return [[one.body["n"] for one in post.items] for post in deliveries.due(now)]


def test_items_of_one_endpoint_leave_in_batches() -> None:
    deliveries = Deliveries(DeliveryRules(most_in_batch=3), DeliveryFaults(), "seed")
    for number in range(4):
        deliveries.put(item(number), 0)
    deliveries.put(item(9, url="https://other.example/"), 0)
    assert numbers(deliveries, 0) == [[0, 1, 2], [3], [9]]


def test_what_is_not_taken_is_tried_for_four_hours_and_then_dropped() -> None:
    deliveries = Deliveries(DeliveryRules(judged_from=1_000_000), DeliveryFaults(), "seed")
    deliveries.put(item(1), 0)
    tries: list[int] = []
    last: list[bool] = []
    while (due := deliveries.next_deadline()) is not None:
        for post in deliveries.due(due):
            tries.append(due)
            last.append(deliveries.answered(post, 503, FAST, due).is_given_up)
    waits = [(b - a) // NS_PER_S for a, b in itertools.pairwise(tries)]
    assert waits[:5] == [10, 20, 40, 80, 160]
    assert max(waits) == 600
    assert 3.8 * HOUR_NS < tries[-1] <= 4 * HOUR_NS
    assert last == [False] * (len(last) - 1) + [True]
    assert deliveries.dropped_count == 1


@pytest.mark.parametrize(
    ("status", "elapsed", "is_good"),
    [(202, FAST, True), (200, SLOW, True), (204, 3 * NS_PER_S, True),
     (202, 3 * NS_PER_S + 1, False), (404, FAST, False), (500, FAST, False), (0, FAST, False)],
)  # fmt: skip
def test_only_2xx_within_three_seconds_is_good(status: int, elapsed: int, is_good: bool) -> None:
    deliveries = Deliveries(DeliveryRules(), DeliveryFaults(), "seed")
    deliveries.put(item(1), 0)
    (post,) = deliveries.due(0)
    deliveries.answered(post, status, elapsed, NS_PER_S)
    assert (deliveries.waiting_count == 0) is is_good


def feed(deliveries: Deliveries, slow_each: int, count: int = 100) -> None:
    for number in range(count):
        deliveries.put(item(number), 0)
        for post in deliveries.due(0):
            deliveries.answered(post, 202, SLOW if number % 100 < slow_each else FAST, 0)


@pytest.mark.parametrize(
    ("slow", "state"), [(0, "good"), (9, "good"), (10, "delayed"), (14, "delayed"), (15, "dropped")]
)
def test_slow_endpoints_are_delayed_and_then_dropped(slow: int, state: str) -> None:
    deliveries = Deliveries(DeliveryRules(), DeliveryFaults(), "seed")
    feed(deliveries, slow)
    assert [one.state for one in deliveries.endpoints.values()] == [state]
    deliveries.put(item(7), MINUTE_NS)
    due = {"good": MINUTE_NS, "delayed": 11 * MINUTE_NS, "dropped": None}[state]
    assert deliveries.next_deadline() == due


def test_an_endpoint_is_judged_afresh_after_ten_minutes() -> None:
    deliveries = Deliveries(DeliveryRules(), DeliveryFaults(), "seed")
    feed(deliveries, 50)
    deliveries.put(item(7), 10 * MINUTE_NS)
    assert deliveries.next_deadline() == 10 * MINUTE_NS


def test_planted_duplicates_swaps_and_losses_happen() -> None:
    def sent(faults: DeliveryFaults) -> list[int]:
        deliveries = Deliveries(DeliveryRules(most_in_batch=1), faults, "seed")
        found: list[int] = []
        for number in range(200):
            deliveries.put(item(number), number * NS_PER_MS)
            for batch in numbers(deliveries, number * NS_PER_MS):
                found += batch
        return found + [n for batch in numbers(deliveries, HOUR_NS) for n in batch]

    assert sent(DeliveryFaults()) == list(range(200))
    twice = sent(DeliveryFaults(duplicates=0.2))
    assert len(twice) > 210
    assert sorted({*twice}) == list(range(200))
    swapped = sent(DeliveryFaults(swaps=0.3))
    assert swapped != sorted(swapped) == list(range(200))
    assert 120 < len(sent(DeliveryFaults(losses=0.2))) < 190
    assert sent(DeliveryFaults(swaps=0.3)) == swapped


def test_tokens_are_there_for_encrypted_content_only() -> None:
    mixed = (item(1), item(2, is_rich=True), item(3, is_rich=True))
    assert audiences(mixed) == [("t", "a")]
    assert "validationTokens" not in envelope(mixed[:1], [])
    assert envelope(mixed, ["x"])["validationTokens"] == ["x"]
