# SPDX-License-Identifier: Apache-2.0
"""Trunks as the unit tests of the edge use them."""

from __future__ import annotations

from typing import Any

import msgspec

from centralino.adapters.voice.settings import MatchRule, ProxySettings, TrunkSettings
from centralino.core.kernel.ids import TenantId, TrunkId

SECOND = 1_000_000_000


def carrier(name: str = "carrier", **changes: Any) -> TrunkSettings:  # noqa: ANN401  any field
    """A carrier over UDP from one network."""
    settings = TrunkSettings(
        trunk=TrunkId(name),
        tenant=TenantId("acme"),
        profile="carrier",
        transport="udp",
        contact_host="sbc.example.test",
        match=MatchRule(networks=("192.0.2.0/24",)),
    )
    return msgspec.structs.replace(settings, **changes)


def teams(name: str = "teams", **changes: Any) -> TrunkSettings:  # noqa: ANN401  any field
    """A Direct Routing trunk with three proxies."""
    settings = TrunkSettings(
        trunk=TrunkId(name),
        tenant=TenantId("acme"),
        profile="teams-direct",
        contact_host=f"{name}.sbc.test",
        match=MatchRule(names=("sip.pstnhub.test",), networks=("52.112.0.0/14",)),
        srtp="required",
        proxies=tuple(ProxySettings(host=host) for host in ("sip", "sip2", "sip3")),
    )
    return msgspec.structs.replace(settings, **changes)
