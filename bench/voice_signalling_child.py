# SPDX-License-Identifier: Apache-2.0
"""The two things that stand between caller and callee in ``voice_signalling``.

``relay`` is the product's voice process with one signalling-only route and no media;
``forward`` passes datagrams as they are, the least that any program between the two
would have to do: the floor. Both print ``ready`` and run until standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop
from typing_extensions import override

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice.call_settings import CallSettings, RelayRouteSettings
from centralino.adapters.voice.process import VoiceProcess
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    TraceSettings,
    TrunkLimits,
    TrunkSettings,
    VoiceSettings,
)
from centralino.core.kernel.errors import CapacityExceeded
from centralino.core.kernel.ids import LegId, TenantId, TrunkId

if TYPE_CHECKING:
    from centralino.exchange.media import Command, Event, Reserved

CALLER, PRODUCT, CALLEE = "127.0.0.11", "127.0.0.12", "127.0.0.13"


class NoMedia:
    """A ``MediaPort`` for routes that need none."""

    async def reserve(
        self, leg: LegId, *, near: LegId | None = None, rtp_port: int = 0
    ) -> Reserved:
        """Refuse."""
        raise CapacityExceeded("this voice process has no media workers")

    def is_together(self, legs: Sequence[LegId]) -> bool:
        """No leg is open."""
        return True

    def send(self, leg: LegId, command: Command) -> None:
        """Do nothing."""

    async def ask(self, leg: LegId, command: Command) -> Event:
        """Refuse."""
        raise CapacityExceeded("this voice process has no media workers")

    def release(self, leg: LegId) -> None:
        """Do nothing."""

    def release_unclaimed(self) -> None:
        """Do nothing."""

    async def next_event(self) -> Event:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError


def voice_settings(folder: str, port: int, callee_port: int) -> VoiceSettings:
    """Return a voice process between the two sides, without limits of its own."""
    limits = TrunkLimits(
        max_calls=5000, calls_per_s=5000, burst=5000, messages_per_s=1e6, message_burst=1_000_000
    )

    def side(name: str, address: str, proxies: tuple[ProxySettings, ...] = ()) -> TrunkSettings:
        return TrunkSettings(
            trunk=TrunkId(name),
            tenant=TenantId("bench"),
            profile="carrier",
            transport="udp",
            match=MatchRule(networks=(f"{address}/32",)),
            contact_host=PRODUCT,
            contact_port=port,
            proxies=proxies,
            options=OptionsSettings(enabled=False),
            limits=limits,
            session_timer=False,
        )

    return VoiceSettings(
        listeners=(ListenerSettings(transport="udp", address=PRODUCT, port=port),),
        trunks=(
            side("caller", CALLER),
            side("callee", CALLEE, (ProxySettings(host=CALLEE, port=callee_port),)),
        ),
        data_dir=folder,
        run_dir=folder,
        max_calls=10_000,
        calls_per_s=10_000,
        trace=TraceSettings(),
    )


async def relay(folder: str, port: int, callee_port: int) -> None:
    """Run the product's voice process."""
    route = RelayRouteSettings(
        name="bench",
        from_trunk=TrunkId("caller"),
        to_trunk=TrunkId("callee"),
        mode="signalling-only",
        max_calls=5000,
    )
    process = VoiceProcess(
        voice_settings(folder, port, callee_port),
        CallSettings(routes=(route,)),
        NoMedia(),
        SystemClock(),
    )
    await process.run(None, say_ready)


class _Forward(asyncio.DatagramProtocol):
    """Passes what one side sends to the other."""

    def __init__(self, callee_port: int) -> None:
        self._callee = (CALLEE, callee_port)
        self._caller: tuple[str, int] | None = None
        self._socket: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._socket is None:
            return
        if addr[0] == CALLER:
            self._caller = addr
            self._socket.sendto(data, self._callee)
        elif self._caller is not None:
            self._socket.sendto(data, self._caller)


async def forward(folder: str, port: int, callee_port: int) -> None:
    """Run the forwarder."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Forward(callee_port), local_addr=(PRODUCT, port))
    say_ready()
    await asyncio.Event().wait()


def say_ready() -> None:
    """Tell the parent."""
    print("ready", flush=True)


async def _until_closed(kind: str, folder: str, port: int, callee_port: int) -> None:
    loop = asyncio.get_running_loop()
    closed = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(closed), sys.stdin)
    work = relay if kind == "relay" else forward
    task = asyncio.ensure_future(work(folder, port, callee_port))
    end = asyncio.ensure_future(closed.read())
    await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    uvloop.run(_until_closed(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
