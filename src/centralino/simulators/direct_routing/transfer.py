# SPDX-License-Identifier: Apache-2.0
"""Transfers that Teams starts: the REFER, and the check of what comes back.

The strings are made so that every careless treatment shows: mixed case, percent
escapes, a long base64 value. The INVITE that follows must repeat them byte for byte
(Microsoft "Direct Routing - SIP protocol", call transfer).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.dress import guid
from centralino.simulators.direct_routing.rules import Refused

if TYPE_CHECKING:
    import random

    from centralino.wire.sip.message import Request


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer that was asked for."""

    refer_to_uri: str
    """What the Request-URI of the INVITE must be."""
    referred_by: str
    """What its Referred-By must be."""
    tenant: str
    target_oid: str
    target_number: str
    correlation: str
    transferor_oid: str = ""
    service: str = ""
    """``music`` or ``park``, when the target is a server of Microsoft's."""
    is_consulted: bool = False
    """The target has been asked before and answers at once."""


class TransferBook:
    """The transfers that wait for their INVITE."""

    def __init__(self, rng: random.Random, host: str, port: int) -> None:
        """Make transfers that lead back to ``host``:``port``."""
        self._rng = rng
        self._target = f"{host}:{port};transport=tls"
        self._by_correlation: dict[str, Transfer] = {}

    def make(
        self,
        tenant: str,
        transferor_oid: str,
        *,
        oid: str = "",
        number: str = "",
        service: str = "",
        is_consulted: bool = False,
    ) -> Transfer:
        """Make a transfer to a Teams user, to a number or to a service."""
        correlation = guid(self._rng)
        if number:
            target = f"sip:{number}@{self._target};user=phone"
        else:
            who = f"8:orgid:{oid}" if oid else f"28:{guid(self._rng)}"
            target = f"sip:{self._target};x-m={who};x-t={tenant}"
        url = (
            f"https://api.flightproxy.example/v1/ngc/callNotification?dci={correlation.upper()}"
            f"&Mixed=CaSe%2F{self._rng.getrandbits(400):0100X}"
        )
        url += "~" * ((4 - len(url)) % 3)  # so that the base64 text ends in an escaped padding
        token = base64.b64encode(url.encode()).decode()
        escaped = token.replace("=", "%3d").replace("+", "%2B")
        by = (
            f"<sip:{self._target};x-m=8:orgid:{transferor_oid};x-t={tenant};"
            f"x-ti={correlation};x-tt={escaped}>"
        )
        transfer = Transfer(
            target,
            by,
            tenant,
            oid,
            number,
            correlation,
            transferor_oid=transferor_oid,
            service=service,
            is_consulted=is_consulted,
        )
        self._by_correlation[correlation] = transfer
        return transfer

    def is_replacement(self, request: Request) -> bool:
        """Say whether an INVITE claims to follow a transfer."""
        return "Referred-By" in request.headers or ";x-m=" in request.uri.lower()

    def verify(self, request: Request, tenant: str) -> Transfer:
        """Return the transfer an INVITE follows, once.

        Raises:
            Refused: 404/10202 for an unknown or repeated one, 400 for a changed byte, 403
                for another tenant.
        """
        by = request.headers.get("Referred-By") or ""
        correlation = next((c for c in self._by_correlation if c in by), None)
        if correlation is None:
            raise Refused(404, 10202, "Replacement call was not found")
        transfer = self._by_correlation.pop(correlation)
        if by != transfer.referred_by:
            raise Refused(400, 10202, "Referred-By was changed")
        if request.uri != transfer.refer_to_uri:
            raise Refused(400, 10202, "Refer-To was changed")
        if tenant != transfer.tenant:
            raise Refused(403, 510532, "The transfer belongs to another tenant")
        return transfer
