# SPDX-License-Identifier: Apache-2.0
"""What is written is read back, and nothing that comes in raises anything unforeseen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.wire.errors import RemoteProtocolError
from centralino.wire.rtp import g711
from centralino.wire.rtp.packet import (
    RtpPacket,
    build_header,
    extend_sequence,
    parse_header,
    sequence_delta,
)
from centralino.wire.rtp.resample import Downsampler, Upsampler
from centralino.wire.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    build_compound,
    parse_compound,
)
from centralino.wire.rtp.srtp import SrtpReceiver, SrtpSender
from centralino.wire.rtp.srtp_index import SUITE_32, SUITE_80, SrtpRefused, next_index

pytestmark = pytest.mark.property

words = st.integers(0, 0xFFFFFFFF)
halves = st.integers(0, 0xFFFF)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=halves,
    timestamp=words,
    ssrc=words,
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    contributors=st.lists(words, max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(
        halves, st.integers(0, 8).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
    ),
    padding_bytes=st.integers(0, 255),
)
blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    cumulative_lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=words,
    jitter=words,
    last_report=words,
    delay_since_last_report=words,
)
block_lists = st.lists(blocks, max_size=4).map(tuple)
texts = st.text(max_size=40).filter(lambda text: "\0" not in text)
reports = st.one_of(
    st.builds(
        SenderReport, words, st.integers(0, 2**64 - 1), words, words, words, blocks=block_lists
    ),
    st.builds(ReceiverReport, words, block_lists),
    st.builds(SourceDescription, words, texts),
    st.builds(Goodbye, st.lists(words, max_size=4).map(tuple), texts),
)
keys = st.binary(min_size=30, max_size=30)


@given(packets)
def test_packet_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.to_bytes()) == packet


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda data: b"\x80" + data))
def test_any_bytes_are_a_packet_or_none(data: bytes) -> None:
    fields = parse_header(data)
    if fields is None:
        return
    assert 12 <= fields[5] <= fields[6] <= len(data)
    assert RtpPacket.parse(data).to_bytes()[:12] == data[:12]


@given(st.lists(reports, min_size=1, max_size=6).map(tuple))
def test_rtcp_round_trip(compound: tuple[SenderReport, ...]) -> None:
    assert parse_compound(build_compound(compound)) == compound


@given(st.binary(max_size=120), st.lists(reports, max_size=2), st.integers(0, 60))
def test_any_bytes_are_rtcp_or_refused(noise: bytes, good: list[SenderReport], cut: int) -> None:
    data = build_compound(good)[: -cut or None] + noise
    code = ""
    try:
        parse_compound(data)
    except RemoteProtocolError as error:
        code = error.code
    assert code in {"", "not-rtcp", "rtcp-length", "rtcp-truncated"}


@given(halves, st.integers(0x10000, 2**40))
def test_extended_sequence_is_the_nearest(sequence: int, reference: int) -> None:
    index = extend_sequence(sequence, reference)
    assert index & 0xFFFF == sequence
    assert abs(index - reference) <= 0x8000
    assert sequence_delta(sequence, reference & 0xFFFF) == index - reference


@given(st.lists(st.integers(-32_768, 32_767), max_size=64))
def test_companding_error_is_bounded(values: list[int]) -> None:
    samples = np.array(values, dtype=np.int16)
    for encode, decode in (
        (g711.ulaw_encode, g711.ulaw_decode),
        (g711.alaw_encode, g711.alaw_decode),
    ):
        heard = decode(encode(samples)).astype(np.int32)
        allowed = np.maximum(np.abs(samples.astype(np.int32)) // 16, 16)
        assert np.all(np.abs(heard - samples) <= allowed)
        again = decode(encode(heard.astype(np.int16)))
        assert np.array_equal(again, heard)


@given(st.lists(st.integers(0, 40), max_size=8), st.data())
def test_frame_sizes_do_not_change_the_sound(sizes: list[int], data: st.DataObject) -> None:
    count = sum(sizes)
    values = data.draw(st.lists(st.integers(-20_000, 20_000), min_size=count, max_size=count))
    samples = np.array(values, dtype=np.int16)
    for kind in (Upsampler, Downsampler):
        resampler, parts, start = kind(), [np.zeros(0, dtype=np.int16)], 0
        for size in sizes:
            parts.append(resampler.process(samples[start : start + size]))
            start += size
        assert (
            np.max(
                np.abs(np.concatenate(parts).astype(np.int32) - kind().process(samples)), initial=0
            )
            <= 1
        )


@given(st.sampled_from([SUITE_80, SUITE_32]), keys, packets, st.integers(0, 4))
def test_protected_packets_open_and_only_once(
    suite: str, key: bytes, packet: RtpPacket, mki_bytes: int
) -> None:
    tag_bytes = 10 if suite == SUITE_80 else 4
    plain = packet.to_bytes()
    protected = SrtpSender(suite, key).protect(plain)
    wire = protected[:-tag_bytes] + bytes(mki_bytes) + protected[-tag_bytes:]
    receiver = SrtpReceiver(suite, key, mki_bytes=mki_bytes)
    assert receiver.unprotect(wire) == plain
    with pytest.raises(SrtpRefused):
        receiver.unprotect(wire)


@given(keys, st.binary(max_size=120))
def test_noise_is_refused(key: bytes, noise: bytes) -> None:
    receiver = SrtpReceiver(SUITE_80, key)
    for data in (noise, b"\x80\x00" + noise, b"\x80\xc8" + noise):
        with pytest.raises(SrtpRefused):
            receiver.unprotect(data)
        with pytest.raises(SrtpRefused):
            receiver.unprotect_rtcp(data)


@given(keys, st.integers(0, 40), halves, st.lists(st.integers(1, 0x7000), max_size=12))
def test_resumed_pair_walks_on_together(
    key: bytes, roc: int, sequence: int, steps: list[int]
) -> None:
    """However far each step jumps, both sides keep one count, and a third one agrees."""
    sender, receiver = SrtpSender(SUITE_80, key), SrtpReceiver(SUITE_80, key)
    sender.resume(9, sequence, roc)
    receiver.resume(9, sequence, roc)
    index = (roc << 16) | sequence
    if index <= 0x8000:
        steps = steps[:1]
    for step in steps:
        before, index = index, index + step
        plain = build_header(0, index, index, 9) + b"sound"
        protected = sender.protect(plain)
        assert receiver.unprotect(protected) == plain
        assert sender.index(9) == receiver.index(9) == index == next_index(before, index & 0xFFFF)
        other = SrtpSender(SUITE_80, key)
        other.resume(9, before & 0xFFFF, before >> 16)
        assert other.protect(plain) == protected
