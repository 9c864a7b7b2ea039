# SPDX-License-Identifier: Apache-2.0
"""Settings of call handling: time-outs, holding treatment, trunk-to-trunk routes.

What a trunk is stands in ``settings``; here stands what is done with calls on it. Plain
values, checked once at start. Numbers in patterns are E.164 or short numbers as the trunk
writes them; ``*`` at the end stands for any rest.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.ids import TrunkId

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Milliseconds = Annotated[int, Meta(ge=1, le=600_000)]


class RelayRouteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls that pass from one trunk to another without the exchange."""

    name: str
    """For logs and counters."""
    from_trunk: TrunkId
    to_trunk: TrunkId
    numbers: tuple[str, ...] = ("*",)
    """Called numbers that take this route."""
    mode: Literal["anchored", "signalling-only"] = "anchored"
    """``anchored``: audio passes through our media workers and each side has its own offer
    and answer. ``signalling-only``: descriptions, re-INVITEs and INFO pass as they are, audio
    goes past us; only between peers that reach each other."""
    ring_for_s: Seconds = 120.0
    """Then the call is cancelled and the caller gets 480."""
    max_calls: Annotated[int, Meta(ge=1)] = 1000
    """Calls of this route at a time; more get 503."""


class HoldingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers of a number get while the exchange is away."""

    numbers: tuple[str, ...] = ("*",)
    greeting: tuple[str, ...] = ()
    """Prompts played once after the answer."""
    music: tuple[str, ...] = ("music.waiting",)
    """Then this, in a loop; empty: silence."""
    announce_after_s: Seconds = 120.0
    """If the exchange is not back after this, the announcement is played."""
    announcement: tuple[str, ...] = ()
    """Prompts of the announcement; empty: none."""
    fallback_trunk: TrunkId | None = None
    """Afterwards the caller is connected to ``fallback_target`` over this trunk. None: the call
    is ended."""
    fallback_target: str | None = None
    """E.164 number."""

    def __post_init__(self) -> None:
        """Refuse half a fallback.

        Raises:
            ConfigError: only one of the two fallback fields is given.
        """
        if (self.fallback_trunk is None) != (self.fallback_target is None):
            raise ConfigError(
                "voice.calls.holding", "fallback_trunk and fallback_target go together"
            )


class CallSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of call handling."""

    driver: str = "connect"
    """Name of the driver in its facts."""
    comfort_ring_ms: Milliseconds = 3000
    """An offered call about which nothing was decided rings after this: Teams and carriers
    give up on trunks that stay silent (OUT-08)."""
    offer_for_s: Seconds = 180.0
    """An offered call about which nothing is ever decided gets 480 after this."""
    machine_window_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1500
    """A call answered within this and without ringing first is suspected to be a machine."""
    cancel_grace_ms: Milliseconds = 4000
    """A cancelled attempt that the far side does not confirm counts as over after this."""
    closing_ms: Milliseconds = 500
    """Longest wait for a leg's last figures before it is reported as ended."""
    recording_close_ms: Milliseconds = 2000
    """The same while a recording is finished."""
    media_timeout_s: Seconds | None = 60.0
    """A leg whose media workers report no packets is ended after this long without any,
    unless it is on hold. None: never."""
    max_transfers: Annotated[int, Meta(ge=0, le=100)] = 5
    """REFERs followed in the life of one leg; more are a loop (482)."""
    max_forwards_recorded: Annotated[int, Meta(ge=1, le=70)] = 5
    """History-Info entries from which a call counts as going round in circles (OUT-14)."""
    transfer_linger_s: Seconds = 32.0
    """The transferor that does not hang up its old dialog is hung up after this (TRF-10)."""
    probe_restored: bool = True
    """After a restart, ask each far end with an unchanged re-INVITE whether it is still there."""
    hang_up_at_stop: bool = False
    """An orderly stop ends every call; otherwise the next voice process goes on with them."""
    exchange_grace_ms: Milliseconds = 1500
    """An offered call gets the holding treatment when the exchange is away this long."""
    max_holding: Annotated[int, Meta(ge=0)] = 200
    """Calls with holding treatment at a time; more get 503."""
    holding: tuple[HoldingSettings, ...] = (HoldingSettings(),)
    """The first entry that fits the called number counts."""
    routes: tuple[RelayRouteSettings, ...] = ()
    """The first route that fits counts."""


def fits(patterns: tuple[str, ...], number: str) -> bool:
    """Tell whether a number is meant by one of the patterns.

    >>> fits(("+3906*",), "+39061234"), fits(("112",), "1122")
    (True, False)
    """
    return any(
        number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern
        for pattern in patterns
    )
