# SPDX-License-Identifier: Apache-2.0
"""How many of Microsoft's notifications the edge takes, durably, for a core of CPU.

A server process as the edge runs it (uvicorn, the boundary, webhooks, the intake log on disk)
and a client that keeps 32 connections busy. The floor is an empty ASGI endpoint under the same
uvicorn in the same process, in alternating slices. Rates are per second of the server's CPU;
the delay is what the client sees until 202.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from bench.measurement import Measurement
from centralino.adapters.clock import SystemClock
from centralino.adapters.graph.notification import parse_delivery
from centralino.adapters.intake.log import IntakeLog
from centralino.api.boundary import Boundary
from centralino.api.server import listen, serve
from centralino.api.settings import ApiSettings
from centralino.api.webhooks import PREFIX as ADDRESS
from centralino.api.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.types import Receive, Scope, Send

PREFIX = "tenant.webhook"
SLICES, CONNECTIONS, REQUESTS = 5, 32, 3000
SECRET = "s" * 32
_TICKS = os.sysconf("SC_CLK_TCK")
_ACCEPTED: Any = {
    "type": "http.response.start",
    "status": 202,
    "headers": [(b"content-length", b"0")],
}
_NO_BODY: Any = {"type": "http.response.body", "body": b"", "more_body": False}
DELIVERY = json.dumps(
    {
        "value": [
            {
                "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
                "clientState": "b" * 32,
                "changeType": "updated",
                "resource": "communications/presences('fa8bf3dc-eca7-46b7-bad1-db199b62afc3')",
                "subscriptionExpirationDateTime": "2026-11-29T11:00:00Z",
                "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                "resourceData": {"id": "fa8bf3dc-eca7-46b7-bad1-db199b62afc3"},
            }
        ]
    }
).encode()


async def _empty(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(_ACCEPTED)
    await send(_NO_BODY)


async def _run_server(folder: Path) -> None:
    intake = IntakeLog(folder)
    hooks = Webhooks(intake, SystemClock(), SECRET, {"graph": parse_delivery})
    settings = ApiSettings(port=0)
    boundary = Boundary(_empty, settings, SystemClock(), generation=1, webhooks=hooks)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await (_empty if scope["path"] == "/empty" else boundary)(scope, receive, send)

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]

    async def deal() -> None:
        while True:
            found = await intake.next()
            intake.acknowledge(found[-1][0])

    async with asyncio.TaskGroup() as group:
        group.create_task(deal())
        await serve(route, settings, listener, lambda: print(f"port {port}", flush=True))  # type: ignore[arg-type]  # any ASGI application


class _Server:
    """The server process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def cpu_s(self) -> float:
        """Return its CPU seconds so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def slice(self, path: str) -> tuple[float, list[float]]:
        """Return requests per CPU second, and each one's delay in ms."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        request = f"{head}Content-Length: {len(DELIVERY)}\r\n\r\n".encode() + DELIVERY
        delays: list[float] = []
        before = self.cpu_s()
        await asyncio.gather(*(self._client(request, delays) for _ in range(CONNECTIONS)))
        return len(delays) / (self.cpu_s() - before), delays

    async def _client(self, request: bytes, delays: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in range(REQUESTS // CONNECTIONS):
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            delays.append((time.perf_counter() - began) * 1000)
        writer.close()


async def _measure(folder: str) -> tuple[list[float], list[float], list[float]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.tenant_webhook", folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    while not (line := await process.stdout.readline()).startswith(b"port "):
        assert line, "the server ended by itself"
    server = _Server(process, int(line.split()[1]))
    rates, floors, delays = [], [], []
    try:
        for _ in range(SLICES):
            rate, seen = await server.slice(f"{ADDRESS}{SECRET}/graph")
            rates.append(rate)
            delays += seen
            floors.append((await server.slice("/empty"))[0])
    finally:
        process.kill()
        await process.wait()
    return rates, floors, delays


def measure() -> Iterator[Measurement]:
    """Measure rate, ratio to an empty endpoint, and delay."""
    with tempfile.TemporaryDirectory() as folder:
        rates, floors, delays = uvloop.run(_measure(folder))
    rate, floor = statistics.median(rates), statistics.median(floors)
    note = f"{len(delays)} deliveries of one notification, {CONNECTIONS} connections"
    yield Measurement(
        name="tenant.webhook_per_cpu_s",
        value=rate,
        unit="notifications/s",
        floor=floor,
        goal=1500.0,
        is_goal_a_minimum=True,
        note=f"{note}; floor: an empty ASGI endpoint",
    )
    yield Measurement(
        name="tenant.webhook_share_of_empty",
        value=rate / floor,
        unit="ratio",
        goal=0.3,
        is_goal_a_minimum=True,
        note=note,
    )
    delays.sort()
    yield Measurement(
        name="tenant.webhook_p99",
        value=delays[int(len(delays) * 0.99)],
        unit="ms",
        goal=50.0,
        note=f"p50 {statistics.median(delays):.1f} ms; client and server share the machine",
    )


if __name__ == "__main__":
    uvloop.run(_run_server(Path(sys.argv[1])))
