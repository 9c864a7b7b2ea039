# SPDX-License-Identifier: Apache-2.0
"""Conditions and values in flows: CEL, compiled and typed once, evaluated within bounds.

What an expression may name depends on where it stands (its :class:`Scope`); every name has
a type, so a misspelt variable is found when the flow is checked, not when somebody calls.
An evaluation never raises and never runs long: the library bounds its iterations, regular
expressions are linear, and what has no value gives a :class:`Failure`.
Source: the Common Expression Language specification; ADR 0009 says why this library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cel_expr_python import cel

from centralino.core.flows.document import Flow, Value, fits

MOST_TEXT = 4096
"""Characters of a text that an expression may give."""
_MOST_EXACT = 2**53
_PROBLEM = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_TEMPLATE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TYPES = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
}
_CALL_NAMES = {
    "caller.number": "string",
    "caller.name": "string",
    "caller.language": "string",
    "called.number": "string",
    "now.hour": "int",
    "now.minute": "int",
    "now.weekday": "string",
    "now.date": "string",
}
_QUEUE_NAMES = {
    "queue.position": "int",
    "queue.waiting": "int",
    "queue.ready_agents": "int",
    "queue.waited_s": "int",
    "queue.estimated_wait_s": "int",
}


class Scope(StrEnum):
    """Where an expression stands."""

    CALL = "call"
    """``vars``, ``caller``, ``called`` and ``now``."""
    ANSWER = "answer"
    """Those, and ``status`` and ``body`` of a lookup's answer."""
    QUEUE = "queue"
    """Those of the call, and ``queue``."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expression has no value."""

    reason: str
    """For the log; at most 200 characters."""


class ExpressionError(ValueError):
    """An expression is wrong; the message says why."""

    def __init__(self, reason: str, column: int = 1) -> None:
        super().__init__(reason)
        self.column = column
        """Character of the expression, from 1."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression."""

    source: str
    wanted: str
    """``string``, ``int``, ``double``, ``bool``, or ``text``: whatever can be written down."""
    compiled: Any

    def value(self, names: Mapping[str, object]) -> Value | Failure:
        """Evaluate with ``names``, which holds all that the scope declares."""
        try:
            result = self.compiled.eval(data=names)
            if result.type() == cel.Type.ERROR:
                return Failure(str(result.value())[:200])
            return _converted(result.value(), self.wanted)
        except (RuntimeError, ValueError, TypeError, SystemError) as error:
            return Failure(f"{type(error).__name__}: {error}"[:200])


class Environment:
    """The names a flow's expressions may use."""

    def __init__(self, flow: Flow) -> None:
        own = {f"vars.{name}": _TYPES[one.type] for name, one in flow.variables.items()}
        call = own | {name: _TYPES[kind] for name, kind in _CALL_NAMES.items()}
        queue = call | {name: _TYPES[kind] for name, kind in _QUEUE_NAMES.items()}
        answer = call | {"status": cel.Type.INT, "body": cel.Type.DYN}
        self._environments = {
            Scope.CALL: cel.NewEnv(variables=call),
            Scope.ANSWER: cel.NewEnv(variables=answer),
            Scope.QUEUE: cel.NewEnv(variables=queue),
        }

    def compile(self, source: str, scope: Scope, wanted: str) -> Program:
        """Compile one expression that must give a value of type ``wanted``.

        Raises:
            ExpressionError: it is not CEL, names what is not there, or gives another type.
        """
        try:
            compiled = self._environments[scope].compile(source)
        except RuntimeError as error:
            found = _PROBLEM.search(str(error))
            if found is None:
                raise ExpressionError(str(error).splitlines()[0][:300]) from None
            raise ExpressionError(_plain(found[3]), int(found[2])) from None
        given = compiled.return_type()
        if given != cel.Type.DYN and not _suits(given, wanted):
            raise ExpressionError(f"gives {given.name().lower()}, not {wanted}")
        return Program(source, wanted, compiled)


def split_template(text: str) -> tuple[tuple[str, bool], ...]:
    """Return the parts of a text, each with whether it is an expression.

    ``{{`` and ``}}`` stand for the braces themselves.

    Raises:
        ExpressionError: a brace is left open or closes nothing.

    >>> split_template("Hello {vars.name}!")
    (('Hello ', False), ('vars.name', True), ('!', False))
    """
    parts: list[tuple[str, bool]] = []
    literal, cursor = "", 0
    for match in _TEMPLATE.finditer(text):
        literal += text[cursor : match.start()]
        cursor = match.end()
        if match[0] in {"{{", "}}"}:
            literal += match[0][0]
        elif match[1] is None or not match[1].strip():
            raise ExpressionError(f"the brace at character {match.start() + 1} has no pair")
        else:
            parts += [(literal, False), (match[1], True)]
            literal = ""
    parts.append((literal + text[cursor:], False))
    return tuple(part for part in parts if part[0])


def written(value: Value) -> str:
    """Write a value as text.

    >>> written(True), written(3)
    ('true', '3')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _suits(given: cel.Type, wanted: str) -> bool:
    if wanted == "text":
        return any(given == kind for kind in _TYPES.values())
    if wanted == "double" and given == cel.Type.INT:
        return True
    return bool(given == _TYPES[wanted])


def _converted(value: object, wanted: str) -> Value | Failure:
    """Bring a value of unknown type to the wanted one without losing anything."""
    if wanted == "double" and type(value) is int and abs(value) <= _MOST_EXACT:
        value = float(value)
    if wanted == "int" and type(value) is float and value.is_integer():
        value = int(value) if abs(value) <= _MOST_EXACT else value
    kinds = ("string", "int", "double", "bool") if wanted == "text" else (wanted,)
    if not any(fits(kind, value) for kind in kinds):
        return Failure(f"gives {type(value).__name__}, not {wanted}")
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return Failure("gives a text that is too long")
    if isinstance(value, float) and value - value != 0:
        return Failure("gives a number that is not finite")
    assert isinstance(value, (str, int, float, bool))  # noqa: S101 - it fits one of the kinds
    return value


def _plain(reason: str) -> str:
    """Return the library's reason without what only its authors need."""
    return reason.replace(" (in container '')", "")
