# SPDX-License-Identifier: Apache-2.0
"""A whole engine in a world that does anything: networks, people and bosses, in any order.

A step is three small numbers, so that Hypothesis can shrink a story and a soak can draw them.
What must hold after every step is checked here from the plain state, with rules written anew:
nothing of the engine's index, matching or capacity is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.agents import commands as people
from centralino.core.agents.capacity import Capacity, ChannelRule
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.presence import Availability
from centralino.core.agents.refusals import RefusalPolicies, RefusalPolicy
from centralino.core.agents.wrap_up import WrapUp, WrapUpMode
from centralino.core.interactions import commands as calls
from centralino.core.interactions import consult_commands as consults
from centralino.core.interactions import consult_events as asked
from centralino.core.interactions import effects, supervision
from centralino.core.interactions import events as told
from centralino.core.interactions.callback_lifecycle import CallbackState
from centralino.core.interactions.callback_policy import CallbackMode, CallbackPolicy
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.limits import ActionKind, LimitKind, QueueAction, QueueLimit
from centralino.core.interactions.ownership import Ownership
from centralino.core.interactions.wish import Wish
from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.kernel.ids import AgentId, BridgeId, LegId, QueueId, RecordingId, TrunkId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Command, ConfigureTenant, Tick
from centralino.core.routing.configuration import (
    AgentConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.matching.policy import QueueMatching, Strategy
from centralino.core.routing.score_commands import LearnScores
from tests.unit.core.company import NUMBER, START, TENANT
from tests.unit.core.flow_company import flow_company

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Consult, Interaction
    from centralino.core.routing.turn import Decision

SALES, SUPPORT, SECOND_LINE = QueueId("sales"), QueueId("support"), QueueId("second-line")
QUEUES = (SALES, SUPPORT, SECOND_LINE)
AGENTS = tuple(AgentId(f"agent-{n}") for n in range(6))
TWO_CHATS = Capacity(total=2, channels={Channel.CHAT: ChannelRule(most=2)}, most_offers=2)
ENDS = (
    Outcome(Result.SUCCESS, OutcomeReason.COMPLETED),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED),
    Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND),
    Outcome(Result.UPSTREAM_ERROR, OutcomeReason.UNREACHABLE),
)
DIGITS = ("", "1", "2", "3", "4", "5", "6", "7", "8", "9")
_VETO_FOR = 3600 * SECOND
_WAITS = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})
_TALKS = frozenset({InteractionState.CONNECTED, InteractionState.TRANSFERRED})
_LEASED = frozenset({AgentState.RESERVED, AgentState.WRAP_UP})
_ACTIONS = (
    QueueAction(),
    QueueAction(kind=ActionKind.END, prompts=("goodbye",)),
    QueueAction(kind=ActionKind.QUEUE, queue=SUPPORT),
)


def world_company(
    main: dict[str, Any] | None = None, *, is_other: bool = False
) -> TenantConfiguration:
    """Return three queues that use every lease there is; ``is_other`` changes some of it."""
    plain = flow_company(main)
    sales = QueueConfiguration(
        id=SALES,
        name="Sales",
        agents=AGENTS[:4],
        music=("music",),
        wrap_up_for_ms=5000,
        whisper=("whisper",),
        callbacks=CallbackPolicy(attempts=2, give_up_after_ms=600_000, busy_retry_ms=20_000),
        limits=(
            QueueLimit(on=LimitKind.LENGTH, threshold=9, action=_ACTIONS[1]),
            QueueLimit(on=LimitKind.WAIT, threshold=200, action=_ACTIONS[2]),
        ),
        resume_place_for_ms=60_000,
        ownership=Ownership(first_reply_ms=40_000, idle_ms=90_000),
        matching=QueueMatching(offers_at_once=1 if is_other else 3),
    )
    support = QueueConfiguration(
        id=SUPPORT,
        name="Support",
        agents=AGENTS[2:5] if is_other else AGENTS[2:],
        music=("music",),
        priority=3,
        wrap_up_for_ms=8000,
        wrap_up=WrapUp(mode=WrapUpMode.EXTENDABLE, extend_by_ms=5000, most_ms=20_000),
        callbacks=CallbackPolicy(mode=CallbackMode.LEAD, give_up_after_ms=600_000),
        matching=QueueMatching(offers_at_once=2),
    )
    second = QueueConfiguration(
        id=SECOND_LINE,
        name="Second line",
        agents=AGENTS[1:5],
        music=("music",),
        wrap_up=WrapUp(mode=WrapUpMode.NONE),
        skills={"es": 2},
        matching=QueueMatching(strategy=Strategy.PREDICTED, hold_out_percent=20),
    )
    agents = tuple(
        AgentConfiguration(
            id=name,
            name=name,
            trunk=TrunkId("teams"),
            target=f"+390211{number:04}",
            skills={"es": 3} if number % 2 else {},
            capacity=TWO_CHATS,
        )
        for number, name in enumerate(AGENTS)
    )
    return msgspec.structs.replace(
        plain,
        queues=(sales, support, second),
        agents=agents[:-1] if is_other else agents,
        outside_caller="+390200000001",
        refusals=RefusalPolicies(missed=RefusalPolicy(pause_ms=10_000, signed_out_after=3)),
    )


class EngineWorld:
    """Feeds an engine and holds it to what must hold."""

    def __init__(self, main: dict[str, Any] | None = None, *, keeps_inputs: bool = True) -> None:
        """Begin; ``main`` is the flow that answers the number, the usual one when left out."""
        self.main = main
        self.engine = TenantEngine(TENANT)
        self.now = START
        self.ringing: list[LegId] = []
        """Alive and not known to be answered."""
        self.events = 0
        self.inputs: list[tuple[Command, Instant]] = []
        self.decisions: list[Decision] = []
        self.legs: list[LegId] = []
        """Alive on the network."""
        self.arrived: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.owners: Counter[str] = Counter()
        """Agents who have an interaction, by interaction."""
        self.consults: Counter[str] = Counter()
        """Consults that have not ended."""
        self._sounds: dict[LegId, str] = {}
        self._plays: dict[LegId, str] = {}
        self._collects: dict[LegId, str] = {}
        self._recordings: list[RecordingId] = []
        self._lookups: list[effects.RequestLookup] = []
        self._mails: list[RecordingId] = []
        self._number = 0
        self._keeps_inputs = keeps_inputs
        self.do(ConfigureTenant(configuration=world_company(main)))

    # ------------------------------------------------------------------------- steps
    def step(self, kind: int, pick: int, amount: int) -> None:
        """Let one thing happen; any numbers are legal."""
        command = STEPS[kind % len(STEPS)](self, pick, amount)
        if command is not None:
            self.do(command)
            self.require_invariants()

    def do(self, command: Command) -> None:
        """Have a command decided; one that is refused has changed nothing."""
        try:
            decision = self.engine.apply(command, self.now)
        except (Conflict, NotFound, InvalidInput):
            return
        if self._keeps_inputs:
            self.inputs.append((command, self.now))
            self.decisions.append(decision)
        self.events += len(decision.events)
        for event in decision.events:
            self._count(event)
        for effect in decision.effects:
            self._carry_out(effect)

    def _count(self, event: Any) -> None:  # noqa: ANN401 - any event
        match event:
            case told.InteractionArrived():
                self.arrived[event.interaction] += 1
            case told.OfferAccepted():
                self.owners[event.interaction] += 1
                assert self.owners[event.interaction] == 1, "two agents for one customer"
            case told.InteractionReturned() | asked.InteractionForsaken():
                self.owners[event.interaction] -= 1
            case asked.ConsultRequested():
                self.consults[event.consult] += 1
            case asked.ConsultCompleted() | asked.ConsultEnded():
                self.consults[event.consult] -= 1
                assert self.consults.pop(event.consult) == 0, "a consult that ended twice"
            case told.InteractionEnded():
                self.ended[event.interaction] += 1
                assert self.ended[event.interaction] == 1, "ended twice"
                if not self._keeps_inputs:
                    for counter in (self.arrived, self.ended, self.owners):
                        counter.pop(event.interaction, None)
            case _:
                pass

    def _carry_out(self, effect: effects.Effect) -> None:
        leg = effect.leg
        match effect:
            case effects.RingAgent() | effects.RingParty():
                self.legs.append(leg)
                self.ringing.append(leg)
            case effects.PlayPrompts() | effects.PlaySounds():
                is_bridged = self._sounds.get(leg) == "bridge"
                self._sounds[leg] = "both" if is_bridged else "play"
                self._plays[leg] = effect.play
            case effects.StopPlaying():
                if self._sounds.get(leg) == "play":
                    self._sounds[leg] = ""
            case effects.CollectKey():
                self._collects[leg] = effect.collect
            case effects.BridgeLegs():
                self._sounds[leg] = self._sounds[effect.agent_leg] = "bridge"
            case effects.UnbridgeLeg():
                self._sounds[leg] = ""
            case effects.StartRecording():
                self._recordings = [*self._recordings[-20:], effect.recording]
            case effects.HangUpLeg() | effects.RejectCall():
                self._gone(leg)
            case _:
                self._note_errand(effect)

    def _note_errand(self, effect: effects.Effect) -> None:
        match effect:
            case effects.RequestLookup():
                self._lookups = [*self._lookups[-9:], effect]
            case effects.SendMail():
                self._mails = [*self._mails[-9:], effect.recording]
            case _:
                pass

    def _gone(self, leg: LegId) -> None:
        if leg in self.legs:
            self.legs.remove(leg)
        if leg in self.ringing:
            self.ringing.remove(leg)
        for known in (self._sounds, self._plays, self._collects):
            known.pop(leg, None)

    def leg(self, pick: int) -> LegId:
        """Return one of the legs that are alive."""
        return self.legs[pick % len(self.legs)] if self.legs else LegId("stranger")

    def interaction(self, pick: int) -> Interaction | None:
        """Return one of the interactions."""
        known = list(self.engine.state.interactions.values())
        return known[pick % len(known)] if known else None

    def new_leg(self, kind: str) -> LegId:
        """Return a leg that comes in now."""
        self._number += 1
        leg = LegId(f"{kind}-{self._number}")
        if kind == "in":
            self.legs.append(leg)
            self.ringing.append(leg)
        return leg

    def end(self, pick: int, amount: int) -> Command:
        """Let a leg end."""
        leg = self.leg(pick)
        self._gone(leg)
        outcome = ENDS[amount % len(ENDS)]
        return calls.EndLeg(leg=leg, outcome=outcome, by_far_end=True)

    def finish_play(self, pick: int, amount: int) -> Command:
        """Let what plays to a leg be over."""
        leg = self.leg(pick)
        play = self._plays.pop(leg, "nothing")
        return calls.FinishPlay(leg=leg, play=play, reason="completed")

    def press(self, pick: int, amount: int) -> Command:
        """Let a leg press keys, or nothing."""
        leg = self.leg(pick)
        digits = DIGITS[amount % len(DIGITS)]
        return calls.FinishCollect(
            leg=leg, collect=self._collects.get(leg, "nothing"), digits=digits
        )

    def answer(self, pick: int, amount: int) -> Command:
        """Let a leg be answered, mostly one that rings."""
        leg = self.leg(pick)
        if self.ringing and amount % 8:
            leg = self.ringing.pop(pick % len(self.ringing))
        return calls.ConfirmAnswered(leg=leg)

    def bridged(self, pick: int, amount: int) -> Command:
        """Confirm the bridge of a leg."""
        return calls.ConfirmBridged(leg=self.leg(pick), bridge=BridgeId(""))

    def reconcile(self, pick: int, amount: int) -> Command:
        """Let a driver come back with some of its legs lost."""
        lost = [leg for n, leg in enumerate(self.legs) if (n + pick) % 5 == 0]
        for leg in lost:
            self._gone(leg)
        views = tuple(calls.LegView(leg, ("answered", "inviting")[amount % 2]) for leg in self.legs)
        return calls.ReconcileLegs(legs=views)

    def store(self, pick: int, amount: int) -> Command:
        """Bring a recording."""
        name = self._recordings[pick % len(self._recordings)] if self._recordings else ""
        return calls.StoreRecording(
            recording=RecordingId(name), path="x", duration_ms=5000, channels=2, is_complete=True
        )

    def answer_lookup(self, pick: int, amount: int) -> Command | None:
        """Answer what a flow has asked the web, well, badly or not at all."""
        if not self._lookups:
            return None
        asked = self._lookups[pick % len(self._lookups)]
        if amount % 3 == 0:
            return calls.FailLookup(interaction=asked.interaction, ask=asked.ask, reason="timeout")
        body = ('{"status": "gold"}', "nonsense", "[]")[amount % 3]
        status = 200 if amount % 4 else 500
        return calls.AnswerLookup(
            interaction=asked.interaction, ask=asked.ask, status=status, body=body
        )

    def confirm_mail(self, pick: int, amount: int) -> Command | None:
        """Say that a message is mailed."""
        if not self._mails:
            return None
        return calls.ConfirmMail(recording=self._mails[pick % len(self._mails)])

    def pass_time(self, pick: int, amount: int) -> Command:
        """Let time pass; the shell always ticks at the next deadline."""
        until = Instant(self.now + (amount % 20) * SECOND)
        while True:
            due = self.engine.next_deadline()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.do(Tick())
            self.require_invariants()
        self.now = until
        return Tick()

    # -------------------------------------------------------------------- invariants
    def require_invariants(self) -> None:
        """Check what must hold now; raises AssertionError with what does not."""
        state = self.engine.state
        for agent in state.agents.values():
            self._check_agent(agent)
        for interaction in state.interactions.values():
            self._check_interaction(interaction)
        for offer in state.offers.values():
            assert offer.deadline is not None, "an offer without an end"
            if offer.channel is Channel.VOICE:
                assert state.agents[offer.agent].offer == offer.id, "an orphan reservation"
        for callback in state.callbacks.values():
            assert callback.deadline is not None, "a callback without an end"
            if callback.state is not CallbackState.BOOKED:
                assert callback.interaction in state.interactions, "a callback without attempt"
        for consult in state.consults.values():
            self._check_consult(consult)
        assert set(self.consults) == set(state.consults), "a consult without an end"
        due = self.engine.next_deadline()
        pending = [one.deadline for one in self._leases() if one.deadline is not None]
        pending += [one.until for one in state.memory.scores.values()]
        assert not pending or (due is not None and due <= min(pending)), "a deadline is missed"

    def _leases(self) -> list[Any]:
        state = self.engine.state
        kinds: tuple[dict[Any, Any], ...] = (
            state.agents,
            state.interactions,
            state.offers,
            state.callbacks,
            state.consults,
            state.recordings,
        )
        return [one for things in kinds for one in things.values()]

    def _check_agent(self, agent: Agent) -> None:
        state = self.engine.state
        voices = [one for one in agent.engaged if one.channel is Channel.VOICE]
        chats = [one for one in agent.engaged if one.channel is Channel.CHAT]
        assert len(voices) <= 1, "two calls for one agent"
        assert len(chats) <= 2, "over capacity"
        assert not (voices and chats), "a chat beside a call"
        if agent.state in _LEASED:
            assert agent.deadline is not None, "a reservation without an end"
        assert (agent.offer is not None) == (agent.state is AgentState.RESERVED)
        if agent.offer is not None:
            assert agent.offer in state.offers, "reserved for nothing"
        is_asked = agent.state is AgentState.CONSULTING
        assert (agent.consult is not None) == is_asked, "an orphan reservation"
        if agent.consult is not None:
            assert state.consults[agent.consult].colleague == agent.id, "asked for nothing"
        if agent.state is AgentState.CONNECTED:
            assert agent.interaction in state.interactions, "talks to nobody"
        for one in chats:
            assert one.interaction in state.interactions, "owns what has ended"

    def _check_consult(self, consult: Consult) -> None:
        state = self.engine.state
        if consult.colleague is not None:
            assert state.agents[consult.colleague].consult == consult.id, "nobody is asked"
        if consult.state is ConsultState.CLOSING:
            return
        one = state.interactions[consult.interaction]
        assert one.consult == consult.id, "asked about nobody"
        assert (one.state, one.agent) == (InteractionState.CONNECTED, consult.agent)
        assert state.agents[consult.agent].state is AgentState.CONNECTED, "nobody asks"
        if consult.state is ConsultState.TALKING and consult.leg in self._sounds:
            assert self._sounds[consult.leg] == "bridge", "asked in silence"

    def _check_interaction(self, one: Interaction) -> None:
        state = self.engine.state
        for name in one.offers:
            assert state.offers[name].interaction == one.id
        if one.state is InteractionState.OFFERED:
            assert one.offers, "offered to nobody"
        if one.state is InteractionState.QUEUED:
            assert not one.offers, "waits and is offered"
            free = [a for a in state.agents.values() if self._may_take(a, one)]
            assert not free, f"{one.id} waits beside {free[0].id if free else ''}, who is free"
        is_talking = one.state in _TALKS
        if is_talking and one.channel is Channel.VOICE and one.leg in self._sounds:
            hears = "bridge" if one.consult is None else "play"
            assert self._sounds[one.leg] == hears, "music and conversation are mixed up"
        if one.state in _WAITS and one.position is None and one.leg in self._sounds:
            assert self._sounds[one.leg] == "play", "waits in silence"

    def _may_take(self, agent: Agent, one: Interaction) -> bool:
        """Tell by hand whether an agent must have been offered somebody who waits."""
        state = self.engine.state
        assert state.configuration is not None
        assert one.queue is not None
        if agent.state is not AgentState.READY or agent.intended_reason is not None:
            return False
        queue = next(q for q in state.configuration.queues if q.id == one.queue)
        known = next((a for a in state.configuration.agents if a.id == agent.id), None)
        if known is None or agent.id not in queue.agents:
            return False
        asked = {
            name: max(queue.skills.get(name, 0), one.skills.get(name, 0))
            for name in {*queue.skills, *one.skills}
        }
        skills = known.skills
        if any(skills.get(name, 0) < level for name, level in asked.items()):
            return False
        presence = agent.presence
        is_known = presence is not None and self.now - presence.at <= _VETO_FOR
        if is_known and presence and presence.availability is Availability.DO_NOT_DISTURB:
            return False
        most = 0 if one.channel is Channel.VOICE else 1
        open_offers = sum(1 for e in agent.engaged if e.is_offer)
        return len(agent.engaged) <= most and open_offers < TWO_CHATS.most_offers

    # --------------------------------------------------------------------------- end
    def drain(self) -> None:
        """Let everybody go and time alone pass: nothing may remain."""
        for leg in list(self.legs):
            self._gone(leg)
            self.do(calls.EndLeg(leg=leg, outcome=ENDS[0], by_far_end=True))
        for one in list(self.engine.state.interactions.values()):
            if one.channel is not Channel.VOICE:
                self.do(calls.EndLeg(leg=one.leg, outcome=ENDS[0], by_far_end=True))
        for _ in range(3000):
            due = self.engine.next_deadline()
            if due is None:
                break
            self.now = max(self.now, due)
            self.do(Tick())
            self.require_invariants()
        state = self.engine.state
        assert not state.interactions, "an interaction outlives everybody"
        assert not state.offers, "an offer outlives everybody"
        assert not state.callbacks, "a callback is never given up"
        assert not state.consults, "a consult outlives everybody"
        assert not state.memory.scores, "scores that never grow old"
        assert not state.recordings, "a recording is awaited for ever"
        assert all(agent.engaged == () for agent in state.agents.values())

    def require_replays(self) -> None:
        """Decide everything again, and fold the events alone: both are what is."""
        again, folded = TenantEngine(TENANT), TenantEngine(TENANT)
        for (command, now), decision in zip(self.inputs, self.decisions, strict=True):
            assert again.apply(command, now) == decision
            if not decision.is_empty:
                folded.restore(decision.sequence, decision.at, decision.events)
        assert again.state_bytes() == folded.state_bytes() == self.engine.state_bytes()


Step = Callable[[EngineWorld, int, int], Command | None]


def _agent(pick: int) -> AgentId:
    return AGENTS[pick % len(AGENTS)]


def _call(world: EngineWorld, pick: int, amount: int) -> Command:
    number = f"+3933311{amount % 5:04}" if amount % 6 else None
    return calls.ReceiveCall(
        leg=world.new_leg("in"),
        trunk=TrunkId("carrier"),
        called_number=NUMBER if pick % 8 else "+390299999999",
        caller_number=number,
    )


def _come(world: EngineWorld, pick: int, amount: int) -> Command:
    channel = Channel.CHAT if amount % 2 else Channel.VOICE
    return calls.QueueInteraction(
        leg=world.new_leg("chat" if amount % 2 else "in"),
        queue=QUEUES[pick % len(QUEUES)],
        channel=channel,
        priority=amount % 11,
        skills=({}, {}, {"es": amount % 12}, {"fr": 1})[pick % 4],
        wish=Wish(agents=(_agent(pick),)) if amount % 7 == 0 else None,
    )


def _by_hand(world: EngineWorld, pick: int, amount: int) -> Command | None:
    one = world.interaction(pick)
    if one is None:
        return None
    agent, queue = _agent(amount), QUEUES[amount % len(QUEUES)]
    commands: tuple[Command, ...] = (
        supervision.AssignInteraction(interaction=one.id, agent=agent),
        supervision.PickInteraction(interaction=one.id, agent=agent),
        supervision.RerankInteraction(interaction=one.id, priority=amount % 10),
        supervision.RequeueInteraction(interaction=one.id, queue=queue),
        calls.EndInteraction(interaction=one.id),
    )
    return commands[(pick + amount) % len(commands)]


def _work(world: EngineWorld, pick: int, amount: int) -> Command | None:
    one = world.interaction(pick)
    if one is None:
        return None
    asked = [world.engine.state.offers[name].agent for name in one.offers]
    agent = one.agent or (asked[amount % len(asked)] if asked else _agent(amount))
    kinds = (calls.AcceptOffer, calls.AcceptOffer, calls.DeclineOffer, calls.NoteActivity)
    kind = (*kinds, calls.CompleteInteraction)[amount % 5]
    return kind(agent=agent, interaction=one.id)


def _presence(world: EngineWorld, pick: int, amount: int) -> Command:
    words = tuple(Availability)
    return people.NotePresence(
        agent=_agent(pick),
        availability=words[amount % len(words)],
        source="graph-subscription",
        at=Instant(world.now - (pick * 7 + amount) % 60 * SECOND),
        sequence=amount,
    )


def _queue_command(world: EngineWorld, pick: int, amount: int) -> Command:
    queue = QUEUES[amount % len(QUEUES)]
    if pick % 4:
        return supervision.OpenQueue(queue=queue)
    action = _ACTIONS[pick % len(_ACTIONS)]
    return supervision.CloseQueue(
        queue=queue, reason="drill", action=action, keeps_waiting=bool(amount % 2)
    )


def _callback(world: EngineWorld, pick: int, amount: int) -> Command | None:
    known = list(world.engine.state.callbacks)
    if amount % 4 == 0:
        return supervision.CancelCallback(callback=known[pick % len(known)]) if known else None
    at = Instant(world.now + amount * SECOND) if amount % 3 == 0 else None
    number = f"+3934411{pick % 6:04}"
    return supervision.BookCallback(queue=QUEUES[pick % 2], number=number, at=at)


def _refer(world: EngineWorld, pick: int, amount: int) -> Command:
    leg = world.leg(pick)
    if amount % 3 == 0:
        return calls.RequestTransfer(leg=leg, target="<sip:somebody>")
    if amount % 3 == 1:
        return calls.ConfirmTransfer(leg=leg)
    return calls.FailTransfer(leg=leg, outcome=ENDS[5])


def _consult(world: EngineWorld, pick: int, amount: int) -> Command | None:
    """Ask a colleague, leave the customer to him, or end it, mostly where that makes sense."""
    state = world.engine.state
    open_ones = [one for one in state.consults.values() if one.interaction in state.interactions]
    if open_ones and amount % 4:
        one = open_ones[pick % len(open_ones)]
        if amount % 4 == 1:
            agent = one.colleague if amount % 8 == 1 and one.colleague else one.agent
            return consults.EndConsult(agent=agent, interaction=one.interaction)
        return consults.CompleteConsult(agent=one.agent, interaction=one.interaction)
    talking = [one for one in state.interactions.values() if one.agent is not None]
    if not talking:
        return None
    about = talking[pick % len(talking)]
    assert about.agent is not None
    is_number = amount % 3 == 0
    return consults.RequestConsult(
        agent=about.agent,
        interaction=about.id,
        colleague=None if is_number else _agent(amount),
        number="+390612345678" if is_number else "",
    )


def _learn(world: EngineWorld, pick: int, amount: int) -> Command:
    return LearnScores(
        queue=QUEUES[2] if pick % 4 else QUEUES[pick % 3],
        scores={_agent(pick): amount, _agent(amount): pick},
        at=Instant(world.now - amount % 5 * SECOND),
        skills={"es": 3} if amount % 2 else {},
        good_for_ms=(amount + 1) * 1000,
    )


def _wish(world: EngineWorld, pick: int, amount: int) -> Command:
    agent = _agent(pick)
    commands: tuple[Command, ...] = (
        people.MakeAgentReady(agent=agent),
        people.MakeAgentReady(agent=agent),
        people.MakeAgentNotReady(agent=agent, reason="break"),
        people.FinishWrapUp(agent=agent),
        people.ExtendWrapUp(agent=agent),
    )
    return commands[amount % len(commands)]


def _configure(world: EngineWorld, pick: int, amount: int) -> Command:
    return ConfigureTenant(configuration=world_company(world.main, is_other=bool(amount % 2)))


STEPS: tuple[Step, ...] = (
    _call,
    _come,
    *[EngineWorld.answer] * 5,
    EngineWorld.bridged,
    EngineWorld.bridged,
    EngineWorld.finish_play,
    EngineWorld.finish_play,
    EngineWorld.press,
    EngineWorld.press,
    lambda world, pick, _: calls.ConfirmRinging(leg=world.leg(pick)),
    EngineWorld.end,
    EngineWorld.end,
    EngineWorld.pass_time,
    EngineWorld.pass_time,
    _wish,
    _wish,
    _wish,
    _work,
    _work,
    _by_hand,
    _callback,
    _presence,
    _refer,
    *[_consult] * 4,
    EngineWorld.store,
    EngineWorld.answer_lookup,
    EngineWorld.confirm_mail,
    _queue_command,
    EngineWorld.reconcile,
    _configure,
    _learn,
)
"""What may happen; frequent things stand here several times."""
