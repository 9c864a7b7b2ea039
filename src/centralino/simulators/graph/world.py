# SPDX-License-Identifier: Apache-2.0
"""The simulated tenants as a whole, driven by ``now``: no server, no task, no clock of its own.

:meth:`World.advance` lets time pass in everybody's presence, scripts, calls, records and
subscriptions, and queues the notifications that follow. Whoever changes something by a request
publishes it with :meth:`World.publish`. ``next_deadline`` says when to come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.change import Change
from centralino.simulators.graph.deliveries import Deliveries, DeliveryFaults, DeliveryRules, Item
from centralino.simulators.graph.errors import not_found
from centralino.simulators.graph.identifiers import Identifiers
from centralino.simulators.graph.instants import NS_PER_MS, NS_PER_S, iso
from centralino.simulators.graph.seal import sealed
from centralino.simulators.graph.subscriptions import (
    Notice,
    Subscription,
    SubscriptionBook,
    SubscriptionRules,
)
from centralino.simulators.graph.tenant import SimulatedTenant

if TYPE_CHECKING:
    from centralino.simulators.graph.presence_board import PresenceShown
    from centralino.simulators.graph.records import RecordOut
    from centralino.simulators.graph.scenario import GraphScenario

Json = dict[str, Any]

MOST_HAPPENINGS = 500


@dataclass(frozen=True, slots=True)
class Happening:
    """Something for the page's list: what and about whom, in words."""

    at: int
    tenant_id: str
    what: str
    """A word of the page's catalogue."""
    who: str = ""
    detail: str = ""


@dataclass(slots=True)
class World:
    """All simulated tenants, their subscriptions and notifications."""

    scenario: GraphScenario
    seed: str
    tenants: dict[str, SimulatedTenant]
    subscriptions: SubscriptionBook
    deliveries: Deliveries
    ids: Identifiers
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=MOST_HAPPENINGS))
    on_change: list[Callable[[], None]] = field(default_factory=list)
    """Told after something changed, to arm timers and to draw pages."""
    parts: list[Part] = field(default_factory=list)
    """Further simulations that live by the same ``now``."""

    def tenant(self, tenant_id: str) -> SimulatedTenant:
        """Return a tenant.

        Raises:
            GraphError: 404, it is not simulated here.
        """
        found = self.tenants.get(tenant_id.lower())
        if found is None:
            raise not_found("Tenant not found.", "TenantNotFound")
        return found

    def advance(self, now: int) -> None:
        """Let time pass until ``now``."""
        for tenant in self.tenants.values():
            self._advance_tenant(tenant, now)
        for part in self.parts:
            part.advance(now)
        notices, expired = self.subscriptions.advance(now)
        for notice in notices:
            self.notify_lifecycle(notice, now)
        for subscription in expired:
            self.tell(now, subscription.tenant_id, "subscription.expired", subscription.resource)

    def _advance_tenant(self, tenant: SimulatedTenant, now: int) -> None:
        while True:
            due = tenant.next_deadline()
            if due is None or due > now:
                break
            tenant.play(due)
            for shown in tenant.board.advance(due):
                self._presence(tenant, shown)
            for out in tenant.records.advance(due):
                self._record(tenant, out)
        # What is too old goes without a deadline of its own.
        tenant.records.advance(now)

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` or the deliveries have something to do."""
        edges = [tenant.next_deadline() for tenant in self.tenants.values()]
        edges += [part.next_deadline() for part in self.parts]
        edges += [self.subscriptions.next_deadline(), self.deliveries.next_deadline()]
        return min((edge for edge in edges if edge is not None), default=None)

    def changed(self) -> None:
        """Tell those who arm timers and draw pages."""
        for tell in self.on_change:
            tell()

    def tell(self, now: int, tenant_id: str, what: str, who: str = "", detail: str = "") -> None:
        """Add a line to what the page lists."""
        self.happenings.append(Happening(now, tenant_id, what, who, detail))

    def publish(self, change: Change, now: int) -> None:
        """Queue the notifications of a change."""
        found = self.subscriptions.matching(change.tenant_id, change.keys, change.kind)
        for subscription in found:
            if not subscription.is_silent:
                item = self._item(subscription, change, now)
                delay = subscription.target.kind.latency_ms * NS_PER_MS
                self.deliveries.put(item, now, delay)

    def _item(self, subscription: Subscription, change: Change, now: int) -> Item:
        body: Json = {
            "id": self.ids.guid("notification"),
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": iso(subscription.expires_at),
            "clientState": subscription.client_state,
            "changeType": change.kind,
            "resource": change.resource,
            "tenantId": subscription.tenant_id,
            "resourceData": change.data,
        }
        if subscription.target.kind.kind == "presence":
            body["organizationId"] = subscription.tenant_id
        is_rich = subscription.asks_for_data and subscription.certificate is not None
        if is_rich and subscription.certificate is not None:
            content = change.content if change.content is not None else change.data
            body["encryptedContent"] = sealed(
                content, subscription.certificate, subscription.certificate_id or ""
            )
        return _item_of(subscription, subscription.url, body, now, is_rich=is_rich)

    def notify_lifecycle(self, notice: Notice, now: int) -> None:
        """Queue a lifecycle notification, if the subscription can take it."""
        subscription = notice.subscription
        knows = notice.event in subscription.target.kind.lifecycle
        if not subscription.lifecycle_url or not knows:
            return
        body: Json = {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": iso(subscription.expires_at),
            "tenantId": subscription.tenant_id,
            "clientState": subscription.client_state,
            "lifecycleEvent": notice.event,
        }
        item = _item_of(subscription, subscription.lifecycle_url, body, now, is_rich=False)
        self.deliveries.put(item, now)
        self.tell(now, subscription.tenant_id, f"lifecycle.{notice.event}", subscription.resource)

    def remove_by_service(self, subscription: Subscription, now: int) -> None:
        """Let the service end a subscription, and tell it where that is told."""
        self.subscriptions.remove(subscription)
        self.notify_lifecycle(Notice(subscription, "subscriptionRemoved"), now)

    def _presence(self, tenant: SimulatedTenant, shown: PresenceShown) -> None:
        person = tenant.directory.people[shown.user_id]
        words = f"{shown.pair.availability}/{shown.pair.activity}"
        self.tell(shown.at, tenant.id, "presence.shown", person.name, words)
        identity = f"users/{shown.user_id}/presence"
        data = {"@odata.type": "#microsoft.graph.presence", "@odata.id": identity, "id": person.id}
        content = data | {
            "availability": shown.pair.availability,
            "activity": shown.pair.activity,
        }
        key = f"communications/presences/{shown.user_id}"
        resource = f"communications/presences('{shown.user_id}')"
        change = Change(tenant.id, (key,), "updated", resource, data, content)
        self.publish(change, shown.at)

    def _record(self, tenant: SimulatedTenant, out: RecordOut) -> None:
        resource = f"communications/callRecords/{out.id}"
        data = {
            "@odata.type": "#Microsoft.Graph.callrecord",
            "@odata.id": resource,
            "id": out.id,
        }
        kind = "created" if out.version == 1 else "updated"
        change = Change(tenant.id, ("communications/callrecords",), kind, resource, data)
        self.tell(out.at, tenant.id, "record.out", out.id, f"version {out.version}")
        self.publish(change, out.at)


class Part:
    """A further simulation that lives by the world's ``now``."""

    def advance(self, now: int) -> None:
        """Let time pass until ``now``."""

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` has something to do."""
        return None


def make_world(scenario: GraphScenario, seed: str, now: int) -> World:
    """Return the world of a scenario as it is at ``now``.

    Raises:
        GraphError: a tenant setting is unknown or of another type.
    """
    told = scenario.subscriptions
    rules = SubscriptionRules(
        allows_http_loopback=told.allows_http_loopback,
        rich_presence_only=told.rich_presence_only,
        refuses_duplicates=told.refuses_duplicates,
        clamps_lifetime=told.clamps_lifetime,
        reauthorize_before_minutes=told.reauthorize_before_minutes,
    )
    delivery = DeliveryRules(
        retry_first_ns=round(told.retry_first_s * NS_PER_S),
        retry_most_ns=round(told.retry_most_s * NS_PER_S),
        give_up_ns=round(told.give_up_s * NS_PER_S),
        most_in_batch=told.most_in_batch,
    )
    planted = scenario.faults
    faults = DeliveryFaults(planted.duplicates, planted.swaps, planted.losses)
    ids = Identifiers(f"{seed}/graph")
    return World(
        scenario=scenario,
        seed=seed,
        tenants={t.id.lower(): SimulatedTenant(t, scenario, seed, now) for t in scenario.tenants},
        subscriptions=SubscriptionBook(rules, ids),
        deliveries=Deliveries(delivery, faults, f"{seed}/deliveries"),
        ids=ids,
    )


def _item_of(subscription: Subscription, url: str, body: Json, now: int, *, is_rich: bool) -> Item:
    return Item(
        url=url,
        body=body,
        subscription_id=subscription.id,
        tenant_id=subscription.tenant_id,
        app_id=subscription.app_id,
        is_rich=is_rich,
        created_at=now,
    )
