# SPDX-License-Identifier: Apache-2.0
"""What one can subscribe to: paths, change types, lifetimes, permissions, quotas.

One row per kind of resource. Sources: Microsoft Graph, "Set up notifications for changes in
resource data" (lifetimes, latency, quotas), "subscription: create" (permissions), "Change
notifications for presence". The presence row is delegated only and demands a certificate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.simulators.graph.errors import bad_request

if TYPE_CHECKING:
    from centralino.simulators.graph.callers import Caller

ALL_CHANGES = frozenset({"created", "updated", "deleted"})
MOST_PRESENCES = 650


@dataclass(frozen=True, slots=True)
class Quota:
    """So many subscriptions of a kind for everything that ``key`` makes the same."""

    most: int
    what: str
    """Whose limit it is, for the message."""
    key: Callable[[Caller, str], tuple[str, ...]]
    """From who asks and the resource's path; empty where it does not apply."""


@dataclass(frozen=True, slots=True)
class Subscribable:
    """One kind of resource."""

    kind: str
    pattern: re.Pattern[str]
    """Of the path in lower case, without a leading slash and without the query."""
    lifetime_minutes: int
    application: tuple[str, ...] = ()
    """Any of these application permissions; empty: not for applications."""
    delegated: tuple[str, ...] = ()
    """Any of these delegated permissions; empty: not on behalf of a user."""
    changes: frozenset[str] = ALL_CHANGES
    rich_only: bool = False
    lifecycle: frozenset[str] = frozenset({"reauthorizationRequired"})
    lifecycle_url_above_minutes: int = 0
    """Longer subscriptions need a lifecycleNotificationUrl; 0: none does."""
    latency_ms: int = 1000
    """From the change to the first delivery."""
    quotas: tuple[Quota, ...] = ()


def _of_user(caller: Caller, path: str) -> tuple[str, ...]:
    return (caller.app_id, path) if path.startswith("users/") else ()


def _of_chat(caller: Caller, path: str) -> tuple[str, ...]:
    return () if path.startswith("users/") else (caller.app_id, caller.tenant_id, path)


def _kind(kind: str, path: str, lifetime_minutes: int, **rest: object) -> Subscribable:
    pattern = re.compile(re.sub(r"\{\}", "[^/?]+", path))
    return Subscribable(kind, pattern, lifetime_minutes, **rest)  # type: ignore[arg-type]  # the rows below name the fields


_TEAMS = frozenset({"reauthorizationRequired", "subscriptionRemoved"})
_OUTLOOK = _TEAMS | {"missed"}

KINDS = (
    _kind(
        "presence",
        r"communications/presences(?:/{})?",
        60,
        delegated=("Presence.Read.All",),
        changes=frozenset({"updated"}),
        rich_only=True,
        latency_ms=0,
        quotas=(Quota(1, "presence, user and application", lambda c, _: (c.app_id, c.user_id)),),
    ),
    _kind(
        "callRecord",
        r"communications/callrecords",
        4230,
        application=("CallRecords.Read.All",),
        changes=frozenset({"created", "updated"}),
        quotas=(Quota(100, "callRecords and organization", lambda c, _: (c.tenant_id,)),),
    ),
    _kind(
        "chatMessage",
        r"(?:users/{}/)?chats/getallmessages|chats/{}/messages(?:/{})?|teams/{}/channels/{}/messages"
        r"|teams/getallmessages",
        4320,
        application=("Chat.Read.All", "Chat.ReadWrite.All", "ChannelMessage.Read.All"),
        delegated=("Chat.Read", "Chat.ReadWrite", "ChannelMessage.Read.All"),
        lifecycle=_TEAMS,
        lifecycle_url_above_minutes=60,
        quotas=(
            Quota(1, "application and chat", _of_chat),
            Quota(10, "application and user", _of_user),
            Quota(10_000, "chats and organization", lambda c, _: (c.tenant_id,)),
        ),
    ),
    _kind(
        "chat",
        r"chats(?:/{})?|(?:chats|teams)/{}/members",
        4320,
        application=("Chat.ReadBasic.All", "Chat.Read.All", "Chat.ReadWrite.All"),
        delegated=("Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"),
        lifecycle=_TEAMS,
        lifecycle_url_above_minutes=60,
    ),
    _kind(
        "shift",
        r"teams/{}/schedule/(?:shifts|openshifts|timesoff|offershiftrequests|timeoffrequests"
        r"|swapshiftschangerequests|openshiftchangerequests)",
        360,
        application=("Schedule.Read.All", "Schedule.ReadWrite.All"),
        delegated=("Schedule.Read.All", "Schedule.ReadWrite.All"),
    ),
    _kind(
        "event",
        r"users/{}/events",
        4230,
        application=("Calendars.Read", "Calendars.ReadWrite"),
        delegated=("Calendars.Read", "Calendars.ReadWrite"),
        lifecycle=_OUTLOOK,
        quotas=(Quota(1000, "mailbox", lambda _, path: (path,)),),
    ),
    _kind(
        "user",
        r"users(?:/{})?",
        41_760,
        application=("User.Read.All",),
        delegated=("User.Read.All",),
        quotas=(Quota(100, "application and tenant", lambda c, _: (c.app_id, c.tenant_id)),),
    ),
    _kind(
        "group",
        r"groups(?:/{}(?:/members)?)?",
        41_760,
        application=("Group.Read.All", "GroupMember.Read.All"),
        delegated=("Group.Read.All",),
        quotas=(Quota(100, "application and tenant", lambda c, _: (c.app_id, c.tenant_id)),),
    ),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A resource of a subscription, understood."""

    kind: Subscribable
    path: str
    """Lower case, without a leading slash."""
    keys: tuple[str, ...]
    """What changes reach it: paths; several for a list of presences."""


def read_resource(resource: str, user_id: str) -> Target:
    """Return what a ``resource`` means; ``me/`` is the user's own.

    Raises:
        GraphError: 400, nobody can subscribe to it.
    """
    path, _, query = resource.strip().lstrip("/").partition("?")
    path = re.sub(r"^me/", f"users/{user_id}/", path.rstrip("/").lower())
    kind = next((row for row in KINDS if row.pattern.fullmatch(path)), None)
    if kind is None:
        raise bad_request(f"Subscription to resource '{resource}' is not supported.")
    if kind.kind == "presence":
        return Target(kind, path, _presences(path, query))
    return Target(kind, path, (path,))


def _presences(path: str, query: str) -> tuple[str, ...]:
    if path != "communications/presences":
        return (path,)
    match = re.fullmatch(r"\$filter=\s*id\s+in\s*\((.*)\)\s*", query, re.IGNORECASE)
    ids = re.findall(r"'([^']+)'", match[1]) if match is not None else []
    if not ids:
        raise bad_request("A presence subscription needs $filter=id in ('...').")
    if len(ids) > MOST_PRESENCES:
        raise bad_request(f"At most {MOST_PRESENCES} presences in one subscription.")
    return tuple(f"{path}/{one.lower()}" for one in ids)
