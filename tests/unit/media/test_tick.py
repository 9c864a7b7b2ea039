# SPDX-License-Identifier: Apache-2.0
"""Which ticks are due, and when a worker is late."""

from __future__ import annotations

import pytest

from centralino.adapters.media.tick import LatenessWatch, Metronome

pytestmark = pytest.mark.unit

MS = 1_000_000


def test_ticks_lie_on_the_grid_whenever_it_is_looked_at() -> None:
    metronome = Metronome(0)
    due = [list(metronome.due(at * MS)) for at in (0, 5, 19, 23, 40, 45, 81)]
    assert due == [[0], [], [], [1], [2], [], [3, 4]]
    assert metronome.next_at == 100 * MS


def test_points_between_ticks_lie_on_their_grid_and_never_past_the_next_tick() -> None:
    metronome = Metronome(3 * MS)
    metronome.due(3 * MS)
    points = [metronome.next_point(at * MS, 5 * MS) // MS for at in (3, 7, 8, 14, 22, 23, 90)]
    assert points == [8, 8, 13, 18, 23, 23, 23]


def test_after_a_stall_some_ticks_are_made_up_for_and_the_rest_is_skipped() -> None:
    metronome = Metronome(0)
    assert list(metronome.due(1000 * MS)) == [46, 47, 48, 49, 50]
    assert list(metronome.due(1020 * MS)) == [51]


def test_late_from_the_share_on_and_cleared_well_below_it() -> None:
    watch = LatenessWatch(late_after_ms=60, late_share=0.2)
    changes = [watch.note(70 * MS) for _ in range(20)]
    assert changes.index(True) == 19
    assert watch.is_late
    changes = [watch.note(0) for _ in range(100)]
    assert sum(changes) == 1
    assert not watch.is_late


def test_worst_lateness_is_told_once() -> None:
    watch = LatenessWatch(60, 0.2)
    watch.note(3 * MS)
    watch.note(80 * MS)
    assert watch.take_worst_ms() == 80
    assert watch.take_worst_ms() == 0
