# SPDX-License-Identifier: Apache-2.0
"""The part of a confirmed dialog that must survive a restart of the process.

Only plain values, so that msgspec writes it as JSON or MessagePack. `expires_at` is a reading of
the monotonic clock, which on one host goes on between processes; a reading that makes no sense
after a restore (another host, a reboot) counts as a session just refreshed.
Fields may be added with defaults, never renamed (old files must load).
"""

from __future__ import annotations

import msgspec


class DialogCheckpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One confirmed dialog (RFC 3261 12) with its session timer (RFC 4028)."""

    session: str
    """Session id; the same after `restore`."""
    is_caller: bool
    """We sent the first INVITE (owner of the Call-ID, RFC 3261 14.1)."""
    call_id: str
    local_tag: str
    remote_tag: str
    local: str
    """From value of our requests, with tag."""
    remote: str
    """To value of our requests, with tag (none when the peer has none)."""
    local_cseq: int
    remote_cseq: int | None
    remote_target: str
    """URI of the peer's Contact, verbatim."""
    route_set: tuple[str, ...] = ()
    contact: str
    """Our Contact value."""
    local_sdp: str
    """Text of the last description we sent; a refresh repeats it unchanged."""
    remote_sdp: str | None = None
    allow: tuple[str, ...] = ()
    supported: tuple[str, ...] = ()
    peer_allow: tuple[str, ...] = ()
    session_expires_s: int = 0
    """Agreed interval; 0: no session timer."""
    min_se_s: int = 90
    is_refresher: bool = False
    expires_at: int = 0
    """When the session interval ends (ns, monotonic)."""
    flow_id: int | None = None
    """Hint only: the flow may be gone."""
    host: str = ""
    """Fallback hop: where the dialog was last reached."""
    port: int | None = None
    transport: str = "udp"
    trunk: str | None = None
    sent_by: str | None = None
    refers_received: int = 0
    """How many REFERs came in this dialog (ids of later subscriptions)."""
