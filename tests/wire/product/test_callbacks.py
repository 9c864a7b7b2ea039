# SPDX-License-Identifier: Apache-2.0
"""A callback on the wire: booked by a caller, dialled by the product, heard both ways."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.flows.document import Flow, PublishedFlow
from centralino.core.interactions.callback_policy import CallbackPolicy
from centralino.simulators import scenario as far
from tests.wire.product.stage import Plot, caller, stage, until, user
from tests.wire.product.test_flows import FLOW, tenant

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.core.routing.configuration import TenantConfiguration

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

CUSTOMER_HZ = 1730
LATER: dict[str, Any] = {
    **FLOW,
    "nodes": {
        **FLOW["nodes"],
        "menu": {**FLOW["nodes"]["menu"], "keys": {"7": "later"}},
        "later": {
            "type": "callback",
            "queue": "service",
            "prompts": ["hold"],
            "booked_prompts": ["goodbye"],
            "declined": "bye",
        },
    },
}


def calling_back(agents: tuple[far.TeamsUser, ...]) -> TenantConfiguration:
    """Return a tenant whose queue calls back, soon again when the customer is busy."""
    plain = tenant(agents)
    flow = PublishedFlow(version=1, flow=msgspec.convert(LATER, Flow))
    (queue,) = plain.queues
    policy = CallbackPolicy(busy_retry_ms=500, ring_for_ms=8000)
    return msgspec.structs.replace(
        plain,
        catalogue=msgspec.structs.replace(plain.catalogue, flows=(flow,)),
        queues=(msgspec.structs.replace(queue, callbacks=policy),),
    )


def test_a_customer_is_called_back_and_talks_to_an_agent(tmp_path: Path) -> None:
    async def run() -> None:
        agent = user(1)
        line = caller(1, keys="71", talk_for_ms=60_000, patience_ms=60_000)
        phone = far.Subscriber(number=line.number, tone_hz=CUSTOMER_HZ, talk_for_ms=4000)
        plot = Plot(
            users=(agent,),
            callers=(line,),
            subscribers=(phone,),
            listen_for_hz=(agent.tone_hz,),
            tenant=calling_back((agent,)),
        )
        async with stage(tmp_path, plot) as s:
            s.carrier.call(line)
            await until(lambda: "callback.booked" in s.journal_text(), timeout_s=40)
            await s.report.wait_for("user.heard", tone_hz=CUSTOMER_HZ, timeout_s=40)
            ended = await s.report.wait_for("subscriber.ended", timeout_s=40)
            assert ended["tones_heard"] == [agent.tone_hz]
            text = s.journal_text()
            order = ["callback.queued", "callback.dialled", "callback.reached", "offer.accepted"]
            places = [text.index(f'"{name}"') for name in order]
            assert places == sorted(places), "the agent is rung when the customer has answered"
            await until(lambda: s.journal_text().count('"interaction.ended"') == 2, timeout_s=40)

    asyncio.run(run())


def test_a_customer_who_is_busy_is_called_again_and_given_up(tmp_path: Path) -> None:
    async def run() -> None:
        agent = user(1)
        line = caller(1, keys="71", talk_for_ms=60_000, patience_ms=60_000)
        phone = far.Subscriber(number=line.number, tone_hz=CUSTOMER_HZ, behaviour="busy")
        plot = Plot(
            users=(agent,),
            callers=(line,),
            subscribers=(phone,),
            tenant=calling_back((agent,)),
        )
        async with stage(tmp_path, plot) as s:
            s.carrier.call(line)
            await until(lambda: "callback.failed" in s.journal_text(), timeout_s=60)
            text = s.journal_text()
            assert text.count('"callback.dialled"') == 3
            assert text.count('"callback.missed"') == 2
            assert s.report.of("user.heard") == [], "no agent's telephone rings in vain"

    asyncio.run(run())
