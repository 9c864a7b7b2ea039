# SPDX-License-Identifier: Apache-2.0
"""Numbers at a trunk's border."""

from __future__ import annotations

import pytest

from centralino.adapters.voice.numbers import (
    extension,
    is_anonymous,
    is_e164,
    normalise,
    written,
)
from centralino.adapters.voice.settings import NumberFormat, NumberSettings
from centralino.core.kernel.errors import InvalidInput

pytestmark = pytest.mark.unit

ITALY = NumberSettings(country="IT")
GERMANY = NumberSettings(country="DE")
STATES = NumberSettings(country="US", international_prefix="011")


@pytest.mark.parametrize(
    ("user", "settings", "expected"),
    [
        ("+390612345678", ITALY, "+390612345678"),
        ("0612345678", ITALY, "+390612345678"),
        ("06 1234-5678", ITALY, "+390612345678"),
        ("3331234567", ITALY, "+393331234567"),
        ("00390612345678", ITALY, "+390612345678"),
        ("390612345678", ITALY, "+390612345678"),
        ("030 123456", GERMANY, "+4930123456"),
        ("(425) 555-0101", STATES, "+14255550101"),
        ("14255550101", STATES, "+14255550101"),
        ("011390612345678", STATES, "+390612345678"),
        ("+14255388701;ext=1001", STATES, "+14255388701"),
        ("4930123456", ITALY, "+4930123456"),
        ("112", ITALY, None),
        ("ann", ITALY, None),
        ("", ITALY, None),
        ("anonymous", ITALY, None),
        ("+0612345678", ITALY, None),
        ("00", ITALY, None),
        ("00123", ITALY, None),
        ("+3906123456781234567890", ITALY, None),
    ],
)
def test_what_comes_in_becomes_e164(
    user: str, settings: NumberSettings, expected: str | None
) -> None:
    assert normalise(user, settings) == expected


@pytest.mark.parametrize(
    ("number", "form", "settings", "expected"),
    [
        ("+390612345678", "e164", ITALY, "+390612345678"),
        ("+390612345678", "e164-no-plus", ITALY, "390612345678"),
        ("+390612345678", "international-00", ITALY, "00390612345678"),
        ("+390612345678", "national", ITALY, "0612345678"),
        ("+393331234567", "national", ITALY, "3331234567"),
        ("+4930123456", "national", GERMANY, "030123456"),
        ("+390612345678", "national", GERMANY, "00390612345678"),
        ("+14255550101", "national", STATES, "14255550101"),
        ("+390612345678", "national", STATES, "011390612345678"),
    ],
)
def test_what_goes_out_has_the_trunks_form(
    number: str, form: NumberFormat, settings: NumberSettings, expected: str
) -> None:
    assert written(number, form, settings) == expected


def test_only_inner_numbers_are_written() -> None:
    with pytest.raises(InvalidInput):
        written("0612345678", "e164", ITALY)


def test_extensions_and_anonymity() -> None:
    assert extension("+14255388701;phone-context=x;ext=1001") == "1001"
    assert extension("+14255388701;ext=abc") is None
    assert is_anonymous("Anonymous")
    assert is_anonymous("x", "anonymous.invalid")
    assert not is_anonymous("+390612345678", "sbc.test")
    assert is_e164("+390612345678")
    assert not is_e164("+39")
