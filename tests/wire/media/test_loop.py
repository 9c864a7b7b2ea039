# SPDX-License-Identifier: Apache-2.0
"""The worker's loop by itself: an error on one leg is told with its place, and goes no further."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from centralino.adapters.clock import SystemClock
from centralino.adapters.media.loop import MediaLoop
from centralino.adapters.media.prompts import PromptLibrary
from centralino.adapters.media.settings import WorkerSettings
from centralino.adapters.media.sockets import SocketPair

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire


@dataclass
class WrongLeg:
    """A leg with a mistake of ours in it."""

    pair: SocketPair
    heard: list[bytes] = field(default_factory=list)

    def on_rtp(self, mask: int, now: int) -> None:
        raise KeyError("a mistake")

    def on_rtcp(self, mask: int, now: int) -> None:
        self.heard.append(self.pair.rtcp.recv(100))


@dataclass
class HandClock:
    """A clock that the test sets."""

    time: int = 1_000_000_000

    def now(self) -> int:
        return self.time

    def utc(self) -> int:
        return self.time


@dataclass
class HearingLeg:
    """A leg that keeps what came."""

    pair: SocketPair
    heard: list[bytes] = field(default_factory=list)

    def on_rtp(self, mask: int, now: int) -> None:
        self.heard.append(self.pair.rtp.recv(100))

    def on_rtcp(self, mask: int, now: int) -> None:
        raise AssertionError("nobody sends reports")


def bound() -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    one.setblocking(False)
    return one


def test_a_mistake_is_logged_with_its_place_once_a_second(tmp_path: Path) -> None:
    settings = WorkerSettings(
        socket_path=str(tmp_path / "s"), checkpoint_path=str(tmp_path / "c"), max_legs=2
    )
    library = PromptLibrary((str(tmp_path),))
    loop = MediaLoop(settings, library, SystemClock())
    leg = WrongLeg(SocketPair(bound(), bound(), "127.0.0.1", 0))
    loop.watch(leg)  # type: ignore[arg-type]  # as much of a leg as the loop sees
    try:
        for one in (leg.pair.rtp, leg.pair.rtcp):
            one.sendto(b"x", one.getsockname())
        with capture_logs() as lines:
            for _ in range(10):
                loop.turn()
        bugs = [line for line in lines if line["event"] == "media.bug"]
        assert [(line["so_far"], type(line["exc_info"])) for line in bugs] == [(1, KeyError)]
        assert leg.heard == [b"x"]
    finally:
        leg.pair.close()
        loop.close()
        library.close()


def test_a_loop_in_time_takes_one_packet_of_a_socket_and_a_late_one_all(tmp_path: Path) -> None:
    settings = WorkerSettings(
        socket_path=str(tmp_path / "s"), checkpoint_path=str(tmp_path / "c"), max_legs=2
    )
    library = PromptLibrary((str(tmp_path),))
    clock = HandClock()
    loop = MediaLoop(settings, library, clock)
    leg = HearingLeg(SocketPair(bound(), bound(), "127.0.0.1", 0))
    loop.watch(leg)  # type: ignore[arg-type]  # as much of a leg as the loop sees
    try:
        heard = []
        for late_ms in (0, 0, 200, 0):
            for _ in range(6):
                leg.pair.rtp.sendto(b"x", leg.pair.rtp.getsockname())
            clock.time += late_ms * 1_000_000
            loop.turn()
            heard.append(len(leg.heard))
        assert heard == [6, 7, 15, 23]
    finally:
        leg.pair.close()
        loop.close()
        library.close()
