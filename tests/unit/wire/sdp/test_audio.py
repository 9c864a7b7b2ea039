# SPDX-License-Identifier: Apache-2.0
"""Agreeing on one audio stream: what is chosen, what is refused, what never changes."""

from __future__ import annotations

import base64
import itertools

import msgspec
import pytest

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sdp.audio import (
    AudioNegotiator,
    AudioProfile,
    Direction,
    LocalEndpoint,
    NegotiationError,
    NegotiatorCheckpoint,
)
from centralino.wire.sdp.description import SessionDescription

pytestmark = pytest.mark.unit

KEY = base64.b64encode(bytes(range(30))).decode()
OTHER_KEY = base64.b64encode(bytes(range(30, 60))).decode()
TEAMS = AudioProfile(srtp="required", hold_as_inactive=True)
CARRIER = AudioProfile(codecs=("PCMA", "PCMU"), srtp="forbidden")
SUITE_80 = "AES_CM_128_HMAC_SHA1_80"
SUITE_32 = "AES_CM_128_HMAC_SHA1_32"


def negotiator(profile: AudioProfile = TEAMS, first_key: int = 1) -> AudioNegotiator:
    numbers = itertools.count(first_key)
    return AudioNegotiator(
        profile,
        LocalEndpoint("127.0.0.1", 40000, 40001),
        session_id=77,
        key=lambda: bytes([next(numbers)]) * 30,
    )


def sdp(*attributes: str, media: str = "audio 50000 RTP/SAVP 9 8 0 101", version: int = 1) -> bytes:
    """A description as Teams writes it; `attributes` follow the audio line."""
    lines = [
        "v=0",
        f"o=- 5 {version} IN IP4 192.0.2.5",
        "s=session",
        "c=IN IP4 192.0.2.5",
        "b=CT:10000000",
        "t=0 0",
        f"m={media}",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        *attributes,
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def crypto(tag: int = 1, suite: str = SUITE_80, key: str = KEY, tail: str = "|2^31") -> str:
    return f"a=crypto:{tag} {suite} inline:{key}{tail}"


PLAIN = "audio 50000 RTP/AVP 8 0 101"


def version_of(text: bytes) -> int:
    origin = SessionDescription.parse(text).origin
    assert origin is not None
    return int(origin.split()[2])


def test_two_negotiators_agree_both_ways() -> None:
    ours, theirs = negotiator(), negotiator(AudioProfile(codecs=("PCMA",), srtp="required"), 9)
    answer, far = theirs.answer(ours.offer())
    near = ours.apply_answer(answer)
    assert near.codec.name == far.codec.name == "PCMA"
    assert near.telephone_event == far.telephone_event == (101, 8000)
    assert near.local_crypto is not None
    assert near.remote_crypto is not None
    assert far.remote_crypto is not None
    assert far.remote_crypto.key == near.local_crypto.key != near.remote_crypto.key
    assert (near.remote_address, near.remote_rtp_port, near.remote_rtcp_port) == (
        "127.0.0.1",
        40000,
        40001,
    )
    assert near.direction is far.direction is Direction.SENDRECV


def test_our_order_of_codecs_decides_and_their_numbers_are_used() -> None:
    offer = sdp(
        "a=rtpmap:97 pcma/8000",
        "a=rtpmap:98 PCMU/8000/1",
        "a=rtpmap:104 SILK/16000",
        media="audio 50000 RTP/AVP 104 98 97 101",
    )
    text, session = negotiator(CARRIER).answer(offer)
    assert (session.codec.name, session.codec.payload_type) == ("PCMA", 97)
    assert session.receive_payload_type == 97
    assert b"m=audio 40000 RTP/AVP 97 101\r\n" in text
    assert b"a=rtpmap:97 PCMA/8000\r\n" in text


def test_numbers_may_differ_each_way_when_we_offered() -> None:
    ours = negotiator(AudioProfile(srtp="forbidden"))
    ours.offer()
    session = ours.apply_answer(
        sdp("a=rtpmap:120 telephone-event/8000", media="audio 50000 RTP/AVP 8 120")
    )
    assert session.telephone_event == (120, 8000)
    assert session.receive_telephone_event_pt == 101


def test_opus_uses_the_event_format_of_its_own_clock() -> None:
    offer = sdp(
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:110 telephone-event/48000",
        media="audio 50000 RTP/AVP 111 101 110",
    )
    _, session = negotiator(AudioProfile(codecs=("opus",), srtp="forbidden")).answer(offer)
    assert session.telephone_event == (110, 48000)
    assert session.codec.rtpmap == "111 opus/48000/2"


def test_comfort_noise_only_when_both_list_it() -> None:
    offer = sdp(media="audio 50000 RTP/AVP 8 13")
    text, session = negotiator(AudioProfile(comfort_noise=True)).answer(offer)
    assert session.comfort_noise_pt == 13
    assert b"RTP/AVP 8 13\r\n" in text
    _, session = negotiator(CARRIER).answer(offer)
    assert session.comfort_noise_pt is None
    assert session.telephone_event is None
    ours = negotiator(AudioProfile(comfort_noise=True, srtp="forbidden"))
    ours.offer()
    assert ours.apply_answer(offer).comfort_noise_pt == 13


@pytest.mark.parametrize(
    ("profile", "offer", "reason", "status"),
    [
        (TEAMS, sdp(media=PLAIN), "srtp-required", 488),
        (TEAMS, sdp(crypto(), media=PLAIN), "srtp-required", 488),
        (TEAMS, sdp("a=fingerprint:sha-256 00"), "no-acceptable-crypto", 488),
        (TEAMS, sdp(crypto(suite="AEAD_AES_256_GCM")), "no-acceptable-crypto", 488),
        (TEAMS, sdp(crypto(key=KEY[:20])), "no-acceptable-crypto", 488),
        (TEAMS, sdp(crypto(tail="|2^31 UNENCRYPTED_SRTP")), "no-acceptable-crypto", 488),
        (TEAMS, sdp(crypto(), media="audio 5 TCP/RTP/SAVP 8"), "srtp-required", 488),
        (CARRIER, sdp(crypto()), "srtp-forbidden", 488),
        (CARRIER, sdp(media="audio 5 UDPTL t38"), "no-audio", 488),
        (CARRIER, sdp(media="audio 5 TCP/RTP/AVP 8"), "no-audio", 488),
        (CARRIER, sdp(media="audio 5 RTP/AVP 18 101"), "no-common-codec", 488),
        (CARRIER, sdp(media="audio 5 RTP/AVP 8 0 8"), "duplicate-payload-type", 488),
        (
            CARRIER,
            sdp("a=rtpmap:8 PCMA/8000", "a=rtpmap:8 G729/8000", media=PLAIN),
            "duplicate-payload-type",
            488,
        ),
        (CARRIER, sdp(media="audio 0 RTP/AVP 8"), "no-audio", 488),
        (CARRIER, sdp(media="video 5000 RTP/AVP 99"), "no-audio", 488),
        (CARRIER, sdp(media=PLAIN).replace(b"c=IN IP4 192.0.2.5\r\n", b""), "no-address", 488),
        (CARRIER, sdp("a=rtcp:x", media=PLAIN), "bad-sdp", 400),
        (CARRIER, sdp(media="audio 5 RTP/AVP 200"), "bad-sdp", 400),
        (CARRIER, b"not a description", "bad-sdp", 400),
        (CARRIER, b"", "bad-sdp", 400),
    ],
)
def test_what_cannot_be_agreed_is_refused_and_changes_nothing(
    profile: AudioProfile, offer: bytes, reason: str, status: int
) -> None:
    ours = negotiator(profile)
    before = ours.checkpoint()
    with pytest.raises(NegotiationError) as refusal:
        ours.answer(offer)
    assert (refusal.value.reason, refusal.value.status) == (reason, status)
    assert ours.checkpoint() == before
    assert ours.session is None


def test_first_line_without_mki_is_chosen_and_its_tag_returned() -> None:
    offer = sdp(crypto(1, tail="|2^31|1:1"), crypto(2, SUITE_32), crypto(3, key=OTHER_KEY))
    text, session = negotiator().answer(offer)
    assert session.remote_crypto is not None
    assert session.local_crypto is not None
    assert (session.remote_crypto.tag, session.local_crypto.tag) == (2, 2)
    assert session.local_crypto.suite == SUITE_32
    assert b"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" in text
    assert b"1:1" not in text


def test_a_line_with_mki_is_taken_when_there_is_no_other() -> None:
    _, session = negotiator().answer(sdp(crypto(4, tail="|2^20|77:4")))
    assert session.remote_crypto is not None
    assert session.remote_crypto.mki == (77, 4)
    assert session.local_crypto is not None
    assert session.local_crypto.mki is None


def test_optional_srtp_takes_both_and_offers_a_key_beside_plain_rtp() -> None:
    either = AudioProfile(srtp="optional")
    assert negotiator(either).answer(sdp(crypto()))[1].remote_crypto is not None
    assert negotiator(either).answer(sdp(crypto(), media=PLAIN))[1].local_crypto is not None
    assert negotiator(either).answer(sdp(media=PLAIN))[1].remote_crypto is None
    ours = negotiator(either)
    offer = ours.offer()
    assert b"RTP/AVP " in offer
    assert b"a=crypto:1 " in offer
    assert ours.apply_answer(sdp(media=PLAIN)).local_crypto is None
    assert ours.apply_answer(sdp(crypto(), media=PLAIN)).local_crypto is not None


@pytest.mark.parametrize(
    ("profile", "answer", "reason"),
    [
        (TEAMS, sdp(media=PLAIN), "srtp-required"),
        (TEAMS, sdp(crypto(), media=PLAIN), "srtp-required"),
        (TEAMS, sdp(crypto(2)), "no-acceptable-crypto"),
        (TEAMS, sdp(crypto(suite=SUITE_32)), "no-acceptable-crypto"),
        (CARRIER, sdp(crypto()), "srtp-forbidden"),
        (CARRIER, sdp(media="audio 5 RTP/AVP 9"), "no-common-codec"),
        (CARRIER, sdp(media="audio 0 RTP/AVP 8"), "no-audio"),
        (CARRIER, sdp(media="video 5 RTP/AVP 99"), "no-audio"),
        (CARRIER, b"v=0\r\n", "no-audio"),
    ],
)
def test_an_answer_that_does_not_fit_our_offer_is_refused(
    profile: AudioProfile, answer: bytes, reason: str
) -> None:
    ours = negotiator(profile)
    ours.offer()
    with pytest.raises(NegotiationError) as refusal:
        ours.apply_answer(answer)
    assert refusal.value.reason == reason
    assert ours.session is None


def test_an_answer_without_offer_is_our_bug() -> None:
    with pytest.raises(LocalProtocolError):
        negotiator().apply_answer(sdp(crypto()))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_direction_is_mirrored_and_comes_back(theirs: str, ours: str) -> None:
    ear = negotiator(CARRIER)
    text, session = ear.answer(sdp(f"a={theirs}", media=PLAIN))
    assert session.direction == ours
    assert f"a={ours}\r\n".encode() in text
    assert ear.answer(sdp(media=PLAIN, version=2))[1].direction is Direction.SENDRECV


def test_session_level_direction_counts_unless_the_media_says_otherwise() -> None:
    held = sdp(media=PLAIN).replace(b"t=0 0\r\n", b"t=0 0\r\na=inactive\r\n")
    assert negotiator(CARRIER).answer(held)[1].direction is Direction.INACTIVE
    both = held + b"a=sendrecv\r\n"
    assert negotiator(CARRIER).answer(both)[1].direction is Direction.SENDRECV


def test_the_old_hold_by_address_stops_our_audio_and_keeps_the_address() -> None:
    ours = negotiator(CARRIER)
    ours.answer(sdp(media=PLAIN))
    held = sdp(media=PLAIN, version=2).replace(b"c=IN IP4 192.0.2.5", b"c=IN IP4 0.0.0.0")
    _, session = ours.answer(held)
    assert session.direction is Direction.RECVONLY
    assert session.remote_address == "192.0.2.5"


def test_hold_towards_teams_is_inactive_on_the_same_port_and_key() -> None:
    ours = negotiator()
    first = ours.offer()
    ours.apply_answer(sdp(crypto()))
    held = ours.offer(Direction.SENDONLY)
    assert held == first.replace(b"sendrecv", b"inactive").replace(b"77 1 IN", b"77 2 IN")
    assert ours.apply_answer(sdp(crypto(), "a=inactive", version=2)).direction == "inactive"
    resumed = ours.offer()
    assert resumed == first.replace(b"77 1 IN", b"77 3 IN")


def test_hold_towards_a_carrier_says_what_it_means() -> None:
    ours = negotiator(CARRIER)
    ours.offer()
    ours.apply_answer(sdp(media=PLAIN))
    assert b"a=sendonly\r\n" in ours.offer(Direction.SENDONLY)
    session = ours.apply_answer(sdp("a=recvonly", media=PLAIN, version=2))
    assert session.direction is Direction.SENDONLY


def test_a_refresh_repeats_the_text_and_a_change_raises_the_version_by_one() -> None:
    ours = negotiator(CARRIER)
    first, _ = ours.answer(sdp(media=PLAIN))
    assert ours.local_sdp == first
    assert ours.offer() == first
    ours.apply_answer(sdp(media=PLAIN))
    assert ours.answer(sdp(media=PLAIN))[0] == first
    changed, _ = ours.answer(sdp("a=inactive", media=PLAIN, version=2))
    assert version_of(changed) == version_of(first) + 1
    refused = ours.offer()
    assert version_of(refused) == version_of(first) + 2


def test_a_repeated_description_is_known_as_a_refresh() -> None:
    ours = negotiator(CARRIER)
    offer = sdp(media=PLAIN)
    assert not ours.is_same_offer(offer)
    ours.answer(offer)
    assert ours.is_same_offer(offer)
    assert ours.is_same_offer(offer.replace(b"\r\n", b"\n"))
    assert not ours.is_same_offer(sdp(media=PLAIN, version=2))
    assert not ours.is_same_offer(offer + b"a=inactive\r\n")
    assert not ours.is_same_offer(b"junk")


def test_rtcp_mux_is_settled_once() -> None:
    mux = AudioProfile(srtp="forbidden", rtcp_mux=True)
    ours = negotiator(mux)
    text, session = ours.answer(sdp("a=rtcp-mux", media=PLAIN))
    assert session.rtcp_mux
    assert session.remote_rtcp_port == 50000
    assert b"a=rtcp-mux\r\n" in text
    with pytest.raises(NegotiationError) as refusal:
        ours.answer(sdp(media=PLAIN, version=2))
    assert refusal.value.reason == "rtcp-mux-changed"
    assert ours.session == session
    without = negotiator(mux)
    assert not without.answer(sdp("a=rtcp:50007", media=PLAIN))[1].rtcp_mux
    text, session = without.answer(sdp("a=rtcp-mux", media=PLAIN, version=2))
    assert not session.rtcp_mux
    assert b"rtcp-mux" not in text


def test_an_answer_settles_rtcp_mux_and_a_later_one_cannot_change_it() -> None:
    ours = negotiator(AudioProfile(srtp="forbidden", rtcp_mux=True))
    assert b"a=rtcp-mux\r\n" in ours.offer()
    assert ours.apply_answer(sdp("a=rtcp-mux", media=PLAIN)).rtcp_mux
    assert not ours.apply_answer(sdp("a=rtcp:50009", media=PLAIN)).rtcp_mux
    assert b"a=rtcp:40001\r\n" in ours.offer()
    with pytest.raises(NegotiationError):
        ours.apply_answer(sdp("a=rtcp-mux", media=PLAIN))


def test_the_codec_stays_through_a_later_offer_that_still_lists_it() -> None:
    ours = negotiator(CARRIER)
    ours.answer(sdp(media="audio 50000 RTP/AVP 0"))
    assert ours.answer(sdp(media=PLAIN, version=2))[1].codec.name == "PCMU"
    moved = ours.answer(sdp(media="audio 50000 RTP/AVP 8", version=3))
    assert moved[1].codec.name == "PCMA"


def test_other_media_are_refused_line_by_line_and_stay_refused() -> None:
    offer = (
        sdp(media="video 6000/2 RTP/AVP 99") + b"m=audio 7000 RTP/AVP 8\r\nm=image 8 udptl t38\r\n"
    )
    ours = negotiator(CARRIER)
    text, session = ours.answer(offer)
    kinds = [(media.kind, media.port) for media in SessionDescription.parse(text).media]
    assert kinds == [("video", 0), ("audio", 40000), ("image", 0)]
    assert session.remote_rtp_port == 7000
    again = ours.offer(Direction.INACTIVE)
    assert [media.kind for media in SessionDescription.parse(again).media] == [k for k, _ in kinds]


def test_the_first_audio_line_that_can_be_agreed_wins() -> None:
    offer = sdp(crypto(suite="NOPE")) + f"m=audio 7000 RTP/SAVP 8\r\n{crypto(9)}\r\n".encode()
    _, session = negotiator().answer(offer)
    assert session.remote_rtp_port == 7000


def test_media_level_address_and_packet_time() -> None:
    offer = sdp("a=ptime:30", "c=IN IP4 198.51.100.7", media=PLAIN)
    _, session = negotiator(CARRIER).answer(offer)
    assert (session.remote_address, session.ptime_ms) == ("198.51.100.7", 30)
    for odd in ("5", "25", "9999", "x"):
        _, session = negotiator(CARRIER).answer(sdp(f"a=ptime:{odd}", media=PLAIN))
        assert session.ptime_ms == 20


def test_our_key_outlives_their_later_offers_unless_the_suite_changes() -> None:
    ours = negotiator()
    keys = []
    for version, suite in enumerate((SUITE_80, SUITE_80, SUITE_32), start=1):
        _, session = ours.answer(sdp(crypto(version, suite, OTHER_KEY), version=version))
        assert session.local_crypto is not None
        keys.append(session.local_crypto.key)
    assert keys[0] == keys[1] != keys[2]


def test_a_repeated_first_offer_keeps_its_key() -> None:
    ours = negotiator()
    assert ours.offer() == ours.offer()


def test_a_restored_negotiator_goes_on_with_the_same_text() -> None:
    ours = negotiator()
    ours.offer()
    ours.apply_answer(sdp(crypto()))
    packed = msgspec.msgpack.encode(ours.checkpoint())
    checkpoint = msgspec.msgpack.decode(packed, type=NegotiatorCheckpoint)
    twin = AudioNegotiator.restore(checkpoint, key=lambda: bytes(30))
    assert twin.session == ours.session
    assert twin.is_same_offer(sdp(crypto()))
    assert twin.offer(Direction.INACTIVE) == ours.offer(Direction.INACTIVE)
    answer = sdp(crypto(), "a=inactive", version=2)
    assert twin.apply_answer(answer) == ours.apply_answer(answer)


def test_keys_show_in_no_repr() -> None:
    ours = negotiator()
    text = ours.offer()
    session = ours.apply_answer(sdp(crypto()))
    shown = repr(session) + repr(ours.checkpoint())
    assert b"inline:" in text
    assert session.local_crypto is not None
    assert repr(session.local_crypto.key) not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    "profile",
    [
        {"codecs": ()},
        {"codecs": ("PCMA", "PCMA")},
        {"telephone_event_pt": 8},
        {"telephone_event_pt": 111},
    ],
)
def test_a_profile_that_would_offer_nonsense_is_refused(profile: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        AudioProfile(**profile)  # type: ignore[arg-type]  # wrong on purpose


def test_a_short_key_is_our_bug() -> None:
    ours = AudioNegotiator(TEAMS, LocalEndpoint("::1", 2, 3), session_id=1, key=lambda: b"short")
    with pytest.raises(LocalProtocolError):
        ours.offer()


def test_version_six_addresses_are_named_so() -> None:
    ours = AudioNegotiator(CARRIER, LocalEndpoint("2001:db8::1", 2, 3), session_id=1, key=bytes)
    assert b"c=IN IP6 2001:db8::1\r\n" in ours.offer()
