# SPDX-License-Identifier: Apache-2.0
"""Identity cannot be smuggled: the quick host reader agrees with the parser, words with secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.voice import edge_word
from centralino.adapters.voice.tls_diagnosis import covers
from centralino.adapters.voice.trunks import uri_host
from centralino.exchange.token_bucket import TokenBucket
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import SipUri, parse_uri

pytestmark = pytest.mark.property

SECRET = b"0123456789abcdef"
SECOND = 1_000_000_000
HOSTS = ["one.test", "Two.test", "[2001:db8::1]", "%40"]
PIECES = st.sampled_from(["sip:", "a", "@", ";", "?", ":", "5060", "=", "x", *HOSTS])


@given(st.lists(PIECES, max_size=12).map(lambda parts: "sip:" + "".join(parts)))
def test_the_quick_reader_never_names_another_host_than_the_parser(text: str) -> None:
    try:
        parsed = parse_uri(text)
    except SipParseError:
        return
    assert isinstance(parsed, SipUri)
    assert uri_host(text) in ("", parsed.host.lower().strip("[]"))


WORDS = st.text(st.characters(codec="ascii", exclude_characters=";\n\r"), min_size=1, max_size=20)


@given(WORDS, WORDS, st.integers(0, 4 * 10**18), st.integers(-60, 60))
def test_a_word_is_good_for_its_call_and_time_and_no_other(
    trunk: str, call_id: str, utc: int, skew_s: int
) -> None:
    word = edge_word.sign(SECRET, trunk, call_id, utc)
    signed = utc // SECOND * SECOND
    found = edge_word.verify(SECRET, word, call_id, signed + skew_s * SECOND, 30)
    assert found == (trunk if abs(skew_s) <= 30 else None)
    assert edge_word.verify(SECRET, word, call_id + "x", utc, 30) is None
    assert edge_word.verify(b"another secret of us", word, call_id, utc, 30) is None


@given(st.text(max_size=60), st.text(max_size=10))
def test_no_junk_is_taken_for_a_word(word: str, call_id: str) -> None:
    assert edge_word.verify(SECRET, word, call_id, 0, 30) is None


LABELS = st.sampled_from(["a", "b", "*", "sip"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@given(NAMES, st.lists(st.sampled_from(["a", "b", "sip"]), min_size=1, max_size=4).map(".".join))
def test_a_wildcard_covers_one_label_and_no_more(name: str, wanted: str) -> None:
    expected = name == wanted
    first, _, rest = name.partition(".")
    if first == "*" and rest:
        expected = expected or wanted.partition(".")[2] == rest
    assert covers([name], wanted) is expected


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.integers(0, SECOND), min_size=1, max_size=200),
)
def test_a_bucket_never_gives_more_than_its_burst_and_rate(
    rate: int, burst: int, steps: list[int]
) -> None:
    bucket = TokenBucket(float(rate), burst, 0)
    now = given_count = 0
    for step in steps:
        now += step
        given_count += bucket.take(now)
    assert given_count <= burst + now * rate / SECOND + 1
