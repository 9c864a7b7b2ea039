# SPDX-License-Identifier: Apache-2.0
"""What became of cases, and its documented JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The result of a case."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation or assertion, and what is wrong with it."""

    text: str
    problems: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Audio:
    """What one person heard and sent in his calls."""

    who: str
    own_tone_hz: int
    tones_heard: tuple[int, ...]
    longest_gap_ms: float
    keys_heard: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case."""

    id: str
    title: str
    result: Verdict
    reason: str = ""
    """Of a failure or a skip: the first problem."""
    duration_ms: int = 0
    expectations: tuple[Finding, ...] = ()
    rules: tuple[Finding, ...] = ()
    """The global assertions, by name."""
    ladders: Mapping[str, str] = field(default_factory=dict)
    audio: tuple[Audio, ...] = ()

    def problems(self) -> list[str]:
        """Return everything that is wrong."""
        findings = (*self.expectations, *self.rules)
        return [self.reason, *(text for item in findings for text in item.problems)]

    def broken_rules(self) -> list[str]:
        """Return the names of the global assertions that do not hold."""
        return [rule.text for rule in self.rules if not rule.is_met]

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of a case."""
        return {
            "id": self.id,
            "title": self.title,
            "result": self.result.value,
            "reason": self.reason,
            "duration_ms": self.duration_ms,
            "evidence": {
                "expectations": [_finding(item) for item in self.expectations],
                "rules": [_finding(item) for item in self.rules],
                "ladders": dict(self.ladders),
                "audio": [
                    {
                        "who": item.who,
                        "own_tone_hz": item.own_tone_hz,
                        "tones_heard": list(item.tones_heard),
                        "longest_gap_ms": item.longest_gap_ms,
                        "keys_heard": item.keys_heard,
                    }
                    for item in self.audio
                ],
            },
        }


def _finding(item: Finding) -> dict[str, Any]:
    return {"text": item.text, "is_met": item.is_met, "problems": list(item.problems)}


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A whole run."""

    model: str
    profile: str
    is_fast: bool
    started_at: float
    """Seconds since the Unix epoch."""
    cases: Sequence[CaseResult]

    def count(self, verdict: Verdict) -> int:
        """Return how many cases have that result."""
        return sum(1 for case in self.cases if case.result is verdict)

    @property
    def is_good(self) -> bool:
        """Whether nothing failed and something passed."""
        return self.count(Verdict.FAILED) == 0 and self.count(Verdict.PASSED) > 0

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape."""
        return {
            "model": self.model,
            "cases": [case.to_json() for case in self.cases],
            "passed": self.count(Verdict.PASSED),
            "failed": self.count(Verdict.FAILED),
            "skipped": self.count(Verdict.SKIPPED),
        }
