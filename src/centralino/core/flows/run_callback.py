# SPDX-License-Identifier: Apache-2.0
"""Offers a callback: take it with one key, or type another number.

Stages: ``offer`` and ``number`` (both within ``run_ask``'s), ``book``, ``thanks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings, run_ask
from centralino.core.flows.run import PLAY_WITHIN_MS
from centralino.core.flows.run_ask import Question
from centralino.core.kernel.ids import QueueId
from centralino.core.kernel.phone import dialled_to_e164

if TYPE_CHECKING:
    from centralino.core.flows import nodes
    from centralino.core.flows.run import Run

_BOOK_WITHIN_MS = 10_000
_BOOK, _THANKS, _NUMBER = "book", "thanks", "number"


def enter(run: Run, node: nodes.CallbackNode) -> None:
    """Offer it, unless nobody could be called back."""
    if not run.facts.caller_number and node.other_number is None:
        run.follow("declined", node.declined, "the caller is anonymous")
    else:
        run_ask.put(run, _offer(node), run.sounds(node.prompts))


def handle(run: Run, node: nodes.CallbackNode, happening: happenings.AnyHappening) -> None:
    """Book it, ask for a number, or go on without."""
    progress = run.progress
    if progress.stage == _BOOK:
        _thank(run, node, happening)
    elif progress.stage == _THANKS:
        _go_on(run, node)
    elif progress.digits == _NUMBER:
        digits = run_ask.answer_to(run, _number(node), happening)
        if digits is not None:
            _take_number(run, node, digits)
    else:
        key = run_ask.answer_to(run, _offer(node), happening)
        if key is not None:
            _decide(run, node, key)


def _offer(node: nodes.CallbackNode) -> Question:
    return Question(timeout_ms=node.timeout_ms)


def _number(node: nodes.CallbackNode) -> Question:
    return Question(max_digits=18, terminators="#", timeout_ms=node.timeout_ms)


def _decide(run: Run, node: nodes.CallbackNode, key: str) -> None:
    if key == node.accept and run.facts.caller_number:
        _book(run, node, run.facts.caller_number)
    elif node.other_number is not None and key in {node.other_number, node.accept}:
        run.mark(digits=_NUMBER)
        run_ask.put(run, _number(node), run.sounds(node.number_prompts))
    else:
        run.follow("declined", node.declined)


def _take_number(run: Run, node: nodes.CallbackNode, digits: str) -> None:
    number = dialled_to_e164(digits, node.region)
    attempt = run.progress.attempt
    if number is not None:
        _book(run, node, number)
    elif attempt < node.attempts and not run.is_endless():
        run.mark(attempt=attempt + 1)
        run_ask.put(run, _number(node), run.sounds(node.number_prompts))
    else:
        run.follow("declined", node.declined, "no number that can be called")


def _book(run: Run, node: nodes.CallbackNode, number: str) -> None:
    ask = run.ask()
    run.do(
        actions.BookCallback(
            ask=ask,
            queue=QueueId(node.queue),
            number=number,
            priority=node.priority,
            skills=node.skills,
        )
    )
    run.mark(stage=_BOOK)
    run.wait(ask, within_ms=_BOOK_WITHIN_MS)


def _thank(run: Run, node: nodes.CallbackNode, happening: happenings.AnyHappening) -> None:
    if not isinstance(happening, happenings.CallbackBooked):
        run.follow("failed", node.failed or node.declined, "the callback was not booked")
        return
    ask = run.play(run.sounds(node.booked_prompts))
    if ask is None:
        _go_on(run, node)
    else:
        run.mark(stage=_THANKS)
        run.wait(ask, within_ms=PLAY_WITHIN_MS)


def _go_on(run: Run, node: nodes.CallbackNode) -> None:
    if node.next is None:
        run.finish("hung-up")
    else:
        run.follow("next", node.next)
