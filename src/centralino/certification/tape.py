# SPDX-License-Identifier: Apache-2.0
"""Records every message and connection of the far side, as the rules and ladders need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.certification.exchanged import TEAMS, Exchanged
from centralino.certification.rules import Connection
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import parse_message

if TYPE_CHECKING:
    from centralino.simulators.transport import FarStack
    from centralino.wire.sip.flow import Flow

PRODUCT_ADDRESS = "127.0.0.1"
"""Where the product's connections to the proxies come from; tools come from others."""
KEEP = 200_000


class Tape:
    """Everything that passed, oldest first."""

    def __init__(self, utc: Callable[[], float]) -> None:
        self._utc = utc
        self.messages: list[Exchanged] = []
        self.connections: list[Connection] = []

    def listen(self, stack: FarStack, part: str) -> None:
        """Record a part of the far side from now on."""

        def record(direction: str, flow: Flow | None, raw: bytes) -> None:
            if part == TEAMS and flow is not None and flow.peer[0] != PRODUCT_ADDRESS:
                return
            local = flow.local[0] if flow is not None else ""
            self.add(part, direction == "in", local, raw)

        stack.record = record

    def watch_connections(self, stack: FarStack) -> None:
        """Note which certificate the product shows on each connection of a running stack."""
        told = stack.on_opened

        def opened(flow: Flow, certificate: bytes | None) -> None:
            if flow.peer[0] == PRODUCT_ADDRESS:
                self.connections.append(Connection("", "", flow.peer_names, is_by_product=True))
            if told is not None:
                told(flow, certificate)

        stack.on_opened = opened

    def add(self, part: str, is_from_product: bool, local: str, raw: bytes) -> None:
        """Add a message; what cannot be read or is empty is none."""
        if not raw.strip() or len(self.messages) >= KEEP:
            return
        try:
            message = parse_message(raw)
        except SipParseError:
            return
        at = self._utc()
        self.messages.append(Exchanged(at, part, is_from_product, local, raw, message))
