# SPDX-License-Identifier: Apache-2.0
"""Keys that we send to a far end: telephone events in place of audio, tick by tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from centralino.wire.rtp.telephone_event import EventSender

if TYPE_CHECKING:
    from centralino.adapters.media.outgoing import OutgoingLine


class KeyTaker(Protocol):
    """What is needed of the leg that keys are sent on."""

    line: OutgoingLine
    event_payload_type: int

    def transmit(self, packet: bytes) -> None:
        """Send one packet."""
        ...

    def send_silence(self, tick: int, now: int) -> None:
        """Send 20 ms of silence."""
        ...


class KeySender:
    """Sends queued keys on one leg; made for the first key, dropped after the last."""

    def __init__(self) -> None:
        self._events = EventSender()

    def add(self, digits: str) -> None:
        """Queue keys behind those that wait.

        Raises:
            LocalProtocolError: a character is no key, or too many wait.
        """
        self._events.queue(digits)

    def send(self, leg: KeyTaker, tick: int, now: int) -> bool:
        """Send what is due in this tick; ``False`` when all keys are sent."""
        if not self._events.is_busy:
            return False
        packet = self._events.next_packet(leg.line.frame_timestamp(tick, now))
        if packet is None:
            leg.send_silence(tick, now)
        else:
            header = leg.line.next_header(
                leg.event_payload_type, packet.timestamp, marker=packet.marker
            )
            leg.transmit(header + packet.payload)
        return True
