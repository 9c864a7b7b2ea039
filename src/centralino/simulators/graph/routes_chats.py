# SPDX-License-Identifier: Apache-2.0
"""Paths of chats, teams, channels and messages.

An application alone cannot send an ordinary message: only ``Teamwork.Migrate.All`` is there for
it, which is for imports and not simulated. Subscribers hear of every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import Permission, both
from centralino.simulators.graph.change import Change
from centralino.simulators.graph.chats import TOPIC, Thread
from centralino.simulators.graph.errors import bad_request, not_found
from centralino.simulators.graph.fields import members, one_of, text, user_of
from centralino.simulators.graph.odata import PageRule, collection, entity
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.scenario import Group
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Json = dict[str, Any]

CREATE = Permission(("Chat.Create",), ("Chat.Create", "Chat.ReadWrite"))
READ = Permission(
    ("Chat.ReadBasic.All", "Chat.Read.All", "Chat.ReadWrite.All"),
    ("Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"),
)
WRITE = Permission(("Chat.ReadWrite.All",), ("Chat.ReadWrite",))
READ_MESSAGES = Permission(("Chat.Read.All", "Chat.ReadWrite.All"), ("Chat.Read", "Chat.ReadWrite"))
SEND = Permission((), ("ChatMessage.Send", "Chat.ReadWrite"))
READ_CHANNEL = both("ChannelMessage.Read.All")
SEND_CHANNEL = Permission((), ("ChannelMessage.Send",))
EDIT_CHANNEL = Permission((), ("ChannelMessage.ReadWrite", "ChannelMessage.Send"))
READ_TEAM = both("Team.ReadBasic.All", "TeamSettings.Read.All", "Group.Read.All")
READ_TEAM_MEMBERS = both("TeamMember.Read.All", "TeamMember.ReadWrite.All", "Group.Read.All")
READ_CHANNELS = both("Channel.ReadBasic.All", "ChannelSettings.Read.All", "Group.Read.All")
CHATS = PageRule(20, 50, ("topic",))
MEMBERS = PageRule(100, 999)
MESSAGES = PageRule(20, 50)


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of chats, teams and channels."""
    del world
    chat, team = "/chats/{chat}", "/teams/{team}"
    channel = f"{team}/channels/{{channel}}"
    return [
        GraphRoute("POST", "/chats", CREATE, _create, "teams-write"),
        GraphRoute("GET", "/users/{user}/chats", READ, _list, "teams-read"),
        GraphRoute("GET", chat, READ, _get, "teams-read"),
        GraphRoute("PATCH", chat, WRITE, _patch, "teams-write"),
        GraphRoute("GET", f"{chat}/members", READ, _members, "teams-read"),
        GraphRoute("POST", f"{chat}/members", WRITE, _add_member, "teams-write"),
        GraphRoute("DELETE", f"{chat}/members/{{member}}", WRITE, _drop_member, "teams-write"),
        *_message_routes(chat, (READ_MESSAGES, SEND, SEND), ("chat-read", "chat-send")),
        *_message_routes(
            channel, (READ_CHANNEL, SEND_CHANNEL, EDIT_CHANNEL), ("chat-read", "channel-send")
        ),
        GraphRoute("GET", "/users/{user}/joinedTeams", READ_TEAM, _joined, "teams-read"),
        GraphRoute("GET", team, READ_TEAM, _team, "teams-read"),
        GraphRoute("GET", f"{team}/members", READ_TEAM_MEMBERS, _team_members, "team-read"),
        GraphRoute("GET", f"{team}/channels", READ_CHANNELS, _channels, "team-read"),
        GraphRoute("GET", channel, READ_CHANNELS, _channel, "team-read"),
    ]


def _message_routes(
    base: str, permissions: tuple[Permission, Permission, Permission], limits: tuple[str, str]
) -> list[GraphRoute]:
    read, send, edit = permissions
    all_, one, thing = f"{base}/messages", f"{base}/messages/{{message}}", "channel"
    return [
        GraphRoute("GET", all_, read, _messages, limits[0]),
        GraphRoute("POST", all_, send, _send, limits[1], thing),
        GraphRoute("GET", one, read, _message, limits[0]),
        GraphRoute("PATCH", one, edit, _edit, limits[1], thing),
        GraphRoute("POST", f"{one}/softDelete", edit, _delete, limits[1], is_action=True),
        GraphRoute("POST", f"{one}/setReaction", send, _react, limits[1], is_action=True),
    ]


# ---- chats


def _create(request: GraphRequest) -> Response:
    told = members(
        request.body, {"chatType": one_of("oneOnOne", "group"), "topic": text}, needs=("chatType",)
    )
    user_ids = _invited(request)
    if request.caller.is_delegated and request.caller.user_id not in user_ids:
        raise bad_request("The calling user must be one of the members.")
    chats = request.tenant.chats
    known = set(chats.chats)
    thread = chats.create(told["chatType"], told.get("topic"), user_ids, request.now)
    if thread.id not in known:
        data = _pointer("chat", f"chats('{thread.id}')", thread.id)
        keys = ("chats", f"chats/{thread.id}".lower())
        _publish(request, keys, "created", f"chats('{thread.id}')", (data, thread.row))
    return answer(entity(thread.row, request.place, "chats/$entity"), 201)


def _invited(request: GraphRequest) -> dict[str, str]:
    rows = request.body.get("members")
    if not isinstance(rows, list) or not rows or len(rows) > MEMBERS.most:
        raise bad_request("'members' must be a list of members.")
    found: dict[str, str] = {}
    for index, row in enumerate(rows):
        person = request.tenant.directory.find(user_of(row, f"members[{index}]"))
        found[person.id] = _role(row)
    return found


def _role(row: Json) -> str:
    roles = row.get("roles")
    role = roles[0] if isinstance(roles, list) and roles else "owner"
    if role not in {"owner", "guest"}:
        raise bad_request("A member's role is owner or guest.")
    return str(role)


def _list(request: GraphRequest) -> Response:
    person = request.user()
    rows = [_shown(request, thread) for thread in request.tenant.chats.chats_of(person.id)]
    return answer(collection(rows, request.place, "chats", CHATS))


def _shown(request: GraphRequest, thread: Thread) -> Json:
    if "members" in request.options.expands:
        return thread.row | {"members": list(thread.people.values())}
    return thread.row


def _chat_of(request: GraphRequest) -> Thread:
    return request.tenant.chats.chat(request.params["chat"], request.caller.user_id)


def _get(request: GraphRequest) -> Response:
    return answer(entity(_shown(request, _chat_of(request)), request.place, "chats/$entity"))


def _patch(request: GraphRequest) -> Response:
    thread = _chat_of(request)
    if thread.row["chatType"] != "group":
        raise bad_request("Only a group chat has a topic.")
    thread.row.update(members(request.body, TOPIC))
    return answer(entity(thread.row, request.place, "chats/$entity"))


def _members(request: GraphRequest) -> Response:
    rows = list(_chat_of(request).people.values())
    return answer(collection(rows, request.place, "members", MEMBERS))


def _add_member(request: GraphRequest) -> Response:
    thread = _chat_of(request)
    user_id = user_of(request.body, "member")
    row = request.tenant.chats.add_member(thread, user_id, _role(request.body))
    return answer(entity(row, request.place, "members/$entity"), 201)


def _drop_member(request: GraphRequest) -> Response:
    if _chat_of(request).people.pop(request.params["member"], None) is None:
        raise not_found("NotFound: the member does not exist.")
    return nothing()


# ---- messages


def _thread_of(request: GraphRequest) -> Thread:
    if "chat" in request.params:
        return _chat_of(request)
    return request.tenant.chats.channel(request.params["team"], request.params["channel"])


def _message_row(request: GraphRequest, thread: Thread, row: Json) -> Json:
    if "chat" in request.params:
        return row | {"chatId": thread.id}
    return row | {"channelIdentity": {"teamId": request.params["team"], "channelId": thread.id}}


def _messages(request: GraphRequest) -> Response:
    thread = _thread_of(request)
    rows = [_message_row(request, thread, row) for row in reversed(thread.messages.values())]
    return answer(collection(rows, request.place, "messages", MESSAGES))


def _message(request: GraphRequest) -> Response:
    thread = _thread_of(request)
    row = request.tenant.chats.message(thread, request.params["message"])
    return answer(entity(_message_row(request, thread, row), request.place, "messages/$entity"))


def _send(request: GraphRequest) -> Response:
    thread = _thread_of(request)
    row = request.tenant.chats.send(thread, request.body, request.caller.user_id, request.now)
    row = _message_row(request, thread, row)
    _tell_of(request, thread, row, "created")
    return answer(entity(row, request.place, "messages/$entity"), 201)


def _edit(request: GraphRequest) -> Response:
    thread, key, user_id = _thread_of(request), request.params["message"], request.caller.user_id
    row = request.tenant.chats.edit(thread, key, request.body, user_id, request.now)
    _tell_of(request, thread, _message_row(request, thread, row), "updated")
    return nothing()


def _delete(request: GraphRequest) -> Response:
    thread, key, user_id = _thread_of(request), request.params["message"], request.caller.user_id
    row = request.tenant.chats.delete(thread, key, user_id, request.now)
    _tell_of(request, thread, _message_row(request, thread, row), "deleted")
    return nothing()


def _react(request: GraphRequest) -> Response:
    thread, kind = _thread_of(request), request.text("reactionType")
    caller, now = request.caller.user_id, request.now
    row = request.tenant.chats.react(thread, request.params["message"], kind, caller, now)
    _tell_of(request, thread, _message_row(request, thread, row), "updated")
    return nothing()


def _tell_of(request: GraphRequest, thread: Thread, row: Json, kind: str) -> None:
    if "chat" in request.params:
        base, resource = f"chats/{thread.id}", f"chats('{thread.id}')/messages('{row['id']}')"
        keys = ["chats/getallmessages"]
        keys += [f"users/{one['userId']}/chats/getallmessages" for one in thread.people.values()]
    else:
        team = request.params["team"]
        base = f"teams/{team}/channels/{thread.id}"
        resource = f"teams('{team}')/channels('{thread.id}')/messages('{row['id']}')"
        keys = ["teams/getallmessages"]
    keys += [f"{base}/messages".lower(), f"{base}/messages/{row['id']}".lower()]
    data = _pointer("chatMessage", resource, row["id"])
    _publish(request, tuple(keys), kind, resource, (data, row))


def _pointer(kind: str, resource: str, key: str) -> Json:
    return {"@odata.type": f"#Microsoft.Graph.{kind}", "@odata.id": resource, "id": key}


def _publish(
    request: GraphRequest, keys: tuple[str, ...], kind: str, resource: str, what: tuple[Json, Json]
) -> None:
    data, content = what
    change = Change(request.tenant.id, keys, kind, resource, data, data | content)
    request.world.publish(change, request.now)


# ---- teams and channels


def _team_row(request: GraphRequest, group: Group) -> Json:
    return {
        "id": group.id,
        "displayName": group.name,
        "description": group.description or None,
        "isArchived": False,
        "tenantId": request.tenant.id,
        "visibility": "private",
        "webUrl": f"https://teams.microsoft.com/l/team/{group.id}",
    }


def _joined(request: GraphRequest) -> Response:
    person = request.user()
    groups = request.tenant.directory.groups.values()
    mine = [group for group in groups if group.is_team and person.id in group.members]
    rows = [_team_row(request, group) for group in mine]
    return answer(collection(rows, request.place, "teams", MEMBERS))


def _team(request: GraphRequest) -> Response:
    group = request.tenant.directory.team(request.params["team"])
    return answer(entity(_team_row(request, group), request.place, "teams/$entity"))


def _team_members(request: GraphRequest) -> Response:
    group = request.tenant.directory.team(request.params["team"])
    found: dict[str, Json] = {}
    for (team_id, _), thread in request.tenant.chats.channels.items():
        if team_id == group.id:
            found |= {row["userId"]: row for row in thread.people.values()}
    return answer(collection(list(found.values()), request.place, "members", MEMBERS))


def _channels(request: GraphRequest) -> Response:
    group = request.tenant.directory.team(request.params["team"])
    threads = request.tenant.chats.channels.items()
    rows = [thread.row for (team_id, _), thread in threads if team_id == group.id]
    return answer(collection(rows, request.place, "channels", MEMBERS))


def _channel(request: GraphRequest) -> Response:
    thread = request.tenant.chats.channel(request.params["team"], request.params["channel"])
    return answer(entity(thread.row, request.place, "channels/$entity"))
