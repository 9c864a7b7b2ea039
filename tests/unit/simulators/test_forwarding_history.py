# SPDX-License-Identifier: Apache-2.0
"""History-Info as the proxies write and read it."""

from __future__ import annotations

import pytest

from centralino.simulators.direct_routing.history import entries_of, forwarded, is_loop
from centralino.wire.sip.message import Request

pytestmark = pytest.mark.unit

ANNA, BERT, OUTSIDE = "+14255550101", "+14255550102", "+390698765432"


def invite(*values: str) -> Request:
    request = Request("INVITE", f"sip:{ANNA}@sip.pstnhub.test")
    for value in values:
        request.headers.add("History-Info", value)
    return request


def entries(text: str) -> list[str]:
    return entries_of(invite(text))


def forward(known: list[str], start: str, end: str, cause: int = 302) -> str:
    return forwarded(known, from_number=start, to_number=end, host="h.test", port=5061, cause=cause)


def test_the_first_forward_has_two_entries() -> None:
    assert forward([], ANNA, OUTSIDE) == (
        f"<sip:{ANNA}@h.test:5061;user=phone?Reason=SIP%3Bcause%3D302"
        "%3Btext%3D%22Moved%20temporarily%22>;index=1,"
        f"<sip:{OUTSIDE}@h.test:5061;user=phone>;index=1.1"
    )


def test_the_next_forward_goes_on_from_there() -> None:
    known = entries(forward([], ANNA, BERT))
    text = forward(known, BERT, OUTSIDE)
    assert [entry.rpartition("index=")[2] for entry in entries(text)] == ["1", "1.1", "1.1.1"]
    assert text.count("Reason=") == 2


def test_only_one_who_forwarded_makes_a_loop() -> None:
    known = entries(forward([], ANNA, BERT))
    assert is_loop(known, ANNA)
    assert not is_loop(known, BERT)


def test_entries_without_a_number_are_left_out() -> None:
    request = invite("<sip:someone@h.test>;index=1", f"<sip:{ANNA}@h.test>;index=1.1")
    assert entries_of(request) == [f"<sip:{ANNA}@h.test>;index=1.1"]
