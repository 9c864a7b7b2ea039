# SPDX-License-Identifier: Apache-2.0
"""How keys are asked for: prompts and the wait for keys, with barge-in and force-listen.

Stages: ``listen`` while prompts play that no key may end, ``ask`` while keys are awaited.
With barge-in both begin together, and only the keys' answer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings
from centralino.core.flows.run import PLAY_WITHIN_MS

if TYPE_CHECKING:
    from centralino.core.flows.run import Run

LISTEN, ASK = "listen", "ask"
RING = "ring"
"""The stage in which a dialled person's telephone rings."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the caller."""

    max_digits: int = 1
    terminators: str = ""
    timeout_ms: int = 5000
    inter_digit_timeout_ms: int = 3000
    barge_in: bool = True
    force_listen: bool = False


def put(run: Run, question: Question, sounds: Sequence[actions.Sound]) -> None:
    """Play the prompts and wait for keys."""
    must_listen = question.force_listen or not question.barge_in
    played = run.play(sounds, may_interrupt=not must_listen)
    if must_listen and played is not None:
        run.mark(stage=LISTEN)
        run.wait(played, within_ms=PLAY_WITHIN_MS)
    else:
        _collect(run, question, PLAY_WITHIN_MS)


def answer_to(run: Run, question: Question, happening: happenings.AnyHappening) -> str | None:
    """Return the keys that were pressed, empty for none, ``None`` while they are awaited."""
    if run.progress.stage == LISTEN:
        if isinstance(happening, happenings.Deadline):
            run.do(actions.StopPlay())
        _collect(run, question, 0)
        return None
    if isinstance(happening, happenings.Collected):
        return "".join(key for key in happening.digits if key in "0123456789*#")[:64]
    run.do(actions.StopCollect())
    return ""


def _collect(run: Run, question: Question, prompts_within_ms: int) -> None:
    ask = run.ask()
    run.do(
        actions.Collect(
            ask=ask,
            max_digits=question.max_digits,
            terminators=question.terminators,
            first_timeout_ms=question.timeout_ms,
            inter_digit_timeout_ms=question.inter_digit_timeout_ms,
            forgets_earlier=question.force_listen,
        )
    )
    run.mark(stage=ASK)
    longest = question.timeout_ms + question.max_digits * question.inter_digit_timeout_ms
    run.wait(ask, within_ms=prompts_within_ms + longest + 2000)
