# SPDX-License-Identifier: Apache-2.0
"""Names of header fields: the usual spellings and the one-letter forms.

A peer may write a name in any case and many in one letter; the canonical name is the long
form in lower case. The table is filled once from this file, so no peer can make it grow.
Source: the IANA registry of SIP header fields (RFC 3261 7.3.3 and later RFCs).
"""

from __future__ import annotations

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
# fmt: off
_USUAL = (
    "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition", "Content-Encoding",
    "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Diversion",
    "Error-Info", "Event", "Expires", "From", "History-Info", "In-Reply-To", "Max-Forwards",
    "MIME-Version", "Min-Expires", "Min-SE", "Organization", "P-Asserted-Identity",
    "P-Preferred-Identity", "Path", "Priority", "Privacy", "Proxy-Authenticate",
    "Proxy-Authorization", "RAck", "Reason", "Record-Route", "Refer-Sub", "Refer-To",
    "Referred-By", "Remote-Party-ID", "Replaces", "Reply-To", "Require", "Retry-After", "Route",
    "RSeq", "Server", "Service-Route", "Session-Expires", "Subject", "Subscription-State",
    "Supported", "Target-Dialog", "Timestamp", "To", "Unsupported", "User-Agent", "User-to-User",
    "Via", "Warning", "WWW-Authenticate", "X-MS-UserLocation", "X-MS-MediaPath", "X-MS-UserSite",
)
# fmt: on

KNOWN: dict[str, str] = {
    spelling: _COMPACT.get(name.lower(), name.lower())
    for name in [*_USUAL, *_COMPACT]
    for spelling in (name, name.lower(), name.upper())
}
"""Usual spellings to canonical name. Filled here once, never by a peer."""


def canonical_name(name: str) -> str:
    """Return the lower-case long form of a header name."""
    found = KNOWN.get(name)
    if found is None:
        lowered = name.strip(" \t\r\n").lower()
        found = KNOWN.get(lowered, lowered)
    return found
