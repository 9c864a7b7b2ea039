# SPDX-License-Identifier: Apache-2.0
"""Whatever the far end sends, a leg counts it and goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.media.graph import MediaGraph
from centralino.adapters.media.leg import Leg
from centralino.adapters.media.mixer import Mixer
from centralino.adapters.media.outgoing import LinePosition, OutgoingLine
from centralino.adapters.media.recording import Track
from centralino.adapters.media.report import leg_statistics
from centralino.adapters.media.sockets import PortRange
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import LegMedia, RoomMember, SrtpKeys
from centralino.wire.rtp.srtp import SUITE_80

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.property

TICK = 20_000_000
CODECS = {"PCMU": 0, "PCMA": 8, "G722": 9}
ports = PortRange(30_000, 31_999, 1 << 16)


class Listener:
    """Takes what a leg tells."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def key_began(self, leg: Leg) -> None:
        """Nothing is playing."""

    def key_pressed(self, leg: Leg, digit: str, duration_ms: int) -> None:
        """Keep the key."""
        self.keys.append(digit)

    def first_packet(self, leg: Leg) -> None:
        """Nobody waits for it."""


def make_leg(name: str, codec: str, listener: Listener, srtp: SrtpKeys | None) -> Leg:
    def make_line(on_reserve: Callable[[], None]) -> OutgoingLine:
        return OutgoingLine(LinePosition(9, 100, 0, 0), on_reserve=on_reserve)

    leg = Leg(LegId(name), ports.open("127.0.0.1"), make_line, listener, lambda leg: None)
    media = LegMedia(
        remote_address="127.0.0.1",
        remote_rtp_port=9,
        remote_rtcp_port=9,
        rtcp_mux=True,
        codec=codec,
        payload_type=CODECS[codec],
        event_payload_type=101,
        comfort_noise_payload_type=13,
        srtp=srtp,
    )
    leg.configure(media, 0)
    return leg


@contextmanager
def three_legs(codecs: tuple[str, str, str], srtp: SrtpKeys | None) -> Iterator[list[Leg]]:
    """Give a talker, one who hears him by a route, one who hears him through the mixer."""
    listener = Listener()
    legs = [make_leg(str(number), codec, listener, srtp) for number, codec in enumerate(codecs)]
    try:
        yield legs
    finally:
        for leg in legs:
            leg.close()


packets = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda first, second, rest: bytes([first, second]) + rest,
        st.sampled_from([0x80, 0x90, 0xA0, 0x8F, 0xBF]),
        st.sampled_from([0, 8, 9, 13, 101, 0xE5, 200, 201, 202, 203, 204]),
        st.binary(min_size=10, max_size=400),
    ),
)


@given(
    data=st.lists(packets, max_size=30),
    codecs=st.tuples(*[st.sampled_from(sorted(CODECS))] * 3),
    is_protected=st.booleans(),
)
def test_no_packet_harms_a_leg(
    data: list[bytes], codecs: tuple[str, str, str], is_protected: bool
) -> None:
    srtp = SrtpKeys(SUITE_80, bytes(30), bytes(range(30))) if is_protected else None
    with three_legs(codecs, srtp) as legs:
        talker, first, second = legs
        talker.tap = Track(0)
        mixer = Mixer()
        graph = MediaGraph({leg.id: leg for leg in legs}, mixer)
        members = (
            RoomMember(talker.id, ()),
            RoomMember(first.id, ((talker.id, 1.0),)),
            RoomMember(second.id, ((talker.id, 0.5), (first.id, 1.0))),
        )
        graph.set_room(BridgeId("r"), members)
        graph.refresh()
        for number, packet in enumerate(data):
            talker.take_packet(packet, number * TICK)
            talker.keys.tick(number * TICK)
            mixer.run(number, number * TICK)
        talker.reporter.send_if_due(10**12)
        talker.reporter.say_goodbye(10**12)
        figures = leg_statistics(talker, talker.reporter.round_trip_ms)
        assert figures.received_packets + figures.refused_packets <= len(data)
        assert 1.0 <= figures.mos <= 4.5
