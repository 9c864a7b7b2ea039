# SPDX-License-Identifier: Apache-2.0
"""Which organisations may sign in: those of the settings and those that were onboarded.

Onboardings are kept in one file of JSON lines under the data directory: a line is on disk
(``fsync``) before it counts. Several processes may append; each reads on when the file has
grown. A line that a power cut left half written is passed over. An organisation belongs to
one tenant of ours for good, and an invitation is used once.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from centralino.core.kernel.errors import AlreadyExists, StorageError
from centralino.core.kernel.ids import TenantId

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation has consented."""

    directory: str
    """Tenant id at Entra, in lower case."""
    tenant: str
    """The tenant of ours that it is."""
    invitation: str
    by: str
    """Object id of who finished it."""
    at: int
    """UTC nanoseconds."""


class OnboardedTenants:
    """All organisations that may sign in."""

    def __init__(self, settings: EntraSettings, path: Path) -> None:
        """Read what there is.

        Raises:
            StorageError: the file is there and cannot be read.
        """
        self._path = path
        self._read_bytes = 0
        self._tenants = {one.directory.lower(): TenantId(one.tenant) for one in settings.tenants}
        self._invitations: set[str] = set()
        self.current()

    def current(self) -> dict[str, TenantId]:
        """Return directory to tenant; the same mapping while nothing new is on disk.

        Raises:
            StorageError: the file cannot be read.
        """
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return self._tenants
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
        if size > self._read_bytes:
            self._read_on()
        return self._tenants

    def is_used(self, invitation: str) -> bool:
        """Whether an invitation has been used."""
        self.current()
        return invitation in self._invitations

    def record(self, onboarding: Onboarding) -> None:
        """Keep an onboarding; it is on disk when this returns.

        Raises:
            AlreadyExists: the invitation is used, or the organisation belongs to somebody.
            StorageError: it cannot be written; nothing has changed.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            with self._path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._read_on()
                self._require_new(onboarding)
                file.write(self._separator() + msgspec.json.encode(onboarding) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(self._path.parent)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
        self._read_on()

    def _require_new(self, onboarding: Onboarding) -> None:
        if onboarding.invitation in self._invitations:
            raise AlreadyExists("this invitation has been used")
        if onboarding.directory in self._tenants:
            raise AlreadyExists("this organisation is onboarded already")

    def _separator(self) -> bytes:
        """Return what ends a line that a power cut left half written."""
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return b""
            file.seek(-1, os.SEEK_END)
            return b"" if file.read(1) == b"\n" else b"\n"

    def _read_on(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                data = file.read()
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
        whole = data[: data.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            try:
                one = msgspec.json.decode(line, type=Onboarding)
            except msgspec.MsgspecError:
                continue
            self._tenants = self._tenants | {one.directory: TenantId(one.tenant)}
            self._invitations.add(one.invitation)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
