# SPDX-License-Identifier: Apache-2.0
"""The edge's side of the control link: a replica that keeps itself, commands with answers.

``run`` keeps the link; while it is down ``health`` is ``None``, what was known stays
readable, and commands fail at once. A new exchange process replaces the replicas whole, as
soon as its reset is complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from centralino.core.kernel import errors
from centralino.core.kernel.errors import AppError, RemoteRejected, RemoteTimeout, RemoteUnavailable
from centralino.exchange.control import (
    Answer,
    Changes,
    ControlRequest,
    Figures,
    Follow,
    FromExchange,
    Health,
    ReadFigures,
    Refused,
    Submit,
    control_client_decoder,
)
from centralino.exchange.control_answers import KeyReused
from centralino.exchange.link.framing import Hello, LinkError
from centralino.exchange.link.stream import Link, LinkClient
from centralino.exchange.replica import TenantReplica

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

log = structlog.get_logger(__name__)

MOST_UNANSWERED = 150
_AWAY = "the exchange is away"

Reply = TypeVar("Reply", Answer, Figures)
_Maker = Callable[[int], Submit | ReadFigures]

_REFUSALS: dict[str, type[AppError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInput,
        errors.NotAllowed,
        errors.NotFound,
        errors.Conflict,
        errors.VersionConflict,
        errors.CapacityExceeded,
        errors.AlreadyExists,
        errors.StorageError,
        errors.Bug,
        KeyReused,
    )
}


class LinkedControl:
    """Implements ``ControlPort`` over the exchange's socket."""

    def __init__(self, socket: Path, *, generation: int, timeout_s: float) -> None:
        self._client = LinkClient(
            socket, Hello(name="edge", generation=generation), control_client_decoder()
        )
        self._timeout_s = timeout_s
        self._link: Link[FromExchange] | None = None
        self._health: Health | None = None
        self._replicas: dict[TenantId, TenantReplica] = {}
        self._coming: dict[TenantId, TenantReplica] = {}
        self._last_request = 0
        self._waiting: dict[int, asyncio.Future[Answer | Figures]] = {}

    @property
    def health(self) -> Health | None:
        """How the exchange is; ``None`` while it is away."""
        return self._health

    @property
    def replicas(self) -> Mapping[TenantId, TenantReplica]:
        """What is known of each tenant."""
        return self._replicas

    async def run(self) -> None:
        """Keep the link until cancelled."""
        await self._client.run(self._session)

    async def submit(self, request: ControlRequest) -> None:
        """Have a command decided; raises as the port says."""
        answer = await self._ask(
            lambda number: Submit(
                request=number,
                tenant=request.tenant,
                key=request.key,
                subject=request.subject,
                command=request.command,
            ),
            Answer,
        )
        if answer.code:
            raise _refusal(answer)

    async def read_figures(self, tenant: TenantId) -> Figures:
        """Return what was counted; raises as the port says."""
        return await self._ask(lambda number: ReadFigures(number, tenant), Figures)

    # ---------------------------------------------------------------------- asking
    async def _ask(self, make: _Maker, kind: type[Reply]) -> Reply:
        link = self._link
        if link is None or self._health is None:
            raise RemoteUnavailable("exchange", "command", _AWAY)
        if len(self._waiting) >= MOST_UNANSWERED:
            raise RemoteUnavailable("exchange", "command", "too many commands wait for answers")
        self._last_request += 1
        number = self._last_request
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            link.send(make(number))
            async with asyncio.timeout(self._timeout_s):
                reply = await future
        except LinkError as error:
            raise RemoteUnavailable("exchange", "command", _AWAY) from error
        except TimeoutError as error:
            text = "the exchange did not answer in time; whether it was done is unknown"
            raise RemoteTimeout("exchange", "command", text) from error
        finally:
            del self._waiting[number]
        if not isinstance(reply, kind):
            raise RemoteRejected("exchange", "command", "the answer is of another kind")
        return reply

    # --------------------------------------------------------------------- hearing
    async def _session(self, link: Link[FromExchange]) -> None:
        self._link = link
        self._coming = {}
        try:
            link.send(Follow())
            while True:
                self._hear(await link.receive(), link.peer.generation)
        finally:
            self._link = None
            self._health = None
            lost = RemoteTimeout("exchange", "command", "the exchange went away; ask again")
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(lost)
            for replica in self._replicas.values():
                replica.wake()

    def _hear(self, message: FromExchange, generation: int) -> None:
        match message:
            case Changes():
                self._take(message, generation)
            case Health():
                self._health = message
                for replica in self._replicas.values():
                    replica.wake()
            case Answer() | Figures():
                future = self._waiting.get(message.request)
                if future is not None and not future.done():
                    future.set_result(message)
            case Refused():
                log.error("control.refused", reason=message.text)
                raise LinkError(message.text)

    def _take(self, changes: Changes, generation: int) -> None:
        tenant = changes.tenant
        if not changes.is_reset:
            replica = self._replicas.get(tenant)
            if replica is None or changes.sequence != replica.sequence + 1:
                raise LinkError("a change of the exchange is missing")
            replica.take(changes)
            return
        coming = self._coming.get(tenant)
        if coming is None:
            coming = self._coming[tenant] = TenantReplica(tenant)
            coming.generation = generation
            coming.first_sequence = changes.sequence
        coming.take(changes)
        if changes.is_last:
            del self._coming[tenant]
            old = self._replicas.get(tenant)
            self._replicas[tenant] = coming
            if old is not None:
                old.supersede()


def _refusal(answer: Answer) -> AppError:
    kind = _REFUSALS.get(answer.code)
    if kind is None:
        return RemoteRejected("exchange", "command", f"{answer.code}: {answer.text}")
    return kind(answer.text, details=answer.details)
