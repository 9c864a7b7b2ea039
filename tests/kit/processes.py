# SPDX-License-Identifier: Apache-2.0
"""Child processes of tests: started, waited for by a fact, always stopped.

A fact is a line the child prints, a readable file descriptor, or its end; never a guess
of how long it needs. Output is read all the time, so that a child never blocks on a full
pipe, and kept (bounded) for the failure message.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

KEPT_LINES = 2_000
STOP_GRACE_S = 5.0


class ChildEnded(AssertionError):
    """The child ended before it did what the test waited for; the message has its output."""


class Child:
    """One running child process and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process = process
        self.name = name
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._changed = asyncio.Condition()
        self._has_ended = False

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        return self.process.pid

    @property
    def output(self) -> str:
        """What the child printed, the last lines of it."""
        return "\n".join(self.lines)

    async def wait_for_line(self, pattern: str, *, timeout_s: float = 15.0) -> re.Match[str]:
        """Wait until a line that matches the regular expression `pattern` was printed.

        Raises:
            ChildEnded: when the child ended, or the time was up, without such a line.
        """
        expression = re.compile(pattern)
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while True:
                    found = next(filter(None, map(expression.search, self.lines)), None)
                    if found is not None:
                        return found
                    if self._has_ended:
                        raise ChildEnded(self._describe(f"ended before it printed {pattern!r}"))
                    await self._changed.wait()
        except TimeoutError:
            raise ChildEnded(self._describe(f"did not print {pattern!r}")) from None

    async def wait(self, *, timeout_s: float = 30.0) -> int:
        """Wait for the child's end and return its exit code.

        Raises:
            ChildEnded: when it still runs after `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._has_ended)
        except TimeoutError:
            raise ChildEnded(self._describe("did not end")) from None
        return await self.process.wait()

    async def write(self, text: str) -> None:
        """Write `text` to the child's standard input."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(text.encode())
        await stdin.drain()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and to everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def stop(self) -> None:
        """End the child: politely first, by force after `STOP_GRACE_S`."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                await self.process.wait()
        self.signal(signal.SIGKILL)
        await self.process.wait()

    async def read_output(self) -> None:
        """Collect the child's output until it closes; run by `running`."""
        stdout = self.process.stdout
        assert stdout is not None
        while chunk := await stdout.readline():
            async with self._changed:
                self.lines.append(chunk.decode(errors="replace").rstrip())
                self._changed.notify_all()
        await self.process.wait()
        async with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _describe(self, what: str) -> str:
        return f"{self.name} {what}; exit code {self.process.returncode}, output:\n{self.output}"


@asynccontextmanager
async def running(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    pass_fds: tuple[int, ...] = (),
) -> AsyncIterator[Child]:
    """Run a program in its own process group; it is gone when the block is left.

    Standard error is merged into standard output. `environment` is added to ours.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        pass_fds=pass_fds,
        start_new_session=True,
        limit=1 << 20,
    )
    child = Child(process, arguments[0])
    reader = asyncio.ensure_future(child.read_output())
    try:
        yield child
    finally:
        await child.stop()
        await reader


async def wait_readable(descriptor: int, *, timeout_s: float = 15.0) -> bytes:
    """Wait until `descriptor` can be read and return what is there (at most 64 KiB).

    The read end of a pipe whose write end a child was given is the usual descriptor.

    Raises:
        TimeoutError: when nothing came in time.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        async with asyncio.timeout(timeout_s):
            await readable.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 1 << 16)
