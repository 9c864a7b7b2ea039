# SPDX-License-Identifier: Apache-2.0
"""Commands that come twice: one key, one command, one answer.

A key is bound to the first command that comes with it. Its answer is kept, and so are keys
whose command is in the journal, over a restart. At most ``MOST_ANSWERS`` are kept per
tenant, oldest forgotten first. A command that came to nothing leaves no record, so its key
is forgotten with the process; to repeat such a one again leads to nothing either way unless
somebody has changed the state in between.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import (
    AppError,
    CapacityExceeded,
    Conflict,
    InvalidInput,
    NotFound,
)
from centralino.exchange.codec import encode

if TYPE_CHECKING:
    from centralino.exchange.control import ControlCommand

MOST_ANSWERS = 10_000
_PREFIX = "control"
_LASTING = (NotFound, Conflict, InvalidInput)


class KeyReused(Conflict):
    """The idempotency key was used for another command."""

    code = "idempotency-key-reused"


class AnswerBook:
    """The answers of one tenant; not for several threads."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def recover(self, keys: Iterable[str]) -> None:
        """Learn from a journal's keys which commands were done."""
        for journal_key in keys:
            parts = journal_key.split("/", 3)
            if parts[0] == _PREFIX and len(parts) == 4:
                _, _, fingerprint, key = parts
                self._keep(key, _Entry(fingerprint, done=True))

    async def answer(
        self, key: str, command: ControlCommand, decide: Callable[[], Awaitable[None]]
    ) -> None:
        """Let ``decide`` run unless this command has been, or is being, decided.

        Raises:
            KeyReused: the key is another command's.
            CapacityExceeded: too many commands are being decided.
            AppError: what ``decide`` raised now or at the first time.
        """
        fingerprint = fingerprint_of(command)
        entry = self._entries.get(key)
        if entry is None:
            entry = _Entry(fingerprint)
            self._keep(key, entry)
            await self._decide(key, entry, decide)
            return
        if entry.fingerprint != fingerprint:
            raise KeyReused("this Idempotency-Key was used for another command; take a new one")
        if not entry.done:
            await entry.decided.wait()
        if entry.error is not None:
            raise entry.error

    async def _decide(self, key: str, entry: _Entry, decide: Callable[[], Awaitable[None]]) -> None:
        try:
            await decide()
        except AppError as error:
            entry.error = error
            if not isinstance(error, _LASTING):
                self._entries.pop(key, None)
            raise
        except BaseException:
            entry.error = Conflict("the first request with this key was cut off; ask again")
            self._entries.pop(key, None)
            raise
        finally:
            entry.done = True
            entry.decided.set()

    def _keep(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        if len(self._entries) > self._most:
            oldest = next(iter(self._entries))
            if not self._entries[oldest].done:
                del self._entries[key]
                raise CapacityExceeded("too many commands are being decided")
            del self._entries[oldest]


class _Entry:
    def __init__(self, fingerprint: str, *, done: bool = False) -> None:
        self.fingerprint = fingerprint
        self.done = done
        self.error: AppError | None = None
        self.decided = asyncio.Event()


def fingerprint_of(command: ControlCommand) -> str:
    """Return what tells one command from another."""
    return hashlib.sha256(encode(command)).hexdigest()[:32]


def journal_key(key: str, command: ControlCommand, at: int) -> str:
    """Return the key of a command's journal record; ``at`` keeps it unique for ever."""
    return f"{_PREFIX}/{at}/{fingerprint_of(command)}/{key}"
