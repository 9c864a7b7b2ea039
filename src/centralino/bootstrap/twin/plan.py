# SPDX-License-Identifier: Apache-2.0
"""What a twin's document means: numbers of the run, and the configuration of the engine.

Everything is seconds and ratios here; the engine counts nanoseconds from :data:`DAWN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.bootstrap.twin.document import (
    DEFAULT_SIGMA,
    HandlePart,
    TwinAgents,
    TwinFile,
    TwinQueue,
    minutes_of_day,
)
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.configuration import (
    AgentConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.matching.policy import QueueMatching, Terms
from centralino.core.staffing.plan import goal_of, length_s, share

if TYPE_CHECKING:
    from centralino.bootstrap.twin.recorded import Recording

TENANT = TenantId("twin")
TRUNK = TrunkId("twin")
DAWN = Instant(1_700_000_000 * SECOND)
"""When the first interval of every twin begins."""
MANY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Patience:
    """One kind of customers."""

    share: float
    mean_s: float


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """A queue and its customers."""

    id: QueueId
    calls: tuple[float, ...]
    """Expected in each interval."""
    handle_s: float
    sigma: float
    is_exponential: bool
    wrap_up_s: float
    patience: tuple[Patience, ...]
    """Empty: nobody gives up."""
    retry_ratio: float
    retry_after_s: float
    threshold_s: float
    goal_ratio: float
    ring_s: float


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Agents who are alike."""

    name: str
    agents: tuple[AgentId, ...]
    queues: tuple[QueueId, ...]
    begin_s: float
    """Since the day's start; 0 when they are there already."""
    end_s: float
    """``inf`` stays to the end."""
    answer_s: float
    miss_ratio: float


@dataclass(frozen=True, slots=True)
class TwinPlan:
    """All that a run needs."""

    name: str
    scenario: str
    start_minute: int
    interval_s: float
    interval_count: int
    queues: tuple[QueuePlan, ...]
    groups: tuple[GroupPlan, ...]
    configuration: TenantConfiguration
    recording: Recording | None = None

    @property
    def length_s(self) -> float:
        """From the first interval's start to the last one's end; calls come in this time."""
        return self.interval_s * self.interval_count


def plan_of(file: TwinFile, scenario: str = "", recording: Recording | None = None) -> TwinPlan:
    """Return what a document means.

    Raises:
        InvalidInput: recorded calls are for a queue that the document has not.
    """
    interval_s = length_s(file.interval, "interval")
    start = minutes_of_day(file.start, "start")
    count = max(len(queue.calls) for queue in file.queues)
    if recording is not None:
        known = {queue.id for queue in file.queues}
        for name in recording.queue_names:
            if name not in known:
                raise InvalidInput(f"the recording has calls for {name}, the twin has not")
        count = max(1, int(-(-recording.length_s // interval_s)))
    groups = _groups(file, start)
    return TwinPlan(
        name=file.twin,
        scenario=scenario,
        start_minute=start,
        interval_s=interval_s,
        interval_count=count,
        queues=tuple(_queue(queue, recording) for queue in file.queues),
        groups=groups,
        configuration=_configuration(file, groups),
        recording=recording,
    )


def _queue(queue: TwinQueue, recording: Recording | None) -> QueuePlan:
    handle = queue.handle if isinstance(queue.handle, HandlePart) else None
    goal = goal_of(queue.target)
    patience = queue.patience
    seen_s = recording and recording.patience_s.get(queue.id)
    if patience is None:
        kinds: tuple[Patience, ...] = (Patience(1.0, seen_s),) if seen_s else ()
    elif isinstance(patience, tuple):
        kinds = tuple(
            Patience(share(one.share, "share"), length_s(one.mean, "mean")) for one in patience
        )
    else:
        kinds = (Patience(1.0, length_s(patience, "patience")),)
    mean = handle.mean if handle is not None else queue.handle
    assert not isinstance(mean, HandlePart)  # noqa: S101 - it has been opened
    return QueuePlan(
        id=QueueId(queue.id),
        calls=queue.calls,
        handle_s=length_s(mean, "handle"),
        sigma=DEFAULT_SIGMA if handle is None else handle.sigma,
        is_exponential=handle is not None and handle.law == "exponential",
        wrap_up_s=length_s(queue.wrap_up, "wrap_up"),
        patience=kinds,
        retry_ratio=0.0 if queue.retry is None else share(queue.retry.share, "share"),
        retry_after_s=0.0 if queue.retry is None else length_s(queue.retry.after, "after"),
        threshold_s=goal.threshold_s,
        goal_ratio=goal.level_ratio,
        ring_s=length_s(queue.ring, "ring"),
    )


def _groups(file: TwinFile, start: int) -> tuple[GroupPlan, ...]:
    return tuple(_group(group, number, start) for number, group in enumerate(file.agents))


def _group(group: TwinAgents, number: int, start: int) -> GroupPlan:
    begin = start if group.begin is None else minutes_of_day(group.begin, "begin")
    end = None if group.end is None else minutes_of_day(group.end, "end")
    return GroupPlan(
        name=group.name or f"group {number}",
        agents=tuple(AgentId(f"agent-{number}-{one}") for one in range(group.count)),
        queues=tuple(QueueId(name) for name in group.queues),
        begin_s=60.0 * max(0, begin - start),
        end_s=float("inf") if end is None else 60.0 * max(0, end - start),
        answer_s=length_s(group.answer, "answer"),
        miss_ratio=share(group.misses, "misses"),
    )


def _configuration(file: TwinFile, groups: tuple[GroupPlan, ...]) -> TenantConfiguration:
    """Return the engine's configuration: the document's queues and agents, nothing else."""
    members: dict[str, list[AgentId]] = {queue.id: [] for queue in file.queues}
    agents = []
    for part, group in zip(file.agents, groups, strict=True):
        for name in group.queues:
            members[name].extend(group.agents)
        agents += [
            AgentConfiguration(
                id=agent,
                name=agent,
                trunk=TRUNK,
                target="",
                skills=dict(part.skills),
                is_ready_at_start=group.begin_s <= 0.0 < group.end_s,
                queues={QueueId(name): Terms(rank=rank) for name, rank in part.ranks.items()},
            )
            for agent in group.agents
        ]
    queues = [
        QueueConfiguration(
            id=QueueId(queue.id),
            name=queue.id,
            agents=tuple(members[queue.id]),
            music=(),
            priority=queue.priority,
            ring_for_ms=round(1000 * length_s(queue.ring, "ring")),
            wrap_up_for_ms=round(1000 * length_s(queue.wrap_up, "wrap_up")),
            is_recorded=False,
            skills=dict(queue.skills),
            most_waiting=queue.most_waiting,
            matching=QueueMatching(strategy=queue.strategy),
        )
        for queue in file.queues
    ]
    return TenantConfiguration(
        tenant=TENANT,
        name=file.twin,
        numbers=(),
        flows=(),
        queues=tuple(queues),
        agents=tuple(agents),
        most_interactions=file.most_at_once or MANY,
    )
