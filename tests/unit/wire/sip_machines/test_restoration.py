# SPDX-License-Identifier: Apache-2.0
"""A dialog survives its process: checkpoint, JSON and MessagePack, restore."""

from __future__ import annotations

import msgspec
import pytest

from centralino.wire.sip.checkpoint import DialogCheckpoint
from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.endpoint import SipEndpoint
from centralino.wire.sip.events import (
    InfoReceived,
    ReferReceived,
    ReofferFinished,
    SessionEnded,
    SessionInvited,
    SessionRefreshed,
    SessionReoffered,
)
from tests.unit.wire.sip_machines.far_side import FarSide
from tests.unit.wire.sip_machines.link import ANSWER, HELD, OFFER, Link, Peer, seeded_token

pytestmark = pytest.mark.unit


def restart(peer: Peer, session: str, now: int) -> None:
    """Replace the endpoint of a peer by a new one that has only the checkpoint."""
    kept = peer.endpoint.checkpoint(session)
    assert kept is not None
    text = msgspec.json.encode(kept)
    binary = msgspec.msgpack.encode(kept)
    assert msgspec.msgpack.decode(binary, type=DialogCheckpoint) == kept
    peer.endpoint = SipEndpoint(EndpointConfig(user_agent="test"), token=seeded_token(77))
    restored = peer.endpoint.restore(msgspec.json.decode(text, type=DialogCheckpoint), now)
    assert restored == session


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_restored_session_goes_on(who: str) -> None:
    link = Link()
    caller, callee = link.connect()
    peer, session = (link.a, caller) if who == "caller" else (link.b, callee)
    far, far_session = (link.b, callee) if who == "caller" else (link.a, caller)
    restart(peer, session, link.now)

    peer.endpoint.info(session, link.now, "application/dtmf-relay", b"Signal=5")
    link.run_for(100)
    assert far.only(InfoReceived).request.body == b"Signal=5"
    far.endpoint.reoffer(far_session, HELD, link.now)
    link.run_for(100)
    assert peer.only(SessionReoffered).sdp == HELD
    peer.endpoint.accept_offer(session, ANSWER, link.now)
    link.run_for(100)
    assert far.only(ReofferFinished).status == 200
    peer.endpoint.bye(session, link.now)
    link.run_out()
    assert far.only(SessionEnded).cause == "bye-received"
    assert link.a.is_clean
    assert link.b.is_clean


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_the_session_timer_goes_on(who: str) -> None:
    link = Link()
    caller, callee = link.connect()
    link.run_for(600_000)
    peer, session = (link.a, caller) if who == "caller" else (link.b, callee)
    restart(peer, session, link.now)
    link.run_for(299_000)
    assert len(link.a.seen(SessionRefreshed)) == 0
    link.run_for(1_500)
    assert len(link.a.seen(SessionRefreshed)) == 1
    link.run_for(7_200_000)
    assert not link.a.seen(SessionEnded)
    assert not link.b.seen(SessionEnded)
    refreshes = [m for m in link.a.sent if getattr(m, "method", "") == "INVITE"]
    assert {message.body for message in refreshes} == {OFFER}


def test_a_clock_that_started_elsewhere_counts_as_just_refreshed() -> None:
    link = Link()
    caller, _ = link.connect()
    kept = link.a.endpoint.checkpoint(caller)
    assert kept is not None
    far = FarSide()
    far.endpoint.restore(kept, far.now)
    far.wait_ms(899_000)
    assert far.lines() == []
    far.wait_ms(1_500)
    assert far.lines() == ["INVITE"]


def test_nothing_but_an_established_session_has_a_checkpoint() -> None:
    far = FarSide()
    session = far.call()
    assert far.endpoint.checkpoint(session) is None
    assert far.endpoint.checkpoint("unknown") is None
    far.say(180)
    assert far.endpoint.checkpoint(session) is None
    far.say(200, sdp=ANSWER)
    assert far.endpoint.checkpoint(session) is not None
    ringing = far.invited(answer=False)
    assert far.endpoint.checkpoint(ringing) is None
    far.endpoint.bye(session, far.now)
    assert far.endpoint.checkpoint(session) is None


def test_the_checkpoint_keeps_the_route_target_and_flow() -> None:
    far = FarSide()
    session = far.established(
        headers=(
            ("Record-Route", "<sip:p2.test;lr>"),
            ("Record-Route", "<sip:p1.test:5061;transport=tls;lr>"),
        )
    )
    kept = far.endpoint.checkpoint(session)
    assert kept is not None
    assert kept.route_set == ("<sip:p1.test:5061;transport=tls;lr>", "<sip:p2.test;lr>")
    assert (kept.flow_id, kept.trunk, kept.sent_by) == (3, "t1", "trunk.test:5061")
    assert kept.local_sdp == OFFER.decode()
    fresh = FarSide()
    fresh.endpoint.restore(kept, far.now)
    fresh.endpoint.bye(session, far.now)
    bye = fresh.request("BYE")
    assert bye.uri == kept.remote_target
    assert bye.headers.get_all("Route") == list(kept.route_set)
    assert bye.cseq.number > kept.local_cseq
    send = fresh.sends[-1]
    assert send.hop is not None
    assert (send.flow_id, send.hop.host, send.hop.trunk) == (3, "p1.test", "t1")


def test_a_restored_session_takes_refers_and_is_known_by_replaces() -> None:
    far = FarSide()
    session = far.established()
    kept = far.endpoint.checkpoint(session)
    assert kept is not None
    fresh = FarSide()
    fresh.endpoint.restore(kept, far.now)
    common = {"to_tag": kept.local_tag, "call_id": kept.call_id}
    fresh.tell("REFER", headers=(("Refer-To", "<sip:x@y>"),), **common)  # type: ignore[arg-type]  # test shorthand
    assert fresh.only(ReferReceived).session == session
    value = f"{kept.call_id};to-tag={kept.local_tag};from-tag={kept.remote_tag}"
    fresh.tell("INVITE", call_id="n", sdp=OFFER, headers=(("Replaces", value),))
    assert fresh.only(SessionInvited).replaced_session == session


def test_an_older_checkpoint_without_the_optional_fields_loads() -> None:
    far = FarSide()
    kept = far.endpoint.checkpoint(far.established())
    assert kept is not None
    needed = "session is_caller call_id local_tag remote_tag local remote local_cseq remote_cseq"
    needed += " remote_target contact local_sdp"
    whole = msgspec.to_builtins(kept)
    old = msgspec.convert({name: whole.get(name) for name in needed.split()}, DialogCheckpoint)
    assert old.session_expires_s == 0
    assert far.endpoint.checkpoint(kept.session) == kept
