# SPDX-License-Identifier: Apache-2.0
"""``centralino serve`` and ``centralino simulate``."""

from __future__ import annotations

import asyncio
from pathlib import Path

from centralino.bootstrap.serve import run_far_side, run_product


def run(config: Path | None) -> int:
    """Run the product until it is told to stop."""
    asyncio.run(run_product(config, print))
    return 0


def simulate(parts: tuple[str, ...], scenario: Path | None, seed: int, data_dir: Path) -> int:
    """Run the far side until it is told to stop; its report goes to standard output."""
    return run_far_side(parts, scenario, seed, data_dir)
