# SPDX-License-Identifier: Apache-2.0
"""Stored messages and their versions: what was written by an earlier release is read by this one.

A message is JSON with its ``type`` first. A change that only adds a field with a default
keeps the version, because what is missing counts as its default and what is unknown is
left out. Any other change makes the next version: an *upcaster* turns the form before into
the form after, and old messages go through all that are missing. So a type's version is one
more than it has upcasters, and both cannot disagree. Version 1 is not written out; a later
one is, as ``v`` behind the type. A version or type that is not known was written by a newer
release and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args

import msgspec

from centralino.core.kernel.errors import StorageError

Form = dict[str, Any]
"""A message as plain data, its ``type`` among it."""
Upcaster = Callable[[Form], Form]
"""Turns a form into the next version's; it may give it another ``type``, then of version 1."""
History = Mapping[str, tuple[Upcaster, ...]]
"""Type to what leads from version 1 to 2, from 2 to 3, and so on."""
Message = TypeVar("Message")

NO_HISTORY: History = MappingProxyType({})
MOST_STEPS = 100
_HEAD = re.compile(rb'\{"type":"([^"\\]+)"(?:,"v":(\d+))?')


class _Head(msgspec.Struct):
    type: str
    v: int = 1


_heads = msgspec.json.Decoder(_Head)


class Schema(Generic[Message]):
    """Writes and reads the messages of one union of tagged structs."""

    def __init__(self, union: Any, history: History = NO_HISTORY) -> None:  # noqa: ANN401 - a union
        self._history = history
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(union)
        classes = {_tag(cls): cls for cls in get_args(union) or (union,)}
        self._classes = frozenset(classes.values())
        self.versions = {tag: 1 + len(history.get(tag, ())) for tag in classes}
        """Type to the version that is written today."""
        self._stamps = {
            cls: (len(tag) + len(b'{"type":""'), b',"v":%d' % self.versions[tag])
            for tag, cls in classes.items()
            if self.versions[tag] > 1
        }
        self._current = {
            (tag.encode(), str(version).encode() if version > 1 else None)
            for tag, version in self.versions.items()
        }

    def has(self, message: object) -> bool:
        """Tell whether a message is one of these."""
        return type(message) in self._classes

    def encode(self, message: Message) -> bytes:
        """Return the JSON of a message; equal ones give equal bytes."""
        data = self._encoder.encode(message)
        stamp = self._stamps.get(type(message))
        if stamp is None:
            return data
        at, version = stamp
        return data[:at] + version + data[at:]

    def decode(self, data: bytes) -> Message:
        """Return the message of ``data``, whichever version it has.

        Raises:
            StorageError: it is of a newer release.
            msgspec.MsgspecError: it is damaged.
        """
        head = _HEAD.match(data)
        if head is not None and head.groups() in self._current:
            return self._decoder.decode(data)
        return self._decode_older(data)

    def _decode_older(self, data: bytes) -> Message:
        form: Form = msgspec.json.decode(data, type=dict)
        for _ in range(MOST_STEPS):
            head = msgspec.convert(form, _Head)
            steps = self._history.get(head.type, ())
            if head.v < 1 or head.v > max(self.versions.get(head.type, 0), len(steps)):
                raise StorageError(self._refusal(head))
            if head.v == self.versions.get(head.type):
                return self._decoder.decode(msgspec.json.encode(form))
            form = {**steps[head.v - 1](form)}
            is_renamed = form["type"] != head.type
            form["v"] = 1 if is_renamed else head.v + 1
        raise StorageError(f"{form['type']} has more versions than are read")

    def _refusal(self, head: _Head) -> str:
        known = self.versions.get(head.type)
        what = f"version {known}" if known else "no such type"
        return (
            f"{head.type} version {head.v} was written by a newer release, this one knows {what}; "
            "run that release or a later one"
        )


def _tag(cls: type) -> str:
    tag = cls.__struct_config__.tag  # type: ignore[attr-defined]  # every member is a struct
    return str(tag)
