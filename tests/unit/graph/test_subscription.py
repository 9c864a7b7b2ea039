# SPDX-License-Identifier: Apache-2.0
"""A presence subscription through its life: made, rotated, refused, silent, removed, forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from centralino.adapters.clock import wait
from centralino.adapters.graph.notification import Item, parse_delivery
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.adapters.graph.settings import PresenceSettings
from centralino.adapters.graph.subscription import Callbacks, PresenceSubscriber
from centralino.exchange.microsoft import PersonId
from centralino.exchange.presence import PresenceSource
from tests.unit.graph.far_side import DIRECTORY, InMemorySink, World, run_in_virtual_time

pytestmark = pytest.mark.unit

ANNA = PersonId("aaaaaaaa-0000-0000-0000-000000000000")
SETTINGS = PresenceSettings(account="supervisor")


@dataclass
class Graph:
    """Keeps subscriptions; may refuse some operations."""

    refuses: set[str] = field(default_factory=set)
    alive: dict[str, dict[str, str]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    made: int = 0
    allows_one: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if request.method == "GET":
            value = [
                {"id": one, "notificationUrl": made["notificationUrl"]}
                for one, made in self.alive.items()
            ]
            return httpx.Response(200, json={"value": value})
        if request.method in self.refuses:
            return httpx.Response(403)
        if request.method == "POST" and name == "subscriptions":
            if self.allows_one and self.alive:
                return httpx.Response(403)
            self.made += 1
            self.alive[f"s{self.made}"] = json.loads(request.content)
            self.done.append(f"make s{self.made}")
            return httpx.Response(201, json={"id": f"s{self.made}"})
        if name not in self.alive:
            return httpx.Response(404)
        self.done.append(f"{request.method.lower()} {name}")
        if request.method == "DELETE":
            del self.alive[name]
            return httpx.Response(204)
        return httpx.Response(200, json={})


@dataclass
class Stage:
    world: World
    graph: Graph
    subscriber: PresenceSubscriber
    keeper: PresenceKeeper
    sink: InMemorySink

    def item(self, availability: str, *, name: str = "s1", **changes: str) -> Item:
        """A rich notification as Graph would send it."""
        made = self.graph.alive[name]
        body = {"id": ANNA, "availability": availability, "activity": availability}
        fields = {
            "subscriptionId": name,
            "clientState": made["clientState"],
            "encryptedContent": encrypted(made["encryptionCertificate"], json.dumps(body).encode()),
            **changes,
        }
        return parse_delivery(json.dumps({"value": [fields]}).encode()).value[0]


def encrypted(certificate: str, data: bytes) -> dict[str, str]:
    key = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    symmetric = hashlib.sha256(b"some key").digest()
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(symmetric), modes.CBC(symmetric[:16])).encryptor()
    sealed = encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()
    sha1 = hashes.SHA1()  # noqa: S303 - Microsoft's choice
    oaep = rsa_padding.OAEP(mgf=rsa_padding.MGF1(sha1), algorithm=sha1, label=None)
    signature = hmac.new(symmetric, sealed, hashlib.sha256).digest()
    parts = {"data": sealed, "dataSignature": signature, "dataKey": key.encrypt(symmetric, oaep)}
    return {name: base64.b64encode(value).decode() for name, value in parts.items()}


def played(script: object, graph: Graph | None = None) -> Graph:
    """Run a script on a stage in virtual time."""
    far_side = graph or Graph()

    async def body(world: World) -> Graph:
        sink = InMemorySink()
        keeper = PresenceKeeper(world.client, DIRECTORY, SETTINGS, sink, world.clock)
        numbers = iter(range(1000))
        subscriber = PresenceSubscriber(
            world.client,
            keeper,
            SETTINGS,
            Callbacks("https://here.example/n", "https://here.example/l"),
            world.clock,
            lambda: f"secret-{next(numbers)}",
        )
        subscriber.follow([ANNA])
        await subscriber.look()
        await script(Stage(world, far_side, subscriber, keeper, sink))  # type: ignore[operator]  # a coroutine function
        return far_side

    return run_in_virtual_time(far_side.answer, body)


def test_it_is_asked_for_as_the_account_with_everything_that_graph_wants() -> None:
    async def script(stage: Stage) -> None:
        assert set(stage.world.tokens.accounts) == {"supervisor"}
        made = stage.graph.alive["s1"]
        assert made["resource"] == f"/communications/presences?$filter=id in ('{ANNA}')"
        assert made["lifecycleNotificationUrl"] == "https://here.example/l"
        assert made["expirationDateTime"].endswith("Z")

    played(script)


def test_what_is_told_is_taken() -> None:
    async def script(stage: Stage) -> None:
        assert await stage.subscriber.hear([stage.item("Busy")]) == 1
        [reading] = stage.sink.noted
        assert (reading.availability, reading.source) == ("Busy", PresenceSource.NOTIFICATION)

    played(script)


def test_what_does_not_know_the_secret_or_was_changed_counts_for_nothing() -> None:
    async def script(stage: Stage) -> None:
        assert await stage.subscriber.hear([stage.item("Busy", clientState="guess")]) == 0
        assert await stage.subscriber.hear([stage.item("Busy", subscriptionId="s9")]) == 0
        item = stage.item("Busy")
        assert item.encrypted_content is not None
        item.encrypted_content.data_signature = base64.b64encode(b"x" * 32).decode()
        await stage.subscriber.hear([item])
        other = stage.item("Busy")
        assert other.encrypted_content is not None
        other.encrypted_content.data_key = base64.b64encode(b"x" * 256).decode()
        await stage.subscriber.hear([other])
        assert stage.sink.noted == []

    played(script)


def test_a_new_one_is_made_before_the_old_one_is_given_up() -> None:
    async def script(stage: Stage) -> None:
        await stage.subscriber.look()
        assert stage.graph.made == 1, "not before it is due"
        await wait(40 * 60)
        await stage.subscriber.look()

    assert played(script).done == ["make s1", "make s2", "delete s1"]


def test_where_only_one_is_allowed_it_is_prolonged() -> None:
    async def script(stage: Stage) -> None:
        await wait(40 * 60)
        await stage.subscriber.look()
        await stage.subscriber.look()

    assert played(script, Graph(allows_one=True)).done == ["make s1", "patch s1"]


def test_where_prolonging_fails_too_it_is_deleted_and_made_again() -> None:
    async def script(stage: Stage) -> None:
        await wait(40 * 60)
        stage.graph.refuses = {"PATCH"}
        await stage.subscriber.look()

    graph = Graph(allows_one=True)
    assert played(script, graph).done == ["make s1", "delete s1", "make s2"]


def test_one_that_keeps_quiet_about_a_change_is_replaced() -> None:
    async def script(stage: Stage) -> None:
        await stage.subscriber.hear([stage.item("Available")])
        [told] = stage.sink.noted
        polled = replace(told, availability="Busy", source=PresenceSource.POLL)
        stage.keeper.silence.see([polled], frozenset({ANNA}))
        await wait(400)
        await stage.subscriber.look()

    assert played(script).done == ["make s1", "delete s1", "make s2"]


def test_lifecycle_events_are_followed() -> None:
    async def script(stage: Stage) -> None:
        event = {"lifecycleEvent": "reauthorizationRequired"}
        await stage.subscriber.hear([stage.item("Busy", **event)])
        assert stage.graph.done == ["make s1", "patch s1"]
        event = {"lifecycleEvent": "subscriptionRemoved"}
        await stage.subscriber.hear([stage.item("Busy", **event)])
        assert stage.subscriber.active is None
        await stage.subscriber.look()
        assert stage.graph.done[-1] == "make s2"

    played(script)


def test_new_people_make_a_new_one() -> None:
    async def script(stage: Stage) -> None:
        stage.subscriber.follow([ANNA, PersonId("bbbbbbbb-0000-0000-0000-000000000000")])
        await stage.subscriber.look()
        assert "bbbbbbbb" in stage.graph.alive["s2"]["resource"]

    played(script)


def test_what_an_earlier_process_left_is_deleted_and_nobody_elses() -> None:
    async def script(stage: Stage) -> None:
        ours = {"notificationUrl": "https://here.example/n"}
        stage.graph.alive |= {"old": ours, "other": {"notificationUrl": "https://other.example/n"}}
        await stage.subscriber.clean_up()

    graph = played(script)
    assert graph.done == ["make s1", "delete old"]
    assert set(graph.alive) == {"s1", "other"}
