# SPDX-License-Identifier: Apache-2.0
"""Chats, channels, activity feed and meetings: who may, what is kept, who hears of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.kit.graph_stage import Asker, GraphStage, graph_in_memory
from tests.kit.graph_tenant import ANNA, APP, BRUNO, CARLA, OTHER_APP, TEAM, TENANT, oid

pytestmark = pytest.mark.scenario

CHANNEL = f"/teams/{TEAM}/channels/19:general@thread.tacv2"


def member(user: str, role: str = "owner") -> dict[str, Any]:
    link = f"https://graph.microsoft.com/v1.0/users('{user}')"
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": [role],
        "user@odata.bind": link,
    }


def writer(stage: GraphStage, user: str = ANNA) -> Asker:
    return stage.user(user, "Chat.ReadWrite", "ChatMessage.Send")


async def pair(asker: Asker) -> str:
    body = {"chatType": "oneOnOne", "members": [member(ANNA), member(BRUNO)]}
    reply = await asker.post("/chats", body)
    assert reply.status == 201, reply.body
    return str(reply.body["id"])


def test_the_same_two_people_have_one_chat() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna = writer(stage)
            first, again = await pair(anna), await pair(writer(stage, BRUNO))
            assert first == again == f"19:{ANNA}_{BRUNO}@unq.gbl.spaces"
            assert [row["id"] for row in (await anna.get("/me/chats")).value] == [first]
            assert (await writer(stage, CARLA).get(f"/chats/{first}")).status == 404
            bodies: list[dict[str, Any]] = [
                {"chatType": "oneOnOne", "members": [member(ANNA)]},
                {"chatType": "oneOnOne", "members": [member(BRUNO), member(CARLA)]},
                {"chatType": "meeting", "members": [member(ANNA), member(BRUNO)]},
                {"chatType": "group", "members": [member(ANNA), {"roles": ["owner"]}]},
                {"chatType": "group", "members": [member(ANNA), member(BRUNO, "king")]},
            ]
            for body in bodies:
                assert (await anna.post("/chats", body)).status == 400
            strange = {"chatType": "group", "members": [member(ANNA), member(oid(404))]}
            assert (await anna.post("/chats", strange)).status == 404

    asyncio.run(scene())


def test_a_group_chat_has_a_topic_and_changing_members() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna = writer(stage)
            body = {
                "chatType": "group",
                "topic": "Order 7",
                "members": [member(ANNA), member(BRUNO)],
            }
            chat = f"/chats/{(await anna.post('/chats', body)).body['id']}"
            added = await anna.post(f"{chat}/members", member(CARLA))
            assert added.status == 201
            assert (await anna.post(f"{chat}/members", member(CARLA))).status == 400
            assert len((await anna.get(f"{chat}/members")).value) == 3
            path = f"{chat}/members/{added.body['id']}"
            assert (await anna.delete(path)).status == 204
            assert (await anna.delete(path)).status == 404
            assert (await anna.patch(chat, {"topic": "Order 8"})).body["topic"] == "Order 8"

    asyncio.run(scene())


def test_messages_are_sent_by_people_and_never_by_applications_alone() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna, bruno = writer(stage), writer(stage, BRUNO)
            chat = f"/chats/{await pair(anna)}/messages"
            body = {"body": {"content": "Good morning"}}
            refused = await stage.app("Chat.ReadWrite.All").post(chat, body)
            assert refused.status == 403
            assert "application-only" in refused.message
            first = (await anna.post(chat, body)).body
            assert first["from"]["user"]["id"] == ANNA
            second = (
                await bruno.post(chat, {"body": {"content": "<b>Hi</b>", "contentType": "html"}})
            ).body
            rows = (await stage.app("Chat.Read.All").get(chat)).value
            assert [row["id"] for row in rows] == [second["id"], first["id"]]
            assert int(second["id"]) > int(first["id"])
            assert (await bruno.patch(f"{chat}/{first['id']}", body)).status == 403
            assert (await anna.patch(f"{chat}/{first['id']}", body)).status == 204
            assert (
                await bruno.post(f"{chat}/{first['id']}/setReaction", {"reactionType": "like"})
            ).status == 204
            row = (await anna.get(f"{chat}/{first['id']}")).body
            assert (row["lastEditedDateTime"] is not None, len(row["reactions"])) == (True, 1)
            assert (await anna.post(f"{chat}/{first['id']}/softDelete", {})).status == 204
            assert (await anna.get(f"{chat}/{first['id']}")).body["body"]["content"] == ""
            assert (await writer(stage, CARLA).post(chat, body)).status == 404

    asyncio.run(scene())


CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"body": {"contentType": "html", "content": '<attachment id="1"></attachment>'},
          "attachments": [{"id": "1", "contentType": "application/vnd.microsoft.card.adaptive",
                           "content": json.dumps(CARD)}]}, 201),
        ({"body": {"contentType": "html", "content": '<attachment id="1"></attachment>'},
          "attachments": [{"id": "1", "contentType": "application/vnd.microsoft.card.adaptive",
                           "content": "no card"}]}, 400),
        ({"body": {"content": "none"},
          "attachments": [{"id": "1", "contentType": "reference"}]}, 400),
        ({"body": {"contentType": "html", "content": '<at id="0">Bruno</at>'},
          "mentions": [{"id": 0, "mentionText": "Bruno", "mentioned": {
              "user": {"id": BRUNO, "displayName": "B", "userIdentityType": "aadUser"}}}]}, 201),
        ({"body": {"content": "Bruno"},
          "mentions": [{"id": 0, "mentionText": "Bruno", "mentioned": {}}]}, 400),
        ({"body": {"content": "x" * 29_000}}, 413),
        ({"body": {"content": 7}}, 400),
        ({}, 400),
    ],
)  # fmt: skip
def test_what_a_message_may_hold(body: dict[str, Any], status: int) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna = writer(stage)
            reply = await anna.post(f"/chats/{await pair(anna)}/messages", body)
            assert reply.status == status, reply.body

    asyncio.run(scene())


def test_a_team_has_channels_members_and_messages() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            may = ("ChannelMessage.Send", "ChannelMessage.Read.All", "Team.ReadBasic.All")
            carla = stage.user(CARLA, *may, "TeamMember.Read.All", "Channel.ReadBasic.All")
            assert [row["id"] for row in (await carla.get("/me/joinedTeams")).value] == [TEAM]
            assert (await carla.get(f"/teams/{TEAM}")).body["displayName"] == "Support team"
            assert (await carla.get(f"/teams/{oid(4)}")).status == 404
            assert [r["userId"] for r in (await carla.get(f"/teams/{TEAM}/members")).value] == [
                CARLA
            ]
            assert len((await carla.get(f"/teams/{TEAM}/channels")).value) == 1
            sent = await carla.post(f"{CHANNEL}/messages", {"body": {"content": "News"}})
            assert sent.body["channelIdentity"]["teamId"] == TEAM
            assert len((await carla.get(f"{CHANNEL}/messages")).value) == 1

    asyncio.run(scene())


def notification(**changes: object) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "topic": {"source": "text", "value": "Call", "webUrl": "https://teams.microsoft.com/l/x"},
        "activityType": "callOffered",
        "previewText": {"content": "A call is waiting"},
        "templateParameters": [{"name": "queue", "value": "Sales"}],
        "chainId": 7,
    }
    usual.update(changes)
    return usual


def test_the_feed_takes_what_the_installed_app_sends() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker, path = stage.app("TeamsActivity.Send"), "/teamwork/sendActivityNotification"
            mine = f"/users/{ANNA}{path}"
            assert (await asker.post(mine, notification())).status == 204
            again = notification(previewText={"content": "y" * 400})
            assert (await asker.post(mine, again)).status == 204
            (entry,) = stage.graph.world.tenants[TENANT].activity.entries
            assert (entry.user_id, entry.preview) == (ANNA, "y" * 150)
            wrongs: list[dict[str, object]] = [
                {"topic": {"source": "text", "value": "x"}},
                {"topic": None},
                {"templateParameters": [{"name": "actor", "value": "Anna"}]},
                {"chainId": -1},
                {"previewText": "x"},
            ]
            for wrong in wrongs:
                stage.pass_time(1)
                assert (await asker.post(mine, notification(**wrong))).status == 400
            other = stage.app("TeamsActivity.Send", app=OTHER_APP)
            assert (await other.post(mine, notification())).status == 403
            stage.pass_time(10)
            many = {"recipients": [{"userId": ANNA}, {"userId": BRUNO}]}
            reply = await asker.post(
                "/teamwork/sendActivityNotificationToRecipients", notification(**many)
            )
            assert reply.status == 202
            to_team = notification(recipient={"userId": CARLA})
            assert (
                await asker.post(f"/teams/{TEAM}/sendActivityNotification", to_team)
            ).status == 204
            outside = notification(recipient={"userId": ANNA})
            assert (
                await asker.post(f"/teams/{TEAM}/sendActivityNotification", outside)
            ).status == 404

    asyncio.run(scene())


def test_meetings_need_a_policy_and_are_found_by_their_link() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("OnlineMeetings.ReadWrite.All")
            base = f"/users/{ANNA}/onlineMeetings"
            made = (
                await asker.post(base, {"subject": "Consultation", "allowRecording": False})
            ).body
            assert (made["subject"], made["allowRecording"]) == ("Consultation", False)
            assert (await asker.get(f"{base}/{made['id']}")).body["id"] == made["id"]
            link = made["joinWebUrl"].replace("&", "%26").replace("?", "%3F").replace("'", "''")
            found = (await asker.get(f"{base}?$filter=JoinWebUrl eq '{link}'")).value
            assert [row["id"] for row in found] == [made["id"]]
            assert (await asker.get(base)).status == 400
            same = {"externalId": "order-7", "subject": "Order 7"}
            first = await asker.post(f"{base}/createOrGet", same)
            second = await asker.post(f"{base}/createOrGet", same)
            assert (first.status, second.status) == (201, 200)
            assert first.body["id"] == second.body["id"]
            assert (await asker.patch(f"{base}/{made['id']}", {"subject": "New"})).body[
                "subject"
            ] == "New"
            assert (await asker.delete(f"{base}/{made['id']}")).status == 204
            assert (await asker.get(f"{base}/{made['id']}")).status == 404
            stranger = stage.app("OnlineMeetings.ReadWrite.All", app=OTHER_APP)
            refused = await stranger.post(base, {})
            assert refused.status == 403
            assert "application access policy" in refused.message
            stage.graph.world.tenants[TENANT].rules.set("access.meeting_policy_granted", False)
            assert (await asker.post(base, {})).status == 403
            own = stage.user(ANNA, "OnlineMeetings.ReadWrite", app=APP)
            assert (await own.post("/me/onlineMeetings", {})).status == 201
            assert (await own.post(f"/users/{BRUNO}/onlineMeetings", {})).status == 403

    asyncio.run(scene())
