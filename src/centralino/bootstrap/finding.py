# SPDX-License-Identifier: Apache-2.0
"""The result of one check of ``centralino doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    is_good: bool
    text: str
    cure: str = ""
