# SPDX-License-Identifier: Apache-2.0
"""Snapshots as files beside a SQLite journal, one folder per tenant.

They lie beside the journal file and not in it, so that writing a large one never holds up
an append. A file has its final name only when it is durable.
"""

from __future__ import annotations

import os
import urllib.parse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from centralino.core.kernel.errors import StorageError
from centralino.exchange.snapshot import (
    Snapshot,
    SnapshotHeader,
    decode_header,
    decode_snapshot,
    encode_snapshot,
    one_too_many,
)

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

log = structlog.get_logger(__name__)

MOST = 24
_SUFFIX = ".snapshot"


class SnapshotFiles:
    """Implements ``SnapshotPort``; keeps ``most`` per tenant."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder = folder
        self._most = most

    def headers(self, tenant: TenantId) -> list[SnapshotHeader]:
        """Return what there is of a tenant, newest first; damaged ones are left out."""
        found = []
        for path in sorted(self._files(tenant), reverse=True):
            try:
                with path.open("rb") as file:
                    header = decode_header(file.readline())
            except (OSError, StorageError) as error:
                log.warning("snapshot.unusable", tenant=tenant, reason=str(error))
            else:
                if header.tenant == tenant and path == self._path(header):
                    found.append(header)
        return found

    def load(self, header: SnapshotHeader) -> Snapshot:
        """Return a snapshot.

        Raises:
            StorageError: it is damaged or gone.
        """
        try:
            return decode_snapshot(self._path(header).read_bytes())
        except OSError as error:
            raise StorageError(f"cannot read a snapshot: {error.strerror}") from error

    def keep(self, snapshot: Snapshot) -> None:
        """Make a snapshot durable and drop those that are too many.

        Raises:
            StorageError: it cannot be written.
        """
        path = self._path(snapshot.header)
        draft = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(encode_snapshot(snapshot))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise StorageError(f"cannot keep a snapshot: {error.strerror}") from error
        self._drop_extra(snapshot.header.tenant)

    def _drop_extra(self, tenant: TenantId) -> None:
        files = {int(path.stem): path for path in self._files(tenant)}
        while (extra := one_too_many(list(files), self._most)) is not None:
            files.pop(extra).unlink(missing_ok=True)

    def _files(self, tenant: TenantId) -> list[Path]:
        folder = self._tenant_folder(tenant)
        return [path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit()]

    def _path(self, header: SnapshotHeader) -> Path:
        return self._tenant_folder(header.tenant) / f"{header.sequence:020}{_SUFFIX}"

    def _tenant_folder(self, tenant: TenantId) -> Path:
        return self._folder / urllib.parse.quote(tenant, safe="")


def sync_folder(folder: Path) -> None:
    """Make names that were added to a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
