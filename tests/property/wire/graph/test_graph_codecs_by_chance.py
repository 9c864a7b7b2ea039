# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come, the codecs of Graph answer with a value or their one error."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.wire.graph.errors import GraphProtocolError
from centralino.wire.graph.ids import id_key, spell_id
from centralino.wire.graph.iso8601 import (
    read_duration,
    read_instant,
    write_duration,
    write_instant,
)
from centralino.wire.graph.notification import read_notifications, write_notifications
from centralino.wire.graph.resource import read_resource

pytestmark = pytest.mark.property

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "changeType", "resourceUrl", "resource", "resourceData", "x"]
            ),
            inner
            | st.sampled_from(["updated", "deleted", "/app/calls/1", "/communications/calls/2"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    with contextlib.suppress(GraphProtocolError):
        read_notifications(body)


@given(JSON)
def test_any_json_is_refused_or_comes_back(value: object) -> None:
    try:
        read = read_notifications(msgspec.json.encode(value))
    except GraphProtocolError:
        return
    assert read_notifications(write_notifications(read)) == read


@given(st.text(max_size=60) | st.from_regex(r"/?(app|communications)/calls/.{1,40}"))
def test_any_address(text: str) -> None:
    try:
        resource = read_resource(text)
    except GraphProtocolError:
        return
    assert resource.call_id
    assert isinstance(resource.write(), str)


@given(st.uuids())
def test_ids_keep_what_they_name(value: object) -> None:
    text = str(value)
    assert id_key(spell_id(text, "dashed")) == id_key(spell_id(text, "packed")) == id_key(text)


@given(st.integers(-(10**18), 10**18))
def test_durations_come_back(length_ns: int) -> None:
    assert read_duration(write_duration(length_ns)) == length_ns


@given(st.integers(0, 4 * 10**18).map(lambda value: value // 100 * 100))
def test_instants_come_back(at_ns: int) -> None:
    assert read_instant(write_instant(at_ns)) == at_ns


@given(st.text(alphabet="PT0123456789.HMSDW-", max_size=20))
def test_any_duration(text: str) -> None:
    with contextlib.suppress(GraphProtocolError):
        read_duration(text)
