# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own schema of Graph as a judge of what the simulators say.

The judge is the OpenAPI subset made from Microsoft's metadata (`graph-v1.0-subset.yaml`, shared
reference data; a test that needs it is skipped where it is absent). Three questions are answered:
does a value fit a type, does an answer fit its path, and does a notification fit its envelope.
Beyond what JSON Schema says, a member that the type does not declare is a problem as well,
unless the type is open. Microsoft's prose and its metadata disagree in places; each place where
prose wins is one row of :data:`DISAGREEMENTS`, and nothing else is forgiven.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.kit.requirements import require_shared_data

FILE = "graph-v1.0-subset.yaml"
MOST_PROBLEMS = 12
"""Problems listed for one value; more of them help nobody."""

_NAMESPACE = re.compile(r"/microsoft\.graph\.(?:\w+\.)?", re.IGNORECASE)

Json = Any
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A place where Microsoft's prose, which the simulators follow, leaves its metadata."""

    type: str
    member: str
    """A member that the type does not declare and the prose shows."""
    source: str


DISAGREEMENTS = (
    # Prose: concepts, change notifications for presence; beside tenantId.
    Disagreement("microsoft.graph.changeNotification", "organizationId", "presence notifications"),
)

EMPTY_IS_FINE = frozenset({200, 202, 204})
"""An action without a result: prose says 200 or 202, the conversion of the metadata says 204."""


class GraphSchema:
    """The schema, its validators made once per type."""

    def __init__(self, document: Schema) -> None:
        self._components = document["components"]
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._validators: dict[str, Draft202012Validator] = {}
        self._templates = [
            (_pattern(template), template, operations)
            for template, operations in sorted(document["paths"].items(), key=_most_literal)
        ]

    def problems(self, type_name: str, value: Json) -> list[str]:
        """Say why ``value`` is not a ``type_name`` (``microsoft.graph.call``); empty when it is.

        Raises:
            KeyError: Microsoft's schema has no such type.
        """
        schema = self._schemas[type_name]
        return self._judge(type_name, {"$ref": _reference(type_name)}, schema, value)

    def answer_problems(self, method: str, path: str, status: int, body: Json) -> list[str]:
        """Say why an answer does not fit; ``path`` has no base and no query.

        ``body`` is None when the answer had none.
        """
        if status >= 400:
            return self.problems("microsoft.graph.ODataErrors.ODataError", body)
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: Microsoft's schema has no such operation"]
        if body is None:
            return [] if status in EMPTY_IS_FINE else [f"{status} without a body"]
        content = operation["responses"].get("2XX", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return [f"{method} {path}: a body where the schema has none"]
        return self._judge(f"{method} {path}", schema, schema, body)

    def operation(self, method: str, path: str) -> Schema | None:
        """Return the operation that a request reaches, or None."""
        for pattern, _, operations in self._templates:
            if pattern.fullmatch(_bare(path)) and method.lower() in operations:
                found: Schema = operations[method.lower()]
                return found
        return None

    def _judge(self, key: str, reference: Schema, schema: Schema, value: Json) -> list[str]:
        validator = self._validators.get(key)
        if validator is None:
            validator = Draft202012Validator({**reference, "components": self._components})
            self._validators[key] = validator
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        found += self._undeclared(value, schema, "$", _short(reference.get("$ref", "")))
        return found[:MOST_PROBLEMS]

    def _undeclared(self, value: Json, schema: Schema, at: str, name: str) -> Iterator[str]:
        schema, name = self._resolve(schema, name)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._undeclared(item, schema.get("items", {}), f"{at}[{index}]", name)
        if not isinstance(value, dict) or "properties" not in schema:
            return
        told = value.get("@odata.type", "").removeprefix("#")
        if told in self._schemas:
            schema, name = self._schemas[told], told
        for member, content in value.items():
            if member in schema["properties"]:
                part = schema["properties"][member]
                yield from self._undeclared(content, part, f"{at}.{member}", "")
            elif not self._is_allowed(member, schema, name):
                yield f"{at}: {name} declares no {member!r}"

    def _resolve(self, schema: Schema, name: str) -> tuple[Schema, str]:
        while True:
            if "$ref" in schema:
                name = _short(schema["$ref"])
                schema = self._schemas[name]
            elif "anyOf" in schema and "properties" not in schema:
                schema = next((s for s in schema["anyOf"] if s.get("type") != "null"), {})
            else:
                return schema, name

    def _is_allowed(self, member: str, schema: Schema, name: str) -> bool:
        chain = {name, *schema.get("x-ms-base-types", ())}
        return (
            "@" in member
            or bool(schema.get("x-ms-open-type"))
            or member in schema.get("x-pruned-navigation", ())
            or any(row.member == member and row.type in chain for row in DISAGREEMENTS)
        )


@cache
def _document() -> dict[str, Any]:
    text = require_shared_data(FILE).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C
    return found


@cache
def _load() -> GraphSchema:
    return GraphSchema(_document())


def subset(wanted: Callable[[str, str], bool]) -> dict[str, Any]:
    """Return a document of the operations that are wanted (path, method), with their types.

    The choice by discriminator is left out: it helps to judge and only slows to generate.
    """
    whole = _document()
    paths: dict[str, Any] = {}
    for path, operations in whole["paths"].items():
        kept = {k: v for k, v in operations.items() if k == "parameters" or wanted(path, k)}
        if kept.keys() - {"parameters"}:
            paths[path] = kept
    needed: dict[str, Any] = {}
    todo = set(_references(paths))
    while todo:
        name = todo.pop()
        if name not in needed:
            schema = whole["components"]["schemas"][name]
            needed[name] = {key: value for key, value in schema.items() if key != "allOf"}
            todo |= set(_references(needed[name]))
    parts = {"openapi": "3.1.0", "info": whole["info"], "paths": paths}
    return parts | {"components": {"schemas": needed}}


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield _short(value["$ref"])
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def graph_schema() -> GraphSchema:
    """Return the judge, or end the test with a named reason where the schema is absent."""
    return _load()


def assert_is(type_name: str, value: Json) -> None:
    """Fail with the problems when ``value`` is not of Microsoft's type."""
    found = graph_schema().problems(type_name, value)
    assert not found, f"{type_name}:\n  " + "\n  ".join(found)


def assert_answer(method: str, path: str, status: int, body: Json) -> None:
    """Fail with the problems when an answer does not fit its path (without base and query)."""
    found = graph_schema().answer_problems(method, path, status, body)
    assert not found, f"{method} {path} -> {status}:\n  " + "\n  ".join(found)


def _reference(type_name: str) -> str:
    return f"#/components/schemas/{type_name}"


def _short(reference: str) -> str:
    return reference.rpartition("/")[2]


def _bare(path: str) -> str:
    """Return a path whose functions and actions come without their namespace; both are legal."""
    return _NAMESPACE.sub("/", path)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", _bare(template))
    return re.compile("([^/]+?)".join(re.escape(part) for part in parts), re.IGNORECASE)


def _most_literal(entry: tuple[str, Schema]) -> tuple[int, str]:
    return -len(re.sub(r"\{[^}]+\}", "", entry[0])), entry[0]
