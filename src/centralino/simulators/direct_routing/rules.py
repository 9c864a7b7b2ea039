# SPDX-License-Identifier: Apache-2.0
"""What the proxies refuse, and with which codes. Pure.

Sources: Microsoft "Direct Routing - SIP protocol" and the support articles on SIP
response codes; where the code is not documented the fidelity ledger says so.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.wire.sip.uri import SipUri, parse_uri
from centralino.wire.sip.values import NameAddr

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.tenancy import Directory
    from centralino.simulators.scenario import TeamsUser, Tenant
    from centralino.wire.sip.message import Request

_E164 = re.compile(r"\+[0-9]{3,15}")


class Refused(Exception):
    """The request is refused."""

    def __init__(self, status: int, subcode: int, sentence: str) -> None:
        super().__init__(f"{status}/{subcode} {sentence}")
        self.status = status
        self.subcode = subcode
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Admitted:
    """Where an INVITE leads."""

    tenant: Tenant
    user: TeamsUser
    contact_host: str
    goes_to_voicemail: bool = False


def contact_host(request: Request) -> str:
    """Return the host of the first Contact value.

    Raises:
        Refused: it is missing or an IP address.
    """
    values = request.headers.values("Contact")
    if not values:
        raise Refused(403, 510532, "No Contact header")
    uri = parse_uri(NameAddr.parse(values[0]).uri)
    host = uri.host if isinstance(uri, SipUri) else ""
    if not host or _is_address(host):
        raise Refused(403, 510532, "Contact must carry the FQDN of the trunk")
    return host


def caller_of(request: Request) -> str:
    """Return the calling number; empty when it is hidden or none."""
    uri = parse_uri(NameAddr.parse(request.headers.get("From") or "").uri)
    user = (uri.user or "") if isinstance(uri, SipUri) else ""
    return "" if user.lower() == "anonymous" else user


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def matches_certificate(host: str, names: tuple[str, ...]) -> bool:
    """Say whether a certificate with ``names`` is good for ``host``.

    A wildcard covers exactly one label (RFC 2818 3.1).
    """
    wanted = host.lower()
    parent = wanted.partition(".")[2]
    return any(
        name.lower() == wanted or (name.startswith("*.") and name[2:].lower() == parent)
        for name in names
    )


def check_shape(request: Request) -> None:
    """Refuse what no tenant could mend.

    Raises:
        Refused: with the code of the ledger.
    """
    if request.uri.lower().startswith("sips:"):
        raise Refused(416, 0, "SIPS is not supported")
    if "Replaces" in request.headers:
        raise Refused(403, 0, "Replaces is not accepted from the SBC")
    if not request.body:
        raise Refused(488, 531000, "CannotSupportAnyMedia")


def admit(request: Request, directory: Directory, peer_names: tuple[str, ...]) -> Admitted:
    """Find the user an INVITE is for.

    Raises:
        Refused: with status and sub-code.
    """
    check_shape(request)
    host = contact_host(request)
    if peer_names and not matches_certificate(host, peer_names):
        raise Refused(403, 510532, "Contact does not match the certificate")
    tenant = directory.tenant_of(host)
    if tenant is None or directory.trunk_of(host) is None:
        raise Refused(403, 510532, "No trunk config was found")
    number = caller_of(request)
    if any(re.search(pattern, number) for pattern in tenant.blocked_numbers):
        raise Refused(403, 510534, "Calling number is blocked for the tenant")
    return _find_user(request, directory, tenant, host)


def _find_user(request: Request, directory: Directory, tenant: Tenant, host: str) -> Admitted:
    uri = parse_uri(request.uri)
    if not isinstance(uri, SipUri) or uri.user is None:
        raise Refused(412, 510412, "Callee number is malformed")
    number, _, extension = uri.user.partition(";ext=")
    if not _E164.fullmatch(number):
        raise Refused(404, 511404, "User not found")
    user = directory.user_by_number(tenant, number, extension or (uri.param("ext") or ""))
    if user is None:
        raise Refused(404, 511404, "User not found")
    if not user.enterprise_voice:
        raise Refused(403, 510560, "User is not enabled for Enterprise Voice")
    to_voicemail = uri.param("opaque") == "app:voicemail"
    return Admitted(tenant, user, host, goes_to_voicemail=to_voicemail)
