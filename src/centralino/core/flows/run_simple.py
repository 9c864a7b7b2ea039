# SPDX-License-Identifier: Apache-2.0
"""Nodes that play something and then do one thing: play, say, transfer, voicemail, hang up.

Their stages: ``playing`` while their prompts run, then ``doing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings
from centralino.core.flows.expressions import (
    ExpressionError,
    Failure,
    Scope,
    split_template,
    written,
)
from centralino.core.flows.run import PLAY_WITHIN_MS, Run

if TYPE_CHECKING:
    from centralino.core.flows import nodes

PLAYING, DOING = "playing", "doing"
_VOICEMAIL_MARGIN_MS = 30_000


def enter_play(run: Run, node: nodes.PlayNode) -> None:
    """Play recordings."""
    _play_then_next(run, node, run.sounds(node.prompts))


def enter_say(run: Run, node: nodes.SayNode) -> None:
    """Say a text in the caller's language, or in the first one there is."""
    language = next((one for one in run.languages() if one in node.text), next(iter(node.text)))
    text = fill(run, node.text[language])
    sounds = [actions.Speech(text[:2000], language)] if text and text.strip() else []
    _play_then_next(run, node, sounds)


def handle_played(
    run: Run, node: nodes.PlayNode | nodes.SayNode, happening: happenings.AnyHappening
) -> None:
    """Go on; a playing whose end nobody tells is stopped."""
    stop_if_late(run, happening)
    run.follow("next", node.next)


def _play_then_next(
    run: Run, node: nodes.PlayNode | nodes.SayNode, sounds: Sequence[actions.Sound]
) -> None:
    ask = run.play(sounds, may_interrupt=node.barge_in)
    if ask is None:
        run.follow("next", node.next)
    else:
        run.wait(ask, within_ms=PLAY_WITHIN_MS)


def fill(run: Run, text: str, encode: Callable[[str], str] = str) -> str | None:
    """Return a text with its expressions replaced, ``None`` when one has no value.

    ``encode`` makes a value fit for where it stands.
    """
    try:
        parts = split_template(text)
    except ExpressionError:
        return None
    filled = []
    for part, is_expression in parts:
        if is_expression:
            value = run.value(part, Scope.CALL, "text")
            if isinstance(value, Failure):
                return None
            filled.append(encode(written(value)))
        else:
            filled.append(part)
    return "".join(filled)


def play_before(run: Run, prompts: Sequence[str], then: Callable[[], None]) -> None:
    """Play prompts and do ``then`` at their end, at once when there are none."""
    ask = run.play(run.sounds(prompts))
    if ask is None:
        run.mark(stage=DOING)
        then()
    else:
        run.mark(stage=PLAYING)
        run.wait(ask, within_ms=PLAY_WITHIN_MS)


def stop_if_late(run: Run, happening: happenings.AnyHappening) -> None:
    """Stop a playing whose end nobody told in time."""
    if isinstance(happening, happenings.Deadline):
        run.do(actions.StopPlay())


def _is_played(run: Run, happening: happenings.AnyHappening) -> bool:
    """Say whether the prompts before the deed are over just now."""
    if run.progress.stage != PLAYING:
        return False
    stop_if_late(run, happening)
    run.mark(stage=DOING)
    return True


def enter_operator(run: Run, node: nodes.OperatorNode) -> None:
    """Ring the operator, if there is one."""
    if run.library.catalogue.operator is None:
        run.follow("unreachable", node.unreachable, "there is no operator")
    else:
        play_before(run, node.prompts, lambda: _ring_operator(run, node))


def _ring_operator(run: Run, node: nodes.OperatorNode) -> None:
    operator = run.library.catalogue.operator
    if operator is None:
        run.follow("unreachable", node.unreachable, "there is no operator")
    else:
        run.ring(operator, node.ring_for_s)


def handle_operator(run: Run, node: nodes.OperatorNode, happening: happenings.AnyHappening) -> None:
    """Hand over to the operator, or go on."""
    if _is_played(run, happening):
        _ring_operator(run, node)
    elif result_of(happening) == "answered":
        run.finish("connected")
    else:
        run.follow("unreachable", node.unreachable)


def enter_transfer(run: Run, node: nodes.TransferNode) -> None:
    """Ring the target."""
    play_before(run, node.prompts, lambda: run.ring(node.to, node.ring_for_s))


def handle_transfer(run: Run, node: nodes.TransferNode, happening: happenings.AnyHappening) -> None:
    """Hand over, or go on by why it was not possible."""
    if _is_played(run, happening):
        run.ring(node.to, node.ring_for_s)
        return
    match result_of(happening):
        case "answered":
            run.finish("connected")
        case "busy":
            run.follow("busy", node.busy or node.failed)
        case "no-answer":
            run.follow("no-answer", node.no_answer or node.failed)
        case _:
            run.follow("failed", node.failed)


def result_of(happening: happenings.AnyHappening) -> str:
    """Return how a transfer ended; ``failed`` when nobody told."""
    return happening.result if isinstance(happening, happenings.TransferEnded) else "failed"


def enter_voicemail(run: Run, node: nodes.VoicemailNode) -> None:
    """Announce and record."""
    play_before(run, node.prompts, lambda: _record(run, node))


def _record(run: Run, node: nodes.VoicemailNode) -> None:
    ask = run.ask()
    run.do(
        actions.RecordVoicemail(
            ask=ask,
            box=node.box,
            max_ms=node.max_s * 1000,
            silence_ms=node.silence_s * 1000,
            terminators="#",
            mail_to=node.mail_to,
            language=run.language,
        )
    )
    run.wait(ask, within_ms=node.max_s * 1000 + _VOICEMAIL_MARGIN_MS)


def handle_voicemail(
    run: Run, node: nodes.VoicemailNode, happening: happenings.AnyHappening
) -> None:
    """Go on when the message is recorded, or could not be."""
    if _is_played(run, happening):
        _record(run, node)
    elif not (isinstance(happening, happenings.VoicemailEnded) and happening.is_kept):
        run.follow("failed", node.failed, "no message was kept")
    elif node.next is None:
        run.finish("hung-up")
    else:
        run.follow("next", node.next)


def enter_hang_up(run: Run, node: nodes.HangUpNode) -> None:
    """Say good-bye and end the call."""
    play_before(run, node.prompts, lambda: run.finish("hung-up", node.cause))


def handle_hang_up(run: Run, node: nodes.HangUpNode, happening: happenings.AnyHappening) -> None:
    """End the call after the good-bye."""
    run.finish("hung-up", node.cause)
