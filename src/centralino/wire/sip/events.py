# SPDX-License-Identifier: Apache-2.0
"""What a `SipEndpoint` reports: facts, in the order in which they happened.

A session is one INVITE and the dialog it makes. Each session has exactly one last event:
`SessionCancelled`, `SessionFailed` or `SessionEnded`. A `RequestReceived` must be answered with
`respond`; a `SessionInvited` with `answer` or `reject`; a `SessionReoffered` with `accept_offer`
or `reject_offer`; a `ReferReceived` with `accept_refer` or `reject_refer`.

SDP is the body of type application/sdp as bytes, also when it was one part of a multipart body;
the full body is in the message itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.values import Replaces

FinishCause = Literal["response", "timeout", "transport"]
FailCause = Literal[
    "response", "timeout", "transport", "cancelled", "ack-timeout", "auth", "rejected"
]
EndCause = Literal[
    "bye-received",
    "bye-sent",
    "timer-expired",
    "transport",
    "replaced",
    "ack-timeout",
    "peer-unknown",
]


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request outside any dialog, other than INVITE, waits for `respond`.

    Unanswered for `timer_b_ms` it is dropped.
    """

    transaction: str
    request: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A request given to `SipEndpoint.request` has come to its end."""

    transaction: str
    response: Response | None
    """The final response; None unless `cause` is `response`."""
    cause: FinishCause
    detail: str = ""
    """What the transport said."""


@dataclass(frozen=True, slots=True)
class SessionInvited:
    """A new call has come in; 100 Trying is already sent."""

    session: str
    request: Request
    flow: Flow
    sdp: bytes | None
    """The offer; None: the caller wants ours in the 2xx."""
    replaces: Replaces | None = None
    """The Replaces header (RFC 3891)."""
    replaced_session: str | None = None
    """The session it names. It ends by itself (cause `replaced`) when the new one is answered."""


@dataclass(frozen=True, slots=True)
class SessionCancelled:
    """An incoming call was given up by the caller before the answer. Last event."""

    session: str
    reason: str | None
    """Reason header of the CANCEL or BYE, verbatim."""


@dataclass(frozen=True, slots=True)
class SessionProgressed:
    """A provisional response (101 to 199) to our INVITE."""

    session: str
    status: int
    to_tag: str
    """Which fork; empty when the response had no To tag."""
    sdp: bytes | None
    """Early media description."""
    response: Response


@dataclass(frozen=True, slots=True)
class SessionAnswered:
    """Our INVITE was answered; the ACK is already sent."""

    session: str
    response: Response
    sdp: bytes | None
    """The answer: of the 2xx, else of the reliable provisional response of the same fork."""
    to_tag: str
    """Tag of the winning fork; it need not be among `early_tags`."""
    early_tags: tuple[str, ...] = ()
    """Tags of all forks that rang, in order of appearance."""


@dataclass(frozen=True, slots=True)
class SessionEstablished:
    """The ACK to our 2xx has come."""

    session: str
    sdp: bytes | None = None
    """The answer, when the offer was ours (INVITE without SDP)."""


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """A session ended before it was established. Last event."""

    session: str
    status: int | None
    """Status of the final response (also of the one sent by `reject`); None without one."""
    response: Response | None
    cause: FailCause
    """`response`: refused by the peer; `timeout`: no response at all; `transport`: could not be
    delivered, or (status 503) the endpoint has no room; `cancelled`: we gave up (also when a 2xx
    crossed, which was then ACKed and BYEd); `ack-timeout`: our 2xx was never ACKed; `auth`:
    challenged and we have no fitting credentials, or they were refused; `rejected`: by `reject`,
    or because its provisional was never acknowledged (504)."""
    retry_after_s: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """An answered session is over. Last event.

    With `bye-sent` the BYE is on its way; nothing more will be reported of it.
    """

    session: str
    cause: EndCause
    request: Request | None = None
    """The BYE received."""


@dataclass(frozen=True, slots=True)
class SessionReoffered:
    """The peer sent a re-INVITE or UPDATE that changes the session."""

    session: str
    request: Request
    sdp: bytes | None
    """None: the peer asks for our offer; the answer comes as `ReofferFinished`."""


@dataclass(frozen=True, slots=True)
class SessionRefreshed:
    """The session timer was renewed, by either side, without a change of the media."""

    session: str


@dataclass(frozen=True, slots=True)
class ReofferFinished:
    """One `reoffer` has come to its end, or an ACK brought the answer to our offer in a 2xx."""

    session: str
    status: int
    """Final status; 408: no response; 503: not delivered; 491: superseded, or glare for ever;
    487: the session ended first."""
    sdp: bytes | None
    """The answer, when status is 2xx."""


@dataclass(frozen=True, slots=True)
class ReferReceived:
    """The peer asks us to call someone (RFC 3515)."""

    session: str
    refer: str
    refer_to: str
    """Refer-To value, verbatim."""
    referred_by: str | None
    """Referred-By value, verbatim."""
    request: Request


@dataclass(frozen=True, slots=True)
class ReferProgress:
    """News of a REFER we sent. Exactly one has `final` set.

    While the peer only accepted, status is 202 and not final.
    """

    session: str
    refer: str
    status: int
    """Status line of the NOTIFY body, or the response to the REFER itself; 408: nothing came in
    time; 481: the session ended before the final NOTIFY."""
    final: bool


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """A SIP INFO in a session; already answered with 200."""

    session: str
    request: Request


@dataclass(frozen=True, slots=True)
class MessageDropped:
    """A message that belongs to nothing, or that overload forbids; for counting only."""

    reason: str
    """A short fixed word: `stray-response`, `stray-ack`, `malformed`, `overload`..."""
    flow: Flow


SipEvent = (
    RequestReceived
    | RequestFinished
    | SessionInvited
    | SessionCancelled
    | SessionProgressed
    | SessionAnswered
    | SessionEstablished
    | SessionFailed
    | SessionEnded
    | SessionReoffered
    | SessionRefreshed
    | ReofferFinished
    | ReferReceived
    | ReferProgress
    | InfoReceived
    | MessageDropped
)
