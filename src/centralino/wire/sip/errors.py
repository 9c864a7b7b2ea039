# SPDX-License-Identifier: Apache-2.0
"""What a broken SIP message raises.

`SipParseError` says which status would answer the message and, when enough of it could
be read, carries a skeleton request from which `message.response_to` builds that answer.
`FramingError` ends a stream: after it the boundary of the next message is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from centralino.wire.sip.message import Request


class SipParseError(RemoteProtocolError):
    """A SIP message, or a value inside it, does not follow the grammar."""

    def __init__(
        self, code: str, message: str = "", *, offending: bytes | str = b"", status: int = 400
    ) -> None:
        """Describe the fault; `status` is the SIP status that would answer a request."""
        super().__init__(code, message, offending=offending)
        self.status = status
        self.request_skeleton: Request | None = None
        """The readable part of a broken request, or None when it must not be answered."""


class FramingError(RemoteProtocolError):
    """The byte stream can no longer be cut into messages; close the connection."""
