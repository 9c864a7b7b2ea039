# SPDX-License-Identifier: Apache-2.0
"""The session timer (RFC 4028): agree on an interval, refresh at half of it, give up in time.

Whoever is the refresher sends a re-INVITE with the unchanged description (or UPDATE where the
endpoint prefers it and the peer allows it). Both sides hang up shortly before the expiry when
no refresh has come: at the expiry less the smaller of 32 s and a third of the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.timers import SECOND
from centralino.wire.sip.values import SessionExpires

if TYPE_CHECKING:
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.message import Message, Request, Response
    from centralino.wire.sip.timers import Timer

MAX_MARGIN_S = 32
"""Longest time before the expiry at which a session without refresh is ended (RFC 4028 10)."""
SHORTEST_RETRY_S = 10
"""A failed refresh is tried again after half of the time left, while that is longer."""


def session_expires_of(message: Message, name: str = "Session-Expires") -> SessionExpires | None:
    """Return the header of that name; None when it is missing or broken."""
    text = message.headers.get(name)
    if text is None:
        return None
    try:
        return SessionExpires.parse(text)
    except SipParseError:
        return None


def supports(message: Message, option: str) -> bool:
    """Whether the sender lists an option tag as supported or required."""
    headers = message.headers
    tags = [*headers.values("Supported"), *headers.values("Require")]
    return any(tag.lower() == option for tag in tags)


class SessionTimer:
    """The session timer of one session; off while `interval_s` is 0."""

    __slots__ = (
        "_engine",
        "_expiry",
        "_on_expiry",
        "_on_refresh",
        "_refresh",
        "expires_at",
        "interval_s",
        "is_enabled",
        "is_refresher",
        "min_se_s",
        "wanted_s",
    )

    def __init__(
        self,
        engine: Engine,
        on_refresh: Callable[[int], None],
        on_expiry: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._on_refresh = on_refresh
        self._on_expiry = on_expiry
        self._refresh: Timer | None = None
        self._expiry: Timer | None = None
        self.is_enabled = "timer" in engine.config.supported
        """Whether we take part at all."""
        self.interval_s = 0
        """The agreed session interval."""
        self.is_refresher = False
        self.min_se_s = engine.config.min_se_s
        """Smallest interval either side may ask for."""
        self.wanted_s = max(engine.config.session_expires_s, self.min_se_s)
        """The interval we ask for next."""
        self.expires_at = 0

    # ---- requests we send

    def request_lines(self) -> list[tuple[str, str]]:
        """Return the headers of an INVITE or UPDATE we send."""
        if not self.is_enabled:
            return []
        refresher = "uac" if self.interval_s == 0 or self.is_refresher else "uas"
        return [
            ("Session-Expires", f"{self.interval_s or self.wanted_s};refresher={refresher}"),
            ("Min-SE", str(self.min_se_s)),
        ]

    def raise_interval(self, response: Response) -> bool:
        """Take over the Min-SE of a 422; False when it leaves nothing to try."""
        asked = session_expires_of(response, "Min-SE")
        if asked is None or asked.delta_s <= (self.interval_s or self.wanted_s):
            return False
        self.min_se_s = max(self.min_se_s, asked.delta_s)
        self.wanted_s = self.min_se_s
        self.interval_s = 0 if self.interval_s == 0 else self.min_se_s
        return True

    def agreed(self, response: Response, now: int) -> None:
        """Start over from a 2xx to our INVITE or UPDATE; without Session-Expires it stops."""
        value = session_expires_of(response)
        if value is None or not self.is_enabled:
            self.interval_s = 0
            self.stop()
            return
        self.is_refresher = value.refresher != "uas"
        self._start(max(value.delta_s, self._engine.config.min_se_s), now)

    # ---- requests we receive

    def is_too_small(self, request: Request) -> bool:
        """Whether a request deserves 422 (RFC 4028 9)."""
        asked = session_expires_of(request)
        return (
            self.is_enabled
            and asked is not None
            and asked.delta_s < self._engine.config.min_se_s
            and supports(request, "timer")
        )

    def answer_lines(self, request: Request) -> list[tuple[str, str]]:
        """Decide the interval for a request; return the headers of its 2xx.

        A peer that can do session timers gets one, refreshed by whom it names, else by itself
        when it asked for one, else by us. Others get none.
        """
        if not self.is_enabled or not supports(request, "timer"):
            self.interval_s = 0
            return []
        asked = session_expires_of(request)
        floor = session_expires_of(request, "Min-SE")
        if floor is not None:
            self.min_se_s = max(self.min_se_s, floor.delta_s)
        interval_s = max(asked.delta_s if asked else self.wanted_s, self.min_se_s)
        refresher = asked.refresher if asked else "uas"
        if refresher is None:
            is_ours = self.interval_s > 0 and self.is_refresher
            refresher = "uas" if is_ours else "uac"
        self.interval_s = interval_s
        self.is_refresher = refresher == "uas"
        lines = [("Session-Expires", f"{interval_s};refresher={refresher}")]
        return [*lines, ("Require", "timer")] if refresher == "uac" else lines

    def answered(self, now: int) -> None:
        """Start over: the 2xx with `answer_lines` is on its way."""
        if self.interval_s:
            self._start(self.interval_s, now)
        else:
            self.stop()

    # ---- time

    def resume(self, interval_s: int, expires_at: int, now: int) -> None:
        """Go on after a restart with a session that expires at `expires_at`."""
        left = expires_at - now
        if not 0 <= left <= interval_s * SECOND:
            expires_at = now + interval_s * SECOND
        self.interval_s = interval_s
        self._arm(expires_at, max(now, expires_at - interval_s * SECOND // 2))

    def retry(self, now: int) -> None:
        """Plan another refresh after a failed one, while there is time."""
        left = self.expires_at - now
        if self.interval_s and left > 2 * SHORTEST_RETRY_S * SECOND:
            self._engine.timers.cancel(self._refresh)
            self._refresh = self._engine.timers.arm(now + left // 2, self._on_refresh)

    def stop(self) -> None:
        """Disarm."""
        self._engine.timers.cancel(self._refresh)
        self._engine.timers.cancel(self._expiry)
        self._refresh = self._expiry = None

    def _start(self, interval_s: int, now: int) -> None:
        self.interval_s = interval_s
        length = interval_s * SECOND
        self._arm(now + length, now + length // 2)

    def _arm(self, expires_at: int, refresh_at: int) -> None:
        self.stop()
        self.expires_at = expires_at
        margin = min(MAX_MARGIN_S * SECOND, self.interval_s * SECOND // 3)
        self._expiry = self._engine.timers.arm(expires_at - margin, self._on_expiry)
        if self.is_refresher:
            self._refresh = self._engine.timers.arm(refresh_at, self._on_refresh)
