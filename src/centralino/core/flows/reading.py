# SPDX-License-Identifier: Apache-2.0
"""From YAML to a flow, with the line of everything, and every mistake rather than the first.

A careful part of YAML: no anchors, no tags, no key twice; ``yes`` and ``0100`` are texts,
only ``true``, ``false``, whole and decimal numbers are more than that. What the document
says is checked by the types of ``document`` and ``nodes``; what it means by ``check``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import yaml

from centralino.core.flows.document import Flow
from centralino.core.flows.nodes import NAME_PATTERN, PLAIN_WORDS, AnyNode

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 16
_INT = re.compile(r"^-?(0|[1-9][0-9]{0,17})$")
_FLOAT = re.compile(r"^-?(0|[1-9][0-9]*)\.[0-9]+$")
_OPENERS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSERS = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_AT = re.compile(r" - at (?P<is_key>`key` in )?`\$(?P<path>[^`]*)`$")
_PATTERN = re.compile(r"matching regex '(.*)'$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

Path = tuple[str, ...]
"""Where in a document, from the top: names of fields and keys, numbers of items."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong, or looks wrong, in a flow."""

    line: int
    """From 1; 0 where the whole document is meant."""
    node: str
    """The node it is in, empty outside of nodes."""
    reason: str
    """A sentence for the person who wrote it."""
    is_error: bool = True
    """False is advice: it may be published."""


class Marks:
    """On which line each part of a document stands."""

    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}

    def put(self, path: Path, line: int) -> None:
        """Remember the line of a part."""
        self._lines.setdefault(path, line)

    def line(self, *path: str) -> int:
        """Return the line of a part, or of the nearest one around it."""
        for length in range(len(path), -1, -1):
            found = self._lines.get(path[:length])
            if found is not None:
                return found
        return 0


@dataclass(slots=True)
class Tree:
    """A document as plain values, and where they stand."""

    value: Any = None
    marks: Marks = field(default_factory=Marks)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Kind]):
    """What came of reading a document."""

    document: Kind | None
    """``None`` when there are problems."""
    marks: Marks
    problems: tuple[Problem, ...]


def read_flow(text: str) -> Reading[Flow]:
    """Read one flow from YAML."""
    tree = read_tree(text)
    if tree.problems:
        return Reading(None, tree.marks, tuple(tree.problems))
    problems = _node_problems(tree)
    if not problems:
        reading = convert(tree, Flow)
        if reading.document is not None:
            return reading
        problems = list(reading.problems)
    return Reading(None, tree.marks, tuple(problems))


def convert(tree: Tree, kind: type[Kind]) -> Reading[Kind]:
    """Give a tree the type ``kind``."""
    if tree.problems:
        return Reading(None, tree.marks, tuple(tree.problems))
    try:
        return Reading(msgspec.convert(tree.value, kind), tree.marks, ())
    except msgspec.ValidationError as error:
        return Reading(None, tree.marks, (_problem(tree, error, (), ""),))


def read_tree(text: str) -> Tree:
    """Read YAML into plain values."""
    tree = Tree()
    if len(text) > MOST_CHARACTERS:
        tree.problems.append(Problem(0, "", f"longer than {MOST_CHARACTERS} characters"))
        return tree
    try:
        _require_tame(text, tree)
        if tree.problems:
            return tree
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        tree.problems.append(Problem(line, "", f"this is not YAML: {error.problem}"))
        return tree
    except (yaml.YAMLError, RecursionError):
        tree.problems.append(Problem(0, "", "this is not YAML"))
        return tree
    if root is None:
        tree.problems.append(Problem(0, "", "the document is empty"))
    else:
        tree.value = _plain(root, (), tree)
    return tree


def _require_tame(text: str, tree: Tree) -> None:
    """Stop before anything that would make a short text large or slow."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken):
            reason = "aliases (*name) are not allowed: write it out"
            tree.problems.append(Problem(line, "", reason))
            return
        depth += isinstance(token, _OPENERS)
        depth -= isinstance(token, _CLOSERS)
        if depth > MOST_DEPTH:
            tree.problems.append(Problem(line, "", "nested too deep"))
            return


def _plain(node: yaml.Node, path: Path, tree: Tree) -> object:
    line = node.start_mark.line + 1
    tree.marks.put(path, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, tree)
    if isinstance(node, yaml.SequenceNode):
        items = enumerate(node.value)
        return [_plain(item, (*path, str(number)), tree) for number, item in items]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, tree: Tree) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            tree.problems.append(Problem(line, "", "a key must be a plain text"))
            continue
        key = str(key_node.value)
        if key in found:
            tree.problems.append(Problem(line, "", f"{key} is there twice"))
        tree.marks.put((*path, key), line)
        found[key] = _plain(value_node, (*path, key), tree)
    return found


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    if (
        getattr(node, "style", None) is not None
    ):  # quoted or a block: a text, whatever it looks like
        return text
    if text in {"true", "false"}:
        return text == "true"
    if text in {"", "~", "null"}:
        return None
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _node_problems(tree: Tree) -> list[Problem]:
    """Check each node for itself, so that each may be wrong in its own way."""
    listed = tree.value.get("nodes") if isinstance(tree.value, dict) else None
    if not isinstance(listed, dict):
        return []
    problems = []
    for name, value in listed.items():
        try:
            msgspec.convert(value, AnyNode)
        except msgspec.ValidationError as error:
            problems.append(_problem(tree, error, ("nodes", name), name))
    return problems


def _problem(tree: Tree, error: msgspec.ValidationError, above: Path, node: str) -> Problem:
    """Say in plain words what the types refuse, and where."""
    message = str(error)
    match = _AT.search(message)
    reason = message if match is None else message[: match.start()]
    below = () if match is None else _path_of(match["path"], bool(match["is_key"]), tree, above)
    missing = re.match(r"Object missing required field `(.+)`", reason)
    unknown = re.match(r"Object contains unknown field `(.+)`", reason)
    if unknown:
        text = f"there is no field {unknown[1]} here"
        below = (*below, unknown[1])
    elif missing:
        text = f"{missing[1]} is missing"
    else:
        text = ".".join(below) + (": " if below else "") + _plain_words(reason)
    return Problem(tree.marks.line(*above, *below), node, text)


def _plain_words(reason: str) -> str:
    pattern = _PATTERN.search(reason)
    if pattern is not None:
        return PLAIN_WORDS.get(pattern[1].replace("\\\\", "\\"), "this is not allowed here")
    if reason.startswith("Invalid "):
        return f"there is no such thing as {reason.split(maxsplit=2)[-1]}"
    words = {
        "`str`": "a text",
        "`int`": "a whole number",
        "`float`": "a number",
        "`bool`": "true or false",
        "`array`": "a list",
        "`object`": "fields with values",
        "`null`": "nothing",
        " of length >= 1": " that is not empty",
        ">=": "of at least",
        "<=": "of at most",
        ", got ": ", not ",
        "Expected ": "should be ",
    }
    for theirs, ours in words.items():
        reason = reason.replace(theirs, ours)
    return reason


def _path_of(text: str, is_key: bool, tree: Tree, above: Path) -> Path:
    """Return the path of an error; a key that the types do not name is found by trying."""
    path: list[str] = []
    value = tree.value
    for step in above:
        value = value[step]
    for name, item in _STEP.findall(text):
        step = name or item
        if item == "...":
            step = _culprit(value)
        path.append(step)
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError):
            break
    if is_key and isinstance(value, dict):
        path.append(next((key for key in value if not _KEY_LIKE.match(key)), ""))
    return tuple(step for step in path if step)


_KEY_LIKE = re.compile(r"^([0-9*#]|[a-z][a-z0-9_-]*)$")


def _culprit(value: object) -> str:
    """Return the key whose value is least like a name."""
    if not isinstance(value, dict):
        return ""
    odd = (key for key, one in value.items() if not (isinstance(one, str) and _NAME.match(one)))
    return next(odd, "")


_NAME = re.compile(NAME_PATTERN)
