# SPDX-License-Identifier: Apache-2.0
"""``centralino replay``: every tenant of a journal, decided again and compared."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from centralino.adapters.journal.sqlite import JournalReader
from centralino.core.kernel.errors import NotFound
from centralino.exchange.replay import replay

_NAME = "journal.sqlite3"


def run(path: Path, json_file: Path | None) -> int:
    """Replay a journal; return 0 when all is identical."""
    journal = path / _NAME if path.is_dir() else path
    if not journal.is_file():
        raise NotFound(f"there is no journal {journal}")
    reader = JournalReader(journal)
    reports = [replay(reader, tenant) for tenant in reader.tenants()]
    for report in reports:
        verdict = (
            "identical"
            if report.is_identical
            else f"DIFFERENT from record {report.first_difference}"
        )
        print(
            f"{report.tenant}: {report.records} inputs, {report.events} events, {verdict}, "
            f"state {report.state_hash[:16]}"
        )
    if json_file is not None:
        text = json.dumps([msgspec.to_builtins(report) for report in reports])
        json_file.write_text(text + "\n", encoding="utf-8")
    return 0 if reports and all(report.is_identical for report in reports) else 1
