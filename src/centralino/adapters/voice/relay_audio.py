# SPDX-License-Identifier: Apache-2.0
"""The audio of one anchored relay call: two media legs that are each other's room.

Each side keeps its own port, keys and codec for the whole call; what one side changes later
is answered here and never reaches the other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from centralino.adapters.voice.media_legs import leg_media
from centralino.adapters.voice.profiles import audio_profile
from centralino.adapters.voice.relay_checkpoint import RelayAudioCheckpoint
from centralino.core.kernel.errors import CapacityExceeded, RemoteTimeout
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import Configure, RoomMember, SetRoom
from centralino.wire.sdp.audio import AudioNegotiator
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sdp.stream import LocalEndpoint

if TYPE_CHECKING:
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.edge import RestorableMedia
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.exchange.media import Reserved
    from centralino.wire.sdp.stream import AudioSession


class RelayAudio:
    """Two media legs; made by ``open``, gone with ``close``."""

    def __init__(self, calls: Calls, name: str) -> None:
        self._calls = calls
        self._room = BridgeId(f"relay-{name}")
        self._names = (LegId(f"relay-{name}-a"), LegId(f"relay-{name}-b"))
        self._open: list[LegId] = []
        self._caller: AudioNegotiator | None = None
        self._callee: AudioNegotiator | None = None

    async def open(self, from_trunk: TrunkSettings, to_trunk: TrunkSettings) -> None:
        """Open both media legs on one worker.

        Raises:
            CapacityExceeded: the workers are late or out of ports; nothing stays open.
            RemoteTimeout: no worker answered in time.
        """
        media = self._calls.media
        first, second = self._names
        try:
            async with asyncio.timeout(self._calls.around.voice.media_setup_s):
                a = await media.reserve(first)
                self._open.append(first)
                b = await media.reserve(second, near=first)
                self._open.append(second)
        except TimeoutError:
            self.close()
            raise RemoteTimeout("media", "reserve") from None
        self._caller = self._negotiator(from_trunk, a)
        self._callee = self._negotiator(to_trunk, b)

    def _negotiator(self, trunk: TrunkSettings, reserved: Reserved) -> AudioNegotiator:
        around = self._calls.around
        local = LocalEndpoint(around.voice.media_address, reserved.rtp_port, reserved.rtcp_port)
        number = int.from_bytes(around.token().encode()[:7], "big")
        return AudioNegotiator(audio_profile(trunk), local, session_id=number, key=around.key)

    def offer(self) -> bytes:
        """Return the offer to the side that we call."""
        if self._callee is None:
            raise NegotiationError("no-audio")
        return self._callee.offer()

    def connect(self, offer: bytes | None, answer: bytes | None) -> bytes:
        """Take the called side's answer and return ours to the caller's offer.

        Without an offer of the caller the result is our own offer to it. May be repeated: the
        200 after a 183.

        Raises:
            NegotiationError: one of the sides cannot be agreed with.
        """
        if self._caller is None or self._callee is None or answer is None:
            raise NegotiationError("no-audio")
        self._configure(1, self._callee.apply_answer(answer))
        if offer is None:
            return self._caller.offer()
        ours = self._caller.local_sdp
        if ours is None:
            ours, agreed = self._caller.answer(offer)
            self._configure(0, agreed)
            self._join()
        return ours

    def accept(self, answer: bytes | None) -> None:
        """Take the caller's answer to our offer, which came with its ACK."""
        if self._caller is None or answer is None:
            raise NegotiationError("no-audio")
        self._configure(0, self._caller.apply_answer(answer))
        self._join()

    def reanswer(self, offer: bytes | None, *, is_caller: bool) -> bytes | None:
        """Answer a re-INVITE of one side; None when it cannot be agreed to."""
        negotiator = self._caller if is_caller else self._callee
        if negotiator is None:
            return None
        if offer is None:
            return negotiator.offer()
        try:
            answer, agreed = negotiator.answer(offer)
        except NegotiationError:
            return None
        self._configure(0 if is_caller else 1, agreed)
        return answer

    def reaccept(self, answer: bytes, *, is_caller: bool) -> None:
        """Take one side's answer to an offer in our 2xx; what cannot be used changes nothing."""
        negotiator = self._caller if is_caller else self._callee
        if negotiator is not None:
            with suppress(NegotiationError):
                self._configure(0 if is_caller else 1, negotiator.apply_answer(answer))

    def checkpoint(self) -> RelayAudioCheckpoint | None:
        """Return what must survive; None before both sides are agreed."""
        if self._caller is None or self._callee is None:
            return None
        return RelayAudioCheckpoint(self._caller.checkpoint(), self._callee.checkpoint())

    async def reopen(self, former: RelayAudioCheckpoint, media: RestorableMedia) -> None:
        """Claim both media legs again after a restart, under their old ports.

        Raises:
            CapacityExceeded: a port cannot be had.
        """
        key = self._calls.around.key
        for side, checkpoint in enumerate((former.caller, former.callee)):
            name, port = self._names[side], checkpoint.local.rtp_port
            reserved = await media.reserve(name, rtp_port=port)
            self._open.append(name)
            if reserved.rtp_port != port:
                raise CapacityExceeded("the media port is taken")
            negotiator = AudioNegotiator.restore(checkpoint, key=key)
            if side == 0:
                self._caller = negotiator
            else:
                self._callee = negotiator
            if negotiator.session is not None:
                self._configure(side, negotiator.session)
        self._join()

    def _configure(self, side: int, agreed: AudioSession) -> None:
        name = self._names[side]
        self._calls.tell_media(name, Configure(leg=name, media=leg_media(agreed)))

    def _join(self) -> None:
        first, second = self._names
        members = (
            RoomMember(leg=first, hears=((second, 1.0),)),
            RoomMember(leg=second, hears=((first, 1.0),)),
        )
        self._calls.tell_media(first, SetRoom(room=self._room, members=members))

    def close(self) -> None:
        """Close what is open."""
        for name in self._open:
            self._calls.release_media(name)
        self._open.clear()
