# SPDX-License-Identifier: Apache-2.0
"""``$filter`` and ``$search``, as far as the simulated paths take them.

``$filter``: ``eq ne gt ge lt le in``, ``and or not``, ``startswith endswith contains``, ``any``
over a collection, and paths through complex members (``sharedShift/startDateTime``). Strings
compare without case, as the directory does; what both sides can read as an instant is compared
as one.
``$search``: ``"displayName:mar"`` with AND and OR, by the beginning of words.
Source: OData 4.01 URL conventions 5.1.1; Microsoft Graph, "Use the $search query parameter".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from centralino.simulators.graph.errors import GraphError, bad_request
from centralino.simulators.graph.instants import instant

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

MOST_TEXT = 16_384
MOST_DEPTH = 40
MOST_TERMS = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)(?![\w-])"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?!\w)"
    r"|(?P<word>[A-Za-z_@][\w.@/]*)"
    r"|(?P<sign>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda text, part: part in text,
}
_CONSTANTS = {"true": True, "false": False, "null": None}


def compile_filter(text: str) -> Test:
    """Return what a ``$filter`` asks of a row.

    Raises:
        GraphError: 400, it cannot be read, or uses what is not simulated.

    >>> compile_filter("startswith(name,'mar') or n in (1,2)")({"name": "Maria", "n": 7})
    True
    """
    if len(text) > MOST_TEXT:
        raise _wrong("it is too long")
    parser = _Parser(_tokens(text))
    test = parser.either()
    if parser.peek() is not None:
        raise _wrong(f"unexpected {parser.peek()!r}")
    return test


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _wrong(f"unreadable at {text[position : position + 20]!r}")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    """Recursive descent; a test is built from the inside out."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def peek(self) -> str | None:
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise _wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise _wrong(f"expected {text!r} and found {token.text!r}")

    def either(self) -> Test:
        tests = [self._both()]
        while self.peek() == "or":
            self._next()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self.peek() == "and":
            self._next()
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _single(self) -> Test:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _wrong("it is nested too deeply")
        try:
            return self._primary()
        finally:
            self._depth -= 1

    def _primary(self) -> Test:
        token = self._next()
        if token.text == "not":
            inner = self._single()
            return lambda row: not inner(row)
        if token.text == "(":
            inner = self.either()
            self._expect(")")
            return inner
        if token.kind != "word":
            raise _wrong(f"unexpected {token.text!r}")
        if token.text.lower() in _FUNCTIONS and self.peek() == "(":
            return self._function(_FUNCTIONS[token.text.lower()])
        if token.text.endswith("/any") and self.peek() == "(":
            return self._any(token.text.removesuffix("/any"))
        return self._comparison(token.text)

    def _function(self, function: Callable[[str, str], bool]) -> Test:
        self._expect("(")
        path = self._next().text
        self._expect(",")
        wanted = str(_literal(self._next())).lower()
        self._expect(")")
        return lambda row: function(str(value_at(row, path) or "").lower(), wanted)

    def _any(self, path: str) -> Test:
        self._expect("(")
        name = self._next().text
        self._expect(":")
        inner = self.either()
        self._expect(")")
        return lambda row: any(inner({**row, name: item}) for item in value_at(row, path) or ())

    def _comparison(self, path: str) -> Test:
        operator = self._next().text.lower()
        if operator == "in":
            return self._among(path)
        wanted = _literal(self._next())
        if operator in {"eq", "ne"}:
            return lambda row: _equal(value_at(row, path), wanted) == (operator == "eq")
        if operator not in _COMPARE:
            raise _wrong(f"the operator {operator!r} is not known")
        compare = _COMPARE[operator]
        return lambda row: _ordered(compare, value_at(row, path), wanted)

    def _among(self, path: str) -> Test:
        self._expect("(")
        wanted = [_literal(self._next())]
        while self.peek() == ",":
            self._next()
            wanted.append(_literal(self._next()))
        self._expect(")")
        return lambda row: any(_equal(value_at(row, path), one) for one in wanted)


def value_at(row: Any, path: str) -> Any:  # noqa: ANN401 - members of JSON objects
    """Return the member a path leads to, or None; a variable of ``any`` may stand first."""
    found = row
    for part in path.split("/"):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _literal(token: _Token) -> Any:  # noqa: ANN401 - a JSON value
    match token.kind:
        case "text":
            return token.text[1:-1].replace("''", "'")
        case "number":
            return float(token.text) if "." in token.text else int(token.text)
        case "moment" | "guid":
            return token.text
        case "word" if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        case _:
            raise _wrong(f"{token.text!r} is not a value")


def _equal(found: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON values
    if isinstance(found, str) and isinstance(wanted, str):
        return found.lower() == wanted.lower() or _same_instant(found, wanted)
    return bool(found == wanted)


def _same_instant(found: str, wanted: str) -> bool:
    moment = _moment(found)
    return moment is not None and moment == _moment(wanted)


def _moment(value: object) -> int | None:
    if not isinstance(value, str) or len(value) < len("2026-01-01") or value[4] != "-":
        return None
    try:
        return instant(value)
    except GraphError:
        return None


def _ordered(compare: Callable[[Any, Any], bool], found: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON values
    if found is None or wanted is None:
        return False
    moments = _moment(found), _moment(wanted)
    if None not in moments:
        return compare(*moments)
    try:
        return compare(found, wanted)
    except TypeError as error:
        raise _wrong(f"{wanted!r} does not compare with that member") from error


def compile_search(text: str, members: tuple[str, ...]) -> Test:
    """Return what a ``$search`` asks: words begin with the term, in the member it names.

    A term without a member is looked for in all of ``members``.

    Raises:
        GraphError: 400, it cannot be read.
    """
    if len(text) > MOST_TEXT:
        raise bad_request("The $search is too long.")
    terms = re.findall(r'"((?:[^"\\]|\\.)*)"|(AND|OR)|([^\s"]+)', text)
    if not terms or len(terms) > MOST_TERMS:
        raise bad_request("Syntax error: character '' is not valid at position 0 in '$search'.")
    groups: list[list[Test]] = [[]]
    for quoted, operator, bare in terms:
        if operator == "OR":
            groups.append([])
        elif not operator:
            groups[-1].append(_term(quoted or bare, members))
    return lambda row: any(group and all(test(row) for test in group) for group in groups)


def _term(text: str, members: tuple[str, ...]) -> Test:
    member, colon, wanted = text.partition(":")
    if not colon:
        member, wanted = "", text
    names = (member,) if member else members
    wanted = wanted.strip().lower()

    def test(row: Row) -> bool:
        return any(_begins(str(row.get(name) or "").lower(), wanted) for name in names)

    return test


def _begins(text: str, wanted: str) -> bool:
    words = re.split(r"[\s.@_'-]+", text)
    return text.startswith(wanted) or any(word.startswith(wanted) for word in words)


def _wrong(reason: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {reason}.")
