# SPDX-License-Identifier: Apache-2.0
"""GUIDs and opaque strings of a simulator, the same for the same seed.

Not for what must not be guessed outside a simulation.
"""

from __future__ import annotations

import base64
import uuid
from random import Random


class SeededIds:
    """Draws ids from a seed."""

    def __init__(self, seed: str | int) -> None:
        """Take a seed; text keeps the streams of several simulators apart."""
        self._dice = Random(f"http/{seed}")

    def guid(self) -> str:
        """Return a GUID (RFC 9562 version 4) in lower case."""
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def opaque(self, size_bytes: int = 32) -> str:
        """Return text of so many random bytes, safe in URLs."""
        return base64.urlsafe_b64encode(self._dice.randbytes(size_bytes)).rstrip(b"=").decode()


def guid_of(name: str) -> str:
    """Return the GUID that stands for a name, always the same (RFC 9562 version 5).

    >>> guid_of("tenant contoso")
    'a3d47ee4-a556-5f99-81e9-ec5cc3333567'
    """
    return str(uuid.uuid5(_NAMESPACE, name))


_NAMESPACE = uuid.UUID("6f1f8e2a-55c4-4d1b-9a57-0c9a6f0b7d11")
