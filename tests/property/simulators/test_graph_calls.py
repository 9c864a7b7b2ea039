# SPDX-License-Identifier: Apache-2.0
"""Whatever an application and the people do, the simulated calls keep their promises.

Random operations and random people, in random order and time: no call takes a step that is not in
the table, what was told last agrees with what GET shows, every operation is told at most once,
every call ends, nobody is left in a call that is over, and nothing breaks but by a refusal.
"""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.people import HandError
from centralino.simulators.graph.calls.settings import Person, Timing
from centralino.simulators.http.messages import Refusal
from centralino.wire.graph.call_lifecycle import INITIAL_STATES, CallState, may_follow
from tests.kit.graph_calls import (
    ADA,
    APP,
    APP_NUMBER,
    BOB,
    CALLBACK,
    CAT,
    DAN,
    MEDIA,
    MEETING,
    OTHER_PHONE,
    PHONE,
    Bot,
    new_call,
    people,
    phone,
    prompt,
    scenario,
    source_instance,
    tone_file,
    user,
)

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall

pytestmark = pytest.mark.property

EVERYBODY = (ADA, BOB, CAT, DAN, PHONE, OTHER_PHONE)
PARTIES = [user(ADA), user(BOB), user(CAT), user(DAN), phone(PHONE), phone(OTHER_PHONE)]
ANSWER = {"callbackUri": CALLBACK, "acceptedModalities": ["audio"], "mediaConfig": MEDIA}
SIMPLE: dict[str, dict[str, Any]] = {
    "keepAlive": {},
    "mute": {},
    "unmute": {},
    "subscribeToTone": {},
    "cancelMediaProcessing": {},
    "addLargeGalleryView": {},
    "playPrompt": {"prompts": [prompt("hello"), prompt("gone")]},
    "recordResponse": {"maxRecordDurationInSeconds": 2, "stopTones": ["1"]},
    "sendDtmfTones": {"tones": ["tone1", "pound"]},
    "updateRecordingStatus": {"status": "recording"},
    "reject": {"reason": "busy"},
}


class Calls(RuleBasedStateMachine):
    """The machine."""

    def __init__(self) -> None:
        super().__init__()
        changes = {
            "bob": Person(id=BOB, tone_hz=700, behaviour="by-hand"),
            "cat": Person(id=CAT, tone_hz=800, behaviour="decline", when_busy="busy"),
            "dan": Person(id=DAN, tone_hz=900, answer_after_ms=200, talk_for_ms=4_000),
        }
        built = scenario(
            people=people(**changes),
            meetings=(MEETING,),
            timing=Timing(keep_alive_s=120, lobby_s=60),
        )
        self.bot = Bot(built, files={"hello": tone_file(440, 600), "gone": None})
        self.known: dict[str, ServiceCall] = {}
        self.seen: dict[str, list[CallState]] = {}
        self._watch()

    def _watch(self) -> None:
        world, add = self.bot.world, self.bot.world.add_call

        def remember(call: ServiceCall) -> None:
            self.known[call.id] = call
            self.seen[call.id] = [call.state]
            add(call)

        world.add_call = remember  # type: ignore[method-assign]  # to see every call that is made

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        with contextlib.suppress(Refusal):
            self.bot.ask(method, path, body)
        self._note()

    def _note(self) -> None:
        for call_id, call in self.known.items():
            if self.seen[call_id][-1] is not call.state:
                self.seen[call_id].append(call.state)

    def _pick(self, data: st.DataObject) -> str:
        alive = [call.id for call in self.bot.world.calls.values()]
        return data.draw(st.sampled_from(alive or ["unknown"]))

    # ---- what an application does

    @rule(parties=st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3))
    def make(self, parties: list[dict[str, Any]]) -> None:
        self._ask("POST", "", new_call(targets=parties, source=source_instance()))

    @rule()
    def join(self) -> None:
        info = {"joinMeetingId": "123", "passcode": "p"}
        self._ask("POST", "", new_call(meetingInfo=info))

    @rule(caller=st.sampled_from(EVERYBODY), called=st.sampled_from([APP, APP_NUMBER]))
    def stand(self, caller: str, called: str) -> None:
        with contextlib.suppress(HandError):
            call = self.bot.world.ring(Arrival(caller, called), self.bot.now)
            self._ask("POST", f"/{call.id}/answer", ANSWER)
            self.wait(300)

    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self._ask("POST", f"/{self._pick(data)}/answer", ANSWER)

    @rule(data=st.data(), action=st.sampled_from(sorted(SIMPLE)))
    def simple(self, data: st.DataObject, action: str) -> None:
        self._ask("POST", f"/{self._pick(data)}/{action}", SIMPLE[action])

    @rule(data=st.data(), party=st.sampled_from(PARTIES), consults=st.booleans())
    def transfer(self, data: st.DataObject, party: dict[str, Any], consults: bool) -> None:
        call_id = self._pick(data)
        body: dict[str, Any] = {"transferTarget": dict(party)}
        if consults:
            body["transferTarget"]["replacesCallId"] = self._pick(data)
        call = self.bot.world.calls.get(call_id.replace("-", ""))
        if call is not None and call.is_group and call.room.members:
            body["transferee"] = {"participantId": call.room.members[0].id}
        self._ask("POST", f"/{call_id}/transfer", body)

    @rule(data=st.data(), parties=st.lists(st.sampled_from(PARTIES), min_size=1, max_size=2))
    def redirect(self, data: st.DataObject, parties: list[dict[str, Any]]) -> None:
        body = {"targets": parties, "timeout": 15}
        self._ask("POST", f"/{self._pick(data)}/redirect", body)

    @rule(data=st.data(), party=st.sampled_from(PARTIES), moves=st.booleans())
    def invite(self, data: st.DataObject, party: dict[str, Any], moves: bool) -> None:
        one = dict(party)
        if moves:
            one["replacesCallId"] = self._pick(data)
        body = {"participants": [one]}
        self._ask("POST", f"/{self._pick(data)}/participants/invite", body)

    @rule(data=st.data(), action=st.sampled_from(["mute", "startHoldMusic", "stopHoldMusic", ""]))
    def participant(self, data: st.DataObject, action: str) -> None:
        call = self.bot.world.calls.get(self._pick(data).replace("-", ""))
        if call is None or not call.room.members:
            return
        member = data.draw(st.sampled_from([one.id for one in call.room.members]))
        path = f"/{call.id}/participants/{member}"
        self._ask("POST" if action else "DELETE", f"{path}/{action}".rstrip("/"), {})

    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self._ask("DELETE", f"/{self._pick(data)}")

    # ---- what people do

    @rule(caller=st.sampled_from(EVERYBODY), called=st.sampled_from([APP, APP_NUMBER]))
    def ring(self, caller: str, called: str) -> None:
        with contextlib.suppress(HandError):
            self.bot.world.ring(Arrival(caller, called, patience_ms=20_000), self.bot.now)

    @rule(
        who=st.sampled_from(EVERYBODY),
        what=st.sampled_from(
            ["answer", "decline", "hang_up", "hold", "mute", "fall_silent", "say"]
        ),
    )
    def by_hand(self, who: str, what: str) -> None:
        with contextlib.suppress(HandError):
            getattr(self.bot.world.somebody(who, self.bot.now), what)()
        self._note()

    @rule(who=st.sampled_from(EVERYBODY))
    def press(self, who: str) -> None:
        with contextlib.suppress(HandError):
            self.bot.world.somebody(who, self.bot.now).press("1#")

    @rule(ms=st.sampled_from([0, 50, 300, 1_000, 5_000, 20_000]))
    def wait(self, ms: int) -> None:
        for _ in range(max(1, ms // 50)):
            self.bot.run(min(ms, 50))
            self._note()

    # ---- what holds

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        for states in self.seen.values():
            assert states[0] in INITIAL_STATES
            steps = pairwise(states)
            # Ringing may be over within one request: what lies between is told, not seen here.
            assert all(may_follow(a, b) or _in_two(a, b) for a, b in steps), states

    @invariant()
    def people_are_where_the_rooms_say(self) -> None:
        for somebody in self.bot.world.people.values():
            for seat in somebody.seats:
                assert seat.member is not None
                assert seat.member in seat.member.room.members
                assert not seat.member.room.is_closed
        for room in self.bot.world.rooms.values():
            assert all(one.call is None or not one.call.is_over for one in room.members)

    @override
    def teardown(self) -> None:
        bot = self.bot
        for _ in range(150):
            bot.run(1_000)
        for call in list(bot.world.calls.values()):
            self._check_agreement(call)
            has_company = len(call.room.members) > 1 or call.room.kind == "meeting"
            assert has_company or call.is_expecting, "nobody is left on a line without another"
            bot.ask("DELETE", f"/{call.id}")
        bot.run(130_000)
        assert not bot.world.calls, "every call ends"
        for call_id in self.known:
            states = [CallState(one) for one in bot.states(call_id)]
            last = bot.last(call_id).notice
            assert last.change.value == "deleted", "the end is told, and told last"
            self._check_told(states)
        done = [
            one.notice.resource.key
            for one in bot.told
            if "/operations/" in one.notice.resource.write()
        ]
        assert len(done) == len(set(done)), "an operation is told once"

    def _check_agreement(self, call: ServiceCall) -> None:
        shown = self.bot.ask("GET", f"/{call.id}").body
        assert shown is not None
        assert shown["state"] == self.bot.states(call.id)[-1]

    @staticmethod
    def _check_told(states: list[CallState]) -> None:
        distinct = [
            one for index, one in enumerate(states) if index == 0 or states[index - 1] != one
        ]
        for before, after in pairwise(distinct):
            assert may_follow(before, after), distinct


def _in_two(before: CallState, after: CallState) -> bool:
    return any(may_follow(before, one) and may_follow(one, after) for one in CallState)


Calls.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestCalls = Calls.TestCase
