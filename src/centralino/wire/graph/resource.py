# SPDX-License-Identifier: Apache-2.0
"""Addresses of a call and of what hangs on it, in every spelling that Graph writes.

The same thing is named ``/communications/calls/{id}`` (``resourceUrl``), ``/app/calls/{id}``
(``resource``, the legacy alias), with or without the leading slash, as a whole URL with a
version, and with OData keys in brackets. Sources: concepts and reference pages of the cloud
communications API, whose samples show all of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from urllib.parse import unquote

from centralino.wire.graph.errors import GraphProtocolError
from centralino.wire.graph.ids import Spelling, id_key, spell_id

Root = Literal["communications", "app"]
"""The two names of the same collection; ``app`` is the legacy one."""

MOST_CHARACTERS: Final = 2_048
"""A longer address is refused. Unit: characters."""


class Part(StrEnum):
    """What of a call an address names."""

    CALL = ""
    PARTICIPANTS = "participants"
    OPERATIONS = "operations"
    ROUTING_GROUPS = "audioRoutingGroups"
    SHARING_SESSIONS = "contentSharingSessions"


_PARTS: Final = {part.value.lower(): part for part in Part if part is not Part.CALL}
_KEYED: Final = re.compile(r"([^/()]+)\('?([^/()']+)'?\)")
_ADDRESS: Final = re.compile(
    r"/?(?:(?:v1\.0|beta)/)?(?:communications|app)/calls/(?P<call>[^/?#]+)"
    r"(?:/(?P<part>[^/?#]+)(?:/(?P<item>[^/?#]+))?)?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CallResource:
    """An address: a call, or a collection of it, or one item of the collection."""

    call_id: str
    """As written; compare by `key`."""
    part: Part = Part.CALL
    item_id: str = ""
    """Of the item in the collection; empty names the collection itself."""

    @property
    def key(self) -> tuple[str, Part, str]:
        """What equal addresses have in common, however their ids are spelled."""
        return id_key(self.call_id), self.part, id_key(self.item_id)

    def write(self, root: Root = "communications", spelling: Spelling | None = None) -> str:
        """Return the address; without ``spelling`` the ids stay as they are."""
        ids = [self.call_id, self.item_id]
        if spelling is not None:
            ids = [spell_id(text, spelling) for text in ids]
        parts = ["", root, "calls", ids[0], self.part.value, ids[1]]
        return "/".join(part for index, part in enumerate(parts) if part or index == 0)


def read_resource(text: str) -> CallResource:
    """Read an address.

    >>> read_resource("communications/calls('8A')/operations/7B").key
    ('8a', <Part.OPERATIONS: 'operations'>, '7b')

    Raises:
        GraphProtocolError: it does not name a call or something of one.
    """
    if len(text) > MOST_CHARACTERS:
        raise GraphProtocolError("resource-too-long", "An address is too long", offending=text)
    path = re.sub(r"^https?://[^/?#]+", "", text, flags=re.IGNORECASE)
    found = _ADDRESS.fullmatch(_KEYED.sub(r"\1/\2", unquote(path)))
    if found is None:
        raise GraphProtocolError("not-a-call-resource", "Not an address of a call", offending=text)
    named = (found["part"] or "").lower()
    part = _PARTS.get(named, Part.CALL)
    if named and part is Part.CALL:
        raise GraphProtocolError("unknown-part", "A call has no such collection", offending=text)
    return CallResource(found["call"], part, found["item"] or "")
