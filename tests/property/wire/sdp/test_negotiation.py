# SPDX-License-Identifier: Apache-2.0
"""Descriptions come out as they went in, and negotiation keeps its promises."""

from __future__ import annotations

import base64
import itertools
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from centralino.wire.sdp.audio import (
    AudioNegotiator,
    AudioProfile,
    AudioSession,
    Direction,
    LocalEndpoint,
    NegotiationError,
)
from centralino.wire.sdp.crypto import CryptoLine
from centralino.wire.sdp.description import SessionDescription, find_sdp
from centralino.wire.sdp.errors import SdpParseError

if TYPE_CHECKING:
    from centralino.wire.sdp.format import CodecName

pytestmark = pytest.mark.property

VALUE = st.text(
    st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=20
).map(str.rstrip)
LINE = st.builds("{}={}".format, st.sampled_from("abciksuxz"), VALUE)
WORD = st.text(string.ascii_letters + "/", min_size=1, max_size=8)
CODECS: list[CodecName] = ["PCMU", "PCMA", "G722", "opus"]
PROFILES = st.builds(
    AudioProfile,
    codecs=st.permutations(CODECS).flatmap(
        lambda names: st.integers(1, 4).map(lambda n: tuple(names[:n]))
    ),
    srtp=st.sampled_from(["required", "forbidden", "optional"]),
    telephone_event_pt=st.sampled_from([96, 101, 127]),
    rtcp_mux=st.booleans(),
    hold_as_inactive=st.booleans(),
    comfort_noise=st.booleans(),
)


@st.composite
def descriptions(draw: st.DrawFn) -> bytes:
    """Any well-formed description, most of it nonsense."""
    rows = ["v=0", *draw(st.lists(LINE, max_size=6))]
    for _ in range(draw(st.integers(0, 3))):
        formats = draw(st.lists(WORD, min_size=1, max_size=4))
        rows.append(
            f"m={draw(WORD)} {draw(st.integers(0, 65535))} {draw(WORD)} {' '.join(formats)}"
        )
        rows += draw(st.lists(LINE, max_size=4))
    return ("\r\n".join(rows) + "\r\n").encode()


@given(descriptions())
def test_description_round_trip(data: bytes) -> None:
    assert SessionDescription.parse(data).to_bytes() == data
    assert SessionDescription.parse(data.replace(b"\r\n", b"\n")).to_bytes() == data


@given(st.binary(max_size=200) | descriptions().map(lambda data: data[:-3] + b"\xff" + data[4:]))
def test_any_bytes_are_agreed_or_refused(data: bytes) -> None:
    negotiator = make(AudioProfile())
    negotiator.offer()
    for judge in (negotiator.answer, negotiator.apply_answer, SessionDescription.parse):
        try:
            judge(data)
        except (NegotiationError, SdpParseError):
            continue
    negotiator.is_same_offer(data)
    find_sdp("multipart/mixed;boundary=x", data)


@given(
    st.integers(0, 999_999_999),
    st.binary(min_size=30, max_size=30),
    st.none() | st.integers(0, 48).map(lambda n: f"2^{n}"),
    st.none() | st.tuples(st.integers(0, 2**64), st.integers(1, 128)),
)
def test_crypto_round_trip(
    tag: int, key: bytes, lifetime: str | None, mki: tuple[int, int] | None
) -> None:
    line = CryptoLine(tag, "AES_CM_128_HMAC_SHA1_80", key, lifetime, mki)
    assert CryptoLine.parse(str(line)) == line
    assert base64.b64encode(key).decode() in str(line)


def make(profile: AudioProfile, number: int = 1) -> AudioNegotiator:
    """A negotiator whose keys can be told from another's."""
    count = itertools.count()
    local = LocalEndpoint(f"127.0.0.{number}", 20_000 + number * 2, 20_001 + number * 2)
    return AudioNegotiator(
        profile, local, session_id=number, key=lambda: bytes([number, next(count)]) * 15
    )


def _facing(near: AudioSession, far: AudioSession) -> None:
    """What one side sends must be what the other expects."""
    assert near.codec.name == far.codec.name
    assert near.direction.sends == far.direction.receives
    assert near.direction.receives == far.direction.sends
    assert near.rtcp_mux == far.rtcp_mux
    assert near.codec.payload_type == far.receive_payload_type
    assert (near.telephone_event is None) == (far.telephone_event is None)
    ours, theirs = near.local_crypto, far.remote_crypto
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert (ours.key, ours.suite) == (theirs.key, theirs.suite)


class TwoLegs(RuleBasedStateMachine):
    """Two negotiators that re-offer to each other in any order and any direction."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[AudioNegotiator] = []
        self.versions = [0, 0]
        self.texts = [b"", b""]

    @initialize(one=PROFILES, two=PROFILES)
    def start(self, one: AudioProfile, two: AudioProfile) -> None:
        self.sides = [make(one, 1), make(two, 2)]

    @rule(
        who=st.sampled_from([0, 1]),
        direction=st.sampled_from(Direction),
        wish=st.none() | st.sampled_from(Direction),
        is_lost=st.booleans(),
    )
    def reoffer(
        self, who: int, direction: Direction, wish: Direction | None, is_lost: bool
    ) -> None:
        near, far = self.sides[who], self.sides[1 - who]
        before = far.session
        offer = near.offer(direction)
        self._sent(who, offer)
        if is_lost:
            return
        try:
            answer, theirs = far.answer(offer, wish)
        except NegotiationError:
            assert before is None, "an agreement was lost to a later offer"
            return
        self._sent(1 - who, answer)
        ours = near.apply_answer(answer)
        _facing(ours, theirs)
        if before is not None:
            assert theirs.rtcp_mux == before.rtcp_mux
            assert theirs.local_crypto == before.local_crypto
            assert theirs.codec == before.codec

    def _sent(self, who: int, text: bytes) -> None:
        """The version rises by one with each new text, and only then; the port never moves."""
        description = SessionDescription.parse(text)
        version = int((description.origin or "").split()[2])
        rest = b"".join(line for line in text.splitlines() if not line.startswith(b"o="))
        assert version == self.versions[who] + (rest != self.texts[who])
        self.versions[who], self.texts[who] = version, rest
        assert description.connection == f"127.0.0.{who + 1}"
        assert [media.port for media in description.media] == [20_002 + who * 2]

    @rule(who=st.sampled_from([0, 1]))
    def restart(self, who: int) -> None:
        checkpoint = self.sides[who].checkpoint()
        self.sides[who] = AudioNegotiator.restore(checkpoint, key=lambda: bytes(30))
        assert self.sides[who].checkpoint() == checkpoint


TestTwoLegs = TwoLegs.TestCase
