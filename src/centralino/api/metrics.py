# SPDX-License-Identifier: Apache-2.0
"""Figures for Prometheus, collected when they are asked for.

Nothing is counted here: the exchange counts, the replica knows what is so now. Figures are
of the asking token's tenant; lengths of time are of the whole process. Source: Prometheus
documentation, "Exposition formats" and "Metric and label naming".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

from litestar import MediaType, Response, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from centralino.api import views
from centralino.api.door import Door, TenantDoor
from centralino.api.errors import problem_specs
from centralino.exchange.control import Figures, Health, Histogram
from centralino.exchange.replica import TenantReplica

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "centralino"


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    @override
    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self._families


@get(
    "/metrics",
    tags=["health"],
    media_type=MediaType.TEXT,
    operation_id="read_metrics",
    responses=problem_specs(401, 503, 504),
)
async def read_metrics(door: Door) -> Response[bytes]:
    """Return the figures in Prometheus' text format."""
    replica = door.replica()
    figures = await door.read_figures()
    families = [
        *_calls(replica.tenant, figures),
        *_live(replica, door),
        *_health(door.health),
        _histogram("decision", "How long the core took per group of inputs", figures.decisions),
        _histogram("journal_commit", "How long until a group was durable", figures.commits),
    ]
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return Response(generate_latest(registry), media_type=TEXT_FORMAT)


def _calls(tenant: str, figures: Figures) -> Iterator[Metric]:
    calls = figures.calls
    for name, told, value in (
        ("calls_offered", "Calls that arrived", calls.offered),
        ("calls_answered", "Calls connected to an agent", calls.answered),
        ("calls_abandoned", "Calls left by their customer before that", calls.abandoned),
        ("calls_ended", "Calls that are over", calls.ended),
        ("offers_missed", "Offers that led to no conversation", calls.missed_offers),
    ):
        family = CounterMetricFamily(
            f"{_PREFIX}_{name}", f"{told}, since the exchange started.", labels=("tenant",)
        )
        family.add_metric((tenant,), value)
        yield family


def _live(replica: TenantReplica, door: TenantDoor) -> Iterator[Metric]:
    labels = ("tenant", "queue")
    waiting = GaugeMetricFamily(f"{_PREFIX}_queue_waiting", "Customers who wait.", labels=labels)
    longest = GaugeMetricFamily(
        f"{_PREFIX}_queue_longest_wait_seconds", "Of those who wait now.", labels=labels
    )
    for queue in views.queues(replica, door.now()):
        waiting.add_metric((replica.tenant, queue.id), queue.waiting)
        longest.add_metric((replica.tenant, queue.id), queue.longest_wait_ms / 1000)
    yield waiting
    yield longest
    yield _by(
        "agents", "Agents by state.", "state", replica, Counter(a.state for a in replica.agents)
    )
    interactions = Counter(one.state for one in replica.interactions)
    yield _by("interactions", "Interactions by state.", "state", replica, interactions)
    trunks = Counter(trunk.state for trunk in replica.trunks)
    yield _by("trunks", "Trunks by health.", "state", replica, trunks)
    alarms = Counter(alarm.code for alarm in replica.alarms)
    yield _by("alarms", "Alarms in force.", "code", replica, alarms)


def _by(
    name: str, told: str, label: str, replica: TenantReplica, counts: Counter[str]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", told, labels=("tenant", label))
    for value, count in sorted(counts.items()):
        family.add_metric((replica.tenant, value), count)
    return family


def _health(health: Health | None) -> Iterator[Metric]:
    found = views.exchange_health(health)
    for name, told, is_good in (
        ("journal_writable", "Whether decisions become durable.", found.is_journal_writable),
        ("voice_attached", "Whether the voice process is attached.", found.is_voice_attached),
    ):
        yield GaugeMetricFamily(f"{_PREFIX}_{name}", told, value=int(is_good))


def _histogram(name: str, told: str, histogram: Histogram) -> HistogramMetricFamily:
    bounds = [*(str(bound) for bound in histogram.bounds_s), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(
        f"{_PREFIX}_{name}_seconds", f"{told}.", buckets=buckets, sum_value=histogram.sum_s
    )
