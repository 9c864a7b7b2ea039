# SPDX-License-Identifier: Apache-2.0
"""One request inside a dialog until its final result, whatever it takes.

Answers digest challenges (a new transaction with the next CSeq), acknowledges the 2xx of a
re-INVITE and each repetition of it, keeps the dialog's idea of the peer's flow fresh.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip.credentials import answer_challenge, is_repeated_refusal
from centralino.wire.sip.timers import SECOND

if TYPE_CHECKING:
    from centralino.wire.sip.client import ClientTransaction
    from centralino.wire.sip.dialog import Dialog
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.events import FinishCause
    from centralino.wire.sip.flow import Send
    from centralino.wire.sip.message import Request, Response

    Build = Callable[[int], Request]
    Done = Callable[[Response | None, FinishCause, int], None]

FINAL_LIMIT_S = 180
"""Longest wait for the final response of a re-INVITE after its first provisional one."""


class DialogRequest:
    """A request on its way; `done` is called exactly once."""

    __slots__ = (
        "_ack",
        "_build",
        "_credentials",
        "_dialog",
        "_done",
        "_engine",
        "_is_done",
        "_is_limited",
        "_lines",
        "_tries",
        "cseq",
    )

    def __init__(self, engine: Engine, dialog: Dialog, build: Build, done: Done) -> None:
        self._engine = engine
        self._dialog = dialog
        self._build = build
        self._done = done
        self._credentials = dialog.credentials
        self._lines: list[tuple[str, str]] = []
        self._tries = 0
        self._is_done = False
        self._is_limited = False
        self._ack: Send | None = None
        self.cseq = 0
        """Sequence number of the last attempt."""

    def start(self, now: int) -> None:
        """Send it (again)."""
        self._is_limited = False
        self.cseq = self._dialog.next_cseq()
        request = self._build(self.cseq)
        for name, value in self._lines:
            request.headers.add(name, value)
        hop = self._dialog.hop()
        self._engine.transactions.send(request, hop, self._on_response, self._on_failure, now)

    def _on_response(self, client: ClientTransaction, response: Response, now: int) -> None:
        status = response.status
        self._dialog.note_flow(client.flow_id)
        if status < 200:
            if client.is_invite and not self._is_limited:
                self._is_limited = True
                client.abandon_at(now + FINAL_LIMIT_S * SECOND)
            return
        if status < 300 and client.is_invite:
            self._acknowledge(response)
        if self._is_done:
            return
        if status in (401, 407) and not is_repeated_refusal(self._tries, response):
            line = answer_challenge(client.request, response, self._credentials, self._engine.token)
            if line is not None:
                self._tries += 1
                self._lines = [kept for kept in self._lines if kept[0] != line[0]] + [line]
                self.start(now)
                return
        self._is_done = True
        self._done(response, "response", now)

    def _on_failure(
        self, client: ClientTransaction, cause: FinishCause, detail: str, now: int
    ) -> None:
        if not self._is_done:
            self._is_done = True
            self._done(None, cause, now)

    def _acknowledge(self, response: Response) -> None:
        if self._ack is None:
            self._dialog.refresh_target(response)
            self._ack = self._engine.make_ack(self._dialog, self.cseq, self._lines)
        self._engine.sends.append(self._ack)
