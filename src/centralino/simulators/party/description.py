# SPDX-License-Identifier: Apache-2.0
"""Session descriptions as the far side writes and reads them.

Deliberately not ``wire.sdp``: the product's negotiation is judged against this one.
It knows one audio stream, G.711 and G.722, SDES, and the lines that Microsoft's media
processors write (Direct Routing media, fact sheet section 10.3).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}
NAMES = {value: key for key, value in PAYLOAD_TYPES.items()}
SUITE = "AES_CM_128_HMAC_SHA1_80"
SHORT_SUITE = "AES_CM_128_HMAC_SHA1_32"
MORE_BEFORE = ((104, "SILK/16000"), (103, "SILK/8000"), (111, "SIREN/16000"), (18, "G729/8000"))
MORE_AFTER = ((97, "RED/8000"), (13, "CN/8000"), (118, "CN/16000"))
"""What real offers have beside the codecs we speak (public traces)."""
KEY_BYTES = 30


class DescriptionError(Exception):
    """The peer's description is refused; ``reason`` is the name Microsoft gives it."""

    def __init__(self, reason: str, status: int = 488) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Style:
    """How one part of the far side describes itself."""

    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    is_secure: bool = False
    writes_mki_line: bool = False
    """A second crypto line with a master key identifier comes first."""
    is_microsoft: bool = False
    """Adds the label, mid and bandwidth lines of a media processor."""
    rtcp_mux: bool = False
    event_payload_type: int = 101
    offers_more: bool = False
    """Offers list codecs and a crypto suite that are never accepted, as real ones do."""


@dataclass(slots=True)
class Crypto:
    """One SDES line."""

    tag: int
    suite: str
    key: bytes
    mki_bytes: int = 0


@dataclass(slots=True)
class Heard:
    """What the peer described."""

    address: str
    port: int
    rtcp_port: int
    profile: str
    formats: tuple[int, ...]
    names: dict[int, str]
    direction: str
    rtcp_mux: bool
    cryptos: list[Crypto] = field(default_factory=list)
    version: str = ""

    def codec(self, allowed: tuple[str, ...]) -> tuple[str, int]:
        """Return the first offered codec that is allowed, and its payload type.

        Raises:
            DescriptionError: there is none.
        """
        for number in self.formats:
            name = self.names.get(number, NAMES.get(number, ""))
            if name in allowed:
                return name, number
        raise DescriptionError("CannotSupportAnyMedia")

    def event_payload_type(self) -> int | None:
        """Return the payload type of telephone-event at 8 kHz."""
        return next((n for n in self.formats if self.names.get(n) == "telephone-event"), None)

    def crypto(self) -> Crypto:
        """Return the first line of a suite we know.

        Raises:
            DescriptionError: the stream is not encrypted, or in no way we know.
        """
        if self.profile == "RTP/AVP":
            raise DescriptionError("SrtpEncryptionRequired")
        for line in self.cryptos:
            if line.suite == SUITE:
                return line
        raise DescriptionError("SrtpEncryptionRequired")


def read(body: bytes) -> Heard:
    """Read a description with one audio stream.

    Raises:
        DescriptionError: there is no audio stream, or a payload type stands twice.
    """
    address, version, found = "", "", None
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        kind, _, value = line.partition("=")
        if kind == "o":
            version = " ".join(value.split()[1:3])
        elif kind == "c":
            address = value.split()[-1]
            if found is not None:
                found.address = address
        elif kind == "m":
            if found is not None:
                break
            found = _read_media(value, address)
        elif kind == "a" and found is not None:
            _read_attribute(found, value)
    if found is None:
        raise DescriptionError("CannotSupportAnyMedia")
    found.version = version
    return found


def _read_media(value: str, address: str) -> Heard | None:
    words = value.split()
    if len(words) < 4 or words[0] != "audio":
        return None
    formats = tuple(int(word) for word in words[3:] if word.isdigit())
    if len(set(formats)) != len(formats):
        raise DescriptionError("CannotSupportAnyMedia")
    port = int(words[1].split("/")[0])
    return Heard(
        address=address,
        port=port,
        rtcp_port=port + 1,
        profile=words[2],
        formats=formats,
        names={},
        direction="sendrecv",
        rtcp_mux=False,
    )


def _read_attribute(found: Heard, value: str) -> None:
    name, _, text = value.partition(":")
    if name == "rtpmap":
        number, _, codec = text.partition(" ")
        parts = codec.split("/")
        if parts[0] != "telephone-event" or parts[1:2] == ["8000"]:
            found.names[int(number)] = parts[0]
    elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
        found.direction = name
    elif name == "rtcp":
        found.rtcp_port = int(text.split()[0])
    elif name == "rtcp-mux":
        found.rtcp_mux = True
    elif name == "crypto":
        found.cryptos += _read_crypto(text)


def _read_crypto(text: str) -> list[Crypto]:
    words = text.split()
    if len(words) < 3 or not words[2].startswith("inline:"):
        return []
    parts = words[2].removeprefix("inline:").split("|")
    mki = next((p for p in parts[1:] if ":" in p), "")
    try:
        key = base64.b64decode(parts[0])
    except ValueError:
        return []
    if len(key) != KEY_BYTES:
        return []
    return [Crypto(int(words[0]), words[1], key, int(mki.split(":")[1]) if mki else 0)]


@dataclass(slots=True)
class Spoken:
    """What we describe: kept for the life of a call, so that nothing moves."""

    style: Style
    address: str
    port: int
    session: int
    key: bytes
    version: int = 1
    crypto_tag: int = 1

    def write(
        self, direction: str, codec: tuple[str, int] | None = None, events: int | None = None
    ) -> bytes:
        """Write an offer, or the answer for an agreed codec and event payload type.

        The direction ``zero-address`` is the hold of RFC 2543: an address nobody can send to.
        """
        style = self.style
        connection = self.address
        if direction == "zero-address":
            direction, connection = "sendonly", "0.0.0.0"  # noqa: S104 - said, never bound
        chosen = (
            [codec] if codec is not None else [(name, PAYLOAD_TYPES[name]) for name in style.codecs]
        )
        event = events if codec is not None else style.event_payload_type
        before, after = (
            (MORE_BEFORE, MORE_AFTER) if style.offers_more and codec is None else ((), ())
        )
        numbers = [number for number, _ in before]
        numbers += [number for _, number in chosen]
        numbers += [number for number, _ in after]
        numbers += [event] if event is not None else []
        lines = [
            "v=0",
            f"o=- {self.session} {self.version} IN IP4 {self.address}",
            "s=session" if style.is_microsoft else "s=-",
            f"c=IN IP4 {connection}",
            *(["b=CT:10000000"] if style.is_microsoft else []),
            "t=0 0",
            f"m=audio {self.port} {'RTP/SAVP' if style.is_secure else 'RTP/AVP'} "
            + " ".join(map(str, numbers)),
            *(["a=label:main-audio", "a=mid:1"] if style.is_microsoft else []),
            f"a=rtcp:{self.port if style.rtcp_mux else self.port + 1}",
            *(["a=rtcp-mux"] if style.rtcp_mux else []),
            *(self._crypto_lines(is_offer=codec is None) if style.is_secure else []),
            *(f"a=rtpmap:{number} {name}/8000" for name, number in chosen),
            *(f"a=rtpmap:{number} {name}" for number, name in (*before, *after)),
            *([f"a=rtpmap:{event} telephone-event/8000"] if event is not None else []),
            *([f"a=fmtp:{event} 0-16"] if event is not None else []),
            "a=ptime:20",
            f"a={direction}",
        ]
        return ("\r\n".join(lines) + "\r\n").encode()

    def _crypto_lines(self, *, is_offer: bool) -> list[str]:
        inline = base64.b64encode(self.key).decode()
        if not is_offer:
            return [f"a=crypto:{self.crypto_tag} {SUITE} inline:{inline}|2^31"]
        lines = [f"a=crypto:1 {SUITE} inline:{inline}|2^31"]
        if self.style.writes_mki_line:
            lines.append(f"a=crypto:2 {SUITE} inline:{inline}|2^31|1:1")
        if self.style.offers_more:
            lines.append(f"a=crypto:3 {SHORT_SUITE} inline:{inline}|2^31")
        return lines
