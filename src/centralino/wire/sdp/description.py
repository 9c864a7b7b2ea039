# SPDX-License-Identifier: Apache-2.0
"""The lines of a session description, kept in order, with the few that matter read out.

The parser is tolerant: it takes bare LF, unknown line types and unknown attributes and
keeps them, because only the lines that decide the audio stream are ours to judge. It is
strict where a wrong reading would send audio somewhere: the `m=` line and the port.

Not here: what to answer (`audio`). Sources: RFC 8866; RFC 2046 5.1 for multipart bodies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from centralino.wire.sdp.errors import SdpParseError

MAX_MEDIA = 32
"""Most `m=` lines accepted in one description."""
MAX_LINES = 2000
"""Most lines accepted in one description."""
MAX_PARTS = 16
"""Most parts looked at in a multipart body."""

_CODEC = ("utf-8", "surrogateescape")
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_PART_TYPE = re.compile(rb"(?:^|\n)content-type[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


def _attribute(lines: list[str], name: str) -> str | None:
    exact, prefix = f"a={name}", f"a={name}:"
    for line in lines:
        if line.startswith(prefix):
            return line[len(prefix) :].strip()
        if line == exact:
            return ""
    return None


def _connection(lines: list[str]) -> str | None:
    for line in lines:
        if line.startswith("c="):
            pieces = line[2:].split()
            return pieces[2].partition("/")[0] if len(pieces) == 3 else None
    return None


@dataclass(slots=True)
class MediaDescription:
    """One `m=` line with the lines below it."""

    kind: str
    """`audio`, `video`, `image`, ... as written."""
    port: int
    """0 means the stream is refused or ended."""
    profile: str
    """Such as `RTP/SAVP`, as written."""
    formats: list[str]
    """Payload types as written."""
    lines: list[str] = field(default_factory=list)
    """The lines after `m=`, without line ends, in order."""
    port_count: int | None = None
    """What follows `/` in the port field, or None."""

    @classmethod
    def parse(cls, line: str) -> MediaDescription:
        """Parse the text after `m=`. Raises `SdpParseError`."""
        pieces = line.split()
        if len(pieces) < 3:
            raise SdpParseError("bad-media-line", offending=line)
        port, slash, count = pieces[1].partition("/")
        if not _is_number(port) or int(port) > 65535 or (slash and not _is_number(count)):
            raise SdpParseError("bad-media-port", offending=line)
        return cls(pieces[0], int(port), pieces[2], pieces[3:], [], int(count) if slash else None)

    def line(self) -> str:
        """Return the `m=` line."""
        count = "" if self.port_count is None else f"/{self.port_count}"
        return f"m={self.kind} {self.port}{count} {self.profile} {' '.join(self.formats)}".rstrip()

    def attribute(self, name: str) -> str | None:
        """Return the first `a=name:value`, `""` for a flag, None when absent."""
        return _attribute(self.lines, name)

    def attributes(self, name: str) -> list[str]:
        """Return the values of all `a=name:value` lines."""
        prefix = f"a={name}:"
        return [line[len(prefix) :].strip() for line in self.lines if line.startswith(prefix)]

    @property
    def connection(self) -> str | None:
        """Address of the media-level `c=` line, or None."""
        return _connection(self.lines)


@dataclass(slots=True)
class SessionDescription:
    """A whole description: session lines, then media."""

    lines: list[str] = field(default_factory=list)
    """Session-level lines without line ends, in order."""
    media: list[MediaDescription] = field(default_factory=list)
    """The media, in order."""

    @classmethod
    def parse(cls, data: bytes) -> SessionDescription:
        """Parse a description.

        Raises:
            SdpParseError: It does not begin with `v=0`, has a line that is not `x=...`,
                a broken `m=` line, or too much of anything.
        """
        rows = data.decode(*_CODEC).replace("\r\n", "\n").rstrip("\n\x00 ").split("\n")
        if rows[0].rstrip() != "v=0":
            raise SdpParseError("no-version-line", offending=data)
        if len(rows) > MAX_LINES:
            raise SdpParseError("too-many-lines")
        description = cls()
        current = description.lines
        for row in rows:
            if row[:2] == "m=":
                media = MediaDescription.parse(row[2:])
                description.media.append(media)
                current = media.lines
            elif row[1:2] == "=" and row[0].isalpha() and "\r" not in row:
                current.append(row)
            elif row.strip():
                raise SdpParseError("bad-line", offending=row)
        if len(description.media) > MAX_MEDIA:
            raise SdpParseError("too-many-media")
        return description

    def to_bytes(self) -> bytes:
        """Write the description with CRLF line ends."""
        rows = [*self.lines]
        for media in self.media:
            rows += (media.line(), *media.lines)
        return ("\r\n".join(rows) + "\r\n").encode(*_CODEC)

    @property
    def origin(self) -> str | None:
        """The text of the `o=` line, or None."""
        return next((line[2:].strip() for line in self.lines if line.startswith("o=")), None)

    @property
    def connection(self) -> str | None:
        """Address of the session-level `c=` line, or None."""
        return _connection(self.lines)

    def attribute(self, name: str) -> str | None:
        """Return the first session-level `a=name:value`, `""` for a flag, None if absent."""
        return _attribute(self.lines, name)


def find_sdp(content_type: str | None, body: bytes) -> bytes | None:
    """Return the description in a SIP body: the body itself or a part of a multipart.

    A body without Content-Type counts when it begins like one. None when there is none.
    Parts of parts are not searched.
    """
    if not body:
        return None
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/sdp":
        return body
    if not kind:
        return body if body.startswith(b"v=0") else None
    boundary = _BOUNDARY.search(content_type or "") if kind.startswith("multipart/") else None
    if boundary is None:
        return None
    mark = b"\r\n--" + (boundary[1] or boundary[2]).encode(*_CODEC)
    for part in (b"\r\n" + body).split(mark, MAX_PARTS)[1:]:
        if part.startswith(b"--"):
            break
        head, found, content = part.partition(b"\r\n\r\n")
        part_type = _PART_TYPE.search(head)
        is_part = head.lstrip(b" \t").startswith(b"\r\n")
        if is_part and found and part_type and part_type[1].lower().startswith(b"application/sdp"):
            return content
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5
