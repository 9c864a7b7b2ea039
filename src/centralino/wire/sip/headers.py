# SPDX-License-Identifier: Apache-2.0
"""The header lines of a message, in order and byte for byte.

A line that nobody touched is written exactly as it came: its spelling of the name, its
spaces, its folds, its bytes that are not UTF-8 (kept as surrogate escapes). Looking up a
name ignores case and knows the compact forms. Two parallel lists, canonical names and raw
lines, make a look-up one scan at C speed; a parsed value can be kept beside them until its
header changes.

Invariant: no line written by us holds CR, LF or a bare NUL. Sources: RFC 3261 7.3 and 20, the
IANA registry of SIP header fields for the compact forms.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.grammar import has_bare_nul, is_token, quote_split
from centralino.wire.sip.header_names import KNOWN, canonical_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_SPACE = " \t\r\n"
_UNSAFE = re.compile(r"[\r\n]")
_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")


def _line_value(line: str) -> str:
    value = line.partition(":")[2].strip(_SPACE)
    return _FOLD.sub(" ", value) if "\r\n" in value else value


def _written(name: str, value: str) -> str:
    if name not in KNOWN and not is_token(name):
        raise LocalProtocolError("bad-header-name", offending=name)
    if not value.isprintable() and (_UNSAFE.search(value) or has_bare_nul(value)):
        raise LocalProtocolError("line-break-in-header-value", offending=value)
    return f"{name}: {value}"


class Headers:
    """An ordered list of header lines. Names match in any case and in compact form."""

    __slots__ = ("_cache", "_keys", "_lines")

    def __init__(self) -> None:
        """Start empty."""
        self._keys: list[str] = []
        self._lines: list[str] = []
        self._cache: dict[str, Any] = {}

    @classmethod
    def from_lines(cls, keys: list[str], lines: list[str]) -> Headers:
        """Adopt canonical names and raw lines of equal length (for the parser)."""
        headers = cls()
        headers._keys = keys
        headers._lines = lines
        return headers

    def get(self, name: str) -> str | None:
        """Return the first line's value, unfolded and stripped, or None."""
        key = KNOWN.get(name) or canonical_name(name)
        if key not in self._keys:
            return None
        return _line_value(self._lines[self._keys.index(key)])

    def get_all(self, name: str) -> list[str]:
        """Return one value per header line of that name."""
        key = KNOWN.get(name) or canonical_name(name)
        if key not in self._keys:
            return []
        pairs = zip(self._keys, self._lines, strict=True)
        return [_line_value(line) for found, line in pairs if found == key]

    def values(self, name: str) -> list[str]:
        """Return the comma-separated values over all lines; quotes and `<>` are respected.

        Not for headers whose grammar has bare commas (Date, the authentication headers).
        """
        return [value for line in self.get_all(name) for value in quote_split(line)]

    def count(self, name: str) -> int:
        """Return how many lines of that name there are."""
        return self._keys.count(canonical_name(name))

    def first_repeated(self, names: frozenset[str]) -> str | None:
        """Return one of these (canonical) names that has more than one line, or None."""
        found = [key for key in self._keys if key in names]
        if len(found) == len(set(found)):
            return None
        return next(name for name in found if found.count(name) > 1)

    def parsed(self, name: str, parse: Callable[[str], T], *, whole: bool = False) -> T | None:
        """Return the first value of the name through `parse`, kept until the header changes.

        With `whole` the line is one value and is not split at commas. Always pass the same
        `parse` for a name. None when the header is absent or empty. Raises what `parse`
        raises.
        """
        key = KNOWN.get(name) or canonical_name(name)
        if key in self._cache:
            found: T | None = self._cache[key]
            return found
        text = self.get(key) or ""
        if not whole and "," in text:
            text = next(iter(quote_split(text)), "")
        result = parse(text) if text else None
        self._cache[key] = result
        return result

    def set(self, name: str, value: str) -> None:
        """Replace all lines of the name by one at the first's place, else append.

        Raises:
            LocalProtocolError: The name is no token, or the value has CR, LF or a bare NUL.
        """
        key = canonical_name(name)
        line = _written(name, value)
        if key in self._keys:
            first = self._keys.index(key)
            self._lines[first] = line
            self._drop(key, first + 1)
        else:
            self._keys.append(key)
            self._lines.append(line)
        self._cache.pop(key, None)

    def add(self, name: str, value: str) -> None:
        """Append a line. Raises `LocalProtocolError` as `set` does."""
        key = canonical_name(name)
        self._lines.append(_written(name, value))
        self._keys.append(key)
        self._cache.pop(key, None)

    def prepend(self, name: str, value: str) -> None:
        """Insert a line before the first of that name, else at the top."""
        key = canonical_name(name)
        line = _written(name, value)
        at = self._keys.index(key) if key in self._keys else 0
        self._lines.insert(at, line)
        self._keys.insert(at, key)
        self._cache.pop(key, None)

    def remove(self, name: str) -> int:
        """Remove all lines of the name; return how many there were."""
        key = canonical_name(name)
        self._cache.pop(key, None)
        return self._drop(key, 0)

    def remove_first(self, name: str) -> None:
        """Remove the first VALUE of the first line (to pop a Via or a Route)."""
        key = canonical_name(name)
        self._cache.pop(key, None)
        if key not in self._keys:
            return
        at = self._keys.index(key)
        rest = quote_split(_line_value(self._lines[at]))[1:]
        if rest:
            written_name = self._lines[at].partition(":")[0].strip(_SPACE)
            self._lines[at] = f"{written_name}: {', '.join(rest)}"
        else:
            del self._keys[at], self._lines[at]

    def copy_from(self, other: Headers, name: str) -> None:
        """Append the lines of that name from another message, byte for byte."""
        key = canonical_name(name)
        if key in other._keys:
            for found, line in zip(other._keys, other._lines, strict=True):
                if found == key:
                    self._keys.append(key)
                    self._lines.append(line)
            self._cache.pop(key, None)

    def copy(self) -> Headers:
        """Return an independent copy."""
        twin = Headers.from_lines(self._keys.copy(), self._lines.copy())
        twin._cache = self._cache.copy()
        return twin

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield name as written and unfolded value, line by line."""
        for line in self._lines:
            yield line.partition(":")[0].strip(_SPACE), _line_value(line)

    def raw_lines(self) -> list[str]:
        """Return the lines as they go on the wire, without their line ends."""
        return self._lines.copy()

    def text(self) -> str:
        """Return all lines joined by CRLF, without a final one."""
        return "\r\n".join(self._lines)

    def __contains__(self, name: str) -> bool:
        """Tell whether a line of that name exists."""
        return (KNOWN.get(name) or canonical_name(name)) in self._keys

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self._lines)

    @override
    def __eq__(self, other: object) -> bool:
        """Compare the lines as written."""
        return isinstance(other, Headers) and self._lines == other._lines

    @override
    def __repr__(self) -> str:
        """Name the fields only; values hold customers' numbers."""
        return f"Headers({', '.join(self._keys)})"

    def _drop(self, key: str, start: int) -> int:
        at = [i for i in range(start, len(self._keys)) if self._keys[i] == key]
        for index in reversed(at):
            del self._keys[index], self._lines[index]
        return len(at)
