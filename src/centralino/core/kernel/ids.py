# SPDX-License-Identifier: Apache-2.0
"""Identifiers, one type each, so that a leg is never mistaken for an agent.

Identifiers are opaque strings. The core derives new ones from the tenant's sequence so that
a replay makes the same ones; the shell may use random ones.
"""

from __future__ import annotations

from typing import NewType

TenantId = NewType("TenantId", str)
"""One organisation, the unit of ordering and isolation."""

InteractionId = NewType("InteractionId", str)
"""One piece of work for one customer, from arrival to its terminal state."""

LegId = NewType("LegId", str)
"""One party's connection in a call: one SIP dialog or one cloud call connection."""

AgentId = NewType("AgentId", str)
"""A person who takes interactions."""

QueueId = NewType("QueueId", str)
"""A place where interactions wait for an agent."""

OfferId = NewType("OfferId", str)
"""One presentation of one interaction to one agent."""

TrunkId = NewType("TrunkId", str)
"""A configured SIP peer of one tenant, or a carrier."""

BridgeId = NewType("BridgeId", str)
"""A set of legs that hear each other as a gain matrix says."""

RecordingId = NewType("RecordingId", str)
"""One recording, from start to its file."""

CallbackId = NewType("CallbackId", str)
"""One promise to call a customer back."""

ConsultId = NewType("ConsultId", str)
"""One asking of a colleague during a conversation."""

OrderId = NewType("OrderId", str)
"""Idempotency key of one order to a driver."""
