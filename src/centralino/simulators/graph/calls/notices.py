# SPDX-License-Identifier: Apache-2.0
"""Notifications on their way out: one lane per call, in order, retried, and spoiled on purpose.

The order is defined: of one call a notification is sent when the one before it was acknowledged or
given up; calls do not wait for each other. What the scenario spoils (duplicates, neighbours that
change places, lateness) is drawn from its seed. Nothing here opens a socket: `take` gives what is
to be posted now, `posted` takes what became of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from centralino.simulators.graph.calls.legacy import legacy_body
from centralino.wire.graph.notification import CommsNotification, write_notifications

if TYPE_CHECKING:
    from centralino.simulators.entra.mint import Defect
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.world import CallWorld


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST came to."""

    status: int
    """0: no answer, or none in time."""
    location: str = ""
    """Of a 302."""


@dataclass(frozen=True, slots=True)
class Post:
    """One POST to make now."""

    number: int
    url: str
    body: bytes
    audience: str
    """The application that the token is for."""
    tenant_id: str
    call_id: str
    chain_id: str
    attempt: int
    """From 1."""
    is_legacy: bool = False
    defect: Defect | None = None
    """What must be wrong with its token; None for nothing."""


@dataclass(slots=True, eq=False)
class _Parcel:
    """What travels in one envelope."""

    notices: list[CommsNotification]
    attempt: int = 0
    redirects: int = 0
    defect: Defect | None = None
    is_legacy: bool = False

    def may_take(self, other: _Parcel) -> bool:
        """Tell whether another one may travel in this envelope."""
        is_plain = not (self.is_legacy or other.is_legacy)
        return is_plain and self.defect is None and other.defect is None


@dataclass(slots=True, eq=False)
class _Lane:
    """What one call has to tell."""

    call: ServiceCall
    url: str
    waiting: deque[_Parcel] = field(default_factory=deque)
    current: _Parcel | None = None
    given_up: int = 0
    """In a row."""


class Notices:
    """All lanes."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world
        self._settings = world.settings.delivery
        self._dice = Random(f"{world.settings.seed}/notices")
        self._lanes: dict[str, _Lane] = {}
        self._ready: deque[Post] = deque()
        self._under_way: dict[int, _Lane] = {}
        self._number = 0
        self.on_ready: Callable[[], None] = _ignore
        """Told that something is to be posted."""
        self.sent_count = 0
        self.dropped_count = 0

    def put(self, call: ServiceCall, notice: CommsNotification, url: str) -> None:
        """Let a call tell something to an address."""
        lane = self._lanes.get(call.id)
        if lane is None:
            lane = self._lanes[call.id] = _Lane(call, url)
        lane.url = url if url != call.told_url else lane.url
        call.told_url = url
        if len(lane.waiting) >= self._settings.waiting:
            lane.waiting.popleft()
            self.dropped_count += 1
        parcel = _Parcel([notice])
        parcel.is_legacy = call.application.legacy_first and notice.change.value == "created"
        lane.waiting.append(parcel)
        self._spoil(lane)
        if lane.current is None:
            self._plan(lane)

    def _spoil(self, lane: _Lane) -> None:
        dice, settings, waiting = self._dice, self._settings, lane.waiting
        if len(waiting) > 1 and dice.random() < settings.reorder_ratio:
            waiting[-1], waiting[-2] = waiting[-2], waiting[-1]
        if dice.random() < settings.duplicate_ratio:
            waiting.append(_Parcel(list(waiting[-1].notices)))
        if settings.bad_tokens and dice.random() < settings.bad_token_ratio:
            forged = _Parcel(list(waiting[-1].notices), defect=dice.choice(settings.bad_tokens))
            waiting.insert(len(waiting) - 1, forged)

    def _plan(self, lane: _Lane) -> None:
        """Begin with the next parcel of a lane after its latency."""
        if not lane.waiting:
            lane.current = None
            if lane.call.is_over:
                self._lanes.pop(lane.call.id, None)
            return
        lane.current = lane.waiting[0]
        least, most = self._settings.least_latency_ms, self._settings.most_latency_ms
        delay_ms = self._dice.randint(least, max(least, most))
        self._world.later(delay_ms, partial(self._begin, lane))

    def _begin(self, lane: _Lane) -> None:
        parcel = lane.waiting.popleft()
        most = self._settings.batch
        while len(parcel.notices) < most and lane.waiting and parcel.may_take(lane.waiting[0]):
            parcel.notices += lane.waiting.popleft().notices
        lane.current = parcel
        self._send(lane)

    def _send(self, lane: _Lane, url: str = "") -> None:
        parcel = lane.current
        if parcel is None:
            return
        parcel.attempt += 1
        self._number += 1
        call = lane.call
        body = legacy_body(call) if parcel.is_legacy else write_notifications(parcel.notices)
        post = Post(
            self._number,
            url or lane.url,
            body,
            call.application.id,
            call.tenant_id,
            call.id,
            call.chain_id,
            parcel.attempt,
            parcel.is_legacy,
            parcel.defect,
        )
        self._under_way[post.number] = lane
        self._ready.append(post)
        self.sent_count += 1
        self.on_ready()

    def take(self) -> list[Post]:
        """Return what is to be posted now."""
        taken = list(self._ready)
        self._ready.clear()
        return taken

    def posted(self, post: Post, answer: Answer) -> None:
        """Take what became of a POST."""
        lane = self._under_way.pop(post.number, None)
        if lane is None or lane.current is None:
            return
        self._world.tell("notified", call=post.call_id, status=answer.status, attempt=post.attempt)
        parcel = lane.current
        if parcel.defect is not None:
            is_taken = 200 <= answer.status < 300
            what = "forgery-accepted" if is_taken else "forgery-refused"
            self._world.tell(what, call=post.call_id, defect=parcel.defect)
            self._plan(lane)
        elif parcel.is_legacy and answer.status == 204:
            parcel.is_legacy = False
            parcel.attempt = 0
            self._send(lane)
        elif answer.status in {301, 302, 307, 308} and answer.location:
            self._follow(lane, parcel, urljoin(post.url, answer.location))
        elif 200 <= answer.status < 300:
            lane.given_up = 0
            self._plan(lane)
        elif answer.status == 0 or answer.status >= 500:
            self._retry(lane, parcel)
        else:
            self._give_up(lane)

    def _follow(self, lane: _Lane, parcel: _Parcel, url: str) -> None:
        parcel.redirects += 1
        if parcel.redirects > self._settings.follows_redirects:
            self._give_up(lane)
            return
        if self._settings.moves_after_redirect:
            lane.url = url
        parcel.attempt = 0
        self._send(lane, url)

    def _retry(self, lane: _Lane, parcel: _Parcel) -> None:
        if parcel.attempt > self._settings.retries:
            self._give_up(lane)
            return
        delay_ms = self._settings.retry_after_ms * 2 ** (parcel.attempt - 1)
        self._world.later(delay_ms, partial(self._send, lane))

    def _give_up(self, lane: _Lane) -> None:
        self.dropped_count += 1
        lane.given_up += 1
        self._world.tell("notice-given-up", call=lane.call.id, in_a_row=lane.given_up)
        limit = self._settings.drops_call_after
        if limit and lane.given_up >= limit:
            lane.call.end("callback-failed")
        self._plan(lane)

    @property
    def under_way_count(self) -> int:
        """POSTs that are made and not answered."""
        return len(self._under_way)

    @property
    def waiting_count(self) -> int:
        """Notifications that are not delivered and not given up."""
        lanes = self._lanes.values()
        return sum(len(lane.waiting) for lane in lanes) + len(self._under_way)


def _ignore() -> None:
    """Leave it to the next look."""
