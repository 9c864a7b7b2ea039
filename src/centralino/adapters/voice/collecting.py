# SPDX-License-Identifier: Apache-2.0
"""Collecting keys: pure, driven by key presses, the end of a prompt, and ``now``.

The first key is awaited from the start, or from the end of a prompt that was playing then;
each further key from the one before. Keys pressed since the leg's last collecting count.
The terminator ends the collecting and is not among the digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.exchange.orders import Collect

_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Collecting:
    """One collecting under way."""

    order: Collect
    digits: str = ""
    deadline: int | None = None
    """When ``tick`` is wanted (ns); None while a prompt plays."""

    def begin(self, typed: str, now: int, *, is_prompt_playing: bool) -> tuple[str | None, str]:
        """Start with the keys pressed before.

        Returns:
            The reason when it is over at once, and the keys that were not used.
        """
        for position, digit in enumerate(typed):
            reason = self._take(digit)
            if reason is not None:
                return reason, typed[position + 1 :]
        if self.digits:
            self.deadline = now + self.order.inter_digit_timeout_ms * _NS_PER_MS
        elif not is_prompt_playing:
            self.deadline = now + self.order.first_timeout_ms * _NS_PER_MS
        return None, ""

    def press(self, digit: str, now: int) -> str | None:
        """Take a key; returns the reason when the collecting is over."""
        reason = self._take(digit)
        if reason is None:
            self.deadline = now + self.order.inter_digit_timeout_ms * _NS_PER_MS
        return reason

    def prompt_ended(self, now: int) -> None:
        """Take notice that the prompt is over: the first key is awaited from now."""
        if not self.digits:
            self.deadline = now + self.order.first_timeout_ms * _NS_PER_MS

    def tick(self, now: int) -> str | None:
        """Return the reason when the time is up."""
        if self.deadline is None or now < self.deadline:
            return None
        return "inter-digit-timeout" if self.digits else "first-timeout"

    def _take(self, digit: str) -> str | None:
        if digit in self.order.terminators:
            return "terminator"
        self.digits += digit
        return "max-digits" if len(self.digits) >= self.order.max_digits else None
