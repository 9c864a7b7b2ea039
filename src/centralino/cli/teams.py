# SPDX-License-Identifier: Apache-2.0
"""``centralino teams``: what an administrator needs to set up his own tenant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from centralino.bootstrap.teams.permissions import permissions_of
from centralino.bootstrap.teams.plan import read_plan
from centralino.bootstrap.teams.script import files_of
from centralino.core.kernel.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Set up your own Microsoft tenant.")


@app.callback()
def root() -> None:
    """Set up your own Microsoft tenant."""


@app.command()
def provision(
    plan: Annotated[Path, typer.Argument(help="What is to be set up, as YAML.")],
    out: Annotated[Path, typer.Option(help="Directory for the scripts and sheets.")] = Path(
        "teams-provisioning"
    ),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")
    ] = None,
) -> None:
    """Write the PowerShell that sets up a tenant, its undo, and the permission list."""
    if not plan.is_file():
        raise ConfigError(str(plan), "is not there", "examples/teams/plan.yaml shows one")
    reading = read_plan(plan.read_text(encoding="utf-8"))
    if reading.document is None:
        for problem in reading.problems:
            typer.echo(f"{plan}:{problem.line}: {problem.reason}", err=True)
        raise typer.Exit(1)
    out.mkdir(parents=True, exist_ok=True)
    files = files_of(reading.document)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
        print(f"wrote {out / name}")
    granted = permissions_of(reading.document.features)
    print(f"Next: grant {len(granted)} permissions ({out / 'permissions.md'}), then")
    print(f"run {out / 'provision.ps1'} -WhatIf, read what it would do, and run it without.")
    if json_file is not None:
        result = {
            "files": sorted(files),
            "permissions": [{"name": one.name, "kind": one.kind} for one in granted],
        }
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
