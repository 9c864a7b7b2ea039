# SPDX-License-Identifier: Apache-2.0
"""Dial by name or extension.

A name is spelt on the keys (2 is A, B, C ...; ITU-T E.161), given name or family name first,
as far as the caller likes. One match is rung; up to nine are read out to choose from.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings, run_ask
from centralino.core.flows.run import PLAY_WITHIN_MS
from centralino.core.flows.run_ask import Question
from centralino.core.flows.run_simple import PLAYING, result_of, stop_if_late

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.core.flows import nodes
    from centralino.core.flows.document import Person
    from centralino.core.flows.run import Run

MOST_CHOICES = 9
_LONGEST_NAME = 20
_CHOOSE = "choose"
_GROUPS = ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz")
_KEYS = {letter: str(key) for key, group in enumerate(_GROUPS, start=2) for letter in group}


def spelt(name: str) -> str:
    """Return the keys that spell a name; what is no Latin letter or digit is left out.

    >>> spelt("Élena Riva")
    '353627482'
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(_KEYS.get(letter, letter if letter in "0123456789" else "") for letter in plain)


def is_spelt_by(name: str, keys: str) -> bool:
    """Say whether keys begin a name, with any of its words first.

    >>> is_spelt_by("Elena Riva", "7482"), is_spelt_by("Elena Riva", "999")
    (True, False)
    """
    words = name.split()
    turned = (" ".join((*words[n:], *words[:n])) for n in range(len(words)))
    return any(spelt(one).startswith(keys) for one in turned)


def enter(run: Run, node: nodes.DirectoryNode) -> None:
    """Ask for the first time."""
    run_ask.put(run, _question(run, node), run.sounds(node.prompts))


def handle(run: Run, node: nodes.DirectoryNode, happening: happenings.AnyHappening) -> None:
    """Look for the person and ring him, or ask again."""
    stage = run.progress.stage
    if stage == run_ask.RING:
        if result_of(happening) == "answered":
            run.finish("connected")
        else:
            run.follow("unreachable", node.unreachable)
    elif stage == PLAYING:
        stop_if_late(run, happening)
        _ring(run, node)
    elif stage == _CHOOSE:
        _choose(run, node, happening)
    else:
        digits = run_ask.answer_to(run, _question(run, node), happening)
        if digits is not None:
            _search(run, node, digits)


def _question(run: Run, node: nodes.DirectoryNode) -> Question:
    longest = _LONGEST_NAME
    if node.by == "extension":
        people = run.library.people(node.groups, node.except_groups)
        longest = max((len(person.extension) for person in people), default=1) or 1
    return Question(
        max_digits=longest,
        terminators="#",
        timeout_ms=node.timeout_ms,
        inter_digit_timeout_ms=node.inter_digit_timeout_ms,
    )


def _matches(run: Run, node: nodes.DirectoryNode, digits: str) -> list[Person]:
    people = run.library.people(node.groups, node.except_groups)
    if not digits:
        return []
    if node.by == "extension":
        return [person for person in people if person.extension == digits][:1]
    return [person for person in people if is_spelt_by(person.name, digits)]


def _search(run: Run, node: nodes.DirectoryNode, digits: str) -> None:
    found = _matches(run, node, digits)
    if len(found) == 1:
        _connect(run, node, digits, 0)
    elif found and len(found) <= MOST_CHOICES:
        run.mark(digits=digits)
        _read_out(run, node, found)
    else:
        _again(run, node, digits)


def _again(run: Run, node: nodes.DirectoryNode, digits: str) -> None:
    attempt = run.progress.attempt
    if run.is_endless():
        run.give_up("a directory that is answered faster than anybody can")
    elif attempt < node.attempts:
        run.mark(attempt=attempt + 1)
        sounds = run.sounds((*(node.invalid_prompts if digits else ()), *node.prompts))
        run_ask.put(run, _question(run, node), sounds)
    elif digits:
        run.follow("not-found", node.not_found)
    else:
        run.follow("timeout", node.timeout)


def _read_out(run: Run, node: nodes.DirectoryNode, found: Sequence[Person]) -> None:
    """Say each name and its key, and wait for one."""
    sounds: list[actions.Sound] = []
    for key, person in enumerate(found, start=1):
        recorded = run.sounds((person.name_prompt,)) if person.name_prompt else []
        sounds += recorded or [actions.Speech(person.name, run.language)]
        sounds += run.number(key)
    run_ask.put(run, Question(timeout_ms=node.timeout_ms), sounds)
    run.mark(stage=_CHOOSE)


def _choose(run: Run, node: nodes.DirectoryNode, happening: happenings.AnyHappening) -> None:
    keys = happening.digits if isinstance(happening, happenings.Collected) else ""
    if not isinstance(happening, happenings.Collected):
        run.do(actions.StopCollect())
    digits = run.progress.digits
    chosen = int(keys) if len(keys) == 1 and keys in "123456789" else 0
    if 1 <= chosen <= len(_matches(run, node, digits)):
        _connect(run, node, digits, chosen - 1)
    else:
        _again(run, node, keys)


def _connect(run: Run, node: nodes.DirectoryNode, digits: str, number: int) -> None:
    run.mark(digits=digits, step=number)
    ask = run.play(run.sounds(node.connecting_prompts))
    if ask is None:
        _ring(run, node)
    else:
        run.mark(stage=PLAYING)
        run.wait(ask, within_ms=PLAY_WITHIN_MS)


def _ring(run: Run, node: nodes.DirectoryNode) -> None:
    found = _matches(run, node, run.progress.digits)
    number = run.progress.step
    if number < len(found):
        run.mark(stage=run_ask.RING)
        run.ring(found[number].target, node.ring_for_s)
    else:
        run.follow("not-found", node.not_found, "the person has left the directory")
