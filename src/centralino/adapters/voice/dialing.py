# SPDX-License-Identifier: Apache-2.0
"""Where a call to a trunk goes next, and under which name we appear there.

Fail-over order is the order of configuration; proxies that are down or to be avoided are passed
over, and so the first one gets calls again when it is back (RES-01). A derived trunk without
proxies of its own uses those of its base (MT-04).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.adapters.voice.transport_route import DEFAULT_PORTS
from centralino.adapters.voice.trunks import uri_host
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.wire.sip.flow import Hop

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from centralino.adapters.voice.health import HealthMonitor
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.adapters.voice.trunks import TrunkRegistry
    from centralino.core.kernel.ids import TrunkId


class Dialing:
    """Chooses hops and writes our own address."""

    def __init__(
        self,
        registry: TrunkRegistry,
        health: HealthMonitor,
        listening: Callable[[], Sequence[tuple[str, str, int]]],
    ) -> None:
        """Make it; ``listening`` returns (transport, address, port) of the open listeners."""
        self._registry = registry
        self._health = health
        self._listening = listening

    def next_hop(self, trunk: TrunkId, uri: str, tried: Collection[str], now: int) -> Hop:
        """Return the next proxy to try; see ``SipStack.hop_for``."""
        settings = self._registry.settings(trunk)
        base = settings
        if not settings.proxies and settings.health_of is not None:
            base = self._registry.settings(settings.health_of)
        sent_by = self.sent_by(trunk)
        if not base.proxies:
            host = uri_host(uri)
            if not host or host in tried:
                raise RemoteUnavailable(f"trunk {trunk}", "call", "the trunk has no proxy")
            return Hop(host, None, settings.transport, None, trunk, sent_by)
        usable = self._health.usable(trunk, now)
        for proxy in base.proxies:
            if proxy.host in usable and proxy.host not in tried:
                return Hop(proxy.host, proxy.port, base.transport, None, trunk, sent_by)
        reasons = [f"tried: {', '.join(tried)}"] if tried else []
        told = self._health.why_not(trunk, now)
        text = "; ".join([*reasons, told] if told else reasons)
        raise RemoteUnavailable(f"trunk {trunk}", "call", f"no proxy is left ({text})")

    def hop_to(self, settings: TrunkSettings, host: str) -> Hop:
        """Return the hop to one of a trunk's proxies, whatever its health."""
        port = next((item.port for item in settings.proxies if item.host == host), None)
        trunk = settings.trunk
        return Hop(host, port, settings.transport, None, trunk, self.sent_by(trunk))

    def sent_by(self, trunk: TrunkId) -> str:
        """Return our ``host:port`` towards a trunk (Via, Contact)."""
        settings = self._registry.settings(trunk)
        port = settings.contact_port
        if port is None:
            bound = (item[2] for item in self._listening() if item[0] == settings.transport)
            port = next(bound, DEFAULT_PORTS[settings.transport])
        host = settings.contact_host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def contact(self, trunk: TrunkId, user: str) -> str:
        """Return our Contact value towards a trunk."""
        transport = self._registry.settings(trunk).transport
        way = "" if transport == "udp" else f";transport={transport}"
        return f"<sip:{user}{'@' if user else ''}{self.sent_by(trunk)}{way}>"
