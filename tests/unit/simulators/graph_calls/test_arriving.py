# SPDX-License-Identifier: Apache-2.0
"""Calls that come to an application: what it is told, and answer, reject, redirect."""

from __future__ import annotations

from typing import Any

import pytest

from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.people import HandError
from centralino.simulators.graph.calls.settings import (
    Action,
    Application,
    Limits,
    Person,
    ScriptedCall,
)
from tests.kit.graph_calls import (
    ADA,
    APP,
    APP_NUMBER,
    APPLICATION,
    BOB,
    CALLBACK,
    CAT,
    INSTANCE,
    MEDIA,
    OTHER_PHONE,
    PHONE,
    START,
    TENANT,
    TONES,
    Bot,
    heard,
    people,
    phone,
    scenario,
    user,
)

pytestmark = pytest.mark.unit

ANSWER: dict[str, Any] = {
    "callbackUri": CALLBACK,
    "acceptedModalities": ["audio"],
    "mediaConfig": MEDIA,
}


def test_a_phone_rings_the_number_of_a_resource_account() -> None:
    bot = Bot()
    call_id = bot.rung()
    (told,) = bot.told
    content: dict[str, Any] = dict(told.notice.members)
    assert told.notice.change.value == "created"
    assert told.url == f"{CALLBACK}/first"
    assert content["state"] == "incoming"
    assert content["direction"] == "incoming"
    assert content["source"]["identity"]["phone"]["id"] == PHONE
    assert content["targets"][0]["identity"]["applicationInstance"]["id"] == INSTANCE
    assert content["tenantId"] == TENANT
    assert content["@odata.id"] == f"/communications/calls/{call_id}"
    assert heard(bot.heard_by(PHONE, last_ms=100), 425), "the caller hears it ring"


def test_a_user_rings_the_application_by_its_name() -> None:
    bot = Bot()
    bot.rung(ADA, APP)
    content: dict[str, Any] = dict(bot.told[0].notice.members)
    assert content["source"]["identity"]["user"] == {
        "@odata.type": "#microsoft.graph.identity",
        "id": ADA,
        "displayName": "Ada Example",
        "tenantId": TENANT,
        "identityProvider": "AAD",
    }
    assert content["targets"][0]["identity"]["application"]["id"] == APP


def test_an_application_without_consent_does_not_see_who_calls() -> None:
    bare = Application(id=APP, webhook=CALLBACK)
    bot = Bot(scenario(applications=(bare,)))
    bot.rung(ADA, APP)
    content: dict[str, Any] = dict(bot.told[0].notice.members)
    assert set(content["source"]["identity"]) == {"@odata.type", "encrypted"}


def test_a_forwarded_call_says_for_whom_it_was() -> None:
    bot = Bot()
    bot.rung(on_behalf_of=BOB)
    content: dict[str, Any] = dict(bot.told[0].notice.members)
    assert content["incomingContext"]["onBehalfOf"]["user"]["id"] == BOB
    assert content["callRoutes"][0]["routingType"] == "forwarded"


def test_an_answered_call_stands_and_both_hear_each_other() -> None:
    bot = Bot()
    call_id = bot.answered()
    assert bot.states(call_id) == ["incoming", "establishing", "established"]
    assert {told.url for told in bot.told[1:]} == {CALLBACK}
    bot.run(500)
    assert heard(bot.heard_by(call_id), TONES[PHONE])
    assert not bot.heard_by(PHONE, last_ms=400).any(), "the application says nothing yet"


@pytest.mark.parametrize(("observed", "limit_ms"), [("", 15_000), (BOB, 5_000)])
def test_a_call_that_is_not_answered_in_time_is_gone(observed: str, limit_ms: int) -> None:
    bot = Bot()
    call_id = bot.rung(observed=observed)
    bot.run(limit_ms - 300)
    assert bot.states(call_id) == ["incoming"]
    bot.run(400)
    assert bot.last(call_id).result == (408, 10057)
    assert bot.refused("POST", f"/{call_id}/answer", ANSWER).status == 404
    assert bot.world.person(PHONE).status == "idle"


def test_an_invited_recorder_is_told_of_the_observed_person() -> None:
    bot = Bot()
    bot.rung(ADA, APP, observed=BOB)
    content: dict[str, Any] = dict(bot.told[0].notice.members)
    assert content["meetingInfo"]["@odata.type"] == "#microsoft.graph.tokenMeetingInfo"
    assert content["incomingContext"]["observedParticipantId"]
    data = content["applicationMetadata"]["botData"]
    assert data["inviteReasons"] == ["PolicyBasedRecording"]
    assert data["user"]["id"] == BOB


def test_a_caller_may_lose_patience() -> None:
    bot = Bot()
    call_id = bot.rung(patience_ms=3_000)
    bot.run(4_000)
    assert bot.last(call_id).result == (487, 10004)
    answered = bot.answer(bot.rung(patience_ms=3_000))
    bot.run(10_000)
    assert bot.states(answered)[-1] == "established"


def test_a_caller_may_hang_up_before_the_answer_and_after_it() -> None:
    bot = Bot()
    call_id = bot.rung()
    bot.world.somebody(PHONE, bot.now).hang_up()
    bot.run(500)
    assert bot.last(call_id).result == (487, 10004)
    second = bot.answered(ADA, APP)
    bot.world.somebody(ADA, bot.now).hang_up()
    bot.run(500)
    assert bot.last(second).result == (200, 4521)


def test_answering_twice_is_refused() -> None:
    bot = Bot()
    call_id = bot.answered()
    refused = bot.refused("POST", f"/{call_id}/answer", ANSWER)
    assert (refused.status, refused.code) == (409, "Conflict")


@pytest.mark.parametrize(
    "changes",
    [
        {"callbackUri": ""},
        {"acceptedModalities": []},
        {"mediaConfig": None},
        {"participantCapacity": -1},
        {"participantCapacity": True},
        {"callOptions": []},
    ],
)
def test_an_answer_that_cannot_be_understood(changes: dict[str, Any]) -> None:
    bot = Bot()
    call_id = bot.rung()
    assert bot.refused("POST", f"/{call_id}/answer", ANSWER | changes).status == 400
    assert bot.answer(call_id)


def test_an_answer_for_another_tenant() -> None:
    bot = Bot()
    call_id = bot.rung()
    assert bot.refused("POST", f"/{call_id}/answer", ANSWER | {"tenantId": ADA}).code == "7505"


@pytest.mark.parametrize("reason", ["Busy", "busy", "forbidden", None])
def test_a_rejected_call_is_told_with_its_address_alone(reason: str | None) -> None:
    bot = Bot()
    call_id = bot.rung()
    assert bot.ask("POST", f"/{call_id}/reject", {"reason": reason}).status == 202
    bot.run(500)
    last = bot.last(call_id).notice
    assert last.change.value == "deleted"
    assert set(last.members) == {"@odata.type", "@odata.id", "@odata.etag"}
    assert bot.world.person(PHONE).status == "idle"


def test_an_unknown_reason_is_refused() -> None:
    bot = Bot()
    assert bot.refused("POST", f"/{bot.rung()}/reject", {"reason": "tired"}).status == 400


def test_a_call_is_redirected_to_one() -> None:
    bot = Bot()
    call_id = bot.rung()
    assert bot.ask("POST", f"/{call_id}/redirect", {"targets": [user(ADA)]}).status == 202
    bot.run(2_000)
    assert bot.states(call_id) == ["incoming", "redirecting", "terminated"]
    last: dict[str, Any] = dict(bot.last(call_id).notice.members)
    assert last["source"]["identity"]["phone"]["id"] == PHONE
    assert last["targets"][0]["identity"]["applicationInstance"]["id"] == INSTANCE
    assert heard(bot.heard_by(PHONE), TONES[ADA])
    assert heard(bot.heard_by(ADA), TONES[PHONE])


def test_of_several_targets_the_first_answer_wins() -> None:
    bob = Person(id=BOB, tone_hz=700, answer_after_ms=500)
    cat = Person(id=CAT, tone_hz=800, behaviour="decline")
    bot = Bot(scenario(people=people(bob=bob, cat=cat)))
    call_id = bot.rung()
    targets = [user(ADA), user(BOB), user(CAT), phone(OTHER_PHONE)]
    bot.ask("POST", f"/{call_id}/redirect", {"targets": targets, "timeout": 15})
    bot.run(5_000)
    assert heard(bot.heard_by(PHONE), TONES[BOB])
    assert bot.world.person(ADA).status == "idle"


def test_a_redirect_that_nobody_takes_fails() -> None:
    ada = Person(id=ADA, tone_hz=600, behaviour="by-hand")
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.rung()
    bot.ask("POST", f"/{call_id}/redirect", {"targets": [user(ADA)], "timeout": 15})
    bot.run(14_000)
    assert bot.states(call_id)[-1] == "redirecting"
    bot.run(1_500)
    assert bot.last(call_id).result == (487, 10006)
    assert bot.world.person(PHONE).status == "idle"


def test_a_redirect_may_forbid_forwarding() -> None:
    ada = Person(id=ADA, tone_hz=600, forward_to=BOB)
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.rung()
    body = {"targets": [user(ADA)], "routingPolicies": ["disableForwarding"]}
    bot.ask("POST", f"/{call_id}/redirect", body)
    bot.run(2_000)
    assert heard(bot.heard_by(PHONE), TONES[ADA])


@pytest.mark.parametrize(
    "body",
    [
        {"targets": []},
        {"targets": [user(ADA)] * 26},
        {"targets": [user(ADA)], "timeout": 14},
        {"targets": [user(ADA)], "timeout": 91},
        {"targets": [user(ADA)], "timeout": "15"},
        {"targets": [user(ADA)], "routingPolicies": "x"},
        {"targets": [{"identity": None}]},
    ],
)
def test_a_redirect_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = Bot()
    call_id = bot.rung()
    assert bot.refused("POST", f"/{call_id}/redirect", body).status == 400
    assert bot.call(call_id).state.value == "incoming"


@pytest.mark.parametrize("timeout", [15, 90])
def test_the_bounds_of_a_redirect_are_good(timeout: int) -> None:
    bot = Bot()
    body = {"targets": [user(ADA)] * 25, "timeout": timeout}
    assert bot.ask("POST", f"/{bot.rung()}/redirect", body).status == 202


def test_a_bot_reached_by_its_name_takes_nobody_to_a_phone() -> None:
    bot = Bot()
    by_name = bot.rung(ADA, APP)
    body = {"targets": [phone(PHONE)]}
    assert "by its name" in bot.refused("POST", f"/{by_name}/redirect", body).message
    bare = Bot(scenario(applications=(Application(id=APP, instances=(APPLICATION.instances[0],)),)))
    assert bare.ask("POST", f"/{bare.rung()}/redirect", body).status == 202


def test_redirecting_needs_its_permission() -> None:
    bot = Bot(roles=frozenset({"Calls.JoinGroupCall.All"}))
    body = {"targets": [user(ADA)]}
    assert bot.refused("POST", f"/{bot.rung()}/redirect", body).code == "7504"


def test_callers_come_by_script_and_do_what_it_says() -> None:
    caller = Person(
        id=PHONE,
        kind="phone",
        tone_hz=1_100,
        talk_for_ms=4_000,
        actions=(Action(at_ms=1_000, do="keys", keys="12"),),
    )
    script = ScriptedCall(at_ms=2_000, caller=PHONE, target=APP_NUMBER)
    bot = Bot(scenario(people=people(phone=caller), calls=(script,)))
    bot.run(1_900)
    assert not bot.told
    bot.run(500)
    call_id = next(iter(bot.world.calls.values())).id
    bot.answer(call_id)
    bot.run(2_000)
    assert [key for _, key in bot.world.lines.of(call_id)[0].keys] == ["1", "2"]
    bot.run(3_000)
    assert bot.last(call_id).result == (200, 540000)


def test_nobody_rings_what_is_not_there() -> None:
    bot = Bot(scenario(limits=Limits(concurrent_calls=1)))
    for arrival in (Arrival("nobody", APP), Arrival(PHONE, "nothing")):
        with pytest.raises(HandError):
            bot.world.ring(arrival, START)
    bot.rung()
    with pytest.raises(HandError, match="all the calls"):
        bot.world.ring(Arrival(ADA, APP), bot.now)
    script = Bot(scenario(calls=(ScriptedCall(at_ms=1, caller="x", target=APP),)))
    script.run(10)
    assert script.facts[-1]["what"] == "not-rung"


def test_busy_on_busy_and_call_waiting() -> None:
    busy = Person(id=ADA, tone_hz=600, when_busy="busy")
    bot = Bot(scenario(people=people(ada=busy)))
    bot.reached(ADA)
    second = bot.make(targets=[user(ADA)])
    bot.run(1_000)
    assert bot.last(second).result == (486, 10003)
    first = bot.reached(BOB)
    third = bot.reached(BOB)
    assert bot.states(first)[-1] == "hold", "who takes a second call holds the first"
    assert bot.states(third)[-1] == "established"
