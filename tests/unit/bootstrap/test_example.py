# SPDX-License-Identifier: Apache-2.0
"""The example that people serve by hand is the demo's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from centralino.bootstrap.demo.company import tenant_configuration
from centralino.bootstrap.demo.example import example_text
from centralino.bootstrap.sources import load_settings

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[3] / "examples" / "demo" / "aurora.yaml"


def test_the_committed_example_is_up_to_date() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example_text()


def test_it_loads_and_holds_the_demos_company() -> None:
    settings = load_settings(EXAMPLE, {})
    assert settings.tenants == (tenant_configuration(),)
    assert settings.run_dir is None
