# SPDX-License-Identifier: Apache-2.0
"""The SIP endpoint: bytes-free, clock-free, socket-free.

One object holds all transactions, dialogs, sessions and timers of one process. The driver feeds
parsed messages and the time, then writes what `take_sends` returns, handles what `take_events`
returns, and arms one timer for `next_deadline`. Every input takes `now` in nanoseconds of a
monotonic clock. Nothing here blocks or calls back.

Source: RFC 3261, 3262, 3311, 3515, 3891, 4028, 6026, 6665.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from centralino.wire.sip.checkpoint import DialogCheckpoint
from centralino.wire.sip.config import EndpointConfig, OutgoingInvite
from centralino.wire.sip.events import SipEvent
from centralino.wire.sip.flow import Flow, Hop, Send

if TYPE_CHECKING:
    from centralino.wire.sip.message import Message, Request, Response

__all__ = [
    "DialogCheckpoint",
    "EndpointConfig",
    "Flow",
    "Hop",
    "OutgoingInvite",
    "Send",
    "SipEndpoint",
    "SipEvent",
]

HeaderLines = Sequence[tuple[str, str]]
"""Header lines in order. A name given here replaces the endpoint's own line of that name."""


class SipEndpoint:
    """User agent core, both roles, many sessions."""

    def __init__(self, config: EndpointConfig, *, token: Callable[[], str]) -> None:
        """Make an endpoint.

        Args:
            config: settings, fixed for life.
            token: source of unique random words of `[0-9a-zA-Z]`, at least 64 bits each: branch,
                tag, Call-ID, session ids and the back-off of RFC 3261 14.1 come from it.
        """

    # ---- inputs

    def receive(self, message: Message, flow: Flow, now: int) -> None:
        """Take one parsed message that came in on `flow`."""
        raise NotImplementedError

    def transport_failed(self, transaction: str, now: int, detail: str) -> None:
        """Take notice that a `Send` with that id could not be delivered."""
        raise NotImplementedError

    def flow_closed(self, flow_id: int, now: int) -> None:
        """Take notice that a connection is gone: its dialogs go on over their fallback hop."""
        raise NotImplementedError

    def tick(self, now: int) -> None:
        """Fire every timer that is due."""
        raise NotImplementedError

    # ---- outputs

    def next_deadline(self) -> int | None:
        """When `tick` is wanted next (ns); None: nothing is waiting."""
        raise NotImplementedError

    def take_sends(self) -> list[Send]:
        """Hand over what is to be written, in order."""
        raise NotImplementedError

    def take_events(self) -> list[SipEvent]:
        """Hand over what has happened, in order."""
        raise NotImplementedError

    # ---- requests outside dialogs

    def request(self, request: Request, hop: Hop, now: int) -> str:
        """Send a request outside any dialog (OPTIONS...); ends with `RequestFinished`.

        Via is added; From tag, Call-ID, CSeq, Max-Forwards and User-Agent when missing.
        Returns the transaction id.
        """
        raise NotImplementedError

    def respond(self, transaction: str, response: Response, now: int) -> None:
        """Answer a `RequestReceived`. Without effect when it is no longer waiting."""
        raise NotImplementedError

    # ---- sessions: the first INVITE

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        """Place a call; returns the session id."""
        raise NotImplementedError

    def cancel(self, session: str, now: int, headers: HeaderLines = ()) -> None:
        """Give up an outgoing call that is not answered; ends with `SessionFailed`.

        The CANCEL (with `headers`, say a Reason) leaves after the first 1xx.
        """
        raise NotImplementedError

    def ring(
        self,
        session: str,
        now: int,
        *,
        status: int = 180,
        sdp: bytes | None = None,
        headers: HeaderLines = (),
    ) -> None:
        """Send a provisional response (101-199), reliably when the caller requires it."""
        raise NotImplementedError

    def answer(
        self, session: str, sdp: bytes, now: int, *, contact: str, headers: HeaderLines = ()
    ) -> None:
        """Send 200 with `sdp` and a Contact of value `contact` (name-addr)."""
        raise NotImplementedError

    def reject(
        self,
        session: str,
        status: int,
        now: int,
        *,
        reason: str | None = None,
        headers: HeaderLines = (),
    ) -> None:
        """Refuse an incoming call with a final status (300-699)."""
        raise NotImplementedError

    # ---- sessions: in the dialog

    def bye(self, session: str, now: int, headers: HeaderLines = ()) -> None:
        """Hang up. An unanswered outgoing call is cancelled, an incoming one rejected (480)."""
        raise NotImplementedError

    def reoffer(self, session: str, sdp: bytes, now: int) -> None:
        """Offer a changed description; ends with `ReofferFinished`.

        Waits its turn while another offer is open; a second one waiting supersedes the first.
        """
        raise NotImplementedError

    def accept_offer(self, session: str, sdp: bytes, now: int) -> None:
        """Answer a `SessionReoffered` (with an offer, when it carried none)."""
        raise NotImplementedError

    def reject_offer(self, session: str, status: int, now: int) -> None:
        """Refuse a `SessionReoffered`; the session goes on as it was."""
        raise NotImplementedError

    def info(self, session: str, now: int, content_type: str, body: bytes) -> None:
        """Send INFO (DTMF on carriers)."""
        raise NotImplementedError

    # ---- transfers

    def accept_refer(self, session: str, refer: str, now: int) -> None:
        """Answer a `ReferReceived` with 202, followed by NOTIFY 100 Trying."""
        raise NotImplementedError

    def reject_refer(self, session: str, refer: str, status: int, now: int) -> None:
        """Refuse a `ReferReceived`."""
        raise NotImplementedError

    def notify_refer(
        self, session: str, refer: str, status: int, reason: str, *, final: bool, now: int
    ) -> None:
        """Report progress of an accepted REFER; NOTIFYs leave one after the other."""
        raise NotImplementedError

    def refer(
        self, session: str, refer_to: str, now: int, *, referred_by: str | None = None
    ) -> str:
        """Ask the peer to call `refer_to` (verbatim header value); returns the refer id."""
        raise NotImplementedError

    # ---- checkpoint

    def checkpoint(self, session: str) -> DialogCheckpoint | None:
        """Return what must survive of a confirmed dialog; None for any other."""
        raise NotImplementedError

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        """Go on with a dialog of an earlier process; returns its session id."""
        raise NotImplementedError
