# SPDX-License-Identifier: Apache-2.0
"""The text of challenges and credentials: a scheme and its parameters.

Its lists use bare commas, so it is never split like other headers: one header line is one
value. What the parameters mean is `digest`. Sources: RFC 3261 25.1, RFC 7616 3.3 and 3.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.grammar import SPACE, is_token, unquote

_AUTH_PARAM = re.compile(
    r"[ \t\r\n]*([A-Za-z0-9\-.!%*_+`\'~]+)[ \t\r\n]*=[ \t\r\n]*"
    r'("(?:[^"\\]|\\.)*"|[^\s",]+)[ \t\r\n]*(?:,|$)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class AuthValue:
    """A challenge or credentials: scheme and parameters."""

    scheme: str
    """As written, such as `Digest`."""
    params: tuple[tuple[str, str], ...]
    """Name in lower case and value without quotes, in order; names are unique."""

    def get(self, name: str) -> str | None:
        """Return a parameter by lower-case name, or None."""
        return dict(self.params).get(name)


def parse_auth(text: str) -> AuthValue:
    """Parse WWW-Authenticate, Authorization and their proxy forms (one header line).

    Raises:
        SipParseError: No scheme, a parameter twice, or broken quoting.
    """
    scheme, _, rest = text.strip(SPACE).partition(" ")
    params: dict[str, str] = {}
    position = 0
    rest = rest.strip(SPACE)
    while position < len(rest):
        match = _AUTH_PARAM.match(rest, position)
        if match is None or match[1].lower() in params:
            raise SipParseError("bad-auth-parameter", offending=text)
        params[match[1].lower()] = unquote(match[2])
        position = match.end()
    if not is_token(scheme):
        raise SipParseError("bad-auth-scheme", offending=text)
    return AuthValue(scheme, tuple(params.items()))
