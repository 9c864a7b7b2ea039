# SPDX-License-Identifier: Apache-2.0
"""A dialog: tags, sequence numbers, route set, and where its requests go.

The remote target is the peer's Contact URI verbatim, whatever it contains. Requests prefer the
flow on which the peer was last heard; the fallback is the first route, else the remote target.
Source: RFC 3261 12, 16.12.1.2 (strict routers), RFC 3263 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from centralino.wire.sip.dialog_state import INITIAL, NAME, TABLE, Event, State
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.flow import Hop, Transport
from centralino.wire.sip.lifecycle import step
from centralino.wire.sip.message import Request
from centralino.wire.sip.uri import SipUri, parse_uri
from centralino.wire.sip.values import NameAddr

if TYPE_CHECKING:
    from centralino.wire.sip.digest import Credentials
    from centralino.wire.sip.message import Message, Response

_TRANSPORTS = ("udp", "tcp", "tls")


def address_uri(text: str) -> str:
    """Return the URI of a name-addr, verbatim."""
    return NameAddr.parse(text).uri


def sent_by_of(contact: str) -> str | None:
    """Return `host[:port]` of a Contact value, None when it is not a SIP address."""
    try:
        uri = parse_uri(address_uri(contact))
    except SipParseError:
        return None
    if not isinstance(uri, SipUri):
        return None
    return uri.host if uri.port is None else f"{uri.host}:{uri.port}"


def hop_of(uri_text: str, fallback: Hop) -> Hop:
    """Return where a request to `uri_text` goes; what the URI leaves open is as in `fallback`."""
    try:
        uri = parse_uri(uri_text)
    except SipParseError:
        return fallback
    if not isinstance(uri, SipUri):
        return fallback
    transport = "tls" if uri.scheme == "sips" else uri.transport
    if transport not in _TRANSPORTS:
        transport = fallback.transport
    host = uri.param("maddr") or uri.host
    return Hop(
        host.strip("[]"),
        uri.port,
        cast("Transport", transport),
        fallback.flow_id,
        fallback.trunk,
        fallback.sent_by,
    )


class Dialog:
    """One dialog, early or confirmed."""

    __slots__ = (
        "_hop",
        "call_id",
        "credentials",
        "fallback",
        "local",
        "local_cseq",
        "local_tag",
        "remote",
        "remote_cseq",
        "remote_tag",
        "remote_target",
        "route_set",
        "state",
    )

    def __init__(self, call_id: str, local: tuple[str, str], remote: tuple[str, str]) -> None:
        self.call_id = call_id
        self.local, self.local_tag = local
        """From value of our requests, and its tag."""
        self.remote, self.remote_tag = remote
        """To value of our requests, and its tag (empty: an RFC 2543 peer)."""
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.remote_target = ""
        self.route_set: tuple[str, ...] = ()
        self.fallback = Hop("", None, "udp")
        """Where the peer was last reached, with its flow; see `note_flow`."""
        self.credentials: Credentials | None = None
        """Answer challenges of this dialog with these."""
        self.state = INITIAL
        self._hop: Hop | None = None

    @classmethod
    def of_response(cls, invite: Request, response: Response, fallback: Hop) -> Dialog:
        """Make the dialog of a response to our INVITE (RFC 3261 12.1.2)."""
        to = response.headers.get("To") or ""
        dialog = cls(
            invite.call_id,
            (invite.headers.get("From") or "", invite.from_.tag or ""),
            (to, response.to.tag or ""),
        )
        dialog.local_cseq = invite.cseq.number
        dialog.route_set = tuple(reversed(response.headers.values("Record-Route")))
        dialog.fallback = fallback
        dialog.remote_target = invite.uri
        dialog.refresh_target(response)
        return dialog

    @classmethod
    def of_invite(cls, invite: Request, local_tag: str, fallback: Hop) -> Dialog:
        """Make the dialog of an INVITE we received (RFC 3261 12.1.1).

        Raises:
            SipParseError: neither Contact nor From has an address to send requests to.
        """
        dialog = cls(
            invite.call_id,
            (f"{invite.headers.get('To')};tag={local_tag}", local_tag),
            (invite.headers.get("From") or "", invite.from_.tag or ""),
        )
        dialog.remote_cseq = invite.cseq.number
        dialog.route_set = tuple(invite.headers.values("Record-Route"))
        dialog.fallback = fallback
        dialog.refresh_target(invite)
        if not dialog.remote_target:
            parse_uri(invite.from_.uri)
            dialog.remote_target = invite.from_.uri
        return dialog

    def step(self, event: Event) -> None:
        """Move along the table of `dialog_state`."""
        self.state = step(TABLE, NAME, self.state, event).state

    @property
    def is_confirmed(self) -> bool:
        """Whether a 2xx made it."""
        return self.state is State.CONFIRMED

    def refresh_target(self, message: Message) -> None:
        """Take over the Contact of a target refresh request or its 2xx, unless broken."""
        try:
            contact = message.contact
            if contact is None or contact.uri in ("*", self.remote_target):
                return
            parse_uri(contact.uri)
        except SipParseError:
            return
        self.remote_target = contact.uri
        self._hop = None

    def note_flow(self, flow_id: int | None) -> None:
        """Remember the flow on which the peer was heard (None: it is gone)."""
        if flow_id != self.fallback.flow_id:
            old = self.fallback
            self.fallback = Hop(old.host, old.port, old.transport, flow_id, old.trunk, old.sent_by)
            self._hop = None

    def set_sent_by(self, contact: str) -> None:
        """Use the host of our Contact in Via, unless the hop has its own."""
        old = self.fallback
        if old.sent_by is None:
            sent_by = sent_by_of(contact)
            self.fallback = Hop(old.host, old.port, old.transport, old.flow_id, old.trunk, sent_by)
            self._hop = None

    def hop(self) -> Hop:
        """Return where requests of this dialog go."""
        if self._hop is None:
            uri = self.remote_target
            if self.route_set:
                try:
                    uri = address_uri(self.route_set[0])
                except SipParseError:
                    uri = ""
            self._hop = hop_of(uri, self.fallback)
        return self._hop

    def next_cseq(self) -> int:
        """Count up and return the sequence number of the next request."""
        self.local_cseq += 1
        return self.local_cseq

    def accepts_cseq(self, number: int) -> bool:
        """Take note of the number of a received request; False when it is out of order."""
        if self.remote_cseq is not None and number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def request(self, method: str, cseq: int) -> Request:
        """Build a request of this dialog with all that RFC 3261 12.2.1.1 asks for."""
        uri, routes = self.remote_target, self.route_set
        if routes and not _is_loose(routes[0]):
            uri, routes = address_uri(routes[0]), (*routes[1:], f"<{uri}>")
        request = Request(method, uri)
        headers = request.headers
        headers.add("Max-Forwards", "70")
        for route in routes:
            headers.add("Route", route)
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        return request


def _is_loose(route: str) -> bool:
    try:
        uri = parse_uri(address_uri(route))
    except SipParseError:
        return True
    return not isinstance(uri, SipUri) or uri.param("lr") is not None
