# SPDX-License-Identifier: Apache-2.0
"""The virtual loop jumps from timer to timer, in order, and tells a deadlock from a wait."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from tests.kit.virtual_time import (
    NS_PER_S,
    Deadlock,
    VirtualClock,
    VirtualTimeLoop,
    run_virtual,
    running_clock,
)

pytestmark = pytest.mark.unit

HOUR_S = 3_600


def _wait_until(loop: asyncio.AbstractEventLoop, at: float) -> asyncio.Future[float]:
    """Return a future that gets the loop's time when `at` has come."""
    done: asyncio.Future[float] = loop.create_future()
    loop.call_at(at, lambda: done.set_result(loop.time()))
    return done


def test_a_day_passes_at_once_and_exactly() -> None:
    async def main() -> float:
        return await _wait_until(asyncio.get_running_loop(), 24 * HOUR_S)

    assert run_virtual(main()) == 24 * HOUR_S


def test_time_stands_still_while_work_is_ready() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        for _ in range(1_000):
            turn = loop.create_future()
            loop.call_soon(turn.set_result, None)
            await turn
        return loop.time()

    assert run_virtual(main()) == 0


def test_timers_fire_in_the_order_of_their_time_whatever_the_order_of_arming() -> None:
    delays = [random.Random(7).randrange(10**6) / 1_000 for _ in range(500)]

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        fired: list[float] = []
        for delay in delays:
            loop.call_later(delay, fired.append, delay)
        await _wait_until(loop, 10**6)
        return fired

    assert run_virtual(main()) == sorted(delays)


def test_a_timeout_elapses_in_virtual_time() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HOUR_S):
                await asyncio.Event().wait()
        return running_clock().now()

    assert run_virtual(main()) == HOUR_S * NS_PER_S


def test_waiting_for_nobody_is_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtual(main())


def test_a_deadlocked_task_may_clean_up() -> None:
    cleaned: list[str] = []

    async def main() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("yes")

    with pytest.raises(Deadlock):
        run_virtual(main())
    assert cleaned == ["yes"]


def test_ready_descriptors_are_still_seen() -> None:
    async def main() -> bytes:
        reader, writer = await asyncio.open_connection(sock=left)
        writer.write(b"ping\n")
        right.sendall(b"pong\n")
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    left, right = socket.socketpair()
    with right:
        assert run_virtual(main()) == b"pong\n"


def test_both_clocks_move_together() -> None:
    async def main() -> tuple[int, int]:
        clock = running_clock()
        before = clock.now(), clock.utc()
        await _wait_until(asyncio.get_running_loop(), 1.5)
        return clock.now() - before[0], clock.utc() - before[1]

    assert run_virtual(main()) == (1_500_000_000, 1_500_000_000)


def test_a_real_loop_has_no_virtual_clock() -> None:
    async def main() -> VirtualClock:
        return running_clock()

    with pytest.raises(TypeError, match="virtual clock"):
        asyncio.run(main())


def test_two_runs_of_one_program_are_the_same() -> None:
    async def caller(rng: random.Random, log: list[tuple[int, int]], number: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(20):
            await _wait_until(loop, loop.time() + rng.expovariate(1 / 30))
            log.append((running_clock().now(), number))

    async def main(seed: int) -> list[tuple[int, int]]:
        rng, log = random.Random(seed), list[tuple[int, int]]()
        async with asyncio.TaskGroup() as callers:
            for number in range(20):
                callers.create_task(caller(rng, log, number))
        return log

    assert run_virtual(main(1)) == run_virtual(main(1))
    assert run_virtual(main(1)) != run_virtual(main(2))


def test_the_loop_begins_at_zero() -> None:
    loop = VirtualTimeLoop()
    try:
        assert (loop.time(), loop.now()) == (0, 0)
    finally:
        loop.close()
