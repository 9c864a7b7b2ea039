# SPDX-License-Identifier: Apache-2.0
"""Writes ``config.sample.yaml``: every setting with its reason, from the typed tree.

``python -m centralino.bootstrap.sample`` prints it. The values are an example of a
small company behind Direct Routing; the comments are the docstrings of the fields.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import yaml

from centralino.adapters.voice.settings import (
    TEAMS_NETWORKS,
    TEAMS_PROXIES,
    ListenerSettings,
    MatchRule,
    ProxySettings,
    TlsSettings,
    TrunkSettings,
    VoiceSettings,
)
from centralino.bootstrap.settings import Settings
from centralino.core.flows.menu import MenuFlow, MenuKey
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)

_HEAD = """\
# Settings of Centralino: an example in which every key is shown with its reason.
# Made by `python -m centralino.bootstrap.sample`; keys that are left out have the value
# shown here unless the comment says that there is none.
"""
_WIDTH = 92
_TENANT = TenantId("example")


def example_settings() -> Settings:
    """Return settings of a small company: one Teams trunk, one carrier, two agents."""
    return Settings(
        data_dir="/var/lib/centralino",
        run_dir="/run/centralino",
        tenants=(_tenant(),),
        voice=VoiceSettings(
            listeners=(
                ListenerSettings(transport="udp", address="198.51.100.10"),
                ListenerSettings(transport="tls", address="198.51.100.10", port=5061),
            ),
            tls=TlsSettings(
                certificate_file="/etc/centralino/sbc.example.com.crt",
                private_key_file="/etc/centralino/sbc.example.com.key",
            ),
            trunks=(_teams_trunk(), _carrier_trunk()),
            media_address="198.51.100.10",
            data_dir="/var/lib/centralino/voice",
            run_dir="/run/centralino",
            recording_dir="/var/lib/centralino/recordings",
        ),
    )


def _tenant() -> TenantConfiguration:
    queue = QueueConfiguration(
        id=QueueId("sales"),
        name="Sales",
        agents=(AgentId("anna"), AgentId("bruno")),
        music=("music",),
    )
    flow = MenuFlow(
        name="main",
        greeting=("greeting.en",),
        menu=("menu.en",),
        keys=(MenuKey(digit="1", queue=queue.id),),
        default_queue=queue.id,
    )
    agents = tuple(
        AgentConfiguration(
            id=AgentId(name), name=name.title(), trunk=TrunkId("teams"), target=phone
        )
        for name, phone in (("anna", "+390200000011"), ("bruno", "+390200000012"))
    )
    return TenantConfiguration(
        tenant=_TENANT,
        name="Example",
        numbers=(NumberConfiguration(number="+390200000010", flow=flow.name),),
        flows=(flow,),
        queues=(queue,),
        agents=agents,
    )


def _teams_trunk() -> TrunkSettings:
    return TrunkSettings(
        trunk=TrunkId("teams"),
        tenant=_TENANT,
        profile="teams-direct",
        proxies=tuple(ProxySettings(host=name, port=5061) for name in TEAMS_PROXIES),
        match=MatchRule(names=("sip.pstnhub.microsoft.com",), networks=TEAMS_NETWORKS),
        contact_host="sbc.example.com",
        srtp="required",
    )


def _carrier_trunk() -> TrunkSettings:
    return TrunkSettings(
        trunk=TrunkId("carrier"),
        tenant=_TENANT,
        profile="carrier",
        transport="udp",
        proxies=(ProxySettings(host="203.0.113.20", port=5060),),
        match=MatchRule(networks=("203.0.113.20/32",)),
        contact_host="198.51.100.10",
    )


def sample_text() -> str:
    """Return the whole file."""
    return settings_text(_HEAD, example_settings())


def settings_text(head: str, settings: Settings) -> str:
    """Return settings as YAML with their reasons, below the comment ``head``."""
    return head + "\n".join(_lines(settings, 0, set())) + "\n"


def _lines(value: msgspec.Struct, depth: int, explained: set[type]) -> Iterator[str]:
    pad = "  " * depth
    kind = type(value)
    is_new = kind not in explained
    explained.add(kind)
    reasons = field_reasons(kind)
    for name in kind.__struct_fields__:
        if is_new and name in reasons:
            for line in textwrap.wrap(reasons[name], _WIDTH - len(pad)):
                yield f"{pad}# {line}"
        yield from _entry(name, getattr(value, name), depth, explained)


def _entry(name: str, value: Any, depth: int, explained: set[type]) -> Iterator[str]:  # noqa: ANN401 - any setting
    pad = "  " * depth
    if isinstance(value, msgspec.Struct):
        yield f"{pad}{name}:"
        yield from _lines(value, depth + 1, explained)
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        yield f"{pad}{name}:"
        for item in value:
            yield f"{pad}  -"
            yield from _lines(item, depth + 2, explained)
    else:
        yield f"{pad}{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:  # noqa: ANN401 - any setting
    text = yaml.safe_dump(msgspec.to_builtins(value), default_flow_style=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


@cache
def field_reasons(kind: type) -> dict[str, str]:
    """Return the docstring below each field of a struct, as one line each."""
    reasons: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if not issubclass(owner, msgspec.Struct) or owner is msgspec.Struct:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        definition = tree.body[0]
        if not isinstance(definition, ast.ClassDef):
            continue
        for field, text in zip(definition.body, definition.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                reasons[field.target.id] = " ".join(str(text.value.value).split())
    return reasons


if __name__ == "__main__":
    sys.stdout.write(sample_text())
