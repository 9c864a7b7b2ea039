# SPDX-License-Identifier: Apache-2.0
"""Calls that an application makes: every variant, every refusal, how each comes out."""

from __future__ import annotations

from typing import Any

import pytest

from centralino.simulators.graph.callers import Caller
from centralino.simulators.graph.calls.settings import (
    Application,
    Behaviour,
    Habits,
    Instance,
    Limits,
    Meeting,
    Person,
    Timing,
)
from tests.kit.graph_calls import (
    ADA,
    APP,
    APPLICATION,
    BOB,
    CALLBACK,
    CAT,
    DAN,
    MEETING,
    OTHER_PHONE,
    PHONE,
    TENANT,
    THREAD,
    TONES,
    Bot,
    heard,
    new_call,
    people,
    phone,
    scenario,
    source_instance,
    user,
)

pytestmark = pytest.mark.unit


def test_a_user_is_called_and_answers() -> None:
    bot = Bot()
    reply = bot.ask("POST", "", new_call(targets=[user(ADA)]))
    assert reply.status == 201
    assert reply.body is not None
    call_id = str(reply.body["id"])
    assert reply.location == f"https://graph.example/v1.0/communications/calls/{call_id}"
    assert reply.body["state"] == "establishing"
    assert reply.body["direction"] == "outgoing"
    bot.run(2_000)
    assert bot.states(call_id) == ["establishing", "established"]
    assert not bot.rosters(call_id)
    shown = bot.ask("GET", f"/{call_id}").body
    assert shown is not None
    assert shown["state"] == "established"
    assert heard(bot.heard_by(call_id), TONES[ADA])


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("signed-out", (480, 10037)),
        ("unreachable", (480, 10076)),
        ("no-route", (480, 10134)),
        ("no-signalling", (408, 10057)),
        ("private", (480, 10199)),
        ("busy", (486, 10003)),
        ("decline", (603, 10204)),
        ("no-answer", (487, 10006)),
    ],
)
def test_a_call_that_nobody_answers_says_why(
    behaviour: Behaviour, expected: tuple[int, int]
) -> None:
    ada = Person(id=ADA, tone_hz=600, behaviour=behaviour)
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(65_000)
    assert bot.states(call_id) == ["establishing", "terminated"]
    assert bot.last(call_id).notice.change.value == "deleted"
    assert bot.last(call_id).result == expected
    assert bot.refused("GET", f"/{call_id}").status == 404


def test_an_unknown_user_has_no_endpoints_and_an_unknown_number_no_route() -> None:
    bot = Bot()
    nobody = bot.make(targets=[user("00000000-0000-4000-8000-000000000009")])
    nowhere = bot.make(targets=[phone("+39029")], source=source_instance())
    bot.run(1_000)
    assert bot.last(nobody).result == (480, 10037)
    assert bot.last(nowhere).result == (480, 10134)


def test_voicemail_answers_for_somebody_and_sounds_like_it() -> None:
    ada = Person(id=ADA, tone_hz=600, behaviour="voicemail", unanswered_after_ms=5_000)
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(4_000)
    assert bot.states(call_id) == ["establishing"]
    bot.run(2_000)
    assert bot.states(call_id)[-1] == "established"
    assert heard(bot.heard_by(call_id), 300)


def test_forwarded_calls_ring_somebody_else() -> None:
    ada = Person(id=ADA, tone_hz=600, forward_to=BOB)
    cat = Person(id=CAT, tone_hz=800, behaviour="no-answer", unanswered_to=PHONE)
    bot = Bot(scenario(people=people(ada=ada, cat=cat)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(2_000)
    assert heard(bot.heard_by(call_id), TONES[BOB])
    late = bot.make(targets=[user(CAT)])
    bot.run(23_000)
    assert heard(bot.heard_by(late), TONES[PHONE])


def test_people_who_forward_to_each_other_end_nowhere() -> None:
    ada = Person(id=ADA, tone_hz=600, forward_to=BOB)
    bob = Person(id=BOB, tone_hz=700, forward_to=ADA)
    bot = Bot(scenario(people=people(ada=ada, bob=bob)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(3_000)
    assert bot.last(call_id).result == (480, 10134)


def test_a_phone_is_called_from_a_resource_account() -> None:
    bot = Bot()
    call_id = bot.make(targets=[phone(PHONE)], source=source_instance())
    bot.run(2_000)
    assert bot.states(call_id) == ["establishing", "established"]
    bot.world.somebody(PHONE, bot.now).hang_up()
    bot.run(1_000)
    assert bot.last(call_id).result == (200, 540000)


def test_a_group_is_called_and_the_roster_told() -> None:
    bot = Bot()
    call_id = bot.make(targets=[user(ADA), user(BOB)], subject="Three of us")
    bot.run(3_000)
    assert bot.states(call_id) == ["establishing", "established"]
    names = {
        next(iter(m["info"]["identity"].keys() - {"@odata.type"})) for m in bot.rosters(call_id)[-1]
    }
    assert names == {"application", "user"}
    assert len(bot.rosters(call_id)[-1]) == 3
    assert heard(bot.heard_by(ADA), TONES[BOB])


def test_a_group_that_nobody_joins_ends() -> None:
    no = {
        name: Person(id=i, tone_hz=1, behaviour="decline")
        for name, i in (("ada", ADA), ("bob", BOB))
    }
    bot = Bot(scenario(people=people(**no)))
    call_id = bot.make(targets=[user(ADA), user(BOB)])
    bot.run(3_000)
    assert bot.last(call_id).result == (200, 5013)


def test_a_group_left_alone_ends() -> None:
    bot = Bot()
    call_id = bot.make(targets=[user(ADA), user(BOB)])
    bot.run(3_000)
    for person in (ADA, BOB):
        bot.world.somebody(person, bot.now).hang_up()
    bot.run(2_000)
    assert bot.last(call_id).result == (200, 5002)


JOIN: dict[str, Any] = {
    "chatInfo": {"threadId": THREAD, "messageId": "0"},
    "meetingInfo": {
        "@odata.type": "#microsoft.graph.organizerMeetingInfo",
        "organizer": {"user": {"id": ADA, "tenantId": TENANT}},
    },
}
BY_ID: dict[str, Any] = {
    "meetingInfo": {
        "@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo",
        "joinMeetingId": "123",
        "passcode": "p",
    }
}


@pytest.mark.parametrize("body", [JOIN, BY_ID])
def test_a_meeting_is_joined(body: dict[str, Any]) -> None:
    bot = Bot(scenario(meetings=(MEETING,)))
    call_id = bot.make(**body)
    bot.run(1_000)
    assert bot.states(call_id) == ["establishing", "established"]
    assert len(bot.rosters(call_id)[-1]) == 3
    assert heard(bot.heard_by(ADA), TONES[BOB])


def test_a_meeting_that_is_none_is_not_joined() -> None:
    bot = Bot(scenario(meetings=(MEETING,)))
    wrong = {"meetingInfo": BY_ID["meetingInfo"] | {"passcode": "x"}}
    call_id = bot.make(**wrong)
    bot.run(1_000)
    assert bot.last(call_id).result == (404, 2203)


def test_a_lobby_lets_in_by_hand_or_not_at_all() -> None:
    meeting = Meeting(thread_id=THREAD, organizer=ADA, people=(ADA,), has_lobby=True)
    bot = Bot(scenario(meetings=(meeting,), timing=Timing(lobby_s=60)))
    first, second = bot.make(**JOIN), bot.make(**JOIN)
    bot.run(1_000)
    assert bot.states(first) == ["establishing"]
    bot.world.admit(first, bot.now)
    bot.run(500)
    assert bot.states(first)[-1] == "established"
    bot.run(60_000)
    assert bot.last(second).result == (200, 5855)


def test_the_end_of_a_meeting_is_the_end_of_its_calls() -> None:
    bot = Bot(scenario(meetings=(MEETING,)))
    call_id = bot.make(**JOIN)
    bot.run(1_000)
    bot.world.end_meeting(THREAD, bot.now)
    bot.run(500)
    assert bot.last(call_id).result == (200, 5001)


def test_an_application_may_host_media_itself_with_the_permission() -> None:
    config = {"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "x"}
    bot = Bot()
    assert bot.make(targets=[user(ADA)], mediaConfig=config)
    poor = Bot(roles=frozenset({"Calls.Initiate.All"}))
    refused = poor.refused("POST", "", new_call(targets=[user(ADA)], mediaConfig=config))
    assert (refused.status, refused.code) == (403, "7504")
    assert "Calls.AccessMedia.All" in refused.message


@pytest.mark.parametrize(
    ("roles", "body"),
    [
        ({"Calls.InitiateGroupCall.All"}, {"targets": [user(ADA)]}),
        ({"Calls.Initiate.All"}, {"targets": [user(ADA), user(BOB)]}),
        ({"Calls.Initiate.All"}, JOIN),
        (set(), {"targets": [user(ADA)]}),
    ],
)
def test_each_variant_has_its_permission(roles: set[str], body: dict[str, Any]) -> None:
    bot = Bot(roles=frozenset(roles))
    refused = bot.refused("POST", "", new_call(**body))
    assert (refused.status, refused.code) == (403, "7504")
    assert refused.message.startswith("Insufficient enterprise tenant permissions")


@pytest.mark.parametrize(
    "changes",
    [
        {"callbackUri": None},
        {"callbackUri": "ftp://cc.example"},
        {"callbackUri": "http://cc.example/api"},
        {"callbackUri": 3},
        {"callbackUri": "https://[::1"},
        {"mediaConfig": None},
        {"mediaConfig": {"@odata.type": "#microsoft.graph.mediaConfig"}},
        {
            "mediaConfig": {
                "@odata.type": "#microsoft.graph.serviceHostedMediaConfig",
                "preFetchMedia": {},
            }
        },
        {"requestedModalities": []},
        {"requestedModalities": ["smell"]},
        {"requestedModalities": "audio"},
        {"targets": []},
        {"targets": [user(ADA)] * 6},
        {"targets": ["ada"]},
        {"targets": [{"identity": {}}]},
        {"targets": [{"identity": {"user": {}}}]},
        {"targets": [{"identity": {"application": {"id": APP}}}]},
        {"targets": [user(ADA), phone(PHONE)]},
        {"targets": [phone("0200")], "source": source_instance()},
        {"targets": [phone(PHONE)]},
        {"targets": [phone(PHONE)], "source": source_instance(), "tenantId": None},
        {"targets": [phone(PHONE)], "source": source_instance("unknown")},
        {"direction": "incoming"},
        {"subject": "x" * 501},
        {"meetingInfo": {"joinMeetingId": "123"}, "tenantId": None},
        {"meetingInfo": {"organizer": {"user": {"id": ADA}}}},
        {"meetingInfo": {}, "chatInfo": {"threadId": THREAD}},
        {"meetingInfo": {"token": "t"}},
        {"meetingInfo": "x"},
    ],
)
def test_a_body_that_cannot_be_understood_is_refused(changes: dict[str, Any]) -> None:
    bot = Bot()
    body = new_call(targets=[user(ADA)]) | changes
    refused = bot.refused("POST", "", body)
    assert (refused.status, refused.code) == (400, "BadRequest")
    assert not bot.world.calls


def test_a_phone_needs_a_number_of_its_own() -> None:
    bare = Application(id=APP, instances=(Instance(id="i"),))
    bot = Bot(scenario(applications=(bare,)))
    body = new_call(targets=[phone(PHONE)], source=source_instance("i"))
    assert bot.refused("POST", "", body).status == 400


def test_plain_http_is_taken_on_loopback_only() -> None:
    bot = Bot()
    assert bot.make(targets=[user(ADA)], callbackUri="http://127.0.0.1:8080/x")
    assert bot.make(targets=[user(ADA)], callbackUri="http://localhost:8080/x")
    strict = Bot(scenario(habits=Habits(http_callbacks="never")))
    body = new_call(targets=[user(ADA)], callbackUri="http://127.0.0.1/x")
    assert strict.refused("POST", "", body).status == 400


def test_another_tenant_is_refused() -> None:
    bot = Bot()
    refused = bot.refused("POST", "", new_call(targets=[user(ADA)], tenantId=ADA))
    assert (refused.status, refused.code) == (403, "7505")


def test_an_application_that_is_no_bot_is_refused() -> None:
    bot = Bot(scenario(applications=()))
    assert bot.refused("POST", "", new_call(targets=[user(ADA)])).code == "7503"


def test_an_application_has_a_limit_of_calls() -> None:
    bot = Bot(scenario(limits=Limits(concurrent_calls=2)))
    first = bot.make(targets=[user(ADA)])
    bot.make(targets=[user(BOB)])
    assert bot.refused("POST", "", new_call(targets=[user(CAT)])).status == 429
    bot.ask("DELETE", f"/{first}")
    bot.run(500)
    assert bot.make(targets=[user(CAT)])


def test_an_application_has_a_limit_of_calls_in_a_month() -> None:
    bot = Bot(scenario(limits=Limits(calls_per_month=1)))
    call_id = bot.make(targets=[user(ADA)])
    bot.ask("DELETE", f"/{call_id}")
    bot.run(1_000)
    assert bot.refused("POST", "", new_call(targets=[user(ADA)])).status == 429
    bot.run(31 * 24 * 3_600_000)
    assert bot.make(targets=[user(ADA)])


def test_hanging_up_while_it_rings_stops_the_ringing() -> None:
    ada = Person(id=ADA, tone_hz=600, behaviour="by-hand")
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(500)
    assert bot.world.person(ADA).status == "ringing"
    assert bot.ask("DELETE", f"/{call_id}").status == 204
    bot.run(500)
    assert bot.states(call_id) == ["establishing", "terminating", "terminated"]
    assert bot.last(call_id).result == (200, 7000)
    assert bot.world.person(ADA).status == "idle"


def test_the_states_may_come_in_the_other_order() -> None:
    bot = Bot(scenario(habits=Habits(established_first=True)))
    call_id = bot.make(targets=[user(DAN)])
    bot.run(2_000)
    assert bot.states(call_id) == ["established", "establishing"]


def test_the_call_belongs_to_its_application_alone() -> None:
    other = Application(id=OTHER_PHONE)
    bot = Bot(scenario(applications=(APPLICATION, other)))
    call_id = bot.make(targets=[user(ADA)])
    assert bot.world.find_call(Caller(TENANT, OTHER_PHONE), call_id) is None
    assert bot.world.find_call(Caller(TENANT, APP), call_id.replace("-", "").upper()) is not None


def test_each_call_may_name_its_callback() -> None:
    bot = Bot()
    bot.make(targets=[user(ADA)], callbackUri=f"{CALLBACK}?partition=7")
    bot.run(2_000)
    assert {post.url for post in bot.posts} == {f"{CALLBACK}?partition=7"}
