# SPDX-License-Identifier: Apache-2.0
"""What the exchange needs from outside, each as a small protocol.

The vocabulary of a port lives beside it: ``orders`` and ``facts`` for call control,
``media`` for media workers, ``capabilities`` for what a model can do. A port's
docstring states its back-pressure and its durability.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from centralino.core.kernel.ids import TenantId

if TYPE_CHECKING:
    from centralino.exchange.facts import AnyFact
    from centralino.exchange.orders import AnyOrder


class ClockPort(Protocol):
    """The only source of time."""

    def now(self) -> int:
        """Return monotonic nanoseconds; comparable only within one boot of the machine."""
        ...

    def utc(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        ...


class CallControlPort(Protocol):
    """A driver of calls: one per integration model.

    Orders are accepted without waiting and carried out in order per leg; what became of
    them arrives as facts. A driver holds its calls when the exchange is away: it keeps
    facts (at most its configured number) and goes on playing what it plays.
    """

    async def attach(self) -> int:
        """Wait until the driver is there; return its generation.

        Facts that were not acknowledged come again after each attachment, oldest first.
        """
        ...

    def detach(self) -> None:
        """Let the driver treat calls by itself (nothing can be made durable now)."""
        ...

    def submit(self, orders: Sequence[AnyOrder]) -> None:
        """Take orders.

        Raises:
            RemoteUnavailable: the driver is away; the orders were not taken.
        """
        ...

    async def next_facts(self) -> Sequence[AnyFact]:
        """Return the facts that have come since, at least one; waits for it.

        Raises:
            RemoteUnavailable: the driver is away; ``attach`` again.
        """
        ...

    def acknowledge(self, generation: int, fact: int) -> None:
        """Tell the driver that all facts up to this one are durable, so it may forget them."""
        ...


class JournalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One input and the events it caused: the unit of the journal."""

    tenant: TenantId
    sequence: int
    """Grows by one per record of a tenant, from 1."""
    at: int
    """UTC nanoseconds that the decision used as ``now``."""
    configuration: int
    """Version of the configuration that the decision used."""
    key: str
    """Idempotency key of the input, empty for a tick."""
    input: bytes
    """The command, encoded (JSON)."""
    events: tuple[bytes, ...]
    """The events, encoded (JSON), in order."""


class JournalReadPort(Protocol):
    """A journal as replays and projections see it."""

    def read(self, tenant: TenantId, after: int = 0) -> Iterable[JournalRecord]:
        """Yield the records of a tenant in order, from ``after`` + 1."""
        ...

    def last_sequence(self, tenant: TenantId) -> int:
        """Return the highest sequence of a tenant, 0 when there is none."""
        ...


class JournalPort(JournalReadPort, Protocol):
    """Where inputs and events become durable.

    ``append`` returns when the records survive a power loss, and not before; many callers
    are committed as one group. Nothing is acknowledged to anybody before it returns.
    """

    async def own(self, tenant: TenantId) -> None:
        """Become the one writer of a tenant; before anything of it is read or appended.

        Raises:
            Conflict: another exchange writes it, and goes on doing so.
            StorageError: the journal cannot be reached.
        """
        ...

    async def guard(self) -> None:
        """Wait until another exchange has become the writer of a tenant of ours.

        Raises:
            VersionConflict: always, then: stop at once.
        """
        ...

    async def append(self, records: Sequence[JournalRecord]) -> None:
        """Make records durable, all or none.

        Raises:
            StorageError: they could not be made durable now; try the same ones again, and
                none is stored twice even when it was stored after all.
            VersionConflict: a sequence or key is taken already, or another exchange has
                become the tenant's writer: stop at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """One address of a service, in the order to try."""

    host: str
    """The name that was asked for; a TLS peer must prove it."""
    address: str
    """IPv4 or IPv6 literal."""
    port: int
    transport: str
    """``udp``, ``tcp`` or ``tls``."""
    expires_at: int
    """Monotonic nanoseconds until which the answer may be used."""


class ResolverPort(Protocol):
    """Names to addresses, RFC 3263: NAPTR, SRV, A and AAAA, with fail-over order."""

    async def resolve(
        self, host: str, port: int | None, transport: str | None
    ) -> Sequence[ServiceAddress]:
        """Return addresses in the order to try; never empty.

        Raises:
            RemoteUnavailable: the name does not resolve; the message says what was asked.
        """
        ...
