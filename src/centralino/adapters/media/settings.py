# SPDX-License-Identifier: Apache-2.0
"""What one media worker is told when it starts; nothing here changes while it runs."""

from __future__ import annotations

import msgspec

TICK_NS = 20_000_000
"""Length of one tick: every frame that we make ourselves lasts 20 ms."""

FRAME_BYTES = 160
"""Bytes of one frame; the same for G.711 (8 kHz) and G.722 (16 kHz at 64 kbit/s)."""

FRAME_TIMESTAMP = 160
"""RTP clock units of one frame; G.722 counts at 8 kHz as well (RFC 3551, 4.5.2)."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one worker process."""

    name: str = "media-0"
    """How the worker calls itself towards its driver."""
    socket_path: str
    """Unix socket on which it listens for its driver."""
    checkpoint_path: str
    """File that keeps the counters of its legs over a crash."""
    first_port: int = 20000
    """First RTP port of its range; RTP takes the even ones."""
    last_port: int = 29999
    """Last port of its range, included."""
    prompt_directories: tuple[str, ...] = ()
    """Where prompts and music lie; the first that has a name wins."""
    tone_country: str = "it"
    """Whose ringback tone is played (ISO 3166 code in lower case)."""
    max_legs: int = 1000
    """Legs it takes at most; the checkpoint has as many places."""
    coalesce_ms: int = 5
    """How often sockets are looked at, so that one wake-up serves many: the most that passing
    on delays a packet, or an order waits (1 to 20, a divisor of 20)."""
    receive_buffer_bytes: int = 1 << 20
    """Size of a socket's receive buffer: what a stalled process does not lose."""
    late_after_ms: int = 60
    """A tick later than this is late."""
    late_share_ratio: float = 0.2
    """Share of late ticks, over two seconds, from which new legs are refused."""
    rtp_timeout_s: float = 30.0
    """Without a packet for so long a leg is reported as timed out."""
    one_way_after_s: float = 5.0
    """We send, nothing has ever come: after so long the leg is reported as one-way."""
    silent_after_s: float = 10.0
    """Packets come but carry only silence: after so long the leg is reported as silent."""
    max_recordings: int = 500
    """Recordings at a time."""
