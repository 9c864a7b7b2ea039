# SPDX-License-Identifier: Apache-2.0
"""Who somebody is in a call: ``identitySet`` and ``communicationsIdentitySet``.

An identity set names the same party under one key that says what it is. The samples of the
reference write ``#microsoft.graph.identitySet`` even where a key is only declared by
``communicationsIdentitySet``; both are read. Written is the type that declares the key, because
the SDKs drop the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from centralino.wire.graph.errors import GraphProtocolError


class IdentityKind(StrEnum):
    """The key of the set, in the order in which a set is searched."""

    USER = "user"
    PHONE = "phone"
    GUEST = "guest"
    APPLICATION_INSTANCE = "applicationInstance"
    APPLICATION = "application"
    ACS_USER = "azureCommunicationServicesUser"
    ON_PREMISES = "onPremises"
    ENCRYPTED = "encrypted"
    DEVICE = "device"


_PLAIN = frozenset({IdentityKind.USER, IdentityKind.APPLICATION, IdentityKind.DEVICE})


@dataclass(frozen=True, slots=True)
class Identity:
    """One party."""

    kind: IdentityKind
    id: str
    """Object id, application id, or E.164 number of a phone."""
    display_name: str = ""
    tenant_id: str = ""

    @property
    def key(self) -> tuple[IdentityKind, str]:
        """What says that two identities are the same party."""
        return self.kind, self.id.lower()

    def write(self) -> dict[str, object]:
        """Return the set as JSON has it."""
        one: dict[str, object] = {"@odata.type": "#microsoft.graph.identity", "id": self.id}
        if self.display_name:
            one["displayName"] = self.display_name
        if self.tenant_id and self.kind is IdentityKind.USER:
            one |= {"tenantId": self.tenant_id, "identityProvider": "AAD"}
        kind = "identitySet" if self.kind in _PLAIN else "communicationsIdentitySet"
        return {"@odata.type": f"#microsoft.graph.{kind}", self.kind.value: one}


def read_identity(value: object) -> Identity | None:
    """Read an identity set; None where it names nobody.

    Raises:
        GraphProtocolError: the set or its member is no object, or the member has no id.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise GraphProtocolError("identity-not-an-object", "An identity set is no object")
    for kind in IdentityKind:
        one = value.get(kind.value)
        if one is None:
            continue
        if not isinstance(one, Mapping) or not isinstance(one.get("id"), str) or not one["id"]:
            raise GraphProtocolError("identity-without-id", "An identity has no id")
        return Identity(kind, one["id"], _text(one, "displayName"), _text(one, "tenantId"))
    return None


def _text(value: Mapping[str, object], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
