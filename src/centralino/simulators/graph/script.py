# SPDX-License-Identifier: Apache-2.0
"""What scripted people do by themselves: a table from the step's word to what it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.simulators.graph.errors import GraphError
from centralino.simulators.graph.presence import Pair

if TYPE_CHECKING:
    from centralino.simulators.graph.presence import PresenceSources
    from centralino.simulators.graph.scenario import Step
    from centralino.simulators.graph.tenant import SimulatedTenant


def act(tenant: SimulatedTenant, user_id: str, step: Step, now: int) -> None:
    """Let somebody do one thing."""
    if step.do == "call":
        _call(tenant, user_id, step.who, now)
    elif step.do == "hang-up":
        tenant.phones.hang_up_all(user_id, now)
    else:
        _CHANGES[step.do](tenant.board.sources(user_id), step, now)
    tenant.board.changed(user_id, now)


def _call(tenant: SimulatedTenant, user_id: str, other: str, now: int) -> None:
    try:
        tenant.phones.ring(user_id, other, now)
    except GraphError:
        # Scripts do not know who is busy with another call; then there is none.
        return


def _client(sources: PresenceSources, step: Step, now: int) -> None:
    del now
    match step.do:
        case "sign-out":
            sources.client = "signed-out"
        case "idle" | "away":
            sources.client = step.do
        case _:
            sources.client = "active"


def _present(sources: PresenceSources, step: Step, now: int) -> None:
    del now
    sources.presents = step.do == "present"


def _prefer(sources: PresenceSources, step: Step, now: int) -> None:
    sources.prefer(Pair(step.availability, step.activity or step.availability), None, now)


def _clear_preferred(sources: PresenceSources, step: Step, now: int) -> None:
    del step, now
    sources.preferred = None


def _out_of_office(sources: PresenceSources, step: Step, now: int) -> None:
    del now
    sources.out_of_office_message = step.text if step.do == "out-of-office" else None


def _status(sources: PresenceSources, step: Step, now: int) -> None:
    del now
    content = {"content": step.text, "contentType": "text"}
    sources.status_message = {"message": content} if step.text else None
    sources.status_expires_at = None


_CHANGES: dict[str, Callable[[PresenceSources, Step, int], None]] = {
    "sign-in": _client,
    "sign-out": _client,
    "active": _client,
    "idle": _client,
    "away": _client,
    "present": _present,
    "stop-presenting": _present,
    "prefer": _prefer,
    "clear-preferred": _clear_preferred,
    "out-of-office": _out_of_office,
    "back": _out_of_office,
    "status": _status,
}
