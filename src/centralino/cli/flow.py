# SPDX-License-Identifier: Apache-2.0
"""``centralino flow``: checks call flows, rehearses them, shows their schema."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from centralino.cli import flow_files
from centralino.core.flows.coverage import Coverage, NodeCoverage, ratio
from centralino.core.flows.document import Flow
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.rehearsal import rehearse
from centralino.core.flows.script import Script
from centralino.core.flows.surroundings import Surroundings
from centralino.core.flows.verdict import disappointments
from centralino.core.kernel.errors import ConfigError

app = typer.Typer(name="flow", help="Check and rehearse call flows.", no_args_is_help=True)

_FlowFile = Annotated[Path, typer.Argument(help="A flow as YAML.")]
_Company = Annotated[
    Path | None,
    typer.Option(help="What the company has; company.yaml beside the flow when missing."),
]
_JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")]


class CallerResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one scripted caller."""

    name: str
    passed: bool
    ended: str
    took_s: float
    path: list[str]
    disappointments: list[str]


@app.command()
def check(file: _FlowFile, company: _Company = None, json: _JsonFile = None) -> None:
    """Say what is wrong with a flow, line by line; without a company, names are not looked up."""
    folder = flow_files.open_folder(file, company)
    problems = flow_files.judge(folder)
    for problem in problems:
        print(_line(problem))
    errors = sum(problem.is_error for problem in problems)
    _write(json, {"file": str(file), "errors": errors, "problems": msgspec.to_builtins(problems)})
    if errors:
        print(f"{file}: {errors} to mend before it can be published.")
        raise typer.Exit(1)
    names = "" if folder.surroundings is not None else " Names were not looked up (no company)."
    print(f"{file}: good.{names}")


@app.command("test")
def rehearse_flow(
    file: _FlowFile,
    script: Annotated[
        Path | None,
        typer.Option(help="The callers as YAML; FLOW.test.yaml beside the flow when missing."),
    ] = None,
    company: _Company = None,
    floor: Annotated[
        int, typer.Option(min=0, max=100, help="Fail below this coverage, in percent.")
    ] = 0,
    json: _JsonFile = None,
) -> None:
    """Let scripted callers through a flow, in no time, and say which branches none of them took."""
    folder = flow_files.open_folder(file, company)
    errors = [problem for problem in flow_files.judge(folder) if problem.is_error]
    if folder.flow is None or errors:
        for problem in errors:
            print(_line(problem))
        raise typer.Exit(1)
    callers = flow_files.read_script(script or flow_files.script_of(file))
    flows = (folder.flow, *folder.others.values())
    around = folder.surroundings or Surroundings(prompts=flow_files.product_prompts())
    coverage = Coverage()
    results = _rehearse(folder.flow, FlowLibrary(around.catalogue(flows)), callers, coverage)
    covered = coverage.of(folder.flow)
    taken, total = ratio(covered)
    percent = 100 * taken // total
    _show(results, covered, f"{taken} of {total} nodes and edges taken ({percent} %)")
    is_good = all(result.passed for result in results) and percent >= floor
    report = {
        "file": str(file),
        "passed": is_good,
        "callers": msgspec.to_builtins(results),
        "coverage": {"taken": taken, "total": total, "nodes": msgspec.to_builtins(covered)},
    }
    _write(json, report)
    if not is_good:
        raise typer.Exit(1)


@app.command()
def schema(
    company: Annotated[
        bool, typer.Option("--company", help="That of company.yaml instead.")
    ] = False,
    script: Annotated[
        bool, typer.Option("--script", help="That of scripted callers instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of flows, for editors that complete and check while one types."""
    if company and script:
        raise ConfigError("--company, --script", "only one of them")
    kind = Surroundings if company else Script if script else Flow
    print(json_format.dumps(msgspec.json.schema(kind), indent=2))


def _rehearse(
    flow: Flow, library: FlowLibrary, script: Script, coverage: Coverage
) -> list[CallerResult]:
    results = []
    for caller in script.callers:
        played = rehearse(library, flow.flow, caller, script.prompt_s)
        coverage.add(played.entries)
        wrong = disappointments(caller, flow.flow, played)
        results.append(
            CallerResult(
                name=caller.name,
                passed=not wrong,
                ended=played.end,
                took_s=round(played.took_s, 3),
                path=played.nodes,
                disappointments=wrong,
            )
        )
    return results


def _show(results: list[CallerResult], covered: list[NodeCoverage], summary: str) -> None:
    for result in results:
        print(f"{'ok  ' if result.passed else 'FAIL'} {result.name} ({result.took_s:g} s)")
        for reason in result.disappointments:
            print(f"     {reason}")
    print()
    for node in covered:
        missed = [edge for edge, count in node.taken.items() if not count]
        told = f"  never: {', '.join(missed)}" if missed else ""
        print(f"{node.entered:5} {node.node}{told}")
    print(f"{summary}; {sum(not result.passed for result in results)} callers disappointed.")


def _line(problem: flow_files.FileProblem) -> str:
    kind = "error" if problem.is_error else "advice"
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    node = f"{problem.node}: " if problem.node else ""
    return f"{where}: {kind}: {node}{problem.reason}"


def _write(path: Path | None, report: object) -> None:
    if path is not None:
        path.write_text(json_format.dumps(report) + "\n", encoding="utf-8")
