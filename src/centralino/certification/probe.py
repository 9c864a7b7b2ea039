# SPDX-License-Identifier: Apache-2.0
"""A TLS connection of our own that says one thing and notes what became of it.

For what the simulators never do on purpose: certificates nobody should accept, addresses
outside the range, offers no Teams client makes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509

from centralino.certification.rules import Connection
from centralino.certification.waiting import until
from centralino.simulators.direct_routing.dress import upper_case_names
from centralino.simulators.direct_routing.tls import CIPHERS
from centralino.wire.sip.errors import FramingError, SipParseError
from centralino.wire.sip.framing import Keepalive, StreamFramer
from centralino.wire.sip.message import Request, Response, parse_message

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.certification.authority import Files

REFUSED, CONNECTED = "refused", "connected"
CONNECT_S, ANSWER_S = 3.0, 3.0
KEY_LINE = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "|2^31"


@dataclass(slots=True)
class Probed:
    """What became of a probe."""

    result: str = REFUSED
    """``refused``, ``connected``, or the final status as text."""
    codec: str = ""
    serial: int = 0
    """Serial number of the certificate that the product showed."""
    connection: Connection | None = None
    detail: str = ""


@dataclass(slots=True)
class Probe:
    """One connection; ``record`` is told ``(is_from_product, bytes)`` of each message."""

    record: Callable[[bool, bytes], None]
    is_dressed: bool = True
    """Header names in upper case, as the proxies write them."""
    outcome: Probed = field(default_factory=Probed)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _responses: list[Response] = field(default_factory=list)
    _writer: asyncio.StreamWriter | None = None
    _reading: asyncio.Task[None] | None = None

    async def connect(
        self, address: str, target: tuple[str, int], server_name: str, context: ssl.SSLContext
    ) -> bool:
        """Open the connection from ``address``; returns whether that worked."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, self._writer = await asyncio.open_connection(
                    *target, ssl=context, server_hostname=server_name, local_addr=(address, 0)
                )
        except (OSError, TimeoutError) as error:
            self.outcome.detail = str(error) or type(error).__name__
            return False
        self.outcome.result = CONNECTED
        self._note_connection(self._writer)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))
        return True

    def _note_connection(self, writer: asyncio.StreamWriter) -> None:
        tls = writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
        certificate = x509.load_der_x509_certificate(der)
        self.outcome.serial = certificate.serial_number
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.outcome.connection = Connection(
            version=tls.version(),
            cipher=tls.cipher()[0],
            names=tuple(names.get_values_for_type(x509.DNSName)),
            is_by_product=False,
        )

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framer = StreamFramer()
        try:
            while data := await reader.read(65536):
                for item in framer.feed(data):
                    if not isinstance(item, Keepalive):
                        self._take(item)
        except (OSError, FramingError, SipParseError) as error:
            self.outcome.detail = str(error)
        finally:
            self.closed.set()

    def _take(self, data: bytes) -> None:
        self.record(True, data)
        message = parse_message(data)
        if isinstance(message, Response):
            self._responses.append(message)

    def send(self, request: Request) -> None:
        """Write one request."""
        data = request.to_bytes()
        if self.is_dressed:
            data = upper_case_names(data)
        self.record(False, data)
        if self._writer is not None:
            self._writer.write(data)

    async def ask(self, request: Request) -> Response | None:
        """Send a request and return its final response; ``None`` is none, or the end."""
        begin = len(self._responses)
        self.send(request)

        def find() -> Response | bool | None:
            final = [r for r in self._responses[begin:] if r.status >= 200]
            return final[0] if final else (True if self.closed.is_set() else None)

        try:
            found = await until(find, ANSWER_S)
        except TimeoutError:
            found = False
        response = found if isinstance(found, Response) else None
        self.outcome.result = str(response.status) if response is not None else REFUSED
        return response

    async def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


def client_context(files: Files, root: Path) -> ssl.SSLContext:
    """Return the context of a probe that shows a certificate and trusts the run's root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(files.certificate, files.private_key)
    context.load_verify_locations(root)
    # A probe looks at certificates of every kind; their names are judged by the case.
    context.check_hostname = False
    return context


@dataclass(frozen=True, slots=True)
class Origin:
    """Names that a probe's requests carry."""

    host: str
    """Of From."""
    via: str
    """``host:port`` of Via."""
    contact: str
    """URI of Contact."""
    token: str
    """Makes Call-ID, tag and branch unique."""


def invite(origin: Origin, target: str, body: bytes) -> Request:
    """Return an INVITE."""
    request = _request("INVITE", target, origin, 1)
    request.headers.add("From", f"<sip:+14255550199@{origin.host};user=phone>;tag={origin.token}")
    request.headers.add("To", f"<{target}>")
    request.headers.add("Call-ID", f"{origin.token}@probe")
    request.headers.add("Contact", f"<{origin.contact}>")
    request.headers.add("Allow", "INVITE,ACK,OPTIONS,CANCEL,BYE,NOTIFY")
    request.headers.add("X-Ms-Lab", "unknown on purpose")
    request.set_body(body, "application/sdp")
    return request


def follow_up(method: str, origin: Origin, sent: Request, response: Response) -> Request:
    """Return the ACK or BYE that follows a final response."""
    contact = response.contact
    is_success = response.status < 300
    target = contact.uri if contact is not None and is_success else sent.uri
    request = _request(method, target, origin, 1 if method == "ACK" else 2)
    if method == "ACK" and not is_success:
        request.headers.set("Via", sent.headers.get("Via") or "")
    request.headers.add("From", sent.headers.get("From") or "")
    request.headers.add("To", response.headers.get("To") or "")
    request.headers.add("Call-ID", sent.call_id)
    return request


def bye_of_callee(origin: Origin, sent: Request, answer: Response) -> Request:
    """Return the BYE that the party who answered ``sent`` would send."""
    contact = sent.contact
    request = _request("BYE", contact.uri if contact is not None else sent.uri, origin, 1)
    request.headers.add("From", answer.headers.get("To") or "")
    request.headers.add("To", sent.headers.get("From") or "")
    request.headers.add("Call-ID", sent.call_id)
    return request


def _request(method: str, target: str, origin: Origin, cseq: int) -> Request:
    request = Request(method, target)
    branch = f"z9hG4bK{origin.token}{method.lower()}"
    request.headers.add("Via", f"SIP/2.0/TLS {origin.via};branch={branch}")
    request.headers.add("Max-Forwards", "70")
    request.headers.add("CSeq", f"{cseq} {method}")
    return request


def offer(formats: Sequence[str], *, is_plain: bool) -> bytes:
    """Return a description whose media goes nowhere; ``formats`` are ``8 PCMA/8000``."""
    numbers = " ".join(item.split()[0] for item in formats)
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=session",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio 9 {'RTP/AVP' if is_plain else 'RTP/SAVP'} {numbers}",
        *(f"a=rtpmap:{item}" for item in formats),
        *([] if is_plain else [KEY_LINE]),
        "a=sendrecv",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def answered_codec(response: Response) -> str:
    """Return the first payload type of an answer; empty without one."""
    for line in response.body.decode("utf-8", "replace").splitlines():
        if line.startswith("m=audio "):
            return line.split()[3]
    return ""
