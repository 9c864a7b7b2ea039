# SPDX-License-Identifier: Apache-2.0
"""What the edge notices about its trunks and certificates, turned into health and alarms.

Codes of alarms: ``trunk-down``, ``trunk-degraded``, ``trunk-one-way``, ``trunk-load``,
``trunk-unreachable`` (one host of it), ``tls-<fault>`` (a handshake), ``certificate-<fault>``
(our own file), ``certificate-ending``, ``certificate-unusable`` (a renewal that failed),
``trace-file``. Cert cases CON-03 to CON-10, CON-13, RES-02, RES-06, LOD-02.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from centralino.adapters.voice.health import Health
from centralino.adapters.voice.settings import is_host_name
from centralino.core.kernel.errors import ConfigError

if TYPE_CHECKING:
    from centralino.adapters.voice.alarms import AlarmBoard
    from centralino.adapters.voice.health import HealthMonitor
    from centralino.adapters.voice.tls import TlsIdentity
    from centralino.adapters.voice.tls_diagnosis import Diagnosis
    from centralino.adapters.voice.trunks import TrunkRegistry
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ClockPort

_SECOND = 1_000_000_000
_STRANGER_ALARM_NS = 60 * _SECOND
"""A peer that is no trunk's and fails at TLS is told of once in this time."""
_MAX_STRANGERS = 256
_TOLD = {
    Health.DOWN: "trunk-down",
    Health.DEGRADED: "trunk-degraded",
    Health.ONE_WAY: "trunk-one-way",
}


class EdgeWatch:
    """Feeds the health monitor and the alarm board."""

    def __init__(
        self, registry: TrunkRegistry, health: HealthMonitor, alarms: AlarmBoard, clock: ClockPort
    ) -> None:
        self._registry = registry
        self._health = health
        self._alarms = alarms
        self._clock = clock
        self._strangers: OrderedDict[str, int] = OrderedDict()

    # ---- trunks

    def connect_failed(self, trunk: TrunkId | None, host: str, detail: str, wait_ns: int) -> None:
        """Send no calls to a host that cannot be reached, for a while."""
        until = self._clock.now() + wait_ns
        for settings in self._registry.all():
            if any(proxy.host.lower() == host for proxy in settings.proxies):
                self.avoid(settings.trunk, host, until, detail)
        if trunk is not None:
            text = f"{host} cannot be reached: {detail.replace('left alone after: ', '')}"
            self._alarms.begin("trunk-unreachable", text, trunk, subject=f"{trunk} {host}")

    def avoid(
        self, trunk: TrunkId, host: str, until: int, reason: str, *, is_wish: bool = False
    ) -> None:
        """Send no calls to one proxy of a trunk before a time; ``is_wish``: it said so itself."""
        for proxy in self._registry.settings(trunk).proxies:
            if proxy.host.lower() == host.lower():
                self._health.avoid(trunk, proxy.host, until, reason, is_wish=is_wish)

    def peer_spoke(self, trunk: TrunkId | None, host: str) -> None:
        """A peer we connected to accepts us: what was wrong with it is over."""
        subject = f"{trunk} {host}"
        self._alarms.end("trunk-unreachable", subject=subject)
        self._alarms.end_all("tls-", subject)

    def report_health(self) -> None:
        """Tell what changed in the trunks' health."""
        for change in self._health.take_changes():
            old, new = _TOLD.get(change.before), _TOLD.get(change.after)
            if old is not None:
                self._alarms.end(old, change.trunk)
            if new is not None:
                text = f"trunk {change.trunk} is {change.after}: {change.reason}"
                self._alarms.begin(new, text, change.trunk)

    def report_load(self, trunk: TrunkId, calls: int, limit: int, is_high: bool) -> None:
        """Tell that a trunk is nearly full, or no longer."""
        if is_high:
            text = f"trunk {trunk} has {calls} of at most {limit} calls"
            self._alarms.begin("trunk-load", text, trunk)
        else:
            self._alarms.end("trunk-load", trunk)

    # ---- certificates

    def tls_failed(self, trunk: TrunkId | None, peer: str, diagnosis: Diagnosis) -> None:
        """Tell of a handshake that failed, with its cause."""
        code, text = f"tls-{diagnosis.fault}", f"{peer}: {diagnosis.text}"
        if trunk is not None:
            self._alarms.begin(code, text, trunk, subject=f"{trunk} {peer}")
            return
        now = self._clock.now()
        told_at = self._strangers.get(peer)
        if told_at is not None and now - told_at < _STRANGER_ALARM_NS:
            return
        self._strangers[peer] = now
        self._strangers.move_to_end(peer)
        if len(self._strangers) > _MAX_STRANGERS:
            self._strangers.popitem(last=False)
        # A stranger's failure has no end that we could see: it is told and forgotten.
        self._alarms.begin(code, text, None, subject=peer)
        self._alarms.end(code, subject=peer)

    def inspect_certificate(self, identity: TlsIdentity) -> None:
        """Tell what peers would hold against our certificate."""
        self._alarms.end_all("certificate-", "ours")
        utc = self._clock.utc()
        names = [
            trunk.contact_host
            for trunk in self._registry.all()
            if trunk.transport == "tls" and trunk.edge is None and is_host_name(trunk.contact_host)
        ]
        for diagnosis in identity.inspect(names, utc):
            self._alarms.begin(f"certificate-{diagnosis.fault}", diagnosis.text, subject="ours")
        warning = identity.expiry_warning(utc)
        if warning is not None:
            self._alarms.begin("certificate-ending", warning, subject="ours")

    def renew_certificate(self, identity: TlsIdentity) -> bool:
        """Look whether the certificate files changed; returns whether a new one is in use."""
        try:
            is_new = identity.renew()
        except ConfigError as error:
            self._alarms.begin("certificate-unusable", error.message, subject="renewal")
            return False
        self._alarms.end("certificate-unusable", subject="renewal")
        if is_new:
            self.inspect_certificate(identity)
        return is_new
