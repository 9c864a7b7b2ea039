# SPDX-License-Identifier: Apache-2.0
"""One leg: its sockets, what it hears from its far end, what it sends to it.

The receive path is the worker's hot path: every packet of every call passes
``take_packet``, so it does only what each packet needs and leaves the rest to the tick.
Everything that a leg sends goes through its one ``OutgoingLine``; who may use it is
decided by the graph (``graph``): keys that we send come first, then what is played, then
the room, then silence.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import eq
from struct import Struct
from typing import TYPE_CHECKING, Protocol

from centralino.adapters.media.agreement import parse_address
from centralino.adapters.media.checkpoint import NO_KEYS, LegCounters
from centralino.adapters.media.codec import silence_frame
from centralino.adapters.media.opus_edge import CLOCK_RATE, INNER_CODEC, OPUS, OpusEdge
from centralino.adapters.media.protection import Protection
from centralino.adapters.media.report import Reporter
from centralino.adapters.media.settings import TICK_NS
from centralino.wire.errors import ProtocolError
from centralino.wire.rtp.packet import parse_header
from centralino.wire.rtp.statistics import ReceiverStatistics
from centralino.wire.rtp.telephone_event import EventDetector

if TYPE_CHECKING:
    import socket

    from centralino.adapters.media.keypad import KeySender
    from centralino.adapters.media.outgoing import OutgoingLine
    from centralino.adapters.media.player import Playing
    from centralino.adapters.media.recording import Track
    from centralino.adapters.media.route import EventRoute, Route
    from centralino.adapters.media.sockets import SocketPair
    from centralino.core.kernel.ids import LegId
    from centralino.exchange.media import LegMedia

_HEADER = Struct(">BBHII")
_PLAIN = 0x80
_MARKER = 0x80
_FIRST_RTCP, _LAST_RTCP = 192, 223
_RECEIVE_BYTES = 2048
_HUSH_NS = 3 * TICK_NS


class MixInput(Protocol):
    """Where a mixer takes a talker's packets from."""

    def put(self, ssrc: int, sequence: int, timestamp: int, payload: bytes, now: int) -> None:
        """Take one packet; empty for what makes no sound."""
        ...


class LegListener(Protocol):
    """Who is told what happens on a leg."""

    def key_began(self, leg: Leg) -> None:
        """A key is being pressed (told with each packet of it)."""
        ...

    def key_pressed(self, leg: Leg, digit: str, duration_ms: int) -> None:
        """A key was pressed; once per key."""
        ...

    def first_packet(self, leg: Leg) -> None:
        """The far end has begun to send."""
        ...


class Leg:
    """One leg of a worker."""

    def __init__(
        self,
        leg: LegId,
        pair: SocketPair,
        make_line: Callable[[Callable[[], None]], OutgoingLine],
        listener: LegListener,
        store: Callable[[Leg], None],
    ) -> None:
        self.id = leg
        self.pair = pair
        self.line = make_line(lambda: store(self))
        self.media: LegMedia | None = None
        self.payload_type = self.event_payload_type = self.comfort_payload_type = -1
        self.codec = ""
        """What it is inside the worker."""
        self.edge: OpusEdge | None = None
        """Translates to what the far end speaks, if that is another codec."""
        self.protection: Protection | None = None
        self.resumed: LegCounters | None = None
        """What a crashed worker left, until the keys are known."""

        self.heard = ReceiverStatistics()
        self.keys = EventDetector()
        self.stranger_packets = self.refused_packets = self.unsent_packets = 0
        self.routes: tuple[Route, ...] = ()
        """Who hears this leg without mixing."""
        self.event_routes: tuple[EventRoute, ...] = ()
        """Who hears this leg through a mixer and gets its keys."""
        self.mix_input: MixInput | None = None
        self.tap: Track | None = None
        self.last_payload = b""
        """The latest audio payload, for the silence watch."""

        self.playing: Playing | None = None
        self.sending_keys: KeySender | None = None
        self.is_heard = False
        """Whether anything has come from the far end."""
        self.is_fed = False
        """Whether the room makes its audio (by route or mixer)."""
        self.is_relayed = False
        """Whether it is fed by a route, and so as long as the talker sends."""
        self._is_starved = False
        self._sent_before = 0
        self.hushed_until = 0
        self.reporter = Reporter(self)
        self._socket: socket.socket = pair.rtp
        self._is_loopback = parse_address(pair.address).is_loopback
        self._remote: tuple[str, int] | None = None
        self._listener = listener
        self._silence = b""

    # ------------------------------------------------------------------ set up
    def configure(self, media: LegMedia, now: int) -> None:
        """Take what was agreed; counters and SSRC are kept, new keys start new contexts."""
        before = self.media
        self.media = media
        is_opus = media.codec == OPUS
        self.codec = INNER_CODEC if is_opus else media.codec
        self.heard.set_clock_rate(CLOCK_RATE if is_opus else 8000)
        if is_opus and self.edge is not None:
            self.edge.agree(media)
        else:
            self.edge = OpusEdge(media) if is_opus else None
        self.payload_type = media.payload_type
        self.event_payload_type = _or_none(media.event_payload_type)
        self.comfort_payload_type = _or_none(media.comfort_noise_payload_type)
        self._remote = (str(parse_address(media.remote_address)), media.remote_rtp_port)
        self._silence = silence_frame(self.codec)
        self.reporter.set_remote(media)
        if before is None or media.srtp != before.srtp:
            self._rekey(media, is_first=before is None)
        if before is None and self.resumed is None:
            self._drain()
        self.resumed = None

    def _rekey(self, media: LegMedia, *, is_first: bool) -> None:
        """Start SRTP contexts; after a crash go on with those of the same keys."""
        left, before = self.resumed, self.protection
        self.protection = protection = Protection(media.srtp, before) if media.srtp else None
        same_local = same_remote = False
        if left is not None:
            same_local, same_remote = map(eq, left.keys, self.keys_digest)
            self.is_heard = left.heard_ssrc != 0
            self.reporter.sent_reports = left.rtcp_index + 1
        if protection is None:
            return
        if left is not None and same_local:
            protection.resume_sending(self.line.ssrc, self.line.index, self.reporter.sent_reports)
        elif protection.is_sender_fresh and (left is not None or not is_first):
            self.line.restart_rollover()
        if left is not None and same_remote and left.heard_ssrc:
            heard = left.heard_ssrc, left.heard_index, left.heard_rtcp_index
            protection.resume_receiving(*heard)

    @property
    def keys_digest(self) -> tuple[bytes, bytes]:
        """By which the checkpoint knows whether counters belong to the keys."""
        return self.protection.digest if self.protection else NO_KEYS

    def _drain(self) -> None:
        """Forget what came before we knew from where it may come."""
        try:
            for _ in range(1000):
                self._socket.recv(_RECEIVE_BYTES)
        except OSError:
            return

    @property
    def is_speaking_itself(self) -> bool:
        """Whether the tick makes this leg's frames: keys, playing, or silence for want of both."""
        return self.sends and (
            not self.is_fed
            or self.playing is not None
            or self.sending_keys is not None
            or self._is_starved
        )

    @property
    def sends(self) -> bool:
        """Whether we may send audio at all."""
        return self.media is not None and self.media.sends

    def close(self) -> None:
        """Close the sockets."""
        self.pair.close()

    # ------------------------------------------------------------------ receiving
    def on_rtp(self, mask: int, now: int) -> None:
        """Take one packet from the RTP socket."""
        try:
            data, address = self._socket.recvfrom(_RECEIVE_BYTES)
        except OSError:
            return
        remote = self._remote
        if remote is None:
            return
        if address != remote and address[:2] != remote and not self._is_neighbour(address):
            self.stranger_packets += 1
            return
        self.take_packet(data, now)

    def _is_neighbour(self, address: tuple[str, int]) -> bool:
        """Whether the sender is the far end of a leg that nobody but this machine can reach.

        A softphone here names the address of a network card in its description, and what it
        sends to the loopback comes from the loopback: the port alone says who it is.
        """
        remote = self._remote
        return self._is_loopback and remote is not None and address[1] == remote[1]

    def on_rtcp(self, mask: int, now: int) -> None:
        """Take one packet from the RTCP socket."""
        try:
            data, address = self.pair.rtcp.recvfrom(_RECEIVE_BYTES)
        except OSError:
            return
        if self.media is None:
            return
        if self._remote is None or (address[0] != self._remote[0] and not self._is_loopback):
            self.stranger_packets += 1
            return
        self.reporter.take(data, now)

    def take_packet(self, data: bytes, now: int) -> None:
        """Take one packet that came from the far end; the hot path."""
        if len(data) < _HEADER.size:
            self.refused_packets += 1
            return
        if _FIRST_RTCP <= data[1] <= _LAST_RTCP:
            self.reporter.take(data, now)
            return
        if self.protection is not None:
            try:
                data = self.protection.unprotect(data)
            except ProtocolError:
                self.refused_packets += 1
                return
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        payload = data[12:] if first == _PLAIN else _unusual_payload(data)
        if payload is None:
            self.refused_packets += 1
            return
        payload_type = second & 0x7F
        heard = self.heard
        if ssrc != heard.ssrc:
            self._begin_source()
        is_event = payload_type == self.event_payload_type
        heard.receive(sequence, timestamp, ssrc, now, is_event=is_event)
        heard.received_bytes += len(payload)
        if self.edge is not None:
            self._translate(self.edge, second, sequence, timestamp, payload, now)
        elif payload_type == self.payload_type:
            self._take_audio(second, sequence, timestamp, payload, now)
        else:
            self._take_other(second, sequence, timestamp, payload, now)

    def _translate(
        self, edge: OpusEdge, second: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        payload_type = second & 0x7F
        try:
            timestamp, payload = edge.inward(payload_type, self.heard.ssrc or 0, timestamp, payload)
        except ProtocolError:
            self.refused_packets += 1
            return
        if payload_type == self.payload_type:
            self._take_audio(second, sequence, timestamp, payload, now)
        else:
            self._take_other(second, sequence, timestamp, payload, now)

    def _take_audio(
        self, second: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        marker, ssrc = second & _MARKER, self.heard.ssrc or 0
        for route in self.routes:
            route.forward(marker, sequence, timestamp, payload, now)
        self.last_payload = payload
        if self.mix_input is not None:
            self.mix_input.put(ssrc, sequence, timestamp, payload, now)
        if self.tap is not None:
            self.tap.put(ssrc, timestamp, self.codec, payload, now)

    def _take_other(
        self, second: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        """Take what is no audio: keys, comfort noise; what was not agreed ends here."""
        payload_type = second & 0x7F
        if self.mix_input is not None:
            self.mix_input.put(self.heard.ssrc or 0, sequence, timestamp, b"", now)
        if payload_type == self.event_payload_type:
            self._take_event(second & _MARKER, sequence, timestamp, payload, now)
        elif payload_type == self.comfort_payload_type:
            for route in self.routes:
                route.forward_comfort(sequence, timestamp, payload, now)

    def _begin_source(self) -> None:
        """Another source (SSRC) begins to send from the far end."""
        self.keys.reset()
        for route in self.routes:
            route.begin_spurt()
        if not self.is_heard:
            self.is_heard = True
            self._listener.first_packet(self)

    def _take_event(
        self, marker: int, sequence: int, timestamp: int, payload: bytes, now: int
    ) -> None:
        for route in self.routes:
            route.forward_event(marker, sequence, timestamp, payload, now)
        for event_route in self.event_routes:
            event_route.forward_event(marker, sequence, timestamp, payload, now)
        self._listener.key_began(self)
        for key in self.keys.feed(payload, timestamp, bool(marker), now):
            self._listener.key_pressed(self, key.digit, key.duration_ms)

    # ------------------------------------------------------------------ sending
    def transmit(self, packet: bytes) -> None:
        """Send one RTP packet, translated and encrypted where agreed."""
        if self.edge is not None:
            packet = self.edge.outward(packet)
        self.line.sent_bytes += len(packet) - _HEADER.size
        try:
            if self.protection is not None:
                packet = self.protection.protect(packet)
            self._socket.sendto(packet, self._remote or ("", 0))
        except (OSError, ProtocolError):
            self.unsent_packets += 1

    def hush(self, now: int) -> None:
        """Send no audio of our own for a moment: a key is passed on in its place."""
        self.hushed_until = now + _HUSH_NS

    def send_frame(self, payload: bytes, tick: int, now: int) -> None:
        """Send 20 ms that we made ourselves."""
        if now >= self.hushed_until:
            self.transmit(self.line.frame_header(self.payload_type, tick, now) + payload)

    def send_silence(self, tick: int, now: int) -> None:
        """Send 20 ms of silence, so that the far end sees that we are there."""
        if self._is_starved and self.line.is_relaying:
            self._is_starved = False
        else:
            self.send_frame(self._silence, tick, now)

    def keep_fed(self) -> None:
        """Once a second: send silence when whoever feeds this leg has sent nothing."""
        sent, before = self.line.sent_packets, self._sent_before
        self._sent_before = sent
        if not self.is_relayed:
            self._is_starved = False
        elif sent == before and not self._is_starved:
            self._is_starved = True
            self.line.release_source()

    def counters(self, now: int) -> LegCounters:
        """Return what the checkpoint keeps."""
        ssrc = self.heard.ssrc or 0
        protection = self.protection
        return LegCounters(
            self.pair.rtp_port,
            self.keys_digest,
            self.line.position(now),
            ssrc,
            protection.heard_index(ssrc) if protection else 0,
            self.reporter.sent_reports,
            protection.heard_rtcp_index(ssrc) if protection else 0,
        )


def _unusual_payload(data: bytes) -> bytes | None:
    """Return the payload behind CSRC, extension and padding, ``None`` when it is no RTP."""
    fields = parse_header(data)
    return None if fields is None else data[fields[5] : fields[6]]


def _or_none(payload_type: int | None) -> int:
    return -1 if payload_type is None else payload_type
