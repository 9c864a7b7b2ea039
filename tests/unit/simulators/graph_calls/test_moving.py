# SPDX-License-Identifier: Apache-2.0
"""Transfers, invitations, and the participants of groups."""

from __future__ import annotations

from typing import Any

import pytest

from centralino.simulators.graph.calls.settings import Application, Habits, Person
from centralino.wire.rtp.tone import has_tone
from tests.kit.graph_calls import (
    ADA,
    ALL_ROLES,
    APP,
    APP_NUMBER,
    BOB,
    CAT,
    DAN,
    OTHER_PHONE,
    PHONE,
    TENANT,
    TONES,
    Bot,
    heard,
    people,
    phone,
    prompt,
    scenario,
    tone_file,
    user,
)

pytestmark = pytest.mark.unit


def _group(bot: Bot, *others: str, **changes: Any) -> str:  # noqa: ANN401 - members of a call
    call_id = bot.make(targets=[user(one) for one in (ADA, BOB, *others)], **changes)
    bot.run(3_000)
    assert bot.call(call_id).is_group
    return call_id


# ---- transfer


@pytest.mark.parametrize("target", [user(BOB), phone(OTHER_PHONE)])
def test_a_blind_transfer(target: dict[str, Any]) -> None:
    bot = Bot()
    call_id = bot.answered()
    body = {"transferTarget": target | {"endpointType": "default"}, "clientContext": "x"}
    assert bot.ask("POST", f"/{call_id}/transfer", body).status == 202
    bot.run(800)
    assert bot.states(call_id)[-1] == "transferring"
    assert heard(bot.heard_by(PHONE, 300), 425), "who is transferred hears it ring"
    bot.run(2_000)
    assert bot.states(call_id)[-3:] == ["transferring", "transferAccepted", "terminated"]
    assert bot.last(call_id).result == (0, 7015)
    other = BOB if "user" in target["identity"] else OTHER_PHONE
    assert heard(bot.heard_by(PHONE), TONES[other])
    assert heard(bot.heard_by(other), TONES[PHONE])
    bot.world.somebody(PHONE, bot.now).hang_up()
    assert bot.world.person(other).status == "idle"


def test_a_blind_transfer_that_fails_gives_the_call_back() -> None:
    bob = Person(id=BOB, tone_hz=700, behaviour="decline")
    bot = Bot(scenario(people=people(bob=bob)), files={"hello": tone_file(440)})
    call_id = bot.answered()
    bot.ask("POST", f"/{call_id}/transfer", {"transferTarget": user(BOB)})
    bot.run(2_000)
    assert bot.states(call_id)[-2:] == ["transferring", "established"]
    assert bot.last(call_id).result == (500, 7000)
    bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.run(700)
    assert heard(bot.heard_by(PHONE, 300), 440)
    assert heard(bot.heard_by(call_id, 300), TONES[PHONE])


@pytest.mark.parametrize("steered", [0, 1])
def test_a_consultative_transfer_in_both_directions(steered: int) -> None:
    bot = Bot()
    calls = [bot.answered(), bot.reached(BOB)]
    call_id, replaced = calls[steered], calls[1 - steered]
    target = (user(BOB), phone(PHONE))[steered] | {"replacesCallId": replaced}
    bot.ask("POST", f"/{call_id}/transfer", {"transferTarget": target})
    bot.run(2_000)
    assert bot.states(call_id)[-3:] == ["transferring", "transferAccepted", "terminated"]
    for one in calls:
        assert bot.last(one).notice.members["terminationReason"] == "AppTransferred"
        assert bot.last(one).result == (0, 7015)
    assert heard(bot.heard_by(PHONE), TONES[BOB])
    assert heard(bot.heard_by(BOB), TONES[PHONE])


def test_a_consultative_transfer_to_a_call_that_is_gone() -> None:
    bot = Bot()
    call_id, replaced = bot.answered(), bot.reached(BOB)
    bot.world.somebody(BOB, bot.now).hang_up()
    body = {"transferTarget": user(BOB) | {"replacesCallId": replaced}}
    bot.ask("POST", f"/{call_id}/transfer", body)
    bot.run(1_000)
    assert bot.last(call_id).result == (500, 7700)
    assert bot.last(call_id).notice.members["replacesContext"]
    assert bot.states(call_id)[-1] == "established"


def test_a_customer_who_leaves_while_transferred_ends_it() -> None:
    bob = Person(id=BOB, tone_hz=700, behaviour="by-hand")
    bot = Bot(scenario(people=people(bob=bob)))
    call_id = bot.answered()
    bot.ask("POST", f"/{call_id}/transfer", {"transferTarget": user(BOB)})
    bot.run(1_000)
    bot.world.somebody(PHONE, bot.now).hang_up()
    bot.run(500)
    assert bot.last(call_id).result == (200, 540000)
    assert bot.world.person(BOB).status == "idle"


def test_an_application_that_hangs_up_while_transferring() -> None:
    bob = Person(id=BOB, tone_hz=700, behaviour="by-hand")
    bot = Bot(scenario(people=people(bob=bob)))
    call_id = bot.answered()
    bot.ask("POST", f"/{call_id}/transfer", {"transferTarget": user(BOB)})
    bot.run(1_000)
    bot.ask("DELETE", f"/{call_id}")
    bot.run(500)
    assert bot.states(call_id)[-2:] == ["terminating", "terminated"]
    assert bot.world.person(PHONE).status == bot.world.person(BOB).status == "idle"


@pytest.mark.parametrize("habit", ["before", "with", "after"])
def test_media_goes_inactive_around_the_acceptance(habit: Any) -> None:  # noqa: ANN401 - a literal
    bot = Bot(scenario(habits=Habits(media_inactive=habit)))
    call_id = bot.answered()
    bot.ask("POST", f"/{call_id}/transfer", {"transferTarget": user(BOB)})
    bot.run(3_000)
    seen = [
        (one.state, bool(one.notice.members.get("mediaState")))
        for one in bot.told
        if one.state.startswith("transfer")
    ]
    position = seen.index(("transferAccepted", habit == "with"))
    media = [index for index, (_, has_media) in enumerate(seen) if has_media]
    assert {
        "before": media[0] < position,
        "with": media == [position],
        "after": media[0] > position,
    }[habit]


def test_a_transfer_out_of_a_group_needs_its_transferee() -> None:
    bot = Bot()
    call_id = _group(bot)
    path = f"/{call_id}/transfer"
    assert bot.refused("POST", path, {"transferTarget": user(CAT)}).status == 400
    body = {"transferTarget": user(CAT), "transferee": {"participantId": "nobody"}}
    assert bot.refused("POST", path, body).status == 404
    body["transferee"] = {"participantId": bot.participant(call_id, ADA)}
    bot.ask("POST", path, body)
    bot.run(3_000)
    assert bot.last(call_id).result == (0, 7015)
    assert heard(bot.heard_by(ADA), TONES[CAT])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"transferTarget": {"identity": {"application": {"id": APP}}}},
        {"transferTarget": {"identity": {}}},
        {"transferTarget": user(BOB) | {"replacesCallId": 3}},
    ],
)
def test_a_transfer_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = Bot()
    assert bot.refused("POST", f"/{bot.answered()}/transfer", body).status == 400


def test_a_call_does_not_replace_itself_and_needs_to_stand() -> None:
    bot = Bot()
    call_id = bot.answered()
    body = {"transferTarget": user(BOB) | {"replacesCallId": call_id}}
    assert bot.refused("POST", f"/{call_id}/transfer", body).status == 400
    early = bot.make(targets=[user(ADA)])
    assert bot.refused("POST", f"/{early}/transfer", {"transferTarget": user(BOB)}).status == 409
    poor = Bot(roles=ALL_ROLES - {"Calls.Initiate.All"})
    late = poor.answered()
    assert poor.refused("POST", f"/{late}/transfer", {"transferTarget": user(BOB)}).code == "7504"


@pytest.mark.parametrize("action", ["transfer", "participants/invite"])
def test_the_matrix_of_phones(action: str) -> None:
    bot = Bot()
    by_name = bot.answered(ADA, APP)
    body = {"transferTarget": phone(PHONE), "participants": [phone(PHONE)]}
    assert "by its name" in bot.refused("POST", f"/{by_name}/{action}", body).message
    token = bot.answered(BOB, APP_NUMBER)
    bot.call(token).meeting_info = {"@odata.type": "#microsoft.graph.tokenMeetingInfo"}
    assert "token" in bot.refused("POST", f"/{token}/{action}", body).message
    bare = Application(id=APP, webhook="https://cc.example")
    poor = Bot(scenario(applications=(bare,)))
    assert "number" in poor.refused("POST", f"/{poor.reached()}/{action}", body).message


# ---- invite


@pytest.mark.parametrize("party", [user(BOB), phone(PHONE)])
def test_an_invitation_makes_a_group_of_a_call(party: dict[str, Any]) -> None:
    bot = Bot()
    call_id = bot.reached()
    assert bot.refused("GET", f"/{call_id}/participants").status == 400
    body = {"participants": [party], "clientContext": "i"}
    reply = bot.ask("POST", f"/{call_id}/participants/invite", body)
    assert reply.status == 200
    assert reply.body is not None
    bot.run(2_500)
    done = bot.finished(str(reply.body["id"]))
    assert (done["status"], done["clientContext"]) == ("completed", "i")
    assert len(bot.rosters(call_id)[-1]) == 3
    other = BOB if "user" in party["identity"] else PHONE
    assert heard(bot.heard_by(ADA), TONES[other])
    listed = bot.ask("GET", f"/{call_id}/participants").body
    assert listed is not None
    value: Any = listed["value"]
    shown = {one["id"] for one in value}
    assert done["participants"][0]["participantId"] in shown
    assert bot.ask("GET", f"/{call_id}").body["chatInfo"]["threadId"]  # type: ignore[index]  # the reply has a body


def test_several_are_invited_where_there_is_a_chat() -> None:
    bot = Bot()
    call_id = bot.reached()
    many = {"participants": [user(BOB), user(CAT)]}
    assert "chatInfo" in bot.refused("POST", f"/{call_id}/participants/invite", many).message
    bot.operation(call_id, "participants/invite", {"participants": [user(BOB)]})
    bot.run(2_000)
    operation = bot.operation(
        call_id, "participants/invite", {"participants": [user(CAT), user(DAN), phone(PHONE)]}
    )
    bot.run(2_500)
    assert bot.finished(operation)["status"] == "completed"
    assert len(bot.rosters(call_id)[-1]) == 6


def test_an_invitation_that_nobody_takes_fails() -> None:
    bob = Person(id=BOB, tone_hz=700, behaviour="decline")
    bot = Bot(scenario(people=people(bob=bob)))
    call_id = bot.reached()
    operation = bot.operation(call_id, "participants/invite", {"participants": [user(BOB)]})
    bot.run(2_500)
    done = bot.finished(operation)
    assert (done["status"], done["resultInfo"]["code"]) == ("failed", 603)
    assert bot.states(call_id)[-1] == "established"


def test_an_invitation_with_a_replaced_call_moves_its_party() -> None:
    bot = Bot()
    group, other = bot.reached(ADA), bot.answered()
    body = {"participants": [phone(PHONE) | {"replacesCallId": other}]}
    operation = bot.operation(group, "participants/invite", body)
    bot.run(1_000)
    assert bot.finished(operation)["status"] == "completed"
    assert bot.last(other).result == (200, 5001)
    assert heard(bot.heard_by(PHONE), TONES[ADA])
    assert heard(bot.heard_by(ADA), TONES[PHONE])
    assert len(bot.rosters(group)[-1]) == 3


def test_who_is_invited_may_be_uninvited() -> None:
    bob = Person(id=BOB, tone_hz=700, behaviour="by-hand")
    bot = Bot(scenario(people=people(bob=bob)))
    call_id = bot.reached()
    body = {"participants": [user(BOB)]}
    reply = bot.ask("POST", f"/{call_id}/participants/invite", body).body
    assert reply is not None
    invited: Any = reply["participants"]
    bot.run(500)
    path = f"/{call_id}/participants/{invited[0]['participantId']}"
    assert bot.ask("DELETE", path).status == 204
    bot.run(500)
    assert bot.world.person(BOB).status == "idle"
    assert bot.finished(str(reply["id"]))["status"] == "failed"


@pytest.mark.parametrize(
    "body",
    [
        {"participants": []},
        {"participants": [user(ADA)] * 6},
        {"participants": [user(BOB) | {"replacesCallId": "unknown"}]},
        {"participants": [user(BOB) | {"hidden": 1}]},
        {"participants": "x"},
    ],
)
def test_an_invitation_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = Bot()
    call_id = _group(bot, chatInfo={"threadId": "19:x@thread.v2"})
    assert bot.refused("POST", f"/{call_id}/participants/invite", body).status == 400


# ---- participants


def test_participants_are_removed_where_the_tenant_allows_it() -> None:
    bot = Bot()
    call_id = _group(bot, CAT)
    path = f"/{call_id}/participants/{bot.participant(call_id, ADA)}"
    assert bot.ask("GET", path).status == 200
    assert bot.ask("DELETE", path).status == 204
    bot.run(500)
    assert bot.world.person(ADA).status == "idle"
    assert len(bot.rosters(call_id)[-1]) == 3
    refused = bot.refused("GET", path)
    assert (refused.status, refused.code) == (404, "itemNotFound")
    strict = Application(id=APP, granted=("Calls.JoinGroupCall.All",))
    other = Bot(scenario(applications=(strict,)))
    group = _group(other)
    path = f"/{group}/participants/{other.participant(group, ADA)}"
    refused = other.refused("DELETE", path)
    assert refused.status == 403
    assert "AllowRemoveParticipantAppIds" in refused.message


def test_hanging_up_leaves_the_group_alive() -> None:
    bot = Bot()
    call_id = _group(bot)
    bot.ask("DELETE", f"/{call_id}")
    bot.run(2_000)
    assert bot.last(call_id).result == (200, 7000)
    assert heard(bot.heard_by(ADA), TONES[BOB])
    bot.world.somebody(ADA, bot.now).hang_up()
    assert bot.world.person(BOB).status == "idle"


def test_muting_is_heard_and_shown() -> None:
    bot = Bot(files={"hello": tone_file(440, 20_000)})
    call_id = _group(bot)
    bot.operation(call_id, f"participants/{bot.participant(call_id, ADA)}/mute")
    bot.run(500)
    assert not heard(bot.heard_by(BOB, 300), TONES[ADA])
    muted = [m["isMuted"] for m in bot.rosters(call_id)[-1]]
    assert muted.count(True) == 1
    bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.run(500)
    assert heard(bot.heard_by(BOB, 300), 440)
    bot.operation(call_id, "mute")
    bot.run(500)
    assert not bot.heard_by(BOB, 300).any()
    bot.operation(call_id, "unmute")
    bot.run(500)
    assert heard(bot.heard_by(BOB, 300), 440)


def test_what_is_for_groups_is_refused_between_two() -> None:
    bot = Bot()
    call_id = bot.reached()
    own = bot.participant(call_id, ADA)
    for path in ("mute", "unmute", "addLargeGalleryView", f"participants/{own}/mute"):
        assert bot.refused("POST", f"/{call_id}/{path}", {}).status == 400


def test_one_is_put_on_hold_and_hears_music() -> None:
    bot = Bot(files={"music": tone_file(350, 3_000)})
    call_id = _group(bot, CAT)
    ada, bob = (bot.participant(call_id, one) for one in (ADA, BOB))
    path = f"participants/{ada}/startHoldMusic"
    reply = bot.ask("POST", f"/{call_id}/{path}", {"customPrompt": prompt("music")})
    assert reply.status == 202
    assert reply.body is not None
    bot.run(5_000)
    assert bot.finished(str(reply.body["id"]))["status"] == "completed"
    assert heard(bot.heard_by(ADA, 300), 350), "music goes on, in a loop"
    assert not heard(bot.heard_by(BOB, 300), TONES[ADA])
    assert heard(bot.heard_by(BOB, 300), TONES[CAT])
    second = bot.refused("POST", f"/{call_id}/participants/{bob}/startHoldMusic", {})
    assert second.status == 409
    stop = bot.ask("POST", f"/{call_id}/participants/{ada}/stopHoldMusic", {})
    assert stop.status == 202
    bot.run(500)
    assert not heard(bot.heard_by(ADA, 300), 350)
    again = bot.refused("POST", f"/{call_id}/participants/{ada}/stopHoldMusic", {})
    assert again.status == 409
    bot.operation(call_id, f"participants/{bob}/startHoldMusic")
    bot.run(500)
    assert heard(bot.heard_by(BOB, 300), 250), "without a prompt, the service's own music"


def test_hold_music_that_cannot_be_had_fails() -> None:
    bot = Bot(files={"music": None})
    call_id = _group(bot)
    path = f"participants/{bot.participant(call_id, ADA)}/startHoldMusic"
    operation = bot.operation(call_id, path, {"customPrompt": prompt("music")})
    bot.run(500)
    assert bot.finished(operation)["status"] == "failed"
    assert heard(bot.heard_by(ADA, 300), TONES[BOB])


def test_routing_groups_let_one_whisper() -> None:
    bot = Bot()
    call_id = _group(bot, CAT)
    ids = {one: bot.participant(call_id, one) for one in (ADA, BOB, CAT)}
    cat = bot.call(call_id).room.find(ids[CAT])
    assert cat is not None
    cat.is_in_default_mix = False
    body = {"routingMode": "oneToOne", "sources": [ids[CAT]], "receivers": [ids[ADA]]}
    reply = bot.ask("POST", f"/{call_id}/audioRoutingGroups", body)
    assert reply.status == 201
    assert reply.body is not None
    path = f"/{call_id}/audioRoutingGroups/{reply.body['id']}"
    bot.run(500)
    ada, bob = bot.heard_by(ADA, 300), bot.heard_by(BOB, 300)
    assert _has(ada, CAT)
    assert not _has(bob, CAT)
    assert bot.ask("PATCH", path, {"receivers": [ids[BOB]]}).status == 200
    bot.run(500)
    assert _has(bot.heard_by(BOB, 300), CAT)
    listed = bot.ask("GET", f"/{call_id}/audioRoutingGroups").body
    assert listed is not None
    assert listed["value"] == [bot.ask("GET", path).body]
    assert bot.ask("DELETE", path).status == 204
    assert bot.refused("GET", path).status == 404
    assert bot.refused("POST", f"/{call_id}/audioRoutingGroups", {"sources": ["x"]}).status == 400


def _has(samples: Any, person: str) -> bool:  # noqa: ANN401 - samples
    return has_tone(samples, TONES[person], sample_rate=16_000)


def test_a_delta_roster_tells_only_what_changed() -> None:
    bot = Bot()
    call_id = _group(bot, CAT, callOptions={"isDeltaRosterEnabled": True})
    bot.world.somebody(CAT, bot.now).hang_up()
    bot.run(500)
    (gone,) = bot.rosters(call_id)[-1]
    assert gone["removedState"] == {
        "@odata.type": "#microsoft.graph.removedState",
        "reason": "Removed",
    }
    numbers = [roster[0]["rosterSequenceNumber"] for roster in bot.rosters(call_id)]
    assert numbers == sorted(numbers)


def test_the_state_of_recording_is_shown_to_all() -> None:
    bot = Bot()
    call_id = _group(bot)
    bot.operation(call_id, "updateRecordingStatus", {"status": "recording"})
    bot.run(500)
    states = [
        m["recordingInfo"]["recordingStatus"]
        for m in bot.rosters(call_id)[-1]
        if "recordingInfo" in m
    ]
    assert states == ["recording"]
    assert bot.refused("POST", f"/{call_id}/updateRecordingStatus", {"status": "x"}).status == 400
    assert bot.refused("POST", f"/{call_id}/updateRecordingStatus", {}).status == 400
    poor = Bot(roles=ALL_ROLES - {"Calls.JoinGroupCall.All"})
    body = {"status": "recording"}
    assert poor.refused("POST", f"/{poor.reached()}/updateRecordingStatus", body).code == "7504"


def test_screens_galleries_and_devices() -> None:
    bot = Bot()
    media = {"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "b"}
    own = _group(bot, mediaConfig=media)
    path = f"/{own}/changeScreenSharingRole"
    assert bot.ask("POST", path, {"role": "Sharer"}).status == 202
    bot.run(500)
    streams = [one["mediaType"] for m in bot.rosters(own)[-1] for one in m["mediaStreams"]]
    assert "videoBasedScreenSharing" in streams
    assert bot.refused("POST", path, {"role": "x"}).status == 400
    between_two = f"/{bot.reached(CAT)}/changeScreenSharingRole"
    assert bot.refused("POST", between_two, {"role": "viewer"}).status == 400
    reply = bot.ask("POST", f"/{own}/addLargeGalleryView", {"clientContext": "g"})
    assert reply.status == 202
    assert reply.body is not None
    bot.run(1_000)
    assert bot.finished(str(reply.body["id"]))["status"] == "completed"
    quality = {"quality": {"callChainId": TENANT, "mediaQualityList": []}}
    assert bot.ask("POST", "/logTeleconferenceDeviceQuality", quality).status == 200
    assert bot.refused("POST", "/logTeleconferenceDeviceQuality", {}).status == 400
    listed = bot.ask("GET", f"/{own}/contentSharingSessions").body
    assert listed is not None
    assert listed["value"] == []


def test_operations_are_listed_while_they_run() -> None:
    bot = Bot(files={"hello": tone_file(440, 5_000)})
    call_id = bot.answered()
    operation = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    listed: Any = bot.ask("GET", f"/{call_id}/operations").body
    assert [one["id"] for one in listed["value"]] == [operation]
    assert bot.refused("GET", f"/{call_id}/operations/x").status == 404
