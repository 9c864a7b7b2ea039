# SPDX-License-Identifier: Apache-2.0
"""The page of commands: every command of `centralino` with its arguments and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

import typer.main

from centralino.cli.main import app
from tools.pages.discovery import cell

PATH = "reference/commands.md"

_INTRODUCTION = """\
# Commands

This page is made from the commands themselves; `centralino COMMAND --help` says the same. A command
ends with 0 when all is well, with 1 when it failed, with 2 when it was called wrongly.
"""


class Parameter(Protocol):
    """What this page reads of an argument or an option."""

    name: str | None
    opts: list[str]
    secondary_opts: list[str]
    param_type_name: str


class Command(Protocol):
    """What this page reads of a command."""

    help: str | None

    params: list[Parameter]


def commands(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    """Yield every command below `command` that is not a mere group, with its full name."""
    below = getattr(command, "commands", None)
    if not below:
        yield path, command
        return
    for name in sorted(below):
        yield from commands(below[name], f"{path} {name}")


def render() -> str:
    """Return the page."""
    root = cast("Command", typer.main.get_command(app))
    return "\n".join([_INTRODUCTION, *(_section(*pair) for pair in commands(root, "centralino"))])


def _section(path: str, command: Command) -> str:
    about = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    lines = [f"## `{path}`\n", f"{about}\n"]
    shown = [
        parameter
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "hidden", False)
    ]
    if shown:
        lines += ["| argument or option | default | meaning |", "|---|---|---|"]
        lines += [_row(parameter) for parameter in shown]
    return "\n".join(lines) + "\n"


def _row(parameter: Parameter) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [(parameter.name or "").upper()]
    default = getattr(parameter, "default", None)
    is_plain = default is None or default is False or default == () or callable(default)
    shown = "" if is_plain else f"`{cell(str(default))}`"
    told = " ".join(str(getattr(parameter, "help", None) or "").split())
    return f"| {', '.join(f'`{name}`' for name in names)} | {shown} | {cell(told)} |"
