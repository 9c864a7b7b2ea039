# SPDX-License-Identifier: Apache-2.0
"""Where SIP messages come from and go to.

Three value types cross the border between the sans-IO endpoint and its driver: the `Flow` a
message arrived on, the `Hop` a request shall reach, the `Send` that asks the driver to write
bytes. The endpoint never resolves names and never opens anything.

One rule serves the driver for every `Send`: write on `flow_id` when that flow is alive; else
resolve `hop` and connect (or reuse a connection to it); else report `transport_failed`.
Over UDP a flow is only a local socket, so the destination is always `hop`.

Source: RFC 3261 18.1.1, 18.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

Transport = Literal["udp", "tcp", "tls"]
"""How bytes travel. `tls` and `tcp` are reliable in the sense of RFC 3261 17."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a request goes; the driver resolves and connects."""

    host: str
    """Domain name or literal address (IPv6 without brackets)."""
    port: int | None
    """None: let the resolver decide (SRV, else the default port of the transport)."""
    transport: Transport
    flow_id: int | None = None
    """Prefer this live flow (connection or UDP socket); fall back to host and port when dead."""
    trunk: str | None = None
    """Opaque for wire: which credentials or connector the driver uses."""
    sent_by: str | None = None
    """`host[:port]` written into Via. None: that of the request's Contact, else the config's."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The connection or socket a message was received on; travels with the message."""

    flow_id: int
    transport: Transport
    local: tuple[str, int]
    peer: tuple[str, int]
    peer_names: tuple[str, ...] = ()
    """Subject alternative names and common name of the verified TLS peer certificate."""
    trunk: str | None = None
    """Set by the adapter's trunk registry; copied to the hops of in-dialog requests."""


class Send(msgspec.Struct, frozen=True):
    """Order to write bytes."""

    data: bytes
    """One complete SIP message."""
    transaction: str | None
    """Id to report a failed delivery with; None when nobody waits for it (ACK to a 2xx)."""
    hop: Hop | None
    """Request: where to. Response: the address of the top Via (RFC 3261 18.2.2), the fallback
    when `flow_id` is dead."""
    flow_id: int | None
    """Write here first. Always set for a response."""
