# SPDX-License-Identifier: Apache-2.0
"""What the proxies know about trunks: OPTIONS both ways, TLS failures, order of use.

Every connection to or from an SBC that fails becomes a ``tls.failed`` line with the
sub-code that Microsoft's call records give it. Trunks for a call from Teams come in random
order, demoted ones and those that asked to be left alone last; a derived trunk has the
health of the carrier's base trunk (Microsoft "Monitor and troubleshoot Direct Routing").
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing import tls
from centralino.simulators.direct_routing.dress import ALLOW, PRODUCT, reason
from centralino.simulators.direct_routing.options import HealthBook, TrunkHealth
from centralino.simulators.direct_routing.rules import Refused, contact_host, matches_certificate
from centralino.simulators.direct_routing.tls_failure import DISCONNECTED, WRONG_USAGE, classify
from centralino.wire.sip.message import Request, response_to

if TYPE_CHECKING:
    import ssl

    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import Proxy, Tenant, TrunkSettings
    from centralino.wire.sip.events import RequestFinished, RequestReceived
    from centralino.wire.sip.flow import Flow, Hop

OPTIONS_TICK_S = 0.25


class TrunkWatch:
    """Health and connections of all trunks."""

    def __init__(self, proxy: DirectRoutingSimulator) -> None:
        settings = proxy.settings
        self._proxy = proxy
        self._timer: asyncio.TimerHandle | None = None
        self._asked: dict[str, str] = {}
        self.health = HealthBook(
            settings.options_period_ms / 1000, settings.options_healthy_ms / 1000
        )
        self.drained: set[str] = set()
        """FQDNs of trunks that take no new calls from Teams, beside the disabled ones."""

    def start(self) -> None:
        """Keep asking trunks that asked us, and watch connections."""
        stack = self._proxy.stack
        stack.on_opened = self._opened
        stack.on_closed = self._closed
        stack.on_connect_failed = self._not_connected
        self._tick()

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()

    # ---- order of use

    def trunks_in_order(self, tenant: Tenant) -> list[tuple[str, TrunkSettings]]:
        """Return a tenant's enabled trunks: healthy ones shuffled, demoted ones last."""
        now = asyncio.get_running_loop().time()
        directory = self._proxy.directory
        found = [(fqdn, directory.trunk_of(fqdn)) for fqdn in tenant.trunks]
        enabled = [
            (fqdn, trunk)
            for fqdn, trunk in found
            if trunk is not None and trunk.enabled and not self.drained & {fqdn, trunk.fqdn}
        ]
        self._proxy.rng.shuffle(enabled)
        return sorted(enabled, key=lambda pair: self._rank(pair[0], pair[1], now))

    def _rank(self, fqdn: str, trunk: TrunkSettings, now: float) -> int:
        if self.health.is_avoided(fqdn, now):
            return 2
        if not trunk.send_sip_options:
            return 0
        return 0 if self.health.is_healthy(_watched(fqdn, trunk), now) else 1

    def region_for(self, fqdn: str, trunk: TrunkSettings) -> Proxy:
        """Return the proxy whose region a call leaves from: one that the trunk's OPTIONS reach."""
        now = asyncio.get_running_loop().time()
        proxies = self._proxy.settings.proxies
        watched = _watched(fqdn, trunk)
        return next(
            (p for p in proxies if self.health.is_healthy_at(watched, p.address, now)), proxies[0]
        )

    def left_alone(self, fqdn: str, for_s: int) -> None:
        """Take notice of a Retry-After."""
        self.health.avoid(fqdn, asyncio.get_running_loop().time() + for_s)

    # ---- OPTIONS

    def options_received(self, event: RequestReceived, now: int) -> None:
        """Answer OPTIONS of an SBC."""
        proxy, request = self._proxy, event.request
        try:
            host = self._options_host(request, event.flow)
        except Refused as refused:
            response = response_to(request, refused.status)
            response.headers.add("Reason", reason(proxy.rng, refused.sentence))
            response.headers.add("X-Lab-SubCode", str(refused.subcode))
            proxy.report.add("direct-routing", "options.refused", sentence=refused.sentence)
        else:
            response = response_to(request, 200)
            response.headers.add("Allow", ",".join(ALLOW))
            response.headers.add("Server", PRODUCT)
            clock = asyncio.get_running_loop().time()
            self.health.seen(host, event.flow.local[0], clock)
            proxy.report.add(
                "direct-routing", "options.seen", trunk=host, at_proxy=event.flow.local
            )
        proxy.stack.endpoint.respond(event.transaction, response, now)

    def _options_host(self, request: Request, flow: Flow) -> str:
        host = contact_host(request)
        if flow.peer_names and not matches_certificate(host, flow.peer_names):
            raise Refused(403, 510532, "Contact does not match the certificate")
        # A carrier's base trunk belongs to no customer tenant.
        if self._proxy.directory.trunk_of(host) is None:
            raise Refused(403, 510532, "No trunk config was found")
        return host

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        for health in self.health.due(loop.time()):
            self._ask(health)
        self._timer = loop.call_later(OPTIONS_TICK_S, self._tick)

    def _ask(self, health: TrunkHealth) -> None:
        trunk = self._proxy.directory.trunk_of(health.fqdn)
        if trunk is None or not trunk.send_sip_options:
            return
        stack = self._proxy.stack
        target = f"sip:{health.fqdn}:{trunk.port};transport=tls"
        home = self._proxy.settings.proxies[0]
        request = Request("OPTIONS", target)
        request.headers.add("From", f"<sip:{home.fqdn}:{home.port}>")
        request.headers.add("To", f"<{target}>")
        request.headers.add("Contact", f"<sip:{home.fqdn}:{home.port};transport=tls>")
        hop = self._proxy.hop(health.fqdn, trunk.port)
        self._asked[stack.endpoint.request(request, hop, stack.now())] = health.fqdn
        stack.flush()

    def options_answered(self, event: RequestFinished) -> None:
        """Take the outcome of OPTIONS of ours."""
        fqdn = self._asked.pop(event.transaction, None)
        if fqdn is None:
            return
        status = event.response.status if event.response is not None else None
        if status == 200:
            self.health.trunks[fqdn].answered += 1
        self._proxy.report.add(
            "direct-routing",
            "options.answered",
            trunk=fqdn,
            status=status,
            cause=event.cause,
            detail=event.detail,
        )

    # ---- connections

    def handshake_failed(self, error: ssl.SSLError) -> None:
        """Take notice of a connection of an SBC that did not come about."""
        self._failed(error, direction="in")

    def _not_connected(self, hop: Hop, error: Exception) -> None:
        self._failed(error, direction="out", trunk=hop.host)

    def _failed(self, error: Exception, **fields: object) -> None:
        failure = classify(error)
        self._proxy.report.add(
            "direct-routing",
            "tls.failed",
            kind=failure.kind,
            subcode=failure.subcode,
            hresult=failure.hresult,
            detail=str(error) or type(error).__name__,
            **fields,
        )

    def _closed(self, flow: Flow, host: str, has_open_request: bool) -> None:
        if not has_open_request:
            self._proxy.report.add("direct-routing", "tls.closed", trunk=host, peer=flow.peer)
            return
        self._proxy.report.add(
            "direct-routing",
            "tls.failed",
            kind=DISCONNECTED.kind,
            subcode=DISCONNECTED.subcode,
            hresult=DISCONNECTED.hresult,
            detail="connection lost with requests open",
            direction="out",
            trunk=host,
            peer=flow.peer,
        )

    def _opened(self, flow: Flow, certificate: bytes | None) -> None:
        rule = self._proxy.settings.tls.require_client_auth_eku
        if certificate is None or rule != "warn" or tls.may_authenticate_clients(certificate):
            return
        self._proxy.report.add(
            "direct-routing",
            "tls.warned",
            kind=WRONG_USAGE.kind,
            names=list(flow.peer_names),
            detail="the certificate is not good for client authentication",
        )


def _watched(fqdn: str, trunk: TrunkSettings) -> str:
    """Return whose OPTIONS count: the carrier trunk's for a derived one."""
    return trunk.fqdn if trunk.is_carrier else fqdn
