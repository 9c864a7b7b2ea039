# SPDX-License-Identifier: Apache-2.0
"""Callbacks: booked, queued at the place they keep, called, tried again, given up.

A callback that is due is an interaction without a leg in the same ordered list as those who
are on the line. When it is its turn an agent is reserved and the customer called, or, by lead
time, the customer is called first and waits the rest on the line. Each state has an end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.calendars.hours import Kind, status_at
from centralino.core.interactions import callback_events as told
from centralino.core.interactions.callback_lifecycle import CallbackState
from centralino.core.interactions.callback_policy import CallbackMode
from centralino.core.interactions.effects import CancelRing, PlayPrompts
from centralino.core.interactions.events import (
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
)
from centralino.core.kernel.ids import InteractionId, LegId
from centralino.core.kernel.instant import Instant, seconds
from centralino.core.kernel.outcome import CANCELLED, Outcome, OutcomeReason, Result
from centralino.core.routing.decisions_customer import order_music
from centralino.core.routing.decisions_dial import (
    LEASE_MARGIN_MS,
    dial,
    order_ring,
    policy_of,
    way_to,
)
from centralino.core.routing.decisions_recall import recall, recall_all
from centralino.core.routing.decisions_wait import estimate_s, position_of

if TYPE_CHECKING:
    from centralino.core.interactions.callback_policy import CallbackPolicy
    from centralino.core.interactions.state import Callback, Interaction
    from centralino.core.routing.turn import Turn

LOOK_AGAIN = seconds(30)
"""When a callback of a closed queue is looked at again."""
HANG_UP_WITHIN = seconds(2)
"""How often it is looked whether the customer still is on the line on which he booked."""
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)


def expire(turn: Turn, callback: Callback) -> None:
    """The lease of a callback's state is over."""
    if callback.state is CallbackState.BOOKED:
        _queue(turn, callback)
    elif callback.state is CallbackState.DIALLING and callback.interaction is not None:
        interaction = turn.state.interactions[callback.interaction]
        turn.order(CancelRing(leg=interaction.leg, cause="no-answer"))
        miss(turn, interaction, NO_ANSWER)
    else:
        _look_again(turn, callback)


def _queue(turn: Turn, callback: Callback) -> None:
    """Its time has come: let it wait, unless something speaks against it."""
    if callback.queue not in turn.index.queues:
        turn.emit(told.CallbackFailed(callback=callback.id, result="no-queue"))
        return
    if way_to(turn, callback.number) is None:
        turn.emit(told.CallbackFailed(callback=callback.id, result="no-way"))
        return
    hindrance = _hindrance(turn, callback)
    if hindrance is not None:
        _defer(turn, callback, *hindrance)
        return
    interaction = InteractionId(turn.new_id("interaction"))
    expires_at = callback.expires_at or turn.within(LOOK_AGAIN)
    turn.emit(
        InteractionArrived(
            interaction=interaction,
            leg=LegId(""),
            trunk=turn.configuration.outside_trunk,
            called_number=callback.called_number,
            caller_number=callback.number,
            deadline=expires_at,
            callback=callback.id,
        )
    )
    turn.emit(
        InteractionQueued(
            interaction=interaction,
            queue=callback.queue,
            priority=callback.priority,
            digit="",
            skills=callback.skills,
            since=callback.since,
        )
    )
    turn.emit(
        told.CallbackQueued(
            callback=callback.id,
            interaction=interaction,
            deadline=_open_until(turn, callback, expires_at),
        )
    )


def _hindrance(turn: Turn, callback: Callback) -> tuple[str, Instant] | None:
    """Return why somebody may not be called now, and when to look again."""
    if callback.queue in turn.state.closures:
        return "closed", turn.within(LOOK_AGAIN)
    booked = turn.state.interactions.get(callback.booked_for) if callback.booked_for else None
    if booked is not None and booked.leg in turn.index.customer_legs:
        return "on-the-line", turn.within(HANG_UP_WITHIN)
    name = policy_of(turn, callback).calendar
    calendar = turn.index.library.calendar(name) if name else None
    if calendar is None:
        return None
    status = status_at(calendar, turn.now)
    if status.kind is Kind.OPEN:
        return None
    changes_at = status.until or callback.expires_at or turn.within(LOOK_AGAIN)
    return "outside-hours", Instant(max(changes_at, turn.now + 1))


def _defer(turn: Turn, callback: Callback, reason: str, due_at: Instant) -> None:
    if callback.expires_at is not None and callback.expires_at <= turn.now:
        turn.emit(told.CallbackExpired(callback=callback.id))
        return
    if callback.expires_at is not None:
        due_at = min(due_at, callback.expires_at)
    turn.emit(told.CallbackDeferred(callback=callback.id, reason=reason, due_at=due_at))


def _open_until(turn: Turn, callback: Callback, expires_at: Instant) -> Instant:
    """Return when a callback that waits is looked at again."""
    name = policy_of(turn, callback).calendar
    calendar = turn.index.library.calendar(name) if name else None
    until = status_at(calendar, turn.now).until if calendar is not None else None
    return expires_at if until is None else min(expires_at, until)


def _look_again(turn: Turn, callback: Callback) -> None:
    """A callback has waited to the end of the open hours, or of its own time."""
    assert callback.interaction is not None  # noqa: S101 - one that waits has an attempt
    interaction = turn.state.interactions[callback.interaction]
    if callback.expires_at is not None and callback.expires_at <= turn.now:
        turn.emit(told.CallbackExpired(callback=callback.id, interaction=interaction.id))
        end_attempt(turn, interaction, CANCELLED)
    else:
        hindrance = _hindrance(turn, callback)
        reason, due_at = hindrance or ("outside-hours", turn.within(LOOK_AGAIN))
        take_out(turn, interaction, reason, due_at)


def take_out(turn: Turn, interaction: Interaction, reason: str, due_at: Instant) -> None:
    """Let a callback that waits wait for another time; its place is kept."""
    assert interaction.callback is not None  # noqa: S101 - it is one
    turn.emit(
        told.CallbackDeferred(
            callback=interaction.callback,
            interaction=interaction.id,
            reason=reason,
            due_at=due_at,
        )
    )
    end_attempt(turn, interaction, CANCELLED)


def end_attempt(turn: Turn, interaction: Interaction, outcome: Outcome) -> None:
    """End an attempt in which nobody was reached."""
    recall_all(turn, interaction, "left")
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=outcome))


def dial_near(turn: Turn) -> None:
    """Call those whose turn is near, where their queue does so by lead time."""
    for name in sorted(turn.index.waiting_callbacks):
        callback = turn.state.callbacks[name]
        policy = policy_of(turn, callback)
        if policy.mode is not CallbackMode.LEAD or callback.interaction is None:
            continue
        interaction = turn.state.interactions[callback.interaction]
        if not interaction.offers and _is_near(turn, interaction, policy):
            dial(turn, interaction, is_reserved=False)


def _is_near(turn: Turn, interaction: Interaction, policy: CallbackPolicy) -> bool:
    assert interaction.queue is not None  # noqa: S101 - it waits in one
    ready = turn.index.matching.ready_agents(interaction.queue, interaction.skills)
    if not ready:
        return False
    position = position_of(turn, interaction)
    expected_s = estimate_s(turn, interaction.queue, position, ready)
    return position <= ready if expected_s < 0 else expected_s * 1000 <= policy.lead_ms


def reach(turn: Turn, interaction: Interaction) -> None:
    """The customer answered: the agent who is reserved for him is rung, or he waits."""
    assert interaction.callback is not None  # noqa: S101 - only callbacks are dialled
    assert interaction.queue is not None  # noqa: S101 - and wait in a queue
    policy = policy_of(turn, turn.state.callbacks[interaction.callback])
    ring_for_ms = turn.index.queues[interaction.queue].ring_for_ms
    turn.emit(
        told.CallbackReached(
            callback=interaction.callback,
            interaction=interaction.id,
            offer_deadline=turn.within_ms(ring_for_ms + LEASE_MARGIN_MS),
        )
    )
    for name in interaction.offers:
        offer = turn.state.offers[name]
        if offer.agent in turn.index.agent_configurations:
            order_ring(turn, interaction, offer.agent, offer.leg)
        else:
            recall(turn, name, "moved")
    if policy.prompts:
        turn.order(
            PlayPrompts(
                leg=interaction.leg, play=f"{interaction.id}/callback", prompts=policy.prompts
            )
        )
    else:
        order_music(turn, interaction)


def miss(turn: Turn, interaction: Interaction, outcome: Outcome) -> None:
    """The customer did not answer: try again later, or give up."""
    assert interaction.callback is not None  # noqa: S101 - only callbacks are dialled
    callback = turn.state.callbacks[interaction.callback]
    policy = policy_of(turn, callback)
    result = str(outcome.reason)
    retry_ms = policy.retry_ms(outcome.reason)
    due_at = turn.within_ms(retry_ms or 0)
    is_late = callback.expires_at is not None and due_at >= callback.expires_at
    if retry_ms is None or callback.attempts >= policy.attempts or is_late:
        turn.emit(
            told.CallbackFailed(callback=callback.id, interaction=interaction.id, result=result)
        )
    else:
        turn.emit(
            told.CallbackMissed(
                callback=callback.id, interaction=interaction.id, result=result, due_at=due_at
            )
        )
    end_attempt(turn, interaction, NO_ANSWER if outcome.is_success else outcome)


def cancel(turn: Turn, callback: Callback) -> None:
    """Call a callback off."""
    interaction = (
        turn.state.interactions.get(callback.interaction) if callback.interaction else None
    )
    turn.emit(
        told.CallbackCancelled(
            callback=callback.id, interaction=None if interaction is None else interaction.id
        )
    )
    if interaction is None:
        return
    if interaction.is_dialling:
        turn.order(CancelRing(leg=interaction.leg, cause="caller-gone"))
    end_attempt(turn, interaction, CANCELLED)
