# SPDX-License-Identifier: Apache-2.0
"""Is it alive, is it ready: for service managers and load balancers, without a token.

Alive is a process that answers. Ready is one whose exchange is linked, can write its
journal, and has the voice process attached; each check that fails says how to mend it.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from centralino.api.door import PUBLIC
from centralino.api.views import exchange_health
from centralino.exchange.control import ControlPort

TAGS = ["health"]


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that must be so."""

    name: str
    is_good: bool
    mend: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether calls and commands are served now."""

    status: Literal["ready", "not-ready"]
    checks: tuple[Check, ...]


def _check(name: str, mend: str, *, is_good: bool) -> Check:
    return Check(name=name, is_good=is_good, mend="" if is_good else mend)


def readiness(control: ControlPort) -> Readiness:
    """Return whether the exchange is linked and fit."""
    health = exchange_health(control.health)
    checks = (
        _check(
            "exchange-linked",
            "The exchange process is away. It is started again by itself; if not, read its log.",
            is_good=health.is_exchange_linked,
        ),
        _check(
            "journal-writable",
            "Make room on the disk of data_dir, or mend it; calls get the degraded treatment.",
            is_good=health.is_journal_writable,
        ),
        _check(
            "voice-attached",
            "The voice process is away. It is started again by itself; if not, read its log.",
            is_good=health.is_voice_attached,
        ),
    )
    is_ready = all(check.is_good for check in checks)
    return Readiness(status="ready" if is_ready else "not-ready", checks=checks)


@get("/health/live", tags=TAGS, opt={PUBLIC: True}, security=[{}], operation_id="read_liveness")
async def read_liveness() -> Liveness:
    """Tell that the process answers."""
    return Liveness()


def readiness_route(control: ControlPort) -> HTTPRouteHandler:
    """Return the route that tells whether the product is ready."""

    @get(
        "/health/ready",
        tags=TAGS,
        opt={PUBLIC: True},
        security=[{}],
        operation_id="read_readiness",
    )
    async def read_readiness() -> Response[Readiness]:
        """Tell whether calls and commands are served; 503 when not, with what to mend."""
        found = readiness(control)
        return Response(found, status_code=200 if found.status == "ready" else 503)

    return read_readiness
