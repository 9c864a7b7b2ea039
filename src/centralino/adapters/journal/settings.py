# SPDX-License-Identifier: Apache-2.0
"""The settings of the journal: which back end, and how PostgreSQL is used."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

DSN_VARIABLE = "CENTRALINO_JOURNAL_DSN"
"""Environment variable that is read where no file is named."""


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where inputs and events become durable."""

    kind: Literal["sqlite", "postgresql"] = "sqlite"
    """``sqlite``: one file under the data directory, for one machine; ``postgresql``: a database
    server, so that another machine can take over."""
    dsn_file: str = ""
    """File with the connection string of PostgreSQL (``postgresql://user:password@host/base``);
    empty takes it from the environment variable ``CENTRALINO_JOURNAL_DSN``."""
    schema: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "centralino"
    """Schema of the database that holds our tables; made at the first start."""
    lease_s: Annotated[float, Meta(ge=1, le=300)] = 5.0
    """How long a tenant stays ours without a sign of life; another exchange may take it over
    after that, or at once when the database has seen our connection close."""
    take_over_s: Annotated[float, Meta(ge=0, le=3600)] = 20.0
    """How long a starting exchange waits for a tenant that another one has, before it gives up
    and is started again by its supervisor."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=300)] = 5.0
    """Longest wait for the database: to connect, and for one statement. Past it the journal
    counts as unwritable and calls get the holding treatment until it answers again."""
    snapshot_records: Annotated[int, Meta(ge=100, le=10_000_000)] = 2000
    """A snapshot of a tenant's state is made after so many inputs; a restart reads the newest
    one and what came after it."""
    snapshot_pause_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    """And not before so many seconds after the last one."""
    snapshots: Annotated[int, Meta(ge=3, le=1000)] = 24
    """How many snapshots of a tenant are kept, spread over the past."""
