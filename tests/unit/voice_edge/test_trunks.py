# SPDX-License-Identifier: Apache-2.0
"""Who a message belongs to: certificate names, networks, hosts, an edge's signed word."""

from __future__ import annotations

from typing import Any

import pytest

from centralino.adapters.voice import edge_word
from centralino.adapters.voice.settings import EdgeSettings, MatchRule
from centralino.adapters.voice.trunks import TrunkRegistry, plain_address, uri_host
from centralino.core.kernel.errors import ConfigError, NotFound
from centralino.core.kernel.ids import TrunkId
from centralino.wire.sip.message import Request, parse_message
from tests.unit.voice_edge.trunk_settings import SECOND, carrier, teams

pytestmark = pytest.mark.unit

SECRET = b"0123456789abcdef"
UTC = 1_767_225_600 * SECOND
NAMES = ("sip.pstnhub.test",)


def _message(uri: str, extra: str = "", method: str = "INVITE") -> Request:
    text = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\n"
        "From: <sip:+1@teams.sbc.test>;tag=a\r\nTo: <sip:+2@x>\r\nCall-ID: call-1\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:evil@two.sbc.test>\r\n{extra}Content-Length: 0\r\n\r\n"
    )
    message = parse_message(text.encode())
    assert isinstance(message, Request)
    return message


def test_a_network_makes_a_trunk_and_a_stranger_is_none() -> None:
    registry = TrunkRegistry([carrier()])
    peer = registry.peer("udp", "192.0.2.9")
    assert peer is not None
    assert registry.identify(peer, _message("sip:x@any"), UTC).trunk == "carrier"
    assert registry.peer("udp", "198.51.100.1") is None
    assert registry.peer("tls", "192.0.2.9") is None
    assert not registry.may_connect("tcp", "198.51.100.1")
    assert registry.may_connect("tcp", "192.0.2.9")


def test_names_and_network_must_both_hold() -> None:
    registry = TrunkRegistry([teams()])
    assert registry.peer("tls", "52.113.1.1", NAMES) is not None
    assert registry.peer("tls", "52.113.1.1", ("other.test",)) is None
    assert registry.peer("tls", "192.0.2.1", NAMES) is None
    assert registry.peer("tcp", "52.113.1.1", NAMES) is None


def test_the_narrower_network_wins() -> None:
    registry = TrunkRegistry(
        [carrier("wide", match=MatchRule(networks=("192.0.0.0/16",))), carrier("narrow")]
    )
    near, far = registry.peer("udp", "192.0.2.1"), registry.peer("udp", "192.0.3.1")
    assert near is not None
    assert far is not None
    assert (near.first, far.first) == ("narrow", "wide")


def test_the_request_uri_tells_tenants_apart_and_contact_counts_for_nothing() -> None:
    registry = TrunkRegistry([teams("one"), teams("two")])
    peer = registry.peer("tls", "52.113.1.1", NAMES)
    assert peer is not None
    assert registry.identify(peer, _message("sip:+1@ONE.sbc.test:5061"), UTC).trunk == "one"
    assert registry.identify(peer, _message("sip:+1@two.sbc.test"), UTC).trunk == "two"
    verdict = registry.identify(peer, _message("sip:+1@three.sbc.test"), UTC)
    assert (verdict.trunk, verdict.refusal) == (None, "unknown-host")


def test_trunks_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be told apart from trunk one"):
        TrunkRegistry([carrier("one"), carrier("two")])


def test_replacing_trunks_changes_the_generation_and_an_error_changes_nothing() -> None:
    registry = TrunkRegistry([carrier("one")])
    before = registry.generation
    with pytest.raises(ConfigError):
        registry.replace([carrier("two"), carrier("three")])
    assert (registry.generation, [item.trunk for item in registry.all()]) == (before, ["one"])
    registry.replace([carrier("two")])
    assert registry.generation == before + 1
    with pytest.raises(NotFound):
        registry.settings(TrunkId("one"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("sip.pstnhub.test",)),
        ({"server_name": "Proxy.test"}, ("proxy.test",)),
        ({"match": MatchRule(networks=("52.112.0.0/14",))}, ("sip2",)),
    ],
)
def test_the_names_a_server_must_prove(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    registry = TrunkRegistry([teams(**changes)])
    assert registry.expected_names(TrunkId("teams"), "SIP2") == expected


# ---- behind an edge

EDGE = EdgeSettings(name="kamailio", networks=("10.0.0.0/24",), secret_file="unused")


def _edged() -> TrunkRegistry:
    trunks = [
        teams("behind", edge="kamailio", match=MatchRule()),
        carrier("direct", match=MatchRule(networks=("0.0.0.0/0",))),
    ]
    return TrunkRegistry(trunks, [EDGE], {"kamailio": SECRET})


def _word(trunk: str = "behind", call_id: str = "call-1", at: int = UTC) -> str:
    return f"X-Edge-Trunk: {edge_word.sign(SECRET, trunk, call_id, at)}\r\n"


@pytest.mark.parametrize(
    ("extra", "trunk", "refusal"),
    [
        (_word(), "behind", ""),
        (_word(at=UTC - 29 * SECOND), "behind", ""),
        (_word(at=UTC - 31 * SECOND), None, "edge-word-wrong"),
        (_word(at=UTC + 31 * SECOND), None, "edge-word-wrong"),
        (_word(call_id="another"), None, "edge-word-wrong"),
        (_word().replace("behind", "direct"), None, "edge-word-wrong"),
        (_word("direct"), None, "edge-trunk-unknown"),
        (_word("nobody"), None, "edge-trunk-unknown"),
        ("X-Edge-Trunk: behind;t=;mac=00\r\n", None, "edge-word-wrong"),
        ("X-Edge-Trunk: behind\r\n", None, "edge-word-wrong"),
        ("", None, "edge-word-missing"),
    ],
)
def test_an_edge_is_believed_only_with_its_own_signature(
    extra: str, trunk: str | None, refusal: str
) -> None:
    registry = _edged()
    peer = registry.peer("udp", "10.0.0.7")
    assert peer is not None
    message = _message("sip:+1@x", extra)
    verdict = registry.identify(peer, message, UTC)
    assert (verdict.trunk, verdict.refusal) == (trunk, refusal)
    assert "X-Edge-Trunk" not in message.headers


def test_an_edge_may_ask_how_we_are_without_a_word() -> None:
    registry = _edged()
    peer = registry.peer("udp", "10.0.0.7")
    assert peer is not None
    verdict = registry.identify(peer, _message("sip:us", method="OPTIONS"), UTC)
    assert (verdict.trunk, verdict.refusal) == (None, "")


def test_nobody_else_can_say_an_edges_word() -> None:
    registry = _edged()
    peer = registry.peer("udp", "192.0.2.1")
    assert peer is not None
    message = _message("sip:+1@x", _word())
    assert registry.identify(peer, message, UTC).trunk == "direct"
    assert b"X-Edge" not in message.to_bytes()


def test_a_trunk_behind_an_edge_is_reached_only_through_it() -> None:
    registry = TrunkRegistry([teams("behind", edge="kamailio")], [EDGE], {"kamailio": SECRET})
    assert registry.peer("tls", "52.113.1.1", NAMES) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 16 bytes"):
        edge_word.check_secret("path", b" short \n")
    assert edge_word.check_secret("path", SECRET + b"\n") == SECRET


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:+1@Host.test:5061;user=phone", "host.test"),
        ("sip:host.test", "host.test"),
        ("sip:+1;ext=5@host.test?Subject=a", "host.test"),
        ("sip:a?b@host.test;x=y", "host.test"),
        ("sip:a@one.test?Subject=a@two.test", ""),
        ("sip:a@one.test@two.test", ""),
        ("sips:a:secret@[2001:db8::1]:5061", "2001:db8::1"),
        ("tel:+1;phone-context=a.test", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_uri(uri: str, host: str) -> None:
    assert uri_host(uri) == host


def test_addresses_lose_zone_and_mapping() -> None:
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"
