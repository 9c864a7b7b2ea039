# SPDX-License-Identifier: Apache-2.0
"""Ids that are the same for the same seed: whoever runs a scenario twice sees them again."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class Identifiers:
    """A source of ids; each kind counts by itself, so that kinds do not disturb each other."""

    seed: str
    _counts: dict[str, int] = field(default_factory=dict)

    def guid(self, kind: str) -> str:
        """Return a new GUID."""
        return str(uuid.UUID(int=self.bits(kind, 128), version=4))

    def hexadecimal(self, kind: str, digits: int = 32) -> str:
        """Return that many new hexadecimal digits, lower case."""
        return f"{self.bits(kind, digits * 4):0{digits}x}"

    def number(self, kind: str) -> int:
        """Return 1, 2, 3, ... of a kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    def bits(self, kind: str, count: int) -> int:
        """Return that many random bits."""
        return random.Random(f"{self.seed}/{kind}/{self.number(kind)}").getrandbits(count)


def named_guid(seed: str, name: str) -> str:
    """Return the GUID that a name has under a seed, however often it is asked."""
    return str(uuid.UUID(int=random.Random(f"{seed}//{name}").getrandbits(128), version=4))
