# SPDX-License-Identifier: Apache-2.0
"""A tenant as people write it, in one YAML document: numbers, people, queues, hours, prompts.

Every contradiction is named with its path and line, all of them at once. Flows are files of
their own in the directory that ``flows`` names; they are judged against this document.
Lengths of time are seconds here, because people write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec

from centralino.core.calendars.calendar import Calendar
from centralino.core.flows.document import Flow, Language, Person
from centralino.core.flows.nodes import Name, Priority, PromptName, Target
from centralino.core.flows.reading import Path, Problem, Reading, convert, read_tree
from centralino.core.flows.surroundings import Line, Surroundings
from centralino.core.interactions.ownership import Ownership
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    PhoneConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.matching.policy import Sharing
from centralino.exchange.tenant_matching import (
    CapacityPart,
    Known,
    MatchingPart,
    Share,
    TermsPart,
    capacity_of,
    contradictions,
    matching_of,
    terms_of,
)
from centralino.exchange.tenant_queue_parts import (
    CallbacksPart,
    LimitPart,
    RefusalsPart,
    WrapUpPart,
    callbacks_of,
    clips,
    limit_of,
    refusals_of,
    unknown_names,
    wrap_up_of,
)

if TYPE_CHECKING:
    from centralino.core.flows.reading import Marks

Level = Annotated[int, msgspec.Meta(ge=1, le=10)]
Number = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{3,14}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share."""


class NumberPart(_Part, frozen=True, kw_only=True):
    """A number that customers call."""

    number: Number
    flow: Name
    language: Language | None = None
    model: str = "connect"
    profile: str = "behind-sbc"


class QueuePart(_Part, frozen=True, kw_only=True):
    """A place to wait; its agents are those who name it."""

    id: Name
    name: Text
    music: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1)] = ("music",)
    priority: Priority = 5
    skills: dict[Name, Level] = {}
    ring_for_s: Annotated[int, msgspec.Meta(ge=5, le=180)] = 20
    wrap_up_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 15
    most_waiting: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    recorded: bool = True
    wrap_up: WrapUpPart = WrapUpPart()
    whisper: tuple[PromptName, ...] = ()
    """What an agent hears before he is connected."""
    limits: Annotated[tuple[LimitPart, ...], msgspec.Meta(max_length=32)] = ()
    callbacks: CallbacksPart | None = None
    """Left out, customers are called back where calls can go outside."""
    resume_place_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    """So long a caller who gave up waiting has his place when he calls again."""
    first_reply_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    """Work without a telephone returns to the queue without a reply; 0 never."""
    idle_s: Annotated[int, msgspec.Meta(ge=0, le=172_800)] = 0
    """It returns without another sign of work; 0 never."""
    language: Language | None = None
    """Of the prompts that are played by the queue itself; none when left out."""
    matching: MatchingPart = MatchingPart()
    """How it finds agents."""


class AgentPart(_Part, frozen=True, kw_only=True):
    """A person who takes interactions."""

    id: Name
    name: Text
    number: Number
    """Of the Teams user, as Direct Routing reaches him."""
    user: Annotated[str, msgspec.Meta(max_length=256)] = ""
    """User principal name."""
    queues: tuple[Name, ...] = ()
    skills: dict[Name, Level] = {}
    ready_at_start: bool = True
    attributes: dict[Name, bool | int | Text] = {}
    """What else requirements may ask for: texts, whole numbers, yes or no."""
    capacity: CapacityPart = CapacityPart()
    terms: dict[Name, TermsPart] = {}
    """What differs from the usual between him and queues of his."""
    expert: bool = False
    """No agent by trade: asked last, and only when his presence allows it."""
    pool: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """For keeping pools of agents idle in proportion."""


class PhonePart(_Part, frozen=True, kw_only=True):
    """A Teams user who is no agent and whom flows may call."""

    user: Annotated[str, msgspec.Meta(min_length=3, max_length=256)]
    number: Number


class TrunksPart(_Part, frozen=True, kw_only=True):
    """Which trunks of the settings the tenant uses."""

    teams: Name
    """Where people are reached."""
    outside: Name | None = None
    """Where transfers to other numbers go; without it they fail."""
    outside_caller: Number | None = None
    """Number shown there; the caller's own when left out."""


class PausesPart(_Part, frozen=True, kw_only=True):
    """How long an agent is left alone after an offer that led to nothing."""

    missed_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 30
    """After one he missed or declined."""
    unreachable_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 10
    """After one that did not reach his telephone."""
    causes: RefusalsPart = RefusalsPart()
    """More precisely, per cause."""


class TenantFile(_Part, frozen=True, kw_only=True):
    """The whole document."""

    tenant: Name
    name: Text
    trunks: TrunksPart
    numbers: Annotated[tuple[NumberPart, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    queues: Annotated[tuple[QueuePart, ...], msgspec.Meta(max_length=1000)] = ()
    agents: Annotated[tuple[AgentPart, ...], msgspec.Meta(max_length=10_000)] = ()
    phones: Annotated[tuple[PhonePart, ...], msgspec.Meta(max_length=10_000)] = ()
    skills: tuple[Name, ...] = ()
    voicemail_boxes: tuple[Name, ...] = ()
    secrets: tuple[Name, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    prompts: dict[PromptName, tuple[Language, ...]] = {}
    """Prompt to the languages it is recorded in; none for one without language. Those that come
    with the product need not be listed."""
    directory: tuple[Person, ...] = ()
    operator: Target | None = None
    flows: str = "flows"
    """Directory of the flows, beside this file."""
    pauses: PausesPart = PausesPart()
    sharing: Sharing = Sharing.ORDER
    """Which of the queues of one rank an agent takes from."""
    pools: dict[Name, Share] = {}
    """Pool to its share of all who are idle."""
    transfer_music: tuple[PromptName, ...] = ("music",)


def read_tenant_file(text: str) -> Reading[TenantFile]:
    """Read a tenant; everything that contradicts itself is a problem with its line."""
    reading = convert(read_tree(text), TenantFile)
    if reading.document is None:
        return reading
    found = sorted(_contradictions(reading.document, reading.marks))
    return Reading(None if found else reading.document, reading.marks, tuple(found))


def surroundings_of(
    file: TenantFile, product_prompts: Mapping[str, tuple[str, ...]]
) -> Surroundings:
    """Return what flows of a tenant may name."""
    return Surroundings(
        queues=tuple(queue.id for queue in file.queues),
        skills=file.skills,
        agents=tuple(agent.id for agent in file.agents),
        voicemail_boxes=file.voicemail_boxes,
        secrets=file.secrets,
        prompts={**product_prompts, **file.prompts},
        calendars=file.calendars,
        directory=file.directory,
        operator=file.operator,
        numbers=tuple(
            Line(number=one.number, flow=one.flow, model=one.model, profile=one.profile)
            for one in file.numbers
        ),
    )


def to_configuration(
    file: TenantFile, flows: Mapping[str, Flow], product_prompts: Mapping[str, tuple[str, ...]]
) -> TenantConfiguration:
    """Return what a tenant's engine is given."""
    teams = TrunkId(file.trunks.teams)
    surroundings = surroundings_of(file, product_prompts)
    return TenantConfiguration(
        tenant=TenantId(file.tenant),
        name=file.name,
        numbers=tuple(
            NumberConfiguration(number=one.number, flow=one.flow, language=one.language or "")
            for one in file.numbers
        ),
        flows=(),
        queues=tuple(_queue(file, queue) for queue in file.queues),
        agents=tuple(
            AgentConfiguration(
                id=AgentId(one.id),
                name=one.name,
                trunk=teams,
                target=one.number,
                is_ready_at_start=one.ready_at_start,
                user=one.user,
                skills=one.skills,
                attributes=one.attributes,
                capacity=capacity_of(one.capacity),
                queues={QueueId(queue): terms_of(part) for queue, part in one.terms.items()},
                is_expert=one.expert,
                pool=one.pool,
            )
            for one in file.agents
        ),
        missed_pause_ms=file.pauses.missed_s * 1000,
        failed_pause_ms=file.pauses.unreachable_s * 1000,
        refusals=refusals_of(file.pauses.causes),
        catalogue=surroundings.catalogue(tuple(flows[name] for name in sorted(flows))),
        phones=tuple(
            PhoneConfiguration(user=one.user, trunk=teams, target=one.number) for one in file.phones
        ),
        outside_trunk=TrunkId(file.trunks.outside or ""),
        outside_caller=file.trunks.outside_caller,
        transfer_music=file.transfer_music,
        sharing=file.sharing,
        pool_shares={**file.pools},
        is_applied=True,
    )


def _queue(file: TenantFile, part: QueuePart) -> QueueConfiguration:
    language = part.language or ""
    return QueueConfiguration(
        id=QueueId(part.id),
        name=part.name,
        agents=tuple(AgentId(agent.id) for agent in file.agents if part.id in agent.queues),
        music=part.music,
        priority=part.priority,
        ring_for_ms=part.ring_for_s * 1000,
        wrap_up_for_ms=part.wrap_up_s * 1000,
        is_recorded=part.recorded,
        skills=part.skills,
        most_waiting=part.most_waiting,
        wrap_up=wrap_up_of(part.wrap_up),
        whisper=clips(part.whisper, language),
        limits=tuple(limit_of(one, language) for one in part.limits),
        callbacks=callbacks_of(
            part.callbacks, has_way_out=file.trunks.outside is not None, language=language
        ),
        ownership=Ownership(first_reply_ms=part.first_reply_s * 1000, idle_ms=part.idle_s * 1000),
        resume_place_for_ms=part.resume_place_s * 1000,
        matching=matching_of(part.matching),
    )


def _contradictions(file: TenantFile, marks: Marks) -> Iterator[Problem]:
    for path, reason in (*_repeated(file), *_of_agents(file), *_of_queues(file)):
        yield Problem(marks.line(*path), "", f"{'.'.join(path)}: {reason}")


def _repeated(file: TenantFile) -> Iterator[tuple[Path, str]]:
    lists: dict[str, tuple[str, ...]] = {
        "numbers": tuple(one.number for one in file.numbers),
        "queues": tuple(one.id for one in file.queues),
        "agents": tuple(one.id for one in file.agents),
        "phones": tuple(one.user.lower() for one in file.phones),
        "calendars": tuple(one.name for one in file.calendars),
    }
    for part, names in lists.items():
        seen: set[str] = set()
        for at, name in enumerate(names):
            if name in seen:
                yield (part, str(at)), f"{name} is there twice"
            seen.add(name)


def _of_agents(file: TenantFile) -> Iterator[tuple[Path, str]]:
    queues = {queue.id for queue in file.queues}
    numbers: dict[str, str] = {}
    for at, agent in enumerate(file.agents):
        holder = numbers.setdefault(agent.number, agent.id)
        if holder != agent.id:
            yield ("agents", str(at), "number"), f"{holder} has this number already"
        for n, queue in enumerate(agent.queues):
            if queue not in queues:
                yield ("agents", str(at), "queues", str(n)), f"there is no queue {queue}"
        for skill in agent.skills:
            if skill not in file.skills:
                yield ("agents", str(at), "skills", skill), f"there is no skill {skill}"
        for queue in agent.terms:
            if queue not in agent.queues:
                yield ("agents", str(at), "terms", queue), f"he is not of the queue {queue}"
        if agent.pool and agent.pool not in file.pools:
            yield ("agents", str(at), "pool"), f"there is no pool {agent.pool}"


def _of_queues(file: TenantFile) -> Iterator[tuple[Path, str]]:
    for at, queue in enumerate(file.queues):
        for skill, level in queue.skills.items():
            path = ("queues", str(at), "skills", skill)
            if skill not in file.skills:
                yield path, f"there is no skill {skill}"
            elif not _has_anybody(file, queue, skill, level):
                yield path, f"nobody of this queue has {skill} at level {level}"
        names = frozenset(one.id for one in file.queues)
        calendars = frozenset(one.name for one in file.calendars)
        found = unknown_names(queue.limits, queue.callbacks, queues=names, calendars=calendars)
        for place, reason in (*found, *_of_matching(file, queue)):
            yield ("queues", str(at), *place), reason


def _of_matching(file: TenantFile, queue: QueuePart) -> Iterator[tuple[Path, str]]:
    found = contradictions(
        queue.matching,
        queue.id,
        Known(
            queues=frozenset(one.id for one in file.queues),
            skills=frozenset(file.skills),
            attributes=frozenset(name for one in file.agents for name in one.attributes),
            experts=frozenset(one.id for one in file.agents if one.expert),
        ),
    )
    for path, reason in found:
        yield ("matching", *path), reason


def _has_anybody(file: TenantFile, queue: QueuePart, skill: str, level: int) -> bool:
    return any(
        agent.skills.get(skill, 0) >= level for agent in file.agents if queue.id in agent.queues
    )
