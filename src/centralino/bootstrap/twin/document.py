# SPDX-License-Identifier: Apache-2.0
"""A twin as people write it: the calls of a day, the people who take them, and what-ifs.

Everything that contradicts itself is named with its line, all of it at once. Lengths are
``30s``, ``4m``, ``1h`` or plain seconds, shares ``30 %`` or 0.3, times of day ``"08:30"``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec

from centralino.core.flows.nodes import Name, Priority
from centralino.core.flows.reading import Marks, Problem, Reading, Tree, convert, read_tree
from centralino.core.kernel.errors import InvalidInput
from centralino.core.routing.matching.policy import Strategy
from centralino.core.staffing.plan import goal_of, length_s, share

MOST_CALLS = 5_000_000
"""Of one day; more would not fit into memory."""
MOST_AGENTS = 20_000
DEFAULT_SIGMA = 0.7
"""Spread of the length of conversations where none is given."""
_TIME = re.compile(r"^([01][0-9]|2[0-4]):([0-5][0-9])$")
Length = str | float
Share = str | float


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share."""


class HandlePart(_Part, frozen=True, kw_only=True):
    """How long a conversation takes."""

    mean: Length
    sigma: Annotated[float, msgspec.Meta(ge=0, le=3)] = DEFAULT_SIGMA
    """Of its logarithm; 0 makes all equally long."""
    law: Annotated[str, msgspec.Meta(pattern="^(lognormal|exponential)$")] = "lognormal"


class PatiencePart(_Part, frozen=True, kw_only=True):
    """One kind of customers, by their patience."""

    share: Share
    mean: Length


class RetryPart(_Part, frozen=True, kw_only=True):
    """Of those who gave up or found the queue full, how many call again, and when."""

    share: Share
    after: Length
    """On average."""


class TwinQueue(_Part, frozen=True, kw_only=True):
    """A queue and its customers."""

    id: Name
    calls: Annotated[
        tuple[Annotated[float, msgspec.Meta(ge=0)], ...], msgspec.Meta(max_length=3000)
    ] = ()
    """Expected in each interval; those of a recording when left out."""
    handle: Length | HandlePart = "4m"
    wrap_up: Length = 0
    patience: Length | tuple[PatiencePart, ...] | None = None
    """Nobody gives up when left out."""
    retry: RetryPart | None = None
    target: str = "80/20"
    priority: Priority = 5
    skills: dict[Name, Annotated[int, msgspec.Meta(ge=1, le=10)]] = {}
    most_waiting: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    ring: Length = 20
    strategy: Strategy = Strategy.LONGEST_IDLE
    """Which of the agents who may take a call gets it."""


class TwinAgents(_Part, frozen=True, kw_only=True):
    """People who are alike."""

    count: Annotated[int, msgspec.Meta(ge=0, le=MOST_AGENTS)]
    queues: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    name: Annotated[str, msgspec.Meta(max_length=60)] = ""
    skills: dict[Name, Annotated[int, msgspec.Meta(ge=1, le=10)]] = {}
    ranks: dict[Name, Annotated[int, msgspec.Meta(ge=1, le=99)]] = {}
    """Queue to rank, 1 when left out: nothing is taken of a larger one while a smaller waits."""
    begin: str | None = None
    """Time of day; the whole day when left out."""
    end: str | None = None
    answer: Length = 0
    """Until the phone is answered, on average; 0 is at once."""
    misses: Share = 0.0
    """Of the offers, those that are not answered at all."""


class Scenario(_Part, frozen=True, kw_only=True):
    """A what-if: other values at some places of the document."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    change: dict[str, Any]
    """Place, such as ``agents.0.count`` or ``queues.sales.handle``, to value."""


class RecordedPart(_Part, frozen=True, kw_only=True):
    """Calls that came, instead of drawn ones."""

    file: str
    """Beside this file: a table with the columns ``at``, ``queue``, perhaps ``handle`` and
    ``patience``, or the journal of a tenant."""
    tenant: str = ""
    """Whose calls of a journal; the only one when left out."""


class TwinFile(_Part, frozen=True, kw_only=True):
    """The whole document."""

    twin: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    start: str = "08:00"
    interval: Length = "30m"
    queues: Annotated[tuple[TwinQueue, ...], msgspec.Meta(min_length=1, max_length=1000)]
    agents: Annotated[tuple[TwinAgents, ...], msgspec.Meta(max_length=5000)]
    most_at_once: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Customers of all queues together, those who talk among them; more are turned away."""
    recorded: RecordedPart | None = None
    scenarios: Annotated[tuple[Scenario, ...], msgspec.Meta(max_length=20)] = ()


def read_twin(text: str) -> Reading[TwinFile]:
    """Read a twin and judge it and every scenario of it."""
    tree = read_tree(text)
    reading = convert(tree, TwinFile)
    if reading.document is None:
        return reading
    found = sorted(_problems(reading.document, reading.marks))
    if not found:
        for number, scenario in enumerate(reading.document.scenarios):
            line = reading.marks.line("scenarios", str(number))
            found += [Problem(line, "", reason) for reason in _scenario_problems(tree, scenario)]
    return Reading(None if found else reading.document, reading.marks, tuple(found))


def with_scenario(file: TwinFile, scenario: Scenario) -> TwinFile:
    """Return the document as a scenario changes it.

    Raises:
        InvalidInput: a place is not there, or a value does not fit.
    """
    tree = Tree(value=msgspec.json.decode(msgspec.json.encode(file)))
    return _changed(tree, scenario)


def minutes_of_day(text: str, path: str) -> int:
    """Return minutes since midnight.

    >>> minutes_of_day("08:30", "start")
    510

    Raises:
        InvalidInput: it is no time of day.
    """
    found = _TIME.match(text)
    if found is None:
        raise InvalidInput(f'{path}: {text!r} is no time of day; write "08:30"')
    return 60 * int(found[1]) + int(found[2])


def _scenario_problems(tree: Tree, scenario: Scenario) -> Iterator[str]:
    try:
        _changed(tree, scenario)
    except InvalidInput as error:
        yield f"scenario {scenario.name}: {error.message}"


def _changed(tree: Tree, scenario: Scenario) -> TwinFile:
    value = copy.deepcopy(tree.value)
    for place, wanted in scenario.change.items():
        _put(value, place, wanted)
    value.pop("scenarios", None)
    reading = convert(Tree(value=value), TwinFile)
    problems = list(reading.problems)
    if reading.document is not None:
        problems = list(_problems(reading.document, Marks()))
        if not problems:
            return reading.document
    raise InvalidInput("; ".join(problem.reason for problem in problems))


def _put(value: Any, place: str, wanted: object) -> None:  # noqa: ANN401 - a plain tree
    """Put a value at a place; items of lists are named by number or by their ``id``."""
    steps = place.split(".")
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        key: str | int = step
        if isinstance(value, list):
            named = [n for n, one in enumerate(value) if isinstance(one, dict) and _is(one, step)]
            key = named[0] if named else int(step) if step.isdigit() else -1
            if not 0 <= key < len(value):
                raise InvalidInput(f"{place}: there is no {step}")
        elif not isinstance(value, dict) or (not is_last and step not in value):
            raise InvalidInput(f"{place}: there is no {step}")
        if is_last:
            value[key] = wanted
        else:
            value = value[key]


def _is(one: dict[str, object], name: str) -> bool:
    return name in {one.get("id"), one.get("name")}


def _problems(file: TwinFile, marks: Marks) -> Iterator[Problem]:
    """Yield what the types of the document do not say."""
    yield from _tried(marks, ("start",), minutes_of_day, file.start, "start")
    yield from _tried(marks, ("interval",), _more_than_nothing, file.interval, "interval")
    known: dict[str, int] = {}
    for number, queue in enumerate(file.queues):
        place = ("queues", str(number))
        if queue.id in known:
            yield Problem(marks.line(*place), "", f"the queue {queue.id} is there twice")
        known[queue.id] = number
        yield from _queue_problems(file, queue, marks, place)
    lengths = {len(queue.calls) for queue in file.queues if queue.calls}
    if len(lengths) > 1:
        yield Problem(marks.line("queues"), "", "the queues have not equally many intervals")
    if not lengths and file.recorded is None:
        yield Problem(marks.line("queues"), "", "nobody calls: give calls, or a recording")
    total = sum(sum(queue.calls) for queue in file.queues)
    if total > MOST_CALLS:
        yield Problem(marks.line("queues"), "", f"{total:.0f} calls are more than {MOST_CALLS}")
    if sum(group.count for group in file.agents) > MOST_AGENTS:
        yield Problem(marks.line("agents"), "", f"there are more than {MOST_AGENTS} agents")
    for number, group in enumerate(file.agents):
        yield from _agent_problems(group, known, marks, ("agents", str(number)))
    yield from _twice(marks, [scenario.name for scenario in file.scenarios])


def _twice(marks: Marks, names: list[str]) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name in names[:number]:
            line = marks.line("scenarios", str(number))
            yield Problem(line, "", f"the scenario {name} is there twice")


def _queue_problems(
    file: TwinFile, queue: TwinQueue, marks: Marks, place: tuple[str, ...]
) -> Iterator[Problem]:
    mean = queue.handle.mean if isinstance(queue.handle, HandlePart) else queue.handle
    yield from _tried(marks, (*place, "handle"), _more_than_nothing, mean, "handle")
    yield from _tried(marks, (*place, "wrap_up"), length_s, queue.wrap_up, "wrap_up")
    yield from _tried(marks, (*place, "ring"), _more_than_nothing, queue.ring, "ring")
    yield from _tried(marks, (*place, "target"), goal_of, queue.target)
    for kind in queue.patience if isinstance(queue.patience, tuple) else ():
        yield from _tried(marks, (*place, "patience"), share, kind.share, "share")
        yield from _tried(marks, (*place, "patience"), _more_than_nothing, kind.mean, "mean")
    if isinstance(queue.patience, tuple):
        yield from _tried(marks, (*place, "patience"), _require_whole, queue.patience)
    elif queue.patience is not None:
        yield from _tried(marks, (*place, "patience"), _more_than_nothing, queue.patience, "mean")
    if queue.retry is not None:
        yield from _tried(marks, (*place, "retry"), share, queue.retry.share, "share")
        yield from _tried(marks, (*place, "retry"), length_s, queue.retry.after, "after")
    if queue.calls and file.recorded is not None:
        yield Problem(marks.line(*place, "calls"), "", "calls are drawn or recorded, not both")


def _agent_problems(
    group: TwinAgents, queues: dict[str, int], marks: Marks, place: tuple[str, ...]
) -> Iterator[Problem]:
    for name in group.queues:
        if name not in queues:
            yield Problem(marks.line(*place, "queues"), "", f"there is no queue {name}")
    for name in group.ranks:
        if name not in group.queues:
            yield Problem(marks.line(*place, "ranks"), "", f"{name} is none of their queues")
    if len(set(group.queues)) != len(group.queues):
        yield Problem(marks.line(*place, "queues"), "", "a queue is there twice")
    for name, text in (("begin", group.begin), ("end", group.end)):
        if text is not None:
            yield from _tried(marks, (*place, name), minutes_of_day, text, name)
    yield from _tried(marks, (*place, "answer"), length_s, group.answer, "answer")
    yield from _tried(marks, (*place, "misses"), share, group.misses, "misses")


def _tried(
    marks: Marks, place: tuple[str, ...], call: Callable[..., object], *values: object
) -> Iterator[Problem]:
    try:
        call(*values)
    except InvalidInput as error:
        yield Problem(marks.line(*place), "", error.message)


def _more_than_nothing(value: Length, path: str) -> float:
    found = length_s(value, path)
    if found <= 0:
        raise InvalidInput(f"{path}: it must last longer than 0")
    return found


def _require_whole(kinds: tuple[PatiencePart, ...]) -> None:
    total = sum(share(kind.share, "share") for kind in kinds)
    if not kinds or abs(total - 1.0) > 1e-6:
        raise InvalidInput(f"patience: the shares sum up to {100 * total:g} %, not 100 %")
