# SPDX-License-Identifier: Apache-2.0
"""Notifications arrive in order, again, late, twice, elsewhere or not at all, as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.simulators.graph.calls.notices import Answer, Post
from centralino.simulators.graph.calls.settings import Application, Delivery, Network, Person
from centralino.wire.graph.notification import read_notifications
from centralino.wire.graph.resource import Part
from tests.kit.graph_calls import (
    ADA,
    APP,
    BOB,
    CALLBACK,
    CAT,
    PHONE,
    TENANT,
    Bot,
    people,
    scenario,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.unit


def _bot(respond: Callable[[Post], Answer | None] | None = None, **delivery: Any) -> Bot:  # noqa: ANN401 - settings
    bot = Bot(scenario(delivery=Delivery(**delivery)))
    if respond is not None:
        bot.respond = respond
    return bot


def _times(bot: Bot) -> list[int]:
    return [told.at_ms for told in bot.told]


def test_a_post_says_for_whom_its_token_must_be() -> None:
    bot = _bot()
    call_id = bot.rung()
    (post,) = bot.posts
    assert (post.audience, post.tenant_id, post.call_id) == (APP, TENANT, call_id)
    assert post.attempt == 1
    assert post.chain_id == bot.call(call_id).chain_id


def test_latency_is_drawn_between_its_bounds() -> None:
    bot = _bot(least_latency_ms=300, most_latency_ms=300)
    bot.make(targets=[user(ADA)])
    bot.run(3_000)
    assert _times(bot) == [300, 1_300]


def test_the_next_waits_until_the_one_before_is_acknowledged() -> None:
    held: list[Post] = []

    def respond(post: Post) -> Answer | None:
        if not held:
            held.append(post)
            return None
        return Answer(200)

    bot = _bot(respond)
    bot.make(targets=[user(ADA)])
    bot.run(3_000)
    assert len(bot.posts) == 1
    bot.world.posted(held[0], Answer(202), bot.now)
    bot.run(500)
    assert bot.told[-1].state == "established"


def test_calls_do_not_wait_for_each_other() -> None:
    bot = _bot()
    stuck = bot.make(targets=[user(ADA)])
    bot.respond = lambda post: None if post.call_id == stuck else Answer(200)
    other = bot.make(targets=[user(BOB)])
    bot.run(3_000)
    assert bot.states(other) == ["establishing", "established"]


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_failing_endpoint_is_tried_again(status: int) -> None:
    count = iter(range(100))
    bot = _bot(lambda _: Answer(status if next(count) < 2 else 200), retry_after_ms=1_000)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(10_000)
    assert [post.attempt for post in bot.posts[:3]] == [1, 2, 3]
    assert bot.states(call_id) == ["establishing", "established"]
    assert 3_000 <= _times(bot)[0] <= 3_300, "after one second and two"


def test_a_failing_endpoint_is_given_up_and_the_next_goes_on() -> None:
    count = iter(range(100))
    bot = _bot(lambda _: Answer(503 if next(count) < 3 else 200))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(10_000)
    assert bot.states(call_id) == ["established"]
    assert bot.world.notices.dropped_count == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_endpoint_that_refuses_is_not_tried_again(status: int) -> None:
    bot = _bot(lambda _: Answer(status), drops_call_after=0)
    bot.make(targets=[user(ADA)])
    bot.run(10_000)
    assert [post.attempt for post in bot.posts] == [1, 1]


def test_a_call_whose_application_is_dead_is_ended() -> None:
    bot = _bot(lambda _: Answer(0), drops_call_after=2, retries=0)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(10_000)
    assert bot.refused("GET", f"/{call_id}").status == 404
    assert [fact["how"] for fact in bot.facts if "how" in fact] == ["callback-failed"]
    assert bot.world.person(ADA).status == "idle"


def test_a_redirect_moves_the_calls_notifications() -> None:
    def respond(post: Post) -> Answer:
        if "east" in post.url:
            return Answer(200)
        return Answer(302, "/east/calls?x=1")

    bot = _bot(respond)
    bot.make(targets=[user(ADA)])
    bot.run(3_000)
    urls = [post.url for post in bot.posts]
    assert urls == [CALLBACK, *["https://cc.example/east/calls?x=1"] * 2]
    again = _bot(respond, moves_after_redirect=False)
    again.make(targets=[user(ADA)])
    again.run(3_000)
    assert [post.url for post in again.posts].count(CALLBACK) == 2


def test_redirects_do_not_go_round_for_ever() -> None:
    bot = _bot(lambda _: Answer(302, "/again"), drops_call_after=0)
    bot.make(targets=[user(ADA)])
    bot.run(3_000)
    assert len(bot.posts) == 2 * 4
    assert bot.world.notices.waiting_count == 0


def test_duplicates() -> None:
    bot = _bot(duplicate_ratio=1.0)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(3_000)
    assert bot.states(call_id) == ["establishing", "establishing", "established", "established"]
    assert bot.posts[0].body == bot.posts[1].body


def test_neighbours_that_change_places() -> None:
    bot = _bot(reorder_ratio=1.0, least_latency_ms=1_500, most_latency_ms=1_500)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(5_000)
    assert bot.states(call_id) == ["established", "establishing"]


def test_several_in_one_envelope() -> None:
    bot = _bot(batch=10, least_latency_ms=2_000, most_latency_ms=2_000)
    call_id = bot.make(targets=[user(ADA), user(BOB)])
    bot.run(5_000)
    assert len(bot.posts) < len(bot.told)
    assert bot.states(call_id) == ["establishing", "established"]


def test_what_waits_is_bounded() -> None:
    bot = _bot(lambda _: None, waiting=3)
    bot.make(targets=[user(ADA)], chatInfo={"threadId": "t"})
    call = next(iter(bot.world.calls.values()))
    for _ in range(20):
        call.notify_call()
    bot.run(1_000)
    assert bot.world.notices.waiting_count <= 4
    assert bot.world.notices.dropped_count > 10


@pytest.mark.parametrize(("spelling", "dashes"), [("dashed", {True}), ("packed", {False})])
def test_ids_are_spelled_as_the_scenario_says(spelling: str, dashes: set[bool]) -> None:
    bot = _bot(id_spelling=spelling)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(2_000)
    bot.ask("DELETE", f"/{call_id}")
    bot.run(500)
    assert {"-" in told.notice.resource.call_id for told in bot.told} == dashes
    mixed = _bot(id_spelling="mixed")
    call_id = mixed.make(targets=[user(ADA)])
    mixed.run(2_000)
    assert {"-" in told.notice.resource.call_id for told in mixed.told} == {True, False}
    assert mixed.states(call_id) == ["establishing", "established"]


def test_the_old_payload_comes_first_and_204_asks_for_graphs() -> None:
    application = Application(id=APP, webhook=CALLBACK, legacy_first=True)
    bot = Bot(scenario(applications=(application,)))
    bot.respond = lambda post: Answer(204 if post.is_legacy else 202)
    call_id = bot.rung(ADA, APP)
    bot.run(500)
    old, new = bot.posts
    assert "value" not in msgspec.json.decode(old.body)
    assert read_notifications(new.body)[0].resource.call_id == call_id
    stubborn = Bot(scenario(applications=(application,)))
    stubborn.rung(ADA, APP)
    stubborn.run(500)
    assert len(stubborn.posts) == 1, "who takes the old one gets no other"


def test_the_envelope_is_microsofts() -> None:
    bot = _bot()
    bot.make(targets=[user(ADA), user(BOB)])
    bot.run(3_000)
    for post in bot.posts:
        envelope = msgspec.json.decode(post.body)
        assert envelope["@odata.type"] == "#microsoft.graph.commsNotifications"
        for item in envelope["value"]:
            assert item["resource"].startswith("/app/calls/")
            assert item["resourceUrl"] == item["resource"].replace("/app/", "/communications/")
            is_roster = item["resourceUrl"].endswith("/participants")
            assert isinstance(item["resourceData"], list) == is_roster


# ---- what remains of a call


def test_a_finished_call_leaves_what_its_record_needs() -> None:
    bad = Network(jitter_ms=60, loss_ratio=0.2)
    ada = Person(id=ADA, name="Ada", tone_hz=600, platform="macOS", network=bad)
    bot = Bot(scenario(people=people(ada=ada)))
    call_id = bot.make(targets=[user(ADA)])
    bot.run(60_000)
    chain = bot.call(call_id).chain_id
    bot.ask("DELETE", f"/{call_id}")
    (ended,) = bot.world.ended
    (leg,) = ended.legs
    assert (ended.id, ended.is_group) == (chain, False)
    assert (leg.caller.app_id, leg.callee.user_id, leg.callee.platform) == (APP, ADA, "macOS")
    assert 57 < (leg.ends_at - leg.starts_at) / 1e9 < 59
    assert 50 < leg.quality.jitter_ms < 70
    assert 0.17 <= leg.quality.loss_ratio <= 0.23


def test_a_call_that_failed_says_where() -> None:
    ada = Person(id=ADA, tone_hz=600, behaviour="signed-out")
    bot = Bot(scenario(people=people(ada=ada)))
    bot.make(targets=[user(ADA)])
    bot.rung()
    bot.run(20_000)
    outgoing, incoming = bot.world.ended
    assert outgoing.legs[0].failure == "no-endpoints"
    assert outgoing.legs[0].callee.user_id == ADA
    assert incoming.legs[0].failure == "not-answered-in-time"
    assert incoming.legs[0].caller.number == PHONE


def test_a_group_leaves_a_leg_of_each_and_a_transfer_two_conversations() -> None:
    bot = Bot()
    call_id = bot.make(targets=[user(ADA), user(BOB)])
    bot.run(3_000)
    for person in (ADA, BOB):
        bot.world.somebody(person, bot.now).hang_up()
    bot.run(2_000)
    (group,) = bot.world.ended
    assert group.is_group
    assert {leg.caller.key for leg in group.legs} == {APP, ADA, BOB}
    assert bot.last(call_id).notice.resource.part is Part.CALL
    moved = bot.answered()
    chain = bot.call(moved).chain_id
    bot.ask("POST", f"/{moved}/transfer", {"transferTarget": user(CAT)})
    bot.run(3_000)
    bot.world.somebody(PHONE, bot.now).hang_up()
    first, second = list(bot.world.ended)[1:]
    assert first.id == chain
    assert {second.legs[0].caller.key, second.legs[0].callee.key} == {PHONE, CAT}
