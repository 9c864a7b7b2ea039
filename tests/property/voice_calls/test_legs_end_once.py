# SPDX-License-Identifier: Apache-2.0
"""Whatever is ordered and whatever the far sides do: every leg ends, once, and last."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange import orders as o
from centralino.exchange.facts import Ended, Fact, Offered
from centralino.exchange.media import KeyPressed, MediaChanged, Played
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
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
        world.driver.calls.on_fact = self._hear
        for peer in world.peers.values():
            peer.behave = self._watch(peer)

    def _hear(self, fact: Fact) -> None:
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

    def order(self, kind: Callable[..., o.AnyOrder], leg: LegId, **fields: object) -> None:
        self.world.order(kind, leg, **fields)

    async def step(self, what: str, a: int, b: int) -> None:
        self.count += 1
        world, leg = self.world, self.leg(a)
        peer, session = self.far(a)
        now = world.clock.now()
        match what:
            case "call":
                far = world.carrier if b % 2 else world.teams
                self.sessions.append((far, far.call()))
            case "invite":
                name = LegId(f"n{self.count}")
                self.names.append(name)
                trunk = CARRIER if b == 4 else TEAMS
                self.order(
                    o.Invite, name, tenant=TENANT, trunk=trunk, target="+39061", ring_for_ms=9000
                )
            case "answer":
                self.order(o.Answer, leg)
            case "ring":
                self.order(o.Ring, leg)
            case "reject":
                self.order(o.Reject, leg, cause=o.RejectCause.BUSY)
            case "redirect":
                self.order(o.Redirect, leg, target="+39062")
            case "hang-up":
                self.order(o.HangUp, leg)
            case "cancel":
                self.order(o.CancelInvite, leg)
            case "bridge":
                names = {leg, self.leg(b)} if b else {leg}
                people = tuple(o.BridgeMember(name) for name in sorted(names))
                self.order(o.Bridge, leg, bridge=BridgeId(f"b{b % 2}"), members=people)
            case "play":
                self.order(o.Play, leg, play=f"p{b}", prompts=("x",), loop=b > 2)
            case "collect":
                self.order(o.Collect, leg, collect="c", max_digits=2)
            case "hold":
                self.order(o.Hold, leg)
            case "resume":
                self.order(o.Resume, leg)
            case "remove":
                self.order(o.Remove, leg)
            case "mute":
                self.order(o.Mute, leg)
            case "send":
                self.order(o.SendDtmf, leg, digits="1")
            case "record":
                name = RecordingId(f"r{self.count}")
                self.order(o.RecordStart, leg, recording=name, other=self.leg(b))
            case "transfer":
                self.order(o.Transfer, leg, target="+39063")
            case "far-bye":
                peer.bye(session)
            case "far-cancel":
                peer.do(peer.endpoint.cancel, session, now)
            case "far-hold":
                offer = peer.sdp(direction="inactive", version=self.count + 10)
                peer.do(peer.endpoint.reoffer, session, offer, now)
            case "far-refer":
                peer.refer(session, "<sip:sip.teams.test;x-m=8:orgid:U2>")
            case "far-info":
                peer.do(peer.endpoint.info, session, now, "application/dtmf", b"3")
            case "far-answer" | "far-ring" | "far-reject":
                self._respond(what, peer, session)
            case "far-cut":
                world.peers[list(world.peers)[b % 3]].is_cut = a % 2 == 0
            case "far-deaf":
                peer.is_deaf = b % 2 == 0
            case "key":
                world.media.emit(KeyPressed(leg=leg, digit="5", duration_ms=9))
            case "played":
                world.media.emit(Played(leg=leg, play=f"p{b}", reason="completed"))
            case "no-media":
                change = "timeout" if b % 2 else "resumed"
                world.media.emit(MediaChanged(leg=leg, change=change))
            case "wait":
                await world.settle(0.02)
            case _:
                await world.settle(7)

    def _respond(self, what: str, peer: FarSide, session: str) -> None:
        try:
            if what == "far-answer":
                peer.answer(session)
            elif what == "far-ring":
                peer.ring(session)
            else:
                peer.reject(session, 486)
        except Exception as error:
            # The far side may do only what its own state allows.
            if type(error).__name__ != "IllegalTransition":
                raise


@given(STEPS)
def test_every_leg_ends_exactly_once(steps: list[tuple[str, int, int]]) -> None:
    async def story() -> None:
        settings = CallSettings(media_timeout_s=30, probe_restored=False)
        with TemporaryDirectory() as folder:
            async with running_world(Path(folder), settings=settings) as world:
                tale = Story(world)
                errors: list[object] = []
                asyncio.get_running_loop().set_exception_handler(
                    lambda loop, context: errors.append(context)
                )
                for what, a, b in steps:
                    await tale.step(what, a, b)
                for peer in world.peers.values():
                    peer.is_deaf = peer.is_cut = False
                await world.settle(1)
                for name in list(world.driver.calls.legs):
                    world.order(o.HangUp, name)
                await world.settle(300)
                assert not errors
                judge(tale)
                assert not world.driver.calls.legs
                assert not world.driver.calls.by_session
                assert not world.media.open
                assert world.edge.endpoint.open_sessions == 0

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


