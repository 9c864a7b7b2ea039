# SPDX-License-Identifier: Apache-2.0
"""What keeps a test honest without it having to ask: the rules that `conftest` applies.

Three guards: every module says at which level it tests; no connection leaves the loopback;
no asyncio task outlives the test that started it. Each is a plain function or context
manager here, so that the kit's own tests can prove that it bites.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEVELS = frozenset(
    {"unit", "property", "contract", "scenario", "replay", "wire", "cert", "e2e", "live"}
)
"""The levels of the testing pyramid; each test module carries exactly one as its mark."""

# Private, but the only place that sees what a finished run left over; pinned by the lock.
_cancel_leftovers = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]  # private

_LOOPBACK_NAMES = frozenset({"", "localhost"})


class LeftLoopback(AssertionError):
    """A test tried to reach an address that is not on this machine's loopback."""


class LeakedTask(AssertionError):
    """A task was still pending when the loop that ran it was closed."""


def level_problem(marks: Iterable[str]) -> str | None:
    """Say what is wrong with a test's levels, or None when it has exactly one."""
    levels = sorted(LEVELS.intersection(marks))
    if len(levels) == 1:
        return None
    if not levels:
        return f"has no level: set pytestmark = pytest.mark.<{'|'.join(sorted(LEVELS))}>"
    return f"has several levels: {', '.join(levels)}"


def is_loopback(address: object) -> bool:
    """Tell whether a socket address (as `socket.connect` takes it) stays on this machine."""
    if not isinstance(address, tuple):
        return True  # a Unix socket's path, or a raw descriptor
    host = address[0]
    if not isinstance(host, str) or host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        parsed = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback or parsed.is_unspecified


def _refuse_strangers(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = (arguments[0],)
    else:
        return
    if address is not None and not is_loopback(address):
        message = f"{event} to {address!r}: tests stay on the loopback"
        raise LeftLoopback(message)


def guard_sockets() -> None:
    """Refuse, from now to the end of the process, every connection that leaves the loopback.

    An audit hook sees uvloop's name look-ups and every use of Python's sockets; uvloop's own
    connects are seen through the look-up or numeric check that comes before them.
    """
    sys.addaudithook(_refuse_strangers)


@contextmanager
def guard_tasks() -> Iterator[None]:
    """Fail when a loop is closed, inside the block, over tasks that were never awaited.

    `asyncio.run` cancels what is left over and says nothing; this makes it an error.

    Raises:
        LeakedTask: at the end of the block, naming the tasks.
    """
    leaked: list[str] = []
    outer = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]  # private

    def record(loop: asyncio.AbstractEventLoop) -> None:
        leaked.extend(repr(task) for task in asyncio.all_tasks(loop))
        _cancel_leftovers(loop)

    asyncio.runners._cancel_all_tasks = record  # type: ignore[attr-defined]  # private
    try:
        yield
    finally:
        asyncio.runners._cancel_all_tasks = outer  # type: ignore[attr-defined]  # private
    if leaked:
        message = "still pending at the end: " + "; ".join(leaked)
        raise LeakedTask(message)
