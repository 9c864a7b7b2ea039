# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers at a trunk's border: E.164 with plus inside, the peer's habit outside.

Everything within knows only ``+`` and 7 to 15 digits. What comes in is read by the rules of the
trunk's country; what goes out is written in the form the trunk wants. A number that no rule
makes E.164 (an extension, a service code) comes back as ``None`` and is for the caller to judge.
Sources: ITU-T E.164, RFC 3966 (visual separators), Microsoft "Direct Routing - SIP protocol"
(plus required), "Number translation".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers

from centralino.core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import NumberFormat, NumberSettings

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SEPARATORS = re.compile(r"[\s().\-/]+")
_DIALABLE = re.compile(r"\+?\d{3,20}")
_ANONYMOUS_USERS = frozenset({"", "anonymous", "unknown", "restricted", "unavailable", "private"})
_ANONYMOUS_HOSTS = frozenset({"anonymous.invalid", "unknown.invalid"})


def is_e164(number: str) -> bool:
    """Tell whether a number is in our inner form.

    >>> is_e164("+390612345678"), is_e164("0612345678")
    (True, False)
    """
    return _E164.fullmatch(number) is not None


def is_anonymous(user: str, host: str = "") -> bool:
    """Tell whether a caller's URI says that it does not say who calls (RFC 3323 4.1.1.3).

    >>> is_anonymous("anonymous", "anonymous.invalid"), is_anonymous("+390612345678")
    (True, False)
    """
    return user.lower() in _ANONYMOUS_USERS or host.lower() in _ANONYMOUS_HOSTS


def normalise(user: str, settings: NumberSettings) -> str | None:
    """Return E.164 with plus for the user part of a trunk's URI, None when it is no number.

    Parameters after ``;`` (``ext``, ``phone-context``) are set aside; see ``extension``.

    >>> from centralino.adapters.voice.settings import NumberSettings
    >>> normalise("06 1234 5678", NumberSettings(country="IT"))
    '+390612345678'
    """
    text = _SEPARATORS.sub("", user.partition(";")[0])
    if _E164.fullmatch(text):
        return text
    if not _DIALABLE.fullmatch(text):
        return None
    return _read(text, settings.country, settings.international_prefix)


def extension(user: str) -> str | None:
    """Return the ``ext`` parameter of a user part, None without one.

    >>> extension("+14255388701;ext=1001")
    '1001'
    """
    for part in user.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.lower() == "ext" and value.isdigit():
            return value
    return None


def written(number: str, form: NumberFormat, settings: NumberSettings) -> str:
    """Return an inner number as a trunk wants it.

    Raises:
        InvalidInput: the number is not E.164 with plus.
    """
    if not is_e164(number):
        raise InvalidInput("the number is not E.164", details={"path": "number"})
    if form == "e164":
        return number
    if form == "e164-no-plus":
        return number[1:]
    if form == "national":
        national = _national(number, settings.country)
        if national is not None:
            return national
    return settings.international_prefix + number[1:]


@lru_cache(maxsize=4096)
def _read(text: str, country: str, international_prefix: str) -> str | None:
    if international_prefix and text.startswith(international_prefix):
        candidate = "+" + text[len(international_prefix) :]
        return candidate if _E164.fullmatch(candidate) else None
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is not None and phonenumbers.is_possible_number(parsed):
        candidate = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if _E164.fullmatch(candidate) and phonenumbers.is_valid_number(parsed):
            return candidate
    # Not valid at home: carriers also write E.164 without its plus.
    foreign = "+" + text.removeprefix("+")
    return foreign if _is_valid(foreign) else None


def _is_valid(number: str) -> bool:
    if not _E164.fullmatch(number):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=4096)
def _national(number: str, country: str) -> str | None:
    """Return the number as dialled inside its own country, None for one of another."""
    parsed = phonenumbers.parse(number, None)
    if parsed.country_code != phonenumbers.country_code_for_region(country):
        return None
    prefix = phonenumbers.ndd_prefix_for_region(country, True) or ""
    return prefix + phonenumbers.national_significant_number(parsed)
