# SPDX-License-Identifier: Apache-2.0
"""A caller who waits: the steps he hears, the keys and conditions that let him out.

Stages: ``enter`` until the queue has told that he is in, ``step`` while a step runs, ``read``
while a step waits for what the queue tells, ``leave`` until the queue confirms that he is
out, which an agent may forestall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows import actions, happenings, nodes
from centralino.core.flows.expressions import Failure, Scope
from centralino.core.flows.run import PLAY_WITHIN_MS
from centralino.core.interactions.wish import Wish, WishKind
from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.kernel.instant import SECOND, Instant, milliseconds

if TYPE_CHECKING:
    from centralino.core.flows.run import Run

ANSWER_WITHIN_MS = 10_000
"""Longest wait for what a queue tells."""
LEAVE_WITHIN_MS = 200_000
"""Longest wait for the end of an offer that is under way when a caller leaves."""
_ENTER, _STEP, _READ, _LEAVE = "enter", "step", "read", "leave"


def enter(run: Run, node: nodes.QueueNode) -> None:
    """Enter the queue, and ask for what it knows, which also tells that he is in."""
    if node.max_wait_s == 0:
        run.follow("timeout", node.timeout)
        return
    queue, read = run.ask(), run.ask()
    run.do(
        actions.EnterQueue(
            ask=queue,
            queue=QueueId(node.queue),
            priority=node.priority,
            skills=node.skills,
            most_waiting=node.most_waiting,
            no_agents_for=node.no_agents_for,
            wish=_wish(node),
        )
    )
    run.do(actions.ReadQueue(ask=read))
    run.mark(stage=_ENTER, queue_ask=queue)
    run.wait(queue, read, within_ms=ANSWER_WITHIN_MS)


def _wish(node: nodes.QueueNode) -> Wish | None:
    if not node.agents and node.requires is None:
        return None
    return Wish(
        agents=tuple(AgentId(one) for one in node.agents),
        kind=WishKind(node.agents_are),
        hold_for_ms=node.hold_s * 1000,
        requires=node.requires,
    )


def handle(run: Run, node: nodes.QueueNode, happening: happenings.AnyHappening) -> None:
    """Go on with the steps, or out of the queue."""
    progress = run.progress
    if isinstance(happening, happenings.QueueLeft):
        _left(run, node, happening.reason)
    elif progress.stage == _LEAVE:
        _left(run, node, "left")
    elif isinstance(happening, happenings.Collected):
        _press(run, node, happening)
    elif isinstance(happening, happenings.QueueRead):
        _read(run, node, happening)
    elif progress.stage == _ENTER:
        leave(run, "failed", "error", keeps_place=False)
    elif run.now >= _wait_ends_at(run, node):
        leave(run, "timeout", "timeout", keeps_place=False)
    else:
        _next_step(run, node)


def _left(run: Run, node: nodes.QueueNode, reason: str) -> None:
    """The caller waits no longer."""
    if run.progress.keys_ask:
        run.do(actions.StopCollect())
    leaving = run.progress.leaving
    match reason:
        case "answered":
            run.finish("connected")
        case "left" if leaving:
            run.follow(leaving, _target(node, leaving))
        case "overflow":
            run.follow("overflow", node.overflow)
        case "no-agents":
            run.follow("no-agents", node.no_agents)
        case "timeout":
            run.follow("timeout", node.timeout)
        case "closed":
            run.follow("closed", node.closed or node.no_agents)
        case _:
            run.follow("failed", node.failed, f"the queue let him go: {reason[:100]}")


def _target(node: nodes.QueueNode, label: str) -> str | None:
    kind, _, which = label.partition("-")
    if kind == "key":
        return node.keys.get(which)
    if kind == "exit":
        step = node.steps[int(which) - 1]
        return step.next if isinstance(step, nodes.ExitStep) else None
    return node.timeout if kind == "timeout" else node.failed


def leave(run: Run, label: str, reason: str, *, keeps_place: bool) -> None:
    """Ask to be let out; the edge ``label`` follows once the queue has confirmed it."""
    run.do(actions.LeaveQueue(keeps_place=keeps_place, reason=reason))
    run.mark(stage=_LEAVE, leaving=label)
    run.wait(run.progress.queue_ask, within_ms=LEAVE_WITHIN_MS)


def _press(run: Run, node: nodes.QueueNode, happening: happenings.Collected) -> None:
    key = happening.digits[:1]
    if key in node.keys:
        leave(run, f"key-{key}", "key", keeps_place=True)
    elif run.is_endless():
        leave(run, "failed", "error", keeps_place=False)
    else:
        others = tuple(ask for ask in run.expects if ask != happening.ask)
        run.expects = (*others, _listen(run))


def _listen(run: Run) -> str:
    """Wait for a key while everything else goes on."""
    ask = run.ask()
    run.do(actions.Collect(ask=ask))
    run.mark(keys_ask=ask)
    return ask


def _read(run: Run, node: nodes.QueueNode, told: happenings.QueueRead) -> None:
    run.queue_names = {
        "queue.position": told.position,
        "queue.waiting": told.waiting,
        "queue.ready_agents": told.ready_agents,
        "queue.waited_s": max(0, run.now - run.progress.entered_at) // SECOND,
        "queue.estimated_wait_s": told.estimated_wait_s,
    }
    if run.progress.stage == _ENTER:
        if node.keys:
            _listen(run)
        run.mark(step=0)
    _run_steps(run, node)


def _next_step(run: Run, node: nodes.QueueNode) -> None:
    run.mark(step=_after(node, run.progress.step))
    _run_steps(run, node)


def _after(node: nodes.QueueNode, step: int) -> int:
    return step + 1 if step + 1 < len(node.steps) else min(node.repeat_from, len(node.steps) - 1)


def _run_steps(run: Run, node: nodes.QueueNode) -> None:
    """Run steps until one takes time."""
    while not run.is_endless():
        step = node.steps[min(run.progress.step, len(node.steps) - 1)]
        if _needs_queue(step) and run.queue_names is None:
            ask = run.ask()
            run.do(actions.ReadQueue(ask=ask))
            run.mark(stage=_READ)
            _wait(run, node, ask, within_ms=ANSWER_WITHIN_MS)
            return
        if _begin(run, node, step):
            return
        run.mark(step=_after(node, run.progress.step))
    leave(run, "failed", "error", keeps_place=False)


def _needs_queue(step: nodes.Step) -> bool:
    match step:
        case nodes.MusicStep():
            return False
        case nodes.MessageStep():
            return step.when.strip() != "true"
        case _:
            return True


def _begin(run: Run, node: nodes.QueueNode, step: nodes.Step) -> bool:
    """Begin a step; say whether it takes time or ends the waiting."""
    run.mark(stage=_STEP)
    sounds: list[actions.Sound] = []
    match step:
        case nodes.MusicStep():
            run.loop(step.prompts)
            _wait(run, node, within_ms=step.for_s * 1000)
            return True
        case nodes.ExitStep():
            if _holds(run, step.when):
                leave(run, f"exit-{run.progress.step + 1}", "condition", keeps_place=True)
                return True
            return False
        case nodes.MessageStep():
            if _holds(run, step.when):
                sounds = run.sounds(step.prompts)
        case nodes.PositionStep():
            sounds = _position(run, step)
        case nodes.EstimateStep():
            sounds = _estimate(run, step)
    ask = run.play(sounds)
    if ask is None:
        return False
    _wait(run, node, ask, within_ms=PLAY_WITHIN_MS)
    return True


def _holds(run: Run, condition: str) -> bool:
    if condition.strip() == "true":
        return True
    value = run.value(condition, Scope.QUEUE, "bool", run.queue_names)
    if isinstance(value, Failure):
        run.log("no-value", detail=value.reason)
        return False
    return bool(value)


def _position(run: Run, step: nodes.PositionStep) -> list[actions.Sound]:
    position = (run.queue_names or {}).get("queue.position", 0)
    if not 1 <= position <= step.up_to:
        return []
    return [*run.sounds(step.prompts), *run.number(position)]


def _estimate(run: Run, step: nodes.EstimateStep) -> list[actions.Sound]:
    seconds = (run.queue_names or {}).get("queue.estimated_wait_s", -1)
    minutes = max(1, -(-seconds // 60))
    if seconds < 0 or minutes > step.up_to_minutes:
        return []
    after = run.sounds(step.after_prompts)
    return [*run.sounds(step.prompts), *run.number(minutes), *after]


def _wait(run: Run, node: nodes.QueueNode, *asks: str, within_ms: int) -> None:
    """Wait for the step's end, a key, an agent, or the end of the longest wait."""
    keys = (run.progress.keys_ask,) if run.progress.keys_ask else ()
    run.expects = (run.progress.queue_ask, *keys, *asks)
    step_ends = run.now + milliseconds(within_ms)
    run.deadline = Instant(min(step_ends, _wait_ends_at(run, node)))


def _wait_ends_at(run: Run, node: nodes.QueueNode) -> int:
    return run.progress.entered_at + node.max_wait_s * SECOND
