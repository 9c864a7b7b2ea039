# SPDX-License-Identifier: Apache-2.0
"""A disk under SQLite that can lose its power at any moment.

The layer is a VFS of SQLite's own interface, made with ctypes around the system's one: it
lets every call through and notes what is written, cut, synced and removed, in order. From
that the disk is built as it may be after the power went at any of those moments: of each file
what was written before its last sync is there; of what came after, each sector of 512 bytes is
there or not, as chance has it (*torn*), or nothing of it (*dropped*). A file that was never
synced may be missing. So the product's own code writes, unchanged, and the disk that it is
opened on afterwards is one that a real disk could have left behind. What the model leaves out:
a disk that says it has synced and has not, and reordering across a sync.

Sources: SQLite documentation, "The SQLite OS Interface or VFS", "Atomic Commit In SQLite"
(sector writes), "C-language Interface: sqlite3_io_methods".
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import random

SECTOR_BYTES = 512
_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_CLOSE = ctypes.CFUNCTYPE(_I, _P)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)


class _Methods(ctypes.Structure):
    """``sqlite3_io_methods`` up to version 2."""

    _fields_: ClassVar[Sequence[Any]] = (
        ("iVersion", _I),
        ("xClose", _CLOSE),
        ("xRead", _P),
        ("xWrite", _WRITE),
        ("xTruncate", _TRUNCATE),
        ("xSync", _SYNC),
        *((f"x{number}", _P) for number in range(11)),
    )


class _File(ctypes.Structure):
    _fields_: ClassVar[Sequence[Any]] = (("pMethods", ctypes.POINTER(_Methods)),)


_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, ctypes.POINTER(_File), _I, ctypes.POINTER(_I))
"""The path is a bare address: SQLite keeps it until the file is closed, a copy would be gone."""
_DELETE = ctypes.CFUNCTYPE(_I, _P, ctypes.c_char_p, _I)


class _Vfs(ctypes.Structure):
    """``sqlite3_vfs`` up to version 3."""

    _fields_: ClassVar[Sequence[Any]] = (
        ("iVersion", _I),
        ("szOsFile", _I),
        ("mxPathname", _I),
        ("pNext", _P),
        ("zName", ctypes.c_char_p),
        ("pAppData", _P),
        ("xOpen", _OPEN),
        ("xDelete", _DELETE),
        *((f"x{number}", _P) for number in range(15)),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to a disk, or said about it."""

    what: str
    """``write``, ``truncate``, ``sync``, ``delete`` or ``acknowledged``."""
    name: str = ""
    """Of the file."""
    offset: int = 0
    """Also the new length of a file that is cut, and the number that was acknowledged."""
    data: bytes = b""


@dataclass
class Tape:
    """What happened to a disk, in order."""

    steps: list[Step] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, step: Step) -> None:
        """Add a step."""
        with self._lock:
            self.steps.append(step)

    def acknowledged(self, number: int) -> None:
        """Note that somebody has been told that ``number`` is durable."""
        self.note(Step("acknowledged", offset=number))

    def acknowledged_before(self, moment: int) -> int:
        """Return the highest number that was acknowledged before a step."""
        numbers = [s.offset for s in self.steps[:moment] if s.what == "acknowledged"]
        return max(numbers, default=0)

    def disk_at(self, moment: int, chance: random.Random | None) -> dict[str, bytes]:
        """Return the files as they may be when the power goes before step ``moment``.

        Args:
            moment: index into ``steps``.
            chance: which unsynced sectors stay; ``None`` drops all of them.
        """
        synced: dict[str, bytearray] = {}
        pending: dict[str, list[Step]] = {}
        for step in self.steps[:moment]:
            if step.what in {"write", "truncate"}:
                pending.setdefault(step.name, []).append(step)
            elif step.what == "sync":
                for earlier in pending.pop(step.name, ()):
                    _do(synced.setdefault(step.name, bytearray()), earlier)
                synced.setdefault(step.name, bytearray())
            elif step.what == "delete":
                pending.pop(step.name, None)
                synced.pop(step.name, None)
        if chance is not None:
            for name, steps in pending.items():
                if name in synced or chance.random() < 0.5:
                    _tear(synced.setdefault(name, bytearray()), steps, chance)
        return {name: bytes(data) for name, data in synced.items()}


def _do(data: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del data[step.offset :]
        return
    end = step.offset + len(step.data)
    data.extend(b"\0" * (end - len(data)))
    data[step.offset : end] = step.data


def _tear(data: bytearray, steps: list[Step], chance: random.Random) -> None:
    for step in steps:
        if step.what == "truncate":
            if chance.random() < 0.5:
                _do(data, step)
            continue
        for start in range(0, len(step.data), SECTOR_BYTES):
            if chance.random() < 0.5:
                part = step.data[start : start + SECTOR_BYTES]
                _do(data, Step("write", step.name, step.offset + start, part))


def _library() -> Any:  # noqa: ANN401 - a C library
    """Return the SQLite that Python itself uses."""
    name = ctypes.util.find_library("sqlite3")
    assert name is not None, "SQLite is not a library of its own here"
    library = ctypes.CDLL(name)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    return library


@contextmanager
def recorded_disk() -> Iterator[Tape]:
    """Record what SQLite does to any file that is opened inside the block, in this process."""
    library = _library()
    system = library.sqlite3_vfs_find(None)
    layer = _Layer(system.contents)
    assert library.sqlite3_vfs_register(ctypes.byref(layer.vfs), 1) == 0
    try:
        yield layer.tape
    finally:
        library.sqlite3_vfs_register(system, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(layer.vfs))


class _Layer:
    """The VFS; it and its functions must outlive the files that were opened through it."""

    def __init__(self, system: _Vfs) -> None:
        self.tape = Tape()
        self.vfs = _Vfs()
        ctypes.memmove(ctypes.byref(self.vfs), ctypes.byref(system), ctypes.sizeof(_Vfs))
        self.vfs.zName = b"recorded"
        self._system = system
        self._names: dict[int, str] = {}
        self._methods: dict[int, _Methods] = {}
        self._kept: list[Any] = []
        self.vfs.xOpen = self._keep(_OPEN(self._open))
        self.vfs.xDelete = self._keep(_DELETE(self._delete))

    def _keep(self, function: Any) -> Any:  # noqa: ANN401 - a C function
        self._kept.append(function)
        return function

    def _open(self, vfs: int, path: int | None, file: Any, flags: int, out: Any) -> int:  # noqa: ANN401
        status: int = self._system.xOpen(ctypes.addressof(self._system), path, file, flags, out)
        if status == 0 and path is not None and file.contents.pMethods:
            original = file.contents.pMethods
            key = ctypes.addressof(original.contents)
            if key not in self._methods:
                self._methods[key] = self._wrapped(original.contents)
            name = Path(ctypes.string_at(path).decode()).name
            self._names[ctypes.addressof(file.contents)] = name
            file.contents.pMethods = ctypes.pointer(self._methods[key])
        return status

    def _delete(self, vfs: int, path: bytes, is_synced: int) -> int:
        self.tape.note(Step("delete", Path(path.decode()).name))
        status: int = self._system.xDelete(ctypes.addressof(self._system), path, is_synced)
        return status

    def _wrapped(self, original: _Methods) -> _Methods:
        copy = _Methods()
        ctypes.memmove(ctypes.byref(copy), ctypes.byref(original), ctypes.sizeof(_Methods))
        copy.iVersion = min(original.iVersion, 2)

        def write(file: int, data: int, amount: int, offset: int) -> int:
            text = ctypes.string_at(data, amount)
            self.tape.note(Step("write", self._names[file], offset, text))
            return int(original.xWrite(file, data, amount, offset))

        def truncate(file: int, size: int) -> int:
            self.tape.note(Step("truncate", self._names[file], size))
            return int(original.xTruncate(file, size))

        def sync(file: int, flags: int) -> int:
            status = int(original.xSync(file, flags))
            self.tape.note(Step("sync", self._names[file]))
            return status

        wrapped: list[tuple[str, Callable[..., Any], Any]] = [
            ("xWrite", write, _WRITE),
            ("xTruncate", truncate, _TRUNCATE),
            ("xSync", sync, _SYNC),
        ]
        for name, function, kind in wrapped:
            setattr(copy, name, self._keep(kind(function)))
        return copy
