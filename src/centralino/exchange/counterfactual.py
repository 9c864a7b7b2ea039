# SPDX-License-Identifier: Apache-2.0
"""A recorded day under another configuration: who would have got which interaction, and when.

The customers arrive as they did and agents sign in and out as they did. What the engine
orders is answered as the same person answered the same thing in the record. Where he was not
asked that, nobody can know; what is assumed then is written down with the call:

- ``talk``: nobody talked to him in the record; the queue's mean is taken;
- ``patience``: he waits longer than he had to in the record, and might have hung up;
- ``agent``: this agent was not offered him; he answers as he usually does;
- ``keys``: he hears a menu he never heard; he presses nothing;
- ``party``: somebody is rung who was not; he does not answer;
- ``lookup``: a web service is asked what it was not asked; it does not answer.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.interactions.events import OfferAccepted
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.instant import Duration, Instant, milliseconds
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant, Tick
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.recorded_people import (
    USUAL_ANSWER,
    USUAL_PLAY,
    USUAL_TALK,
    Ask,
    RecordedPeople,
    ask_of,
)
from centralino.exchange.summary import CallStory, StoryBook

if TYPE_CHECKING:
    from centralino.core.kernel.ids import InteractionId, TenantId
    from centralino.core.routing.commands import Command
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.turn import Decision

MOST_INPUTS = 50_000_000
_DONE = Outcome(Result.SUCCESS, OutcomeReason.COMPLETED)
_CANCELLED = Outcome(Result.SUCCESS, OutcomeReason.CANCELLED)
_NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
_ASKED_AGAIN = frozenset({"agent", "answer"})
"""What may be asked of the same people more than once, under the same name."""
_TALKING = {InteractionState.CONNECTED, InteractionState.TRANSFERRED, InteractionState.WRAP_UP}


@dataclass
class OtherDay:
    """What would have happened."""

    stories: dict[LegId, CallStory]
    """By the customer's leg, in order of arrival."""
    unknown: dict[LegId, tuple[str, ...]]
    """What of a call nobody can know."""
    unapplied: Counter[str]
    """Inputs of the record that make no sense here, by kind."""


def run_against(
    people: RecordedPeople, tenant: TenantId, configuration: TenantConfiguration, start: Instant
) -> OtherDay:
    """Let the recorded people meet another configuration.

    Raises:
        InvalidInput: the configuration is wrong.
    """
    world = _World(people, tenant)
    world.do(ConfigureTenant(configuration=configuration), start)
    for at, command in people.inputs:
        world.plan(at, command)
    for leg, at in people.left_at.items():
        world.plan(at, calls.EndLeg(leg=leg, outcome=_DONE, by_far_end=True), is_leaving=True)
    world.run()
    stories = {story.leg: story for story in world.book.stories.values()}
    unknown = {leg: tuple(sorted(found)) for leg, found in world.unknown.items()}
    return OtherDay(stories, unknown, world.unapplied)


@dataclass(order=True, slots=True)
class _Planned:
    at: int
    number: int
    command: Command = field(compare=False)
    is_leaving: bool = field(compare=False, default=False)
    """He hangs up at this moment, unless somebody talks to him."""


class _World:
    """The far side of an engine: answers its orders as the recorded people would."""

    def __init__(self, people: RecordedPeople, tenant: TenantId) -> None:
        self.engine = TenantEngine(tenant)
        self.book = StoryBook()
        self.unknown: dict[LegId, set[str]] = {}
        self.unapplied: Counter[str] = Counter()
        self._people = people
        self._planned: list[_Planned] = []
        self._count = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._gone: set[str] = set()
        self._collects: dict[LegId, str] = {}

    def plan(self, at: Instant | int, command: Command, *, is_leaving: bool = False) -> None:
        """Let an input come at an instant."""
        self._count += 1
        heapq.heappush(self._planned, _Planned(at, self._count, command, is_leaving))

    def run(self) -> None:
        """Let time pass until nothing is left to happen."""
        for _ in range(MOST_INPUTS):
            due = self.engine.next_deadline()
            if due is not None and (not self._planned or due < self._planned[0].at):
                self.do(Tick(), due)
            elif self._planned:
                self._take(heapq.heappop(self._planned))
            else:
                return

    def do(self, command: Command, at: Instant) -> None:
        """Let the engine decide and the people answer."""
        decision = self.engine.apply(command, at)
        for event in decision.events:
            self.book.take(event, at)
        for effect in decision.effects:
            self._answer(effect, at)
        self._note_connections(decision, at)

    def _take(self, planned: _Planned) -> None:
        command = self._translated(planned.command)
        if command is None:
            return
        leg = getattr(command, "leg", None)
        if leg in self._gone:
            return
        if isinstance(command, calls.EndLeg):
            if planned.is_leaving and self._is_talking(command.leg):
                return
            self._gone.add(command.leg)
        if (
            isinstance(command, calls.FinishCollect)
            and self._collects.get(command.leg) != command.collect
        ):
            return
        try:
            self.do(command, Instant(planned.at))
        except AppError:
            self.unapplied[str(type(command).__struct_config__.tag)] += 1

    def _translated(self, command: Command) -> Command | None:
        """Return a recorded input about an interaction as one about its counterpart here."""
        name: InteractionId | None = getattr(command, "interaction", None)
        if name is None or name in self.engine.state.interactions:
            return command
        leg = self._people.leg_of.get(name)
        here = self.engine.index.customer_legs.get(leg) if leg is not None else None
        if here is None:
            self.unapplied[str(type(command).__struct_config__.tag)] += 1
            return None
        changed: Any = command
        found: Command = msgspec.structs.replace(changed, interaction=here)
        return found

    def _is_talking(self, leg: LegId) -> bool:
        name = self.engine.index.customer_legs.get(leg)
        return name is None or self.engine.state.interactions[name].state in _TALKING

    def _note_connections(self, decision: Decision, now: Instant) -> None:
        for event in decision.events:
            if isinstance(event, OfferAccepted):
                interaction = self.engine.state.interactions[event.interaction]
                phone = self.engine.state.agents[event.agent].leg
                self._talk(interaction.leg, phone, str(interaction.queue or ""), now)

    def _talk(self, customer: LegId, phone: LegId | None, queue: str, now: Instant) -> None:
        people = self._people
        length, by_customer = people.talked.get(customer, (None, True))
        if length is None:
            self._note_unknown(customer, "talk")
            length = next((d for q, d in people.queues_talk.items() if q == queue), USUAL_TALK)
        before = people.connected_at.get(customer)
        if before is not None and now > before:
            self._note_unknown(customer, "patience")
        leg = customer if by_customer or phone is None else phone
        self.plan(now + length, calls.EndLeg(leg=leg, outcome=_DONE, by_far_end=True))

    def _note_unknown(self, leg: LegId, what: str) -> None:
        self.unknown.setdefault(leg, set()).add(what)

    # ----------------------------------------------------------------------- answering
    def _answer(self, effect: effects.Effect, now: Instant) -> None:
        leg = effect.leg
        match effect:
            case effects.CancelRing() | effects.HangUpLeg() | effects.RejectCall():
                outcome = _CANCELLED if isinstance(effect, effects.CancelRing) else _DONE
                self.plan(now, calls.EndLeg(leg=leg, outcome=outcome, by_far_end=False))
            case effects.BridgeLegs():
                for one in (leg, effect.agent_leg):
                    self.plan(now, calls.ConfirmBridged(leg=one, bridge=effect.bridge))
            case effects.SendMail():
                self.plan(now, calls.ConfirmMail(recording=effect.recording))
            case effects.StopRecording():
                pass
            case effects.StopCollecting():
                self._collects.pop(leg, None)
            case _:
                found = ask_of(effect, self.engine, self._counts)
                if found is not None:
                    self._reply(effect, found[1], now)

    def _reply(self, effect: effects.Effect, ask: Ask, now: Instant) -> None:
        if isinstance(effect, effects.CollectKey):
            self._collects[effect.leg] = effect.collect
        replies = self._people.replies.get(ask)
        if replies:
            for reply in replies:
                self.plan(now + reply.after, _as_answer(reply.command, effect))
            if ask[0] == "agent":
                del replies[:]  # the same agent a second time is another matter
            return
        if ask in self._people.asked and ask[0] not in _ASKED_AGAIN:
            return
        after, command, unknown = self._assumed(effect)
        if unknown:
            self._note_unknown(LegId(ask[1]), unknown)
        if command is not None:
            self.plan(now + after, command)

    def _assumed(self, effect: effects.Effect) -> tuple[Duration, Command | None, str]:
        """Return what is taken for an answer that nobody knows, and what is unknown then."""
        none, leg = Duration(0), effect.leg
        match effect:
            case effects.AnswerCall():
                return none, calls.ConfirmAnswered(leg=leg), ""
            case effects.PlayPrompts() | effects.PlaySounds():
                done = calls.FinishPlay(leg=leg, play=effect.play, reason="completed")
                return USUAL_PLAY, done, ""
            case effects.CollectKey():
                nothing = calls.FinishCollect(
                    leg=leg, collect=effect.collect, digits="", reason="first-timeout"
                )
                after = milliseconds(effect.timeout_ms)
                return after, nothing if effect.timeout_ms else None, "keys"
            case effects.RingAgent():
                after = self._people.agents_answer.get(effect.agent, USUAL_ANSWER)
                return after, calls.ConfirmAnswered(leg=leg), "agent"
            case effects.RingParty():
                after = milliseconds(effect.ring_for_ms)
                return after, calls.EndLeg(leg=leg, outcome=_NO_ANSWER, by_far_end=True), "party"
            case effects.RequestLookup():
                failed = calls.FailLookup(
                    interaction=effect.interaction, ask=effect.ask, reason="not-recorded"
                )
                return none, failed, "lookup"
            case effects.StartRecording():
                stored = calls.StoreRecording(
                    recording=effect.recording, path="", duration_ms=0, channels=2, is_complete=True
                )
                return none, stored if not effect.agent_leg else None, ""
            case _:
                return none, None, ""


def _as_answer(recorded: Command, effect: effects.Effect) -> Command:
    """Return a recorded answer with the names that this order gave."""
    changed: Any = recorded
    names: dict[str, object] = {}
    for name in ("leg", "play", "collect", "interaction", "ask", "recording"):
        if name in changed.__struct_fields__ and hasattr(effect, name):
            names[name] = getattr(effect, name)
    found: Command = msgspec.structs.replace(changed, **names)
    return found
