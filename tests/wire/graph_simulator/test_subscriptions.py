# SPDX-License-Identifier: Apache-2.0
"""Subscriptions over real sockets: handshake, sealed notifications, retries, expiry, silence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from centralino.simulators.graph.instants import MINUTE_NS, iso
from centralino.simulators.graph.scenario import DeliveryFaults, SubscriptionSettings
from tests.kit.graph_stage import GraphStage, Reply, running_graph
from tests.kit.graph_tenant import (
    ANNA,
    APP,
    BRUNO,
    CARLA,
    EPOCH_NS,
    TENANT,
    scenario,
    subscriber_keys,
)

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]


async def subscribe(stage: GraphStage, **changes: object) -> Reply:
    """Subscribe to Anna's and Bruno's presence on behalf of Carla."""
    body: dict[str, Any] = {
        "resource": f"/communications/presences?$filter=id in ('{ANNA}','{BRUNO}')",
        "changeType": "updated",
        "notificationUrl": f"{stage.endpoint.url}/notify?tenant=north",
        "lifecycleNotificationUrl": f"{stage.endpoint.url}/life",
        "expirationDateTime": iso(EPOCH_NS + 60 * MINUTE_NS),
        "clientState": "secret",
        "includeResourceData": True,
        "encryptionCertificate": subscriber_keys().text,
        "encryptionCertificateId": "first",
    }
    body.update(changes)
    return await stage.user(CARLA, "Presence.Read.All").post("/subscriptions", body)


def change(stage: GraphStage, user: str, client: Any) -> None:  # noqa: ANN401 - a word of the model
    """Let somebody's client say something else."""
    board = stage.graph.world.tenants[TENANT].board
    board.sources(user).client = client
    board.changed(user, stage.graph.application.now())
    stage.graph.world.changed()


def test_both_endpoints_echo_a_token_and_then_changes_arrive_sealed() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            reply = await subscribe(stage)
            assert reply.status == 201
            assert reply.headers["location"].endswith(reply.body["id"])
            tokens = stage.endpoint.handshakes
            assert len(set(tokens)) == 2
            assert all(" " in token and ":" in token for token in tokens)
            change(stage, ANNA, "away")
            envelope = await stage.endpoint.next()
            (item,) = envelope["value"]
            assert envelope["validationTokens"] == [f"token of {APP} in {TENANT}"]
            assert item["clientState"] == "secret"
            assert item["organizationId"] == item["tenantId"] == TENANT
            content = subscriber_keys().opened(item["encryptedContent"])
            assert (content["id"], content["activity"]) == (ANNA, "Away")

    asyncio.run(scene())


@pytest.mark.parametrize("fault", ["echoes wrongly", "hangs", "nobody there", "far away"])
def test_without_the_handshake_there_is_no_subscription(fault: str) -> None:
    async def scene() -> None:
        told = SubscriptionSettings(allows_http_loopback=True, handshake_within_s=0.3)
        async with running_graph(scenario(port=0, subscriptions=told)) as stage:
            stage.endpoint.echoes = fault != "echoes wrongly"
            stage.endpoint.hangs = fault == "hangs"
            urls = {"nobody there": "http://127.0.0.1:9/n", "far away": "https://192.0.2.1/n"}
            changes = {"notificationUrl": urls[fault]} if fault in urls else {}
            reply = await subscribe(stage, **changes)
            assert (reply.status, reply.code) == (400, "ValidationError")
            asker = stage.user(CARLA, "Presence.Read.All")
            assert (await asker.get("/subscriptions")).value == []

    asyncio.run(scene())


def test_a_refused_notification_comes_again_and_again() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            await subscribe(stage)
            stage.endpoint.statuses = [503, 404, 202]
            change(stage, ANNA, "away")
            first = await stage.endpoint.next()
            for wait in (10, 20):
                await delivered(stage)
                stage.pass_time(wait)
                again = await stage.endpoint.next()
                assert again["value"][0]["id"] == first["value"][0]["id"]
            await delivered(stage)
            assert stage.graph.world.deliveries.next_deadline() is None

    asyncio.run(scene())


async def delivered(stage: GraphStage) -> None:
    """Wait until no post is open."""
    done = asyncio.Event()
    stage.graph.world.on_change.append(done.set)
    async with asyncio.timeout(10):
        while stage.graph.world.deliveries.open_count:
            done.clear()
            await done.wait()
    stage.graph.world.on_change.remove(done.set)


def test_life_of_a_subscription() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            asker = stage.user(CARLA, "Presence.Read.All")
            made = (await subscribe(stage)).body
            path = f"/subscriptions/{made['id']}"
            assert (await asker.get(path)).body["expirationDateTime"] == made["expirationDateTime"]
            assert [row["id"] for row in (await asker.get("/subscriptions")).value] == [made["id"]]
            stage.pass_time(45 * 60)
            warned = (await stage.endpoint.next())["value"][0]
            assert warned["lifecycleEvent"] == "reauthorizationRequired"
            assert "changeType" not in warned
            assert (await asker.post(f"{path}/reauthorize", {})).status == 204
            later = iso(EPOCH_NS + 104 * MINUTE_NS)
            other = subscriber_keys("rotated")
            rotated = {"encryptionCertificate": other.text, "encryptionCertificateId": "second"}
            reply = await asker.patch(path, {"expirationDateTime": later, **rotated})
            assert (reply.status, reply.body["expirationDateTime"]) == (200, later)
            change(stage, BRUNO, "idle")
            sealed = (await stage.endpoint.next())["value"][0]["encryptedContent"]
            assert sealed["encryptionCertificateId"] == "second"
            assert other.opened(sealed)["availability"] == "AvailableIdle"
            with pytest.raises(ValueError, match=r"decrypt|Decryption|padding"):
                subscriber_keys().opened(sealed)
            assert (await asker.delete(path)).status == 204
            assert (await asker.get(path)).status == 404

    asyncio.run(scene())


def test_an_unrenewed_subscription_ends_after_an_hour() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            made = (await subscribe(stage, lifecycleNotificationUrl=None)).body
            stage.pass_time(3600)
            asker = stage.user(CARLA, "Presence.Read.All")
            assert (await asker.get(f"/subscriptions/{made['id']}")).status == 404

    asyncio.run(scene())


def test_a_silent_subscription_lives_and_one_that_refuses_renewal_says_404() -> None:
    async def scene() -> None:
        faults = DeliveryFaults(silent_kinds=("presence",), refuses_renewal_kinds=("presence",))
        async with running_graph(scenario(port=0, faults=faults)) as stage:
            made = (await subscribe(stage)).body
            change(stage, ANNA, "away")
            stage.pass_time(60)
            asker = stage.user(CARLA, "Presence.Read.All")
            path = f"/subscriptions/{made['id']}"
            assert (await asker.get(path)).status == 200
            assert stage.endpoint.got.empty()
            later = {"expirationDateTime": iso(EPOCH_NS + 61 * MINUTE_NS)}
            assert (await asker.patch(path, later)).status == 404

    asyncio.run(scene())


def test_applications_alone_cannot_subscribe_to_presence() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            body = {
                "resource": f"communications/presences/{ANNA}",
                "changeType": "updated",
                "notificationUrl": f"{stage.endpoint.url}/notify",
                "expirationDateTime": iso(EPOCH_NS + MINUTE_NS),
            }
            reply = await stage.app("Presence.Read.All").post("/subscriptions", body)
            assert reply.status == 403
            assert stage.endpoint.handshakes == []

    asyncio.run(scene())
