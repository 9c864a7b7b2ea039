# SPDX-License-Identifier: Apache-2.0
"""Webhooks turn strangers away, echo only to whom they belong, and answer 202 only when kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from centralino.adapters.graph.notification import parse_delivery
from centralino.api.webhooks import MOST_BODY_BYTES, PREFIX, Webhooks, deal_with
from centralino.core.kernel.errors import InvalidInput, StorageError
from centralino.exchange.intake import Delivered

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.unit

SECRET = "secret-part-of-the-address"
OURS = f"{PREFIX}{SECRET}/graph"
DELIVERY = b'{"value":[{"subscriptionId":"s","clientState":"c"}]}'


@dataclass
class InMemoryIntake:
    """Keeps deliveries; refuses when it is full."""

    is_full: bool = False
    kept: list[Delivered] = field(default_factory=list)
    acknowledged: int = 0
    handed: int = 0
    is_done: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, delivered: Delivered) -> None:
        if self.is_full:
            raise StorageError("disk full")
        self.kept.append(delivered)

    async def next(self) -> Sequence[tuple[int, Delivered]]:
        if self.handed == len(self.kept):
            await asyncio.Event().wait()
        found = list(enumerate(self.kept, 1))[self.handed :]
        self.handed = len(self.kept)
        return found

    def acknowledge(self, position: int) -> None:
        self.acknowledged = position
        if position == len(self.kept):
            self.is_done.set()


class Noon:
    def now(self) -> int:
        return 12

    def utc(self) -> int:
        return 12


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[bytes, bytes]


def asked(
    intake: InMemoryIntake,
    *,
    path: str = OURS,
    method: str = "POST",
    query: bytes = b"",
    parts: Sequence[bytes] = (DELIVERY,),
) -> Answer:
    sent: list[Any] = []
    left = list(parts)

    async def receive() -> Any:  # noqa: ANN401 - what ASGI says
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:  # noqa: ANN401 - what ASGI says
        sent.append(message)

    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "query_string": query,
        "headers": [(b"authorization", b"Bearer abc")],
    }
    hooks = Webhooks(intake, Noon(), SECRET, {"graph": parse_delivery})
    asyncio.run(hooks(scope, receive, send))
    return Answer(sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"]))


def test_a_delivery_is_kept_and_accepted() -> None:
    intake = InMemoryIntake()
    assert asked(intake).status == 202
    assert intake.kept == [Delivered("graph", 12, DELIVERY, "Bearer abc")]


@pytest.mark.parametrize(
    "path",
    [
        f"{PREFIX}wrong/graph",
        f"{PREFIX}{SECRET}/other",
        f"{PREFIX}{SECRET}",
        PREFIX,
        f"{PREFIX}/graph",
    ],
)
def test_a_stranger_learns_nothing_and_nothing_is_kept(path: str) -> None:
    intake = InMemoryIntake()
    assert asked(intake, path=path).status == 404
    assert asked(intake, path=path, query=b"validationToken=x").status == 404
    assert intake.kept == []


def test_the_validation_token_comes_back_as_plain_text() -> None:
    token = "Validation: <script>alert(1)</script> & more"
    answer = asked(
        InMemoryIntake(), query=b"validationToken=" + quote(token).encode(), parts=(b"",)
    )
    assert (answer.status, answer.body) == (200, token.encode())
    assert answer.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert answer.headers[b"x-content-type-options"] == b"nosniff"
    long = b"validationToken=" + b"x" * 5000
    assert asked(InMemoryIntake(), query=long, parts=(b"",)).status == 400


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"value":{}}', b'{"value":[{"clientState":"x"}]}', b"\xff\xfe"]
)
def test_nonsense_is_refused_and_not_kept(body: bytes) -> None:
    intake = InMemoryIntake()
    assert asked(intake, parts=(body,)).status == 400
    assert intake.kept == []


def test_too_many_items_and_too_many_bytes_are_refused() -> None:
    intake = InMemoryIntake()
    many = b'{"value":[' + b",".join([b'{"subscriptionId":"s"}'] * 1001) + b"]}"
    assert asked(intake, parts=(many,)).status == 400
    assert asked(intake, parts=(b"x" * (MOST_BODY_BYTES + 1),)).status == 413
    assert asked(intake, parts=(b"x" * MOST_BODY_BYTES, b"x")).status == 413
    assert intake.kept == []


def test_a_body_in_parts_is_put_together() -> None:
    intake = InMemoryIntake()
    assert asked(intake, parts=(DELIVERY[:10], DELIVERY[10:20], DELIVERY[20:])).status == 202
    assert intake.kept[0].body == DELIVERY


def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    answer = asked(InMemoryIntake(is_full=True))
    assert answer.status == 503
    assert answer.headers[b"retry-after"] == b"5"


def test_other_methods_are_refused() -> None:
    assert asked(InMemoryIntake(), method="GET").status == 405


def test_deliveries_are_dealt_with_in_order_and_a_bad_one_holds_nobody_up() -> None:
    intake = InMemoryIntake(kept=[Delivered("graph", at, b"", "") for at in (1, 2, 3)])
    seen: list[int] = []

    async def handle(delivered: Delivered) -> None:
        seen.append(delivered.at)
        if delivered.at == 2:
            raise InvalidInput("forged")

    async def run() -> None:
        task = asyncio.ensure_future(deal_with(intake, {"graph": handle}))
        await intake.is_done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert seen == [1, 2, 3]
