# SPDX-License-Identifier: Apache-2.0
"""Children are waited for by facts and are gone afterwards, however the test ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import pytest

from tests.kit import ports
from tests.kit.processes import ChildEnded, running, wait_readable

pytestmark = pytest.mark.wire

ECHO = (
    "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(line, end='', flush=True)"
)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_line_is_waited_for_and_the_child_is_gone_afterwards() -> None:
    async def main() -> int:
        async with running(sys.executable, "-c", ECHO) as child:
            await child.wait_for_line("^ready$")
            await child.write("call 42\n")
            found = await child.wait_for_line(r"call (\d+)")
            assert found.group(1) == "42"
            return child.pid

    assert not _is_alive(asyncio.run(main()))


def test_a_child_that_ignores_the_polite_signal_is_killed() -> None:
    program = (
        "import signal, threading\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\nthreading.Event().wait()"
    )

    async def main() -> int:
        async with running(sys.executable, "-c", program) as child:
            await child.wait_for_line("deaf")
            child.signal(signal.SIGTERM)
            return child.pid

    assert not _is_alive(asyncio.run(main()))


def test_an_early_end_is_reported_with_the_output() -> None:
    async def main() -> None:
        async with running(
            sys.executable, "-c", "print('no such trunk'); raise SystemExit(3)"
        ) as c:
            await c.wait_for_line("registered")

    with pytest.raises(ChildEnded, match=r"(?s)exit code 3.*no such trunk"):
        asyncio.run(main())


def test_the_exit_code_is_returned() -> None:
    async def main() -> int:
        async with running(sys.executable, "-c", "raise SystemExit(7)") as child:
            return await child.wait()

    assert asyncio.run(main()) == 7


def test_a_line_that_never_comes_is_named() -> None:
    async def main() -> None:
        async with running(sys.executable, "-c", ECHO) as child:
            await child.wait_for_line("ready")
            await child.wait_for_line("registered", timeout_s=0.01)

    with pytest.raises(ChildEnded, match="did not print 'registered'"):
        asyncio.run(main())


def test_a_descriptor_tells_readiness() -> None:
    async def main() -> bytes:
        read_end, write_end = os.pipe()
        program = f"import os; os.write({write_end}, b'up'); os.close({write_end})"
        try:
            async with running(sys.executable, "-c", program, pass_fds=(write_end,)):
                return await wait_readable(read_end)
        finally:
            os.close(read_end)
            os.close(write_end)

    assert asyncio.run(main()) == b"up"


def test_ports_are_free_and_given_once() -> None:
    given = [ports.free_port() for _ in range(20)]
    assert len(set(given)) == 20
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        stream.bind(("127.0.0.1", given[0]))
        datagram.bind(("127.0.0.1", given[0]))


def test_a_range_begins_even() -> None:
    found = ports.free_udp_range(4)
    assert (len(found), found.start % 2) == (4, 0)
