# SPDX-License-Identifier: Apache-2.0
"""The API on real sockets: uvicorn, WebSocket clients, and a real exchange behind its link."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog.testing
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.memory import InMemoryJournal
from centralino.api.application import create_server_application
from centralino.api.door import Doorkeeper
from centralino.api.server import listen, serve
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.ids import AgentId, TrunkId
from centralino.exchange.control import AgentView, Changes
from centralino.exchange.control_client import LinkedControl
from centralino.exchange.control_server import ControlServer
from centralino.exchange.exchange import Exchange
from tests.scenario.in_memory_calls import Caller, InMemoryCalls
from tests.unit.api.reception import ACME, BOSS, InMemoryTokens, Reception
from tests.unit.core.company import NUMBER, TENANT, company

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.exchange.ports import ClockPort

pytestmark = pytest.mark.wire

PATIENCE_S = 20


@dataclass
class Door:
    """Where a server is reached."""

    port: int
    serving: asyncio.Task[None]

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Send one request."""
        headers = {"authorization": f"Bearer {BOSS}", **options.pop("headers", {})}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            return await client.request(method, path, headers=headers, **options)

    async def command(self, path: str, key: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Send one command."""
        return await self.ask("POST", path, headers={"Idempotency-Key": key}, **options)

    @asynccontextmanager
    async def stream(self, **position: int) -> AsyncIterator[ClientConnection]:
        """Open a live stream and start it."""
        url = f"ws://127.0.0.1:{self.port}/v1/live/stream"
        async with connect(url, max_size=None, proxy=None) as visitor:
            await visitor.send(json.dumps({"type": "start", "token": BOSS, **position}))
            yield visitor


async def hear(visitor: ClientConnection) -> dict[str, Any]:
    """Return the next message of a stream."""
    async with asyncio.timeout(PATIENCE_S):
        message: dict[str, Any] = json.loads(await visitor.recv())
        return message


async def hear_until(
    visitor: ClientConnection, is_it: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return the first message that is it."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_it(message := json.loads(await visitor.recv())):
            pass
    found: dict[str, Any] = message
    return found


@asynccontextmanager
async def served(doorkeeper: Doorkeeper, settings: ApiSettings) -> AsyncIterator[Door]:
    """Serve on a free port; stopped by cancellation, as the process is."""
    listener = listen("127.0.0.1", 0)
    ready = asyncio.Event()
    application = create_server_application(doorkeeper, settings, generation=1)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve(application, settings, listener, ready.set))
        port = listener.getsockname()[1]
        await ready.wait()
        try:
            yield Door(port, task)
        finally:
            task.cancel()


def play(
    scene: Callable[[Reception, Door], Awaitable[None]], settings: ApiSettings | None = None
) -> None:
    """Serve an exchange in memory."""

    async def main() -> None:
        reception = Reception(settings=settings or ApiSettings())
        keeper = Doorkeeper(InMemoryTokens(), reception.control, reception.clock)
        async with asyncio.timeout(40), served(keeper, reception.settings) as door:
            await scene(reception, door)

    uvloop.run(main())


def many_agents(sequence: int, count: int = 5000) -> Changes:
    agents = (AgentView(id=AgentId(f"a{n}"), name="A" * 100, state="ready") for n in range(count))
    return Changes(tenant=ACME, sequence=sequence, agents=tuple(agents))


def test_pages_reads_and_commands_come_over_http() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        page = await door.ask("GET", "/")
        assert page.text.startswith("<!doctype html>")
        assert "server" not in page.headers
        assert (await door.ask("GET", "/v1/live/agents/anna")).json()["state"] == "ready"
        assert (await door.command("/v1/agents/anna/ready", "k")).status_code == 200
        assert len(reception.control.done) == 1

    play(scene)


def test_a_client_that_reconnects_resumes() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        async with door.stream() as visitor:
            state = (await hear(visitor))["state"]
        reception.acme.take(many_agents(6, 3))
        async with door.stream(
            generation=state["generation"], sequence=state["sequence"]
        ) as visitor:
            delta = await hear(visitor)
        assert (delta["type"], delta["sequence"], len(delta["agents"])) == ("delta", 6, 3)

    play(scene)


async def _deaf_client(port: int) -> socket.socket:
    """Return a socket that has asked for a stream, with a small buffer that nobody empties."""
    loop = asyncio.get_running_loop()
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    await loop.sock_connect(deaf, ("127.0.0.1", port))
    upgrade = (
        f"GET /v1/live/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await loop.sock_sendall(deaf, upgrade.encode())
    await loop.sock_recv(deaf, 4096)
    start = json.dumps({"type": "start", "token": BOSS}).encode()
    mask = b"\0\0\0\0"  # RFC 6455 5.3; a mask of zeros leaves the text as it is
    await loop.sock_sendall(deaf, bytes((0x81, 0x80 | len(start))) + mask + start)
    return deaf


def test_a_client_that_does_not_read_is_dropped_not_the_server() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        deaf = await _deaf_client(door.port)
        with structlog.testing.capture_logs() as logs, deaf:
            async with door.stream() as quick:
                await hear(quick)
                sequence = 5
                while "stream.dropped" not in (line["event"] for line in logs):
                    sequence += 1
                    reception.acme.take(many_agents(sequence))
                    assert (await hear(quick))["sequence"] == sequence
            (dropped,) = [line for line in logs if line["event"] == "stream.dropped"]
            assert dropped["code"] == 4409

    settings = ApiSettings(stream_send_timeout_s=0.2, stream_interval_ms=50)
    play(scene, settings)


def test_a_message_that_is_too_large_ends_its_stream_only() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        url = f"ws://127.0.0.1:{door.port}/v1/live/stream"
        async with connect(url, proxy=None) as visitor:
            await visitor.send("x" * 100_000)
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(PATIENCE_S):
                    await visitor.recv()
        assert (await door.ask("GET", "/health/live")).status_code == 200

    play(scene)


def test_headers_that_are_too_large_are_refused() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        answer = await door.ask("GET", "/v1/live", headers={"x-long": "x" * 20_000})
        assert (answer.status_code, answer.json()["code"]) == (431, "too-large")

    play(scene)


def test_a_stop_closes_open_streams() -> None:
    async def scene(reception: Reception, door: Door) -> None:
        async with door.stream() as visitor:
            await hear(visitor)
            door.serving.cancel()
            with pytest.raises(ConnectionClosed) as closed:
                await hear(visitor)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            with suppress(asyncio.CancelledError):
                await door.serving

    play(scene)


def test_a_port_that_is_taken_is_told_with_a_hint() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(ConfigError, match="ss -lntp"):
            listen("127.0.0.1", holder.getsockname()[1])


# ------------------------------------------------------------- with a real exchange
@dataclass
class Site:
    """An exchange with callers in memory, and an edge on its link."""

    folder: Path
    journal: InMemoryJournal
    network: InMemoryCalls
    clock: ClockPort
    generation: int = 0

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Run an exchange until it is killed."""
        self.generation += 1
        control = ControlServer(
            clock=self.clock, generation=self.generation, trunks={TrunkId("carrier"): TENANT}
        )
        exchange = Exchange(
            driver=self.network,
            driver_name="voice",
            journal=self.journal,
            clock=self.clock,
            observer=control.observer,
        )
        control.watch(exchange)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(exchange.run({TENANT: company()})),
                group.create_task(control.run(self.folder / "x.sock")),
            ]
            await exchange.attached.wait()
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                self.network.detach()

    @asynccontextmanager
    async def edge(self) -> AsyncIterator[Door]:
        """Run an edge."""
        control = LinkedControl(self.folder / "x.sock", generation=1, timeout_s=5)
        settings = ApiSettings(stream_interval_ms=50)
        keeper = Doorkeeper(InMemoryTokens(), control, self.clock)
        async with asyncio.TaskGroup() as group:
            link = group.create_task(control.run())
            async with served(keeper, settings) as door:
                yield door
            link.cancel()


def run_site(folder: Path, scene: Callable[[Site], Awaitable[None]]) -> None:
    """Play a scene at a site."""

    async def main() -> None:
        clock = SystemClock()
        network = InMemoryCalls(clock, tenant=TENANT, number=NUMBER, habits={})
        async with asyncio.timeout(45):
            await scene(Site(folder, InMemoryJournal(), network, clock))

    uvloop.run(main())


def _agent(message: dict[str, Any], name: str) -> dict[str, Any] | None:
    agents = message["state"]["agents"] if "state" in message else message.get("agents", [])
    return next((agent for agent in agents if agent["id"] == name), None)


def _has_state(name: str, state: str) -> Callable[[dict[str, Any]], bool]:
    def is_it(message: dict[str, Any]) -> bool:
        agent = _agent(message, name)
        return agent is not None and agent["state"] == state

    return is_it


def test_a_command_is_decided_durable_and_seen_by_everybody(tmp_path: Path) -> None:
    async def scene(site: Site) -> None:
        async with site.exchange(), site.edge() as door, door.stream() as visitor:
            await hear_until(visitor, lambda message: message["type"] == "snapshot")
            answer = await door.command(
                "/v1/agents/anna/not-ready", "k-1", json={"reason": "break"}
            )
            assert answer.status_code == 200, answer.text
            message = await hear_until(visitor, _has_state("anna", "not-ready"))
            agent = _agent(message, "anna")
            assert agent is not None
            assert agent["reason"] == "break"
            assert (await door.command("/v1/agents/nobody/ready", "k-2")).status_code == 404
            figures = await door.ask("GET", "/metrics")
            assert 'centralino_agents{state="not-ready",tenant="acme"} 1.0' in figures.text
            assert "centralino_journal_commit_seconds_count 0.0" not in figures.text

    run_site(tmp_path, scene)


def test_a_call_is_seen_from_arrival_and_can_be_ended(tmp_path: Path) -> None:
    async def scene(site: Site) -> None:
        async with site.exchange(), site.edge() as door, door.stream() as visitor:
            await hear_until(visitor, lambda message: message["type"] == "snapshot")
            site.network.call("in-1", Caller(at_s=0))
            message = await hear_until(visitor, lambda message: bool(message.get("interactions")))
            name = message["interactions"][0]["id"]
            answer = await door.command(f"/v1/interactions/{name}/end", "k-1")
            assert answer.status_code == 200, answer.text
            gone = await hear_until(visitor, lambda m: name in m.get("gone_interactions", ()))
            assert "interaction.ended" in [event["type"] for event in gone["events"]]
            assert (await door.command(f"/v1/interactions/{name}/end", "k-1")).status_code == 200
            assert (await door.command(f"/v1/interactions/{name}/end", "k-2")).status_code == 404

    run_site(tmp_path, scene)


def test_an_exchange_that_dies_is_told_followed_again_and_remembers_keys(tmp_path: Path) -> None:
    async def scene(site: Site) -> None:
        body = {"json": {"reason": "break"}}
        async with site.edge() as door, door.stream() as visitor:
            assert (await door.ask("GET", "/v1/live")).json()["code"] == "remote-unavailable"
            async with site.exchange():
                await hear_until(visitor, lambda message: message["type"] == "snapshot")
                done = await door.command("/v1/agents/anna/not-ready", "k-1", **body)
                assert done.status_code == 200
            records = site.journal.last_sequence(TENANT)
            await hear_until(visitor, _is_away)
            away = await door.command("/v1/agents/anna/not-ready", "k-1", **body)
            assert (away.status_code, away.headers["retry-after"]) == (503, "1")
            assert "same Idempotency-Key" in away.json()["mend"]
            assert (await door.ask("GET", "/health/ready")).status_code == 503
            async with site.exchange():
                snapshot = await hear_until(visitor, lambda message: message["type"] == "snapshot")
                assert snapshot["state"]["generation"] == 2
                again = await door.command("/v1/agents/anna/not-ready", "k-1", **body)
                assert again.content == done.content
                assert site.journal.last_sequence(TENANT) == records
                other = await door.command("/v1/agents/anna/ready", "k-1")
                assert other.json()["code"] == "idempotency-key-reused"

    run_site(tmp_path, scene)


def _is_away(message: dict[str, Any]) -> bool:
    return message["type"] == "health" and not message["health"]["is_exchange_linked"]


def test_a_full_disk_refuses_commands_and_shows_an_alarm(tmp_path: Path) -> None:
    async def scene(site: Site) -> None:
        async with site.exchange(), site.edge() as door, door.stream() as visitor:
            await hear_until(visitor, lambda message: message["type"] == "snapshot")
            site.journal.most_records = site.journal.last_sequence(TENANT)
            async with asyncio.TaskGroup() as group:
                stuck = group.create_task(
                    door.command("/v1/agents/anna/not-ready", "k-1", json={"reason": "break"})
                )
                told = await hear_until(visitor, lambda message: bool(message.get("alarms")))
                assert [alarm["code"] for alarm in told["alarms"]] == ["journal-unwritable"]
                refused = await door.command("/v1/agents/bruno/ready", "k-2")
                assert (refused.status_code, refused.json()["code"]) == (503, "storage-error")
                site.journal.most_records = None
                assert (await stuck).status_code == 200
            await hear_until(visitor, lambda message: message.get("alarms") == [])
            ready = await door.ask("GET", "/health/ready")
            assert ready.status_code in {200, 503}

    run_site(tmp_path, scene)
