# SPDX-License-Identifier: Apache-2.0
"""What was seen while a cloud case ran: answers, requests at the far side, journal and log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.certification.cloud.plan import CloudCase
    from centralino.certification.watch import Logged, Noted

NOTED = "agent.presence-noted"


@dataclass(frozen=True, slots=True)
class Replied:
    """What the product answered; the last one when it was asked several times."""

    method: str
    path: str
    status: int
    body: str
    """Without what names the one request: two refusals are to be compared."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the far side was asked."""

    at: float
    """Seconds since the Unix epoch."""
    to: str
    method: str
    path: str
    status: int
    body: str = ""


@dataclass(slots=True)
class CloudEvidence:
    """Everything about one run of one case."""

    case: CloudCase
    started_at: float
    moments: dict[str, float] = field(default_factory=dict)
    replies: dict[str, Replied] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    """Since the product was started."""
    journal: list[Noted] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)

    def moment(self, mark: str, default: float) -> float:
        """Return when something was marked; ``begin`` is the case's, empty is ``default``."""
        if mark == "begin":
            return self.started_at
        return self.moments.get(mark, default) if mark else default

    def presences(self, agent: str = "") -> list[Noted]:
        """Return what was noted of presence, of one agent or of all."""
        found = [one for one in self.journal if one.name == NOTED]
        return [one for one in found if not agent or one.data.get("agent") == agent]

    def ladder(self) -> str:
        """Return what went to and fro in this case, for people."""
        lines = [
            (one.at, f"product -> {one.to:<6} {one.method} {one.path}  {one.status}")
            for one in self.asked
            if one.at >= self.started_at
        ]
        for mark, reply in self.replies.items():
            text = f"client  -> product {reply.method} {reply.path}  {reply.status}"
            lines.append((self.moments.get(mark, self.started_at), text))
        return "\n".join(f"{at - self.started_at:7.3f} s  {text}" for at, text in sorted(lines))
