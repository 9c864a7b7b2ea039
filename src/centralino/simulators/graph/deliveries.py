# SPDX-License-Identifier: Apache-2.0
"""Change notifications on their way: batches, retries, and what slow endpoints get.

Pure: :meth:`Deliveries.due` says what to post now, :meth:`Deliveries.answered` takes what came
back. An answer of 2xx within three seconds is good; anything else is tried again for four hours.
An endpoint whose answers are slow too often gets everything late, and beyond that nothing.
Faults are ratios: duplicates, swapped order, losses. Source: Microsoft Graph, "Receive change
notifications through webhooks".
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from centralino.simulators.graph.instants import HOUR_NS, MINUTE_NS, NS_PER_MS, NS_PER_S

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """Numbers of the page, and what it leaves open."""

    answer_within_ns: int = 3 * NS_PER_S
    slow_ns: int = 2900 * NS_PER_MS
    window_ns: int = 10 * MINUTE_NS
    judged_from: int = 100
    """Notifications in a window before its ratio counts."""
    delay_ratio: float = 0.10
    drop_ratio: float = 0.15
    delay_ns: int = 10 * MINUTE_NS
    retry_first_ns: int = 10 * NS_PER_S
    """Open: the page says "multiple times"; the wait doubles up to ``retry_most_ns``."""
    retry_most_ns: int = 10 * MINUTE_NS
    give_up_ns: int = 4 * HOUR_NS
    most_in_batch: int = 50
    """Open: the page only says that there may be several."""
    most_waiting: int = 200_000


@dataclass(frozen=True, slots=True)
class DeliveryFaults:
    """What goes wrong on purpose; ratios from 0 to 1."""

    duplicates: float = 0.0
    swaps: float = 0.0
    """An item leaves only after the next one for the same endpoint."""
    losses: float = 0.0


@dataclass(slots=True)
class Item:
    """One notification."""

    url: str
    body: Json
    subscription_id: str
    tenant_id: str
    app_id: str
    is_rich: bool
    created_at: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be posted to one endpoint now."""

    id: int
    url: str
    items: tuple[Item, ...]


@dataclass(slots=True)
class Endpoint:
    """How the answers of one endpoint were, in the running window."""

    window_at: int
    count: int = 0
    slow_count: int = 0
    state: str = "good"
    """good, delayed, dropped."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a post, for the log."""

    at: int
    url: str
    items: tuple[Item, ...]
    status: int
    """0 when nothing came in time."""
    is_given_up: bool = False


class Deliveries:
    """All notifications that wait, of all tenants."""

    def __init__(self, rules: DeliveryRules, faults: DeliveryFaults, seed: str) -> None:
        self.rules = rules
        self.faults = faults
        self.endpoints: dict[str, Endpoint] = {}
        self.dropped_count = 0
        """Items that will never arrive: given up, refused to a slow endpoint, lost on purpose."""
        self._dice = random.Random(seed)
        self._order = itertools.count()
        self._posts = itertools.count(1)
        self._waiting: list[tuple[int, int, Item]] = []
        self._held: dict[str, Item] = {}
        self._open: dict[int, Post] = {}

    def put(self, item: Item, now: int, delay_ns: int = 0) -> None:
        """Take an item; it is due ``delay_ns`` from ``now``."""
        if self._is_lost():
            return
        endpoint = self._endpoint(item.url, now)
        if endpoint.state == "dropped":
            self.dropped_count += 1
            return
        late = self.rules.delay_ns if endpoint.state == "delayed" else 0
        due = now + delay_ns + late
        held = self._held.pop(item.url, None)
        if held is None and self._dice.random() < self.faults.swaps:
            self._held[item.url] = item
            # Nobody may come to overtake it.
            self._push(due + NS_PER_S, item)
            return
        self._push(due, item)
        if self._dice.random() < self.faults.duplicates:
            self._push(due, item)

    def _is_lost(self) -> bool:
        is_full = len(self._waiting) >= self.rules.most_waiting
        if is_full or self._dice.random() < self.faults.losses:
            self.dropped_count += 1
            return True
        return False

    def _push(self, due: int, item: Item) -> None:
        heapq.heappush(self._waiting, (due, next(self._order), item))

    def due(self, now: int) -> list[Post]:
        """Return what is to be posted now, a batch per endpoint; each waits for its answer."""
        by_url: dict[str, list[Item]] = defaultdict(list)
        while self._waiting and self._waiting[0][0] <= now:
            item = heapq.heappop(self._waiting)[2]
            if self._held.get(item.url) is item:
                del self._held[item.url]
            by_url[item.url].append(item)
        posts = []
        for url, items in by_url.items():
            for start in range(0, len(items), self.rules.most_in_batch):
                batch = items[start : start + self.rules.most_in_batch]
                post = Post(next(self._posts), url, tuple(batch))
                self._open[post.id] = post
                posts.append(post)
        return posts

    def answered(self, post: Post, status: int, elapsed_ns: int, now: int) -> Delivered:
        """Take the answer of a post; ``status`` 0 means that none came."""
        self._open.pop(post.id, None)
        is_slow = status == 0 or elapsed_ns > self.rules.slow_ns
        self._judge(post.url, is_slow=is_slow, count=len(post.items), now=now)
        is_good = 200 <= status < 300 and elapsed_ns <= self.rules.answer_within_ns
        given_up = False
        if not is_good:
            for item in post.items:
                given_up |= not self._again(item, now)
        return Delivered(now, post.url, post.items, status, given_up)

    def _again(self, item: Item, now: int) -> bool:
        item.attempts += 1
        wait = min(self.rules.retry_first_ns * 2 ** (item.attempts - 1), self.rules.retry_most_ns)
        endpoint = self._endpoint(item.url, now)
        if endpoint.state == "delayed":
            wait = self.rules.delay_ns
        is_late = now + wait - item.created_at > self.rules.give_up_ns
        if is_late or endpoint.state == "dropped":
            self.dropped_count += 1
            return False
        self._push(now + wait, item)
        return True

    def _judge(self, url: str, *, is_slow: bool, count: int, now: int) -> None:
        endpoint = self._endpoint(url, now)
        endpoint.count += count
        endpoint.slow_count += count if is_slow else 0
        if endpoint.count < self.rules.judged_from:
            return
        ratio = endpoint.slow_count / endpoint.count
        if ratio >= self.rules.drop_ratio:
            endpoint.state = "dropped"
        elif ratio >= self.rules.delay_ratio:
            endpoint.state = "delayed"

    def _endpoint(self, url: str, now: int) -> Endpoint:
        host = url.partition("?")[0]
        endpoint = self.endpoints.setdefault(host, Endpoint(now))
        if now - endpoint.window_at >= self.rules.window_ns:
            endpoint.window_at, endpoint.count, endpoint.slow_count = now, 0, 0
            endpoint.state = "good"
        return endpoint

    def next_deadline(self) -> int | None:
        """Return when :meth:`due` has something."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def waiting_count(self) -> int:
        """How many items wait for their time, those to be tried again included."""
        return len(self._waiting)

    @property
    def open_count(self) -> int:
        """How many posts wait for their answer."""
        return len(self._open)


def envelope(items: tuple[Item, ...], tokens: list[str]) -> Mapping[str, Any]:
    """Return the body of a post; ``tokens`` are there for encrypted content only."""
    body: Json = {"value": [item.body for item in items]}
    if tokens:
        body["validationTokens"] = tokens
    return body


def audiences(items: tuple[Item, ...]) -> list[tuple[str, str]]:
    """Return the distinct (tenant, application) of the items with encrypted content."""
    return list(dict.fromkeys((item.tenant_id, item.app_id) for item in items if item.is_rich))
