# SPDX-License-Identifier: Apache-2.0
"""The link between processes: hellos, order, reconnect, and refusal of other versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import pytest
import uvloop

from centralino.exchange.link import stream as link_stream
from centralino.exchange.link.framing import (
    MAX_FRAME_BYTES,
    FrameDecoder,
    Hello,
    LinkError,
    encode_frame,
)
from centralino.exchange.link.stream import Link, LinkClient, LinkClosed, LinkServer, open_link

pytestmark = pytest.mark.unit

TEXT = msgspec.msgpack.Decoder(str)


async def _echo(link: Link[str]) -> None:
    while True:
        link.send(await link.receive())


@pytest.mark.parametrize("size", range(1, 24))
def test_frames_are_found_wherever_the_stream_is_cut(size: int) -> None:
    words = ["", "a", "b" * 17, "c" * 3, "d" * 40]
    stream = b"".join(map(encode_frame, words))
    frames = FrameDecoder(TEXT)
    found = [
        word for at in range(0, len(stream), size) for word in frames.take(stream[at : at + size])
    ]
    assert found == words


def test_a_frame_over_the_limit_or_of_another_kind_is_refused() -> None:
    with pytest.raises(LinkError, match="over the limit"):
        FrameDecoder(TEXT).take((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(LinkError, match="does not decode"):
        FrameDecoder(TEXT).take(encode_frame(7))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_messages_go_both_ways_in_order(
    tmp_path: Path, run: Callable[[Coroutine[None, None, list[str]]], list[str]]
) -> None:
    async def talk() -> list[str]:
        path = tmp_path / "a.sock"
        async with LinkServer(path, Hello(name="server", generation=3), TEXT, _echo):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            assert (link.peer.name, link.peer.generation) == ("server", 3)
            for number in range(500):
                link.send(f"m{number}")
            heard = [await link.receive() for _ in range(500)]
            link.close()
            return heard

    assert run(asyncio.wait_for(talk(), 5)) == [f"m{n}" for n in range(500)]


def test_a_flood_pauses_reading_and_loses_nothing(tmp_path: Path) -> None:
    async def talk() -> int:
        path = tmp_path / "a.sock"
        done = asyncio.Event()
        count = 0

        async def count_all(link: Link[str]) -> None:
            nonlocal count
            while count < 20_000:
                count += len(await link.receive_all())
            done.set()

        async with LinkServer(path, Hello(name="server", generation=1), TEXT, count_all):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            for _ in range(20_000):
                link.send("x" * 50)
            await done.wait()
            link.close()
        return count

    assert asyncio.run(asyncio.wait_for(talk(), 10)) == 20_000


def test_a_peer_of_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    async def talk() -> None:
        path = tmp_path / "a.sock"
        hello = Hello(name="old", generation=1, version=0)
        async with LinkServer(path, hello, TEXT, _echo):
            with pytest.raises(LinkError, match=r"old speaks version 0.*speaks 1"):
                await open_link(path, Hello(name="client", generation=1), TEXT)

    asyncio.run(asyncio.wait_for(talk(), 5))


def test_a_message_that_does_not_decode_closes_the_link(tmp_path: Path) -> None:
    async def talk() -> None:
        path = tmp_path / "a.sock"
        async with LinkServer(path, Hello(name="server", generation=1), TEXT, _echo):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            link.send_frame(encode_frame(17))
            with pytest.raises(LinkClosed):
                await link.receive()

    asyncio.run(asyncio.wait_for(talk(), 5))


def test_the_client_comes_back_when_the_server_does(tmp_path: Path) -> None:
    async def talk() -> list[int]:
        path = tmp_path / "a.sock"
        seen: list[int] = []
        again = asyncio.Event()

        async def session(link: Link[str]) -> None:
            seen.append(link.peer.generation)
            again.set()
            await link.receive()

        client = LinkClient(path, Hello(name="client", generation=1), TEXT)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(client.run(session))
            for generation in (1, 2):
                again.clear()
                async with LinkServer(path, Hello(name="s", generation=generation), TEXT, _hold):
                    await again.wait()
            running.cancel()
        return seen

    assert asyncio.run(asyncio.wait_for(talk(), 5)) == [1, 2]


async def _hold(link: Link[str]) -> None:
    await link.wait_closed()


def test_messages_are_handed_over_as_they_come_until_the_peer_goes(tmp_path: Path) -> None:
    async def count_to_three(link: Link[str]) -> None:
        for number in range(3):
            link.send(f"m{number}")
        assert await link.receive() == "enough"

    async def talk() -> list[str]:
        path = tmp_path / "a.sock"
        heard: list[str] = []

        def take(messages: list[str]) -> None:
            heard.extend(messages)
            if len(heard) == 3:
                link.send("enough")

        async with LinkServer(path, Hello(name="server", generation=1), TEXT, count_to_three):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            with pytest.raises(LinkClosed):
                await link.hand_over(take)
        return heard

    assert asyncio.run(asyncio.wait_for(talk(), 5)) == ["m0", "m1", "m2"]


def test_a_link_that_is_full_when_it_is_handed_over_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_stream, "MAX_UNREAD", 2)

    async def say(link: Link[str]) -> None:
        for number in range(3):
            link.send(f"m{number}")
        assert await link.receive() == "go on"
        link.send("last")
        await link.wait_closed()

    async def talk() -> list[str]:
        path = tmp_path / "a.sock"
        heard: list[str] = []

        def take(messages: list[str]) -> None:
            heard.extend(messages)
            link.send("go on") if "last" not in messages else link.close()

        async with LinkServer(path, Hello(name="server", generation=1), TEXT, say):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            assert await link.receive() == "m0"
            with pytest.raises(LinkClosed):
                await link.hand_over(take)
        return heard

    assert asyncio.run(asyncio.wait_for(talk(), 5)) == ["m1", "m2", "last"]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("bad", ["here before", "comes later"])
def test_what_is_raised_while_messages_are_handed_over_ends_the_link(
    tmp_path: Path, bad: str, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    async def say(link: Link[str]) -> None:
        link.send("first")
        link.send("here before")
        try:
            assert await link.receive() == "go on"
            link.send("comes later")
            await link.wait_closed()
        finally:
            left.set()

    def take(messages: list[str]) -> None:
        if bad in messages:
            raise LookupError(bad)

    async def talk() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        path = tmp_path / "a.sock"
        async with LinkServer(path, Hello(name="server", generation=1), TEXT, say):
            link = await open_link(path, Hello(name="client", generation=1), TEXT)
            assert await link.receive() == "first"
            link.send("go on")
            with pytest.raises(LookupError, match=bad):
                await link.hand_over(take)
            await left.wait()

    left = asyncio.Event()
    run(asyncio.wait_for(talk(), 5))
