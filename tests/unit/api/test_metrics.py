# SPDX-License-Identifier: Apache-2.0
"""The figures for Prometheus, read as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.api.reception import STRANGER, Reception

pytestmark = pytest.mark.unit


def _samples(token: str | None = None) -> dict[tuple[str, str], float]:
    reception = Reception()
    answer = reception.ask("GET", "/metrics", token) if token else reception.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_is_so_now_is_told_per_queue_and_state() -> None:
    found = _samples()
    assert found["centralino_queue_waiting", "queue=sales,tenant=acme"] == 1
    assert found["centralino_queue_longest_wait_seconds", "queue=sales,tenant=acme"] == 42
    assert found["centralino_agents", "state=connected,tenant=acme"] == 1
    assert found["centralino_interactions", "state=queued,tenant=acme"] == 1
    assert found["centralino_trunks", "state=active,tenant=acme"] == 1
    assert found["centralino_alarms", "code=certificate-expires,tenant=acme"] == 1
    assert found["centralino_calls_offered_total", "tenant=acme"] == 0
    assert found["centralino_journal_writable", ""] == 1


def test_lengths_of_time_are_cumulative() -> None:
    found = _samples()
    bounds = ("0.001", "0.01", "+Inf")
    for name in ("decision", "journal_commit"):
        family = f"centralino_{name}_seconds"
        assert [found[f"{family}_bucket", f"le={bound}"] for bound in bounds] == [3, 5, 6]
        assert (found[f"{family}_count", ""], found[f"{family}_sum", ""]) == (6, 0.05)


def test_another_organisations_figures_are_its_own() -> None:
    assert not [labels for _, labels in _samples(STRANGER) if "acme" in labels]
