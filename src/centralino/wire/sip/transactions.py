# SPDX-License-Identifier: Apache-2.0
"""The table of all transactions: matching, the source address in Via, the bounds.

Responses match by branch and method; requests by branch, sent-by and method (RFC 3261 17.1.3 and
17.2.3; without the magic cookie by the fields of RFC 2543). Requests that came twice by different
ways are recognised (8.2.2.2). What a request means is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip.client import ClientTransaction
from centralino.wire.sip.server import ServerTransaction

if TYPE_CHECKING:
    from centralino.wire.sip.client import OnFailure, OnResponse
    from centralino.wire.sip.config import EndpointConfig
    from centralino.wire.sip.flow import Flow, Hop, Send
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.timers import Timers
    from centralino.wire.sip.values import Via

COOKIE = "z9hG4bK"
"""How a branch made after RFC 3261 begins."""


def _server_key(request: Request, via: Via, method: str) -> str:
    branch = via.branch
    if branch is not None and branch.startswith(COOKIE):
        return f">{branch}|{via.host.lower()}:{via.port}|{method}"
    return f">{request.call_id}|{request.from_.tag}|{request.cseq.number}|{via}|{method}"


def mark_source(request: Request, flow: Flow) -> None:
    """Write the source address into the top Via (RFC 3261 18.2.1, RFC 3581 4)."""
    via = request.via
    host, port = flow.peer
    if via.wants_rport:
        marked = via.with_param("received", host).with_param("rport", str(port))
    elif via.host.strip("[]") != host:
        marked = via.with_param("received", host)
    else:
        return
    request.headers.remove_first("Via")
    request.headers.prepend("Via", str(marked))


class Transactions:
    """All client and server transactions of one endpoint."""

    def __init__(
        self,
        config: EndpointConfig,
        token: Callable[[], str],
        timers: Timers,
        sends: list[Send],
    ) -> None:
        self.config = config
        self.token = token
        self.timers = timers
        self.sends = sends
        self.clients: dict[str, ClientTransaction] = {}
        self.servers: dict[str, ServerTransaction] = {}
        self._merged: dict[tuple[str, str, int, str], str] = {}

    def __len__(self) -> int:
        """Return how many transactions are alive."""
        return len(self.clients) + len(self.servers)

    @property
    def is_full(self) -> bool:
        """Whether new work is to be refused."""
        return len(self.clients) + len(self.servers) >= self.config.max_transactions

    # ---- client side

    def send(
        self,
        request: Request,
        hop: Hop,
        on_response: OnResponse,
        on_failure: OnFailure,
        now: int,
        response_timeout_ms: int | None = None,
    ) -> ClientTransaction:
        """Put Via on the request and start its transaction."""
        branch = COOKIE + self.token()
        self.add_via(request, hop, branch)
        on_end = (on_response, on_failure)
        return self._start(request, branch, hop, on_end, now, response_timeout_ms)

    def send_cancel(
        self,
        request: Request,
        of: ClientTransaction,
        on_end: tuple[OnResponse, OnFailure],
        now: int,
    ) -> ClientTransaction:
        """Send a CANCEL with the Via of the INVITE it cancels (RFC 3261 9.1)."""
        via = of.request.via
        request.headers.prepend("Via", str(via))
        return self._start(request, via.branch or "", of.hop, on_end, now)

    def add_via(self, request: Request, hop: Hop, branch: str) -> None:
        """Put our Via on top."""
        sent_by = hop.sent_by or self.config.sent_by
        rport = ";rport" if hop.transport == "udp" else ""
        request.headers.prepend(
            "Via", f"SIP/2.0/{hop.transport.upper()} {sent_by}{rport};branch={branch}"
        )

    def take_response(self, response: Response, flow: Flow, now: int) -> bool:
        """Give a response to its transaction; False when there is none."""
        branch = response.via.branch
        client = self.clients.get(f"{branch}|{response.cseq.method}")
        if client is None:
            return False
        client.take(response, flow.flow_id, now)
        return True

    def _start(
        self,
        request: Request,
        branch: str,
        hop: Hop,
        on_end: tuple[OnResponse, OnFailure],
        now: int,
        response_timeout_ms: int | None = None,
    ) -> ClientTransaction:
        id_ = f"{branch}|{request.method}"
        client = ClientTransaction(self, id_, request, hop, *on_end)
        self.clients[id_] = client
        client.start(now, response_timeout_ms)
        return client

    # ---- server side

    def accept(self, request: Request, flow: Flow, now: int) -> ServerTransaction | None:
        """Start a transaction for a new request; a repeated one is absorbed and gives None."""
        key = _server_key(request, request.via, request.method)
        known = self.servers.get(key)
        if known is not None:
            known.again(now)
            return None
        mark_source(request, flow)
        server = ServerTransaction(self, key, request, flow)
        self.servers[key] = server
        return server

    def is_known(self, request: Request) -> bool:
        """Whether the request is a repeated one."""
        return _server_key(request, request.via, request.method) in self.servers

    def is_merged(self, server: ServerTransaction) -> bool:
        """Whether the same request is here already by another way (RFC 3261 8.2.2.2)."""
        request = server.request
        cseq = request.cseq
        key = (request.call_id, request.from_.tag or "", cseq.number, cseq.method)
        if key in self._merged:
            return True
        self._merged[key] = server.id
        server.merge_key = key
        return False

    def invite_of(self, request: Request) -> ServerTransaction | None:
        """Find the INVITE that an ACK or CANCEL belongs to by its branch."""
        return self.servers.get(_server_key(request, request.via, "INVITE"))

    # ---- both

    def fail(self, id_: str, detail: str, now: int) -> None:
        """Take notice that a message of that transaction could not be delivered."""
        known = self.clients.get(id_) or self.servers.get(id_)
        if known is not None:
            known.fail(detail, now)

    def flow_closed(self, flow_id: int) -> None:
        """Take notice that a connection is gone."""
        for client in list(self.clients.values()):
            client.flow_closed(flow_id)

    def forget_client(self, client: ClientTransaction) -> None:
        """Drop a finished transaction."""
        self.clients.pop(client.id, None)

    def forget_server(self, server: ServerTransaction) -> None:
        """Drop a finished transaction."""
        self.servers.pop(server.id, None)
        if server.merge_key is not None:
            self._merged.pop(server.merge_key, None)
