# SPDX-License-Identifier: Apache-2.0
"""An event loop whose clock moves only when nothing is left to do.

The loop is asyncio's own selector loop with two changes: ``time()`` is a counter, and a
wait for the next timer moves the counter instead of the wall clock. Hours of a contact
center pass in a fraction of a second, in the same order every time. A program that waits
for something nobody will ever do raises ``Deadlock`` instead of hanging.

Limit: with real sockets a packet on its way looks like idleness, so tests of the wire
use a real loop, or explicit ticks on the sans-IO machines.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

NS_PER_S = 1_000_000_000


class Deadlock(RuntimeError):
    """Nothing is ready, no timer is armed, and the program has not finished."""


class VirtualSelector(selectors.DefaultSelector):
    """A selector that polls, and turns the time it was asked to wait into virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_ns = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Poll; when nothing is ready, let virtual time pass by `timeout` seconds.

        Raises:
            Deadlock: when nothing is ready and no timer is armed.
        """
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            message = "nothing is ready and no timer is armed"
            raise Deadlock(message)
        if timeout > 0:
            # At least one tick, or a rounding error would make the loop spin for ever.
            self.elapsed_ns += max(round(timeout * NS_PER_S), 1)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector event loop in virtual time; it begins at zero."""

    def __init__(self) -> None:
        self._virtual = VirtualSelector()
        super().__init__(self._virtual)
        # Timers closer together than the counter's unit count as due together.
        self._clock_resolution = 1 / NS_PER_S

    @override
    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.elapsed_ns / NS_PER_S

    def now(self) -> int:
        """Virtual nanoseconds since the loop was made."""
        return self._virtual.elapsed_ns


class VirtualClock:
    """A clock for code under test that moves with a virtual loop.

    `now()` stands for the monotonic clock and `utc()` for nanoseconds since the Unix epoch.
    """

    EPOCH_NS = 1_767_225_600 * NS_PER_S
    """What `utc()` says at the loop's zero: 2026-01-01T00:00:00Z."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        """Virtual nanoseconds since the loop was made."""
        return self._loop.now()

    def utc(self) -> int:
        """Virtual nanoseconds since the Unix epoch."""
        return self.EPOCH_NS + self._loop.now()


def running_clock() -> VirtualClock:
    """Return the clock of the virtual loop that runs the caller.

    Raises:
        TypeError: when the running loop is not a virtual one.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        message = "only a coroutine inside run_virtual has a virtual clock"
        raise TypeError(message)
    return VirtualClock(loop)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time and return its result.

    Raises:
        Deadlock: when the program waits for something that cannot come.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        try:
            return runner.run(main)
        except Deadlock:
            _cancel_everything(runner.get_loop())
            raise


def _cancel_everything(loop: asyncio.AbstractEventLoop) -> None:
    """End the tasks that a deadlock left waiting, so that they are not taken for leaks."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
