# SPDX-License-Identifier: Apache-2.0
"""Old versions are read as today's, newer ones are refused, and today's cost nothing more."""

from __future__ import annotations

import msgspec
import pytest

from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.schema import Form, Schema

pytestmark = pytest.mark.unit


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="box.moved"):
    """Version 3: metres, and where from."""

    distance_m: float
    origin: str


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="box.opened"):
    """Never changed."""

    by: str
    gently: bool = False


def _in_metres(form: Form) -> Form:
    """Feet were metres."""
    return {"type": form["type"], "distance_m": form["feet"] * 0.5}


def _with_origin(form: Form) -> Form:
    """It says where from."""
    return {**form, "origin": "somewhere"}


def _shifted_is_moved(form: Form) -> Form:
    """It was called shifted."""
    return {"type": "box.moved", "feet": form["by"]}


SCHEMA: Schema[Moved | Opened] = Schema(
    Moved | Opened,
    {"box.moved": (_in_metres, _with_origin), "box.shifted": (_shifted_is_moved,)},
)


def test_todays_form_says_its_version_only_when_it_is_not_the_first() -> None:
    moved = Moved(distance_m=2, origin="door")
    assert SCHEMA.encode(moved).startswith(b'{"type":"box.moved","v":3,')
    assert b'"v"' not in SCHEMA.encode(Opened(by="anna"))
    for message in (moved, Opened(by="anna", gently=True)):
        assert SCHEMA.decode(SCHEMA.encode(message)) == message


@pytest.mark.parametrize(
    "old",
    [
        b'{"type":"box.moved","feet":4}',
        b'{"type":"box.moved","v":1,"feet":4}',
        b'{"type":"box.moved","v":2,"distance_m":2}',
        b'{"type":"box.shifted","by":4}',
    ],
)
def test_each_older_version_is_read_as_todays(old: bytes) -> None:
    assert SCHEMA.decode(old) == Moved(distance_m=2, origin="somewhere")


def test_a_field_that_is_missing_or_unknown_needs_no_version() -> None:
    assert SCHEMA.decode(b'{"type":"box.opened","by":"anna","weight":3}') == Opened(by="anna")


@pytest.mark.parametrize(
    ("newer", "words"),
    [
        (b'{"type":"box.moved","v":4,"x":1}', "version 4 .* this one knows version 3"),
        (b'{"type":"box.opened","v":2,"by":"anna"}', "version 2 .* this one knows version 1"),
        (b'{"type":"box.burnt","by":"anna"}', "knows no such type"),
        (b'{"type":"box.moved","v":0}', "box.moved version 0"),
    ],
)
def test_a_newer_version_is_refused_with_the_mend(newer: bytes, words: str) -> None:
    with pytest.raises(StorageError, match=words) as refused:
        SCHEMA.decode(newer)
    assert "run that release or a later one" in refused.value.message


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"by":"anna"}', b'{"type":"box.opened"}', b"[]"])
def test_damage_is_no_newer_version(damaged: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        SCHEMA.decode(damaged)


def test_upcasters_that_go_round_end() -> None:
    circle: Schema[Opened] = Schema(
        Opened,
        {"a.b": (lambda form: {"type": "c.d"},), "c.d": (lambda form: {"type": "a.b"},)},
    )
    with pytest.raises(StorageError, match="more versions"):
        circle.decode(b'{"type":"a.b"}')
