# SPDX-License-Identifier: Apache-2.0
"""The whole engine, driven by commands only, matches as the naive oracle would, input by input."""

from __future__ import annotations

import pytest

from bench.core_world import Site, Size
from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import SECOND
from tests.oracle.judged import JudgedEngine

pytestmark = pytest.mark.property

SIZE = Size(agents=60, queues=12, waiting=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_match_of_a_small_day_is_the_oracles(seed: int) -> None:
    judged = JudgedEngine(TenantId("large"), is_whole=True)
    site = Site(SIZE, seed=seed, engine=judged)
    site.staff(20)
    for _ in range(150):
        site.pass_time(site.random.choice((0, 0, 1, 4)) * SECOND)
        kind = site.random.random()
        if kind < 0.55 or not site.legs:
            site.answer(site.do(site.arrival()))
        elif kind < 0.85:
            site.answer(site.do(site.hang_up(site.somebody_who_talks())))
        elif kind < 0.95:
            site.answer(site.do(MakeAgentReady(agent=site.random.choice(site.names))))
        else:
            site.do(MakeAgentNotReady(agent=site.random.choice(site.names), reason="break"))
    assert judged.differences == []
    assert judged.judged > 40
