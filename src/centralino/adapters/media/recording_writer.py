# SPDX-License-Identifier: Apache-2.0
"""The thread that writes recordings, so that a slow or full disk never delays a packet.

Jobs go in through a bounded queue without waiting, results come out of another and are
fetched by the loop once a tick. A recording that cannot be written is told once; each
later batch tries again, and what was lost in between is a gap of silence.
"""

from __future__ import annotations

import errno
import queue
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.media.recording_file import Mark, RecordingFile, Sidecar

if TYPE_CHECKING:
    from centralino.adapters.media.recording import Batch
    from centralino.core.kernel.ids import RecordingId

log = structlog.get_logger(__name__)

_MAX_JOBS = 4000
"""Jobs that wait at most: about ten seconds of four hundred recordings."""

_RTP_UNITS_PER_MS = 8
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Open:
    """Open or continue the files."""

    recording: RecordingId
    path: str
    sidecar: Sidecar
    silence_ms: int = 0
    """Tell when the first leg was silent for so long; 0 never."""


@dataclass(frozen=True, slots=True)
class Write:
    """Store a stretch."""

    recording: RecordingId
    batch: Batch


@dataclass(frozen=True, slots=True)
class Note:
    """Put a mark into the sidecar."""

    recording: RecordingId
    mark: Mark


@dataclass(frozen=True, slots=True)
class Finish:
    """Make the files final."""

    recording: RecordingId
    duration_ms: int


Job = Open | Write | Note | Finish


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a recording: ``opened``, ``silent``, ``failing``, ``finished``."""

    recording: RecordingId
    what: str
    problem: str = ""
    """``disk-full``, ``file-exists``, ``cannot-write``, ``silent`` or empty."""
    started_at: int = 0
    """For ``opened``: when the recording began, UTC nanoseconds."""


class _Entry:
    """A recording as the thread knows it."""

    __slots__ = ("file", "open", "problem", "told")

    def __init__(self) -> None:
        self.open: Open | None = None
        self.file: RecordingFile | None = None
        self.problem = ""
        self.told = False


class RecordingWriter:
    """Writes all recordings of a worker on one thread."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(_MAX_JOBS)
        self._results: deque[Result] = deque()
        self._entries: dict[RecordingId, _Entry] = {}
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> bool:
        """Hand over a job without waiting; ``False`` when the disk is too far behind."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def take_results(self) -> list[Result]:
        """Return what has become of recordings since the last call."""
        results = []
        while self._results:
            results.append(self._results.popleft())
        return results

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            entry = self._entries.setdefault(job.recording, _Entry())
            try:
                self._do(job, entry)
            except OSError as error:
                self._fail(job, entry, error)

    def _do(self, job: Job, entry: _Entry) -> None:
        if isinstance(job, Finish):
            self._finish(job, entry)
            return
        if isinstance(job, Open):
            entry.open = job
        if entry.file is None and not self._open(entry):
            return
        if entry.file is not None and isinstance(job, Write):
            entry.file.write(job.batch)
            entry.told = False
            limit_ms = entry.open.silence_ms if entry.open is not None else 0
            if limit_ms and entry.file.silence_ms >= limit_ms:
                self._results.append(Result(job.recording, "silent"))
        elif entry.file is not None and isinstance(job, Note):
            entry.file.mark(job.mark)

    def _open(self, entry: _Entry) -> bool:
        """Open the files, again with each batch while that fails for want of space."""
        if entry.open is None or entry.problem == "file-exists":
            return False
        entry.file = RecordingFile(entry.open.path, entry.open.sidecar)
        started_at = entry.file.sidecar.started_at
        self._results.append(Result(entry.open.recording, "opened", started_at=started_at))
        return True

    def _fail(self, job: Job, entry: _Entry, error: OSError) -> None:
        if isinstance(error, FileExistsError):
            entry.problem = "file-exists"
        else:
            entry.problem = "disk-full" if error.errno in _FULL else "cannot-write"
        if isinstance(job, Write) and entry.file is not None:
            begin, end = job.batch.begin, job.batch.end
            entry.file.note_gap(begin // _RTP_UNITS_PER_MS, end // _RTP_UNITS_PER_MS)
        if not entry.told:
            entry.told = True
            log.warning("media.recording_failing", recording=job.recording, problem=entry.problem)
            self._results.append(Result(job.recording, "failing", entry.problem))

    def _finish(self, job: Finish, entry: _Entry) -> None:
        del self._entries[job.recording]
        problem = entry.problem
        if entry.file is None:
            problem = problem or "cannot-write"
        else:
            try:
                entry.file.finish(job.duration_ms, is_complete=not problem)
                if entry.file.sidecar.channels == 1 and not entry.file.has_voice:
                    problem = problem or "silent"
            except OSError as error:
                problem = problem or ("disk-full" if error.errno in _FULL else "cannot-write")
        self._results.append(Result(job.recording, "finished", problem))
