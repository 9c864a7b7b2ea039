# SPDX-License-Identifier: Apache-2.0
"""Is a trunk alive: OPTIONS in both directions, as a pure state machine.

Each proxy of a trunk is asked on its own cadence; answers, losses, refusals and Retry-After make
the proxy's state, all proxies and the peer's own questions make the trunk's. The machine says
whom to ask (``due``), which proxies a call may use (``usable``), and what changed
(``take_changes``); it reads no clock and sends nothing.

    proxy   unknown --200--> active --loss--> degraded --loss x N or 403--> down --200--> active
    trunk   down: every proxy is; degraded: one is not well; one-way: the peer does not ask us;
            active; unknown: nothing heard yet

Sources: Microsoft "Direct Routing - SIP protocol" (cadence of OPTIONS, 503 with Retry-After),
"Monitor and troubleshoot Direct Routing"; cert cases CON-01 to CON-05, RES-01, RES-02, MT-04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.core.kernel.ids import TrunkId

_SECOND = 1_000_000_000
_LONGEST_INTERVAL_S = 180.0
DOMAIN_UNKNOWN = "domain not known to tenant"
NOT_ASKED = "the peer sends no OPTIONS"


class Health(StrEnum):
    """State of a proxy or a trunk."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    ONE_WAY = "one-way"
    """Trunks only: we are answered, but not asked. Calls continue."""
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A trunk's state is another one."""

    trunk: TrunkId
    before: Health
    after: Health
    reason: str


@dataclass(frozen=True, slots=True)
class ProxyReport:
    """One proxy, for screens."""

    host: str
    health: Health
    reason: str
    losses: int
    """Answers missing in a row."""
    answered_at: int | None
    """Monotonic nanoseconds of the last answer."""
    avoided_until: int
    """Not used for calls before this; 0: no such thing."""


@dataclass(frozen=True, slots=True)
class TrunkReport:
    """One trunk, for screens."""

    trunk: TrunkId
    health: Health
    reason: str
    asked_at: int | None
    """When the peer last sent OPTIONS."""
    proxies: tuple[ProxyReport, ...]


class _Proxy:
    __slots__ = (
        "answered_at",
        "ask_at",
        "avoid_reason",
        "avoided_until",
        "has_asked_for_rest",
        "health",
        "host",
        "losses",
        "reason",
    )

    def __init__(self, host: str, ask_at: int) -> None:
        self.host = host
        self.health = Health.UNKNOWN
        self.reason = ""
        self.losses = 0
        self.ask_at = ask_at
        self.answered_at: int | None = None
        self.avoided_until = 0
        self.avoid_reason = ""
        self.has_asked_for_rest = False

    def report(self) -> ProxyReport:
        return ProxyReport(
            self.host, self.health, self.reason, self.losses, self.answered_at, self.avoided_until
        )


class _Trunk:
    __slots__ = ("asked_at", "first_answer_at", "health", "proxies", "reason", "settings")

    def __init__(self, settings: TrunkSettings, now: int) -> None:
        self.settings = settings
        self.proxies = {proxy.host: _Proxy(proxy.host, now) for proxy in settings.proxies}
        self.health = Health.UNKNOWN
        self.reason = ""
        self.asked_at: int | None = None
        self.first_answer_at: int | None = None

    @property
    def asks(self) -> bool:
        return self.settings.options.enabled and self.settings.health_of is None

    def silent_since(self) -> int | None:
        """Since when the peer owes us an OPTIONS; None: it owes none.

        Teams must ask; any other peer only once it has begun to.
        """
        if self.asked_at is not None:
            return self.asked_at
        return self.first_answer_at if self.settings.profile == "teams-direct" else None


class HealthMonitor:
    """All trunks' health."""

    def __init__(
        self, trunks: Iterable[TrunkSettings], now: int, *, chance: Callable[[], float]
    ) -> None:
        """Make it; every proxy is asked at once.

        Args:
            trunks: whom to watch.
            now: monotonic nanoseconds.
            chance: source of fractions in [0, 1) for the jitter.
        """
        self._chance = chance
        self._changes: list[HealthChange] = []
        self._trunks: dict[TrunkId, _Trunk] = {}
        self._deadline: int | None = None
        self._is_deadline_known = False
        self.replace(trunks, now)

    def replace(self, trunks: Iterable[TrunkSettings], now: int) -> None:
        """Watch other trunks from now on; one whose proxies are the same keeps its state."""
        kept = {}
        for settings in trunks:
            trunk = _Trunk(settings, now)
            old = self._trunks.get(settings.trunk)
            if old is not None and list(old.proxies) == list(trunk.proxies):
                old.settings = settings
                trunk = old
            kept[settings.trunk] = trunk
        self._trunks = kept
        self._is_deadline_known = False

    # ---- whom to ask

    def next_deadline(self) -> int | None:
        """Return when ``due`` has something to do next, monotonic nanoseconds.

        Cost: nothing unless something happened since; it is asked for after every message.
        """
        if not self._is_deadline_known:
            self._deadline = min(self._deadlines(), default=None)
            self._is_deadline_known = True
        return self._deadline

    def _deadlines(self) -> Iterator[int]:
        for trunk in self._trunks.values():
            if not trunk.asks:
                continue
            for proxy in trunk.proxies.values():
                yield proxy.ask_at
            silent = trunk.silent_since()
            if silent is not None and trunk.health is not Health.ONE_WAY:
                yield silent + round(trunk.settings.options.one_way_s * _SECOND)

    def due(self, now: int) -> list[tuple[TrunkId, str]]:
        """Return (trunk, proxy host) to send OPTIONS to now; each is due again later."""
        asks = []
        self._is_deadline_known = False
        for trunk_id, trunk in self._trunks.items():
            if not trunk.asks:
                continue
            for proxy in trunk.proxies.values():
                if proxy.ask_at <= now:
                    proxy.ask_at = now + self._interval_ns(trunk)
                    asks.append((trunk_id, proxy.host))
            self._judge(trunk, now)
        return asks

    def _interval_ns(self, trunk: _Trunk) -> int:
        options = trunk.settings.options
        interval_s = options.interval_s + options.jitter_s * self._chance()
        return round(min(interval_s, _LONGEST_INTERVAL_S) * _SECOND)

    # ---- what became of it

    def answered(self, trunk_id: TrunkId, host: str, status: int, now: int) -> None:
        """Take a final response to our OPTIONS."""
        trunk, proxy = self._find(trunk_id, host)
        if trunk is None or proxy is None:
            return
        proxy.answered_at = now
        if status == 403 and trunk.settings.profile != "carrier":
            proxy.losses = 0
            proxy.health, proxy.reason = Health.DOWN, DOMAIN_UNKNOWN
        elif status in (408, 480) or (status >= 500 and status not in (501, 513)):
            self._missed(trunk, proxy, f"answers {status} to OPTIONS")
        else:
            proxy.losses = 0
            proxy.health, proxy.reason = Health.ACTIVE, ""
            if not proxy.has_asked_for_rest:
                proxy.avoided_until, proxy.avoid_reason = 0, ""
            if trunk.first_answer_at is None:
                trunk.first_answer_at = now
        self._judge(trunk, now)

    def lost(self, trunk_id: TrunkId, host: str, detail: str, now: int) -> None:
        """Take notice that our OPTIONS found no answer; ``detail`` says how."""
        trunk, proxy = self._find(trunk_id, host)
        if trunk is not None and proxy is not None:
            self._missed(trunk, proxy, detail)
            self._judge(trunk, now)

    def asked(self, trunk_id: TrunkId, now: int) -> None:
        """Take notice of an OPTIONS of the peer."""
        trunk = self._trunks.get(trunk_id)
        if trunk is not None:
            trunk.asked_at = now
            self._judge(trunk, now)

    def avoid(
        self, trunk_id: TrunkId, host: str, until: int, reason: str, *, is_wish: bool = False
    ) -> None:
        """Use a proxy for no call before ``until``.

        After a failed connect an answer to OPTIONS ends that; the proxy's own wish (503 with
        Retry-After) holds whatever it answers to OPTIONS meanwhile (RFC 3261 21.5.4).
        """
        trunk = self._base(trunk_id)
        proxy = trunk.proxies.get(host) if trunk is not None else None
        if proxy is not None and until > proxy.avoided_until:
            proxy.avoided_until, proxy.avoid_reason = until, reason
            proxy.has_asked_for_rest = is_wish

    def _missed(self, trunk: _Trunk, proxy: _Proxy, detail: str) -> None:
        proxy.losses += 1
        proxy.reason = detail
        if proxy.losses >= trunk.settings.options.losses_to_down:
            proxy.health = Health.DOWN
        elif proxy.health is not Health.DOWN:
            proxy.health = Health.DEGRADED

    # ---- what follows

    def usable(self, trunk_id: TrunkId, now: int) -> list[str]:
        """Return the proxies that a call may use, in fail-over order."""
        trunk = self._base(trunk_id)
        if trunk is None:
            return []
        return [
            proxy.host
            for proxy in trunk.proxies.values()
            if proxy.health is not Health.DOWN and proxy.avoided_until <= now
        ]

    def why_not(self, trunk_id: TrunkId, now: int) -> str:
        """Say for each proxy why it is not used."""
        trunk = self._base(trunk_id)
        parts = []
        for proxy in trunk.proxies.values() if trunk is not None else ():
            if proxy.health is Health.DOWN:
                parts.append(f"{proxy.host}: down ({proxy.reason})")
            elif proxy.avoided_until > now:
                wait_s = -(-(proxy.avoided_until - now) // _SECOND)
                parts.append(f"{proxy.host}: avoided for {wait_s} s ({proxy.avoid_reason})")
        return "; ".join(parts)

    def report(self, trunk_id: TrunkId) -> TrunkReport | None:
        """Return a trunk's state; a derived trunk shows its base's (MT-04)."""
        trunk = self._base(trunk_id)
        if trunk is None:
            return None
        proxies = tuple(proxy.report() for proxy in trunk.proxies.values())
        return TrunkReport(trunk_id, trunk.health, trunk.reason, trunk.asked_at, proxies)

    def take_changes(self) -> list[HealthChange]:
        """Hand over what changed, in order."""
        changes, self._changes = self._changes, []
        return changes

    def _judge(self, trunk: _Trunk, now: int) -> None:
        self._is_deadline_known = False
        health, reason = _trunk_health(trunk, now)
        if health is trunk.health:
            trunk.reason = reason
            return
        change = HealthChange(trunk.settings.trunk, trunk.health, health, reason)
        trunk.health, trunk.reason = health, reason
        self._changes.append(change)

    def _base(self, trunk_id: TrunkId) -> _Trunk | None:
        trunk = self._trunks.get(trunk_id)
        if trunk is not None and trunk.settings.health_of is not None:
            return self._trunks.get(trunk.settings.health_of, trunk)
        return trunk

    def _find(self, trunk_id: TrunkId, host: str) -> tuple[_Trunk | None, _Proxy | None]:
        trunk = self._trunks.get(trunk_id)
        return trunk, trunk.proxies.get(host) if trunk is not None else None


def _trunk_health(trunk: _Trunk, now: int) -> tuple[Health, str]:
    proxies = list(trunk.proxies.values())
    ill = [proxy for proxy in proxies if proxy.health in (Health.DEGRADED, Health.DOWN)]
    told = "; ".join(f"{proxy.host}: {proxy.reason}" for proxy in ill)
    if proxies and all(proxy.health is Health.DOWN for proxy in proxies):
        reasons = {proxy.reason for proxy in proxies}
        return Health.DOWN, reasons.pop() if len(reasons) == 1 else told
    silent = trunk.silent_since()
    if silent is not None and now - silent >= trunk.settings.options.one_way_s * _SECOND:
        return Health.ONE_WAY, NOT_ASKED
    if ill:
        return Health.DEGRADED, told
    answered = any(proxy.health is Health.ACTIVE for proxy in proxies)
    if trunk.settings.profile == "teams-direct" and trunk.asked_at is None:
        return Health.UNKNOWN, NOT_ASKED if answered else ""
    if answered or (not proxies and trunk.asked_at is not None):
        return Health.ACTIVE, ""
    return Health.UNKNOWN, ""
