# SPDX-License-Identifier: Apache-2.0
"""Where Graph is and how hard it may be asked.

The defaults are the real service; the simulated tenant is the same with another address.
Limits: Microsoft, "Microsoft Graph service-specific throttling limits".
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class PresenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How Teams presence is followed and told."""

    is_followed: bool = True
    """False asks for no presence at all; routing then knows only our own states."""
    poll_every_s: Annotated[float, Meta(ge=2, le=300)] = 10.0
    """Everybody is read once in this time, in batches of 650. The age of presence is at most
    this plus Microsoft's own lag."""
    poll_every_subscribed_s: Annotated[float, Meta(ge=10, le=3600)] = 60.0
    """The same while notifications come: a safety net, since subscriptions die silently."""
    silent_after_s: Annotated[float, Meta(ge=60, le=86_400)] = 300.0
    """A subscription is taken for dead when polling has seen changes that it should have told,
    and it has told nothing for this long; a new one is made."""
    account: str = ""
    """Object id of the delegated account whose subscription is used; empty polls only, because
    presence subscriptions are not given to applications."""
    subscription_for_min: Annotated[int, Meta(ge=5, le=60)] = 55
    """How long a presence subscription is asked for; Microsoft allows 60."""
    is_published: bool = False
    """True tells Teams what our agents do (ready, in a call, away)."""
    published_for_min: Annotated[int, Meta(ge=5, le=240)] = 60
    """How long a told presence holds when we are gone; it is renewed long before."""


class GraphSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Microsoft Graph."""

    base_url: str = "https://graph.microsoft.com/v1.0"
    """The service. Plain HTTP is taken on the loopback only."""
    ca_file: str = ""
    """Certificate authorities to trust instead of the system's; the simulated tenant's own."""
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    """Longest wait for one answer."""
    most_tries: Annotated[int, Meta(ge=1, le=10)] = 4
    """How often a request that may be repeated is sent before it has failed."""
    longest_wait_s: Annotated[float, Meta(ge=1, le=600)] = 60.0
    """A longer ``Retry-After`` is not waited for: the caller is told."""
    most_connections: Annotated[int, Meta(ge=1, le=100)] = 16
    presence_per_30_s: Annotated[int, Meta(ge=1, le=1500)] = 1200
    """Presence requests we allow ourselves per directory; Microsoft's limit is 1500."""
    other_per_s: Annotated[int, Meta(ge=1, le=1000)] = 25
    """All other requests; Microsoft's limit for most of what we use is 30."""
    callback_url: str = ""
    """Address under which Microsoft reaches this server, such as `https://contact.example`; its
    webhooks lie below it. Empty: nothing can be subscribed to."""
    presence: PresenceSettings = PresenceSettings()


Area = Literal["presence", "other"]
"""What shares one limit of Microsoft's."""
