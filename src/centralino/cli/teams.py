# SPDX-License-Identifier: Apache-2.0
"""``centralino teams``: what an administrator needs to set up his own tenant."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from centralino.bootstrap.importing import read_import
from centralino.bootstrap.teams.permissions import permissions_of
from centralino.bootstrap.teams.plan import read_plan
from centralino.bootstrap.teams.script import files_of
from centralino.core.kernel.errors import ConfigError
from centralino.exchange.people_import import as_yaml

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


@app.command("import-people")
def import_people(
    config: Annotated[Path, typer.Option(help="Settings as YAML.")],
    group: Annotated[list[str], typer.Option(help="Object id of a group; may be repeated.")],
    tenant: Annotated[str, typer.Option(help="Which tenant; the first one when left out.")] = "",
    file: Annotated[Path | None, typer.Option(help="The tenant's file, to see who is new.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="Queue of the new agents.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")
    ] = None,
) -> None:
    """Read the people of groups and print those who are new as agents for the tenant's file."""
    plan = asyncio.run(read_import(config, tenant, group, file))
    print(as_yaml(plan.new, queue or []), end="")
    typer.echo(f"{len(plan.new)} new, {plan.known} known already.", err=True)
    for user in plan.unreachable:
        typer.echo(f"{user} has no business number that can be called.", err=True)
    for agent in plan.gone:
        typer.echo(f"{agent} of the file is in none of the groups.", err=True)
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
