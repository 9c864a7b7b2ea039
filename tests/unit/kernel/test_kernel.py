# SPDX-License-Identifier: Apache-2.0
"""The shared ground: the error tree as drawn, lifecycles that refuse, ids that repeat."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from centralino.core.kernel import errors
from centralino.core.kernel.errors import AppError, Bug, ConfigError, IllegalTransition, RemoteError
from centralino.core.kernel.instant import Instant, after, between, milliseconds, seconds, to_iso
from centralino.core.kernel.lifecycle import Lifecycle
from centralino.core.kernel.outcome import CANCELLED, COMPLETED, INTERNAL_ERROR, OutcomeReason

pytestmark = pytest.mark.unit


def drawn_tree() -> dict[str, str]:
    """Read the drawing in the module's docstring: class name to its parent."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )?(\w+)$", line)
        if match is None:
            continue
        depth = len(match.group(1)) // 4 + (1 if "──" in line else 0)
        path[depth:] = [match.group(2)]
        if depth:
            parents[match.group(2)] = path[depth - 1]
    return parents


def real_tree() -> dict[str, str]:
    """Read the classes themselves."""
    found: dict[str, str] = {}
    pending: list[type[AppError]] = [AppError]
    while pending:
        parent = pending.pop()
        for child in parent.__subclasses__():
            if child.__module__ == errors.__name__:
                found[child.__name__] = parent.__name__
                pending.append(child)
    return found


def test_the_drawing_of_the_error_tree_is_true() -> None:
    assert drawn_tree() == real_tree()


def test_every_error_has_a_code_of_its_own_and_a_sentence() -> None:
    classes = [getattr(errors, name) for name in real_tree()]
    codes = [cls.code for cls in classes]
    assert len(set(codes)) == len(codes)
    assert all(cls.__doc__ for cls in classes)


def test_an_error_without_words_says_what_its_class_says() -> None:
    assert errors.NotFound().message == "There is no such thing."


def test_a_remote_error_names_service_and_operation() -> None:
    error = RemoteError("trunk", "invite", retry_after_s=2.0)
    assert (error.message, error.details["retry_after_s"]) == ("trunk: invite failed", 2.0)


def test_a_configuration_error_says_where_and_how_to_mend_it() -> None:
    assert (
        ConfigError("voice.tls", "no file", "name one").message == "voice.tls: no file (name one)"
    )


class State(StrEnum):
    NEW = "new"
    BUSY = "busy"
    DONE = "done"


class Event(StrEnum):
    START = "start"
    END = "end"


TABLE = {(State.NEW, Event.START): State.BUSY, (State.BUSY, Event.END): State.DONE}


def lifecycle(table: dict[tuple[State, Event], State]) -> Lifecycle[State, Event]:
    return Lifecycle("job", State.NEW, frozenset({State.DONE}), table)


def test_a_lifecycle_follows_its_table_and_refuses_the_rest() -> None:
    job = lifecycle(TABLE)
    assert job.next(State.NEW, Event.START) is State.BUSY
    assert not job.allows(State.NEW, Event.END)
    with pytest.raises(IllegalTransition, match="job: no transition from new on end"):
        job.next(State.NEW, Event.END)


def test_a_step_of_a_lifecycle_follows_the_same_table() -> None:
    end = lifecycle(TABLE).step(Event.END)
    assert dict(end) == {State.BUSY: State.DONE}
    assert end[State.BUSY] is State.DONE
    with pytest.raises(IllegalTransition, match="job: no transition from new on end"):
        end[State.NEW]


def test_a_terminal_state_is_never_left() -> None:
    with pytest.raises(Bug, match="terminal state done"):
        lifecycle({**TABLE, (State.DONE, Event.START): State.NEW})


def test_a_state_nobody_reaches_is_a_mistake() -> None:
    with pytest.raises(Bug, match="busy cannot be reached"):
        lifecycle({(State.BUSY, Event.END): State.DONE})


def test_instants_and_durations_are_exact() -> None:
    start = Instant(10)
    assert between(start, after(start, milliseconds(20))) == 20_000_000
    assert seconds(0.0000000015) == 2
    assert to_iso(Instant(-1)) == "1969-12-31T23:59:59.999Z"


def test_an_outcome_reads_as_result_and_reason() -> None:
    assert (str(COMPLETED), str(INTERNAL_ERROR)) == (
        "success/completed",
        "server-error/internal-error",
    )
    assert CANCELLED.is_success
    assert not INTERNAL_ERROR.is_success
    assert all(reason == reason.lower() for reason in OutcomeReason)
