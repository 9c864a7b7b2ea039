# SPDX-License-Identifier: Apache-2.0
"""The parts of a tenant's file that say what a queue does beside waiting.

Wrap-up, limits and what becomes of whom they hold for, callbacks, and what an agent's refusal
leads to. Lengths of time are seconds here, because people write them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from centralino.core.agents.refusals import RefusalPolicies, RefusalPolicy
from centralino.core.agents.wrap_up import WrapUp, WrapUpMode
from centralino.core.flows.nodes import Name, PromptName
from centralino.core.interactions.callback_policy import CallbackMode, CallbackPolicy
from centralino.core.interactions.limits import ActionKind, LimitKind, QueueAction, QueueLimit
from centralino.core.kernel.ids import QueueId
from centralino.core.kernel.outcome import OutcomeReason

Seconds = Annotated[int, msgspec.Meta(ge=0, le=172_800)]
Number = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{3,14}$")]
BY_HAND = "by-hand"


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share."""


class WrapUpPart(Part, frozen=True, kw_only=True):
    """Who ends a wrap-up, and after which conversations there is one."""

    mode: WrapUpMode = WrapUpMode.FIXED
    only_after: tuple[OutcomeReason, ...] = ()
    extend_by_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30
    most_s: Annotated[int, msgspec.Meta(ge=5, le=28_800)] = 1800


class ActionPart(Part, frozen=True, kw_only=True):
    """What becomes of a customer: his flow goes on (neither), another queue, or the end."""

    queue: Name | None = None
    end: tuple[PromptName, ...] | None = None
    """Prompts that he hears before his call is ended; empty ends it at once."""


class LimitPart(Part, frozen=True, kw_only=True):
    """One limit of a queue."""

    on: LimitKind
    threshold: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 1
    """Customers, agents, or seconds, as ``on`` says."""
    calendar: Name | None = None
    """For ``closed``."""
    action: ActionPart = ActionPart()


class CallbacksPart(Part, frozen=True, kw_only=True):
    """How a queue calls customers back."""

    mode: Literal["reserve", "lead", "by-hand"] = "reserve"
    lead_s: Seconds = 60
    ring_for_s: Annotated[int, msgspec.Meta(ge=5, le=120)] = 30
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    busy_retry_s: Seconds = 300
    no_answer_retry_s: Seconds = 900
    failed_retry_s: Seconds = 300
    give_up_after_s: Annotated[int, msgspec.Meta(ge=60, le=2_592_000)] = 172_800
    calendar: Name | None = None
    """Nobody is called outside its open hours."""
    caller_number: Number | None = None
    prompts: tuple[PromptName, ...] = ()
    """What he hears when he answers."""


class RefusalPart(Part, frozen=True, kw_only=True):
    """What one cause of a refusal leads to."""

    pause_s: Seconds
    growth: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    most_pause_s: Seconds = 3600
    signed_out_after: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class RefusalsPart(Part, frozen=True, kw_only=True):
    """Per cause; one that is left out follows the plain pauses."""

    missed: RefusalPart | None = None
    declined: RefusalPart | None = None
    busy: RefusalPart | None = None
    unreachable: RefusalPart | None = None
    not_found: RefusalPart | None = None


def wrap_up_of(part: WrapUpPart) -> WrapUp:
    """Return what the engine is given."""
    return WrapUp(
        mode=part.mode,
        only_after=part.only_after,
        extend_by_ms=part.extend_by_s * 1000,
        most_ms=part.most_s * 1000,
    )


def limit_of(part: LimitPart, language: str) -> QueueLimit:
    """Return what the engine is given; prompts are played in ``language``."""
    return QueueLimit(
        on=part.on,
        threshold=part.threshold,
        calendar=part.calendar or "",
        action=_action(part.action, language),
    )


def _action(part: ActionPart, language: str) -> QueueAction:
    if part.queue is not None:
        return QueueAction(kind=ActionKind.QUEUE, queue=QueueId(part.queue))
    if part.end is not None:
        return QueueAction(kind=ActionKind.END, prompts=clips(part.end, language))
    return QueueAction()


def clips(prompts: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Return prompts as the library names them.

    >>> clips(("goodbye",), "it"), clips(("goodbye",), "")
    (('goodbye.it',), ('goodbye',))
    """
    return tuple(f"{prompt}.{language}" if language else prompt for prompt in prompts)


def callbacks_of(
    part: CallbacksPart | None, *, has_way_out: bool, language: str
) -> CallbackPolicy | None:
    """Return how a queue calls back; ``None`` where people work the list off."""
    if not has_way_out or (part is not None and part.mode == BY_HAND):
        return None
    known = part or CallbacksPart()
    return CallbackPolicy(
        mode=CallbackMode(known.mode),
        lead_ms=known.lead_s * 1000,
        ring_for_ms=known.ring_for_s * 1000,
        attempts=known.attempts,
        busy_retry_ms=known.busy_retry_s * 1000,
        no_answer_retry_ms=known.no_answer_retry_s * 1000,
        failed_retry_ms=known.failed_retry_s * 1000,
        give_up_after_ms=known.give_up_after_s * 1000,
        calendar=known.calendar or "",
        caller_number=known.caller_number,
        prompts=clips(known.prompts, language),
    )


def refusals_of(part: RefusalsPart) -> RefusalPolicies:
    """Return what the engine is given."""
    return RefusalPolicies(
        missed=_refusal(part.missed),
        declined=_refusal(part.declined),
        busy=_refusal(part.busy),
        unreachable=_refusal(part.unreachable),
        not_found=_refusal(part.not_found),
    )


def _refusal(part: RefusalPart | None) -> RefusalPolicy | None:
    if part is None:
        return None
    return RefusalPolicy(
        pause_ms=part.pause_s * 1000,
        growth=part.growth,
        most_pause_ms=part.most_pause_s * 1000,
        signed_out_after=part.signed_out_after,
    )


def unknown_names(
    limits: tuple[LimitPart, ...],
    callbacks: CallbacksPart | None,
    *,
    queues: frozenset[str],
    calendars: frozenset[str],
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where a queue's parts name what there is not, and what."""
    for at, limit in enumerate(limits):
        path = ("limits", str(at))
        if limit.action.queue is not None and limit.action.queue not in queues:
            yield (*path, "action", "queue"), f"there is no queue {limit.action.queue}"
        if limit.action.queue is not None and limit.action.end is not None:
            yield (*path, "action"), "a customer goes to another queue or to the end, not both"
        if limit.on is LimitKind.CLOSED and limit.calendar not in calendars:
            yield (*path, "calendar"), f"there is no calendar {limit.calendar or 'named here'}"
    wanted = callbacks.calendar if callbacks is not None else None
    if wanted is not None and wanted not in calendars:
        yield ("callbacks", "calendar"), f"there is no calendar {wanted}"
