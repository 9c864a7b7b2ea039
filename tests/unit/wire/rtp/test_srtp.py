# SPDX-License-Identifier: Apache-2.0
"""SRTP: suites, keys, replay, and a session that comes back at a high roll-over count."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from centralino.wire.errors import LocalProtocolError
from centralino.wire.rtp.packet import build_header
from centralino.wire.rtp.srtp import MAX_STREAMS, STALE_AFTER, SrtpReceiver, SrtpSender
from centralino.wire.rtp.srtp_index import (
    MAX_ROLLOVER,
    MAX_RTCP_INDEX,
    SUITE_32,
    SUITE_80,
    SrtpRefused,
)

pytestmark = pytest.mark.unit

KEY = bytes(range(30))
OTHER_KEY = bytes(range(30, 60))
SSRC = 0xC0FFEE01
REPORT = bytes.fromhex("80c90001c0ffee01")


def packet(index: int, ssrc: int = SSRC) -> bytes:
    return build_header(0, index, index * 160, ssrc) + b"%20d" % index


@pytest.mark.parametrize(("suite", "tag_bytes"), [(SUITE_80, 10), (SUITE_32, 4)])
def test_what_is_protected_opens(suite: str, tag_bytes: int) -> None:
    sender, receiver = SrtpSender(suite, KEY), SrtpReceiver(suite, KEY)
    protected = sender.protect(packet(7))
    assert len(protected) == len(packet(7)) + tag_bytes
    assert protected[12:32] != packet(7)[12:]
    assert receiver.unprotect(protected) == packet(7)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(REPORT)) == REPORT


def test_bytes_match_the_key_stream_of_the_rfc() -> None:
    # RFC 3711 B.3: derived session keys of this master key and salt.
    key = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    sender = SrtpSender(SUITE_80, key)

    cipher_key = bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
    salt = int.from_bytes(bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1"), "big")
    vector = ((salt << 16) ^ (SSRC << 64) ^ (5 << 16)).to_bytes(16, "big")
    encryptor = Cipher(algorithms.AES(cipher_key), modes.CTR(vector)).encryptor()
    assert sender.protect(packet(5))[12:-10] == encryptor.update(packet(5)[12:])


def test_wrong_key_is_refused() -> None:
    protected = SrtpSender(SUITE_80, KEY).protect(packet(1))
    with pytest.raises(SrtpRefused) as caught:
        SrtpReceiver(SUITE_80, OTHER_KEY).unprotect(protected)
    assert caught.value.code == "srtp-authentication"


def test_altered_packet_is_refused() -> None:
    protected = bytearray(SrtpSender(SUITE_80, KEY).protect(packet(1)))
    protected[15] ^= 1
    with pytest.raises(SrtpRefused) as caught:
        SrtpReceiver(SUITE_80, KEY).unprotect(bytes(protected))
    assert caught.value.code == "srtp-authentication"


def test_replay_is_refused() -> None:
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    protected = sender.protect(packet(1))
    receiver.unprotect(protected)
    with pytest.raises(SrtpRefused) as caught:
        receiver.unprotect(protected)
    assert caught.value.code == "srtp-replay"


def test_rtcp_replay_is_refused() -> None:
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    protected = sender.protect_rtcp(REPORT)
    receiver.unprotect_rtcp(protected)
    with pytest.raises(SrtpRefused, match="replay"):
        receiver.unprotect_rtcp(protected)


@pytest.mark.parametrize("size", [0, 5, 12, 21])
def test_short_input_is_refused(size: int) -> None:
    with pytest.raises(SrtpRefused) as caught:
        SrtpReceiver(SUITE_80, KEY).unprotect(bytes(size))
    assert caught.value.code == "srtp-malformed"
    with pytest.raises(SrtpRefused):
        SrtpReceiver(SUITE_80, KEY).unprotect_rtcp(bytes(size))


def test_long_or_broken_input_is_refused_not_raised_raw() -> None:
    receiver = SrtpReceiver(SUITE_80, KEY)
    for data in (bytes(2_000), b"\xff" * 40, b"\x9f" + bytes(30)):
        with pytest.raises(SrtpRefused):
            receiver.unprotect(data)


@pytest.mark.parametrize("suite", [SUITE_80, SUITE_32])
def test_mki_is_cut_out(suite: str) -> None:
    tag_bytes = 10 if suite == SUITE_80 else 4
    sender, receiver = SrtpSender(suite, KEY), SrtpReceiver(suite, KEY, mki_bytes=1)
    media, report = sender.protect(packet(1)), sender.protect_rtcp(REPORT)
    with_mki = media[:-tag_bytes] + b"\x01" + media[-tag_bytes:]
    assert receiver.unprotect(with_mki) == packet(1)
    assert receiver.unprotect_rtcp(report[:-10] + b"\x01" + report[-10:]) == REPORT


def test_sender_refuses_to_use_an_index_twice() -> None:
    sender = SrtpSender(SUITE_80, KEY)
    sender.protect(packet(9))
    with pytest.raises(LocalProtocolError) as caught:
        sender.protect(packet(9))
    assert caught.value.code == "srtp-index-reuse"


@pytest.mark.parametrize(("suite", "key"), [("AEAD_AES_128_GCM", KEY), (SUITE_80, KEY[:29])])
def test_bad_keys_are_our_fault(suite: str, key: bytes) -> None:
    for kind in (SrtpSender, SrtpReceiver):
        with pytest.raises(LocalProtocolError):
            kind(suite, key)


def test_key_never_shows() -> None:
    for thing in (SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)):
        assert "\\x01" not in repr(thing)
        assert SUITE_80 in repr(thing)


LAST = (3 << 16) + 500
"""Where the honest pair below stands: roll-over count 3."""


@pytest.fixture(scope="module")
def honest() -> tuple[SrtpSender, SrtpReceiver, bytes]:
    """Send two hundred thousand packets, one after the other, and keep the last one."""
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    protected = b""
    for index in range(60_000, LAST + 1):
        protected = sender.protect(packet(index))
        receiver.unprotect(protected)
    return sender, receiver, protected


class TestResume:
    """A session resumed at ROC 3 against one that walked there packet by packet."""

    def test_count_is_known(self, honest: tuple[SrtpSender, SrtpReceiver, bytes]) -> None:
        sender, receiver, _ = honest
        assert sender.rollover(SSRC) == receiver.rollover(SSRC) == 3
        assert sender.index(SSRC) == receiver.index(SSRC) == LAST

    def test_resumed_sender_makes_the_same_bytes(
        self, honest: tuple[SrtpSender, SrtpReceiver, bytes]
    ) -> None:
        resumed = SrtpSender(SUITE_80, KEY)
        resumed.resume(SSRC, (LAST - 1) & 0xFFFF, 3)
        assert resumed.protect(packet(LAST)) == honest[2]

    def test_resumed_receiver_opens_what_the_honest_sender_says_next(self) -> None:
        sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
        sender.resume(SSRC, 65_000, 3)
        receiver.resume(SSRC, 65_000, 3)
        for index in range((3 << 16) + 65_001, (4 << 16) + 2_000):
            assert receiver.unprotect(sender.protect(packet(index))) == packet(index)
        assert receiver.rollover(SSRC) == sender.rollover(SSRC) == 4

    def test_fresh_receiver_cannot_open_it(
        self, honest: tuple[SrtpSender, SrtpReceiver, bytes]
    ) -> None:
        with pytest.raises(SrtpRefused):
            SrtpReceiver(SUITE_80, KEY).unprotect(honest[2])

    def test_resumed_receiver_refuses_what_was_heard_before(
        self, honest: tuple[SrtpSender, SrtpReceiver, bytes]
    ) -> None:
        resumed = SrtpReceiver(SUITE_80, KEY)
        resumed.resume(SSRC, LAST & 0xFFFF, 3)
        with pytest.raises(SrtpRefused) as caught:
            resumed.unprotect(honest[2])
        assert caught.value.code == "srtp-replay"

    @pytest.mark.parametrize("behind", [1, 2, 100, 127])
    def test_window_behind_counts_as_heard(self, behind: int) -> None:
        sender, resumed = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
        old = sender.protect(packet(65_600 - behind))
        resumed.resume(SSRC, 65_600 & 0xFFFF, 1)
        with pytest.raises(SrtpRefused):
            resumed.unprotect(old)

    def test_rtcp_goes_on_above_its_index(self) -> None:
        before, after = SrtpSender(SUITE_80, KEY), SrtpSender(SUITE_80, KEY)
        receiver = SrtpReceiver(SUITE_80, KEY)
        old = b""
        for _ in range(40):
            old = before.protect_rtcp(REPORT)
            receiver.unprotect_rtcp(old)
        after.resume(SSRC, 1, 0, rtcp_index=before.rtcp_index)
        assert receiver.unprotect_rtcp(after.protect_rtcp(REPORT)) == REPORT
        restarted = SrtpReceiver(SUITE_80, KEY)
        restarted.resume(SSRC, 1, 0, rtcp_index=receiver.rtcp_index(SSRC) - 1)
        with pytest.raises(SrtpRefused):
            restarted.unprotect_rtcp(old)

    def test_absurd_count_is_refused(self) -> None:
        with pytest.raises(LocalProtocolError):
            SrtpSender(SUITE_80, KEY).resume(SSRC, 0, MAX_ROLLOVER + 1)


class TestLostRollover:
    """A source whose count we no longer know comes back without new keys (MED-07)."""

    def heard(self, last: int) -> SrtpReceiver:
        receiver = SrtpReceiver(SUITE_80, KEY)
        receiver.resume(SSRC, last & 0xFFFF, last >> 16)
        return receiver

    @pytest.mark.parametrize(
        "start",
        [
            pytest.param(300, id="far end started again at count 0"),
            pytest.param((2 << 16) + 45_000, id="silent for more than half a turn"),
            pytest.param((3 << 16) + 100, id="silent for almost a turn"),
        ],
    )
    def test_source_is_found_again_within_half_a_second(self, start: int) -> None:
        receiver, sender = self.heard((2 << 16) + 5_000), SrtpSender(SUITE_80, KEY)
        sender.resume(SSRC, (start - 1) & 0xFFFF, start >> 16)
        opened = []
        for index in range(start, start + 25):
            protected = sender.protect(packet(index))
            try:
                opened.append(receiver.unprotect(protected))
            except SrtpRefused:
                continue
        assert opened[-1] == packet(start + 24)
        assert len(opened) >= 10
        assert receiver.rollover(SSRC) == start >> 16

    def test_other_sources_survive_it(self) -> None:
        receiver, sender = self.heard((2 << 16) + 5_000), SrtpSender(SUITE_80, KEY)
        other = SrtpSender(SUITE_80, KEY)
        receiver.resume(77, 10, 5)
        other.resume(77, 10, 5)
        for index in range(300, 320):
            try:
                receiver.unprotect(sender.protect(packet(index)))
            except SrtpRefused:
                continue
        follow = packet((5 << 16) + 11, 77)
        assert receiver.unprotect(other.protect(follow)) == follow

    def test_replay_during_silence_does_not_lock_the_source_out(self) -> None:
        receiver, old, live = (
            self.heard((2 << 16) + 40_000),
            *(SrtpSender(SUITE_80, KEY) for _ in range(2)),
        )
        for index in range(1_000, 1_100):
            try:
                receiver.unprotect(old.protect(packet(index)))
            except SrtpRefused:
                continue
        assert receiver.rollover(SSRC) == 0
        live.resume(SSRC, 40_000, 2)
        heard = 0
        for index in range((2 << 16) + 40_001, (2 << 16) + 40_031):
            try:
                heard += receiver.unprotect(live.protect(packet(index))) == packet(index)
            except SrtpRefused:
                continue
        assert heard >= 15

    def test_source_may_be_forbidden_to_start_again(self) -> None:
        receiver = SrtpReceiver(SUITE_80, KEY, may_restart=False)
        receiver.resume(SSRC, 40_000, 2)
        old = SrtpSender(SUITE_80, KEY)
        for index in range(1_000, 1_100):
            with pytest.raises(SrtpRefused):
                receiver.unprotect(old.protect(packet(index)))

    def test_replayed_packets_cannot_take_over_a_live_source(self) -> None:
        old, live = SrtpSender(SUITE_80, KEY), SrtpSender(SUITE_80, KEY)
        receiver = self.heard(2 << 16)
        live.resume(SSRC, 0, 2)
        for step in range(1, 200):
            with pytest.raises(SrtpRefused):
                receiver.unprotect(old.protect(packet(1_000 + step)))
            index = (2 << 16) + step
            assert receiver.unprotect(live.protect(packet(index))) == packet(index)


def test_reordered_packets_open_and_do_not_move_the_count_back() -> None:
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    first = sender.protect(packet(65_535))
    later = sender.protect(packet(65_540))
    receiver.resume(SSRC, 65_500, 0)
    assert receiver.unprotect(later) == packet(65_540)
    assert receiver.unprotect(first) == packet(65_535)
    assert receiver.index(SSRC) == 65_540


def test_source_whose_only_packet_before_the_wrap_was_lost_is_heard() -> None:
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    sender.protect(packet(65_535))
    opened = 0
    for index in range(65_536, 65_566):
        try:
            opened += receiver.unprotect(sender.protect(packet(index))) == packet(index)
        except SrtpRefused:
            continue
    assert opened == 30 - STALE_AFTER + 1
    assert receiver.rollover(SSRC) == 1


def test_strangers_are_bounded_too() -> None:
    sender, receiver = SrtpSender(SUITE_80, OTHER_KEY), SrtpReceiver(SUITE_80, KEY)
    for number in range(40 * MAX_STREAMS):
        with pytest.raises(SrtpRefused):
            receiver.unprotect(sender.protect(packet(number, number % 40)))


def test_reports_that_are_none_and_counts_beyond_reach_are_our_fault() -> None:
    sender = SrtpSender(SUITE_80, KEY)
    with pytest.raises(LocalProtocolError):
        sender.protect_rtcp(b"\x80")
    with pytest.raises(LocalProtocolError):
        sender.resume(SSRC, 0, 0, rtcp_index=MAX_RTCP_INDEX + 1)
    with pytest.raises(LocalProtocolError):
        sender.protect(bytes(1_600))


def test_sources_are_bounded() -> None:
    sender, receiver = SrtpSender(SUITE_80, KEY), SrtpReceiver(SUITE_80, KEY)
    for ssrc in range(MAX_STREAMS + 3):
        receiver.unprotect(sender.protect(packet(5, ssrc)))
        report = bytes.fromhex("80c90001") + ssrc.to_bytes(4, "big")
        receiver.unprotect_rtcp(sender.protect_rtcp(report))
    assert (receiver.rtcp_index(0), receiver.rtcp_index(5)) == (0, 1)
    assert receiver.index(0) is None
    assert receiver.index(3) == 5
    assert receiver.unprotect(sender.protect(packet(6, 1))) == packet(6, 1)
