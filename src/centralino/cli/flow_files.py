# SPDX-License-Identifier: Apache-2.0
"""Flow files as people keep them: one flow per file, its neighbours, company and script.

A flow may run the other flows of its folder. ``company.yaml`` beside it names what the
company has; ``<flow>.test.yaml`` holds its scripted callers. The product's own prompts are
always there.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec

from centralino.core.flows.check import Judged, check_flow, check_surroundings
from centralino.core.flows.document import Flow
from centralino.core.flows.reading import Marks, Problem, convert, read_flow, read_tree
from centralino.core.flows.script import Script
from centralino.core.flows.surroundings import Surroundings
from centralino.core.kernel.errors import ConfigError, StorageError
from centralino.exchange.flow_needs import lacks

COMPANY = "company.yaml"
SCRIPT_SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A problem and the file it is in."""

    file: str
    line: int
    node: str
    reason: str
    is_error: bool


@dataclass(slots=True)
class Folder:
    """One flow file with all that belongs to it."""

    path: Path
    flow: Flow | None
    marks: Marks
    others: dict[str, Flow]
    surroundings: Surroundings | None
    problems: list[FileProblem]


def open_folder(path: Path, company: Path | None) -> Folder:
    """Read a flow, its neighbours and its company.

    Raises:
        ConfigError: ``path`` or ``company`` is not there.
    """
    reading = read_flow(read(path))
    folder = Folder(path, reading.document, reading.marks, {}, None, [])
    folder.problems += [file_problem(path, one) for one in reading.problems]
    for neighbour in sorted(path.parent.glob("*.yaml")):
        if neighbour != path and not neighbour.name.endswith(SCRIPT_SUFFIX):
            _take_neighbour(folder, neighbour)
    if company is not None or (path.parent / COMPANY).is_file():
        _take_company(folder, company or path.parent / COMPANY)
    return folder


def judge(folder: Folder) -> list[FileProblem]:
    """Return everything that is wrong with a flow, in the order of its lines."""
    if folder.flow is None:
        return folder.problems
    judged = Judged(folder.flow, folder.marks, folder.surroundings, folder.others)
    found = [*folder.problems, *(file_problem(folder.path, one) for one in check_flow(judged))]
    if folder.surroundings is not None:
        flows = {**folder.others, folder.flow.flow: folder.flow}
        ours = [one for one in folder.surroundings.numbers if one.flow == folder.flow.flow]
        for lack in lacks(flows, ours):
            is_here = lack.flow == folder.flow.flow
            line = folder.marks.line("nodes", lack.node) if is_here and lack.node else 0
            reason = f"the number {lack.number}: {lack.reason}"
            found.append(FileProblem(str(folder.path), line, lack.node, reason, True))
    return sorted(found, key=lambda one: (one.file, one.line, one.reason))


def read_script(path: Path) -> Script:
    """Read scripted callers.

    Raises:
        ConfigError: the file is not there, or says what no script says.
    """
    reading = convert(read_tree(read(path)), Script)
    if reading.document is None:
        first = reading.problems[0]
        raise ConfigError(f"{path}:{first.line}", first.reason)
    return reading.document


def script_of(path: Path) -> Path:
    """Return where the scripted callers of a flow file are kept."""
    return path.with_name(path.name.removesuffix(".yaml") + SCRIPT_SUFFIX)


def read(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: there is none, or it is no text.
        StorageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError(str(path), "there is no such file") from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "this is not UTF-8 text") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from None


def file_problem(path: Path, problem: Problem) -> FileProblem:
    """Name the file of a problem."""
    return FileProblem(str(path), problem.line, problem.node, problem.reason, problem.is_error)


def product_prompts() -> dict[str, tuple[str, ...]]:
    """Return the prompts that come with the product, each with its languages."""
    text = resources.files("centralino.prompts").joinpath("prompts.yaml").read_text("utf-8")
    listed = read_tree(text).value
    found: dict[str, tuple[str, ...]] = {one["id"]: () for one in listed["music"]}
    for one in listed["prompts"]:
        found[one["id"]] = (*found.get(one["id"], ()), one["language"])
    return found


def _take_neighbour(folder: Folder, path: Path) -> None:
    tree = read_tree(read(path))
    if not isinstance(tree.value, dict) or "flow" not in tree.value:
        return
    flow = convert(tree, Flow).document
    if flow is None:
        reason = f"{path.name} is wrong itself: check it first"
        folder.problems.append(FileProblem(str(path), 0, "", reason, False))
    elif folder.flow is not None and flow.flow == folder.flow.flow:
        reason = f"{path.name} has the name {flow.flow} as well"
        folder.problems.append(FileProblem(str(folder.path), 0, "", reason, True))
    else:
        folder.others[flow.flow] = flow


def _take_company(folder: Folder, path: Path) -> None:
    tree = read_tree(read(path))
    reading = convert(tree, Surroundings)
    folder.problems += [file_problem(path, one) for one in reading.problems]
    if reading.document is None:
        return
    own = reading.document
    prompts = {**product_prompts(), **own.prompts}
    folder.surroundings = msgspec.structs.replace(own, prompts=prompts)
    folder.problems += [file_problem(path, one) for one in check_surroundings(own, tree.marks)]
