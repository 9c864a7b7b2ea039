# SPDX-License-Identifier: Apache-2.0
"""Random events through the whole engine, the rules checked after every one of them.

The world is that of the property tests: three queues with every kind of lease, calls, chats,
callbacks, closures, presence, two configurations. Each story ends with everybody gone and
time alone passing; then nothing may remain: no interaction, offer, callback or reservation. A
broken rule raises, so a figure means that none was. ``CENTRALINO_SOAK_EVENTS`` asks for so
many events however long that takes (the whole proof is 10,000,000); by default it runs for
``SECONDS``.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

from bench.measurement import Measurement
from tests.kit.engine_world import STEPS, EngineWorld

PREFIX = "core.soak"
SECONDS = 30
STEPS_PER_STORY = 400


def measure() -> Iterator[Measurement]:
    """Run stories until the time, or the number of events that was asked for, is reached."""
    wanted = int(os.environ.get("CENTRALINO_SOAK_EVENTS", "0"))
    began = time.process_time()
    events = stories = 0
    while not _is_enough(events, wanted, time.process_time() - began):
        events += story(seed=stories)
        stories += 1
    took_s = time.process_time() - began
    note = f"{stories} stories, none left anything behind"
    yield Measurement("core.soak_events", float(events), "events", note=note)
    yield Measurement(
        "core.soak_cpu_per_event", took_s / max(1, events) * 1e6, "us", note="rules included"
    )
    yield Measurement(
        "core.soak_broken_rules", 0.0, "rules", goal=0.0, note=f"{events} events, every step"
    )


def _is_enough(events: int, wanted: int, took_s: float) -> bool:
    return events >= wanted if wanted else took_s >= SECONDS


def story(seed: int) -> int:
    """Run one story to its end; return how many events it had.

    Raises:
        AssertionError: a rule was broken; the seed tells which story it was.
    """
    dice = random.Random(seed)
    world = EngineWorld(keeps_inputs=False)
    try:
        for _ in range(STEPS_PER_STORY):
            world.step(dice.randrange(len(STEPS)), dice.randrange(64), dice.randrange(64))
        world.drain()
    except AssertionError as error:
        raise AssertionError(f"story {seed}: {error}") from error
    return world.events
