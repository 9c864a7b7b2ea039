# SPDX-License-Identifier: Apache-2.0
"""History-Info of forwarded calls: what the proxies write, and the loop it shows.

Entries are chronological with dotted indexes; Reason stands in the URI, escaped. Only
entries with a phone number survive (Microsoft "Direct Routing - SIP protocol", RFC 4244,
RFC 7044). Transfers leave no entry. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from centralino.wire.sip.uri import SipUri, parse_uri
from centralino.wire.sip.values import NameAddr

if TYPE_CHECKING:
    from centralino.wire.sip.message import Request

_INDEX = re.compile(r";\s*index\s*=\s*([0-9.]+)", re.IGNORECASE)
_SENTENCES = {302: "Moved temporarily", 480: "Temporarily Unavailable", 408: "Request Timeout"}


def entries_of(request: Request) -> list[str]:
    """Return the History-Info values with a phone number, oldest first."""
    values = request.headers.values("History-Info")
    return [value for value in values if number_of(value)]


def number_of(entry: str) -> str:
    """Return the number in an entry; empty when it is none."""
    uri = parse_uri(NameAddr.parse(entry).uri)
    user = (uri.user or "") if isinstance(uri, SipUri) else ""
    return user if user.startswith("+") else ""


def forwarded(
    entries: list[str], *, from_number: str, to_number: str, host: str, port: int, cause: int
) -> str:
    """Return the value for a call that ``from_number`` forwards to ``to_number``.

    An entry that already stands for ``from_number`` as the last one gets the reason.
    """
    kept = list(entries)
    last = kept[-1] if kept else ""
    index = _index(last)
    if kept and number_of(last) == from_number:
        kept.pop()
    else:
        index = f"{index}.1" if index else "1"
    sentence = _SENTENCES.get(cause, "Moved temporarily").replace(" ", "%20")
    why = f"SIP%3Bcause%3D{cause}%3Btext%3D%22{sentence}%22"
    kept.append(f"<sip:{from_number}@{host}:{port};user=phone?Reason={why}>;index={index}")
    kept.append(f"<sip:{to_number}@{host}:{port};user=phone>;index={index}.1")
    return ",".join(kept)


def is_loop(entries: list[str], number: str) -> bool:
    """Say whether ``number`` has forwarded the call before."""
    return any(number_of(entry) == number and "reason=" in entry.lower() for entry in entries)


def _index(entry: str) -> str:
    found = _INDEX.search(entry)
    return found.group(1) if found else ""
