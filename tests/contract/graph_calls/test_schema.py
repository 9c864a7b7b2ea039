# SPDX-License-Identifier: Apache-2.0
"""Every answer and every notification of the simulated calls fits Microsoft's own schema.

A day with everything in it is run; each answer is judged against its path, each envelope and each
content of a notification against its type. What is forgiven stands in the one table of
`tests.kit.graph_schema`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.simulators.graph.calls.settings import Delivery, Person
from centralino.simulators.graph.calls.table import ROWS
from centralino.simulators.graph.errors import rendered
from centralino.simulators.http.messages import Correlation
from tests.kit.graph_calls import (
    ADA,
    APP,
    BOB,
    CAT,
    DAN,
    MEETING,
    PHONE,
    Bot,
    find_row,
    new_call,
    people,
    phone,
    prompt,
    scenario,
    source_instance,
    tone_file,
    user,
)
from tests.kit.graph_schema import assert_answer, assert_is, graph_schema

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.notices import Post
    from centralino.simulators.graph.calls.orders import Reply

pytestmark = pytest.mark.contract


class Judge:
    """Looks at all that an application gets."""

    def __init__(self) -> None:
        graph_schema()
        self.rows: set[tuple[str, str]] = set()
        self.types: set[str] = set()

    def reply(self, method: str, path: str, reply: Reply) -> None:
        """Judge an answer."""
        row, _ = find_row(method, path)
        self.rows.add((row.method, row.path))
        assert_answer(method, path, reply.status, reply.body)

    def post(self, post: Post) -> None:
        """Judge a notification and what it carries."""
        envelope: Any = msgspec.json.decode(post.body)
        if post.is_legacy:
            return
        assert_is("microsoft.graph.commsNotifications", envelope)
        for item in envelope["value"]:
            data = item["resourceData"]
            for one in data if isinstance(data, list) else [data]:
                kind = one["@odata.type"].removeprefix("#")
                self.types.add(kind.rpartition(".")[2])
                assert_is(kind, one)


def _judged(**changes: Any) -> tuple[Bot, Judge]:  # noqa: ANN401 - members of the scenario
    judge = Judge()
    files = {"hello": tone_file(440, 400), "gone": None}
    bot = Bot(scenario(**changes), files=files, on_reply=judge.reply, on_post=judge.post)
    return bot, judge


def _talk(bot: Bot) -> None:
    call_id = bot.answered()
    bot.operation(call_id, "subscribeToTone", {"clientContext": "c"})
    operation = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.ask("GET", f"/{call_id}/operations/{operation}")
    bot.ask("GET", f"/{call_id}/operations")
    bot.operation(call_id, "playPrompt", {"prompts": [prompt("gone")]})
    bot.operation(call_id, "recordResponse", {"maxRecordDurationInSeconds": 1})
    bot.run(3_000)
    bot.world.somebody(PHONE, bot.now).press("5#")
    bot.operation(call_id, "sendDtmfTones", {"tones": ["tone1", "star"]})
    bot.operation(call_id, "recordResponse", {"stopTones": ["#"]})
    bot.run(500)
    bot.operation(call_id, "cancelMediaProcessing", {"clientContext": "c"})
    bot.world.somebody(PHONE, bot.now).hold()
    bot.ask("GET", f"/{call_id}")
    bot.ask("POST", f"/{call_id}/keepAlive")
    bot.run(500)
    bot.ask("DELETE", f"/{call_id}")
    bot.run(500)


def _arrive(bot: Bot) -> None:
    bot.ask("POST", f"/{bot.rung()}/reject", {"reason": "busy"})
    bot.ask("POST", f"/{bot.rung(ADA, APP, on_behalf_of=BOB)}/redirect", {"targets": [user(CAT)]})
    bot.run(3_000)
    bot.rung(BOB, APP, observed=CAT)
    bot.run(6_000)
    bot.world.somebody(CAT, bot.now).hang_up()


def _gather(bot: Bot) -> None:
    call_id = bot.make(targets=[user(ADA), user(BOB)], subject="Group")
    bot.run(3_000)
    bot.operation(call_id, "participants/invite", {"participants": [phone(PHONE)]})
    bot.run(2_000)
    bot.ask("GET", f"/{call_id}/participants")
    ada = bot.participant(call_id, ADA)
    bot.ask("GET", f"/{call_id}/participants/{ada}")
    for action in ("mute", "startHoldMusic", "stopHoldMusic"):
        bot.operation(call_id, f"participants/{ada}/{action}", {"clientContext": action})
        bot.run(300)
    for action in ("mute", "unmute", "addLargeGalleryView"):
        bot.operation(call_id, action)
    bot.operation(call_id, "updateRecordingStatus", {"status": "recording"})
    body = {"routingMode": "oneToOne", "sources": [ada], "receivers": []}
    made = bot.ask("POST", f"/{call_id}/audioRoutingGroups", body).body
    assert made is not None
    path = f"/{call_id}/audioRoutingGroups/{made['id']}"
    bot.ask("GET", path)
    bot.ask("PATCH", path, {"sources": []})
    bot.ask("GET", f"/{call_id}/audioRoutingGroups")
    bot.ask("DELETE", path)
    bot.ask("GET", f"/{call_id}/contentSharingSessions")
    bot.ask("DELETE", f"/{call_id}/participants/{ada}")
    bot.run(500)
    other = bot.make(targets=[user(DAN)], callOptions={"isDeltaRosterEnabled": True})
    bot.run(2_000)
    bot.ask("POST", f"/{other}/transfer", {"transferTarget": user(CAT)})
    bot.run(3_000)


def _meet(bot: Bot) -> None:
    media = {"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "b"}
    info = {
        "@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo",
        "joinMeetingId": "123",
        "passcode": "p",
    }
    call_id = bot.make(meetingInfo=info, mediaConfig=media)
    bot.run(1_000)
    bot.ask("POST", f"/{call_id}/changeScreenSharingRole", {"role": "sharer"})
    quality = {"callChainId": ADA, "deviceName": "d"}
    bot.ask("POST", "/logTeleconferenceDeviceQuality", {"quality": quality})
    bot.run(500)


def test_every_answer_and_notification_fits() -> None:
    bot, judge = _judged()
    for part in (_talk, _arrive, _gather):
        part(bot)
    late, other = _judged(meetings=(MEETING,), delivery=Delivery(id_spelling="mixed", batch=5))
    _meet(late)
    seen = judge.rows | other.rows
    assert seen == {(row.method, row.path) for row in ROWS}, "an operation was not judged"
    assert judge.types | other.types >= {
        "call",
        "participant",
        "playPromptOperation",
        "recordOperation",
        "sendDtmfTonesOperation",
        "inviteParticipantsOperation",
        "startHoldMusicOperation",
        "stopHoldMusicOperation",
        "addLargeGalleryViewOperation",
    }


def test_calls_that_fail_fit_too() -> None:
    behaviours: Any = itertools.cycle(["decline", "busy", "signed-out", "voicemail", "no-answer"])
    for behaviour in itertools.islice(behaviours, 5):
        ada = Person(id=ADA, tone_hz=600, behaviour=behaviour)
        bot, _ = _judged(people=people(ada=ada))
        bot.make(targets=[user(ADA)])
        bot.make(targets=[phone("+39")], source=source_instance())
        bot.run(70_000)


def test_refusals_fit() -> None:
    bot, _ = _judged()
    bodies: list[dict[str, Any]] = [
        {"callbackUri": 3},
        new_call(targets=[]),
        new_call(targets=[user(ADA)], tenantId=ADA),
    ]
    for body in bodies:
        refusal = bot.refused("POST", "", body)
        response = rendered(refusal, Correlation(ADA, BOB), 1e9)
        document = msgspec.json.decode(response.body)
        assert_answer("POST", "/communications/calls", refusal.status, document)
