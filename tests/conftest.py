# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for every test, and the few fixtures that every level may use.

The rules themselves live in `tests.kit.guards`; this file only applies them. Hypothesis
runs its short, derandomised profile unless ``HYPOTHESIS_PROFILE=long`` asks for the other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.kit.certificates import Authority, trusted_authority
from tests.kit.guards import guard_sockets, guard_tasks, level_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", deadline=None, max_examples=5_000, stateful_step_count=200)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the Hypothesis profile and close the way out of the loopback."""
    del config
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    guard_sockets()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse to run when a module does not say at which level it tests."""
    problems = set()
    for item in items:
        problem = level_problem(mark.name for mark in item.iter_markers())
        if problem is not None:
            problems.add(f"{item.location[0]} {problem}")
    if problems:
        raise pytest.UsageError("\n".join(sorted(problems)))


@pytest.fixture(autouse=True)
def _fresh_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no logger keep what one test configured: its stream is closed when the test ends.

    A logger that was used once under ``cache_logger_on_first_use`` never asks again, so tests
    run without it.
    """
    configure = structlog.configure

    def uncached(**chosen: Any) -> None:  # noqa: ANN401 - structlog's own arguments
        configure(**{**chosen, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def _no_leaked_tasks() -> Iterator[None]:
    """Fail a test that leaves an asyncio task running."""
    with guard_tasks():
        yield


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Give the certificate authority that this run trusts."""
    return trusted_authority()
