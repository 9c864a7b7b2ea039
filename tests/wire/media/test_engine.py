# SPDX-License-Identifier: Apache-2.0
"""The engine by itself, with real sockets and hand-made time: what is refused and why."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.media.checkpoint import Checkpoint
from centralino.adapters.media.engine import MediaEngine
from centralino.adapters.media.outgoing import RESERVE_STEP
from centralino.adapters.media.prompts import PromptLibrary
from centralino.adapters.media.recording_writer import RecordingWriter
from centralino.adapters.media.recordings import RecordingDesk
from centralino.adapters.media.rounds import Rounds
from centralino.adapters.media.settings import WorkerSettings
from centralino.adapters.media.spare import SparePorts
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange import media as m
from centralino.wire.rtp.packet import RtpPacket
from centralino.wire.rtp.rtcp import ReceiverReport, SourceDescription, build_compound
from centralino.wire.rtp.srtp import SUITE_80, SrtpReceiver, SrtpSender

if TYPE_CHECKING:
    from centralino.adapters.media.leg import Leg

pytestmark = pytest.mark.wire

A, B = LegId("a"), LegId("b")
TICK = 20_000_000


class HandTurnedLoop:
    """A loop whose time and lateness the test sets."""

    def __init__(self) -> None:
        self.time = 0
        self.is_late = False
        self.watched: set[LegId] = set()
        self.events: list[m.Event] = []

    def watch(self, leg: Leg) -> None:
        self.watched.add(leg.id)

    def unwatch(self, leg: Leg) -> None:
        self.watched.discard(leg.id)

    def now(self) -> int:
        return self.time

    def emit(self, event: m.Event, *, can_wait: bool = False) -> None:
        self.events.append(event)


class Bench:
    """An engine and its loop."""

    def __init__(self, folder: Path) -> None:
        settings = WorkerSettings(
            socket_path="",
            checkpoint_path=str(folder / "ckpt"),
            first_port=28_000,
            last_port=28_999,
            max_legs=3,
        )
        self.loop = HandTurnedLoop()
        self.writer = RecordingWriter()
        self.library = PromptLibrary((str(folder),))
        self.checkpoint = Checkpoint(settings.checkpoint_path, 3)
        recordings = RecordingDesk(self.writer, self.loop.emit, self.loop.now)
        self.engine = MediaEngine(settings, self.checkpoint, self.library, recordings, self.loop)
        self.rounds = Rounds(settings, self.engine, self.loop.emit)

    def do(self, command: m.Command) -> m.Event:
        return self.engine.carry_out(command, self.loop.time)  # type: ignore[arg-type]  # any of the vocabulary

    def refused(self, command: m.Command) -> str:
        reply = self.do(command)
        return reply.code if isinstance(reply, m.Refused) else "accepted"

    def turn(self, ticks: int) -> None:
        for _ in range(ticks):
            self.loop.time += TICK
            self.rounds.run(self.loop.time // TICK, self.loop.time)

    def close(self) -> None:
        self.engine.close()
        self.writer.close()
        self.library.close()
        self.checkpoint.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.close()


def reserve(leg: LegId, port: int = 0, request: int = 1) -> m.Reserve:
    return m.Reserve(leg=leg, address="127.0.0.1", rtp_port=port, request=request)


def configure(leg: LegId, **changes: object) -> m.Configure:
    agreed: dict[str, object] = {
        "remote_address": "127.0.0.1",
        "remote_rtp_port": 9,
        "remote_rtcp_port": 9,
        "rtcp_mux": True,
        "codec": "PCMU",
        "payload_type": 0,
    }
    media = m.LegMedia(**(agreed | changes))  # type: ignore[arg-type]  # built from names
    return m.Configure(leg=leg, media=media, request=1)


def test_leg_is_reserved_once(bench: Bench) -> None:
    first = bench.do(reserve(A))
    assert isinstance(first, m.Reserved)
    assert first.rtp_port % 2 == 0
    assert first.rtcp_port == first.rtp_port + 1
    assert bench.do(reserve(A)) == first
    assert bench.refused(reserve(A, first.rtp_port + 2)) == "no-port"
    assert bench.refused(reserve(B, first.rtp_port)) == "no-port"
    assert bench.loop.watched == {A}


def test_ports_are_opened_in_advance_and_told(bench: Bench) -> None:
    first = bench.do(reserve(A))
    assert isinstance(first, m.Reserved)
    bench.turn(2)
    (told,) = bench.loop.events
    assert isinstance(told, SparePorts)
    assert len(told.rtp_ports) == 2
    assert first.rtp_port not in told.rtp_ports
    assert bench.engine.greet() == [told]
    port = told.rtp_ports[1]
    bench.loop.is_late = True
    second = bench.do(reserve(B, port))
    assert isinstance(second, m.Reserved)
    assert second.rtp_port == port
    bench.turn(2)
    assert [one.rtp_ports for one in bench.engine.greet()] == [told.rtp_ports[:1]]


def test_stock_is_given_up_and_a_port_that_was_named_too_late_is_opened(bench: Bench) -> None:
    bench.do(reserve(A))
    bench.turn(1)
    (told,) = bench.engine.greet()
    bench.do(m.Release(leg=A))
    bench.engine.give_up_stock()
    assert bench.loop.events[-1] == SparePorts(address="127.0.0.1", rtp_ports=())
    assert bench.engine.greet() == []
    late = bench.do(reserve(B, told.rtp_ports[0]))
    assert isinstance(late, m.Reserved)
    assert late.rtp_port == told.rtp_ports[0]


def test_stock_is_neither_more_than_the_worker_takes_nor_kept_from_who_asks(bench: Bench) -> None:
    bench.do(reserve(A))
    bench.turn(1)
    ports = {port for one in bench.engine.greet() for port in one.rtp_ports}
    for name in ("b", "c"):
        reply = bench.do(reserve(LegId(name)))
        assert isinstance(reply, m.Reserved)
        assert reply.rtp_port in ports
    assert bench.engine.greet() == []
    assert bench.refused(reserve(LegId("d"))) == "overloaded"


def test_late_or_full_worker_takes_no_new_leg_but_an_old_one(bench: Bench) -> None:
    bench.loop.is_late = True
    assert bench.refused(reserve(A)) == "overloaded"
    assert bench.refused(reserve(A, 28_500)) == "accepted"
    bench.loop.is_late = False
    for name in ("b", "c"):
        assert bench.refused(reserve(LegId(name))) == "accepted"
    assert bench.refused(reserve(LegId("d"))) == "overloaded"


@pytest.mark.parametrize(
    "changes",
    [
        {"codec": "SILK"},
        {"remote_address": "media.example"},
        {"remote_rtp_port": 0},
        {"remote_rtcp_port": 65_536},
        {"payload_type": 128},
        {"event_payload_type": -1},
        {"srtp": m.SrtpKeys("AES_CM_128_HMAC_SHA1_80", b"short", bytes(30))},
        {"srtp": m.SrtpKeys("NULL", bytes(30), bytes(30))},
    ],
)
def test_media_that_cannot_be_is_refused(bench: Bench, changes: dict[str, object]) -> None:
    bench.do(reserve(A))
    assert bench.refused(configure(A, **changes)) == "bad-media"


def test_commands_about_nothing_are_refused(bench: Bench) -> None:
    recording = RecordingId("x")
    room = m.SetRoom(room=BridgeId("r"), members=(m.RoomMember(A, ()),), request=1)
    for command in (
        configure(A),
        room,
        m.StopMedia(leg=A, request=1),
        m.RingbackTone(leg=A, request=1),
        m.SendDigits(leg=A, digits="1", request=1),
        m.ReadStatistics(leg=A, request=1),
        m.Release(leg=A, request=1),
    ):
        assert bench.refused(command) == "unknown-leg"
    for kind in (m.PauseRecording, m.ResumeRecording, m.StopRecording):
        assert bench.refused(kind(recording=recording, request=1)) == "unknown-recording"


def test_keys_need_an_agreement_and_must_be_keys(bench: Bench) -> None:
    bench.do(reserve(A))
    keys = m.SendDigits(leg=A, digits="12x", request=1)
    assert bench.refused(keys) == "not-configured"
    bench.do(configure(A))
    assert bench.refused(keys) == "no-telephone-event"
    bench.do(configure(A, event_payload_type=101))
    assert bench.refused(keys) == "bad-digits"


def test_a_configured_leg_always_sends_and_a_held_one_never(bench: Bench) -> None:
    bench.do(reserve(A))
    bench.do(configure(A))
    bench.turn(50)
    line = bench.engine.legs[A].line
    assert line.sent_packets == 50
    bench.do(configure(A, sends=False))
    bench.turn(50)
    assert line.sent_packets == 50


def test_release_gives_last_figures_and_forgets(bench: Bench) -> None:
    bench.do(reserve(A))
    bench.do(configure(A))
    bench.turn(5)
    assert isinstance(bench.do(m.Release(leg=A, request=7)), m.Done)
    final = bench.loop.events[-1]
    assert isinstance(final, m.Statistics)
    assert (final.is_final, final.sent_packets) == (True, 5)
    assert bench.loop.watched == set()
    listed = bench.do(m.ListMedia(request=1))
    assert listed == m.MediaListed(request=1, legs=())


def test_a_packet_for_a_leg_released_in_the_same_turn_harms_nobody(bench: Bench) -> None:
    """The graph is built anew at the end of a turn; packets of the turn find the old one."""
    for leg in (A, B):
        bench.do(reserve(leg))
        bench.do(configure(leg))
    members = (m.RoomMember(A, ((B, 1.0),)), m.RoomMember(B, ((A, 1.0),)))
    bench.do(m.SetRoom(room=BridgeId("one"), members=members, request=1))
    bench.engine.graph.refresh()
    talker = bench.engine.legs[B]
    bench.do(m.Release(leg=A))
    for sequence in range(2 * RESERVE_STEP):
        packet = RtpPacket(0, sequence, 160 * sequence, 7, bytes(160))
        talker.take_packet(packet.to_bytes(), bench.loop.time)
    assert talker.heard.quality().received == 2 * RESERVE_STEP
    assert bench.checkpoint.claim(A) is None


def test_playing_is_replaced_not_mixed(bench: Bench) -> None:
    bench.do(reserve(A))
    bench.do(configure(A))
    tone = ("tone:ringback:us",)
    for name in ("one", "two", "two"):
        play = m.PlayMedia(leg=A, play=name, prompts=tone, loop=True, request=1)
        assert isinstance(bench.do(play), m.Done)
    bench.do(m.StopMedia(leg=A))
    told = [(one.play, one.reason) for one in bench.loop.events if isinstance(one, m.Played)]
    assert told == [("one", "replaced"), ("two", "stopped")]


def test_listener_whose_talker_is_silent_still_gets_silence(bench: Bench) -> None:
    for leg in (A, B):
        bench.do(reserve(leg))
        bench.do(configure(leg))
    members = (m.RoomMember(A, ((B, 1.0),)), m.RoomMember(B, ((A, 1.0),)))
    bench.do(m.SetRoom(room=BridgeId("r"), members=members, request=1))
    bench.turn(200)
    assert bench.engine.legs[A].line.sent_packets > 90


def keys(local: int, remote: int) -> m.SrtpKeys:
    return m.SrtpKeys(SUITE_80, local=bytes([local]) * 30, remote=bytes([remote]) * 30)


def test_after_a_crash_nothing_from_before_it_is_taken_again(tmp_path: Path) -> None:
    far = SrtpSender(SUITE_80, bytes([2]) * 30)
    audio = far.protect(RtpPacket(0, 1, 160, 7, bytes(160)).to_bytes())
    report = far.protect_rtcp(build_compound((ReceiverReport(7, ()), SourceDescription(7, "x"))))
    for is_successor in (False, True):
        bench = Bench(tmp_path)
        port = bench.do(reserve(A, 28_100))
        bench.do(configure(A, srtp=keys(1, 2)))
        leg = bench.engine.legs[A]
        for packet in (audio, report):
            leg.take_packet(packet, bench.loop.time)
        assert isinstance(port, m.Reserved)
        assert leg.refused_packets == (2 if is_successor else 0)
        bench.engine.store(leg)
        leg.close()
        bench.engine.legs.clear()
        bench.close()


@pytest.mark.parametrize(("local", "rollover"), [(1, 1), (3, 0)])
def test_only_the_direction_whose_key_changes_starts_anew(
    bench: Bench, local: int, rollover: int
) -> None:
    """Else the far end would lose the roll-over count, or a key stream would be used twice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far_end:
        far_end.bind(("127.0.0.1", 0))
        far_end.settimeout(5)
        port = far_end.getsockname()[1]
        bench.do(reserve(A))
        line = bench.engine.legs[A].line
        line.index = 65_530
        bench.do(configure(A, remote_rtp_port=port, srtp=keys(1, 2)))
        bench.turn(10)
        receiver = SrtpReceiver(SUITE_80, bytes([1]) * 30)
        for _ in range(10):
            receiver.unprotect(far_end.recv(2048))
        assert line.rollover == 1
        bench.do(configure(A, remote_rtp_port=port, srtp=keys(local, 9)))
        bench.turn(5)
        if local != 1:
            receiver = SrtpReceiver(SUITE_80, bytes([local]) * 30)
        for _ in range(5):
            receiver.unprotect(far_end.recv(2048))
        assert line.rollover == rollover
