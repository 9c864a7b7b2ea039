# SPDX-License-Identifier: Apache-2.0
"""The SIP edge as one object: an endpoint, its sockets, its trunks, one timer.

Calls code against this: it calls methods of ``endpoint`` (with ``now``), then ``flush``; what
happened arrives at ``on_event``, one call per event, in order, and ``flush`` follows by itself
when the handler returns. What never reaches ``on_event``: OPTIONS (answered here), our own
health questions, INVITEs refused by admission control, dropped messages (counted).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.adapters.voice.trunks import TrunkRegistry
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ClockPort, ResolverPort
    from centralino.wire.sip.checkpoint import DialogCheckpoint
    from centralino.wire.sip.config import OutgoingInvite
    from centralino.wire.sip.endpoint import SipEndpoint
    from centralino.wire.sip.events import SipEvent
    from centralino.wire.sip.flow import Hop

EventHandler = Callable[["SipEvent", int], None]
AlarmHandler = Callable[[str, str, "TrunkId | None", bool], None]
"""``(code, text, trunk, cleared)``: a condition began (or ended, ``cleared``)."""


class SipStack:
    """One process's SIP: see the module's description."""

    endpoint: SipEndpoint
    on_event: EventHandler
    on_alarm: AlarmHandler

    def __init__(
        self,
        settings: VoiceSettings,
        *,
        clock: ClockPort,
        resolver: ResolverPort,
        token: Callable[[], str],
        trunks: TrunkRegistry,
    ) -> None:
        """Make a stack; nothing opens before ``start``."""
        raise NotImplementedError

    async def start(self) -> None:
        """Open the listeners and begin to ask for health.

        Raises:
            ConfigError: a certificate or an address cannot be used; the message says why.
        """
        raise NotImplementedError

    async def stop(self, grace_s: float = 0.0) -> None:
        """Refuse new calls, wait up to ``grace_s`` for those in progress, close everything."""
        raise NotImplementedError

    def flush(self) -> None:
        """Write what the endpoint has to send, hand over events, arm the timer.

        May be called from ``on_event`` (then it does nothing: the outer one goes on).
        """
        raise NotImplementedError

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        """Place a call through admission control (``invite.hop.trunk`` names the trunk).

        Use this, not ``endpoint.invite``: the call counts until its last event.

        Raises:
            CapacityExceeded: the trunk or the whole is full, or drains; ``details`` has
                ``limit`` and ``retry_after_s``.
        """
        raise NotImplementedError

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        """Go on with a dialog of an earlier process and count it; returns its session id."""
        raise NotImplementedError

    def hop_for(self, trunk: TrunkId, uri: str = "", *, tried: Collection[str] = ()) -> Hop:
        """Return the next proxy to try: fail-over order, without those that are down.

        Args:
            trunk: which trunk.
            uri: Request-URI; its host is the target when the trunk has no proxies.
            tried: ``Hop.host`` of earlier attempts of the same call, never returned again.

        Raises:
            RemoteUnavailable: none is left; the message says why each is not used.
            NotFound: no such trunk.
        """
        raise NotImplementedError

    def trunk(self, trunk: TrunkId) -> TrunkSettings:
        """Return the settings of a trunk.

        Raises:
            NotFound: no such trunk.
        """
        raise NotImplementedError

    def local_contact(self, trunk: TrunkId, user: str = "") -> str:
        """Return our Contact value towards a trunk: ``<sip:user@host:port;transport=tls>``."""
        raise NotImplementedError

    def drain(self, trunk: TrunkId | None, *, on: bool) -> None:
        """Refuse new calls of a trunk (None: of all) with 503; those in progress go on."""
        raise NotImplementedError

    def listening(self) -> tuple[tuple[str, str, int], ...]:
        """Return (transport, address, port) of each open listener, as configured."""
        raise NotImplementedError

    def ladder(self, call_id: str) -> str:
        """Return the messages of a Call-ID as a text ladder, masked; empty when unknown."""
        raise NotImplementedError
