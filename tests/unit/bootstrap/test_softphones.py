# SPDX-License-Identifier: Apache-2.0
"""The demo knows callers on this machine by every address that the machine has."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.trunks import TrunkRegistry
from centralino.bootstrap.authority import DemoAuthority
from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.identity import Identity
from centralino.bootstrap.demo.softphones import own_networks
from centralino.bootstrap.demo.wiring import SBC_HOST, demo_settings, usual_ports
from centralino.bootstrap.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def test_every_network_is_one_address_of_this_machine() -> None:
    networks = own_networks()
    assert networks[0] == "127.0.0.1/32"
    assert len(set(networks)) == len(networks)
    for network in networks:
        address, _, length = network.partition("/")
        assert length == "32"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((address, 0))


def test_the_demo_takes_a_call_from_each_and_from_nobody_else(tmp_path: Path) -> None:
    sbc = DemoAuthority(tmp_path, datetime(2026, 1, 1, tzinfo=UTC)).issue("sbc", [SBC_HOST])
    settings = demo_settings(
        Layout(tmp_path, tmp_path), usual_ports(), sbc, Identity.below(tmp_path)
    )
    registry = TrunkRegistry.from_settings(settings.voice)
    for network in own_networks():
        peer = registry.peer("udp", network.removesuffix("/32"))
        assert peer is not None
        assert peer.first == company.CARRIER_TRUNK
    assert registry.peer("udp", "203.0.113.9") is None
