# SPDX-License-Identifier: Apache-2.0
"""What the plans of all models share: cases in a file, chosen by id, done in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from centralino.core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from centralino.certification.result import CaseResult


class NamedCase(Protocol):
    """Any case of a plan."""

    @property
    def id(self) -> str:
        """Its id, unique within the plan."""
        ...


class ReadPlan(Protocol):
    """Any plan, as it is read."""

    @property
    def cases(self) -> Sequence[NamedCase]:
        """Its cases, in order."""
        ...


C = TypeVar("C", bound=NamedCase)
P = TypeVar("P", bound=ReadPlan)


class CasePlan(msgspec.Struct, Generic[C], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan of a model."""

    model: str
    cases: tuple[C, ...]

    def select(self, ids: tuple[str, ...]) -> tuple[C, ...]:
        """Return the cases with these ids, in the plan's order; all when none is named.

        Raises:
            InvalidInput: an id that is not in the plan.
        """
        known = {case.id for case in self.cases}
        unknown = sorted(set(ids) - known)
        if unknown:
            names = ", ".join(case.id for case in self.cases)
            raise InvalidInput(f"there is no case {unknown[0]}; there are {names}")
        return tuple(case for case in self.cases if not ids or case.id in ids)


def read_plan(model: str, kind: type[P]) -> P:
    """Read the plan of a model.

    Raises:
        InvalidInput: there is none, or it breaks the vocabulary.
    """
    file = resources.files("centralino.certification") / "plans" / f"{model}.yaml"
    try:
        plan = msgspec.yaml.decode(file.read_bytes(), type=kind)
    except OSError as error:
        raise InvalidInput(f"there is no certification plan for {model}") from error
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"the plan for {model}: {error}") from error
    ids = [case.id for case in plan.cases]
    if len(set(ids)) != len(ids):
        raise InvalidInput(f"the plan for {model} has a case twice")
    return plan


@dataclass(slots=True)
class Progress(Generic[C]):
    """Who is told how far a run is; every part may be left out."""

    on_begin: Callable[[C], None] = lambda case: None
    on_end: Callable[[CaseResult], None] = lambda result: None


async def run_in_order(
    cases: Sequence[C],
    run_case: Callable[[C], Awaitable[CaseResult]],
    progress: Progress[C],
) -> list[CaseResult]:
    """Run cases one after the other and tell how far it is."""
    results = []
    for case in cases:
        progress.on_begin(case)
        result = await run_case(case)
        progress.on_end(result)
        results.append(result)
    return results
