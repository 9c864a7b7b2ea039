# SPDX-License-Identifier: Apache-2.0
"""The table of statuses covers the whole tree of errors, row by row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from centralino.api.errors import MENDS, STATUSES, problem_of, problem_of_error, status_of
from centralino.core.kernel import errors
from centralino.core.kernel.errors import AppError, InvalidInput
from centralino.exchange.control_answers import KeyReused

pytestmark = pytest.mark.unit


def _tree(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


@pytest.mark.parametrize("kind", list(_tree(AppError)))
def test_every_error_of_the_kernel_has_a_row(kind: type[AppError]) -> None:
    assert 400 <= STATUSES[kind] <= 504


def test_an_error_without_a_row_has_its_parents() -> None:
    assert status_of(KeyReused) == STATUSES[errors.Conflict]


def test_a_wrong_field_is_named() -> None:
    problem = problem_of_error(InvalidInput("too long", details={"path": "reason"}))
    assert (problem.status, problem.code) == (422, "invalid-input")
    assert [(field.path, field.message) for field in problem.errors] == [("reason", "too long")]


@pytest.mark.parametrize("code", MENDS)
def test_a_mend_is_a_sentence(code: str) -> None:
    assert MENDS[code].endswith(".")
    assert problem_of(500, code, "x").mend == MENDS[code]
