# SPDX-License-Identifier: Apache-2.0
"""The lifecycle tables are sound, and what they do not list is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from centralino.wire.sip import (
    client_invite,
    client_request,
    dialog_state,
    refer_notifier,
    refer_watcher,
    server_invite,
    server_request,
    session_state,
)
from centralino.wire.sip.client import _DO as CLIENT_DOES
from centralino.wire.sip.client_action import Action as ClientAction
from centralino.wire.sip.lifecycle import IllegalTransition, Step, step
from centralino.wire.sip.server import _DO as SERVER_DOES
from centralino.wire.sip.server_action import Action as ServerAction

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.unit

MACHINES = [
    client_invite,
    client_request,
    server_invite,
    server_request,
    dialog_state,
    session_state,
    refer_notifier,
    refer_watcher,
]
EACH = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.NAME)

Table = Mapping[tuple[StrEnum, StrEnum], Step[StrEnum, StrEnum]]


def reachable(table: Table, start: StrEnum) -> set[StrEnum]:
    """Return the states one can get to."""
    found = {start}
    while True:
        more = {row.state for (state, _), row in table.items() if state in found} - found
        if not more:
            return found
        found |= more


@EACH
def test_every_state_can_be_reached(machine: ModuleType) -> None:
    assert reachable(machine.TABLE, machine.INITIAL) == set(machine.State)


@EACH
def test_every_state_leads_to_an_end(machine: ModuleType) -> None:
    for state in machine.State:
        assert reachable(machine.TABLE, state) & machine.TERMINAL


@EACH
def test_the_end_is_final(machine: ModuleType) -> None:
    assert not [row for row in machine.TABLE if row[0] in machine.TERMINAL]


@EACH
def test_every_event_has_a_row(machine: ModuleType) -> None:
    assert {event for _, event in machine.TABLE} == set(machine.Event)


@EACH
def test_what_is_not_listed_is_refused(machine: ModuleType) -> None:
    for state in machine.State:
        for event in machine.Event:
            if (state, event) in machine.TABLE:
                assert step(machine.TABLE, machine.NAME, state, event).state in machine.State
                continue
            with pytest.raises(IllegalTransition) as caught:
                step(machine.TABLE, machine.NAME, state, event)
            assert (caught.value.machine, caught.value.state) == (machine.NAME, state)


def test_every_action_of_the_transactions_is_carried_out() -> None:
    assert set(CLIENT_DOES) == set(ClientAction)
    assert set(SERVER_DOES) == set(ServerAction)
