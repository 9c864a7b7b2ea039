# SPDX-License-Identifier: Apache-2.0
"""The page of capabilities: what each integration model and profile can do in a call."""

from __future__ import annotations

from centralino.exchange.capabilities import CAPABILITIES, Capability, Cell, Support
from tools.pages.discovery import cell

PATH = "reference/capabilities.md"

_INTRODUCTION = """\
# Capabilities of the models

The models differ, and we say so. This page is made from `centralino.exchange.capabilities`,
the table that the product itself checks. *Emulated* means: done by us in another way, which
the note tells. Only Connect has a driver today; the columns of Extend and Power state what
theirs will have to honour.
"""
_WORDS = {Support.NATIVE: "yes", Support.EMULATED: "emulated", Support.ABSENT: "no"}


def render() -> str:
    """Return the page."""
    columns = list(CAPABILITIES)
    names = [f"{model.value}, {profile.value}" for model, profile in columns]
    lines = [
        _INTRODUCTION,
        f"| capability | {' | '.join(names)} |",
        "|---|" + "---|" * len(columns),
    ]
    for capability in Capability:
        cells = (_cell(CAPABILITIES[column][capability]) for column in columns)
        lines.append(f"| {capability.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(entry: Cell) -> str:
    word = _WORDS[entry.support]
    return cell(f"{word}: {entry.note}" if entry.note else word)
