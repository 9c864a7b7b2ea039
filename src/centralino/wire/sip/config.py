# SPDX-License-Identifier: Apache-2.0
"""Settings of a SIP endpoint and the order to place a call.

Plain data. Timer names follow RFC 3261 table 4; every table of the endpoint has its bound here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.wire.sip.digest import Credentials
    from centralino.wire.sip.flow import Hop

DEFAULT_ALLOW = (
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "OPTIONS",
    "NOTIFY",
    "REFER",
    "INFO",
    "UPDATE",
    "PRACK",
)


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """Settings of one `SipEndpoint`; immutable for its life."""

    user_agent: str
    """Text of User-Agent in requests and Server in responses."""
    t1_ms: int = 500
    """Round-trip estimate, first retransmission interval (RFC 3261 17.1.1.1)."""
    t2_ms: int = 4000
    """Largest retransmission interval of non-INVITE requests and of 2xx."""
    t4_ms: int = 5000
    """Longest time a message stays in the network."""
    timer_b_ms: int = 32000
    """Wait for the first response of a request, and for the ACK (timers B, F, H, L, M)."""
    allow: tuple[str, ...] = DEFAULT_ALLOW
    """Methods accepted; written as Allow. Requests out of dialog with other methods get 405."""
    supported: tuple[str, ...] = ("timer", "replaces")
    """Option tags written as Supported; `100rel` here makes us offer reliable provisionals."""
    session_expires_s: int = 1800
    """Session interval asked for (RFC 4028)."""
    min_se_s: int = 90
    """Smallest session interval accepted; below it an INVITE gets 422."""
    prefer_update: bool = False
    """Re-offer and refresh by UPDATE when the peer's Allow lists it. Direct Routing: never."""
    sent_by: str = "localhost"
    """Via `host[:port]` of requests that have neither `Hop.sent_by` nor a Contact."""
    max_transactions: int = 20000
    """Above it new requests get 503 with Retry-After."""
    max_sessions: int = 5000
    """Above it new INVITEs get 503 with Retry-After."""
    max_via: int = 70
    """More Via values in a request: 483."""
    max_forks: int = 32
    """Early dialogs kept per outgoing session; further tags are reported but not kept."""
    max_refers: int = 8
    """Open REFER subscriptions per session and direction; above it 503."""
    retry_after_s: int = 5
    """Retry-After of the 503 sent under overload."""
    refer_expires_s: int = 180
    """Longest wait for the final NOTIFY of a REFER."""


@dataclass(frozen=True, slots=True)
class OutgoingInvite:
    """All that is needed to place one call.

    A header in `headers` replaces the endpoint's own line of the same name.
    """

    uri: str
    """Request-URI, sent verbatim."""
    from_: str
    """From value, name-addr without tag (`"Ann" <sip:+39...@host>`)."""
    to: str
    """To value, name-addr without tag."""
    contact: str
    """Contact value, name-addr; its host becomes the Via sent-by unless `hop.sent_by` is set."""
    hop: Hop
    """Where the INVITE goes."""
    sdp: bytes
    """The offer."""
    call_id: str | None = None
    """None: made from the token source."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further lines in order (Referred-By, History-Info, P-Asserted-Identity, Max-Forwards...)."""
    route_set: tuple[str, ...] = ()
    """Pre-loaded Route values, each a name-addr."""
    allow: tuple[str, ...] | None = None
    """Instead of the config's, for this call and its dialog."""
    supported: tuple[str, ...] | None = None
    """Instead of the config's, for this call and its dialog."""
    timer: bool = True
    """Offer a session timer (RFC 4028)."""
    response_timeout_ms: int | None = None
    """Without any response, 100 included, the call has failed (`timeout`) after this; a late
    one is then cancelled, or acknowledged and hung up. None: timer B."""
    credentials: Credentials | None = None
    """Answer 401 and 407 with these, in this call and its dialog."""
