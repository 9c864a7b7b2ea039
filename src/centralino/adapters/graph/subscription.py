# SPDX-License-Identifier: Apache-2.0
"""One presence subscription kept alive: made, rotated before it ends, made anew when it dies.

A new one is made before the old one is given up, so that nothing is missed in between; where
Microsoft allows one only, the old one is prolonged instead, and if even that is refused it is
deleted and made again. Sources: Microsoft Graph, "subscription resource type", "Reduce missing
subscriptions and change notifications"; the pitfalls W37 to W40.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.adapters.clock import wait
from centralino.adapters.graph.presence import GraphPresence, PresenceKeeper
from centralino.adapters.graph.presence_book import MOST_PER_REQUEST
from centralino.adapters.graph.request import GraphRequest
from centralino.adapters.graph.resource_data import NotificationKey
from centralino.core.kernel.errors import AppError, Conflict, InvalidInput, NotFound, RemoteRejected
from centralino.core.kernel.instant import SECOND, Instant, to_iso

if TYPE_CHECKING:
    from centralino.adapters.graph.client import GraphClient
    from centralino.adapters.graph.notification import Item
    from centralino.adapters.graph.settings import PresenceSettings
    from centralino.exchange.microsoft import PersonId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

ROTATE_AFTER = 0.7
"""Of its life, a subscription is replaced."""
LOOK_EVERY_S = 15.0
RETRY_AFTER_S = 60.0
_PERMISSION = "Presence.Read.All (delegated)"


class _Made(msgspec.Struct, rename="camel"):
    id: str
    notification_url: str = ""


class _Listed(msgspec.Struct):
    value: list[_Made]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Where Graph delivers; HTTPS addresses that reach this server."""

    notifications: str
    lifecycle: str


@dataclass(slots=True)
class Subscription:
    """One subscription as Graph gave it."""

    id: str
    secret: str = field(repr=False)
    key: NotificationKey
    covered: tuple[PersonId, ...]
    made_at: int
    ends_at: int

    def is_from(self, item: Item) -> bool:
        """Tell whether an item names this subscription and knows its secret."""
        return item.subscription_id == self.id and hmac.compare_digest(
            item.client_state.encode(), self.secret.encode()
        )


class PresenceSubscriber:
    """Keeps a subscription for a keeper's people; :meth:`run` until cancelled."""

    def __init__(
        self,
        client: GraphClient,
        keeper: PresenceKeeper,
        settings: PresenceSettings,
        callbacks: Callbacks,
        clock: ClockPort,
        secret: Callable[[], str],
    ) -> None:
        self.active: Subscription | None = None
        self._former: Subscription | None = None
        self._client = client
        self._keeper = keeper
        self._settings = settings
        self._callbacks = callbacks
        self._clock = clock
        self._secret = secret
        self._people: tuple[PersonId, ...] = ()
        self._is_wanted_anew = False

    def follow(self, people: Sequence[PersonId]) -> None:
        """Say whose presence is wanted; the first 650 are subscribed to, all are polled."""
        wanted = tuple(people)
        self._is_wanted_anew |= wanted[:MOST_PER_REQUEST] != self._people[:MOST_PER_REQUEST]
        self._people = wanted
        self._keeper.follow(self._people, self.active.covered if self.active else ())

    async def run(self) -> None:
        """Keep it until cancelled; failures are tried again, polling goes on meanwhile."""
        pause_s = 0.0
        is_clean = False
        while True:
            await wait(pause_s)
            try:
                if self._people and not is_clean:
                    await self.clean_up()
                    is_clean = True
                await self.look()
                pause_s = LOOK_EVERY_S
            except AppError as error:
                log.warning("presence.not_subscribed", code=error.code)
                self._lose()
                pause_s = RETRY_AFTER_S

    async def clean_up(self) -> None:
        """Delete what an earlier process of ours has left: its secret died with it."""
        listed = await self._client.ask(self._request("GET", "/subscriptions", None), _Listed)
        for one in listed.value:
            is_ours = one.notification_url == self._callbacks.notifications
            if is_ours and (self.active is None or one.id != self.active.id):
                log.info("presence.subscription_left_over", subscription=one.id)
                await self._remove(one.id)

    async def look(self) -> None:
        """Do what is due now; raises what Graph refuses."""
        now = self._clock.utc()
        active = self.active
        if not self._people:
            return
        if active is not None and self._keeper.silence.is_dead(now):
            log.warning("presence.subscription_silent", subscription=active.id)
            self._lose()
            await self._delete(active)
            active = None
        if active is None or self._is_wanted_anew or now >= _rotation(active):
            await self._replace(active)

    def is_for(self, item: Item) -> bool:
        """Tell whether an item is of a subscription of ours and knows its secret."""
        return self._holder(item) is not None

    def _holder(self, item: Item) -> Subscription | None:
        known = (self.active, self._former)
        return next((one for one in known if one is not None and one.is_from(item)), None)

    async def hear(self, items: Sequence[Item]) -> int:
        """Take items of a delivery; returns how many were for this subscription."""
        presences: list[GraphPresence] = []
        taken = 0
        for item in items:
            holder = self._holder(item)
            if holder is None:
                continue
            taken += 1
            if item.lifecycle_event:
                await self._live(item.lifecycle_event)
            elif (presence := _presence_of(holder, item)) is not None:
                presences.append(presence)
            else:
                self._keeper.hasten()
        if presences:
            await self._keeper.hear(presences)
        return taken

    async def close(self) -> None:
        """Give the subscription up."""
        if self.active is not None:
            await self._delete(self.active)
            self._lose()

    # ------------------------------------------------------------------- lifecycle
    async def _live(self, event: str) -> None:
        log.info("presence.subscription_event", kind=event)
        if event == "reauthorizationRequired" and self.active is not None:
            await self._prolong(self.active)
        elif event == "subscriptionRemoved":
            self._lose()
            self._keeper.hasten()
        else:
            self._keeper.hasten()

    async def _replace(self, active: Subscription | None) -> None:
        try:
            fresh = await self._create()
        except (RemoteRejected, Conflict, InvalidInput):
            if active is None:
                raise
            if not self._is_wanted_anew and await self._prolong(active):
                return
            await self._delete(active)
            self._lose()
            fresh = await self._create()
            active = None
        self.active, self._former = fresh, active
        self._is_wanted_anew = False
        self._keeper.silence.begin(self._clock.utc())
        self._keeper.follow(self._people, fresh.covered)
        if active is not None:
            await self._delete(active)

    async def _create(self) -> Subscription:
        now = self._clock.utc()
        ends_at = now + self._settings.subscription_for_min * 60 * SECOND
        covered = self._people[:MOST_PER_REQUEST]
        secret, key = self._secret(), NotificationKey.make(now)
        names = ",".join(f"'{person}'" for person in covered)
        body = {
            "changeType": "updated",
            "resource": f"/communications/presences?$filter=id in ({names})",
            "notificationUrl": self._callbacks.notifications,
            "lifecycleNotificationUrl": self._callbacks.lifecycle,
            "expirationDateTime": to_iso(Instant(ends_at)),
            "clientState": secret,
            "includeResourceData": True,
            "encryptionCertificate": key.certificate,
            "encryptionCertificateId": key.id,
        }
        made = await self._client.ask(self._request("POST", "/subscriptions", body), _Made)
        log.info("presence.subscribed", subscription=made.id, people_count=len(covered))
        return Subscription(made.id, secret, key, covered, now, ends_at)

    async def _prolong(self, active: Subscription) -> bool:
        now = self._clock.utc()
        ends_at = now + self._settings.subscription_for_min * 60 * SECOND
        body = {"expirationDateTime": to_iso(Instant(ends_at))}
        try:
            await self._client.send(self._request("PATCH", f"/subscriptions/{active.id}", body))
        except AppError as error:
            log.warning("presence.not_prolonged", subscription=active.id, code=error.code)
            return False
        active.made_at, active.ends_at = now, ends_at
        return True

    async def _delete(self, one: Subscription) -> None:
        await self._remove(one.id)

    async def _remove(self, name: str) -> None:
        try:
            await self._client.send(self._request("DELETE", f"/subscriptions/{name}", None))
        except NotFound:
            pass
        except AppError as error:
            log.info("presence.not_deleted", subscription=name, code=error.code)

    def _lose(self) -> None:
        self.active = None
        self._keeper.follow(self._people)

    def _request(self, method: str, path: str, body: object) -> GraphRequest:
        return GraphRequest(
            operation=f"{method.lower()} presence subscription",
            method=method,
            path=path,
            directory=self._keeper.directory,
            permission=_PERMISSION,
            body=body,
            account=self._settings.account,
        )


def _rotation(one: Subscription) -> int:
    return one.made_at + round((one.ends_at - one.made_at) * ROTATE_AFTER)


def _presence_of(holder: Subscription, item: Item) -> GraphPresence | None:
    """Return the presence inside an item, ``None`` when it cannot be read."""
    if item.encrypted_content is None:
        return None
    try:
        return msgspec.json.decode(holder.key.open(item.encrypted_content), type=GraphPresence)
    except (InvalidInput, msgspec.DecodeError):
        log.warning("presence.notification_unreadable", subscription=holder.id)
        return None
