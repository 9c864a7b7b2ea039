# SPDX-License-Identifier: Apache-2.0
"""Chats, channels and their messages of one tenant.

A one-to-one chat of the same two people is one chat. Ids of messages are milliseconds since the
Unix epoch, as Teams has them. Sources: "Create chat", "Send chatMessage in a channel or a chat",
"chatMessage resource type".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.errors import GraphError, bad_request, forbidden, not_found
from centralino.simulators.graph.fields import (
    flag,
    listed,
    members,
    nested,
    one_of,
    text,
)
from centralino.simulators.graph.instants import NS_PER_MS, iso

if TYPE_CHECKING:
    from centralino.simulators.graph.directory import Directory
    from centralino.simulators.graph.identifiers import Identifiers

Json = dict[str, Any]

MOST_CHATS, MOST_MESSAGES, MOST_MEMBERS = 10_000, 2_000, 250
MOST_BODY = 28 * 1024
CARD = "application/vnd.microsoft.card.adaptive"

_IDENTITY = {"id": text, "displayName": text}
_ATTACHMENT = {
    "id": text,
    "contentType": text,
    "contentUrl": text,
    "content": text,
    "name": text,
    "thumbnailUrl": text,
    "teamsAppId": text,
}
_MENTIONED = {"user": nested(_IDENTITY | {"userIdentityType": one_of("aadUser")})}
MESSAGE = {
    "subject": text,
    "summary": text,
    "importance": one_of("normal", "high", "urgent"),
    "locale": text,
    "body": nested({"content": text, "contentType": one_of("text", "html")}, needs=("content",)),
    "attachments": listed(nested(_ATTACHMENT, needs=("id", "contentType"))),
    "mentions": listed(
        nested({"id": lambda value, name: _mention_id(value, name), "mentionText": text,
                "mentioned": nested(_MENTIONED)}, needs=("id", "mentionText", "mentioned"))
    ),
}  # fmt: skip
"""What a sent message may say."""
TOPIC = {"topic": text, "isHiddenForAllMembers": flag}


@dataclass(slots=True)
class Thread:
    """A chat or a channel with its messages, oldest first."""

    id: str
    row: Json
    """The chat or channel as Graph shows it."""
    people: dict[str, Json] = field(default_factory=dict)
    """Membership id to ``aadUserConversationMember``."""
    messages: dict[str, Json] = field(default_factory=dict)

    def has(self, user_id: str) -> bool:
        """Tell whether somebody is a member."""
        return any(row["userId"] == user_id for row in self.people.values())


class Chats:
    """The chats and channels of one tenant."""

    def __init__(self, tenant_id: str, directory: Directory, ids: Identifiers) -> None:
        self._tenant_id = tenant_id
        self._directory = directory
        self._ids = ids
        self._last_message = 0
        self.chats: dict[str, Thread] = {}
        self.channels: dict[tuple[str, str], Thread] = {}
        for group in directory.groups.values():
            if group.is_team:
                for channel in group.channels:
                    row = self._channel_row(channel.id, channel.name)
                    thread = Thread(channel.id, row)
                    for user_id in group.members:
                        if user_id in directory.people:
                            role = "owner" if user_id in group.owners else ""
                            self._join(thread, user_id, role)
                    self.channels[group.id, channel.id] = thread

    def _channel_row(self, channel_id: str, name: str) -> Json:
        return {
            "id": channel_id,
            "displayName": name,
            "description": None,
            "membershipType": "standard",
            "tenantId": self._tenant_id,
            "webUrl": f"https://teams.microsoft.com/l/channel/{channel_id}",
        }

    # ---- chats

    def create(self, kind: str, topic: str | None, user_ids: dict[str, str], now: int) -> Thread:
        """Make a chat; the same two people get the one they have.

        ``user_ids`` maps to roles: ``owner`` or ``guest``.

        Raises:
            GraphError: 400, too few or too many; 404, an unknown user; 403, too many chats.
        """
        for user_id in user_ids:
            self._directory.find(user_id)
        if kind == "oneOnOne":
            if len(user_ids) != 2 or topic is not None:
                raise bad_request("A oneOnOne chat has two members and no topic.")
            a, b = sorted(user_ids)
            chat_id = f"19:{a}_{b}@unq.gbl.spaces"
            if chat_id in self.chats:
                return self.chats[chat_id]
        else:
            if not 2 <= len(user_ids) <= MOST_MEMBERS:
                raise bad_request(f"A group chat has 2 to {MOST_MEMBERS} members.")
            chat_id = f"19:{self._ids.hexadecimal('chat')}@thread.v2"
        if len(self.chats) >= MOST_CHATS:
            raise forbidden("The tenant has too many chats.")
        thread = Thread(chat_id, self._chat_row(chat_id, kind, topic, now))
        for user_id, role in user_ids.items():
            self._join(thread, user_id, role)
        self.chats[chat_id] = thread
        return thread

    def _chat_row(self, chat_id: str, kind: str, topic: str | None, now: int) -> Json:
        return {
            "id": chat_id,
            "topic": topic,
            "createdDateTime": iso(now),
            "lastUpdatedDateTime": iso(now),
            "chatType": kind,
            "tenantId": self._tenant_id,
            "webUrl": f"https://teams.microsoft.com/l/chat/{chat_id}/0",
            "onlineMeetingInfo": None,
            "viewpoint": None,
            "isHiddenForAllMembers": False,
        }

    def _join(self, thread: Thread, user_id: str, role: str) -> Json:
        person = self._directory.find(user_id)
        row = {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "id": self._ids.hexadecimal("membership", 40),
            "roles": [role] if role else [],
            "displayName": person.name,
            "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
            "userId": person.id,
            "email": person.upn,
            "tenantId": self._tenant_id,
        }
        thread.people[str(row["id"])] = row
        return row

    def add_member(self, thread: Thread, user_id: str, role: str) -> Json:
        """Let somebody join a group chat.

        Raises:
            GraphError: 400, it is full, oneOnOne, or he is there; 404, an unknown user.
        """
        person = self._directory.find(user_id)
        is_open = thread.row.get("chatType") == "group" and len(thread.people) < MOST_MEMBERS
        if not is_open or thread.has(person.id):
            raise bad_request("The member cannot be added to this chat.")
        return self._join(thread, person.id, role)

    def chat(self, chat_id: str, user_id: str) -> Thread:
        """Return a chat; on behalf of somebody only his own.

        Raises:
            GraphError: 404, there is none that he may see.
        """
        found = self.chats.get(chat_id)
        if found is None or (user_id and not found.has(user_id)):
            raise not_found("NotFound: the chat does not exist or is not visible.")
        return found

    def channel(self, team_id: str, channel_id: str) -> Thread:
        """Return a channel.

        Raises:
            GraphError: 404.
        """
        found = self.channels.get((team_id.lower(), channel_id))
        if found is None:
            raise not_found("NotFound: the channel does not exist.")
        return found

    def chats_of(self, user_id: str) -> list[Thread]:
        """Return somebody's chats, the latest first."""
        mine = [chat for chat in self.chats.values() if chat.has(user_id)]
        return sorted(mine, key=lambda chat: str(chat.row["lastUpdatedDateTime"]), reverse=True)

    # ---- messages

    def send(self, thread: Thread, body: Json, user_id: str, now: int) -> Json:
        """Put a message into a chat or channel.

        Raises:
            GraphError: 400, it is malformed or too large; 403, he is no member.
        """
        if not thread.has(user_id):
            raise forbidden("The user is not a member of the chat or channel.")
        told = _checked(members(body, MESSAGE, needs=("body",)))
        self._last_message = max(self._last_message + 1, now // NS_PER_MS)
        message_id = str(self._last_message)
        person = self._directory.find(user_id)
        sender = {
            "@odata.type": "#microsoft.graph.teamworkUserIdentity",
            "id": person.id,
            "displayName": person.name,
            "userIdentityType": "aadUser",
        }
        row: Json = {
            "id": message_id,
            "etag": message_id,
            "replyToId": None,
            "messageType": "message",
            "createdDateTime": iso(now),
            "lastModifiedDateTime": iso(now),
            "lastEditedDateTime": None,
            "deletedDateTime": None,
            "subject": told.get("subject"),
            "summary": told.get("summary"),
            "chatId": None,
            "importance": told.get("importance") or "normal",
            "locale": told.get("locale") or "en-us",
            "webUrl": None,
            "channelIdentity": None,
            "policyViolation": None,
            "eventDetail": None,
            "from": {"application": None, "device": None, "user": sender},
            "body": {"contentType": "text"} | told["body"],
            "attachments": told.get("attachments") or [],
            "mentions": told.get("mentions") or [],
            "reactions": [],
        }
        thread.messages[message_id] = row
        while len(thread.messages) > MOST_MESSAGES:
            thread.messages.pop(next(iter(thread.messages)))
        if "lastUpdatedDateTime" in thread.row:
            thread.row["lastUpdatedDateTime"] = iso(now)
        return row

    def edit(self, thread: Thread, message_id: str, body: Json, user_id: str, now: int) -> Json:
        """Change one's own message.

        Raises:
            GraphError: 400, malformed; 403, it is another's; 404, there is none.
        """
        row = self.message(thread, message_id)
        if row["from"]["user"]["id"] != user_id:
            raise forbidden("Only the sender can change a message.")
        told = _checked(members(body, MESSAGE))
        row.update({name: value for name, value in told.items() if value is not None})
        row |= {"lastModifiedDateTime": iso(now), "lastEditedDateTime": iso(now)}
        row["etag"] = str(now // NS_PER_MS)
        return row

    def delete(self, thread: Thread, message_id: str, user_id: str, now: int) -> Json:
        """Take back one's own message; its place stays."""
        row = self.edit(thread, message_id, {}, user_id, now)
        row |= {"deletedDateTime": iso(now), "body": {"contentType": "text", "content": ""}}
        return row

    def react(self, thread: Thread, message_id: str, kind: str, user_id: str, now: int) -> Json:
        """Add a reaction, one per person and kind."""
        row = self.message(thread, message_id)
        person = self._directory.find(user_id)
        user = {"id": person.id, "displayName": person.name, "userIdentityType": "aadUser"}
        user["@odata.type"] = "#microsoft.graph.teamworkUserIdentity"
        others = [
            r
            for r in row["reactions"]
            if (r["reactionType"], r["user"]["user"]["id"]) != (kind, person.id)
        ]
        reaction = {"reactionType": kind, "createdDateTime": iso(now), "user": {"user": user}}
        row["reactions"] = [*others, reaction][:MOST_MEMBERS]
        return row

    @staticmethod
    def message(thread: Thread, message_id: str) -> Json:
        """Return a message.

        Raises:
            GraphError: 404.
        """
        found = thread.messages.get(message_id)
        if found is None:
            raise not_found("NotFound: the message does not exist.")
        return found


def _of_reaction(row: Json) -> tuple[str, str]:
    return row["reactionType"], row["user"]["user"]["id"]


def _mention_id(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST_MEMBERS:
        raise bad_request(f"'{name}' must be a small whole number.")
    return value


def _checked(told: Json) -> Json:
    """Refuse what Teams refuses: too large, cards that are no JSON, places that are not marked."""
    if len(json.dumps(told, ensure_ascii=False).encode("utf-16-le")) > 2 * MOST_BODY:
        raise GraphError(413, "RequestBodyTooLarge", "The message is too large.")
    content = (told.get("body") or {}).get("content", "")
    for attachment in told.get("attachments") or []:
        if f'<attachment id="{attachment["id"]}"' not in content:
            raise bad_request("Every attachment needs its place in the body.")
        if attachment["contentType"] == CARD:
            _require_card(attachment.get("content"))
    for mention in told.get("mentions") or []:
        if not re.search(rf'<at id="{mention["id"]}">', content):
            raise bad_request("Every mention needs its place in the body.")
    return told


def _require_card(content: object) -> None:
    try:
        card = json.loads(content) if isinstance(content, str) else None
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        raise bad_request("An adaptive card's content is its JSON as a string.")
