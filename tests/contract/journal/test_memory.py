# SPDX-License-Identifier: Apache-2.0
"""The journal in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from centralino.adapters.journal.memory import InMemoryJournal
from tests.contract.journal.journal_cases import JournalCases

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.exchange.ports import JournalPort

pytestmark = pytest.mark.contract


class TestInMemoryJournal(JournalCases):
    @override
    def open(
        self, directory: Path, *, is_small: bool = False
    ) -> AbstractContextManager[JournalPort]:
        del directory
        return nullcontext(InMemoryJournal(40 if is_small else None))
