# SPDX-License-Identifier: Apache-2.0
"""What our application must be granted in Microsoft Entra, per feature, and why; nothing more.

Sources: Microsoft Graph permissions reference; "Cloud communications API" (permissions are
checked when a call is made or answered); "presence-get permissions".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["application", "delegated"]


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission for one feature."""

    feature: str
    name: str
    kind: Kind
    reason: str
    """What does not work without it."""
    is_sure: bool = True
    """False where Microsoft's documents at hand did not name it plainly."""


PERMISSIONS: tuple[Permission, ...] = (
    Permission("sign-in", "openid", "delegated", "People sign in and are known by their id."),
    Permission("sign-in", "profile", "delegated", "Their name is shown in the desk."),
    Permission("sign-in", "offline_access", "delegated", "They stay signed in for a working day."),
    Permission("presence", "Presence.Read.All", "application", "Presence of agents is polled."),
    Permission(
        "presence-subscription",
        "Presence.Read.All",
        "delegated",
        "Presence is told at once; Microsoft gives this to a signed-in account only.",
    ),
    Permission(
        "presence-publish",
        "Presence.ReadWrite.All",
        "application",
        "Teams shows agents as in a call or away while they work here.",
    ),
    Permission("people", "User.Read.All", "application", "People are found for transfers."),
    Permission(
        "people", "GroupMember.Read.All", "application", "Agents are taken over from groups."
    ),
    Permission("calendar", "Calendars.Read", "application", "It is seen when an expert is free."),
    Permission("extend", "Calls.Initiate.All", "application", "The bot calls and transfers."),
    Permission(
        "extend", "Calls.InitiateGroupCall.All", "application", "The bot invites into a call."
    ),
    Permission(
        "extend", "Calls.JoinGroupCall.All", "application", "The bot joins and answers group calls."
    ),
    Permission(
        "extend", "Calls.AccessMedia.All", "application", "Keys are heard and messages recorded."
    ),
    Permission("quality", "CallRecords.Read.All", "application", "Quality of calls is read."),
    Permission(
        "quality", "CallRecord-PstnCalls.Read.All", "application", "Costs of calls are read."
    ),
    Permission(
        "notify", "TeamsActivity.Send", "application", "Agents get a notice in the activity feed."
    ),
    Permission("shifts", "Schedule.Read.All", "application", "Shifts are read for planning."),
    Permission("chat", "ChatMessage.Send", "delegated", "An agent writes to a colleague."),
    Permission(
        "numbers",
        "TeamsTelephoneNumber.ReadWrite.All",
        "application",
        "Numbers are assigned from here.",
        is_sure=False,
    ),
)
"""Every permission of every feature."""

FEATURES: tuple[str, ...] = tuple(dict.fromkeys(one.feature for one in PERMISSIONS))
"""Names of features, in the order of the table."""

REFUSED: tuple[tuple[str, str], ...] = (
    ("Directory.ReadWrite.All", "We change nobody's account."),
    ("User.ReadWrite.All", "We change nobody's account."),
    ("Mail.Read", "Mail comes to us by its own channel, never out of people's mailboxes."),
    ("Chat.Read.All", "We read no chats of colleagues."),
    ("Calls.JoinGroupCallAsGuest.All", "The bot never hides as a guest."),
)
"""What others ask for and we do not need."""


def permissions_of(features: Iterable[str]) -> Sequence[Permission]:
    """Return what the features need, each permission once, in the order of the table."""
    wanted = frozenset(features)
    found: dict[tuple[str, Kind], Permission] = {}
    for one in PERMISSIONS:
        if one.feature in wanted:
            found.setdefault((one.name, one.kind), one)
    return tuple(found.values())


def permission_sheet(features: Iterable[str]) -> str:
    """Return the list for an administrator, as Markdown."""
    rows = [
        f"| `{one.name}` | {one.kind} | {one.feature} | {one.reason}"
        f"{'' if one.is_sure else ' (check the name: not confirmed)'} |"
        for one in permissions_of(features)
    ]
    refused = [f"- `{name}`: {reason}" for name, reason in REFUSED]
    return "\n".join(
        [
            "# Permissions",
            "",
            "Grant these to the application, then give admin consent; after any change give it "
            "again.",
            "",
            "| permission | kind | feature | without it |",
            "|---|---|---|---|",
            *rows,
            "",
            "Never grant, because we never ask:",
            "",
            *refused,
            "",
        ]
    )
