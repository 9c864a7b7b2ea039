# SPDX-License-Identifier: Apache-2.0
"""A missing requirement skips with its name; where everything is required it fails."""

from __future__ import annotations

import sys

import pytest

from tests.kit import requirements

pytestmark = pytest.mark.unit


def test_a_program_that_is_there_is_found() -> None:
    assert requirements.require_program("sh").endswith("/sh")


def test_a_missing_program_skips_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_REQUIRE_ALL", "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="sip-tester"):
        requirements.require_program("sipp")


def test_a_missing_program_fails_where_all_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        requirements.require_program("no-such-program")


def test_a_missing_package_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CENTRALINO_REQUIRE_ALL", raising=False)
    assert "no_such_package" not in sys.modules
    with pytest.raises(pytest.skip.Exception, match="no_such_package"):
        requirements.require_package("no_such_package")


def test_missing_shared_data_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CENTRALINO_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no-such\.json"):
        requirements.require_shared_data("no-such.json")


def test_zero_means_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_REQUIRE_ALL", "0")
    assert not requirements.is_everything_required()
