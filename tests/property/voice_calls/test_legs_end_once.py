# SPDX-License-Identifier: Apache-2.0
"""Whatever is ordered and whatever the far sides do: every leg ends, once, and last."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId, TrunkId
from centralino.exchange import orders as o
from centralino.exchange.facts import Ended, Fact, Offered
from centralino.exchange.media import KeyPressed, MediaChanged, Played
from centralino.wire.sip import events as e
from centralino.wire.sip.lifecycle import IllegalTransition
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.restart import restarted
from tests.unit.voice_calls.world import CARRIER, TEAMS, TENANT, FarSide, World, running_world

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.property

LEGS = st.integers(0, 4)
LIKELY = ("call", "invite", "answer", "far-answer", "far-answer", "bridge", "wait", "wait")
OTHERS = (
    "ring", "reject", "redirect", "hang-up", "cancel", "play", "collect", "hold", "resume",
    "remove", "record", "transfer", "mute", "send", "far-bye", "far-cancel", "far-hold",
    "far-refer", "far-ring", "far-reject", "far-cut", "far-deaf", "far-info", "key", "played",
    "no-media", "wait-long",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(LIKELY) | st.sampled_from(OTHERS), LEGS, LEGS),
    min_size=8,
    max_size=60,
)


class Story:
    """Carries out random steps; remembers every leg there ever was."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: list[LegId] = []
        self.told: list[Fact] = []
        self.sessions: list[tuple[FarSide, str]] = []
        self.count = 0
        world.driver.calls.on_fact = self.hear
        for peer in world.peers.values():
            peer.behave = self._watch(peer)

    def hear(self, fact: Fact) -> None:
        """Take a fact as it is told."""
        self.told.append(fact)
        if isinstance(fact, Offered):
            self.names.append(fact.leg)

    def _watch(self, peer: FarSide) -> Callable[[e.SipEvent], None]:
        def see(event: e.SipEvent) -> None:
            if isinstance(event, e.SessionInvited):
                self.sessions.append((peer, event.session))
            elif isinstance(event, e.SessionReoffered):
                answer = peer.sdp(version=9)
                peer.endpoint.accept_offer(event.session, answer, peer.now())

        return see

    def leg(self, number: int) -> LegId:
        return self.names[number % len(self.names)] if self.names else LegId("nobody")

    def far(self, number: int) -> tuple[FarSide, str]:
        if not self.sessions:
            return self.world.teams, "none"
        return self.sessions[-1 - number % len(self.sessions)]

    async def step(self, what: str, a: int, b: int) -> None:
        """Carry out one step."""
        self.count += 1
        if what.startswith("wait"):
            await self.world.settle(7 if what == "wait-long" else 0.02)
        elif what == "call":
            far = self.world.carrier if b % 2 else self.world.teams
            self.sessions.append((far, far.call()))
        elif what.startswith("far-"):
            self._far_side(what, a, b)
        elif what in ("key", "played", "no-media"):
            self._media(what, self.leg(a), b)
        else:
            self._order(what, self.leg(a), b)

    def _order(self, what: str, leg: LegId, b: int) -> None:
        plain: dict[str, tuple[Callable[..., o.AnyOrder], dict[str, object]]] = {
            "answer": (o.Answer, {}),
            "ring": (o.Ring, {}),
            "reject": (o.Reject, {"cause": o.RejectCause.BUSY}),
            "redirect": (o.Redirect, {"target": "+39062"}),
            "hang-up": (o.HangUp, {}),
            "cancel": (o.CancelInvite, {}),
            "play": (o.Play, {"play": f"p{b}", "prompts": ("x",), "loop": b > 2}),
            "collect": (o.Collect, {"collect": "c", "max_digits": 2}),
            "hold": (o.Hold, {}),
            "resume": (o.Resume, {}),
            "remove": (o.Remove, {}),
            "mute": (o.Mute, {}),
            "send": (o.SendDtmf, {"digits": "1"}),
            "transfer": (o.Transfer, {"target": "+39063"}),
            "record": (
                o.RecordStart,
                {"recording": RecordingId(f"r{self.count}"), "other": self.leg(b)},
            ),
        }
        if what == "invite":
            self._invite(CARRIER if b == 4 else TEAMS)
        elif what == "bridge":
            names = {leg, self.leg(b)} if b else {leg}
            people = tuple(o.BridgeMember(name) for name in sorted(names))
            self.world.order(o.Bridge, leg, bridge=BridgeId(f"b{b % 2}"), members=people)
        else:
            kind, fields = plain[what]
            self.world.order(kind, leg, **fields)

    def _invite(self, trunk: TrunkId) -> None:
        name = LegId(f"n{self.count}")
        self.names.append(name)
        self.world.order(
            o.Invite, name, tenant=TENANT, trunk=trunk, target="+39061", ring_for_ms=9000
        )

    def _media(self, what: str, leg: LegId, b: int) -> None:
        media = self.world.media
        if what == "key":
            media.emit(KeyPressed(leg=leg, digit="5", duration_ms=9))
        elif what == "played":
            media.emit(Played(leg=leg, play=f"p{b}", reason="completed"))
        else:
            media.emit(MediaChanged(leg=leg, change="timeout" if b % 2 else "resumed"))

    def _far_side(self, what: str, a: int, b: int) -> None:
        peer, session = self.far(a)
        endpoint, now = peer.endpoint, peer.now()
        if what == "far-bye":
            peer.bye(session)
        elif what == "far-cancel":
            peer.do(endpoint.cancel, session, now)
        elif what == "far-hold":
            offer = peer.sdp(direction="inactive", version=self.count + 10)
            peer.do(endpoint.reoffer, session, offer, now)
        elif what == "far-refer":
            peer.refer(session, "<sip:sip.teams.test;x-m=8:orgid:U2>")
        elif what == "far-info":
            peer.do(endpoint.info, session, now, "application/dtmf", b"3")
        elif what == "far-cut":
            self.world.peers[list(self.world.peers)[b % 3]].is_cut = a % 2 == 0
        elif what == "far-deaf":
            peer.is_deaf = b % 2 == 0
        else:
            self._respond(what, peer, session)

    def _respond(self, what: str, peer: FarSide, session: str) -> None:
        # The far side may do only what its own state allows.
        with suppress(IllegalTransition):
            if what == "far-answer":
                peer.answer(session)
            elif what == "far-ring":
                peer.ring(session)
            else:
                peer.reject(session, 486)


SETTINGS = CallSettings(media_timeout_s=30, probe_restored=False)


async def end_all(tale: Story) -> None:
    """Mend the network, hang up what is left, judge."""
    world = tale.world
    for peer in world.peers.values():
        peer.is_deaf = peer.is_cut = False
    await world.settle(1)
    for name in list(world.driver.calls.legs):
        world.order(o.HangUp, name)
    await world.settle(300)
    judge(tale)
    assert not world.driver.calls.legs
    assert not world.driver.calls.by_session
    assert not world.media.open
    assert world.edge.endpoint.open_sessions == 0


def collect_errors() -> list[object]:
    """Return the list to which errors in callbacks of the running loop go."""
    errors: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: errors.append(context))
    return errors


@given(STEPS)
def test_every_leg_ends_exactly_once(steps: list[tuple[str, int, int]]) -> None:
    async def story() -> None:
        with TemporaryDirectory() as folder:
            async with running_world(Path(folder), settings=SETTINGS) as world:
                tale, errors = Story(world), collect_errors()
                for what, a, b in steps:
                    await tale.step(what, a, b)
                await end_all(tale)
                assert not errors

    run_virtual(story())


@given(STEPS, STEPS)
def test_also_when_the_process_is_killed_between(
    steps: list[tuple[str, int, int]], more: list[tuple[str, int, int]]
) -> None:
    async def story() -> None:
        with TemporaryDirectory() as folder:
            async with running_world(Path(folder), settings=SETTINGS) as world:
                tale, errors = Story(world), collect_errors()
                for what, a, b in steps:
                    await tale.step(what, a, b)
                async with restarted(world):
                    tale.told += [f for f in world.inbox.waiting if f.generation == 2]
                    world.driver.calls.on_fact = tale.hear
                    for what, a, b in more:
                        await tale.step(what, a, b)
                    await end_all(tale)
                    assert not errors

    run_virtual(story())


def judge(tale: Story) -> None:
    """Each leg that was told of has one ``Ended``, and nothing follows it."""
    ends = Counter(fact.leg for fact in tale.told if isinstance(fact, Ended))
    assert set(ends) == set(tale.names)
    assert set(ends.values()) <= {1}
    over: set[LegId] = set()
    for fact in tale.told:
        if fact.leg and type(fact).__name__ not in ("OrderFailed", "RecordingReady"):
            assert fact.leg not in over, fact
        if isinstance(fact, Ended):
            over.add(fact.leg)
