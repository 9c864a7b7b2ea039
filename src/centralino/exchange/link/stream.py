# SPDX-License-Identifier: Apache-2.0
"""The asyncio side of the link: a Unix socket that carries typed messages.

A :class:`Link` is one connection after both hellos. :class:`LinkServer` accepts
connections, :class:`LinkClient` keeps one alive and connects again with back-off.
Back-pressure: at most ``MAX_UNREAD`` received messages wait (then the socket is not
read), at most ``MAX_UNSENT_BYTES`` wait to be written (then ``send`` raises).
Framing and versions are checked by ``framing``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

import structlog
from typing_extensions import override

from centralino.exchange.link.framing import (
    FrameDecoder,
    Hello,
    LinkError,
    check_hello,
    encode_frame,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

    import msgspec

log = structlog.get_logger(__name__)

MAX_UNREAD = 4096
MAX_UNSENT_BYTES = 8 << 20
HELLO_TIMEOUT_S = 5.0
RETRY_FIRST_S = 0.02
RETRY_MOST_S = 1.0

Message = TypeVar("Message")


class LinkClosed(LinkError):
    """The connection is over."""


class LinkOverflow(LinkError):
    """The peer does not read as fast as we write."""


class Link(asyncio.Protocol, Generic[Message]):
    """One connection to a peer process.

    Not made directly: :func:`open_link`, :class:`LinkClient` and :class:`LinkServer`
    hand out links whose hellos are exchanged.
    """

    def __init__(self, hello: Hello, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._own_hello = hello
        self._decoder = decoder
        self._frames = FrameDecoder(decoder)
        self._peer: Hello | None = None
        self._unread: deque[Message] = deque()
        self._wakeup: asyncio.Future[None] | None = None
        self._taker: Callable[[list[Message]], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._error: LinkError | None = None
        self._is_paused = False
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        loop = self._loop = asyncio.get_running_loop()
        self._greeted: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()

    @property
    def peer(self) -> Hello:
        """Who is at the other end."""
        if self._peer is None:
            raise LinkClosed("the peer has not said hello")
        return self._peer

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._transport is not None and not self._over.done()

    def send(self, message: object) -> None:
        """Queue one message for the peer; returns at once.

        Raises:
            LinkClosed: the connection is over.
            LinkOverflow: too much waits to be written; the connection is closed.
        """
        self.send_frame(encode_frame(message))

    def send_frame(self, frame: bytes) -> None:
        """Queue a frame that is encoded already.

        What one turn of the loop sends is written at once: the peer is woken once for it.
        """
        if self._transport is None or not self.is_open:
            raise LinkClosed("the link is closed")
        if self._transport.get_write_buffer_size() + self._unsent_bytes > MAX_UNSENT_BYTES:
            self._fail(LinkOverflow("the peer does not read its messages"))
            raise LinkOverflow("the peer does not read its messages")
        if not self._unsent:
            self._loop.call_soon(self._write_unsent)
        self._unsent.append(frame)
        self._unsent_bytes += len(frame)

    def _write_unsent(self) -> None:
        if self._unsent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
        self._unsent_bytes = 0

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            LinkClosed: the connection is over and all messages were taken.
            LinkError: the peer broke the protocol.
        """
        await self._wait_unread()
        message = self._unread.popleft()
        self._resume()
        return message

    async def receive_all(self) -> list[Message]:
        """Return every message that waits, at least one; raises as ``receive``."""
        await self._wait_unread()
        messages = list(self._unread)
        self._unread.clear()
        self._resume()
        return messages

    async def hand_over(self, take: Callable[[list[Message]], None]) -> None:
        """Pass messages to ``take`` in the turn they come in, until the connection is over.

        One turn and one task less for each piece that arrives than with ``receive_all``.

        Raises:
            LinkClosed: the connection is over.
            LinkError: the peer broke the protocol.
            Exception: what ``take`` raised; the connection is cut.
        """
        self._taker = take
        try:
            if self._unread:
                self._pass_on()
            self._resume()
            await self._wait_unread()
        finally:
            self._taker = None

    def _pass_on(self) -> None:
        messages, take = list(self._unread), self._taker
        self._unread.clear()
        if take is None:
            return
        try:
            take(messages)
        except BaseException as error:
            if self._wakeup is not None and not self._wakeup.done():
                self._wakeup.set_exception(error)
            if self._transport is not None:
                self._transport.abort()
            raise

    def close(self) -> None:
        """Close the connection; what was queued is still written."""
        if self._transport is not None:
            self._write_unsent()
            self._transport.close()

    async def wait_closed(self) -> None:
        """Return when the connection is over."""
        await asyncio.shield(self._over)

    async def wait_greeted(self) -> None:
        """Return when the peer's hello has come and fits.

        Raises:
            LinkError: it does not fit, or did not come.
        """
        try:
            async with asyncio.timeout(HELLO_TIMEOUT_S):
                await asyncio.shield(self._greeted)
        except TimeoutError:
            self._fail(LinkError("the peer did not say hello in time"))
            raise LinkError("the peer did not say hello in time") from None

    async def _wait_unread(self) -> None:
        while not self._unread:
            if self._over.done() or self._error is not None:
                raise self._error or LinkClosed("the peer closed the link")
            self._wakeup = asyncio.get_running_loop().create_future()
            try:
                await self._wakeup
            finally:
                self._wakeup = None

    def _resume(self) -> None:
        if self._is_paused and len(self._unread) < MAX_UNREAD and self._transport is not None:
            self._is_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def _fail(self, error: LinkError) -> None:
        self._error = self._error or error
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    # ------------------------------------------------------------ asyncio.Protocol
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(encode_frame(self._own_hello))

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket."""
        try:
            if self._peer is None:
                self._frames.feed(data)
                body = self._frames.next_body()
                if body is None:
                    return
                self._peer = check_hello(body)
                if not self._greeted.done():
                    self._greeted.set_result(None)
                data = b""
            self._unread.extend(self._frames.take(data))
        except LinkError as error:
            log.warning("link.protocol_broken", reason=str(error))
            if not self._greeted.done():
                self._greeted.set_exception(error)
                self._greeted.exception()
            self._fail(error)
            return
        if self._taker is not None and self._unread:
            self._pass_on()
            return
        if len(self._unread) >= MAX_UNREAD and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        if self._unread:
            self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        if not self._greeted.done():
            self._greeted.set_exception(self._error or LinkClosed("closed before the hello"))
            self._greeted.exception()
        if not self._over.done():
            self._over.set_result(None)
        self._wake()


async def open_link(
    path: Path, hello: Hello, decoder: msgspec.msgpack.Decoder[Message]
) -> Link[Message]:
    """Connect once and exchange hellos.

    Raises:
        LinkError: nobody listens there, or the peer speaks another version.
    """
    loop = asyncio.get_running_loop()
    try:
        _, link = await loop.create_unix_connection(lambda: Link(hello, decoder), str(path))
    except OSError as error:
        raise LinkError(f"cannot connect to {path.name}: {error}") from error
    await link.wait_greeted()
    return link


async def pause(delay_s: float) -> None:
    """Wait ``delay_s`` seconds of loop time (a back-off, never a wait for a fact)."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    timer = loop.call_later(delay_s, woken.set)
    try:
        await woken.wait()
    finally:
        timer.cancel()


class LinkClient(Generic[Message]):
    """Keeps a link to one server, again and again."""

    def __init__(self, path: Path, hello: Hello, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._path = path
        self._hello = hello
        self._decoder = decoder

    async def run(self, session: Callable[[Link[Message]], Awaitable[None]]) -> None:
        """Connect, hand the link to ``session``, and repeat until cancelled.

        ``session`` may raise ``LinkError`` (usually ``LinkClosed``); it is logged and the
        link opened again, at once after a session that worked, with back-off (20 ms
        doubling to 1 s) while nobody listens.
        """
        delay_s = RETRY_FIRST_S
        while True:
            try:
                link = await open_link(self._path, self._hello, self._decoder)
            except LinkError as error:
                log.debug("link.connect_failed", socket=self._path.name, reason=str(error))
                await pause(delay_s)
                delay_s = min(delay_s * 2, RETRY_MOST_S)
                continue
            delay_s = RETRY_FIRST_S
            log.info("link.connected", peer=link.peer.name, generation=link.peer.generation)
            try:
                await session(link)
            except LinkError as error:
                log.info("link.lost", peer=link.peer.name, reason=str(error))
            finally:
                link.close()
            await pause(RETRY_FIRST_S)


class LinkServer(Generic[Message]):
    """Accepts links on a Unix socket; an async context manager.

    ``serve`` runs once per connection, in a task group that ends with the server.
    A stale socket file is replaced; the new one is readable by its owner only.
    """

    def __init__(
        self,
        path: Path,
        hello: Hello,
        decoder: msgspec.msgpack.Decoder[Message],
        serve: Callable[[Link[Message]], Awaitable[None]],
    ) -> None:
        self._path = path
        self._hello = hello
        self._decoder = decoder
        self._serve = serve
        self._tasks = asyncio.TaskGroup()
        self._links: set[Link[Message]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        await self._tasks.__aenter__()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._accept, str(self._path))
        self._path.chmod(0o600)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection and remove the socket."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.close()
        await self._tasks.__aexit__(kind, error, trace)
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _accept(self) -> Link[Message]:
        link = Link(self._hello, self._decoder)
        self._tasks.create_task(self._run(link))
        return link

    async def _run(self, link: Link[Message]) -> None:
        self._links.add(link)
        try:
            await link.wait_greeted()
            await self._serve(link)
        except LinkError as error:
            log.info("link.closed", socket=self._path.name, reason=str(error))
        finally:
            self._links.discard(link)
            link.close()
