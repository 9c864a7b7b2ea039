# SPDX-License-Identifier: Apache-2.0
"""An exchange's journal in a process of its own, for tests that kill or freeze it.

``python -m tests.contract.journal.postgres_writer DSN SCHEMA LEASE_S`` takes the tenant
``acme`` and appends; it prints ``epoch N``, each sequence when it is durable, and ``fenced``
when it learns that another has taken over.
"""

from __future__ import annotations

import asyncio
import sys

from centralino.adapters.journal.postgres import PostgresJournal
from centralino.adapters.journal.postgres_database import Place
from centralino.core.kernel.errors import VersionConflict
from tests.contract.journal.journal_cases import ACME, record


async def _main(dsn: str, schema: str, lease_s: float) -> None:
    journal = PostgresJournal(Place(dsn, schema, 5.0), lease_s=lease_s)
    await journal.own(ACME)
    _say("owned")
    sequence = journal.last_sequence(ACME)
    try:
        while True:
            sequence += 1
            await journal.append([record(sequence, key=f"k{sequence}")])
            _say(str(sequence))
    except VersionConflict:
        _say("fenced")
    journal.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
