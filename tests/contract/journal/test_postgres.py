# SPDX-License-Identifier: Apache-2.0
"""The journal in PostgreSQL, on a server of the test's own."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from centralino.adapters.journal.postgres import PostgresJournal
from centralino.adapters.journal.postgres_database import Place
from tests.contract.journal.journal_cases import StoredJournalCases
from tests.kit.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from centralino.exchange.ports import JournalPort
    from tests.kit.postgres import PostgresServer

pytestmark = pytest.mark.contract

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as found:
        yield found


FULL = """
CREATE FUNCTION {0}.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT sum(length(events)) FROM {0}.record) > 50000 THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_room BEFORE INSERT ON {0}.record FOR EACH ROW EXECUTE FUNCTION {0}.no_room();
"""
"""Answers as the server does when its disk is full."""


class TestPostgresJournal(StoredJournalCases):
    @pytest.fixture(autouse=True)
    def _place(self, server: PostgresServer) -> None:
        self.server = server
        self.place = Place(server.dsn, f"s{next(_numbers)}", 5.0)

    @override
    def open(
        self, directory: Path, *, is_small: bool = False
    ) -> AbstractContextManager[JournalPort]:
        journal = PostgresJournal(self.place)
        if is_small:
            self.server.ask(FULL.format(self.place.schema))
        return closing(journal)

    @override
    def alter(self, directory: Path, sql: str) -> None:
        self.server.ask(f"SET search_path TO {self.place.schema}; {sql}")

    @override
    def make_newer(self, directory: Path) -> None:
        self.alter(directory, "INSERT INTO migration (step) VALUES (999)")
