# SPDX-License-Identifier: Apache-2.0
"""The last SIP messages per Call-ID, to look at a call that went wrong.

Messages are kept as they were on the wire, bounded in calls, messages per call and bytes; the
oldest call goes first. They leave only masked: SDES keys, digest responses and, in what is
exported, digits of numbers except the last three (SEC-05). An optional JSON Lines file takes
every message, masked, as it passes.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.settings import TraceSettings

log = structlog.get_logger(__name__)

_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CALL_ID_AS_WE_WRITE = b"\r\nCall-ID: "
_KEYS = re.compile(r"(inline:)[A-Za-z0-9+/=]+", re.IGNORECASE)
_DIGEST = re.compile(r'((?:response|cnonce|nonce|auth-param)\s*=\s*")[^"]*', re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<plus>\+)(?P<a>\d{4,15})(?!\d)|(?<=[:\"<])(?P<b>\d{4,15})(?=@)|(?<=tel:)(?P<c>\d{4,15})"
)
_DTMF = re.compile(r"(?im)^(signal\s*=\s*)\S+")
_SECOND = 1_000_000_000
_COLUMN = 34


class TracedMessage(msgspec.Struct, frozen=True):
    """One message, as it passed."""

    at: int
    """Monotonic nanoseconds."""
    is_outgoing: bool
    peer: str
    """``transport address:port``, or the host it is on its way to."""
    data: bytes

    def title(self) -> str:
        """Return the method or the status line, without the URI."""
        line = self.data.lstrip(b"\r\n").partition(b"\r\n")[0].decode("utf-8", "replace")
        if line.startswith("SIP/2.0 "):
            return line[8:]
        return line.partition(" ")[0]


class _Call:
    __slots__ = ("messages", "size_bytes")

    def __init__(self) -> None:
        self.messages: list[TracedMessage] = []
        self.size_bytes = 0


class SipTrace:
    """Keeps messages by Call-ID."""

    def __init__(
        self,
        settings: TraceSettings,
        utc: Callable[[], int],
        on_file_error: Callable[[str], None] | None = None,
    ) -> None:
        """Make it.

        Args:
            settings: bounds.
            utc: epoch nanoseconds, for the file's time stamps.
            on_file_error: told once when the file cannot be written; tracing to it ends.
        """
        self._settings = settings
        self._utc = utc
        self._on_file_error = on_file_error
        self._calls: OrderedDict[bytes, _Call] = OrderedDict()
        self._size_bytes = 0
        self._path = Path(settings.file) if settings.file is not None else None
        self._written = 0
        if self._path is not None and self._path.exists():
            self._written = self._path.stat().st_size

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def size_bytes(self) -> int:
        """How much is held."""
        return self._size_bytes

    def record(self, data: bytes, peer: str, now: int, *, is_outgoing: bool) -> None:
        """Keep one message."""
        if not self._settings.enabled:
            return
        key = call_id_of(data)
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call()
            if len(self._calls) > self._settings.max_calls:
                self._forget_oldest()
        if len(call.messages) < self._settings.max_messages_per_call:
            message = TracedMessage(now, is_outgoing, peer, data)
            call.messages.append(message)
            call.size_bytes += len(data)
            self._size_bytes += len(data)
            while self._size_bytes > self._settings.max_bytes and len(self._calls) > 1:
                self._forget_oldest()
            if self._path is not None:
                self._write(key, message)

    def _forget_oldest(self) -> None:
        _, call = self._calls.popitem(last=False)
        self._size_bytes -= call.size_bytes

    # ---- export

    def messages(self, call_id: str) -> tuple[TracedMessage, ...]:
        """Return what is kept of a call, oldest first, unmasked: for tests and tools inside."""
        call = self._calls.get(call_id.encode("utf-8", "surrogateescape"))
        return tuple(call.messages) if call is not None else ()

    def ladder(self, call_id: str) -> str:
        """Return a text ladder of a call, one line per message, then the messages; masked."""
        messages = self.messages(call_id)
        if not messages:
            return ""
        start = messages[0].at
        peers = list(dict.fromkeys(item.peer for item in messages))
        head = f"{'':>10}  {'us':<4}" + "".join(f"{peer:>{_COLUMN}}" for peer in peers)
        lines = [head.rstrip()]
        for item in messages:
            offset = f"{(item.at - start) / _SECOND:>10.3f}  "
            lines.append(offset + _arrow(item, peers.index(item.peer)))
        for number, item in enumerate(messages, 1):
            way = "to" if item.is_outgoing else "from"
            lines += ["", f"--- {number}: {way} {item.peer}", mask(item.data).rstrip()]
        return "\n".join(lines) + "\n"

    # ---- file

    def _write(self, key: bytes, message: TracedMessage) -> None:
        path = self._path
        if path is None:
            return
        line = json.dumps(
            {
                "ts": self._utc() // 1000,
                "dir": "out" if message.is_outgoing else "in",
                "peer": message.peer,
                "title": message.title(),
                "call_id": key.decode("utf-8", "replace"),
                "raw": mask(message.data),
            },
            ensure_ascii=False,
        )
        data = line.encode() + b"\n"
        try:
            if self._written + len(data) > self._settings.file_max_bytes:
                path.replace(path.with_name(path.name + ".1"))
                self._written = 0
            with path.open("ab") as file:
                file.write(data)
            self._written += len(data)
        except OSError as error:
            self._path = None
            log.warning("trace file given up", errno=error.errno)
            if self._on_file_error is not None:
                self._on_file_error(f"the SIP trace file cannot be written: {error.strerror}")


def call_id_of(data: bytes) -> bytes:
    """Return the Call-ID in a message's bytes, empty when there is none."""
    start = data.find(_CALL_ID_AS_WE_WRITE)
    if start >= 0:
        start += len(_CALL_ID_AS_WE_WRITE)
        return data[start : data.find(b"\r\n", start)].strip()
    found = _CALL_ID.search(data)
    return found[1].strip() if found else b""


def mask(data: bytes) -> str:
    """Return a message as text without keys, digest answers, DTMF and most digits of numbers.

    >>> mask(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31")
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^31'
    """
    text = data.decode("utf-8", "replace")
    text = _KEYS.sub(r"\1***", text)
    text = _DIGEST.sub(r"\1***", text)
    text = _DTMF.sub(r"\1*", text)
    return _NUMBER.sub(_mask_number, text)


def _mask_number(found: re.Match[str]) -> str:
    digits = found["a"] or found["b"] or found["c"]
    return (found["plus"] or "") + "x" * (len(digits) - 3) + digits[-3:]


def _arrow(message: TracedMessage, column: int) -> str:
    width = 4 + (column + 1) * _COLUMN
    title = message.title()[: width - 12]
    if message.is_outgoing:
        return f"|--- {title} " + "-" * max(1, width - len(title) - 8) + ">|"
    return f"|<-- {title} " + "-" * max(1, width - len(title) - 8) + "-|"
