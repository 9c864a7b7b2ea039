# SPDX-License-Identifier: Apache-2.0
"""Lookups against a real server that answers well, badly, slowly, too much, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.lookup.http import MOST_BYTES, HttpLookups, LookupSettings
from centralino.core.kernel.errors import RemoteError, RemoteRejected, RemoteTimeout
from centralino.core.kernel.errors import RemoteUnavailable as Unavailable
from centralino.exchange.errands import LookupReply, LookupRequest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(30)]

HOST = "127.0.0.1"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    """Run a server that answers one request per connection; gives its port."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        request = await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(request, writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, HOST, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


def request(port: int, path: str = "/", **changes: object) -> LookupRequest:
    fields: dict[str, object] = {
        "method": "GET",
        "url": f"http://{HOST}:{port}{path}",
        "headers": {},
        "secrets": {},
        "body": "",
        "timeout_ms": 800,
        **changes,
    }
    return LookupRequest(**fields)  # type: ignore[arg-type]  # fields of the request


def says(text: str) -> Answer:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        del request
        writer.write(text.encode())

    return answer


def asked(
    answer: Answer, settings: LookupSettings, secrets: dict[str, str] | None = None
) -> LookupReply:
    """Ask a server once."""

    async def run() -> LookupReply:
        lookups = HttpLookups(settings)
        try:
            async with server(answer) as port:
                return await lookups.ask(request(port, secrets=secrets or {}))
        finally:
            await lookups.close()

    return asyncio.run(run())


ALLOWED = LookupSettings(allowed_hosts=(HOST,))


def test_an_answer_is_given_as_it_came() -> None:
    reply = asked(says('HTTP/1.1 404 No\r\nContent-Length: 7\r\n\r\n{"a":1}'), ALLOWED)
    assert reply == LookupReply(404, '{"a":1}')


def test_a_secret_goes_into_its_header_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "crm-key").write_text("Bearer abc\n")
    seen: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    settings = LookupSettings(allowed_hosts=(HOST,), secrets_dir=str(tmp_path))
    asked(answer, settings, secrets={"Authorization": "crm-key"})
    assert b"authorization: bearer abc\r\n" in seen[0].lower()


@pytest.mark.parametrize("name", ["missing", "../crm-key", "empty"])
def test_a_secret_that_is_not_there_is_not_made_up(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").write_text("\n")
    settings = LookupSettings(allowed_hosts=(HOST,), secrets_dir=str(tmp_path))
    with pytest.raises(RemoteRejected, match="secret"):
        asked(says(""), settings, secrets={"Authorization": name})


def test_the_loopback_is_not_asked_unless_it_is_allowed() -> None:
    with pytest.raises(Unavailable):
        asked(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), LookupSettings())


def test_a_redirect_is_not_followed() -> None:
    text = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    assert asked(says(text), ALLOWED).status == 302


def test_a_server_that_hangs_is_left_in_time() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        del request, writer
        await asyncio.Event().wait()

    async def run() -> float:
        lookups = HttpLookups(ALLOWED)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10), server(hang) as port:
            start = loop.time()
            with pytest.raises(RemoteTimeout):
                await lookups.ask(request(port, timeout_ms=300))
            took = loop.time() - start
        await lookups.close()
        return took

    assert asyncio.run(run()) < 3


@pytest.mark.parametrize(
    "text",
    [
        "this is not HTTP\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: {MOST_BYTES * 2}\r\n\r\n" + "x" * MOST_BYTES * 2,
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + "x" * MOST_BYTES * 2,
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        "",
    ],
    ids=["nonsense", "too-large", "without-length", "cut-off", "nothing"],
)
def test_what_is_no_proper_answer_is_a_failure(text: str) -> None:
    with pytest.raises(RemoteError):
        asked(says(text), ALLOWED)


def test_nobody_there_is_a_failure() -> None:
    async def run() -> None:
        lookups = HttpLookups(ALLOWED)
        with pytest.raises(RemoteError):
            await lookups.ask(request(1))
        await lookups.close()

    asyncio.run(run())
