# SPDX-License-Identifier: Apache-2.0
"""The sum of a person's presence sources, by Microsoft's order, at every instant."""

from __future__ import annotations

import pytest

from centralino.simulators.graph.errors import GraphError
from centralino.simulators.graph.instants import DAY_NS, HOUR_NS, MINUTE_NS, NS_PER_S
from centralino.simulators.graph.presence import (
    AVAILABLE,
    AWAY,
    IN_A_CALL,
    IN_A_CONFERENCE,
    IN_A_MEETING,
    OFFLINE,
    PRESENTING,
    Appointment,
    Pair,
    PresenceRules,
    PresenceSources,
    application_pair,
)
from centralino.simulators.graph.presence_board import Lag, PresenceBoard

pytestmark = pytest.mark.unit

RULES = PresenceRules()
BUSY = Pair("Busy", "Busy")
DND = Pair("DoNotDisturb", "DoNotDisturb")
APPS = {"presenting": PRESENTING, "call": IN_A_CALL, "available": AVAILABLE, "away": AWAY}


def signed_in() -> PresenceSources:
    return PresenceSources(client="active")


@pytest.mark.parametrize(
    ("among", "shown"),
    [
        (("presenting", "call", "available", "away"), PRESENTING),
        (("call", "available", "away"), IN_A_CALL),
        (("available", "away"), AVAILABLE),
        (("away",), AWAY),
        ((), OFFLINE),
    ],
)
def test_among_applications_the_strongest_is_shown(among: tuple[str, ...], shown: Pair) -> None:
    sources = PresenceSources()
    for app in among:
        sources.set_session(app, APPS[app], HOUR_NS, 0)
    assert sources.aggregate(MINUTE_NS, RULES) == shown


@pytest.mark.parametrize("chosen", [AVAILABLE, BUSY, DND, AWAY, Pair("Offline", "OffWork")])
def test_what_a_person_chose_beats_applications_calls_and_meetings(chosen: Pair) -> None:
    sources = signed_in()
    sources.set_session("app", PRESENTING, HOUR_NS, 0)
    sources.calls["c"] = 2
    sources.appointments = (Appointment(0, HOUR_NS),)
    sources.prefer(chosen, None, 0)
    assert sources.aggregate(1, RULES) == chosen


def test_a_choice_counts_only_while_a_session_is_there() -> None:
    sources = PresenceSources()
    sources.prefer(AVAILABLE, None, 0)
    assert sources.aggregate(1, RULES) == OFFLINE
    sources.set_session("app", AWAY, HOUR_NS, 0)
    assert sources.aggregate(1, RULES) == AVAILABLE


def test_calls_may_be_made_to_beat_a_choice() -> None:
    sources = signed_in()
    sources.calls["c"] = 2
    sources.prefer(AVAILABLE, None, 0)
    assert sources.aggregate(1, PresenceRules(preferred_beats_calls=False)) == IN_A_CALL


def test_calls_and_meetings_show_as_busy() -> None:
    sources = signed_in()
    sources.appointments = (Appointment(0, HOUR_NS),)
    assert sources.aggregate(1, RULES) == IN_A_MEETING
    sources.calls["c"] = 2
    assert sources.aggregate(1, RULES) == IN_A_CALL
    sources.calls["c"] = 3
    assert sources.aggregate(1, RULES) == IN_A_CONFERENCE
    assert sources.aggregate(HOUR_NS, RULES) == IN_A_CONFERENCE


def test_an_applications_available_fades_twice_and_ends_offline() -> None:
    sources = PresenceSources()
    sources.set_session("app", AVAILABLE, HOUR_NS, 0)
    seen = []
    now: int | None = 0
    while now is not None:
        seen.append((now // MINUTE_NS, sources.aggregate(now, RULES).activity))
        now = sources.next_change(now)
    assert seen == [(0, "Available"), (5, "AvailableInactive"), (10, "Away"), (60, "Offline")]


@pytest.mark.parametrize("length", [5 * MINUTE_NS, HOUR_NS, 4 * HOUR_NS])
def test_a_session_lasts_from_five_minutes_to_four_hours(length: int) -> None:
    sources = PresenceSources()
    sources.set_session("app", AWAY, length, 0)
    assert sources.next_change(0) == length


@pytest.mark.parametrize("length", [5 * MINUTE_NS - 1, 4 * HOUR_NS + 1, -HOUR_NS])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(GraphError, match="PT5M and PT4H"):
        PresenceSources().set_session("app", AWAY, length, 0)


def test_a_session_lasts_five_minutes_when_nothing_is_said() -> None:
    sources = PresenceSources()
    sources.set_session("app", AWAY, None, 0)
    assert sources.next_change(0) == 5 * MINUTE_NS


LIFETIMES = [(BUSY, 1), (DND, 1), (AVAILABLE, 7), (AWAY, 7), (Pair("Offline", "OffWork"), 7)]


@pytest.mark.parametrize(("pair", "days"), LIFETIMES)
def test_a_choice_lasts_a_day_or_a_week(pair: Pair, days: int) -> None:
    sources = signed_in()
    sources.prefer(pair, None, 0)
    assert sources.next_change(0) == days * DAY_NS


@pytest.mark.parametrize("pair", [Pair("Busy", "Away"), Pair("Lunch", "Lunch"), Pair("Busy", "")])
def test_pairs_that_nobody_can_set_are_refused(pair: Pair) -> None:
    with pytest.raises(GraphError, match="not a pair"):
        application_pair(pair.availability, pair.activity, RULES)
    with pytest.raises(GraphError, match="not a preferred presence"):
        signed_in().prefer(pair, None, 0)


def test_out_of_office_shows_when_somebody_is_away() -> None:
    sources = signed_in()
    sources.out_of_office_message = "Back on Monday."
    assert sources.aggregate(0, RULES) == AVAILABLE
    sources.client = "signed-out"
    assert sources.aggregate(0, RULES) == Pair("Offline", "OutOfOffice")
    assert sources.is_out_of_office(0)


def board_of(*people: str, lag: Lag) -> PresenceBoard:
    board = PresenceBoard("seed", lag, RULES)
    for person in people:
        board.add(person, signed_in(), 0)
    return board


def test_a_fact_is_seen_after_its_lag_and_never_out_of_order() -> None:
    board = board_of("anna", lag=Lag(mean_ms=4000))
    for second in range(40):
        board.advance(second * NS_PER_S)
        sources = board.sources("anna")
        sources.client = "away" if second % 2 == 0 else "active"
        board.changed("anna", second * NS_PER_S)
    shown = board.advance(200 * NS_PER_S)
    lags = [one.at - one.changed_at for one in shown]
    assert max(lags) <= 60 * NS_PER_S
    assert len({*lags}) > 3
    assert [one.changed_at for one in shown] == sorted(one.changed_at for one in shown)
    assert board.shown("anna") == board.fact("anna") == AVAILABLE


def test_lags_do_not_depend_on_who_else_changes() -> None:
    def instants(*others: str) -> list[int]:
        board = board_of("anna", *others, lag=Lag())
        for person in (*others, "anna"):
            board.sources(person).client = "away"
            board.changed(person, NS_PER_S)
        return [one.at for one in board.advance(100 * NS_PER_S) if one.user_id == "anna"]

    assert instants() == instants("bruno", "carla")


def test_the_board_wakes_for_expiry_by_itself() -> None:
    board = board_of("anna", lag=Lag(mean_ms=0))
    board.sources("anna").client = "signed-out"
    board.sources("anna").set_session("app", AVAILABLE, 20 * MINUTE_NS, 0)
    board.changed("anna", 0)
    seen = []
    while (due := board.next_deadline()) is not None:
        seen += [(one.at // MINUTE_NS, one.pair.availability) for one in board.advance(due)]
    assert seen == [(5, "Available"), (10, "Away"), (20, "Offline")]
    assert board.sources("anna").sessions == {}
