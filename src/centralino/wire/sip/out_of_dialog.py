# SPDX-License-Identifier: Apache-2.0
"""Requests outside any dialog: OPTIONS, REGISTER and the like, sent for the user.

Source: RFC 3261 8.1.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from centralino.wire.sip.dialog import sent_by_of
from centralino.wire.sip.events import RequestFinished

if TYPE_CHECKING:
    from centralino.wire.sip.client import ClientTransaction
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.events import FinishCause
    from centralino.wire.sip.flow import Hop
    from centralino.wire.sip.message import Request, Response


def send_request(engine: Engine, request: Request, hop: Hop, now: int) -> str:
    """Complete the request, send it, return the id of its transaction.

    Above the bound of the config it fails at once with cause `transport`.
    """
    if engine.transactions.is_full:
        engine.count("overload")
        refused = engine.token()
        engine.emit(RequestFinished(refused, None, "transport", "too many transactions"))
        return refused
    _complete(engine, request)
    contact = request.headers.get("Contact")
    if hop.sent_by is None and contact is not None:
        hop = replace(hop, sent_by=sent_by_of(contact))

    def on_response(client: ClientTransaction, response: Response, now: int) -> None:
        if response.status >= 200:
            engine.emit(RequestFinished(client.id, response, "response"))

    def on_failure(client: ClientTransaction, cause: FinishCause, detail: str, now: int) -> None:
        engine.emit(RequestFinished(client.id, None, cause, detail))

    return engine.transactions.send(request, hop, on_response, on_failure, now).id


def _complete(engine: Engine, request: Request) -> None:
    """Add what RFC 3261 8.1.1 asks for and the user left out."""
    headers = request.headers
    if request.from_.tag is None:
        headers.set("From", str(request.from_.with_param("tag", engine.token())))
    usual = (
        ("Max-Forwards", "70"),
        ("Call-ID", engine.token()),
        ("CSeq", f"{1 + engine.random_below(1 << 16)} {request.method}"),
        ("User-Agent", engine.config.user_agent),
    )
    for name, value in usual:
        if name not in headers:
            headers.add(name, value)
