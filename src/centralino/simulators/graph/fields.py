# SPDX-License-Identifier: Apache-2.0
"""Members of request bodies, read one by one: what is declared is checked, the rest is dropped.

A shape is a mapping from a member's name to what reads it. ``null`` stays ``null``. What comes
out can be kept and shown again without breaking Microsoft's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from centralino.simulators.graph.errors import bad_request
from centralino.simulators.graph.instants import instant, iso

Json = dict[str, Any]
Reader = Callable[[Any, str], Any]
Shape = Mapping[str, Reader]

MOST_TEXT = 32 * 1024
MOST_ITEMS = 250


def text(value: object, name: str) -> str:
    """Read a string."""
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise bad_request(f"'{name}' must be a string.", "InvalidRequest")
    return value


def flag(value: object, name: str) -> bool:
    """Read a truth value."""
    if not isinstance(value, bool):
        raise bad_request(f"'{name}' must be true or false.", "InvalidRequest")
    return value


def count(value: object, name: str) -> int:
    """Read a whole number of 32 bits."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**31:
        raise bad_request(f"'{name}' must be a whole number.", "InvalidRequest")
    return value


def moment(value: object, name: str) -> str:
    """Read an instant, as Graph writes it."""
    return iso(instant(value, name))


def one_of(*words: str) -> Reader:
    """Return what reads one of some words, in any case."""
    known = {word.lower(): word for word in words}

    def read(value: object, name: str) -> str:
        found = known.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise bad_request(f"'{name}' must be one of {', '.join(words)}.", "InvalidRequest")
        return found

    return read


def listed(reader: Reader) -> Reader:
    """Return what reads a list."""

    def read(value: object, name: str) -> list[Any]:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            message = f"'{name}' must be a list of at most {MOST_ITEMS}."
            raise bad_request(message, "InvalidRequest")
        return [reader(one, f"{name}[{index}]") for index, one in enumerate(value)]

    return read


def nested(shape: Shape, *, needs: tuple[str, ...] = ()) -> Reader:
    """Return what reads an object of a shape."""

    def read(value: object, name: str) -> Json:
        if not isinstance(value, dict):
            raise bad_request(f"'{name}' must be an object.", "InvalidRequest")
        return members(value, shape, needs=needs, within=name)

    return read


def members(
    body: Mapping[str, Any], shape: Shape, *, needs: tuple[str, ...] = (), within: str = ""
) -> Json:
    """Return the members of a body that a shape declares.

    Raises:
        GraphError: 400, one is missing or of another type.
    """
    found: Json = {}
    for name, reader in shape.items():
        path = f"{within}.{name}" if within else name
        if body.get(name) is not None:
            found[name] = reader(body[name], path)
        elif name in needs:
            raise bad_request(f"'{path}' is required.", "InvalidRequest")
        elif name in body:
            found[name] = None
    return found


def user_of(member: object, name: str) -> str:
    """Return the user id of ``user@odata.bind``, whatever base the link has.

    Raises:
        GraphError: 400, there is none.
    """
    link = member.get("user@odata.bind") if isinstance(member, dict) else None
    if not isinstance(link, str) or "users" not in link:
        raise bad_request(f"'{name}' needs user@odata.bind.", "InvalidRequest")
    return link.rpartition("users")[2].strip("/()'\"").lower()
