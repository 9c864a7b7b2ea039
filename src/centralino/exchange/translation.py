# SPDX-License-Identifier: Apache-2.0
"""Between the core's words and the drivers': facts become commands, effects orders.

The core knows no driver and a driver knows no queue; this table is all that joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.interactions import commands, effects
from centralino.core.kernel.outcome import INTERNAL_ERROR
from centralino.exchange import facts, orders

if TYPE_CHECKING:
    from centralino.core.kernel.ids import OrderId, TenantId


WITHOUT_END_MS = 86_400_000
"""What a wait without end is to a driver."""


def to_command(fact: facts.AnyFact) -> commands.AnyCallCommand | None:
    """Return what a fact tells the core, ``None`` when it is nothing to decide about.

    ``LegsListed`` concerns several tenants and is translated by :func:`to_reconcile`.
    """
    match fact:
        case facts.Offered():
            return commands.ReceiveCall(
                leg=fact.leg,
                trunk=fact.trunk,
                called_number=fact.called_number,
                caller_number=fact.caller_number,
                caller_name=fact.caller_name,
            )
        case facts.Progressing(stage="ringing" | "early-media" | "forwarded"):
            return commands.ConfirmRinging(leg=fact.leg)
        case facts.Answered():
            return commands.ConfirmAnswered(leg=fact.leg)
        case facts.ParticipantJoined():
            return commands.ConfirmBridged(leg=fact.leg, bridge=fact.bridge)
        case facts.PlayFinished():
            return commands.FinishPlay(leg=fact.leg, play=fact.play, reason=fact.reason)
        case facts.Collected():
            return commands.FinishCollect(
                leg=fact.leg, collect=fact.collect, digits=fact.digits, reason=fact.reason
            )
        case facts.Ended():
            return commands.EndLeg(leg=fact.leg, outcome=fact.outcome, by_far_end=fact.by_far_end)
        case facts.RecordingReady():
            return commands.StoreRecording(
                recording=fact.recording,
                path=fact.path,
                duration_ms=fact.duration_ms,
                channels=fact.channels,
                is_complete=fact.is_complete,
                problem=fact.problem,
            )
        case _:
            return _transfer_command(fact)


def _transfer_command(fact: facts.AnyFact) -> commands.AnyCallCommand | None:
    match fact:
        case facts.TransferRequested():
            return commands.RequestTransfer(leg=fact.leg, target=fact.target)
        case facts.TransferAccepted():
            return commands.ConfirmTransfer(leg=fact.leg)
        case facts.TransferFailed():
            return commands.FailTransfer(leg=fact.leg, outcome=fact.outcome)
        case _:
            return None


def to_view(status: facts.LegStatus) -> commands.LegView:
    """Return a driver's leg as the core sees it."""
    return commands.LegView(
        leg=status.leg,
        state=status.state,
        bridge=status.bridge,
        play=status.play,
        recording=status.recording,
    )


def failed_order(failed: orders.AnyOrder) -> commands.AnyCallCommand | None:
    """Return what it means that a driver could not carry out an order."""
    match failed:
        case orders.Invite() | orders.Answer() | orders.Bridge():
            return commands.EndLeg(leg=failed.leg, outcome=INTERNAL_ERROR, by_far_end=False)
        case orders.Play():
            return commands.FinishPlay(leg=failed.leg, play=failed.play, reason="failed")
        case orders.Collect():
            return commands.FinishCollect(
                leg=failed.leg, collect=failed.collect, digits="", reason="failed"
            )
        case orders.RecordStart(other=""):
            return commands.StoreRecording(
                recording=failed.recording,
                path="",
                duration_ms=0,
                channels=0,
                is_complete=False,
                problem="not-started",
            )
        case _:
            return None


def to_order(effect: effects.Effect, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    """Return the order that carries out ``effect`` under the idempotency key ``order``.

    ``RequestLookup``, ``SendMail`` and ``PlaySounds`` are for others than call drivers.
    """
    return _ORDERS[type(effect)](effect, order, tenant)


def _answer(effect: effects.AnswerCall, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Answer(order=order, leg=effect.leg)


def _reject(effect: effects.RejectCall, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Reject(order=order, leg=effect.leg, cause=orders.RejectCause(effect.cause))


def _play(effect: effects.PlayPrompts, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Play(
        order=order,
        leg=effect.leg,
        play=effect.play,
        prompts=effect.prompts,
        loop=effect.is_looped,
        barge_in=effect.may_interrupt,
    )


def _collect(effect: effects.CollectKey, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Collect(
        order=order,
        leg=effect.leg,
        collect=effect.collect,
        max_digits=effect.max_digits,
        terminators=effect.terminators,
        first_timeout_ms=effect.timeout_ms or WITHOUT_END_MS,
        inter_digit_timeout_ms=effect.inter_digit_timeout_ms,
        forgets_earlier=effect.forgets_earlier,
    )


def _stop_play(effect: effects.StopPlaying, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.StopPlay(order=order, leg=effect.leg)


def _stop_collect(
    effect: effects.StopCollecting, order: OrderId, tenant: TenantId
) -> orders.AnyOrder:
    return orders.StopCollect(order=order, leg=effect.leg)


def _ring(
    effect: effects.RingAgent | effects.RingParty, order: OrderId, tenant: TenantId
) -> orders.AnyOrder:
    return orders.Invite(
        order=order,
        leg=effect.leg,
        tenant=tenant,
        trunk=effect.trunk,
        target=effect.target,
        caller_number=effect.caller_number,
        ring_for_ms=effect.ring_for_ms,
        near=effect.near,
    )


def _cancel(effect: effects.CancelRing, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    cause = orders.HangUpCause(effect.cause)
    return orders.CancelInvite(order=order, leg=effect.leg, cause=cause)


def _bridge(effect: effects.BridgeLegs, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Bridge(
        order=order,
        leg=effect.leg,
        bridge=effect.bridge,
        members=(
            orders.BridgeMember(effect.leg),
            orders.BridgeMember(effect.agent_leg, role="agent"),
        ),
    )


def _unbridge(effect: effects.UnbridgeLeg, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.Remove(order=order, leg=effect.leg)


def _record(effect: effects.StartRecording, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.RecordStart(
        order=order,
        leg=effect.leg,
        recording=effect.recording,
        other=effect.agent_leg,
        most_ms=effect.most_ms,
        silence_ms=effect.silence_ms,
    )


def _pause(effect: effects.PauseRecording, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.RecordPause(order=order, leg=effect.leg, recording=effect.recording)


def _resume(effect: effects.ResumeRecording, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.RecordResume(order=order, leg=effect.leg, recording=effect.recording)


def _stop(effect: effects.StopRecording, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.RecordStop(order=order, leg=effect.leg, recording=effect.recording)


def _hang_up(effect: effects.HangUpLeg, order: OrderId, tenant: TenantId) -> orders.AnyOrder:
    return orders.HangUp(order=order, leg=effect.leg, cause=orders.HangUpCause(effect.cause))


_ORDERS: dict[type[effects.Effect], Callable[[Any, OrderId, TenantId], orders.AnyOrder]] = {
    effects.AnswerCall: _answer,
    effects.RejectCall: _reject,
    effects.PlayPrompts: _play,
    effects.CollectKey: _collect,
    effects.RingAgent: _ring,
    effects.RingParty: _ring,
    effects.StopPlaying: _stop_play,
    effects.StopCollecting: _stop_collect,
    effects.CancelRing: _cancel,
    effects.BridgeLegs: _bridge,
    effects.UnbridgeLeg: _unbridge,
    effects.StartRecording: _record,
    effects.PauseRecording: _pause,
    effects.ResumeRecording: _resume,
    effects.StopRecording: _stop,
    effects.HangUpLeg: _hang_up,
}
