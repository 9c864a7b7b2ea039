# SPDX-License-Identifier: Apache-2.0
"""OPTIONS in both directions: what we ask, what we answer, and whom health is told of it.

Content as Microsoft "Direct Routing - SIP protocol" wants it: our FQDN in From and Contact, no
user part anywhere, one Contact, Allow with REFER where transfers are taken. Cert case CON-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.ids import TrunkId
from centralino.wire.sip.headers import Headers
from centralino.wire.sip.message import Request, Response, response_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.dialing import Dialing
    from centralino.adapters.voice.health import HealthMonitor
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.adapters.voice.trunks import TrunkRegistry
    from centralino.wire.sip.endpoint import SipEndpoint
    from centralino.wire.sip.events import RequestFinished, RequestReceived
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


class OptionsExchange:
    """Asks the proxies that are due and answers the peers that ask."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        registry: TrunkRegistry,
        health: HealthMonitor,
        dialing: Dialing,
    ) -> None:
        self._endpoint = endpoint
        self._registry = registry
        self._health = health
        self._dialing = dialing
        self._asked: dict[str, tuple[TrunkId, str]] = {}

    def ask_due(self, now: int) -> None:
        """Send what is due."""
        for trunk, host in self._health.due(now):
            settings = self._registry.settings(trunk)
            hop = self._dialing.hop_to(settings, host)
            request = make_options(settings, hop, self._dialing.contact(trunk, ""))
            self._asked[self._endpoint.request(request, hop, now)] = (trunk, host)

    def finished(self, event: RequestFinished, now: int) -> bool:
        """Take the end of a request; False when it was none of ours."""
        asked = self._asked.pop(event.transaction, None)
        if asked is None:
            return False
        trunk, host = asked
        if event.response is not None:
            self._health.answered(trunk, host, event.response.status, now)
        else:
            self._health.lost(trunk, host, event.detail or "no answer to OPTIONS", now)
        return True

    def answer(
        self, event: RequestReceived, now: int, token: Callable[[], str], user_agent: str
    ) -> None:
        """Answer a peer, and note that it asked."""
        trunk = TrunkId(event.flow.trunk) if event.flow.trunk is not None else None
        settings = self._registry.settings(trunk) if trunk is not None else None
        response = answer_options(event.request, settings, token(), user_agent)
        self._endpoint.respond(event.transaction, response, now)
        if trunk is not None:
            self._health.asked(trunk, now)
