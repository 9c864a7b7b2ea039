# SPDX-License-Identifier: Apache-2.0
"""A rich notification counts only with Microsoft's own proof for that organisation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.entra.notification import PUBLISHER, NotificationProof
from centralino.exchange.microsoft import DirectoryId
from tests.kit import entra as kit
from tests.unit.entra.stage import TokenStage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

FIRST, OTHER = DirectoryId(kit.TENANT_ID), DirectoryId(kit.OTHER_TENANT_ID)


def is_genuine(stage: TokenStage, *tokens: str, directory: DirectoryId = FIRST) -> bool:
    proof = NotificationProof(stage.settings, stage.tokens, stage.clock)
    return asyncio.run(proof.is_genuine(tokens, directory))


def test_the_publishers_token_proves_its_organisation_and_no_other(tmp_path: Path) -> None:
    stage = TokenStage(tmp_path)
    token = stage.mint.validation_token(kit.CLIENT_ID, FIRST, PUBLISHER)
    assert is_genuine(stage, token)
    assert not is_genuine(stage, token, directory=OTHER)
    other = stage.mint.validation_token(kit.CLIENT_ID, OTHER, PUBLISHER)
    assert is_genuine(stage, other, token), "one token per organisation comes along"


def test_what_is_not_proven_does_not_count(tmp_path: Path) -> None:
    stage = TokenStage(tmp_path)
    assert not is_genuine(stage)
    assert not is_genuine(stage, "nonsense", "a.b.c")
    assert not is_genuine(stage, stage.tab_token()), "a person's token proves no delivery"
    another_app = stage.mint.validation_token(kit.DAEMON_ID, FIRST, PUBLISHER)
    assert not is_genuine(stage, another_app)
    another_publisher = stage.mint.validation_token(kit.CLIENT_ID, FIRST, kit.DAEMON_ID)
    assert not is_genuine(stage, another_publisher)
    token = stage.mint.validation_token(kit.CLIENT_ID, FIRST, PUBLISHER)
    head, claims, signature = token.split(".")
    assert not is_genuine(stage, f"{head}.{claims}.{signature[:-4]}AAAA")


def test_an_old_proof_does_not_count(tmp_path: Path) -> None:
    stage = TokenStage(tmp_path)
    token = stage.mint.validation_token(kit.CLIENT_ID, FIRST, PUBLISHER)
    stage.time.advance(3 * 3600)
    assert not is_genuine(stage, token)
