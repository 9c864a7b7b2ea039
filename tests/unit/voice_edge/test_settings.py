# SPDX-License-Identifier: Apache-2.0
"""Configurations that cannot work are refused with the field and the remedy."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from centralino.adapters.voice.settings import (
    EdgeSettings,
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    TrunkSettings,
    VoiceSettings,
    is_host_name,
)
from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.ids import TrunkId
from tests.unit.voice_edge.trunk_settings import carrier, teams

pytestmark = pytest.mark.unit

UDP = (ListenerSettings(transport="udp"),)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"match": MatchRule()}, "nothing identifies"),
        ({"match": MatchRule(networks=("192.0.2.0/99",))}, "is not a network"),
        ({"match": MatchRule(names=("a.test",))}, "only TLS peers have certificate names"),
    ],
)
def test_a_carrier_trunk_must_be_known_by_something(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        carrier(**changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"transport": "tcp"}, "takes TLS only"),
        ({"srtp": "off"}, "takes SRTP only"),
        ({"options": OptionsSettings(interval_s=30.0)}, "at least 60 s"),
        ({"contact_host": "192.0.2.7"}, "answers 403 to an address"),
    ],
)
def test_a_teams_trunk_keeps_microsofts_rules(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        teams(**changes)


def test_a_lab_may_do_what_teams_forbids() -> None:
    lab = teams(is_lab=True, contact_host="127.0.0.1", options=OptionsSettings(interval_s=1.0))
    assert lab.hosts == ("127.0.0.1",)


def test_the_hosts_of_a_teams_trunk_are_its_contact_unless_said_otherwise() -> None:
    assert teams("Cust1").hosts == ("cust1.sbc.test",)
    assert teams(match=MatchRule(names=("a",), hosts=("B.test",))).hosts == ("b.test",)
    assert carrier().hosts == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"trunks": (carrier(), carrier())}, "two trunks have the same id"),
        ({"trunks": (carrier(edge="nowhere"),)}, "no such edge"),
        ({"trunks": (carrier(health_of=TrunkId("nobody")),)}, "no such trunk"),
        ({"trunks": (teams(),)}, "no certificate given"),
        (
            {"edges": (EdgeSettings(name="k", networks=("x",), secret_file="f"),)},
            "is not a network",
        ),
    ],
)
def test_references_must_lead_somewhere(changes: dict[str, Any], problem: str) -> None:
    values: dict[str, object] = {"listeners": UDP, "trunks": (carrier(),), **changes}
    with pytest.raises(ConfigError, match=problem):
        VoiceSettings(**values)  # type: ignore[arg-type]  # fields by name, checked by the struct


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="proxys"):
        msgspec.convert({"trunk": "a", "proxys": []}, TrunkSettings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sbc1.example.net", True), ("192.0.2.7", False), ("2001:db8::1", False), ("[::1]", False)],
)
def test_names_and_addresses_are_told_apart(text: str, expected: bool) -> None:
    assert is_host_name(text) is expected
