# SPDX-License-Identifier: Apache-2.0
"""The health of a leg, looked at once a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from centralino.adapters.media.codec import CODECS, FrameEncoder, silence_frame
from centralino.adapters.media.outgoing import LinePosition, OutgoingLine
from centralino.adapters.media.settings import WorkerSettings
from centralino.adapters.media.watch import HealthWatch
from centralino.exchange.media import LegMedia
from centralino.wire.rtp.statistics import ReceiverStatistics
from centralino.wire.rtp.tone import sine

pytestmark = pytest.mark.unit

S = 1_000_000_000
SETTINGS = WorkerSettings(
    socket_path="",
    checkpoint_path="",
    one_way_after_s=3,
    silent_after_s=4,
    rtp_timeout_s=5,
)


def media(codec: str = "PCMU", *, receives: bool = True) -> LegMedia:
    return LegMedia(
        remote_address="127.0.0.1",
        remote_rtp_port=4000,
        remote_rtcp_port=4001,
        rtcp_mux=False,
        codec=codec,
        payload_type=0,
        receives=receives,
    )


def line() -> OutgoingLine:
    return OutgoingLine(LinePosition(1, 0, 0, 0), on_reserve=lambda: None)


@dataclass
class Looked:
    """A leg as far as its health is concerned."""

    codec: str = "PCMU"
    media: LegMedia | None = field(default_factory=media)
    heard: ReceiverStatistics = field(default_factory=ReceiverStatistics)
    line: OutgoingLine = field(default_factory=line)
    last_payload: bytes = b""


def run(leg: Looked, script: str, watch: HealthWatch | None = None, begin: int = 0) -> list[str]:
    """Look once per letter: ``s`` sound, ``q`` silence, ``-`` nothing came; we send always."""
    watch = watch or HealthWatch(SETTINGS, begin * S)
    rate = 16 if leg.codec == "G722" else 8
    sound = FrameEncoder(leg.codec).encode(sine(440, 20, sample_rate=rate * 1000))
    changes = []
    for second, letter in enumerate(script, start=begin + 1):
        leg.line.frame_header(0, second, second * S)
        if letter != "-":
            leg.last_payload = sound if letter == "s" else silence_frame(leg.codec)
            leg.heard.receive(second, second * 160, 1, second * S)
        changes += [f"{second}:{change}" for change in watch.check(leg, second * S)]
    return changes


def test_talk_is_no_news() -> None:
    assert run(Looked(), "sssqqssqqqss") == []


@pytest.mark.parametrize("codec", CODECS)
def test_silence_for_long_is_told_once_and_so_is_its_end(codec: str) -> None:
    leg = Looked(codec=codec, media=media(codec))
    assert run(leg, "ssqqqqqqss") == ["6:silent", "9:resumed"]


def test_nothing_ever_came() -> None:
    assert run(Looked(), "------ss") == ["3:one-way", "7:resumed"]


def test_stream_that_stops_times_out_and_may_come_back() -> None:
    assert run(Looked(), "ss-------ss") == ["7:timeout", "10:resumed"]


def test_hold_is_no_trouble() -> None:
    leg = Looked()
    watch = HealthWatch(SETTINGS, 0)
    assert run(leg, "sss", watch) == []
    leg.media = media(receives=False)
    assert run(leg, "-" * 20, watch, begin=3) == []
    leg.media = media()
    assert run(leg, "---s", watch, begin=23) == []
