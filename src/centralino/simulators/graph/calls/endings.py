# SPDX-License-Identifier: Apache-2.0
"""Words for how calls end and operations fail, and the codes that tell an application.

The documented codes come from the wire's table; those that are not documented are settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from centralino.wire.graph.result import ResultInfo

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.settings import Results

_DOCUMENTED: Final = {
    "other-ended": (200, 4097, "The other participant ended the call."),
    "other-ended-peer-to-peer": (200, 4521, "The other participant ended the call."),
    "removed": (200, 5300, "Removed by another participant."),
    "conversation-ended": (200, 5001, "The conversation ended."),
    "all-others-left": (200, 5002, "All other participants left."),
    "nobody-joined": (200, 5013, "No other participant joined."),
    "lobby-timeout": (200, 5855, "Removed from the lobby after inactivity."),
    "ended-by-application": (200, 7000, "The call was ended by the application."),
    "transferred": (0, 7015, "GracefulTransferCompleted"),
    "peer-left": (200, 18503, "The other participant left the call."),
    "ended-by-phone": (200, 540000, "The call was ended by the telephone user."),
    "keep-alive-timeout": (408, 8537, "Keep-alive timeout."),
    "no-signalling": (408, 10057, "No signalling from the callee's endpoints."),
    "media-failure": (410, 301005, "Media connectivity failure."),
    "no-endpoints": (480, 10037, "No callee endpoints were found."),
    "unreachable": (480, 10076, "The callee could not be reached."),
    "no-route": (480, 10134, "The call cannot be routed."),
    "private-calling-disabled": (480, 10199, "Private calling is disabled."),
    "transfer-failed": (500, 7000, "The transfer failed."),
    "consultative-transfer-failed": (500, 7700, "The consultative transfer failed."),
    "longest-recording": (200, 8515, "Action completed, max record duration reached."),
    "cancelled": (400, 8508, "Action failed, the operation was cancelled."),
}
_UNDOCUMENTED: Final = {
    "busy": "The callee is busy.",
    "declined": "The callee declined the call.",
    "no-answer": "The callee did not answer.",
    "caller-gave-up": "The caller ended the call before it was answered.",
    "not-answered-in-time": "The application did not answer in time.",
    "stop-tone": "Action completed, stop tone detected.",
    "initial-silence": "Action failed, initial silence timeout reached.",
    "final-silence": "Action completed, max silence timeout reached.",
    "prompt-not-found": "Action failed, the file could not be downloaded.",
    "prompt-unreadable": "Action failed, the file format is not supported.",
    "redirected": "The call was redirected.",
    "callback-failed": "The application's callback failed.",
    "meeting-not-found": "The meeting does not exist.",
}
WORDS: Final = frozenset(_DOCUMENTED) | frozenset(_UNDOCUMENTED)


def ending(word: str, results: Results) -> ResultInfo:
    """Return the result that a word stands for."""
    if word in _DOCUMENTED:
        return ResultInfo(*_DOCUMENTED[word])
    code, subcode = getattr(results, word.replace("-", "_"))
    return ResultInfo(code, subcode, _UNDOCUMENTED[word])
