# SPDX-License-Identifier: Apache-2.0
"""Why an interaction is where it is: per agent the rule against it, per queue what is next.

Computed from a state and an instant when somebody asks; nothing of it is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import AgentId, InteractionId, QueueId
from centralino.core.kernel.instant import MILLISECOND, Instant, to_iso
from centralino.core.routing.explain_rules import Finding, Moment, Rule, held_for, judge
from centralino.core.routing.matching.choosing import is_held_out
from centralino.core.routing.matching.policy import HELPER_RANK, Sharing, Strategy
from centralino.core.routing.matching.signature_name import scored_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from centralino.core.interactions.state import Consult, Interaction
    from centralino.core.routing.matching.match import Waiting
    from centralino.core.routing.state import TenantState

MOST_QUEUES = 40
"""Queues that are looked at beside the interaction's own, those with the longest waits first."""
MOST_EARLIER = 200
"""Waits that come before one for an agent and are looked at, at most."""


@dataclass(frozen=True, slots=True)
class AgentFinding:
    """One agent, and the first rule that excluded him."""

    agent: AgentId
    rule: Rule
    text: str
    """In words, for a person."""
    until: Instant | None
    """When the rule ends by itself if nothing else changes."""
    takes_first: InteractionId | None = None
    """He may take it, and something else comes before it for him."""


@dataclass(frozen=True, slots=True)
class QueueFinding:
    """One queue: who is next, and why he waits."""

    queue: QueueId
    waiting: int
    next: InteractionId
    waits_since: Instant
    why: dict[str, int]
    """Rule to how many of the agents it could ever come to it excludes."""
    changes_at: Instant | None
    """The first instant at which one of those rules ends by itself."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is predicted of agents for a wait, and whether that chooses."""

    signature: str
    """What the scores are for; the queue's where there are none for just such waits."""
    is_held_out: bool
    """The one idle longest is asked all the same, to compare with."""
    source: str
    learned_at: Instant | None
    """``None`` when nothing is known: then the one idle longest is asked."""
    until: Instant | None
    """When they are too old."""
    scores: dict[AgentId, int]
    """Of the agents named in ``agents``."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an interaction is where it is at an instant."""

    interaction: InteractionId
    at: Instant
    sequence: int
    """Of the last decision before."""
    state: str
    text: str
    """In one sentence, for a person."""
    queue: QueueId | None
    channel: str
    priority: int
    waits_since: Instant | None
    ahead: int | None
    """Who is before it in its queue; ``None`` when it does not wait."""
    agent: AgentId | None
    """Who has it, or is being offered it."""
    asked: tuple[AgentId, ...]
    """Everybody who is being offered it."""
    agents: tuple[AgentFinding, ...]
    """Those it could ever come to, in the order of their names."""
    others: int
    """Agents of the tenant it could never come to."""
    queues: tuple[QueueFinding, ...]
    prediction: Prediction | None = None
    """``None`` where the queue does not choose by prediction, or nobody is looked for."""


def explain(state: TenantState, interaction: InteractionId, now: Instant) -> Explanation:
    """Return why an interaction is where it is.

    Raises:
        NotFound: it is not there at that instant.
    """
    found = state.interactions.get(interaction)
    if found is None or state.configuration is None:
        raise NotFound(
            f"there is no interaction {interaction} at {to_iso(now)}: it came later or had ended"
        )
    waits: list[Waiting] = [one for one in state.interactions.values() if _waits(one)]
    moment = Moment.of(state, waits, now)
    agents: tuple[AgentFinding, ...] = ()
    if found.queue is not None and found.state in _ASKABLE:
        agents = tuple(_agents(moment, found, waits))
    asked = tuple(o.agent for o in state.offers.values() if o.interaction == interaction)
    return Explanation(
        interaction=interaction,
        at=now,
        sequence=state.sequence,
        state=found.state.value,
        text=_sentence(found, agents, asked, _consult(state, found)),
        queue=found.queue,
        channel=found.channel.value,
        priority=found.priority,
        waits_since=found.enqueued_at,
        ahead=_ahead(moment, found, waits),
        agent=found.agent,
        asked=asked,
        agents=agents,
        others=len(state.agents) - len(agents) if agents else 0,
        queues=tuple(_queues(moment, found, waits)),
        prediction=_prediction(moment, found, agents),
    )


_ASKABLE = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})


def _consult(state: TenantState, interaction: Interaction) -> Consult | None:
    return None if interaction.consult is None else state.consults[interaction.consult]


def _waits(interaction: Interaction) -> bool:
    return interaction.state is InteractionState.QUEUED and interaction.queue is not None


# ----------------------------------------------------------------------------------- agents
def _agents(moment: Moment, wait: Interaction, waits: Sequence[Waiting]) -> Iterable[AgentFinding]:
    for name in sorted(set(ever_asked(moment, wait))):
        agent = moment.state.agents.get(name)
        if agent is None:
            continue
        finding, first = judge(moment, agent, wait), None
        if _offers(moment, name, wait.id):
            finding = Finding(Rule.BUSY, "he is being asked whether he takes this", agent.deadline)
        elif finding.rule is Rule.ELIGIBLE and _waits(wait):
            first = first_before(moment, name, wait, waits)
            if first is not None:
                finding = Finding(Rule.ELIGIBLE, f"he gets {first} before")
        yield AgentFinding(name, finding.rule, finding.text, finding.until, first)


def _offers(moment: Moment, name: AgentId, interaction: InteractionId) -> bool:
    offers = moment.state.offers.values()
    return any(o.agent == name and o.interaction == interaction for o in offers)


def ever_asked(moment: Moment, wait: Waiting) -> Iterable[AgentId]:
    """Yield the agents a wait may come to at some age, if they had what it asks for."""
    queue = moment.queues[wait.queue or QueueId("")]
    yield from queue.agents
    yield from queue.matching.experts
    for step in queue.matching.relaxation:
        for other in step.queues:
            yield from moment.members[other]
    for rule in queue.matching.borrowing:
        for other in rule.queues:
            yield from moment.members[other]
    if wait.wish is not None:
        yield from (name for name in wait.wish.agents if name in moment.people)


def first_before(
    moment: Moment, name: AgentId, wait: Waiting, waits: Sequence[Waiting]
) -> InteractionId | None:
    """Return what an agent gets before a wait that he may take, ``None`` when it is his first."""
    agent = moment.state.agents[name]
    mine = _order_for(moment, name, wait)
    earlier = (other for other in waits if _order_for(moment, name, other) < mine)
    for other in sorted(earlier, key=lambda one: _order_for(moment, name, one))[:MOST_EARLIER]:
        if judge(moment, agent, other).rule is Rule.ELIGIBLE:
            return other.id
    return None


def _order_for(
    moment: Moment, name: AgentId, wait: Waiting
) -> tuple[int, int, tuple[Fraction, int, int, str]]:
    """Return what orders waits for one agent: rank, share of the queue, order of waits."""
    return (_rank(moment, name, wait), -_excess(moment, wait), order_of(moment, wait))


def _excess(moment: Moment, wait: Waiting) -> int:
    """Return how far a queue is above its share of all who wait, where that decides."""
    if moment.configuration.sharing is not Sharing.RATIO:
        return 0
    shares = {queue.id: queue.matching.share for queue in moment.configuration.queues}
    queue = wait.queue or QueueId("")
    total = sum(moment.waiting.values())
    return moment.waiting[queue] * sum(shares.values()) - shares[queue] * total


def _rank(moment: Moment, name: AgentId, wait: Waiting) -> int:
    if held_for(moment, wait):
        return 0
    queue = wait.queue or QueueId("")
    if name not in moment.members[queue]:
        return HELPER_RANK
    terms = moment.people[name].queues.get(queue)
    return terms.rank if terms is not None else 1


def order_of(moment: Moment, wait: Waiting) -> tuple[Fraction, int, int, str]:
    """Return what orders those who wait: smaller is first."""
    ageing_ms = moment.queues[wait.queue or QueueId("")].matching.ageing_ms
    since = wait.enqueued_at or 0
    points = Fraction(wait.priority)
    if ageing_ms:
        worth = Fraction(10**9 // ageing_ms, 10**9)
        points -= worth * (moment.now // MILLISECOND - since // MILLISECOND)
    return (points, since, wait.number, wait.id)


def _prediction(
    moment: Moment, wait: Interaction, agents: tuple[AgentFinding, ...]
) -> Prediction | None:
    queue = moment.queues.get(wait.queue) if wait.queue is not None else None
    if queue is None or not agents or queue.matching.strategy is not Strategy.PREDICTED:
        return None
    asked = dict(queue.skills)
    for skill, level in wait.skills.items():
        asked[skill] = max(level, asked.get(skill, 0))
    known = moment.state.memory.scores
    name = scored_name(known, queue, asked)
    found = known[name] if name is not None else None
    return Prediction(
        signature=name or queue.id,
        is_held_out=is_held_out(wait.id, queue.matching.hold_out_percent),
        source=found.source if found else "",
        learned_at=found.learned_at if found else None,
        until=found.until if found else None,
        scores={one.agent: found.scores.get(one.agent, 0) for one in agents} if found else {},
    )


def _ahead(moment: Moment, wait: Interaction, waits: Sequence[Waiting]) -> int | None:
    if not _waits(wait):
        return None
    mine = order_of(moment, wait)
    return sum(1 for one in waits if one.queue == wait.queue and order_of(moment, one) < mine)


# ----------------------------------------------------------------------------------- queues
def _queues(moment: Moment, about: Interaction, waits: Sequence[Waiting]) -> Iterable[QueueFinding]:
    heads: dict[QueueId, Waiting] = {}
    for wait in waits:
        queue = wait.queue or QueueId("")
        head = heads.get(queue)
        if head is None or order_of(moment, wait) < order_of(moment, head):
            heads[queue] = wait
    names = sorted(heads, key=lambda queue: (queue != about.queue, heads[queue].enqueued_at or 0))
    for name in names[:MOST_QUEUES]:
        yield _queue_finding(moment, name, heads[name])


def _queue_finding(moment: Moment, queue: QueueId, head: Waiting) -> QueueFinding:
    why: Counter[str] = Counter()
    ends: list[Instant] = []
    for name in sorted(set(ever_asked(moment, head))):
        agent = moment.state.agents.get(name)
        if agent is not None:
            finding = judge(moment, agent, head)
            why[finding.rule.value] += 1
            if finding.until is not None:
                ends.append(finding.until)
    return QueueFinding(
        queue=queue,
        waiting=moment.waiting[queue],
        next=head.id,
        waits_since=Instant(head.enqueued_at or 0),
        why=dict(why.most_common()),
        changes_at=min(ends, default=None),
    )


def _sentence(
    interaction: Interaction,
    agents: tuple[AgentFinding, ...],
    asked: tuple[AgentId, ...],
    consult: Consult | None,
) -> str:
    match interaction.state:
        case InteractionState.QUEUED:
            free = [one for one in agents if one.rule is Rule.ELIGIBLE]
            if any(one.takes_first is None for one in free):
                return "It is about to be offered."
            if free:
                return "Every agent who may take it takes something else first."
            return f"It waits in {interaction.queue}: no agent may take it now."
        case InteractionState.OFFERED:
            return f"It is being offered to {', '.join(asked) or interaction.agent}."
        case InteractionState.CONNECTED:
            if consult is None:
                return f"{interaction.agent} has it."
            is_talking = consult.state is ConsultState.TALKING
            whom = consult.colleague or consult.number
            asks = f"asks {whom}" if is_talking else f"is calling {whom} to ask"
            return f"{interaction.agent} has it and {asks}; the customer hears music."
        case InteractionState.WRAP_UP:
            return f"Its customer has gone; {interaction.agent} wraps up."
        case _:
            return f"It does not wait for an agent: {interaction.state.value}."
