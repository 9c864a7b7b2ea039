# SPDX-License-Identifier: Apache-2.0
"""What the exchange and a call driver say to each other over their link.

The driver listens, the exchange connects, so that each may be restarted alone. After
the hello the driver sends again every fact that was not acknowledged, oldest first,
then new ones as they come; the exchange sends orders and acknowledges facts that are
durable. Nothing else is spoken here: orders and facts are the vocabulary.
"""

from __future__ import annotations

import msgspec

from centralino.exchange.facts import AnyFact
from centralino.exchange.orders import AnyOrder


class SubmitOrders(msgspec.Struct, frozen=True, tag_field="message", tag="orders"):
    """Exchange to driver: carry these out, in order per leg."""

    orders: tuple[AnyOrder, ...]


class AcknowledgeFacts(msgspec.Struct, frozen=True, tag_field="message", tag="acknowledge"):
    """Exchange to driver: every fact of ``generation`` up to ``fact`` is durable."""

    generation: int
    fact: int


class DeliverFacts(msgspec.Struct, frozen=True, tag_field="message", tag="facts"):
    """Driver to exchange: what happened, in order; at least one."""

    facts: tuple[AnyFact, ...]


ToDriver = SubmitOrders | AcknowledgeFacts
"""What the exchange says."""

FromDriver = DeliverFacts
"""What a driver says."""


def driver_decoder() -> msgspec.msgpack.Decoder[ToDriver]:
    """Return a decoder for the driver's side."""
    return msgspec.msgpack.Decoder(ToDriver)


def exchange_decoder() -> msgspec.msgpack.Decoder[FromDriver]:
    """Return a decoder for the exchange's side."""
    return msgspec.msgpack.Decoder(FromDriver)
