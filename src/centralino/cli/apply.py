# SPDX-License-Identifier: Apache-2.0
"""``centralino apply``: brings a tenant's file into force, or shows what it would change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from centralino.bootstrap.applying import apply_tenant

_HOW = {
    "planned": "Nothing was changed (--plan).",
    "unchanged": "Nothing to change.",
    "running": "In force in the running product.",
    "stored": "Stored; in force when the product starts.",
}


def apply(
    file: Annotated[Path, typer.Argument(help="A tenant as YAML.")],
    config: Annotated[Path, typer.Option(help="Settings as YAML.")],
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
) -> None:
    """Bring a tenant's numbers, queues, people, hours, prompts and flows into force."""
    applied = asyncio.run(apply_tenant(file, config, is_plan=plan))
    for fault in applied.faults:
        place = f"{fault.file}:{fault.line}" if fault.line else str(fault.file)
        print(f"{place}: {'' if fault.is_error else 'advice: '}{fault.reason}")
    if not applied.how:
        errors = sum(fault.is_error for fault in applied.faults)
        print(f"{file}: {errors} to mend; nothing was changed.")
        raise typer.Exit(2)
    for line in applied.changes:
        print(line)
    print(_HOW[applied.how])
