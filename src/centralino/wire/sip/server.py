# SPDX-License-Identifier: Apache-2.0
"""Server transactions: one received request until its final response is safely delivered.

`ServerTransaction` carries out the actions of the tables `server_invite` and `server_request`.
The last response is kept as bytes and replayed to repeated requests. Responses leave on the flow
the request came on, with the address of the top Via as fallback.
Source: RFC 3261 17.2 and 18.2, RFC 3581, RFC 6026.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip import server_invite, server_request
from centralino.wire.sip.flow import Hop, Send
from centralino.wire.sip.lifecycle import IllegalTransition
from centralino.wire.sip.message import response_to
from centralino.wire.sip.server_action import Action
from centralino.wire.sip.timers import MS

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.timers import Timer
    from centralino.wire.sip.transactions import Transactions

    OnAck = Callable[["ServerTransaction", Request, int], None]
    OnExpired = Callable[["ServerTransaction", int], None]


def via_hop(request: Request, flow: Flow) -> Hop:
    """Return where a response goes when the flow is dead (RFC 3261 18.2.2, RFC 3581 4)."""
    via = request.via
    port = via.rport if flow.transport == "udp" and via.rport is not None else via.port
    host = via.received or via.param("maddr") or via.host
    if flow.transport != "udp" and not via.param("maddr"):
        host = via.host
    return Hop(host.strip("[]"), port, flow.transport, flow.flow_id, flow.trunk)


class ServerTransaction:
    """One request that waits for our answer. Made by `Transactions.accept`."""

    __slots__ = (
        "_ack",
        "_data",
        "_hop",
        "_interval",
        "_limit",
        "_retry",
        "_table",
        "flow",
        "id",
        "is_invite",
        "layer",
        "merge_key",
        "on_ack",
        "on_expired",
        "request",
        "state",
        "tag",
    )

    def __init__(self, layer: Transactions, id_: str, request: Request, flow: Flow) -> None:
        self.layer = layer
        self.id = id_
        self.request = request
        self.flow = flow
        self.is_invite = request.method == "INVITE"
        self.merge_key: tuple[str, str, int, str] | None = None
        """Under which repeated requests of another path are recognised."""
        self.tag: str | None = None
        """To tag of our responses when the request has none."""
        self.on_ack: OnAck | None = None
        self.on_expired: OnExpired | None = None
        machine = server_invite if self.is_invite else server_request
        self._table = machine.TABLE
        self.state: str = machine.INITIAL
        self._ack: Request | None = None
        self._hop: Hop | None = None
        self._data = b""
        self._interval = 0
        self._retry: Timer | None = None
        self._limit: Timer | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no final response was given yet."""
        return self.state in ("trying", "proceeding")

    def guard(self, now: int, on_expired: OnExpired) -> None:
        """Bound the time in which the user must answer; only for requests other than INVITE."""
        self.on_expired = on_expired
        self._limit = self.layer.timers.arm(
            now + self.layer.config.timer_b_ms * MS, self._on_unanswered
        )

    def respond(self, response: Response, now: int) -> None:
        """Give a response; `response` must answer `request`."""
        self._data = response.to_bytes()
        status = response.status
        self._step(
            "send-1xx" if status < 200 else "send-2xx" if status < 300 else "send-3xx-6xx", now
        )

    def reply(self, status: int, now: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Give a response without a body."""
        self.respond(self.make(status, headers=headers), now)

    def make(
        self,
        status: int,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Build a response with our To tag, if one is needed."""
        if self.tag is None and status != 100 and self.request.to.tag is None:
            self.tag = self.layer.token()
        to_tag = self.tag if status != 100 else None
        response = response_to(self.request, status, reason, to_tag=to_tag)
        for name, value in headers:
            response.headers.set(name, value)
        return response

    def repeat(self, now: int) -> None:
        """Send the last response once more, while the table still allows it."""
        if self.state == "accepted":
            self._step("send-2xx", now)
        elif self.state == "proceeding":
            self._step("send-1xx", now)

    def again(self, now: int) -> None:
        """Take the request once more."""
        self._step("request-again", now)

    def ack(self, request: Request, now: int) -> None:
        """Take an ACK that has the branch of this INVITE."""
        self._ack = request
        self._step("ack", now)

    def fail(self, detail: str, now: int) -> None:
        """Take notice that a response could not be delivered."""
        self._step("transport-error", now)

    def _step(self, event: str, now: int) -> None:
        row = self._table.get((self.state, event))
        if row is None:
            raise IllegalTransition(f"server {self.request.method}", self.state, event)
        self.state = row.state
        for action in row.actions:
            _DO[action](self, now)
        if row.state == "terminated":
            self.layer.forget_server(self)

    def _on_retry(self, now: int) -> None:
        self._step("timer-g", now)

    def _on_limit(self, now: int) -> None:
        self._step("timer-h", now)

    def _on_unanswered(self, now: int) -> None:
        self._step("unanswered", now)

    def _on_linger(self, now: int) -> None:
        self._step("timer-i-or-l" if self.is_invite else "timer-j", now)

    def _send(self, now: int) -> None:
        if self._hop is None:
            self._hop = via_hop(self.request, self.flow)
        if self._data:
            self.layer.sends.append(Send(self._data, self.id, self._hop, self.flow.flow_id))

    def _resend(self, now: int) -> None:
        self._send(now)
        self._interval = min(self._interval * 2, self.layer.config.t2_ms * MS)
        self._retry = self.layer.timers.arm(now + self._interval, self._on_retry)

    def _stop(self, now: int) -> None:
        timers = self.layer.timers
        timers.cancel(self._retry)
        timers.cancel(self._limit)
        self._retry = self._limit = None

    def _arm_g(self, now: int) -> None:
        if self.flow.transport == "udp":
            self._interval = self.layer.config.t1_ms * MS
            self._retry = self.layer.timers.arm(now + self._interval, self._on_retry)

    def _arm_h(self, now: int) -> None:
        at = now + self.layer.config.timer_b_ms * MS
        self._limit = self.layer.timers.arm(at, self._on_limit)

    def _linger(self, now: int, length_ms: int) -> None:
        if length_ms == 0:
            self._on_linger(now)
            return
        self._limit = self.layer.timers.arm(now + length_ms * MS, self._on_linger)

    def _linger_i(self, now: int) -> None:
        self._linger(now, self.layer.config.t4_ms if self.flow.transport == "udp" else 0)

    def _linger_j(self, now: int) -> None:
        self._linger(now, self.layer.config.timer_b_ms if self.flow.transport == "udp" else 0)

    def _linger_l(self, now: int) -> None:
        self._linger(now, self.layer.config.timer_b_ms)

    def _report_ack(self, now: int) -> None:
        if self.on_ack is not None and self._ack is not None:
            self.on_ack(self, self._ack, now)

    def _report_expired(self, now: int) -> None:
        if self.on_expired is not None:
            self.on_expired(self, now)


_DO: dict[Action, Callable[[ServerTransaction, int], None]] = {
    Action.SEND: ServerTransaction._send,
    Action.REPEAT: ServerTransaction._send,
    Action.RESEND: ServerTransaction._resend,
    Action.STOP: ServerTransaction._stop,
    Action.ARM_G: ServerTransaction._arm_g,
    Action.ARM_H: ServerTransaction._arm_h,
    Action.REPORT_ACK: ServerTransaction._report_ack,
    Action.REPORT_EXPIRED: ServerTransaction._report_expired,
    Action.LINGER_I: ServerTransaction._linger_i,
    Action.LINGER_J: ServerTransaction._linger_j,
    Action.LINGER_L: ServerTransaction._linger_l,
}
