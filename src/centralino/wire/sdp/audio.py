# SPDX-License-Identifier: Apache-2.0
"""Offer and answer for one audio stream: pure decisions, one negotiator per leg.

The discipline that keeps a Direct Routing call alive lives here (RFC 3264 and Microsoft,
"Plan for media bypass", "Direct Routing - Definitions and RFC standards"):

- One address, one port, one session id for the life of the leg; the `o=` version rises
  by one when our text changes and only then, so a refresh is the same text.
- Whether RTCP shares the RTP port is settled by the first answer and never changes.
- Our SRTP key stays; the tag of the chosen crypto line goes back to the peer.
- A later offer of ours keeps the formats that were agreed; a changed stream only changes
  its direction. Hold towards Teams is `inactive`.

A failed negotiation leaves the negotiator as it was. Nothing here knows why a leg is held.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sdp.crypto import (
    DEFAULT_LIFETIME,
    KEY_BYTES,
    SUITES,
    CryptoLine,
)
from centralino.wire.sdp.description import MediaDescription, SessionDescription
from centralino.wire.sdp.errors import NegotiationError, SdpParseError
from centralino.wire.sdp.format import Codec, Direction, FormatList, read_formats
from centralino.wire.sdp.remote import RemoteStream, read_stream
from centralino.wire.sdp.security import crypto_of_answer, crypto_of_offer
from centralino.wire.sdp.stream import AudioProfile, AudioSession, LocalEndpoint, LocalStream

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AudioNegotiator",
    "AudioProfile",
    "AudioSession",
    "Codec",
    "Direction",
    "LocalEndpoint",
    "NegotiationError",
    "NegotiatorCheckpoint",
]


class NegotiatorCheckpoint(msgspec.Struct, frozen=True):
    """All a negotiator needs to go on in another process. Holds SRTP keys: keep it secret."""

    profile: AudioProfile
    local: LocalEndpoint
    session_id: int
    version: int
    wanted: Direction
    sent: bytes
    remote: bytes
    offered: LocalStream | None
    agreed: LocalStream | None
    session: AudioSession | None
    reference: AudioSession | None

    @override
    def __repr__(self) -> str:
        """Name the session only."""
        return f"NegotiatorCheckpoint(session_id={self.session_id}, version={self.version})"


class AudioNegotiator:
    """Makes our offers and answers for one leg and judges the peer's."""

    def __init__(
        self,
        profile: AudioProfile,
        local: LocalEndpoint,
        *,
        session_id: int,
        key: Callable[[], bytes],
    ) -> None:
        """Start without an agreement.

        Args:
            profile: What the trunk wants.
            local: Our media address and ports, constant for the leg.
            session_id: Number for the `o=` line, unique per leg; below 2**63.
            key: Source of 30 unguessable bytes, asked once per SRTP suite used.
        """
        self._profile = profile
        self._local = local
        self._session_id = session_id
        self._key = key
        self._version = 0
        self._wanted = Direction.SENDRECV
        self._sent = b""
        self._remote = b""
        self._offered: LocalStream | None = None
        self._agreed: LocalStream | None = None
        self._session: AudioSession | None = None
        self._reference: AudioSession | None = None

    @property
    def session(self) -> AudioSession | None:
        """The latest agreement, or None."""
        return self._session

    @property
    def local_sdp(self) -> bytes | None:
        """The description we sent last: what a session refresh repeats. None before."""
        return self._sent or None

    def offer(self, direction: Direction = Direction.SENDRECV) -> bytes:
        """Write an offer; after an agreement it keeps formats and keys (re-INVITE).

        A later call replaces an offer that was not answered.
        """
        self._wanted = direction
        base = self._agreed or self._first_stream()
        self._offered = replace(base, direction=self._written(direction))
        self._reference = self._session
        return self._emit(self._offered)

    def apply_answer(self, sdp: bytes) -> AudioSession:
        """Take the peer's answer to our last offer.

        May be called again with another answer to the same offer: the 200 after a 183, or
        another fork. The last one holds.

        Raises:
            NegotiationError: The answer cannot be used; the former agreement stays.
            LocalProtocolError: We made no offer.
        """
        offered = self._offered
        if offered is None:
            raise LocalProtocolError("answer-without-offer")
        description = _parse(sdp)
        media = _answered_media(description, offered.slots.index(None))
        remote = read_stream(description, media)
        formats = read_formats(media)
        known = {codec.name: codec for codec in offered.codecs}
        codec = next((codec for codec in formats.codecs if codec.name in known), None)
        if codec is None:
            raise NegotiationError("no-common-codec")
        if self._reference is not None and remote.rtcp_mux != self._reference.rtcp_mux:
            raise NegotiationError("rtcp-mux-changed")
        crypto = crypto_of_answer(self._profile.srtp, offered.crypto, remote)
        event = formats.event_for(codec) if offered.telephone_event else None
        session = self._session_of(
            remote,
            codec,
            direction=_ours(offered.direction, remote.direction),
            crypto=(offered.crypto if crypto else None, crypto),
            mux=remote.rtcp_mux and offered.rtcp_mux,
        )
        session = replace(
            session,
            telephone_event=event,
            comfort_noise_pt=formats.comfort_noise if offered.comfort_noise_pt else None,
            receive_payload_type=known[codec.name].payload_type,
            receive_telephone_event_pt=offered.telephone_event[0]
            if event and offered.telephone_event
            else None,
        )
        self._agreed = replace(offered, rtcp_mux=session.rtcp_mux)
        self._session, self._remote = session, sdp
        return session

    def answer(
        self, offer: bytes, direction: Direction | None = None
    ) -> tuple[bytes, AudioSession]:
        """Judge the peer's offer and write the answer.

        Args:
            offer: The description the peer sent.
            direction: What we want from now on; None keeps what we wanted before.

        Raises:
            NegotiationError: No agreement; its `status` answers the request.
        """
        description = _parse(offer)
        wanted = self._wanted if direction is None else direction
        stream, session = self._accept(description, self._written(wanted))
        self._wanted = wanted
        self._offered = None
        self._agreed, self._session, self._remote = stream, session, offer
        return self._emit(stream), session

    def is_same_offer(self, offer: bytes) -> bool:
        """Tell whether the peer only repeats its last description (a session refresh)."""
        if not self._remote:
            return False
        try:
            return SessionDescription.parse(offer) == SessionDescription.parse(self._remote)
        except SdpParseError:
            return False

    def checkpoint(self) -> NegotiatorCheckpoint:
        """Return the whole state, keys included."""
        return NegotiatorCheckpoint(
            profile=self._profile,
            local=self._local,
            session_id=self._session_id,
            version=self._version,
            wanted=self._wanted,
            sent=self._sent,
            remote=self._remote,
            offered=self._offered,
            agreed=self._agreed,
            session=self._session,
            reference=self._reference,
        )

    @classmethod
    def restore(
        cls, checkpoint: NegotiatorCheckpoint, *, key: Callable[[], bytes]
    ) -> AudioNegotiator:
        """Go on where `checkpoint` was taken."""
        negotiator = cls(
            checkpoint.profile, checkpoint.local, session_id=checkpoint.session_id, key=key
        )
        negotiator._version = checkpoint.version
        negotiator._wanted = checkpoint.wanted
        negotiator._sent = checkpoint.sent
        negotiator._remote = checkpoint.remote
        negotiator._offered = checkpoint.offered
        negotiator._agreed = checkpoint.agreed
        negotiator._session = checkpoint.session
        negotiator._reference = checkpoint.reference
        return negotiator

    def _written(self, direction: Direction) -> Direction:
        """Return the direction as this trunk understands it."""
        if self._profile.hold_as_inactive and direction is not Direction.SENDRECV:
            return Direction.INACTIVE
        return direction

    def _emit(self, stream: LocalStream) -> bytes:
        """Write our description; a new version only when the text changed."""
        text = stream.render(self._local, self._session_id, self._version)
        if text != self._sent:
            self._version += 1
            text = stream.render(self._local, self._session_id, self._version)
            self._sent = text
        return text

    def _first_stream(self) -> LocalStream:
        profile = self._profile
        previous = self._offered
        crypto: CryptoLine | None = None
        if previous is not None:
            crypto = previous.crypto
        elif profile.srtp != "forbidden":
            crypto = self._crypto(1, SUITES[0])
        return LocalStream(
            codecs=tuple(Codec.own(name) for name in profile.codecs),
            telephone_event=(profile.telephone_event_pt, 8000),
            comfort_noise_pt=13 if profile.comfort_noise else None,
            direction=Direction.SENDRECV,
            protocol="RTP/SAVP" if profile.srtp == "required" else "RTP/AVP",
            crypto=crypto,
            rtcp_mux=profile.rtcp_mux,
            ptime_ms=profile.ptime_ms,
        )

    def _crypto(self, tag: int, suite: str) -> CryptoLine:
        """Return our crypto line; the key stays as long as the suite does."""
        current = self._agreed.crypto if self._agreed else None
        if current is not None and current.suite == suite:
            return replace(current, tag=tag, raw=None)
        key = self._key()
        if len(key) != KEY_BYTES:
            raise LocalProtocolError("bad-srtp-key-length")
        return CryptoLine(tag, suite, key, DEFAULT_LIFETIME)

    def _accept(
        self, description: SessionDescription, written: Direction
    ) -> tuple[LocalStream, AudioSession]:
        """Agree to the first audio line that can be agreed to."""
        refusal: NegotiationError | None = None
        for slot, media in enumerate(description.media):
            if media.kind.lower() != "audio" or media.port == 0:
                continue
            try:
                return self._accept_media(description, slot, written)
            except NegotiationError as error:
                refusal = refusal or error
        raise refusal or NegotiationError("no-audio")

    def _accept_media(
        self, description: SessionDescription, slot: int, written: Direction
    ) -> tuple[LocalStream, AudioSession]:
        media = description.media[slot]
        remote = read_stream(description, media)
        theirs = crypto_of_offer(self._profile.srtp, remote)
        formats = read_formats(media)
        current = self._session.codec.name if self._session else None
        codec = formats.pick(self._profile.codecs, current)
        if codec is None:
            raise NegotiationError("no-common-codec")
        ours = self._crypto(theirs.tag, theirs.suite.upper()) if theirs else None
        mux = self._agreed_mux(remote)
        direction = _ours(written, remote.direction)
        session = self._session_of(
            remote, codec, direction=direction, crypto=(ours, theirs), mux=mux
        )
        session = self._with_extras(session, formats)
        stream = LocalStream(
            codecs=(codec,),
            telephone_event=session.telephone_event,
            comfort_noise_pt=session.comfort_noise_pt,
            direction=direction,
            protocol=media.profile,
            crypto=ours,
            rtcp_mux=mux,
            ptime_ms=self._profile.ptime_ms,
            slots=tuple(
                None if index == slot else replace(other, port=0, port_count=None).line()
                for index, other in enumerate(description.media)
            ),
        )
        return stream, session

    def _agreed_mux(self, remote: RemoteStream) -> bool:
        if self._session is None:
            return remote.rtcp_mux and self._profile.rtcp_mux
        if self._session.rtcp_mux and not remote.rtcp_mux:
            raise NegotiationError("rtcp-mux-changed")
        return self._session.rtcp_mux

    def _with_extras(self, session: AudioSession, formats: FormatList) -> AudioSession:
        event = formats.event_for(session.codec)
        return replace(
            session,
            telephone_event=event,
            receive_telephone_event_pt=event[0] if event else None,
            comfort_noise_pt=formats.comfort_noise if self._profile.comfort_noise else None,
        )

    def _session_of(
        self,
        remote: RemoteStream,
        codec: Codec,
        *,
        direction: Direction,
        crypto: tuple[CryptoLine | None, CryptoLine | None],
        mux: bool,
    ) -> AudioSession:
        """Put an agreement together; while the peer gives no address the old one stays."""
        former = self._session.remote_address if self._session else ""
        return AudioSession(
            codec=codec,
            telephone_event=None,
            remote_address=remote.address or former,
            remote_rtp_port=remote.rtp_port,
            remote_rtcp_port=remote.rtp_port if mux else remote.rtcp_port,
            rtcp_mux=mux,
            direction=direction,
            local_crypto=crypto[0],
            remote_crypto=crypto[1],
            ptime_ms=remote.ptime_ms or self._profile.ptime_ms,
            receive_payload_type=codec.payload_type,
        )


def _ours(local: Direction, remote: Direction) -> Direction:
    return Direction.of(
        sends=local.sends and remote.receives, receives=local.receives and remote.sends
    )


def _parse(sdp: bytes) -> SessionDescription:
    try:
        return SessionDescription.parse(sdp)
    except SdpParseError as error:
        raise NegotiationError("bad-sdp", status=400) from error


def _answered_media(description: SessionDescription, slot: int) -> MediaDescription:
    if slot < len(description.media):
        media = description.media[slot]
        if media.kind.lower() == "audio" and media.port:
            return media
    raise NegotiationError("no-audio")
