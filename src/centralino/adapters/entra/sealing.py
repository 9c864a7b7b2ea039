# SPDX-License-Identifier: Apache-2.0
"""What we give out and want back unread and unchanged: sealed, with an end.

Authenticated encryption (Fernet: AES-128-CBC and HMAC-SHA256) under a key that lies in the
data directory, readable by the product's user only and made at first use. Several keys may
stand in the file, the first seals, all open, so that a key can be changed without signing
everybody out. Source: cryptography documentation, "Fernet (symmetric encryption)".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from centralino.core.kernel.errors import ConfigError, StorageError
from centralino.core.kernel.instant import SECOND

T = TypeVar("T")
MOST_SEALED_BYTES = 4096


class SealBroken(Exception):
    """It is not ours, was changed, or its time is over."""


class Seal:
    """Seals and opens values."""

    def __init__(self, keys: MultiFernet, utc: Callable[[], int]) -> None:
        """Take the keys, and UTC in nanoseconds."""
        self._keys = keys
        self._utc = utc

    @classmethod
    def of_file(cls, path: Path, utc: Callable[[], int]) -> Seal:
        """Return the seal whose keys are in a file, made when it is missing.

        Raises:
            ConfigError: the file holds no key.
            StorageError: it cannot be made or read.
        """
        try:
            if not path.exists():
                _make(path)
            lines = path.read_text(encoding="ascii").split()
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error
        try:
            return cls(MultiFernet([Fernet(line) for line in lines]), utc)
        except ValueError as error:
            hint = "remove the file: a new key is made, and everybody signs in again"
            raise ConfigError(str(path), "holds no key", hint) from error

    def seal(self, purpose: str, value: msgspec.Struct) -> str:
        """Return a value sealed for one purpose, safe in cookies and addresses."""
        data = purpose.encode() + b"\0" + msgspec.json.encode(value)
        return self._keys.encrypt_at_time(data, self._utc() // SECOND).decode()

    def open(self, purpose: str, text: str, kind: type[T], within_s: int) -> T:
        """Return what was sealed for a purpose, at most so many seconds ago.

        Raises:
            SealBroken: it is not that.
        """
        if not text or len(text) > MOST_SEALED_BYTES:
            raise SealBroken
        try:
            data = self._keys.decrypt_at_time(text.encode("ascii"), within_s, self._utc() // SECOND)
            told, _, value = data.partition(b"\0")
            if told != purpose.encode():
                raise SealBroken
            return msgspec.json.decode(value, type=kind)
        except (InvalidToken, UnicodeEncodeError, msgspec.MsgspecError) as error:
            raise SealBroken from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(Fernet.generate_key() + b"\n")
    try:
        # Whoever is second keeps the first one's key.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
