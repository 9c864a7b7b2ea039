# SPDX-License-Identifier: Apache-2.0
"""One running Entra for the tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.entra_stage import running_entra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kit.entra_stage import EntraStage


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for certificates."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture(scope="module")
def stage(module_folder: Path) -> Iterator[EntraStage]:
    """Give a running Entra."""
    with running_entra(module_folder) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment's bundles from overriding ``verify`` (a trap of requests)."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
