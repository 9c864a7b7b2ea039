# SPDX-License-Identifier: Apache-2.0
"""The engine of one tenant: commands and ticks in, events and effects out.

Pure and deterministic: the same inputs at the same instants give the same events, ids
and effects. After every input no waiting interaction and free eligible agent coexist.
The shell makes events durable before it carries effects out, calls :meth:`tick` at
:meth:`next_deadline`, and after a failed input throws the engine away and replays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.agents.commands import (
    ExtendWrapUp,
    FinishWrapUp,
    MakeAgentNotReady,
    MakeAgentReady,
    NotePresence,
)
from centralino.core.interactions import commands as calls
from centralino.core.interactions import consult_commands as consults
from centralino.core.interactions import supervision
from centralino.core.interactions.effects import HangUpLeg
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import Conflict
from centralino.core.kernel.instant import Instant
from centralino.core.routing import (
    decisions_agent,
    decisions_callback,
    decisions_consult,
    decisions_customer,
    decisions_direct,
    decisions_flow,
    decisions_lease,
    decisions_offer,
    decisions_refer,
    decisions_refuse,
    decisions_score,
    decisions_supervision,
    decisions_tenant,
    decisions_voicemail,
    decisions_work,
)
from centralino.core.routing.commands import Command, ConfigureTenant, Tick
from centralino.core.routing.evolve import evolve
from centralino.core.routing.matching.ordered import soonest
from centralino.core.routing.score_commands import LearnScores
from centralino.core.routing.state import Index, TenantState
from centralino.core.routing.turn import Decision, Turn

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.events import Event


_states: msgspec.json.Decoder[TenantState] = msgspec.json.Decoder(TenantState)


class TenantEngine:
    """Decides for one tenant. Not thread safe; one writer owns it."""

    def __init__(self, tenant: TenantId) -> None:
        self.state = TenantState(tenant)
        self.index = Index()

    @classmethod
    def revive(cls, data: bytes) -> TenantEngine:
        """Return an engine that goes on from a state that :meth:`state_bytes` gave.

        Raises:
            msgspec.MsgspecError: it is no state of this version.
        """
        state = _states.decode(data)
        engine = cls(state.tenant)
        engine.state = state
        engine.index.rebuild(state)
        return engine

    def apply(self, command: Command, now: Instant) -> Decision:
        """Decide one input at ``now`` (UTC nanoseconds, never less than before).

        Raises:
            AppError: the input is refused. After ``Conflict`` and ``InvalidInput`` from a
                configuration, and ``NotFound``, nothing has changed; after anything else
                the engine must be rebuilt from the journal.
        """
        state = self.state
        if state.configuration is None and not isinstance(command, ConfigureTenant):
            raise Conflict("the tenant has no configuration yet")
        sequence = state.sequence + 1
        self.index.matching.begin(sequence, now)
        turn = Turn(state, self.index, now)
        _DECIDERS[type(command)](turn, command)
        decisions_lease.settle(turn)
        self._match(turn)
        if turn.events or turn.effects:
            state.sequence = sequence
        return Decision(sequence, now, tuple(turn.events), tuple(turn.effects))

    def tick(self, now: Instant) -> Decision:
        """Do what is due at ``now``."""
        return self.apply(Tick(), now)

    def next_deadline(self) -> Instant | None:
        """Return when :meth:`tick` is next needed, ``None`` when nothing is pending."""
        index = self.index
        due = soonest(
            (
                index.interaction_deadlines,
                index.agent_deadlines,
                index.leases,
                index.wait_limits,
            )
        )
        matching = index.matching.next_deadline()
        if due is None or (matching is not None and matching < due):
            return matching
        return Instant(due)

    def restore(self, sequence: int, at: Instant, events: Iterable[Event]) -> None:
        """Apply the events of one journal record without deciding again."""
        self.index.matching.advance(at)
        for event in events:
            evolve(self.state, self.index, event, at)
        self.state.sequence = sequence

    def state_bytes(self) -> bytes:
        """Return the whole state as JSON; equal states give equal bytes."""
        return msgspec.json.encode(self.state)

    def state_hash(self) -> str:
        """Return a SHA-256 over the whole state; equal states have equal hashes."""
        return hashlib.sha256(self.state_bytes()).hexdigest()

    def _match(self, turn: Turn) -> None:
        next_match = self.index.matching.next_match
        while (match := next_match(turn.now)) is not None:
            waiting = self.state.interactions[match.interaction]
            decisions_offer.offer(turn, waiting, match.agents, match.rule)


def _tick(turn: Turn, command: Tick) -> None:
    decisions_lease.expire_all(turn)


def _confirm_answered(turn: Turn, command: calls.ConfirmAnswered) -> None:
    interaction = decisions_customer.customer_of(turn, command.leg)
    agent = turn.index.agent_legs.get(command.leg)
    if interaction is not None:
        if interaction.is_dialling:
            decisions_callback.reach(turn, interaction)
        if interaction.state is not InteractionState.ARRIVED:
            return
        if decisions_flow.has_flow(turn, interaction):
            decisions_flow.begin(turn, interaction)
        else:
            decisions_customer.greet(turn, interaction)
    elif command.leg in turn.index.consult_legs:
        decisions_consult.answer(turn, command.leg)
    elif command.leg in turn.index.party_legs:
        decisions_flow.answer_party(turn, command.leg)
    elif agent is not None:
        decisions_offer.answer(turn, turn.state.agents[agent])
    else:
        turn.order(HangUpLeg(leg=command.leg, cause="caller-gone"))


def _confirm_ringing(turn: Turn, command: calls.ConfirmRinging) -> None:
    agent = turn.index.agent_legs.get(command.leg)
    if agent is not None:
        decisions_offer.ring(turn, turn.state.agents[agent])
    elif command.leg in turn.index.consult_legs:
        decisions_consult.ring(turn, command.leg)


def _confirm_bridged(turn: Turn, command: calls.ConfirmBridged) -> None:
    agent = turn.index.agent_legs.get(command.leg)
    if agent is not None:
        decisions_offer.confirm_bridged(turn, turn.state.agents[agent])


def _finish_play(turn: Turn, command: calls.FinishPlay) -> None:
    agent = turn.index.agent_legs.get(command.leg)
    if agent is not None:
        decisions_offer.finish_whisper(turn, turn.state.agents[agent], command.play)
        return
    interaction = decisions_customer.customer_of(turn, command.leg)
    if interaction is not None and interaction.state is InteractionState.DISMISSED:
        decisions_refuse.finish_dismissal(turn, interaction, command.play)
    elif interaction is None or interaction.position is None:
        decisions_customer.finish_play(turn, command)
    else:
        decisions_flow.finish_play(turn, interaction, command)


def _finish_collect(turn: Turn, command: calls.FinishCollect) -> None:
    interaction = decisions_customer.customer_of(turn, command.leg)
    if interaction is None or interaction.position is None:
        decisions_customer.finish_collect(turn, command)
    else:
        decisions_flow.finish_collect(turn, interaction, command)


_DECIDERS: dict[type[Command], Callable[[Turn, Any], None]] = {
    Tick: _tick,
    ConfigureTenant: decisions_tenant.configure,
    MakeAgentReady: decisions_agent.make_ready,
    MakeAgentNotReady: decisions_agent.make_not_ready,
    FinishWrapUp: decisions_agent.finish_early,
    ExtendWrapUp: decisions_agent.extend_wrap_up,
    NotePresence: decisions_agent.note_presence,
    supervision.CloseQueue: decisions_supervision.close_queue,
    supervision.OpenQueue: decisions_supervision.open_queue,
    supervision.RerankInteraction: decisions_supervision.rerank,
    supervision.RequeueInteraction: decisions_supervision.requeue,
    supervision.AssignInteraction: decisions_supervision.assign,
    supervision.PickInteraction: decisions_supervision.pick,
    supervision.BookCallback: decisions_supervision.book_callback,
    supervision.CancelCallback: decisions_supervision.cancel_callback,
    calls.ReceiveCall: decisions_customer.receive_call,
    calls.QueueInteraction: decisions_direct.queue_interaction,
    calls.ConfirmRinging: _confirm_ringing,
    calls.ConfirmAnswered: _confirm_answered,
    calls.ConfirmBridged: _confirm_bridged,
    calls.FinishPlay: _finish_play,
    calls.FinishCollect: _finish_collect,
    calls.AnswerLookup: decisions_flow.answer_lookup,
    calls.FailLookup: decisions_flow.fail_lookup,
    calls.ConfirmMail: decisions_voicemail.confirm_mail,
    calls.EndLeg: decisions_tenant.end_leg,
    calls.StoreRecording: decisions_flow.take_recording,
    calls.ReconcileLegs: decisions_tenant.reconcile,
    calls.EndInteraction: decisions_tenant.end_interaction,
    calls.RequestTransfer: decisions_refer.request,
    calls.ConfirmTransfer: decisions_refer.confirm,
    calls.FailTransfer: decisions_refer.fail,
    LearnScores: decisions_score.learn,
    consults.RequestConsult: decisions_consult.request,
    consults.CompleteConsult: decisions_consult.complete,
    consults.EndConsult: decisions_consult.end,
    calls.AcceptOffer: decisions_work.accept,
    calls.DeclineOffer: decisions_work.decline,
    calls.NoteActivity: decisions_work.note_activity,
    calls.CompleteInteraction: decisions_work.complete,
}
