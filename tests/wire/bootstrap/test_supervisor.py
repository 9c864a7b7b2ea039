# SPDX-License-Identifier: Apache-2.0
"""The supervisor with real processes: ready, restarted, replaced, stopped, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from centralino.bootstrap.supervisor import Child, ChildFailed, ChildSpec, Supervisor

pytestmark = pytest.mark.wire

SERVES = "import sys; print('serving', flush=True); sys.stdin.read()"
STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('serving', flush=True); signal.pause()"
)
WARM = (
    "import sys; print('ready', flush=True); who = sys.stdin.readline().strip(); "
    "print(f'I am {who}', flush=True); print('serving', flush=True); sys.stdin.read()"
)
PARENT = f"""
import asyncio
from centralino.bootstrap.supervisor import ChildSpec, Supervisor
async def main():
    async with Supervisor() as supervisor:
        child = await supervisor.start(ChildSpec(name="a", arguments=("-c", {STUBBORN!r})))
        print('pid', child.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def _restarted(child: Child, old: int | None) -> int:
    async with asyncio.timeout(10):
        while child.pid in {None, old} or not child.ready.is_set():
            await asyncio.wait_for(asyncio.to_thread(os.sched_yield), 1)
    assert child.pid is not None
    return child.pid


def test_a_dead_process_comes_back_and_none_is_left(tmp_path: Path) -> None:
    async def run() -> list[int]:
        pids = []
        async with Supervisor(log_dir=tmp_path) as supervisor:
            child = await supervisor.start(ChildSpec(name="a", arguments=("-c", SERVES)))
            for _ in range(2):
                assert child.pid is not None
                pids.append(child.pid)
                os.kill(child.pid, signal.SIGKILL)
                pids.append(await _restarted(child, child.pid))
            assert child.restarts == 2
        return pids

    assert not any(is_alive(pid) for pid in asyncio.run(run()))


def test_a_process_that_ignores_the_request_is_killed() -> None:
    async def run() -> int:
        async with Supervisor(stop_s=0.2) as supervisor:
            child = await supervisor.start(ChildSpec(name="a", arguments=("-c", STUBBORN)))
            assert child.pid is not None
            return child.pid

    assert not is_alive(asyncio.run(run()))


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import signal; signal.pause()"])
def test_one_that_is_never_ready_is_a_failure_and_is_ended(code: str) -> None:
    async def run() -> int | None:
        async with Supervisor(ready_s=1.0, stop_s=1.0) as supervisor:
            with pytest.raises(ChildFailed, match=r"a (did not become|was not) ready"):
                await supervisor.start(ChildSpec(name="a", arguments=("-c", code)))
            return supervisor.children["a"].pid

    pid = asyncio.run(run())
    assert pid is None or not is_alive(pid)


def test_a_failure_is_told_in_the_words_of_the_process(tmp_path: Path) -> None:
    code = "print('failed: the port is taken', flush=True); raise SystemExit(1)"

    async def run() -> None:
        async with Supervisor(log_dir=tmp_path) as supervisor:
            with pytest.raises(ChildFailed, match="not become ready: the port is taken; see"):
                await supervisor.start(ChildSpec(name="a", arguments=("-c", code)))

    asyncio.run(run())


def test_what_a_process_writes_is_for_its_user_and_group(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'kept')!r}, 'w').close(); {SERVES}"

    async def run() -> None:
        async with Supervisor() as supervisor:
            await supervisor.start(ChildSpec(name="a", arguments=("-c", code)))

    asyncio.run(run())
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o640


def test_a_warm_standby_takes_the_place_of_a_dead_worker() -> None:
    async def run() -> tuple[list[str], int | None, int]:
        lines: list[str] = []
        async with Supervisor() as supervisor:
            spec = ChildSpec(
                name="media-0",
                arguments=("-c", SERVES),
                standby_input="media-0",
                on_line=lambda line: lines.append(line.strip()),
            )
            child = await supervisor.start(spec)
            await supervisor.keep_standby(("-c", WARM))
            assert supervisor.standby_pid is not None
            warm = supervisor.standby_pid
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            pid = await _restarted(child, child.pid)
            async with asyncio.timeout(10):
                while supervisor.standby_pid in {None, warm}:
                    await asyncio.wait_for(asyncio.to_thread(os.sched_yield), 1)
            return lines, warm, pid

    lines, warm, pid = asyncio.run(run())
    assert warm == pid
    assert lines == ["serving", "I am media-0", "serving"]
    assert not is_alive(pid)


def test_children_do_not_outlive_a_supervisor_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if line.startswith("pid "))
        pid = int(line.split()[1])
        assert is_alive(pid)
        parent.kill()
        parent.wait()
        parent.stdout.read()  # ends when the last process that holds the pipe has ended
    asyncio.run(_gone(pid))


async def _gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while is_alive(pid):
            await asyncio.to_thread(os.sched_yield)
