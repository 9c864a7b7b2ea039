# SPDX-License-Identifier: Apache-2.0
"""Change notifications as Graph sends them.

One delivery may mix subscriptions and directories; an item counts only when the secret of
its subscription (``clientState``) is right. Source: Microsoft Graph, "Receive change
notifications through webhooks".
"""

from __future__ import annotations

import msgspec

from centralino.adapters.graph.resource_data import EncryptedContent
from centralino.core.kernel.errors import InvalidInput

MOST_ITEMS = 1000


class ResourceData(msgspec.Struct, rename={"odata_type": "@odata.type", "odata_id": "@odata.id"}):
    """What changed, by name."""

    odata_type: str = ""
    odata_id: str = ""
    id: str = ""


class Item(msgspec.Struct, rename="camel"):
    """One change, or one event in the life of the subscription."""

    subscription_id: str
    client_state: str = ""
    tenant_id: str = ""
    change_type: str = ""
    resource: str = ""
    resource_data: ResourceData | None = None
    encrypted_content: EncryptedContent | None = None
    lifecycle_event: str = ""
    subscription_expiration_date_time: str = ""


class Delivery(msgspec.Struct, rename="camel"):
    """One POST of Graph's."""

    value: list[Item]
    validation_tokens: list[str] = []


_DECODER = msgspec.json.Decoder(Delivery)


def parse_delivery(body: bytes) -> Delivery:
    """Return a delivery.

    Raises:
        InvalidInput: it is no delivery, or has more than ``MOST_ITEMS`` items.
    """
    try:
        delivery = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"this is no delivery of notifications: {error}") from error
    if len(delivery.value) > MOST_ITEMS:
        raise InvalidInput(f"a delivery may have {MOST_ITEMS} items, not {len(delivery.value)}")
    return delivery
