# SPDX-License-Identifier: Apache-2.0
"""A recorded day beside the same day under another configuration, call by call and in sum.

A *wait* is from the arrival until somebody talks to the customer, or until he is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.kernel.instant import MILLISECOND, Instant
from centralino.exchange.counterfactual import run_against
from centralino.exchange.recorded_people import read_people
from centralino.exchange.replay import read_events
from centralino.exchange.summary import CallStory, read_stories

if TYPE_CHECKING:
    from centralino.core.kernel.ids import LegId, TenantId
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.exchange.ports import JournalReadPort

UNKNOWN = {
    "talk": "nobody talked to him in the record: how long he would have talked is assumed",
    "patience": "he would have waited longer than he had to: he might have hung up",
    "agent": "this agent was not offered him: whether and when he would have answered is assumed",
    "keys": "he would have heard a menu that he never heard: he is taken to press nothing",
    "party": "somebody would have been rung who was not: he is taken not to answer",
    "lookup": "a web service would have been asked what it was not: it is taken not to answer",
}
"""What cannot be known of people, and what is assumed instead."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a call."""

    queue: str
    agent: str
    result: str
    """``answered``, ``transferred``, ``abandoned``, ``voicemail``, or the reason of its end."""
    waited_ms: int
    talked_ms: int


@dataclass(frozen=True, slots=True)
class CallChange:
    """One call, as it was and as it would have been."""

    leg: LegId
    arrived_at: Instant
    called_number: str
    was: Fate
    would_be: Fate | None
    """``None`` when it would not have come in."""
    unknown: tuple[str, ...]
    """What of it nobody can know, in the words of ``UNKNOWN``."""


@dataclass(frozen=True, slots=True)
class Sum:
    """The figures of one queue, or of all calls under an empty name."""

    queue: str
    calls: int
    answered: int
    abandoned: int
    waited_ms: int
    """Mean."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What another configuration would have changed."""

    tenant: TenantId
    calls: int
    changed: tuple[CallChange, ...]
    was: tuple[Sum, ...]
    would_be: tuple[Sum, ...]
    certain: int
    """Calls of which nothing had to be assumed."""
    assumptions: dict[str, int]
    """What had to be assumed, with the number of calls."""
    unapplied: dict[str, int]
    """Inputs of the record that make no sense under the other configuration, by kind."""
    skipped: dict[str, int]
    """Inputs that belong to the recorded run itself, by kind: later configurations among them."""


def compare(
    journal: JournalReadPort, tenant: TenantId, configuration: TenantConfiguration
) -> Comparison:
    """Return what would have changed under another configuration.

    Raises:
        StorageError: the journal cannot be read.
        AppError: this release cannot decide the journal again, or the configuration is wrong.
    """
    events = read_events(journal, tenant)
    people = read_people(journal, tenant)
    start = events[0][0] if events else Instant(0)
    other = run_against(people, tenant, configuration, start)
    recorded = [story for story in read_stories(events) if not story.is_callback]
    changed = []
    for story in recorded:
        would_be = other.stories.get(story.leg)
        was, then = _fate(story), None if would_be is None else _fate(would_be)
        if was != then:
            unknown = other.unknown.get(story.leg, ())
            changed.append(
                CallChange(story.leg, story.arrived_at, story.called_number, was, then, unknown)
            )
    ours = [story for story in other.stories.values() if not story.is_callback]
    assumptions = [what for found in other.unknown.values() for what in found]
    return Comparison(
        tenant=tenant,
        calls=len(recorded),
        changed=tuple(changed),
        was=_sums(recorded),
        would_be=_sums(ours),
        certain=len(recorded) - sum(1 for story in recorded if other.unknown.get(story.leg)),
        assumptions={what: assumptions.count(what) for what in UNKNOWN if what in assumptions},
        unapplied=dict(other.unapplied),
        skipped={kind: count for kind, count in people.skipped.items() if kind != "tick"},
    )


def _fate(story: CallStory) -> Fate:
    talking_at = story.answered_at or story.transferred_at
    gone_at = story.released_at or story.ended_at
    waited = (talking_at or gone_at or story.arrived_at) - story.arrived_at
    talked = gone_at - talking_at if talking_at and gone_at else 0
    return Fate(
        queue=story.queue,
        agent=str(story.agent or ""),
        result=_result(story),
        waited_ms=waited // MILLISECOND,
        talked_ms=talked // MILLISECOND,
    )


def _result(story: CallStory) -> str:
    if story.agent is not None:
        return "answered"
    if story.transferred_at is not None:
        return "transferred"
    if story.voicemails:
        return "voicemail"
    return "open" if story.outcome is None else str(story.outcome.reason)


def _sums(stories: Sequence[CallStory]) -> tuple[Sum, ...]:
    queues = sorted({story.queue for story in stories if story.queue})
    of_queues = (_sum(name, (s for s in stories if s.queue == name)) for name in queues)
    return (_sum("", stories), *of_queues)


def _sum(queue: str, stories: Iterable[CallStory]) -> Sum:
    fates = [_fate(story) for story in stories]
    waited = sum(fate.waited_ms for fate in fates) // max(1, len(fates))
    results = [fate.result for fate in fates]
    return Sum(queue, len(fates), results.count("answered"), results.count("abandoned"), waited)
