# SPDX-License-Identifier: Apache-2.0
"""The assertions G1 to G10: they hold for every message of every case.

Each is a pure function over what was recorded between the product and Microsoft's side, and
returns what broke it. Sources: Microsoft "Direct Routing - SIP protocol", "Plan Direct
Routing"; RFC 3261, RFC 4568, RFC 3264. Messages of probes count where the product wrote them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from centralino.certification.exchanged import CARRIER, Exchanged
from centralino.wire.sip.message import Request
from centralino.wire.sip.uri import SipUri, parse_uri
from centralino.wire.sip.values import NameAddr

CIPHERS = frozenset(
    {
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-SHA256",
    }
)
FORBIDDEN_METHODS = frozenset({"REFER", "UPDATE", "PRACK", "INFO"})
WANTED_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")
SUITE = "AES_CM_128_HMAC_SHA1_80"
TRYING_MS, ACK_MS = 200.0, 500.0
_E164 = re.compile(r"\+[1-9][0-9]{2,14}")
_ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Connection:
    """One TLS connection with the product."""

    version: str
    """As OpenSSL names it; empty when it is not known."""
    cipher: str
    names: tuple[str, ...]
    """Names in the certificate that the product showed."""
    is_by_product: bool


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """What the far side received from the product in one call."""

    call_id: str
    seconds: float
    rtcp_packets: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the assertions look at."""

    messages: tuple[Exchanged, ...]
    """With Microsoft's side and with probes, in order."""
    trunk: str
    """Name of the trunk whose calls they are."""
    allow_refer: bool = True
    is_over: bool = True
    """All calls are over, so nothing may be open."""
    connections: tuple[Connection, ...] = ()
    media: tuple[MediaFigures, ...] = ()
    open_ports: int = 0
    """UDP sockets that the product's media workers still have."""
    open_interactions: tuple[str, ...] = ()
    lost_requests: frozenset[str] = field(default_factory=frozenset)
    """Call-IDs of calls whose signalling a fault of the case swallowed."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach."""

    rule: str
    text: str


Rule = Callable[[Record], Iterator[str]]


def check_tls(record: Record) -> Iterator[str]:
    """G1: TLS 1.2 or later with a documented suite, and a certificate on both sides."""
    for connection in record.connections:
        if connection.version and connection.version not in ("TLSv1.2", "TLSv1.3"):
            yield f"a connection uses {connection.version}"
        is_12 = connection.version == "TLSv1.2"
        if is_12 and connection.cipher not in CIPHERS:
            yield f"a connection uses the suite {connection.cipher}"
        if not connection.names:
            yield "the product showed no certificate"


def check_contact(record: Record) -> Iterator[str]:
    """G2: Contact is the trunk's name over TLS, never an address; so is a Record-Route."""
    for item in _from_product(record):
        if not _needs_contact(item):
            continue
        values = item.message.headers.values("Contact")
        if not values:
            yield f"{item.label} has no Contact"
            continue
        yield from _judge_contact(item, values[0], record.trunk)
        if item.request is None:
            continue
        for route in item.message.headers.values("Record-Route"):
            if _host(route) != record.trunk:
                yield f"{item.label}: Record-Route names {_host(route)}"


def _judge_contact(item: Exchanged, value: str, trunk: str) -> Iterator[str]:
    uri = parse_uri(NameAddr.parse(value).uri)
    if not isinstance(uri, SipUri):
        yield f"{item.label}: Contact is no SIP URI"
        return
    host = uri.host.lower()
    if _is_address(host):
        yield f"{item.label}: Contact carries the address {host}"
    elif host != trunk:
        yield f"{item.label}: Contact names {host} and not {trunk}"
    if (uri.param("transport") or "").lower() != "tls":
        yield f"{item.label}: Contact lacks transport=tls"


def check_offer(record: Record) -> Iterator[str]:
    """G3: an INVITE brings SDP with RTP/SAVP, the suite, telephone-event, no type twice."""
    for item in _from_product(record):
        if not item.is_initial_invite:
            continue
        lines = item.message.body.decode("utf-8", "replace").splitlines()
        media = [line for line in lines if line.startswith("m=audio ")]
        if not media:
            yield "an INVITE brings no description of audio"
            continue
        words = media[0].split()
        if words[2] != "RTP/SAVP":
            yield f"an INVITE offers {words[2]}"
        if len(set(words[3:])) != len(words[3:]):
            yield "an INVITE offers a payload type twice"
        if not any(re.match(rf"a=crypto:\d+ {SUITE} inline:", line) for line in lines):
            yield f"an INVITE offers no {SUITE}"
        events = {line.split(":")[1].split()[0] for line in lines if "telephone-event/" in line}
        if not events & set(words[3:]):
            yield "an INVITE offers no telephone-event"


def check_numbers(record: Record) -> Iterator[str]:
    """G4: numbers are E.164 with plus and ``user=phone``; the scheme is sip."""
    for item in _from_product(record):
        request = item.request
        if request is None or not item.is_initial_invite:
            continue
        if request.uri.lower().startswith("sips:"):
            yield "an INVITE goes to a sips URI"
            continue
        yield from _judge_number("Request-URI", request.uri)
        yield from _judge_number("From", NameAddr.parse(request.headers.get("From") or "").uri)


def _judge_number(place: str, text: str) -> Iterator[str]:
    uri = parse_uri(text)
    if not isinstance(uri, SipUri) or text.lower().startswith("sips:"):
        yield f"{place} is no sip URI"
        return
    user = (uri.user or "").partition(";")[0]
    if user.lower() == _ANONYMOUS and place == "From":
        return
    if not _E164.fullmatch(user):
        yield f"{place} carries no E.164 number"
    if (uri.param("user") or "").lower() != "phone":
        yield f"{place} lacks user=phone"


def check_forbidden(record: Record) -> Iterator[str]:
    """G5: what Teams does not take is never sent to it."""
    for item in _from_product(record):
        message = item.message
        if isinstance(message, Request) and message.method in FORBIDDEN_METHODS:
            yield f"the product sends {message.method}"
        if isinstance(message, Request) and "Replaces" in message.headers:
            yield f"{item.label} carries Replaces"
        if "100rel" in (message.headers.get("Require") or "").lower():
            yield f"{item.label} requires 100rel"
        body = message.body.decode("utf-8", "replace")
        if re.search(r"(?m)^c=IN IP4 0\.0\.0\.0\s*$", body):
            yield f"{item.label} holds with the address 0.0.0.0"
        for direction in ("sendonly", "recvonly"):
            if re.search(rf"(?m)^a={direction}\s*$", body):
                yield f"{item.label} says a={direction}"


def check_allow(record: Record) -> Iterator[str]:
    """G6: Allow lists what Teams needs; REFER where the profile takes transfers."""
    for item in _from_product(record):
        if not (item.is_initial_invite or (item.request and item.method == "OPTIONS")):
            continue
        listed = ",".join(item.message.headers.values("Allow")).upper()
        methods = {word.strip() for word in listed.split(",")}
        wanted = (*WANTED_METHODS, *(("REFER",) if record.allow_refer else ()))
        missing = [method for method in wanted if method not in methods]
        if missing:
            yield f"Allow of {item.method} lacks {', '.join(missing)}"


def check_pace(record: Record) -> Iterator[str]:
    """G7: 100 within 200 ms of an INVITE, an ACK for every final response, soon after a 200."""
    messages = record.messages
    asked = {(m.call_id, m.cseq) for m in messages if m.request is not None}
    for item in messages:
        if item.is_initial_invite and not item.is_from_product:
            yield from _judge_trying(item, messages)
        if item.is_from_product or item.method != "INVITE" or (item.status or 0) < 200:
            continue
        if (item.call_id, item.cseq) not in asked:
            continue  # a repetition from an earlier case
        acks = [
            other.at - item.at
            for other in messages
            if other.is_from_product
            and other.method == "ACK"
            and other.call_id == item.call_id
            and other.cseq[0] == item.cseq[0]
            and other.to_tag == item.to_tag
            and other.at >= item.at
        ]
        if item.call_id in record.lost_requests:
            continue
        if not acks:
            yield f"{item.label} of {item.call_id} has no ACK"
        elif item.status is not None and item.status < 300 and min(acks) * 1000 > ACK_MS:
            yield f"ACK came {min(acks) * 1000:.0f} ms after {item.label}"


def _judge_trying(invite: Exchanged, messages: Sequence[Exchanged]) -> Iterator[str]:
    answers = [
        other
        for other in messages
        if other.is_from_product
        and other.status is not None
        and other.method == "INVITE"
        and other.branch == invite.branch
    ]
    if not answers:
        return
    wait_ms = (answers[0].at - invite.at) * 1000
    if wait_ms > TRYING_MS:
        yield f"the first response to an INVITE came after {wait_ms:.0f} ms"
    if answers[0].status == 100 or (answers[0].status or 0) >= 300:
        return
    yield f"the first response to an INVITE is {answers[0].status} and not 100"


def check_media(record: Record) -> Iterator[str]:
    """G8: address, port and rtcp-mux stay as they are in a dialog; RTCP comes."""
    first: dict[tuple[str, str], tuple[str, ...]] = {}
    for item in _from_product(record):
        place = _media_place(item.message.body)
        if place is None:
            continue
        local = item.from_tag if item.request is not None else item.to_tag
        known = first.setdefault((item.call_id, local), place)
        if place != known:
            yield f"{item.label} moves media from {' '.join(known)} to {' '.join(place)}"
    for figures in record.media:
        if figures.seconds >= RTCP_AFTER_S and not figures.rtcp_packets:
            yield f"no RTCP in {figures.seconds:.0f} s of {figures.call_id}"


RTCP_AFTER_S = 6.0
"""Calls that last longer must have brought a report (RFC 3550 6.2: every 5 s, spread by half)."""


def _media_place(body: bytes) -> tuple[str, ...] | None:
    lines = body.decode("utf-8", "replace").splitlines()
    media = [line.split() for line in lines if line.startswith("m=audio ")]
    if not media:
        return None
    address = next((line.split()[-1] for line in lines if line.startswith("c=")), "")
    mux = "mux" if "a=rtcp-mux" in lines else "no-mux"
    return address, media[0][1], mux


def check_tolerance(record: Record) -> Iterator[str]:
    """G9: upper-case names and unknown headers of the far side are taken: nobody gets a 4xx."""
    for item in _from_product(record):
        if item.status in (400, 420):
            yield f"the product answers {item.status} to {item.method}"
    for item in record.messages:
        if item.is_from_product or item.method != "INVITE" or (item.status or 0) < 200:
            continue
        repeats = sum(
            1
            for other in record.messages
            if not other.is_from_product
            and (other.status, other.branch, other.to_tag)
            == (item.status, item.branch, item.to_tag)
            and other.cseq == item.cseq
        )
        if repeats > 2 and item.call_id not in record.lost_requests:
            yield f"{item.label} had to be sent {repeats} times"
            return


def check_end(record: Record) -> Iterator[str]:
    """G10: when all is over, no dialog, transaction, port or interaction is open."""
    if not record.is_over:
        return
    for call_id in dict.fromkeys(item.call_id for item in record.messages):
        if call_id not in record.lost_requests:
            yield from _judge_end([m for m in record.messages if m.call_id == call_id])
    if record.open_ports:
        yield f"{record.open_ports} media ports are open"
    for interaction in record.open_interactions:
        yield f"{interaction} has no end"


def _judge_end(messages: Sequence[Exchanged]) -> Iterator[str]:
    invites = [m for m in messages if m.is_initial_invite]
    if not invites:
        return
    finals = [m for m in messages if m.method == "INVITE" and (m.status or 0) >= 200]
    if not finals:
        yield f"an INVITE has no final response ({invites[0].call_id})"
        return
    is_established = any(200 <= (m.status or 0) < 300 for m in finals)
    is_ended = any(m.method == "BYE" and m.status is not None for m in messages)
    if is_established and not is_ended:
        yield f"a dialog has no BYE, or one without an answer ({invites[0].call_id})"


RULES: dict[str, Rule] = {
    "G1": check_tls,
    "G2": check_contact,
    "G3": check_offer,
    "G4": check_numbers,
    "G5": check_forbidden,
    "G6": check_allow,
    "G7": check_pace,
    "G8": check_media,
    "G9": check_tolerance,
    "G10": check_end,
}
"""Name to assertion, in order."""


def check_all(record: Record) -> list[Violation]:
    """Return every breach, the same one only once."""
    found = [Violation(name, text) for name, rule in RULES.items() for text in rule(record)]
    return list(dict.fromkeys(found))


def _from_product(record: Record) -> Iterator[Exchanged]:
    return (m for m in record.messages if m.is_from_product and m.part != CARRIER)


def _needs_contact(item: Exchanged) -> bool:
    if item.request is not None:
        return item.method in ("INVITE", "OPTIONS")
    return item.method == "INVITE" and 200 <= (item.status or 0) < 300


def _host(value: str) -> str:
    uri = parse_uri(NameAddr.parse(value).uri)
    return uri.host.lower() if isinstance(uri, SipUri) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
