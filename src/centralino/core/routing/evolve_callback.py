# SPDX-License-Identifier: Apache-2.0
"""How each event of a callback changes the state: of the promise, and of its attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.interactions import callback_events as callbacks
from centralino.core.interactions.callback_lifecycle import CALLBACK, CallbackStep
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep

if TYPE_CHECKING:
    from centralino.core.interactions.state import Callback
    from centralino.core.kernel.ids import CallbackId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

_CLOSING = {
    callbacks.CallbackFailed: CallbackStep.FAILED,
    callbacks.CallbackCancelled: CallbackStep.CANCELLED,
    callbacks.CallbackExpired: CallbackStep.EXPIRED,
}


def _step(state: TenantState, name: CallbackId, step: CallbackStep) -> Callback:
    callback = state.callbacks[name]
    callback.state = CALLBACK.next(callback.state, step)
    callback.booked_for = None
    return callback


def _queued(state: TenantState, index: Index, event: callbacks.CallbackQueued, at: Instant) -> None:
    callback = _step(state, event.callback, CallbackStep.QUEUED)
    callback.interaction = event.interaction
    callback.deadline = event.deadline
    index.note_callback(callback)


def _deferred(
    state: TenantState, index: Index, event: callbacks.CallbackDeferred, at: Instant
) -> None:
    callback = state.callbacks[event.callback]
    callback.state = CALLBACK.next(callback.state, CallbackStep.DEFERRED)
    callback.interaction = None
    callback.deadline = event.due_at
    callback.last_result = event.reason
    index.note_callback(callback)


def _dialled(
    state: TenantState, index: Index, event: callbacks.CallbackDialled, at: Instant
) -> None:
    callback = _step(state, event.callback, CallbackStep.DIALLED)
    callback.attempts = event.attempt
    callback.deadline = event.deadline
    index.note_callback(callback)
    assert event.interaction is not None  # noqa: S101 - it is what is dialled
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.DIALLED)
    interaction.leg = event.leg
    interaction.is_dialling = True
    index.customer_legs[event.leg] = interaction.id
    index.note_interaction(interaction)


def _reached(
    state: TenantState, index: Index, event: callbacks.CallbackReached, at: Instant
) -> None:
    _step(state, event.callback, CallbackStep.REACHED)
    _forget(state, index, event.callback)
    assert event.interaction is not None  # noqa: S101 - it is who was reached
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.REACHED)
    interaction.is_dialling = False
    for name in interaction.offers:
        offer = state.offers[name]
        offer.is_reserved = False
        offer.deadline = event.offer_deadline
        agent = state.agents[offer.agent]
        agent.deadline = event.offer_deadline
        index.agent_legs[offer.leg] = agent.id
        index.note_agent(agent)
    index.note_interaction(interaction)


def _missed(state: TenantState, index: Index, event: callbacks.CallbackMissed, at: Instant) -> None:
    callback = _step(state, event.callback, CallbackStep.MISSED)
    callback.interaction = None
    callback.last_result = event.result
    callback.deadline = event.due_at
    index.note_callback(callback)


def _closed(
    state: TenantState,
    index: Index,
    event: callbacks.CallbackFailed | callbacks.CallbackCancelled | callbacks.CallbackExpired,
    at: Instant,
) -> None:
    _step(state, event.callback, _CLOSING[type(event)])
    _forget(state, index, event.callback)


def _forget(state: TenantState, index: Index, name: CallbackId) -> None:
    del state.callbacks[name]
    index.forget_callback(name)


CALLBACK_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    callbacks.CallbackQueued: _queued,
    callbacks.CallbackDeferred: _deferred,
    callbacks.CallbackDialled: _dialled,
    callbacks.CallbackReached: _reached,
    callbacks.CallbackMissed: _missed,
    callbacks.CallbackFailed: _closed,
    callbacks.CallbackCancelled: _closed,
    callbacks.CallbackExpired: _closed,
}
"""Every event of a callback after its booking."""
