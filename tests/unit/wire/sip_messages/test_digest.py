# SPDX-License-Identifier: Apache-2.0
"""Digest: known answers, both sides against each other, and every way to cheat."""

from __future__ import annotations

import pytest

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip import digest
from centralino.wire.sip.digest import (
    Algorithm,
    Credentials,
    NonceStore,
    authorise,
    challenge,
    verify,
)
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.values import AuthValue, parse_auth

pytestmark = pytest.mark.unit

SECOND = 1_000_000_000
ANNA = Credentials("anna", "s3cret", realm="lab.test")
URI = "sip:b@lab.test"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_published_example(algorithm: str, response: str) -> None:
    """RFC 7616 3.9.1: the same answer as the RFC computes, for both algorithms."""
    asked = parse_auth(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f"algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    answer = authorise(
        asked,
        Credentials("Mufasa", "Circle of Life"),
        "GET",
        "/dir/index.html",
        b"",
        1,
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    params = parse_auth(answer)
    assert params.get("response") == response
    assert params.get("opaque") == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_challenge_without_qop_is_answered_the_old_way() -> None:
    """RFC 2617 with neither qop nor cnonce, computed by hand."""
    answer = parse_auth(
        authorise(
            parse_auth('Digest realm="r", nonce="n"'),
            Credentials("u", "p"),
            "REGISTER",
            "sip:h",
            b"",
            1,
            "c",
        )
    )
    assert answer.get("response") == "f7949f33797a7abbe390eaa95b1ca294"
    assert answer.get("cnonce") is None
    assert answer.get("qop") is None
    assert answer.get("nc") is None


@pytest.mark.parametrize(
    "text",
    [
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="token"',
    ],
)
def test_a_challenge_we_cannot_answer_raises(text: str) -> None:
    with pytest.raises(SipParseError):
        authorise(parse_auth(text), Credentials("u", "p"), "BYE", "sip:h", b"", 1, "c")


def test_a_foreign_realm_gets_no_hash_of_our_password() -> None:
    with pytest.raises(SipParseError):
        authorise(parse_auth('Digest realm="evil", nonce="n"'), ANNA, "INVITE", URI, b"", 1, "c")


class Exchange:
    """A server and a client that has been challenged."""

    def __init__(self, algorithm: Algorithm = "SHA-256", ttl_s: int = 60) -> None:
        self.nonces = NonceStore(b"0123456789abcdef", ttl_s)
        self.asked = parse_auth(
            challenge("lab.test", self.nonces.issue(SECOND), algorithm=algorithm)
        )

    def answer(self, credentials: Credentials = ANNA, *, nc: int = 1, uri: str = URI) -> AuthValue:
        return parse_auth(authorise(self.asked, credentials, "INVITE", uri, b"", nc, "cn"))

    def judge(self, answer: AuthValue, *, method: str = "INVITE", at_s: int = 2) -> str:
        return verify(answer, method, URI, ANNA, self.nonces, at_s * SECOND)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_password_passes_once_per_count(algorithm: Algorithm) -> None:
    exchange = Exchange(algorithm)
    assert exchange.judge(exchange.answer()) == "accepted"
    assert exchange.judge(exchange.answer()) == "stale"
    assert exchange.judge(exchange.answer(nc=2)) == "accepted"
    assert exchange.judge(exchange.answer(nc=1)) == "stale"


def test_wrong_password_user_method_or_uri_is_denied() -> None:
    exchange = Exchange()
    assert exchange.judge(exchange.answer(Credentials("anna", "wrong"))) == "denied"
    assert exchange.judge(exchange.answer(Credentials("bruno", "s3cret"))) == "denied"
    assert exchange.judge(exchange.answer(), method="BYE") == "denied"
    assert exchange.judge(exchange.answer(uri="sip:other@lab.test")) == "denied"


def test_an_old_nonce_is_stale_and_a_foreign_one_is_denied() -> None:
    exchange = Exchange()
    assert exchange.judge(exchange.answer(), at_s=62) == "stale"
    other = Exchange()
    other.nonces = NonceStore(b"another secret 16")
    assert other.judge(other.answer()) == "denied"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nc", "0000000g"),
        ("nc", "1"),
        ("nc", "00000000"),
        ("nc", "0x000001"),
        ("qop", "auth-int"),
        ("realm", "other"),
        ("algorithm", "SHA-512-256"),
        ("response", "caf\udce9"),
        ("nonce", "1-\udcff-x"),
        ("nonce", ""),
        ("nonce", "zz-1-x"),
    ],
)
def test_a_bent_parameter_is_denied(name: str, value: str) -> None:
    exchange = Exchange()
    params = dict(exchange.answer().params) | {name: value}
    assert exchange.judge(AuthValue("Digest", tuple(params.items()))) == "denied"


def test_another_scheme_or_missing_parameter_is_denied() -> None:
    exchange = Exchange()
    answer = exchange.answer()
    assert exchange.judge(AuthValue("Basic", answer.params)) == "denied"
    for name in ("username", "realm", "nonce", "uri", "response", "nc", "cnonce", "qop"):
        fewer = tuple(pair for pair in answer.params if pair[0] != name)
        assert exchange.judge(AuthValue("Digest", fewer)) == "denied"


def test_a_forgotten_nonce_cannot_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MAX_USED_NONCES", 2)
    nonces = NonceStore(b"0123456789abcdef")
    issued = [nonces.issue(SECOND) for _ in range(4)]
    assert [nonces.use(nonce, 1) for nonce in issued] == [True] * 4
    assert not nonces.use(issued[0], 1)
    assert not nonces.use(issued[0], 2)
    assert nonces.use(issued[3], 2)


def test_session_algorithm_and_body_integrity() -> None:
    """MD5-sess and auth-int change the answer, and need cnonce and body."""
    asked = 'Digest realm="r", nonce="n", algorithm=MD5{}, qop="{}"'
    answers = {
        (sess, qop, body): parse_auth(
            authorise(
                parse_auth(asked.format(sess, qop)),
                Credentials("u", "p"),
                "X",
                "sip:h",
                body,
                1,
                "c",
            )
        ).get("response")
        for sess in ("", "-sess")
        for qop in ("auth", "auth-int")
        for body in (b"", b"x")
    }
    assert answers["", "auth", b""] == answers["", "auth", b"x"]
    assert len(set(answers.values())) == 6


def test_secrets_do_not_show() -> None:
    assert "s3cret" not in repr(ANNA)
    with pytest.raises(LocalProtocolError):
        NonceStore(b"short")
    assert "stale=true" in challenge("r", "n", stale=True)
