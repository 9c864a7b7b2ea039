# SPDX-License-Identifier: Apache-2.0
"""Settings of the API and its status page."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The API and the status page."""

    is_enabled: bool = True
    """False starts no edge process."""
    address: str = "127.0.0.1"
    """Where to listen. It speaks HTTP without TLS: anything but the loopback belongs behind a
    proxy that ends TLS."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """TCP port; 0 takes any that is free and logs which."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    """Names under which browsers and clients reach it, without port; a request under another
    name is refused (DNS rebinding)."""
    request_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """A request that takes longer is answered with 504."""
    command_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """How long a command waits for the exchange; below `request_timeout_s`."""
    most_body_bytes: Annotated[int, Meta(ge=1024, le=16 << 20)] = 64 << 10
    """A larger request body is answered with 413."""
    most_connections: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """More connections at once are answered with 503."""
    most_streams: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """Live streams at once; more are closed with 4429."""
    stream_interval_ms: Annotated[int, Meta(ge=50, le=10_000)] = 250
    """Shortest time between two messages to one live stream; what happens in between is told
    together."""
    stream_send_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """A client that has not taken a message after this time is dropped."""
    public_url: str = ""
    """Scheme and host under which browsers reach it, such as `https://contact.example`; empty
    takes the `Host` of each request, over plain HTTP. With `https` cookies are sent over TLS
    only."""
