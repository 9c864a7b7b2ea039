# SPDX-License-Identifier: Apache-2.0
"""How the people and phones of a journal behaved: what each was asked, what he did, how soon.

Found by deciding the journal again, which gives the orders that left then, and by joining
each with the input that answered it. A customer is known by his leg, which the driver
named and which no decision of ours can change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.agents.commands import AgentCommand
from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.interactions.consult_events import ConsultCompleted
from centralino.core.interactions.events import OfferAccepted
from centralino.core.interactions.supervision import SupervisionCommand
from centralino.core.kernel.ids import AgentId, InteractionId, LegId, QueueId
from centralino.core.kernel.instant import Duration, Instant, seconds
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.score_commands import LearnScores
from centralino.exchange.codec import command_of

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision
    from centralino.exchange.ports import JournalReadPort

USUAL_ANSWER = seconds(5)
"""How soon an agent answers of whom nothing is known."""
USUAL_TALK = seconds(180)
"""How long people talk of whom nothing is known."""
USUAL_PLAY = seconds(4)
"""How long an announcement is that was never played."""

_UNASKED = (
    calls.ReceiveCall,
    calls.QueueInteraction,
    calls.EndInteraction,
    AgentCommand,
    SupervisionCommand,
    LearnScores,
)

Ask = tuple[str, str, str]
"""What somebody was asked: the kind, the customer's leg, and which of its kind or whom."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an ask."""

    after: Duration
    command: Command


@dataclass
class RecordedPeople:
    """What a journal tells of its people."""

    inputs: list[tuple[Instant, Command]] = field(default_factory=list)
    """What nobody was asked for: arrivals, and what agents and supervisors did."""
    replies: dict[Ask, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    asked: set[Ask] = field(default_factory=set)
    """All asks; one without replies was never answered."""
    left_at: dict[LegId, Instant] = field(default_factory=dict)
    """When a customer hung up before anybody talked to him."""
    connected_at: dict[LegId, Instant] = field(default_factory=dict)
    talked: dict[LegId, tuple[Duration, bool]] = field(default_factory=dict)
    """How long he talked, and whether he hung up rather than the agent."""
    leg_of: dict[InteractionId, LegId] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    """Inputs that belong to the run itself and are not repeated, by kind."""
    agents_answer: dict[AgentId, Duration] = field(default_factory=dict)
    """Mean time until an agent answered."""
    queues_talk: dict[QueueId, Duration] = field(default_factory=dict)
    """Mean length of a conversation of a queue."""


def read_people(journal: JournalReadPort, tenant: TenantId) -> RecordedPeople:
    """Return how the people of a journal behaved.

    Raises:
        StorageError: the journal cannot be read.
        AppError: this release cannot decide the journal again.
    """
    reader = _Reader(tenant)
    for record in journal.read(tenant):
        reader.take(command_of(record), Instant(record.at))
    return reader.finish()


class _Reader:
    """Decides again and joins orders with what answered them."""

    def __init__(self, tenant: TenantId) -> None:
        self.people = RecordedPeople()
        self._engine = TenantEngine(tenant)
        self._open: dict[str, tuple[Ask, Instant]] = {}
        """What is awaited (a play, a collect, a leg, an ask, a recording) to who was asked."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._customers: dict[LegId, LegId] = {}
        """The phone of an agent to the customer he talks to."""
        self._answers: dict[AgentId, list[Duration]] = defaultdict(list)
        self._talks: dict[QueueId, list[Duration]] = defaultdict(list)
        self._queue_of: dict[LegId, QueueId] = {}

    def take(self, command: Command, now: Instant) -> None:
        """Take one input."""
        self._note_input(command, now)
        decision = self._engine.apply(command, now)
        for interaction in self._engine.state.interactions.values():
            if interaction.id not in self.people.leg_of:
                self.people.leg_of[interaction.id] = interaction.leg
        for effect in decision.effects:
            self._note_effect(effect, now)
        self._note_events(decision, now)

    def finish(self) -> RecordedPeople:
        """Return what was found."""
        people = self.people
        people.agents_answer = {agent: _mean(found) for agent, found in self._answers.items()}
        people.queues_talk = {queue: _mean(found) for queue, found in self._talks.items()}
        return people

    def _note_input(self, command: Command, now: Instant) -> None:
        people = self.people
        match command:
            case _ if isinstance(command, _UNASKED):
                people.inputs.append((now, command))
            case calls.EndLeg():
                self._note_end(command, now)
            case calls.FinishPlay(play=name) | calls.FinishCollect(collect=name):
                self._join(name, command, now)
            case calls.AnswerLookup(ask=name) | calls.FailLookup(ask=name):
                self._join(name, command, now)
            case calls.StoreRecording(recording=name):
                self._join(name, command, now)
            case calls.ConfirmRinging() | calls.ConfirmAnswered():
                self._join(command.leg, command, now, is_last=False)
                if isinstance(command, calls.ConfirmAnswered):
                    self._note_answer(command.leg, now)
            case calls.ConfirmBridged() | calls.ConfirmMail():
                pass
            case _:
                people.skipped[str(type(command).__struct_config__.tag)] += 1

    def _note_answer(self, leg: LegId, now: Instant) -> None:
        ask = self._open.get(leg)
        if ask is not None and ask[0][0] == "agent":
            self._answers[AgentId(ask[0][2])].append(Duration(now - ask[1]))

    def _note_end(self, command: calls.EndLeg, now: Instant) -> None:
        people, leg = self.people, command.leg
        customer = self._customers.get(leg, leg)
        talking = customer in people.connected_at and customer not in people.talked
        if command.by_far_end and talking:
            length = Duration(now - people.connected_at[customer])
            people.talked[customer] = (length, customer == leg)
            if customer in self._queue_of:
                self._talks[self._queue_of[customer]].append(length)
        elif command.by_far_end and leg in self._engine.index.customer_legs:
            people.left_at[leg] = now
        self._join(leg, command, now)

    def _join(self, name: str, command: Command, now: Instant, *, is_last: bool = True) -> None:
        found = self._open.pop(name, None) if is_last else self._open.get(name)
        if found is not None:
            ask, since = found
            self.people.replies[ask].append(Reply(Duration(now - since), command))

    def _note_events(self, decision: Decision, now: Instant) -> None:
        for event in decision.events:
            if isinstance(event, OfferAccepted):
                interaction = self._engine.state.interactions[event.interaction]
                self.people.connected_at[interaction.leg] = now
                if interaction.queue is not None:
                    self._queue_of[interaction.leg] = interaction.queue
                phone = self._engine.state.agents[event.agent].leg
                if phone is not None:
                    self._customers[phone] = interaction.leg
            elif isinstance(event, ConsultCompleted):
                interaction = self._engine.state.interactions[event.interaction]
                self._customers[event.leg] = interaction.leg

    def _note_effect(self, effect: effects.Effect, now: Instant) -> None:
        found = ask_of(effect, self._engine, self._counts)
        if found is not None:
            name, ask = found
            self._open[name] = (ask, now)
            self.people.asked.add(ask)


def ask_of(
    effect: effects.Effect, engine: TenantEngine, counts: Counter[tuple[str, str]]
) -> tuple[str, Ask] | None:
    """Return what answers an order, and whom it asks; ``None`` when nobody is asked.

    ``counts`` numbers what is asked of one customer, and is counted up.
    """
    leg = effect.leg
    match effect:
        case effects.AnswerCall():
            return leg, ("answer", leg, "")
        case effects.PlayPrompts() | effects.PlaySounds() if not effect.is_looped:
            return effect.play, ("play", leg, _next(counts, "play", leg))
        case effects.CollectKey():
            return effect.collect, ("keys", leg, _next(counts, "keys", leg))
        case effects.RingAgent():
            return leg, ("agent", _customer_of(effect, engine), effect.agent)
        case effects.RingParty():
            customer = _customer_of(effect, engine)
            return leg, ("party", customer, _next(counts, "party", customer))
        case effects.RequestLookup():
            return effect.ask, ("lookup", leg, _next(counts, "lookup", leg))
        case effects.StartRecording():
            return effect.recording, ("recording", leg, _next(counts, "recording", leg))
        case _:
            return None


def _customer_of(effect: effects.RingAgent | effects.RingParty, engine: TenantEngine) -> LegId:
    if effect.near is not None:
        return effect.near
    for offer in engine.state.offers.values():
        if offer.leg == effect.leg and offer.interaction in engine.state.interactions:
            return engine.state.interactions[offer.interaction].leg
    return LegId("")


def _next(counts: Counter[tuple[str, str]], kind: str, leg: str) -> str:
    counts[kind, leg] += 1
    return str(counts[kind, leg])


def _mean(found: list[Duration]) -> Duration:
    return Duration(sum(found) // len(found))
