# SPDX-License-Identifier: Apache-2.0
"""Trunk health as the proxies keep it: OPTIONS in, OPTIONS out, demotion.

A trunk that sent no OPTIONS within the healthy window is demoted: it goes to the end
of the list for calls from Teams, it is not removed. Each proxy is a region of its own and
knows what it saw itself. The proxies never ask first. A trunk that said Retry-After
stands behind all others until then. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TrunkHealth:
    """What the proxies know of one trunk's FQDN."""

    fqdn: str
    last_seen: float | None = None
    """Loop seconds of its last OPTIONS."""
    next_ask: float | None = None
    answered: int = 0
    """How many of our OPTIONS it answered with 200."""
    asked: int = 0
    seen_at: dict[str, float] = field(default_factory=dict)
    """Proxy address to loop seconds of its last OPTIONS there."""


class HealthBook:
    """The health of every trunk that ever sent OPTIONS."""

    def __init__(self, period_s: float, healthy_s: float) -> None:
        """Ask each trunk every ``period_s``; healthy is one seen within ``healthy_s``."""
        self._period_s = period_s
        self._healthy_s = healthy_s
        self._avoided: dict[str, float] = {}
        self.trunks: dict[str, TrunkHealth] = {}

    def seen(self, fqdn: str, proxy: str, now: float) -> TrunkHealth:
        """Take notice of an OPTIONS; the first one makes us ask back at once."""
        health = self.trunks.setdefault(fqdn, TrunkHealth(fqdn))
        health.last_seen = now
        health.seen_at[proxy] = now
        if health.next_ask is None:
            health.next_ask = now
        return health

    def due(self, now: float) -> list[TrunkHealth]:
        """Return the trunks to ask now and plan their next time."""
        ready = [h for h in self.trunks.values() if h.next_ask is not None and h.next_ask <= now]
        for health in ready:
            health.next_ask = now + self._period_s
            health.asked += 1
        return ready

    def is_healthy(self, fqdn: str, now: float) -> bool:
        """Say whether a trunk is not demoted."""
        health = self.trunks.get(fqdn)
        return (
            health is not None
            and health.last_seen is not None
            and now - health.last_seen <= self._healthy_s
        )

    def is_healthy_at(self, fqdn: str, proxy: str, now: float) -> bool:
        """Say whether the proxy with that address saw the trunk's OPTIONS itself, lately."""
        health = self.trunks.get(fqdn)
        if health is None or proxy not in health.seen_at:
            return False
        return now - health.seen_at[proxy] <= self._healthy_s

    def avoid(self, fqdn: str, until: float) -> None:
        """Put a trunk behind all others until then."""
        self._avoided[fqdn] = until

    def is_avoided(self, fqdn: str, now: float) -> bool:
        """Say whether the trunk asked to be left alone."""
        return self._avoided.get(fqdn, 0.0) > now
