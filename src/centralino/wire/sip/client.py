# SPDX-License-Identifier: Apache-2.0
"""Client transactions: one request until its final response.

`ClientTransaction` carries out the actions of the tables `client_invite` and `client_request`.
It knows nothing of dialogs: responses go to two callables given at the start. The ACK to a
3xx-6xx is made here; the ACK to a 2xx belongs to the dialog.
Source: RFC 3261 17.1, RFC 6026.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip import client_invite, client_request
from centralino.wire.sip.client_action import Action
from centralino.wire.sip.flow import Send
from centralino.wire.sip.lifecycle import IllegalTransition
from centralino.wire.sip.message import Request
from centralino.wire.sip.timers import MS

if TYPE_CHECKING:
    from centralino.wire.sip.events import FinishCause
    from centralino.wire.sip.flow import Hop
    from centralino.wire.sip.message import Response
    from centralino.wire.sip.timers import Timer
    from centralino.wire.sip.transactions import Transactions

    OnResponse = Callable[["ClientTransaction", Response, int], None]
    OnFailure = Callable[["ClientTransaction", FinishCause, str, int], None]

_COPIED_TO_ACK = ("From", "Call-ID", "Route")


class ClientTransaction:
    """One request on its way. Made by `Transactions.send`."""

    __slots__ = (
        "_data",
        "_detail",
        "_interval",
        "_limit",
        "_limit_at",
        "_retry",
        "_table",
        "flow_id",
        "hop",
        "id",
        "is_invite",
        "layer",
        "on_failure",
        "on_response",
        "request",
        "response",
        "state",
    )

    def __init__(
        self,
        layer: Transactions,
        id_: str,
        request: Request,
        hop: Hop,
        on_response: OnResponse,
        on_failure: OnFailure,
    ) -> None:
        self.layer = layer
        self.id = id_
        self.request = request
        self.hop = hop
        self.flow_id = hop.flow_id
        """The flow the last response came on, at first that of the hop."""
        self.on_response = on_response
        self.on_failure = on_failure
        self.is_invite = request.method == "INVITE"
        self.response: Response | None = None
        """The last response handed in."""
        machine = client_invite if self.is_invite else client_request
        self._table = machine.TABLE
        self.state: str = machine.INITIAL
        self._data = request.to_bytes()
        self._detail = ""
        self._interval = 0
        self._retry: Timer | None = None
        self._limit: Timer | None = None
        self._limit_at = 0

    def start(self, now: int, response_timeout_ms: int | None = None) -> None:
        """Send the request and arm the timers of the first state.

        An INVITE without any response is given up after `response_timeout_ms`, if that comes
        before timer B.
        """
        config = self.layer.config
        self._write()
        if self.hop.transport == "udp":
            self._interval = config.t1_ms * MS
            self._retry = self.layer.timers.arm(now + self._interval, self._on_retry)
        self._limit_at = now + config.timer_b_ms * MS
        if response_timeout_ms is None or response_timeout_ms >= config.timer_b_ms:
            self._limit = self.layer.timers.arm(self._limit_at, self._on_limit)
        else:
            at = now + response_timeout_ms * MS
            self._limit = self.layer.timers.arm(at, self._on_no_response)

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state == "terminated"

    @property
    def is_proceeding(self) -> bool:
        """Whether it has a provisional response and no final one."""
        return self.state == "proceeding"

    def take(self, response: Response, flow_id: int, now: int) -> None:
        """Take a response that matches."""
        self.response = response
        self.flow_id = flow_id
        status = response.status
        kind = "1xx" if status < 200 else "2xx" if status < 300 else "3xx-6xx"
        self._step(kind, now)

    def fail(self, detail: str, now: int) -> None:
        """Take notice that the request could not be delivered."""
        self._detail = detail
        self._step("transport-error", now)

    def flow_closed(self, flow_id: int) -> None:
        """Write again without the closed flow, unless something has come back already."""
        if self.flow_id != flow_id:
            return
        self.flow_id = None
        if self.state in ("calling", "trying"):
            self._write()

    def abandon_at(self, at: int) -> None:
        """Give a cancelled INVITE until `at` for its final response (RFC 3261 9.1)."""
        self.layer.timers.cancel(self._limit)
        self._limit = self.layer.timers.arm(at, self._on_abandon)

    def _step(self, event: str, now: int) -> None:
        row = self._table.get((self.state, event))
        if row is None:
            raise IllegalTransition(f"client {self.request.method}", self.state, event)
        self.state = row.state
        for action in row.actions:
            _DO[action](self, now)
        if row.state == "terminated":
            self.layer.forget_client(self)

    def _write(self) -> None:
        self.layer.sends.append(Send(self._data, self.id, self.hop, self.flow_id))

    def _on_retry(self, now: int) -> None:
        self._step("timer-a" if self.is_invite else "timer-e", now)

    def _on_limit(self, now: int) -> None:
        self._step("timer-b" if self.is_invite else "timer-f", now)

    def _on_no_response(self, now: int) -> None:
        self._step("no-response", now)

    def _on_linger(self, now: int) -> None:
        self._step("timer-d-or-m" if self.is_invite else "timer-k", now)

    def _on_abandon(self, now: int) -> None:
        self._step("abandon", now)

    def _resend(self, now: int) -> None:
        self._write()
        self._interval *= 2
        if not self.is_invite:
            self._interval = min(self._interval, self.layer.config.t2_ms * MS)
        self._retry = self.layer.timers.arm(now + self._interval, self._on_retry)

    def _slow_down(self, now: int) -> None:
        self._interval = self.layer.config.t2_ms * MS

    def _stop(self, now: int) -> None:
        timers = self.layer.timers
        timers.cancel(self._retry)
        timers.cancel(self._limit)
        self._retry = self._limit = None

    def _linger(self, now: int, length_ms: int) -> None:
        if length_ms == 0:
            self._on_linger(now)
            return
        self._limit = self.layer.timers.arm(now + length_ms * MS, self._on_linger)

    def _linger_b(self, now: int) -> None:
        self._limit = self.layer.timers.arm(max(now, self._limit_at), self._on_limit)

    def _linger_d(self, now: int) -> None:
        is_reliable = self.hop.transport != "udp"
        self._linger(now, 0 if is_reliable else self.layer.config.timer_b_ms)

    def _linger_m(self, now: int) -> None:
        self._linger(now, self.layer.config.timer_b_ms)

    def _linger_k(self, now: int) -> None:
        is_reliable = self.hop.transport != "udp"
        self._linger(now, 0 if is_reliable else self.layer.config.t4_ms)

    def _report(self, now: int) -> None:
        assert self.response is not None  # noqa: S101 - the event that leads here sets it
        self.on_response(self, self.response, now)

    def _report_timeout(self, now: int) -> None:
        self.on_failure(self, "timeout", "", now)

    def _report_transport(self, now: int) -> None:
        self.on_failure(self, "transport", self._detail, now)

    def _ack(self, now: int) -> None:
        """Acknowledge a refusal: same branch, same target (RFC 3261 17.1.1.3)."""
        assert self.response is not None  # noqa: S101 - the event that leads here sets it
        invite = self.request.headers
        ack = Request("ACK", self.request.uri)
        headers = ack.headers
        headers.add("Via", str(self.request.via))
        headers.add("Max-Forwards", "70")
        for name in _COPIED_TO_ACK:
            for value in invite.get_all(name):
                headers.add(name, value)
        headers.add("To", self.response.headers.get("To") or "")
        headers.add("CSeq", f"{self.request.cseq.number} ACK")
        self.layer.sends.append(Send(ack.to_bytes(), self.id, self.hop, self.flow_id))


_DO: dict[Action, Callable[[ClientTransaction, int], None]] = {
    Action.RESEND: ClientTransaction._resend,
    Action.STOP: ClientTransaction._stop,
    Action.ACK: ClientTransaction._ack,
    Action.REPORT: ClientTransaction._report,
    Action.REPORT_TIMEOUT: ClientTransaction._report_timeout,
    Action.REPORT_TRANSPORT: ClientTransaction._report_transport,
    Action.SLOW_DOWN: ClientTransaction._slow_down,
    Action.LINGER_B: ClientTransaction._linger_b,
    Action.LINGER_D: ClientTransaction._linger_d,
    Action.LINGER_M: ClientTransaction._linger_m,
    Action.LINGER_K: ClientTransaction._linger_k,
}
