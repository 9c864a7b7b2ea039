# SPDX-License-Identifier: Apache-2.0
"""What the simulated proxies say of certificates, in both directions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import pytest

from centralino.simulators.scenario import OutgoingCall
from tests.kit.certificates import (
    EXPIRED,
    NOT_YET_VALID,
    SERVER_ONLY,
    Identity,
    strange_authority,
    trusted_authority,
)
from tests.wire.simulators.sbc import TRUNK, user, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

ANNA = "+14255550101"
Rule = Literal["off", "warn", "strict"]


def without_intermediate() -> Identity:
    whole = trusted_authority().intermediate().issue(TRUNK)
    return Identity(whole.certificate, whole.key)


WRONG = [
    (trusted_authority().issue(TRUNK, validity=EXPIRED), "expired", 569008),
    (trusted_authority().issue(TRUNK, validity=NOT_YET_VALID), "not-yet-valid", 569003),
    (strange_authority().issue(TRUNK), "untrusted-root", 569009),
    (without_intermediate(), "untrusted-root", 569009),
]


@pytest.mark.parametrize(("identity", "kind", "subcode"), WRONG)
def test_a_wrong_certificate_of_a_caller_is_named(
    tmp_path: Path, identity: Identity, kind: str, subcode: int
) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), identity=identity) as w:
            w.sbc.call(ANNA, w.proxy_port)
            failed = await w.report.wait_for("tls.failed", direction="in")
            assert (failed["kind"], failed["subcode"]) == (kind, subcode)

    asyncio.run(run())


@pytest.mark.parametrize(("identity", "kind", "subcode"), WRONG)
def test_a_wrong_certificate_of_a_called_one_is_named(
    tmp_path: Path, identity: Identity, kind: str, subcode: int
) -> None:
    async def run() -> None:
        call = OutgoingCall(at_ms=0, user=user().oid, number="+390612345678")
        async with world(tmp_path, user(), identity=identity) as w:
            w.teams.place(call)
            failed = await w.report.wait_for("tls.failed", direction="out", trunk=TRUNK)
            assert (failed["kind"], failed["subcode"]) == (kind, subcode)

    asyncio.run(run())


def test_a_certificate_with_another_name_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        call = OutgoingCall(at_ms=0, user=user().oid, number="+390612345678")
        async with world(tmp_path, user(), certificate_name="other.sbc.test") as w:
            w.teams.place(call)
            failed = await w.report.wait_for("tls.failed", direction="out", trunk=TRUNK)
            assert (failed["kind"], failed["hresult"]) == ("wrong-name", "0x80090322")

    asyncio.run(run())


def test_strict_refuses_a_certificate_for_servers_only(tmp_path: Path) -> None:
    async def run() -> None:
        identity = trusted_authority().issue(TRUNK, usages=SERVER_ONLY)
        async with world(tmp_path, user(), identity=identity, eku="strict") as w:
            w.sbc.call(ANNA, w.proxy_port)
            failed = await w.report.wait_for("tls.failed")
            assert (failed["kind"], failed["subcode"]) == ("wrong-usage", 569002)

    asyncio.run(run())


@pytest.mark.parametrize(("eku", "warnings"), [("warn", 1), ("off", 0)])
def test_otherwise_it_may_call(tmp_path: Path, eku: Rule, warnings: int) -> None:
    async def run() -> None:
        identity = trusted_authority().issue(TRUNK, usages=SERVER_ONLY)
        async with world(tmp_path, user(), identity=identity, eku=eku) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("answered")
            assert len(w.report.of("tls.warned", kind="wrong-usage")) == warnings

    asyncio.run(run())


def test_a_trunk_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        call = OutgoingCall(at_ms=0, user=user().oid, number="+390612345678")
        async with world(tmp_path, user()) as w:
            w.sbc.refuse_with = 503
            w.teams.place(call)
            failed = await w.report.wait_for("tls.failed", trunk="dead.sbc.test")
            assert (failed["kind"], failed["subcode"]) == ("not-connected", 569002)

    asyncio.run(run())
