# SPDX-License-Identifier: Apache-2.0
"""The rules that hold for every test do bite."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.kit import guards
from tests.kit.guards import LeakedTask, LeftLoopback, guard_tasks, is_loopback, level_problem

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "address",
    [
        ("127.0.0.1", 5060),
        ("127.8.9.10", 1),
        ("::1", 5060, 0, 0),
        ("::ffff:127.0.0.1", 5060, 0, 0),
        ("localhost", 80),
        "/run/some.sock",
    ],
)
def test_the_loopback_is_open(address: object) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        ("192.0.2.1", 5060),
        ("10.0.0.1", 5060),
        ("2001:db8::1", 5060, 0, 0),
        ("::ffff:192.0.2.1", 5060, 0, 0),
        ("sip.example", 5061),
    ],
)
def test_everything_else_is_closed(address: object) -> None:
    assert not is_loopback(address)


def test_a_datagram_to_a_stranger_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(LeftLoopback, match=r"192\.0\.2\.1"),
    ):
        sender.sendto(b"hello", ("192.0.2.1", 9))


def test_a_connection_to_a_stranger_is_refused() -> None:
    with socket.socket() as client, pytest.raises(LeftLoopback):
        client.connect(("192.0.2.1", 9))


def test_a_name_is_not_looked_up_outside() -> None:
    with pytest.raises(LeftLoopback):
        socket.getaddrinfo("sip.example", 5061)


def test_a_task_that_is_left_running_is_named() -> None:
    kept: list[asyncio.Task[bool]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        kept.append(loop.create_task(asyncio.Event().wait(), name="forgotten"))

    with pytest.raises(LeakedTask, match="forgotten"), guard_tasks():
        asyncio.run(main())


def test_a_task_that_ended_is_fine() -> None:
    async def work() -> int:
        return 1

    async def main() -> int:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work())
        return task.result()

    with guard_tasks():
        assert asyncio.run(main()) == 1


def test_a_module_needs_exactly_one_level() -> None:
    assert level_problem(["unit", "parametrize"]) is None
    assert "no level" in (level_problem(["parametrize"]) or "")
    assert "several" in (level_problem(["unit", "wire"]) or "")


def test_the_levels_are_those_that_pytest_knows(pytestconfig: pytest.Config) -> None:
    declared = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert declared >= guards.LEVELS
