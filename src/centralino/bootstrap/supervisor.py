# SPDX-License-Identifier: Apache-2.0
"""Starts the product's processes, keeps them alive, and leaves none behind.

A child tells that it is ready by a line on its standard output. A dead child is started
again at once; one that keeps dying waits longer each time (0.5 s doubling to 10 s). A
warm standby takes a dead media worker's place without starting an interpreter. Children
end when this process ends, however it ends: the kernel tells them (Linux
``PR_SET_PDEATHSIG``). They are stopped last started, first stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from centralino.core.kernel.errors import AppError

log = structlog.get_logger(__name__)

LAST_WORDS_S = 1.0
"""Longest wait for what a dead child has said."""
CALM_S = 10.0
"""A child that lived this long may be started again at once."""
DEATHS_AT_ONCE = 3
"""So many early deaths in a row are answered at once, more with back-off."""
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 10.0
MAX_LINE_BYTES = 1 << 20
FAILED = "failed: "
"""How a child says on its standard output why it ends."""
CHILDREN_UMASK = 0o027
"""What the children write is for their user, and for reading by the group."""
_PR_SET_PDEATHSIG = 1


class ChildFailed(AppError):
    """A process did not become ready."""

    code = "child-failed"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How a process is started and what it says."""

    name: str
    arguments: Sequence[str]
    """After the Python interpreter, e.g. ``("-m", "centralino.simulators")``."""
    is_ready: Callable[[str], bool] = lambda line: line.strip() == "serving"
    """Whether a line of its standard output says that it is ready."""
    on_line: Callable[[str], None] = lambda line: None
    """Takes every line of its standard output."""
    standby_input: str | None = None
    """The line that makes a warm standby this process; ``None`` when none can."""
    is_restarted: bool = True


@dataclass(slots=True)
class Child:
    """A process that is meant to run."""

    spec: ChildSpec
    process: asyncio.subprocess.Process | None = None
    started_at: float = 0.0
    early_deaths: int = 0
    restarts: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    is_stopping: bool = False
    listener: asyncio.Task[None] | None = None
    problem: str = ""
    """Why it failed, in its own words."""

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        if self.process is None or self.process.returncode is not None:
            return None
        return self.process.pid


class Supervisor:
    """Owns the processes; an async context manager that stops them all."""

    def __init__(
        self,
        *,
        ready_s: float = 30.0,
        stop_s: float = 5.0,
        log_dir: Path | None = None,
        on_news: Callable[[str], None] = lambda news: None,
    ) -> None:
        self.children: dict[str, Child] = {}
        self._ready_s = ready_s
        self._stop_s = stop_s
        self._log_dir = log_dir
        self._on_news = on_news
        self._tasks = asyncio.TaskGroup()
        self._standby: asyncio.subprocess.Process | None = None
        self._standby_arguments: Sequence[str] | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self.failed = asyncio.Event()
        """Set when a child that is not restarted has ended by itself."""

    async def __aenter__(self) -> Supervisor:
        """Begin."""
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        """Stop every process, whatever has happened."""
        await self.stop()
        await self._tasks.__aexit__(None, None, None)

    async def start(self, spec: ChildSpec) -> Child:
        """Start a process and wait until it is ready.

        Raises:
            ChildFailed: it ended or took too long.
        """
        child = self.children[spec.name] = Child(spec)
        await self._spawn(child)
        self._watchers.append(self._tasks.create_task(self._watch(child)))
        ended = self._tasks.create_task(_ended(child))
        ready = self._tasks.create_task(_flagged(child.ready))
        try:
            await asyncio.wait(
                (ended, ready), timeout=self._ready_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
            ready.cancel()
        if not child.ready.is_set():
            raise ChildFailed(await self._describe_failure(child))
        self._news(f"{spec.name} is ready (process {child.pid})")
        return child

    async def _describe_failure(self, child: Child) -> str:
        """Return what is known about a process that did not become ready."""
        name = child.spec.name
        if child.pid is not None:
            return f"{name} was not ready after {self._ready_s:.0f} s{self._where(name)}"
        if child.listener is not None:
            await asyncio.wait((child.listener,), timeout=LAST_WORDS_S)
        problem = f": {child.problem}" if child.problem else ""
        return f"{name} did not become ready{problem}{self._where(name)}"

    async def keep_standby(self, arguments: Sequence[str]) -> None:
        """Keep one warm process that can become any child with a ``standby_input``.

        Returns when the first one is warm; it says so by a line of its own.
        """
        self._standby_arguments = arguments
        await self._refill_standby()
        if self._standby is not None and self._standby.stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._ready_s):
                    await self._standby.stdout.readline()

    @property
    def standby_pid(self) -> int | None:
        """The warm standby's process number while there is one."""
        return self._standby.pid if self._standby is not None else None

    async def stop(self) -> None:
        """Stop every process, last started first; kill what does not end in time."""
        for child in reversed(list(self.children.values())):
            child.is_stopping = True
            if child.process is not None:
                await self._end(child.process)
        self._standby_arguments = None
        if self._standby is not None:
            await self._end(self._standby)
        for watcher in self._watchers:
            watcher.cancel()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_s):
                await process.wait()
        except TimeoutError:
            log.warning("supervisor.killing", pid=process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _spawn(self, child: Child) -> None:
        child.ready.clear()
        child.started_at = time.monotonic()
        standby, self._standby = self._standby, None
        takes_over = child.spec.standby_input is not None and child.restarts > 0
        if takes_over and standby is not None and standby.returncode is None and standby.stdin:
            child.process = standby
            standby.stdin.write(f"{child.spec.standby_input}\n".encode())
        else:
            self._standby = standby
            child.process = await self._execute(child.spec.name, child.spec.arguments)
        child.listener = self._tasks.create_task(self._listen(child, child.process))

    async def _execute(self, name: str, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        output = None
        if self._log_dir is not None:
            self._log_dir.mkdir(parents=True, exist_ok=True)
            output = (self._log_dir / f"{name}.log").open("ab")
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                limit=MAX_LINE_BYTES,
                start_new_session=True,  # a key press in the terminal is for us alone
                preexec_fn=_die_with_parent,
                umask=CHILDREN_UMASK,
            )
        finally:
            if output is not None:
                output.close()

    async def _listen(self, child: Child, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        while line := await process.stdout.readline():
            text = line.decode(errors="replace")
            if text.startswith(FAILED):
                child.problem = text.removeprefix(FAILED).strip()
            if not child.ready.is_set() and child.spec.is_ready(text):
                child.ready.set()
            child.spec.on_line(text)

    async def _watch(self, child: Child) -> None:
        while True:
            assert child.process is not None  # noqa: S101 - spawned before it is watched
            code = await child.process.wait()
            if child.is_stopping:
                return
            if not child.spec.is_restarted or (child.restarts == 0 and not child.ready.is_set()):
                self.failed.set()
                return
            self._news(f"{child.spec.name} ended ({_describe(code)}), starting it again")
            await self._back_off(child)
            child.restarts += 1
            await self._spawn(child)
            if child.spec.standby_input is not None:
                await self._refill_standby()

    async def _back_off(self, child: Child) -> None:
        lived_s = time.monotonic() - child.started_at
        child.early_deaths = 0 if lived_s > CALM_S else child.early_deaths + 1
        extra = child.early_deaths - DEATHS_AT_ONCE
        if extra > 0:
            await asyncio.sleep(min(BACKOFF_FIRST_S * 2 ** (extra - 1), BACKOFF_MOST_S))

    async def _refill_standby(self) -> None:
        if self._standby_arguments is not None and self._standby is None:
            self._standby = await self._execute("standby", self._standby_arguments)

    def _news(self, text: str) -> None:
        log.info("supervisor.news", news=text)
        self._on_news(text)

    def _where(self, name: str) -> str:
        return f"; see {self._log_dir / f'{name}.log'}" if self._log_dir else ""


async def _ended(child: Child) -> None:
    if child.process is not None:
        await child.process.wait()


async def _flagged(event: asyncio.Event) -> None:
    await event.wait()


def _describe(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"status {code}"


def _load_prctl() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True).prctl


_prctl = _load_prctl()


def _die_with_parent() -> None:
    """Ask the kernel to end the child when its parent ends; runs in the child before exec."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
