# SPDX-License-Identifier: Apache-2.0
"""``resultInfo``: how a call or an operation ended, and the meaning of the known codes.

Codes and sub-codes of ended calls are those of "Delete call" in the reference; those of operations
come from the pages of recordResponse, cancelMediaProcessing and transfer. Samples write the
sub-code as ``subcode`` and ``subCode``, and numbers as strings; all are read, numbers are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from centralino.wire.graph.errors import GraphProtocolError


@dataclass(frozen=True, slots=True)
class ResultInfo:
    """A result; ``code`` is like an HTTP or SIP status, 0 and 2xx mean success."""

    code: int
    subcode: int = 0
    message: str = ""

    @property
    def is_success(self) -> bool:
        """Whether it went as intended, or ended in the ordinary way."""
        return self.code == 0 or 200 <= self.code < 300

    @property
    def meaning(self) -> str:
        """The word of `MEANINGS` for it, or an empty one for a code that is not known."""
        return MEANINGS.get((self.code, self.subcode), "")

    def write(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "@odata.type": "#microsoft.graph.resultInfo",
            "code": self.code,
            "subcode": self.subcode,
            "message": self.message,
        }


MEANINGS: Final[Mapping[tuple[int, int], str]] = MappingProxyType(
    {
        (200, 4097): "other-ended",
        (200, 4521): "other-ended-peer-to-peer",
        (200, 5000): "removed",
        (200, 5300): "removed",
        (200, 5001): "conversation-ended",
        (200, 5003): "conversation-ended",
        (200, 5002): "all-others-left",
        (200, 5007): "initiator-left",
        (200, 5010): "only-one-remained",
        (200, 5012): "roster-empty",
        (200, 5020): "only-hidden-remained",
        (200, 5013): "nobody-joined",
        (200, 5014): "no-potential-host",
        (200, 5030): "breakout-room-elapsed",
        (200, 5855): "lobby-timeout",
        (200, 7000): "ended-by-application",
        (200, 10550): "ended-by-application",
        (0, 7015): "transferred",
        (200, 7015): "transferred",
        (200, 18503): "peer-left",
        (200, 540000): "ended-by-phone",
        (200, 560000): "ended-by-phone",
        (408, 8537): "keep-alive-timeout",
        (408, 1106): "acceptance-not-acknowledged",
        (408, 10057): "no-signalling",
        (410, 301005): "media-failure",
        (480, 10037): "no-endpoints",
        (480, 10076): "unreachable",
        (480, 10134): "no-route",
        (480, 10199): "private-calling-disabled",
        (500, 1005): "media-failure",
        (500, 7000): "transfer-failed",
        (500, 7700): "consultative-transfer-failed",
        (500, 7106): "media-failure",
        (500, 3003): "server-error",
        (500, 560500): "telephone-server-error",
        (200, 0): "completed",
        (200, 8515): "longest-recording-reached",
        (400, 8508): "cancelled",
    }
)
"""(code, sub-code) to a word of ours."""


def read_result(value: object) -> ResultInfo | None:
    """Read a ``resultInfo``; None where there is none.

    Raises:
        GraphProtocolError: it is no object, or its code is no number.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise GraphProtocolError("result-not-an-object", "resultInfo is no object")
    message = value.get("message")
    return ResultInfo(
        _number(value.get("code", 0)),
        _number(value.get("subcode", value.get("subCode", 0))),
        message if isinstance(message, str) else "",
    )


def _number(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 12 and value.lstrip("-").isdecimal():
        return int(value)
    raise GraphProtocolError("code-not-a-number", "A result code is no number")
