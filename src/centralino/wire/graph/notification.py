# SPDX-License-Identifier: Apache-2.0
"""The envelope in which Graph tells an application what happened to its calls.

A POST carries ``commsNotifications``: a list of ``commsNotification``, each with a change type, the
address of what changed and its new content. The content is an object for a call or an operation
and a list for a roster. The type is open: unknown members are kept. Source: metadata of v1.0 and
the samples of the cloud communications reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from centralino.wire.graph.errors import GraphProtocolError
from centralino.wire.graph.resource import CallResource, read_resource
from centralino.wire.graph.states import ChangeType, read_word

MOST_BYTES: Final = 1_048_576
"""A longer body is refused. Unit: bytes."""
MOST_NOTIFICATIONS: Final = 1_000
"""More in one envelope are refused."""

Content = Mapping[str, object] | list[Mapping[str, object]]
"""``resourceData``: an object, or the list of a roster."""


@dataclass(frozen=True, slots=True)
class CommsNotification:
    """One change."""

    change: ChangeType
    resource: CallResource
    content: Content
    """What the resource is now; often only what changed of it."""
    callback_uri: str = ""
    """Where it was sent to, as the service knows it; empty when not told."""

    @property
    def members(self) -> Mapping[str, object]:
        """The content of a call or an operation; empty for a roster."""
        return self.content if isinstance(self.content, Mapping) else {}

    def write(self) -> dict[str, object]:
        """Return it as JSON has it."""
        written: dict[str, object] = {
            "@odata.type": "#microsoft.graph.commsNotification",
            "changeType": self.change.value,
            "resource": self.resource.write("app"),
            "resourceUrl": self.resource.write(),
            "resourceData": self.content,
        }
        if self.callback_uri:
            written["callbackUri"] = self.callback_uri
        return written


def write_notifications(notifications: Iterable[CommsNotification]) -> bytes:
    """Return the body of a POST."""
    return msgspec.json.encode(
        {
            "@odata.type": "#microsoft.graph.commsNotifications",
            "value": [one.write() for one in notifications],
        }
    )


def read_notifications(body: bytes) -> tuple[CommsNotification, ...]:
    """Read the body of a POST; at least one notification, in the order of the envelope.

    Raises:
        GraphProtocolError: it is no envelope, too large, or one of its items cannot be read.
    """
    if len(body) > MOST_BYTES:
        raise GraphProtocolError("envelope-too-large", "The envelope is too large")
    try:
        envelope = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise GraphProtocolError("not-json", "The body is no JSON", offending=body) from error
    items = envelope.get("value") if isinstance(envelope, dict) else None
    if not isinstance(items, list) or not items:
        raise GraphProtocolError("no-notifications", "There is no list of notifications")
    if len(items) > MOST_NOTIFICATIONS:
        raise GraphProtocolError("too-many-notifications", "The envelope holds too many")
    return tuple(_read(item) for item in items)


def _read(item: object) -> CommsNotification:
    if not isinstance(item, dict):
        raise GraphProtocolError("notification-not-an-object", "A notification is no object")
    change = read_word(ChangeType, item.get("changeType"))
    if change is None:
        raise GraphProtocolError("unknown-change", "Not a known change type")
    address = item.get("resourceUrl") or item.get("resource")
    if not isinstance(address, str):
        raise GraphProtocolError("no-resource", "A notification names no resource")
    content = item.get("resourceData", {})
    is_list = isinstance(content, list) and all(isinstance(one, dict) for one in content)
    if not is_list and not isinstance(content, dict):
        raise GraphProtocolError("no-content", "resourceData is neither object nor list")
    callback = item.get("callbackUri")
    return CommsNotification(
        change, read_resource(address), content, callback if isinstance(callback, str) else ""
    )
