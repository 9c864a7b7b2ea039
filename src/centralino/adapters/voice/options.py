# SPDX-License-Identifier: Apache-2.0
"""The OPTIONS we send and how we answer one.

Content as Microsoft "Direct Routing - SIP protocol" wants it: our FQDN in From and Contact, no
user part anywhere, one Contact, Allow with REFER where transfers are taken. Cert case CON-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip.headers import Headers
from centralino.wire.sip.message import Request, Response, response_to

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.wire.sip.flow import Hop

_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")
_BEYOND_TEAMS = ("INFO", "UPDATE", "PRACK")


def allowed_methods(trunk: TrunkSettings | None) -> tuple[str, ...]:
    """Return what our Allow says to a trunk (None: to an edge of ours)."""
    if trunk is None:
        return (*_METHODS, "REFER", *_BEYOND_TEAMS)
    methods = (*_METHODS, "REFER") if trunk.allow_refer else _METHODS
    return methods if trunk.profile == "teams-direct" else (*methods, *_BEYOND_TEAMS)


def make_options(trunk: TrunkSettings, hop: Hop, contact: str) -> Request:
    """Return the question for one proxy."""
    host = f"[{hop.host}]" if ":" in hop.host else hop.host
    target = host if hop.port is None else f"{host}:{hop.port}"
    uri = f"sip:{target}" + ("" if hop.transport == "udp" else f";transport={hop.transport}")
    ours = f"[{trunk.contact_host}]" if ":" in trunk.contact_host else trunk.contact_host
    headers = Headers()
    headers.add("From", f"<sip:{ours}>")
    headers.add("To", f"<sip:{target}>")
    headers.add("Contact", contact)
    headers.add("Allow", ", ".join(allowed_methods(trunk)))
    headers.add("Accept", "application/sdp")
    return Request("OPTIONS", uri, headers)


def answer_options(
    request: Request, trunk: TrunkSettings | None, to_tag: str, user_agent: str
) -> Response:
    """Return 200 with what we can do."""
    response = response_to(request, 200, to_tag=to_tag)
    response.headers.add("Allow", ", ".join(allowed_methods(trunk)))
    response.headers.add("Accept", "application/sdp")
    response.headers.add("Supported", "timer, replaces")
    response.headers.add("Server", user_agent)
    return response
