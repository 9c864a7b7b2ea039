# SPDX-License-Identifier: Apache-2.0
"""Menu and collect: keys that choose, digits that are kept, and a bounded number of attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings, run_ask
from centralino.core.flows.run_ask import Question
from centralino.core.flows.run_simple import result_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.core.flows import nodes
    from centralino.core.flows.document import Person
    from centralino.core.flows.run import Run

_DIAL_INTER_DIGIT_MS = 2000


def enter_menu(run: Run, node: nodes.MenuNode) -> None:
    """Play the menu for the first time."""
    _ask_menu(run, node, ())


def _ask_menu(run: Run, node: nodes.MenuNode, before: Sequence[str]) -> None:
    sounds = run.sounds((*before, *node.prompts))
    run_ask.put(run, _menu_question(run, node), sounds)


def _menu_question(run: Run, node: nodes.MenuNode) -> Question:
    longest = 1
    if node.direct_dial:
        people = run.library.people((), ())
        longest = max((len(person.extension) for person in people), default=1) or 1
    return Question(
        max_digits=longest,
        terminators="" if "#" in node.keys or longest == 1 else "#",
        timeout_ms=node.timeout_ms,
        inter_digit_timeout_ms=_DIAL_INTER_DIGIT_MS,
        barge_in=node.barge_in,
        force_listen=node.force_listen,
    )


def handle_menu(run: Run, node: nodes.MenuNode, happening: happenings.AnyHappening) -> None:
    """Follow a key, ring an extension, or ask again."""
    if run.progress.stage == run_ask.RING:
        if result_of(happening) == "answered":
            run.finish("connected")
        elif node.unreachable is not None:
            run.follow("unreachable", node.unreachable)
        else:
            _menu_again(run, node, "extension does not answer")
        return
    keys = run_ask.answer_to(run, _menu_question(run, node), happening)
    if keys is None:
        return
    person = _extension(run, keys) if node.direct_dial else None
    if keys in node.keys:
        run.follow(f"key-{keys}", node.keys[keys])
    elif person is not None:
        run.mark(stage=run_ask.RING)
        run.ring(person.target, node.ring_for_s)
    else:
        _menu_again(run, node, keys)


def _menu_again(run: Run, node: nodes.MenuNode, keys: str) -> None:
    attempt = run.progress.attempt
    if run.is_endless():
        run.give_up("a menu that is answered faster than anybody can")
    elif attempt < node.attempts:
        run.mark(attempt=attempt + 1)
        _ask_menu(run, node, node.invalid_prompts if keys else node.silent_prompts)
    elif keys:
        run.follow("invalid", node.invalid)
    else:
        run.follow("timeout", node.timeout)


def _extension(run: Run, digits: str) -> Person | None:
    if not digits:
        return None
    people = run.library.people((), ())
    return next((person for person in people if person.extension == digits), None)


def enter_collect(run: Run, node: nodes.CollectNode) -> None:
    """Ask for digits for the first time."""
    run_ask.put(run, _collect_question(node), run.sounds(node.prompts))


def _collect_question(node: nodes.CollectNode) -> Question:
    return Question(
        max_digits=node.max_digits,
        terminators=node.terminators,
        timeout_ms=node.timeout_ms,
        inter_digit_timeout_ms=node.inter_digit_timeout_ms,
        barge_in=node.barge_in,
        force_listen=node.force_listen,
    )


def handle_collect(run: Run, node: nodes.CollectNode, happening: happenings.AnyHappening) -> None:
    """Keep the digits, or ask again."""
    digits = run_ask.answer_to(run, _collect_question(node), happening)
    if digits is None:
        return
    digits = digits[: node.max_digits]
    compiled = run.compiled
    is_kept = compiled is not None and compiled.type_of(node.into) == "string"
    attempt = run.progress.attempt
    if len(digits) >= node.min_digits and is_kept:
        run.variables[node.into] = digits
        run.follow("next", node.next)
    elif run.is_endless():
        run.give_up("digits that are answered faster than anybody can")
    elif attempt < node.attempts:
        run.mark(attempt=attempt + 1)
        before = node.invalid_prompts if digits else node.silent_prompts
        sounds: list[actions.Sound] = run.sounds((*before, *node.prompts))
        run_ask.put(run, _collect_question(node), sounds)
    elif digits:
        run.follow("invalid", node.invalid)
    else:
        run.follow("timeout", node.timeout)
