# SPDX-License-Identifier: Apache-2.0
"""Subscriptions: what is refused, how long they last, whom a change reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from centralino.simulators.graph.callers import Caller
from centralino.simulators.graph.errors import GraphError
from centralino.simulators.graph.instants import MINUTE_NS, iso
from centralino.simulators.graph.subscribable import KINDS, Subscribable, read_resource
from centralino.simulators.graph.world import World, make_world
from tests.kit.graph_schema import assert_is
from tests.kit.graph_tenant import (
    ANNA,
    APP,
    BRUNO,
    CARLA,
    EPOCH_NS,
    OTHER_APP,
    TENANT,
    scenario,
    subscriber_keys,
)

if TYPE_CHECKING:
    from centralino.simulators.graph.subscriptions import Subscription

pytestmark = pytest.mark.unit

NOW = EPOCH_NS
SUPERVISOR = Caller(TENANT, APP, CARLA, scopes=frozenset({"Presence.Read.All"}))
DAEMON = Caller(TENANT, APP, roles=frozenset({"CallRecords.Read.All", "Presence.Read.All"}))


@pytest.fixture
def world() -> World:
    return make_world(scenario(), "1", NOW)


def request(**changes: object) -> dict[str, Any]:
    minutes = float(str(changes.pop("minutes", 60)))
    usual: dict[str, Any] = {
        "resource": f"/communications/presences/{ANNA}",
        "changeType": "updated",
        "notificationUrl": "https://product.example/graph",
        "lifecycleNotificationUrl": "https://product.example/life",
        "expirationDateTime": iso(NOW + round(minutes * MINUTE_NS)),
        "clientState": "secret",
        "encryptionCertificate": subscriber_keys().text,
        "encryptionCertificateId": "1",
    }
    usual.update(changes)
    return {name: value for name, value in usual.items() if value is not None}


def made(world: World, caller: Caller = SUPERVISOR, **changes: object) -> Subscription:
    found = world.subscriptions.draft(request(**changes), caller, NOW)
    world.subscriptions.admit(found)
    return found


def records(**changes: object) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "resource": "communications/callRecords",
        "changeType": "created,updated",
    }
    usual.update(changes)
    return usual


def test_a_subscription_is_shown_without_its_certificate(world: World) -> None:
    shown = made(world).shown()
    assert_is("microsoft.graph.subscription", shown)
    assert shown["clientState"] == "secret"
    assert "encryptionCertificate" not in shown


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"minutes": 60.1}, 400, "60 minutes"),
        ({"minutes": 0}, 400, "future"),
        ({"changeType": "created"}, 400, "not supported"),
        ({"changeType": "sometimes"}, 400, "not supported"),
        ({"notificationUrl": "http://product.example/graph"}, 400, "https"),
        ({"notificationUrl": "graph"}, 400, "https"),
        ({"notificationUrl": None}, 400, "notificationUrl"),
        ({"encryptionCertificate": None}, 400, "EncryptionCertificate"),
        ({"encryptionCertificate": "bm8="}, 400, "Certificate"),
        ({"encryptionCertificateId": None}, 400, "EncryptionCertificateId"),
        ({"clientState": "x" * 129}, 400, "clientState"),
        ({"clientState": 7}, 400, "clientState"),
        ({"expirationDateTime": "soon"}, 400, "expirationDateTime"),
        ({"latestSupportedTlsVersion": "v9"}, 400, "latestSupportedTlsVersion"),
        ({"resource": "/planets"}, 400, "planets"),
        ({"resource": "/communications/presences"}, 400, "filter"),
    ],
)
def test_what_is_wrong_is_named(
    world: World, changes: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(GraphError) as caught:
        world.subscriptions.draft(request(**changes), SUPERVISOR, NOW)
    assert caught.value.status == status
    assert words in caught.value.message


def test_presence_is_for_users_only_and_records_for_applications_only(world: World) -> None:
    with pytest.raises(GraphError, match="application-only"):
        world.subscriptions.draft(request(), DAEMON, NOW)
    with pytest.raises(GraphError, match="delegated"):
        world.subscriptions.draft(request(**records()), SUPERVISOR, NOW)
    stranger = Caller(TENANT, APP, CARLA, scopes=frozenset({"User.Read"}))
    with pytest.raises(GraphError, match=r"Presence\.Read\.All"):
        world.subscriptions.draft(request(), stranger, NOW)


def test_one_presence_subscription_per_user_and_application(world: World) -> None:
    made(world)
    second = request(resource=f"/communications/presences/{BRUNO}")
    with pytest.raises(GraphError) as caught:
        world.subscriptions.draft(second, SUPERVISOR, NOW)
    assert caught.value.status == 403
    for other in (
        Caller(TENANT, OTHER_APP, CARLA, scopes=SUPERVISOR.scopes),
        Caller(TENANT, APP, BRUNO, scopes=SUPERVISOR.scopes),
    ):
        world.subscriptions.draft(second, other, NOW)


def test_650_presences_fit_and_651_do_not() -> None:
    def of(count: int) -> str:
        return f"/communications/presences?$filter=id in ({','.join(['%r'] * count)})" % tuple(
            f"id-{n}" for n in range(count)
        )

    assert len(read_resource(of(650), "").keys) == 650
    with pytest.raises(GraphError, match="650"):
        read_resource(of(651), "")


def test_call_records_have_room_for_a_hundred(world: World) -> None:
    for number in range(100):
        made(
            world, DAEMON, minutes=4230, notificationUrl=f"https://p.example/{number}", **records()
        )
    with pytest.raises(GraphError, match="limit of 100"):
        made(world, DAEMON, notificationUrl="https://p.example/again", **records())


def test_one_chat_has_room_for_one_and_a_users_chats_for_ten(world: World) -> None:
    caller = Caller(TENANT, APP, roles=frozenset({"Chat.Read.All"}))

    def subscribe(resource: str, number: int) -> None:
        made(world, caller, resource=resource, notificationUrl=f"https://p.example/{number}")

    subscribe("chats/1/messages", 0)
    with pytest.raises(GraphError, match="limit of 1 per application and chat"):
        subscribe("chats/1/messages", 1)
    for number in range(10):
        subscribe(f"users/{ANNA}/chats/getAllMessages", number)
    with pytest.raises(GraphError, match="limit of 10 per application and user"):
        subscribe(f"users/{ANNA}/chats/getAllMessages", 10)
    subscribe(f"users/{BRUNO}/chats/getAllMessages", 11)


def test_the_same_again_is_a_conflict(world: World) -> None:
    made(world, DAEMON, **records())
    with pytest.raises(GraphError) as caught:
        made(world, DAEMON, **records())
    assert caught.value.status == 409


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_no_kind_outlives_its_lifetime(kind: Subscribable, world: World) -> None:
    resource = {
        "presence": f"communications/presences/{ANNA}",
        "callRecord": "communications/callRecords",
        "chatMessage": "chats/getAllMessages",
        "chat": "chats",
        "shift": "teams/t/schedule/shifts",
        "event": f"users/{ANNA}/events",
        "user": "users",
        "group": "groups",
    }[kind.kind]
    caller = Caller(TENANT, APP, roles=frozenset(kind.application))
    if not kind.application:
        caller = Caller(TENANT, APP, CARLA, scopes=frozenset(kind.delegated))
    changes = {"resource": resource, "changeType": "updated"}
    made(world, caller, minutes=kind.lifetime_minutes, **changes)
    with pytest.raises(GraphError, match="minutes in the future"):
        made(world, caller, minutes=kind.lifetime_minutes + 1, **changes)


def test_messages_for_more_than_an_hour_need_a_lifecycle_url(world: World) -> None:
    caller = Caller(TENANT, APP, roles=frozenset({"Chat.Read.All"}))
    chat = {"resource": "chats/getAllMessages", "lifecycleNotificationUrl": None}
    made(world, caller, minutes=60, **chat)
    with pytest.raises(GraphError, match="lifecycleNotificationUrl"):
        made(world, caller, minutes=61, **chat)


def test_a_subscription_warns_is_renewed_and_expires(world: World) -> None:
    found = made(world)
    book = world.subscriptions
    assert book.next_deadline() == NOW + 45 * MINUTE_NS
    notices, _ = book.advance(NOW + 45 * MINUTE_NS)
    assert [notice.event for notice in notices] == ["reauthorizationRequired"]
    later = NOW + 50 * MINUTE_NS
    book.reauthorize(found, SUPERVISOR)
    assert found.expires_at == NOW + 60 * MINUTE_NS
    book.renew(found, {"expirationDateTime": iso(later + 60 * MINUTE_NS)}, SUPERVISOR, later)
    assert book.advance(NOW + 61 * MINUTE_NS)[1] == []
    assert book.advance(later + 60 * MINUTE_NS)[1] == [found]
    assert book.all() == []


def test_a_certificate_can_be_changed_and_a_lifecycle_url_cannot(world: World) -> None:
    found = made(world)
    other = subscriber_keys("rotated")
    body = {"encryptionCertificate": other.text, "encryptionCertificateId": "2"}
    world.subscriptions.renew(found, body, SUPERVISOR, NOW)
    assert (found.certificate, found.certificate_id) == (other.certificate, "2")
    with pytest.raises(GraphError, match="lifecycleNotificationUrl"):
        world.subscriptions.renew(
            found, {"lifecycleNotificationUrl": "https://x.example/"}, SUPERVISOR, NOW
        )


def test_nobody_sees_anothers_subscription(world: World) -> None:
    found = made(world)
    with pytest.raises(GraphError) as caught:
        world.subscriptions.get(found.id, Caller(TENANT, OTHER_APP))
    assert caught.value.status == 404
    assert world.subscriptions.of(Caller(TENANT, OTHER_APP)) == []


def test_a_change_reaches_whoever_asked_and_is_sealed(world: World) -> None:
    found = made(world)
    tenant = world.tenants[TENANT]
    for user in (ANNA, BRUNO):
        tenant.board.sources(user).client = "away"
        tenant.board.changed(user, NOW + 1)
    world.advance(NOW + 1)
    (post,) = world.deliveries.due(NOW + 1)
    (item,) = post.items
    assert_is("microsoft.graph.changeNotification", item.body)
    assert item.body["subscriptionId"] == found.id
    content = subscriber_keys().opened(item.body["encryptedContent"])
    assert (content["id"], content["availability"]) == (ANNA, "Away")


def test_a_silent_subscription_is_valid_and_says_nothing(world: World) -> None:
    found = made(world)
    found.is_silent = True
    tenant = world.tenants[TENANT]
    tenant.board.sources(ANNA).client = "away"
    tenant.board.changed(ANNA, NOW + 1)
    world.advance(NOW + 1)
    assert world.deliveries.due(NOW + 1) == []
    assert world.subscriptions.get(found.id, SUPERVISOR) is found


def test_lifecycle_notices_go_where_their_kind_has_them(world: World) -> None:
    found = made(world)
    world.remove_by_service(found, NOW)
    assert world.deliveries.due(NOW) == []
    caller = Caller(TENANT, APP, roles=frozenset({"Chat.Read.All"}))
    chat = made(world, caller, resource="chats/getAllMessages")
    world.remove_by_service(chat, NOW)
    (post,) = world.deliveries.due(NOW)
    assert post.url == "https://product.example/life"
    assert post.items[0].body["lifecycleEvent"] == "subscriptionRemoved"
    assert_is("microsoft.graph.changeNotification", post.items[0].body)
