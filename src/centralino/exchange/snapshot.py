# SPDX-License-Identifier: Apache-2.0
"""A tenant's state at one record of its journal, kept so that a restart need not read it all.

A snapshot is disposable: the journal is the truth and can make it again. It is trusted only
when the same code made it (the fold of events is code, so another version's state is
another state), when its bytes are whole, and when the journal still holds the very record
that it was taken at. Anything else is ignored, never repaired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import TenantId

if TYPE_CHECKING:
    from centralino.exchange.ports import JournalRecord

FORMAT = 1
"""Of a snapshot's bytes: a line of JSON about it, then the state as JSON."""


class SnapshotHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is of, and what must hold before it is trusted."""

    tenant: TenantId
    sequence: int
    """Of the last record in it."""
    at: int
    """Instant of that record, UTC nanoseconds."""
    configuration: int
    """Version of the configuration in force."""
    code: str
    """Fingerprint of the code that made it."""
    anchor: str
    """Fingerprint of that record: tells whether the journal is the one it was taken from."""
    keys: tuple[str, ...]
    """Idempotency keys that still matter, oldest first."""
    state_hash: str
    """SHA-256 of the state's bytes, the one that a replay prints."""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A header and the state that it describes."""

    header: SnapshotHeader
    state: bytes


class SnapshotPort(Protocol):
    """Where snapshots are kept; a bounded number per tenant."""

    def headers(self, tenant: TenantId) -> Sequence[SnapshotHeader]:
        """Return what there is of a tenant, newest first; damaged ones are left out."""
        ...

    def load(self, header: SnapshotHeader) -> Snapshot:
        """Return a snapshot.

        Raises:
            StorageError: it is damaged or gone.
        """
        ...

    def keep(self, snapshot: Snapshot) -> None:
        """Make a snapshot durable and drop those that are too many.

        Raises:
            StorageError: it cannot be kept; nothing else is harmed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A place of snapshots, and whose may be trusted."""

    store: SnapshotPort
    code: str
    """Fingerprint of the running code."""


def anchor_of(record: JournalRecord) -> str:
    """Return the fingerprint of a record."""
    parts = (str(record.at).encode(), record.input, *record.events)
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def encode_header(header: SnapshotHeader) -> str:
    """Return a header as a line of JSON."""
    return msgspec.json.encode(header).decode()


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return a snapshot as bytes."""
    return encode_header(snapshot.header).encode() + b"\n" + snapshot.state


def decode_header(line: bytes) -> SnapshotHeader:
    """Return the header that is the first line of a snapshot's bytes.

    Raises:
        StorageError: it is damaged or of another format.
    """
    try:
        header = msgspec.json.decode(line, type=SnapshotHeader)
    except msgspec.MsgspecError as error:
        raise StorageError(f"a snapshot is damaged: {error}") from error
    if header.format != FORMAT:
        raise StorageError(f"a snapshot has format {header.format}, this release reads {FORMAT}")
    return header


def decode_snapshot(data: bytes) -> Snapshot:
    """Return the snapshot of some bytes.

    Raises:
        StorageError: it is damaged or of another format.
    """
    line, _, state = data.partition(b"\n")
    header = decode_header(line)
    if hashlib.sha256(state).hexdigest() != header.state_hash:
        raise StorageError(f"the snapshot of {header.tenant} at {header.sequence} is damaged")
    return Snapshot(header, state)


def one_too_many(sequences: Sequence[int], most: int) -> int | None:
    """Return which of some snapshots to drop so that the rest lies evenly over the past.

    ``None`` while there are at most ``most``. The oldest and the newest two always stay.

    >>> one_too_many([100, 200, 210, 400, 500, 600], 5)
    200
    """
    ordered = sorted(sequences)
    if len(ordered) <= most:
        return None
    inner = range(1, len(ordered) - 2)
    if not inner:
        return ordered[0]
    return ordered[min(inner, key=lambda n: (ordered[n + 1] - ordered[n - 1], n))]
