# SPDX-License-Identifier: Apache-2.0
"""How many calls we take: per trunk, and all in all.

A call counts from its admission until the last event of its session, in both directions. Who is
refused gets 503 with Retry-After, which makes the far side try another trunk; that is meant
(Microsoft "Trunk failover on outbound calls": 503 is among the codes that fail over).
Pure; time is handed in. Cert cases MT-05, MT-07, LOD-02.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.exchange.token_bucket import TokenBucket

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.core.kernel.ids import TrunkId

_SECOND = 1_000_000_000
_CLEAR_BELOW = 0.1
"""How far the load must fall below the alarm's ratio before the alarm is cleared."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not taken."""

    limit: str
    """``draining``, ``trunk-calls``, ``trunk-rate``, ``all-calls``, ``all-rate`` or
    ``unknown-trunk``."""
    retry_after_s: int


class _Account:
    __slots__ = ("bucket", "calls", "is_draining", "is_high", "settings")

    def __init__(self, settings: TrunkSettings, now: int) -> None:
        self.settings = settings
        self.bucket = TokenBucket(settings.limits.calls_per_s, settings.limits.burst, now)
        self.calls = 0
        self.is_draining = not settings.enabled
        self.is_high = False


class Admission:
    """Counts calls and refuses the ones too many."""

    def __init__(
        self,
        settings: VoiceSettings,
        now: int,
        on_load: Callable[[TrunkId, int, int, bool], None] | None = None,
    ) -> None:
        """Make it.

        Args:
            settings: limits.
            now: monotonic nanoseconds.
            on_load: told ``(trunk, calls, max_calls, is_high)`` when a trunk's load crosses
                the alarm's ratio, either way.
        """
        self._settings = settings
        self._on_load = on_load
        burst = max(1, round(settings.calls_per_s))
        self._bucket = TokenBucket(settings.calls_per_s, burst, now)
        self._accounts: dict[TrunkId, _Account] = {}
        self._sessions: dict[str, TrunkId] = {}
        self.is_draining = False
        self.replace(settings.trunks, now)

    def replace(self, trunks: Iterable[TrunkSettings], now: int) -> None:
        """Take other trunks or limits; calls in progress go on and go on counting."""
        accounts = {}
        for trunk in trunks:
            account = _Account(trunk, now)
            old = self._accounts.get(trunk.trunk)
            if old is not None:
                account.calls, account.is_high = old.calls, old.is_high
            accounts[trunk.trunk] = account
        self._accounts = accounts

    def refuse(self, trunk: TrunkId | None, now: int) -> Refusal | None:
        """Judge one new call; None: it may come, and its share of the rate is used."""
        settings = self._settings
        account = self._accounts.get(trunk) if trunk is not None else None
        if account is None:
            return Refusal("unknown-trunk", settings.retry_after_s)
        if self.is_draining or account.is_draining:
            return Refusal("draining", settings.retry_after_s)
        if len(self._sessions) >= settings.max_calls:
            return Refusal("all-calls", settings.retry_after_s)
        if account.calls >= account.settings.limits.max_calls:
            return Refusal("trunk-calls", settings.retry_after_s)
        if not account.bucket.take(now):
            return Refusal("trunk-rate", _whole_seconds(account.bucket.wait_ns(now)))
        if not self._bucket.take(now):
            return Refusal("all-rate", _whole_seconds(self._bucket.wait_ns(now)))
        return None

    def opened(self, session: str, trunk: TrunkId) -> None:
        """Count a call."""
        if session in self._sessions:
            return
        self._sessions[session] = trunk
        account = self._accounts.get(trunk)
        if account is not None:
            account.calls += 1
            self._judge_load(account)

    def closed(self, session: str) -> None:
        """Stop counting a call; without effect when it was not counted."""
        trunk = self._sessions.pop(session, None)
        account = self._accounts.get(trunk) if trunk is not None else None
        if account is not None:
            account.calls -= 1
            self._judge_load(account)

    def drain(self, trunk: TrunkId | None, *, on: bool) -> None:
        """Refuse new calls of one trunk (None: of all), or take them again."""
        if trunk is None:
            self.is_draining = on
            return
        account = self._accounts.get(trunk)
        if account is not None:
            account.is_draining = on

    def calls(self, trunk: TrunkId | None = None) -> int:
        """Return how many calls there are, of one trunk or of all."""
        if trunk is None:
            return len(self._sessions)
        account = self._accounts.get(trunk)
        return account.calls if account is not None else 0

    def _judge_load(self, account: _Account) -> None:
        limits = account.settings.limits
        load = account.calls / limits.max_calls
        threshold = limits.alarm_ratio - (_CLEAR_BELOW if account.is_high else 0.0)
        is_high = load >= threshold
        if is_high is account.is_high:
            return
        account.is_high = is_high
        if self._on_load is not None:
            self._on_load(account.settings.trunk, account.calls, limits.max_calls, is_high)


def _whole_seconds(wait_ns: int) -> int:
    return max(1, -(-wait_ns // _SECOND))
