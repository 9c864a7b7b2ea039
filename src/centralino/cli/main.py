# SPDX-License-Identifier: Apache-2.0
"""The commands and their options; what they do lies in ``bootstrap``."""

from __future__ import annotations

import sys
from enum import StrEnum
from errno import ENOSPC
from pathlib import Path
from typing import Annotated

import typer

from centralino import __version__
from centralino.cli import apply as apply_command
from centralino.cli import certify as certify_command
from centralino.cli import demo as demo_command
from centralino.cli import doctor as doctor_command
from centralino.cli import explain as explain_command
from centralino.cli import flow as flow_command
from centralino.cli import replay as replay_command
from centralino.cli import serve as serve_command
from centralino.cli import staff as staff_command
from centralino.cli import teams as teams_command
from centralino.cli import twin as twin_command
from centralino.core.kernel.errors import AppError, ConfigError

FAILED, WRONG_USAGE = 1, 2

app = typer.Typer(
    name="centralino",
    help="A self-hostable contact center for Microsoft Teams.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(flow_command.app)
app.add_typer(teams_command.app, name="teams")
app.command()(certify_command.certify)
app.command()(apply_command.apply)
app.command()(staff_command.staff)
app.command()(twin_command.twin)


class Model(StrEnum):
    """Microsoft's integration models."""

    CONNECT = "connect"
    EXTEND = "extend"
    POWER = "power"


JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """A self-hostable contact center for Microsoft Teams."""
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def demo(  # noqa: PLR0913 - one argument per option
    model: Annotated[Model, typer.Option(help="Integration model.")] = Model.CONNECT,
    headless: Annotated[bool, typer.Option("--headless", help="No live picture.")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Let calls come this long, then judge and end.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same callers.")] = 1,
    json: JsonFile = None,
    data: Annotated[Path, typer.Option(help="Where journal, recordings and logs are kept.")] = Path(
        "centralino-data/demo"
    ),
    plant: Annotated[str, typer.Option(hidden=True, help="Plant a defect: mute.")] = "",
) -> None:
    """Run the product with a simulated tenant, carrier and people; calls arrive by themselves."""
    if model is not Model.CONNECT:
        _stop(f"The model {model} is not part of this version; there is: connect.", WRONG_USAGE)
    if plant not in {"", "mute"}:
        _stop(f"There is no defect {plant!r} to plant; there is: mute.", WRONG_USAGE)
    options = demo_command.DemoOptions(
        is_headless=headless,
        seconds=seconds if seconds is not None or not headless else 60.0,
        seed=seed,
        json_file=json,
        data_dir=data,
        plant=plant,
    )
    raise typer.Exit(demo_command.run(options))


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option(help="Settings as YAML.")] = None,
) -> None:
    """Run the exchange, voice and media for real use."""
    raise typer.Exit(serve_command.run(config))


@app.command()
def simulate(
    parts: Annotated[
        list[str] | None,
        typer.Argument(help="direct-routing, carrier, entra, graph; all when none is named."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario as YAML; the demo's when missing.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same callers.")] = 1,
    data: Annotated[Path, typer.Option(help="Where certificates are kept.")] = Path(
        "centralino-data/demo"
    ),
) -> None:
    """Run only the far side, for development against it; reports JSON lines."""
    known = {"direct-routing", "carrier", "entra", "graph"}
    unknown = sorted(set(parts or ()) - known)
    if unknown:
        _stop(f"There is no part {unknown[0]}; there are: {', '.join(sorted(known))}.", WRONG_USAGE)
    raise typer.Exit(serve_command.simulate(tuple(parts or sorted(known)), scenario, seed, data))


@app.command()
def replay(
    journal: Annotated[
        Path | None, typer.Argument(help="Journal file, or the data directory of one.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings as YAML: replay the journal that they name.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Tell what would have changed under this tenant's file or settings."),
    ] = None,
    json: JsonFile = None,
) -> None:
    """Decide a journal again from its inputs and compare every event."""
    if journal is None and config is None:
        _stop("Which journal? Name its file or directory, or settings with --config.", WRONG_USAGE)
    raise typer.Exit(replay_command.run(journal, config, against, json))


@app.command()
def explain(
    interaction: Annotated[str, typer.Argument(help="Its id, as the live state shows it.")],
    at: Annotated[
        str | None, typer.Option(help="The moment, as 2026-11-29T10:15:00Z; now when missing.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Journal file, or the data directory of one.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings as YAML: the journal that they name.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose; all are looked at if missing.")] = None,
    json: JsonFile = None,
) -> None:
    """Say why an interaction waits: for each agent the rule against him, per queue who is next."""
    if journal is None and config is None:
        _stop("Which journal? Name it with --journal, or settings with --config.", WRONG_USAGE)
    raise typer.Exit(explain_command.run(interaction, at, tenant, (journal, config), json))


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings as YAML.")] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="A tenant's settings: a file of settings.ps1, or a simulated tenant."),
    ] = None,
    features: Annotated[
        list[str] | None, typer.Option("--for", help="Judge the tenant for this feature or model.")
    ] = None,
    json: JsonFile = None,
) -> None:
    """Check configuration, certificates, names, ports and a tenant, and say how to mend each."""
    if config is None and tenant is None:
        _stop("Say what to examine: --config FILE, --tenant FILE, or both.", WRONG_USAGE)
    raise typer.Exit(doctor_command.run(config, tenant, features or (), json))


def _stop(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; the entry point of ``centralino``."""
    try:
        app()
    except ConfigError as error:
        typer.echo(f"Configuration: {error.message}", err=True)
        sys.exit(WRONG_USAGE)
    except AppError as error:
        typer.echo(error.message, err=True)
        sys.exit(FAILED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename is not None else ""
        mend = ". Free some room there, then start it again." if error.errno == ENOSPC else ""
        typer.echo(f"{place}{error.strerror or error}{mend}", err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
