# SPDX-License-Identifier: Apache-2.0
"""What the calls need of the SIP edge, as one protocol: ``stack.SipStack`` is it.

Tests join two endpoints in memory behind the same protocol. The surroundings of call
handling (edge, media, clock, settings, sources of randomness) travel as one value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

from centralino.exchange.media import MediaPort

if TYPE_CHECKING:
    from centralino.adapters.voice.call_settings import CallSettings
    from centralino.adapters.voice.checkpoint import CheckpointLog
    from centralino.adapters.voice.inbox import Inbox
    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.core.kernel.ids import LegId, TrunkId
    from centralino.exchange.media import Reserved
    from centralino.exchange.ports import ClockPort
    from centralino.wire.sip.checkpoint import DialogCheckpoint
    from centralino.wire.sip.config import OutgoingInvite
    from centralino.wire.sip.endpoint import SipEndpoint
    from centralino.wire.sip.flow import Hop


class SipEdge(Protocol):
    """The part of ``SipStack`` that calls use; see there for what each method does."""

    @property
    def endpoint(self) -> SipEndpoint:
        """The sans-IO user agent."""
        ...

    def flush(self) -> None:
        """Write what waits, hand over events, arm the timer."""
        ...

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        """Place a call through admission control; raises CapacityExceeded."""
        ...

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        """Go on with a dialog of an earlier process."""
        ...

    def hop_for(self, trunk: TrunkId, uri: str = "", *, tried: Collection[str] = ()) -> Hop:
        """Return the next proxy to try; raises RemoteUnavailable, NotFound."""
        ...

    def trunk(self, trunk: TrunkId) -> TrunkSettings:
        """Return a trunk's settings; raises NotFound."""
        ...

    def local_contact(self, trunk: TrunkId, user: str = "") -> str:
        """Return our Contact value towards a trunk."""
        ...


class RestorableMedia(MediaPort, Protocol):
    """A ``MediaPort`` that finds the legs of an earlier process: ``MediaPool`` is it."""

    @override
    async def reserve(
        self, leg: LegId, *, near: LegId | None = None, rtp_port: int = 0
    ) -> Reserved:
        """Open a leg, or return the one that a worker still has; raises CapacityExceeded."""
        ...

    def release_unclaimed(self) -> None:
        """Close the legs that nobody asked for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything call handling stands on."""

    edge: SipEdge
    media: MediaPort
    clock: ClockPort
    settings: CallSettings
    inbox: Inbox
    store: CheckpointLog
    voice: VoiceSettings
    token: Callable[[], str]
    """Unique random words, at least 64 bits each."""
    key: Callable[[], bytes]
    """30 unguessable bytes per call: SRTP keys."""
