# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers as people type them, brought to E.164 (ITU-T E.164).

Numbers inside the product are E.164 with ``+``. What a network or a person writes is
normalised at the border; this is the border towards the keys of a telephone.
"""

from __future__ import annotations

import phonenumbers


def dialled_to_e164(digits: str, region: str) -> str | None:
    """Return the number that ``digits`` dial from ``region``, ``None`` when it is not one.

    ``region`` is an ISO 3166-1 code such as ``IT``. Without one only international numbers,
    written with ``00``, are understood.

    >>> dialled_to_e164("0212345678", "IT")
    '+390212345678'
    >>> dialled_to_e164("00390212345678", "")
    '+390212345678'
    >>> dialled_to_e164("12", "IT") is None
    True
    """
    text = f"+{digits[2:]}" if not region and digits.startswith("00") else digits
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
