# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on purpose, as the scenario says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.wire.sip.message import Message, Request, response_to

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import DirectRouting, Fault
    from centralino.simulators.transport import FarStack
    from centralino.wire.sip.flow import Flow

METHODS = {
    "invite": "INVITE",
    "options": "OPTIONS",
    "bye": "BYE",
    "refer": "REFER",
    "cancel": "CANCEL",
    "notify": "NOTIFY",
}


class FaultBook:
    """Counts requests and lets the scenario's faults happen to them."""

    def __init__(self, settings: DirectRouting, stack: FarStack) -> None:
        self._settings = settings
        self._stack = stack
        self._counts: dict[tuple[str, str], int] = {}
        self._answer_on_cancel: set[str] = set()
        self._proxy: DirectRoutingSimulator | None = None
        self.faults: list[Fault] = list(settings.faults)
        """May be changed while the simulator runs."""

    def watch(self, proxy: DirectRoutingSimulator) -> None:
        """Learn whose calls late answers belong to."""
        self._proxy = proxy

    def inspect(self, message: Message, flow: Flow) -> bool:
        """Swallow a message when a fault says so."""
        if not isinstance(message, Request):
            return False
        kind = self._kind(message)
        call_id = message.headers.get("Call-ID") or ""
        if message.method == "CANCEL" and call_id in self._answer_on_cancel:
            self._answer_late(call_id)
            return False
        name = self._proxy_name(flow)
        for scope in ("", name):
            key = (kind, scope)
            self._counts[key] = self._counts.get(key, 0) + 1
        return any(
            self._happens(fault, message, flow)
            for fault in self.faults
            if self._hits(fault, kind, name)
        )

    @staticmethod
    def _kind(request: Request) -> str:
        if request.method == "INVITE" and ";tag=" in (request.headers.get("To") or "").lower():
            return "reinvite"
        return next((k for k, m in METHODS.items() if m == request.method), "")

    def _proxy_name(self, flow: Flow) -> str:
        for proxy in self._settings.proxies:
            if proxy.address == flow.local[0]:
                return proxy.fqdn
        return ""

    def _hits(self, fault: Fault, kind: str, name: str) -> bool:
        if fault.when != kind or (fault.proxy and fault.proxy != name):
            return False
        return fault.nth in (0, self._counts[kind, fault.proxy and name])

    def _happens(self, fault: Fault, request: Request, flow: Flow) -> bool:
        """Do it; return whether the endpoint must not see the request."""
        match fault.do:
            case "respond":
                self._respond(request, flow, fault.status, fault.retry_after_s)
            case "reset":
                self._stack.drop_connection(flow)
            case "delay":
                loop = asyncio.get_running_loop()
                loop.call_later(fault.delay_ms / 1000, self._stack.deliver, request, flow)
            case "trying-only":
                self._respond(request, flow, 100, None)
            case "close-after-trying":
                self._respond(request, flow, 100, None)
                asyncio.get_running_loop().call_later(0.05, self._stack.drop_connection, flow)
            case "late-answer":
                self._answer_on_cancel.add(request.headers.get("Call-ID") or "")
                return False
            case _:
                pass
        return True

    def _respond(
        self, request: Request, flow: Flow, status: int, retry_after_s: int | None
    ) -> None:
        response = response_to(request, status)
        if retry_after_s is not None:
            response.headers.add("Retry-After", str(retry_after_s))
        self._stack.write_raw(flow, response.to_bytes())

    def _answer_late(self, call_id: str) -> None:
        self._answer_on_cancel.discard(call_id)
        if self._proxy is None:
            return
        for call in self._proxy.user_calls():
            if call.call_id == call_id:
                call.pick_up()
