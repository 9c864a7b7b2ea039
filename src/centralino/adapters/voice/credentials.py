# SPDX-License-Identifier: Apache-2.0
"""Passwords of trunks that challenge our INVITEs, read from their files.

A file is read when it is first needed and again when it changed; a password is never in the
settings and never in a log.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from centralino.wire.sip.digest import Credentials

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.core.kernel.ids import TrunkId

log = structlog.get_logger(__name__)


class Passwords:
    """The passwords read so far."""

    def __init__(self) -> None:
        self._known: dict[TrunkId, tuple[int, Credentials]] = {}

    def of(self, trunk: TrunkSettings) -> Credentials | None:
        """Return a trunk's credentials; None when it has none or the file cannot be read."""
        wanted = trunk.credentials
        if wanted is None:
            return None
        path = Path(wanted.password_file)
        try:
            changed_at = path.stat().st_mtime_ns
            known = self._known.get(trunk.trunk)
            if known is not None and known[0] == changed_at:
                return known[1]
            password = path.read_text("utf-8").strip()
        except OSError as error:
            log.error("trunk.password_unreadable", trunk=trunk.trunk, reason=error.strerror)
            return None
        credentials = Credentials(wanted.username, password, wanted.realm)
        self._known[trunk.trunk] = (changed_at, credentials)
        return credentials
