# SPDX-License-Identifier: Apache-2.0
"""The counters of a worker's legs in a memory-mapped file, so that a crash loses none.

Written by memory stores, without a system call; the kernel keeps the pages when the
process dies. One record per leg: its outgoing line (``outgoing``), and the SSRC and
packet indices that we heard last, which SRTP needs to find its roll-over count again
(RFC 3711, 3.3.1). Each record has a checksum: half a store is no record. Keys are not
stored, only a short digest of them, by which old counters are matched to their keys.

Its blocks are allocated at the start: a store into a page that a full disk cannot back
would kill the process. The file belongs to one machine boot (times are monotonic) and to
one worker at a time (``flock``).
"""

from __future__ import annotations

import fcntl
import mmap
import os
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from centralino.adapters.media.outgoing import LinePosition

if TYPE_CHECKING:
    from centralino.core.kernel.ids import LegId

_HEADER = Struct("<8sII")
_MAGIC = b"centrlm1"
_HEADER_BYTES = 64
_RECORD = Struct("<16s4s4sHIQIQIQII")
_CHECKSUM = Struct("<I")
_RECORD_BYTES = 96
_KEY_BYTES = 16


class LegCounters(msgspec.Struct, frozen=True):
    """What a leg needs to go on after a crash."""

    rtp_port: int
    keys: tuple[bytes, bytes]
    """Digests of the SRTP keys, ours and theirs, that the counters belong to."""
    line: LinePosition
    heard_ssrc: int
    heard_index: int
    """Sequence number that we heard last, with the roll-over count above its 16 bits."""
    rtcp_index: int = 0
    """RTCP packets sent (SRTCP counts them)."""
    heard_rtcp_index: int = 0
    """SRTCP index that we heard last."""


def keys_digest(local: bytes, remote: bytes) -> tuple[bytes, bytes]:
    """Return four bytes for each direction, by which a key is recognised but not known."""
    return _digest(local), _digest(remote)


NO_KEYS = (bytes(4), bytes(4))
"""Digests of no keys: plain RTP."""


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=4).digest()


def _key(leg: LegId) -> bytes:
    return blake2b(leg.encode(), digest_size=_KEY_BYTES).digest()


class Checkpoint:
    """The file of one worker.

    Raises:
        BlockingIOError: another process holds the file.
        OSError: it cannot be made.
    """

    def __init__(self, path: str, places: int) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = _HEADER_BYTES + places * _RECORD_BYTES
            if os.fstat(self._descriptor).st_size < size:
                os.posix_fallocate(self._descriptor, 0, size)
            self._map = mmap.mmap(self._descriptor, 0)
        except OSError:
            os.close(self._descriptor)
            raise
        self._places = (len(self._map) - _HEADER_BYTES) // _RECORD_BYTES
        self._used: dict[LegId, tuple[int, bytes]] = {}
        """The place of a leg's record, and its key."""
        self._left_behind = self._read()
        taken = {place for place, _ in self._left_behind.values()}
        self._free = [place for place in range(self._places) if place not in taken]
        self.generation = self._next_generation()

    def _next_generation(self) -> int:
        magic, generation, _ = _HEADER.unpack_from(self._map)
        generation = generation + 1 if magic == _MAGIC else 1
        _HEADER.pack_into(self._map, 0, _MAGIC, generation, self._places)
        return generation

    def _read(self) -> dict[bytes, tuple[int, LegCounters]]:
        found = {}
        for place in range(self._places):
            at = _HEADER_BYTES + place * _RECORD_BYTES
            body = self._map[at : at + _RECORD.size]
            key, local, remote, port, *numbers = _RECORD.unpack(body)
            (checksum,) = _CHECKSUM.unpack_from(self._map, at + _RECORD.size)
            if port and crc32(body) == checksum:
                line = LinePosition(*numbers[:4])
                found[key] = (place, LegCounters(port, (local, remote), line, *numbers[4:]))
        return found

    def claim(self, leg: LegId) -> LegCounters | None:
        """Take a place for a leg; return the counters that a crashed worker left for it.

        Raises:
            IndexError: all places are taken.
        """
        key = _key(leg)
        left = self._left_behind.pop(key, None)
        if left is None:
            if not self._free:
                self._forget_oldest()
            place, counters = self._free.pop(), None
        else:
            place, counters = left
        self._used[leg] = place, key
        return counters

    def _forget_oldest(self) -> None:
        """Give up the place of a leg that nobody asked for again."""
        if self._left_behind:
            oldest = min(self._left_behind, key=lambda key: self._left_behind[key][1].line.at)
            self._free.append(self._left_behind.pop(oldest)[0])

    def write(self, leg: LegId, counters: LegCounters) -> None:
        """Store a leg's counters; costs about two microseconds."""
        place, key = self._used[leg]
        at = _HEADER_BYTES + place * _RECORD_BYTES
        line = counters.line
        body = _RECORD.pack(
            key,
            *counters.keys,
            counters.rtp_port,
            line.ssrc,
            line.index,
            line.timestamp,
            line.at,
            counters.heard_ssrc,
            counters.heard_index,
            counters.rtcp_index,
            counters.heard_rtcp_index,
        )
        self._map[at : at + _RECORD.size + 4] = body + _CHECKSUM.pack(crc32(body))

    def release(self, leg: LegId) -> None:
        """Forget a leg that has ended."""
        used = self._used.pop(leg, None)
        if used is not None:
            place, _ = used
            at = _HEADER_BYTES + place * _RECORD_BYTES
            self._map[at : at + _RECORD_BYTES] = bytes(_RECORD_BYTES)
            self._free.append(place)

    def close(self) -> None:
        """Unmap the file and let another process have it."""
        self._map.close()
        os.close(self._descriptor)
