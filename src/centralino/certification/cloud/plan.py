# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of a cloud plan: steps, expectations, and how the file is read.

Everything is data and refused at load time when it names something that is not there. People
are those of the stage: an agent, a supervisor, an employee without a role, an outsider of an
organisation that is not served.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from centralino.certification.cases import CasePlan, read_plan
from centralino.core.kernel.errors import InvalidInput

Person = Literal["agent", "supervisor", "employee", "outsider", ""]
Value = str | int | float | bool | None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """One thing that is done, in order."""

    mark: str = ""
    """Name of the moment at which the step was done, and of what was answered."""


class Token(Step, frozen=True, kw_only=True, tag="token"):
    """Entra hands out a token for the product."""

    name: str
    person: Person = ""
    kind: Literal["teams", "application"] = "teams"
    defect: str = ""
    """What is wrong with it, in the simulator's words."""


class Ask(Step, frozen=True, kw_only=True, tag="ask"):
    """Somebody asks the product's API; ``{agent}`` in a path is the agent's id."""

    path: str
    method: Literal["GET", "POST"] = "GET"
    token: str = ""
    raw_token: str = ""
    body: dict[str, Value] | None = None
    times: int = 1
    until_status: int = 0
    """Ask again until this is answered."""
    within_s: float = 10.0


class Keys(Step, frozen=True, kw_only=True, tag="keys"):
    """Entra changes its keys."""

    action: Literal["rotate", "replace", "withdraw"]


class Fault(Step, frozen=True, kw_only=True, tag="fault"):
    """Something goes wrong at Entra or Graph from now on."""

    at: Literal["entra", "graph"]
    route: str = "*"
    status: int = 503
    retry_after_s: int | None = None


class Mend(Step, frozen=True, kw_only=True, tag="mend"):
    """Nothing goes wrong any more."""


class PresenceStep(Step, frozen=True, kw_only=True, tag="presence"):
    """Somebody sets his presence in Teams by hand; both empty: he takes it back."""

    person: Person
    availability: str
    activity: str


class AwaitNoted(Step, frozen=True, kw_only=True, tag="await-noted"):
    """Wait until the product has noted the presence of an agent."""

    agent: str
    availability: str = ""
    source: str = ""
    within_s: float = 20.0


class AwaitLog(Step, frozen=True, kw_only=True, tag="await-log"):
    """Wait for a line of the product's log since the case began."""

    event: str
    within_s: float = 20.0


class AwaitShown(Step, frozen=True, kw_only=True, tag="await-shown"):
    """Wait until the product tells Teams to show this of somebody."""

    person: Person
    availability: str
    within_s: float = 20.0


class AwaitSubscription(Step, frozen=True, kw_only=True, tag="await-subscription"):
    """Wait until the product has a subscription for presence."""

    within_s: float = 60.0


class AwaitPause(Step, frozen=True, kw_only=True, tag="await-pause"):
    """Wait until a path was not asked for so long.

    Then it is polled slowly, and what is noted soon after has come another way.
    """

    to: Literal["entra", "graph"]
    path: str
    for_s: float
    within_s: float = 60.0


class Observe(Step, frozen=True, kw_only=True, tag="observe"):
    """Let time pass in which something must not happen."""

    for_s: float


class Deliver(Step, frozen=True, kw_only=True, tag="deliver"):
    """Somebody posts to the product's webhook."""

    kind: Literal["forged", "stranger", "stranger-validation", "nonsense", "oversized", "many"]
    person: Person = "agent"
    availability: str = "Offline"


class Shuffle(Step, frozen=True, kw_only=True, tag="shuffle"):
    """Graph delivers notifications twice and out of order from now on."""


class MuteSubscriptions(Step, frozen=True, kw_only=True, tag="mute-subscriptions"):
    """Subscriptions stay valid and are never notified from now on."""


class Kill(Step, frozen=True, kw_only=True, tag="kill"):
    """A process of the product is killed with SIGKILL."""

    process: Literal["edge", "exchange"]


AnyStep = (
    Token
    | Ask
    | Keys
    | Fault
    | Mend
    | PresenceStep
    | AwaitNoted
    | AwaitLog
    | AwaitShown
    | AwaitSubscription
    | AwaitPause
    | Observe
    | Deliver
    | Shuffle
    | MuteSubscriptions
    | Kill
)


class Expected(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="check"
):
    """Something that must be true."""

    text: str


class Answered(Expected, frozen=True, kw_only=True, tag="answered"):
    """A question was answered with a status."""

    mark: str
    status: int


class Refused(Expected, frozen=True, kw_only=True, tag="refused"):
    """A question was answered with 401 or 403."""

    mark: str


class Same(Expected, frozen=True, kw_only=True, tag="same"):
    """Answers cannot be told apart: same status, same words."""

    marks: tuple[str, ...]


class Noted(Expected, frozen=True, kw_only=True, tag="noted"):
    """The presence of an agent was noted."""

    agent: str
    availability: str = ""
    activity: str = ""
    source: str = ""


class NotNoted(Expected, frozen=True, kw_only=True, tag="not-noted"):
    """Nothing was noted between two moments."""

    since: str
    until: str
    source: str = ""


class LastNoted(Expected, frozen=True, kw_only=True, tag="last-noted"):
    """What was noted last of an agent."""

    agent: str
    availability: str


class Requests(Expected, frozen=True, kw_only=True, tag="requests"):
    """How often Entra or Graph was asked; ``begin`` is the case's, empty the product's."""

    to: Literal["entra", "graph"]
    path: str
    since: str = "begin"
    until: str = ""
    at_least: int = 0
    at_most: int | None = None


class Moments(Expected, frozen=True, kw_only=True, tag="moments"):
    """Two moments are so far apart at most."""

    since: str
    until: str
    at_most_s: float


class Logged(Expected, frozen=True, kw_only=True, tag="logged"):
    """The product has logged something with these texts."""

    event: str
    has: tuple[str, ...] = ()


AnyExpected = Answered | Refused | Same | Noted | NotNoted | LastNoted | Requests | Moments | Logged


class CloudCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case."""

    id: str
    title: str
    purpose: str
    source: str
    is_fresh: bool = False
    """The product starts within the case."""
    steps: tuple[AnyStep, ...]
    expectations: tuple[AnyExpected, ...]

    def __post_init__(self) -> None:
        """Refuse names that are not there.

        Raises:
            InvalidInput: says which.
        """
        marks = {step.mark for step in self.steps} | {"", "begin"}
        tokens = {step.name for step in self.steps if isinstance(step, Token)} | {""}
        for step in self.steps:
            if isinstance(step, Ask) and step.token not in tokens:
                raise InvalidInput(f"{self.id}: there is no token {step.token}")
        for item in self.expectations:
            named = [getattr(item, name, "") for name in ("mark", "since", "until")]
            for mark in (*named, *getattr(item, "marks", ())):
                if mark not in marks:
                    raise InvalidInput(f"{self.id}: there is no mark {mark}")


class CloudPlan(CasePlan[CloudCase], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan of a model whose calls live in Microsoft's cloud."""


def load_cloud_plan(model: str) -> CloudPlan:
    """Read the plan of a model.

    Raises:
        InvalidInput: there is none, or it breaks the vocabulary.
    """
    return read_plan(model, CloudPlan)
