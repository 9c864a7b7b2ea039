# SPDX-License-Identifier: Apache-2.0
"""A small simulated tenant for tests of every level, and a subscriber's certificate."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, hmac, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from centralino.simulators.graph.scenario import (
    Channel,
    GraphScenario,
    Group,
    Person,
    Phone,
    PresenceSettings,
    ResourceAccount,
    SubscriptionSettings,
    Tenant,
)
from tests.kit.certificates import Authority

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
APP = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
OTHER_APP = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
SALES = "dddddddd-0000-4000-8000-000000000001"
TEAM = "dddddddd-0000-4000-8000-000000000002"
ROBOT = "eeeeeeee-0000-4000-8000-000000000001"
EPOCH_S = 1_767_225_600
"""2026-01-01T00:00:00Z, when the stepped clock of the simulators begins."""
EPOCH_NS = EPOCH_S * 1_000_000_000


def oid(number: int) -> str:
    """Return the object id of the n-th person."""
    return f"00000000-0000-4000-8000-{number:012d}"


ANNA, BRUNO, CARLA, GUEST = oid(1), oid(2), oid(3), oid(9)


def people() -> tuple[Person, ...]:
    """Return the people of the tenant."""
    return (
        Person(id=ANNA, upn="anna@north.example", name="Anna Riva", job_title="Agent",
               department="Sales", number="+390200000001", client="active", has_photo=True),
        Person(id=BRUNO, upn="bruno@north.example", name="Bruno Conti", department="Sales",
               number="+390200000002", client="active", phone=Phone(does="answer", after_ms=1000)),
        Person(id=CARLA, upn="carla@north.example", name="Carla Marchi", department="Support",
               time_zone="Europe/Rome"),
        Person(id=GUEST, upn="guest@elsewhere.example", name="Greta Ospite", is_guest=True),
    )  # fmt: skip


def tenant(*more: Person) -> Tenant:
    """Return the tenant, with more people."""
    return Tenant(
        id=TENANT,
        name="North",
        domain="north.example",
        people=(*people(), *more),
        groups=(
            Group(id=SALES, name="Sales queue", members=(ANNA, BRUNO)),
            Group(
                id=TEAM,
                name="Support team",
                members=(CARLA, SALES),
                owners=(CARLA,),
                is_team=True,
                channels=(Channel(id="19:general@thread.tacv2", name="General"),),
            ),
        ),
        resource_accounts=(
            ResourceAccount(
                id=ROBOT, upn="bot@north.example", name="Bot", app_id=APP, number="+390200000090"
            ),
        ),
        free_numbers=("+390200000098", "+390200000099"),
        installed_apps=(APP,),
        meeting_apps=(APP,),
    )


def scenario(*more: Person, **changes: object) -> GraphScenario:
    """Return the scenario: no lag, plain http on the loopback allowed."""
    other = Tenant(id=OTHER_TENANT, name="South", domain="south.example", people=())
    usual: dict[str, Any] = {
        "tenants": (tenant(*more), other),
        "presence": PresenceSettings(lag_mean_ms=0),
        "subscriptions": SubscriptionSettings(allows_http_loopback=True),
    }
    usual.update(changes)
    return GraphScenario(**usual)


@dataclass(frozen=True, slots=True)
class Keys:
    """A subscriber's key pair."""

    key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def text(self) -> str:
        """The certificate as ``encryptionCertificate`` takes it."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return base64.b64encode(der).decode()

    def opened(self, sealed: dict[str, str]) -> dict[str, Any]:
        """Return what an ``encryptedContent`` holds, by the receiver's steps of the page."""
        oaep = rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
        key = self.key.decrypt(base64.b64decode(sealed["dataKey"]), oaep)
        data = base64.b64decode(sealed["data"])
        check = hmac.HMAC(key, hashes.SHA256())
        check.update(data)
        check.verify(base64.b64decode(sealed["dataSignature"]))
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        found: dict[str, Any] = json.loads(unpadder.update(padded) + unpadder.finalize())
        return found


@cache
def subscriber_keys(name: str = "subscriber") -> Keys:
    """Return a key pair, made once per name."""
    identity = Authority.create(name).issue(f"{name}.example")
    return Keys(identity.key, identity.certificate)
