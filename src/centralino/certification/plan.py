# SPDX-License-Identifier: Apache-2.0
"""The plan: cases, their steps, and how a plan file is read.

A case says what it is for, what is set up (``stage``), what is done (``steps``) and what
must then be true (``expectations``). Everything is data and refused at load time when it
names something that is not there. Lengths named ``within_real_s`` hold without ``--fast``,
where the product keeps its usual timers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from centralino.certification.cases import CasePlan, read_plan
from centralino.certification.expectations import Expectation
from centralino.certification.stage import Certificate, Stage, Value
from centralino.core.kernel.errors import InvalidInput

Profile = Literal["direct", "behind-sbc"]
"""``direct``: the product faces the SIP proxies itself; ``behind-sbc``: a border controller
that passes messages on stands between."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """One thing that is done, in order."""

    mark: str = ""
    """Name of the moment at which the step was done."""


class Timed(Step, frozen=True, kw_only=True):
    """A step that waits."""

    within_s: float = 10.0
    within_real_s: float = 0.0
    """Without ``--fast``; 0: the same."""

    def limit_s(self, *, is_fast: bool) -> float:
        """Return the longest wait, seconds."""
        return self.within_s if is_fast else self.within_real_s or self.within_s


class Call(Step, frozen=True, kw_only=True, tag="call"):
    """A caller of the carrier calls the case's number."""

    caller: str


class Dial(Step, frozen=True, kw_only=True, tag="dial"):
    """A Teams user calls the case's number."""

    user: str
    keys: str = ""
    keys_after_ms: int = 500
    talk_for_ms: int = 2000


class Await(Timed, frozen=True, kw_only=True, tag="await"):
    """Wait for a line of the far side's report that was written since the case began."""

    what: str
    fields: dict[str, Value] = {}
    user: str = ""
    caller: str = ""


class AwaitLog(Timed, frozen=True, kw_only=True, tag="await-log"):
    """Wait for a line that the product logs after the last change of certificates or faults."""

    event: str
    fields: dict[str, Value] = {}


class AwaitService(Timed, frozen=True, kw_only=True, tag="await-service"):
    """Wait until every proxy has answered OPTIONS since the last change and the trunk is active."""


class AwaitClosed(Timed, frozen=True, kw_only=True, tag="await-closed"):
    """Wait until the product closes the connection of a probe that is kept."""

    probe: str


class Observe(Step, frozen=True, kw_only=True, tag="observe"):
    """Let time pass in which something must not happen, or happen often enough."""

    for_s: float
    for_real_s: float = 0.0


class FaultStep(Step, frozen=True, kw_only=True, tag="fault"):
    """Something goes wrong at the proxies from now on."""

    when: Literal["invite", "options"]
    act: Literal["respond", "drop", "late-answer"]
    status: int = 503
    retry_after_s: int | None = None
    proxy: int = 0
    """1 to 3; 0: at all of them."""


class Mend(Step, frozen=True, kw_only=True, tag="mend"):
    """Nothing goes wrong any more."""


class CertificateStep(Step, frozen=True, kw_only=True, tag="certificate"):
    """The product's certificate files become others."""

    kind: Certificate


class Proxies(Step, frozen=True, kw_only=True, tag="proxies"):
    """The proxies come back with another certificate."""

    certificate: Certificate


class Style(Step, frozen=True, kw_only=True, tag="style"):
    """How the far side describes its media from now on; what is left out is as usual."""

    teams: tuple[str, ...] = ("PCMA", "PCMU")
    carrier: tuple[str, ...] = ("PCMA", "PCMU")
    events: int = 101
    is_plain: bool = False


class ProbeStep(Step, frozen=True, kw_only=True, tag="probe"):
    """A connection of our own, to say one thing that the simulators never would."""

    name: str
    certificate: Certificate
    address: str = "127.0.0.2"
    """Loopback address it comes from."""
    target: Literal["product", "proxies"] = "product"
    send: Literal["", "INVITE", "BYE"] = ""
    user: str = ""
    """Whose dialog a BYE belongs to."""
    contact: str = ""
    offer: tuple[str, ...] = ("8 PCMA/8000", "0 PCMU/8000", "101 telephone-event/8000")
    is_plain: bool = False
    keep: bool = False


AnyStep = (
    Call
    | Dial
    | Await
    | AwaitLog
    | AwaitService
    | AwaitClosed
    | Observe
    | FaultStep
    | Mend
    | CertificateStep
    | Proxies
    | Style
    | ProbeStep
)


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case of a plan."""

    id: str
    title: str
    purpose: str
    source: str
    """Titles of Microsoft's documents, sections of RFCs."""
    profiles: tuple[Profile, ...] = ("direct", "behind-sbc")
    is_long: bool = False
    """Left out under ``--fast``: its time cannot be shortened."""
    is_fresh: bool = False
    """The product starts within the case."""
    stage: Stage = Stage()
    steps: tuple[AnyStep, ...]
    expectations: tuple[Expectation, ...]

    def __post_init__(self) -> None:
        """Refuse names that the stage does not have.

        Raises:
            InvalidInput: says which.
        """
        users = {user.name for user in self.stage.users} | {""}
        callers = {caller.name for caller in self.stage.callers} | {""}
        for part in (*self.steps, *self.expectations):
            for field, known in (("user", users), ("caller", callers)):
                name = getattr(part, field, "")
                if name not in known:
                    raise InvalidInput(f"{self.id}: there is no {field} {name}")


class Plan(CasePlan[Case], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan of a model that carries calls itself."""


def load_plan(model: str) -> Plan:
    """Read the plan of a model.

    Raises:
        InvalidInput: there is none, or it breaks the vocabulary.
    """
    return read_plan(model, Plan)
