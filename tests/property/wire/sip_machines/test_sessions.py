# SPDX-License-Identifier: Apache-2.0
"""Two endpoints on a wire that loses, repeats and reorders, driven by arbitrary users.

Whatever happens: no message raises, each session has exactly one last event and none after it,
each request and offer finishes once, and once all deadlines have passed nothing is left behind.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.events import (
    ReferProgress,
    ReferReceived,
    ReofferFinished,
    RequestFinished,
    RequestReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SessionReoffered,
)
from centralino.wire.sip.flow import Hop
from centralino.wire.sip.message import Request, response_to
from tests.unit.wire.sip_machines.link import ANSWER, DELAY_MS, OFFER, SECOND, Fault, Link, Peer

pytestmark = pytest.mark.property

LAST = (SessionCancelled, SessionFailed, SessionEnded)
REFER_TO = "<sip:sip.test;x-m=8:orgid:1>"

faults = st.lists(
    st.one_of(
        st.none(),
        st.integers(0, 1_500),
        st.tuples(st.integers(0, 600), st.integers(0, 5_000)),
    ),
    max_size=12,
)
sides = st.sampled_from(["a", "b"])
pauses = st.sampled_from([0, 1, 20, 50, 200, 500, 1_000, 5_000, 33_000, 400_000])


class Plan:
    """Faults to come; then all goes well."""

    def __init__(self) -> None:
        self.queue: deque[Fault] = deque()

    def __iter__(self) -> Iterator[Fault]:
        return self

    def __next__(self) -> Fault:
        return self.queue.popleft() if self.queue else DELAY_MS


class Users:
    """What one side's user owes and owns."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.read = 0
        self.sessions: list[str] = []
        self.invited: list[str] = []
        self.offered: list[str] = []
        self.referred: list[tuple[str, str]] = []
        self.accepted: list[tuple[str, str]] = []
        self.requests: list[RequestReceived] = []
        self.reoffers: Counter[str] = Counter()
        self.refers: set[tuple[str, str]] = set()
        self.asked: set[str] = set()
        self.over: set[str] = set()

    def look(self) -> None:
        """Take in the new events; check that nothing follows a last one."""
        for event in self.peer.events[self.read :]:
            session = getattr(event, "session", None)
            if session is not None and not isinstance(event, ReofferFinished | ReferProgress):
                assert session not in self.over, event
            self._note(event)
        self.read = len(self.peer.events)

    def _note(self, event: object) -> None:
        match event:
            case SessionInvited(session=session):
                self.sessions.append(session)
                self.invited.append(session)
            case SessionReoffered(session=session):
                self.offered.append(session)
            case ReferReceived(session=session, refer=refer):
                self.referred.append((session, refer))
            case RequestReceived():
                self.requests.append(event)
            case SessionCancelled(session=session) | SessionFailed(session=session):
                self.over.add(session)
            case SessionEnded(session=session):
                self.over.add(session)
            case ReofferFinished(session=session):
                self.reoffers[session] -= 1
            case _:
                pass


class Sessions(RuleBasedStateMachine):
    """Arbitrary users on an arbitrary wire."""

    transport = "udp"

    @initialize(reliable=st.booleans(), interval_s=st.sampled_from([90, 1800]))
    def begin(self, reliable: bool, interval_s: int) -> None:
        self.plan = Plan()
        supported = ("timer", "replaces", "100rel") if reliable else ("timer", "replaces")
        config = EndpointConfig(
            user_agent="t", session_expires_s=interval_s, supported=supported, refer_expires_s=60
        )
        self.link = Link(self.transport, self.plan, config, config)  # type: ignore[arg-type]  # a class attribute
        self.users = {"a": Users(self.link.a), "b": Users(self.link.b)}
        self.reliable = reliable

    def count(self, what: str) -> int:
        """Return how many of something both users have."""
        return sum(len(getattr(users, what)) for users in self.users.values())

    def settle(self) -> None:
        self.link.flush()
        for users in self.users.values():
            users.look()

    # ---- the wire

    @rule(wanted=faults)
    def spoil(self, wanted: list[Fault]) -> None:
        if len(self.plan.queue) < 40:
            self.plan.queue.extend(wanted)

    @rule(length_ms=pauses)
    def wait(self, length_ms: int) -> None:
        self.link.run_for(length_ms)
        self.settle()

    @rule(side=sides)
    def close_flow(self, side: str) -> None:
        peer = self.users[side].peer
        peer.endpoint.flow_closed(self.link.flow_to(peer).flow_id, self.link.now)
        self.settle()

    # ---- calls

    @precondition(lambda self: self.count("sessions") < 12)
    @rule(side=sides, wanted=faults)
    def connect(self, side: str, wanted: list[Fault]) -> None:
        """Make an established session likely, then spoil the wire."""
        self.call(side, required=False)
        self.link.run_for(100)
        self.settle()
        users = self.users["b" if side == "a" else "a"]
        if users.invited:
            session = users.invited.pop()
            users.peer.endpoint.answer(session, ANSWER, self.link.now, contact=users.peer.contact)
        self.link.run_for(100)
        self.settle()
        self.plan.queue.extend(wanted)

    @precondition(lambda self: self.count("sessions") < 12)
    @rule(side=sides, required=st.booleans())
    def call(self, side: str, required: bool) -> None:
        users = self.users[side]
        headers = (("Require", "100rel"),) if required and self.reliable else ()
        if side == "b":
            self.link.a, self.link.b = self.link.b, self.link.a
        session = self.link.call(headers=headers)
        if side == "b":
            self.link.a, self.link.b = self.link.b, self.link.a
        users.sessions.append(session)
        self.settle()

    @precondition(lambda self: self.count("invited") > 0)
    @rule(side=sides, data=st.data(), sdp=st.sampled_from([None, ANSWER]))
    def ring(self, side: str, data: st.DataObject, sdp: bytes | None) -> None:
        users = self.users[side]
        if users.invited:
            session = data.draw(st.sampled_from(users.invited))
            users.peer.endpoint.ring(session, self.link.now, sdp=sdp)
            self.settle()

    @precondition(lambda self: self.count("invited") > 0)
    @rule(side=sides, data=st.data(), is_answer=st.integers(0, 3))
    def decide(self, side: str, data: st.DataObject, is_answer: int) -> None:
        users = self.users[side]
        if not users.invited:
            return
        session = data.draw(st.sampled_from(users.invited))
        users.invited.remove(session)
        endpoint = users.peer.endpoint
        if is_answer:
            endpoint.answer(session, ANSWER, self.link.now, contact=users.peer.contact)
        else:
            endpoint.reject(session, 486, self.link.now)
        self.settle()

    @precondition(lambda self: self.count("sessions") > 1)
    @rule(
        side=sides, data=st.data(), how=st.sampled_from(["bye", "cancel"]), luck=st.integers(0, 4)
    )
    def end(self, side: str, data: st.DataObject, how: str, luck: int) -> None:
        users = self.users[side]
        if users.sessions and not luck:
            session = data.draw(st.sampled_from(users.sessions))
            if how == "cancel":
                users.peer.endpoint.cancel(session, self.link.now)
            else:
                if session in users.invited:
                    users.invited.remove(session)
                users.peer.endpoint.bye(session, self.link.now)
            self.settle()

    # ---- in the dialog

    @precondition(lambda self: self.count("sessions") > 0)
    @rule(side=sides, data=st.data(), version=st.integers(1, 3))
    def reoffer(self, side: str, data: st.DataObject, version: int) -> None:
        users = self.users[side]
        if users.sessions:
            session = data.draw(st.sampled_from(users.sessions))
            users.reoffers[session] += 1
            sdp = OFFER.replace(b"1 1 IN", b"1 %d IN" % (version + 5))
            users.peer.endpoint.reoffer(session, sdp, self.link.now)
            self.settle()

    @precondition(lambda self: self.count("offered") > 0)
    @rule(side=sides, is_fine=st.booleans())
    def answer_offer(self, side: str, is_fine: bool) -> None:
        users = self.users[side]
        if users.offered:
            session = users.offered.pop()
            if is_fine:
                users.peer.endpoint.accept_offer(session, ANSWER, self.link.now)
            else:
                users.peer.endpoint.reject_offer(session, 488, self.link.now)
            self.settle()

    @precondition(lambda self: self.count("sessions") > 0)
    @rule(side=sides, data=st.data())
    def info(self, side: str, data: st.DataObject) -> None:
        users = self.users[side]
        if users.sessions:
            session = data.draw(st.sampled_from(users.sessions))
            users.peer.endpoint.info(session, self.link.now, "a/b", b"x")
            self.settle()

    @precondition(lambda self: self.count("sessions") > 0)
    @rule(side=sides, data=st.data())
    def refer(self, side: str, data: st.DataObject) -> None:
        users = self.users[side]
        if users.sessions:
            session = data.draw(st.sampled_from(users.sessions))
            refer = users.peer.endpoint.refer(session, REFER_TO, self.link.now)
            users.refers.add((session, refer))
            self.settle()

    @precondition(lambda self: self.count("referred") > 0)
    @rule(side=sides, is_fine=st.booleans())
    def answer_refer(self, side: str, is_fine: bool) -> None:
        users = self.users[side]
        if users.referred:
            session, refer = users.referred.pop()
            if is_fine:
                users.peer.endpoint.accept_refer(session, refer, self.link.now)
                users.accepted.append((session, refer))
            else:
                users.peer.endpoint.reject_refer(session, refer, 603, self.link.now)
            self.settle()

    @precondition(lambda self: self.count("accepted") > 0)
    @rule(side=sides, status=st.sampled_from([100, 180, 200, 486]))
    def notify(self, side: str, status: int) -> None:
        users = self.users[side]
        if users.accepted:
            session, refer = users.accepted[-1]
            users.peer.endpoint.notify_refer(
                session, refer, status, "", final=status >= 200, now=self.link.now
            )
            self.settle()

    # ---- outside

    @precondition(lambda self: self.count("asked") < 3)
    @rule(side=sides)
    def options(self, side: str) -> None:
        request = Request("OPTIONS", "sip:x.test")
        request.headers.add("From", "<sip:x.test>")
        request.headers.add("To", "<sip:y.test>")
        users = self.users[side]
        hop = Hop("x.test", None, self.link.transport)
        users.asked.add(users.peer.endpoint.request(request, hop, self.link.now))
        self.settle()

    @precondition(lambda self: self.count("requests") > 0)
    @rule(side=sides)
    def respond(self, side: str) -> None:
        users = self.users[side]
        if users.requests:
            received = users.requests.pop()
            users.peer.endpoint.respond(
                received.transaction,
                response_to(received.request, 200, to_tag="t"),
                self.link.now,
            )
            self.settle()

    @rule(side=sides)
    def copy(self, side: str) -> None:
        """Restore every checkpoint elsewhere, hang up there, find nothing left."""
        users = self.users[side]
        scratch = Peer("scratch", 9, EndpointConfig(user_agent="t"))
        for session in users.sessions:
            kept = users.peer.endpoint.checkpoint(session)
            if kept is not None:
                assert scratch.endpoint.restore(kept, self.link.now) == session
                scratch.endpoint.bye(session, self.link.now)
                assert scratch.endpoint.checkpoint(session) is None
        while (at := scratch.endpoint.next_deadline()) is not None:
            scratch.endpoint.tick(at)
        assert scratch.is_clean

    # ---- what must hold

    @invariant()
    def each_session_ends_at_most_once(self) -> None:
        for users in self.users.values() if hasattr(self, "users") else ():
            ends = Counter(e.session for e in users.peer.events if isinstance(e, LAST))
            assert all(count == 1 for count in ends.values())

    @override
    def teardown(self) -> None:
        if not hasattr(self, "users"):
            return
        self.plan.queue.clear()
        for _ in range(3):
            self.settle()
            for users in self.users.values():
                for session in users.sessions:
                    users.peer.endpoint.bye(session, self.link.now)
            self.link.run_until(self.link.now + 500 * SECOND)
        self.settle()
        for users in self.users.values():
            self.check_end(users)

    def check_end(self, users: Users) -> None:
        peer = users.peer
        assert set(users.sessions) == users.over
        assert peer.is_clean, (
            peer.endpoint.open_sessions,
            peer.endpoint.open_transactions,
            peer.endpoint.armed_timers,
        )
        finished = Counter(e.transaction for e in peer.events if isinstance(e, RequestFinished))
        assert finished == Counter(users.asked)
        finals = Counter(
            (e.session, e.refer) for e in peer.events if isinstance(e, ReferProgress) and e.final
        )
        assert finals == Counter(users.refers)
        assert not [session for session, count in users.reoffers.items() if count]
        confirmed = {e.session for e in peer.events if isinstance(e, SessionEstablished)}
        answered = {e.session for e in peer.events if isinstance(e, SessionAnswered)}
        assert confirmed | answered <= users.over


class SessionsOverTls(Sessions):
    """The same without retransmission by the transactions: loss there means a broken flow."""

    transport = "tls"


@pytest.mark.parametrize("machine", [Sessions, SessionsOverTls])
def test_every_session_ends_once_and_leaves_nothing(machine: type[Sessions]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None),
    )
