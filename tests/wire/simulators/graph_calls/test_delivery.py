# SPDX-License-Identifier: Apache-2.0
"""Notifications over real sockets, and what calls mean to the tenant beside them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, get_args

import pytest

from centralino.simulators.entra.mint import Defect
from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.bridge import with_tenant
from centralino.simulators.graph.calls.settings import Application, Delivery, Habits, Person
from centralino.simulators.graph.calls.sound import RATE, read_wav
from centralino.simulators.http.messages import Response, redirect_response
from centralino.wire.rtp.tone import tone_share
from tests.kit import graph_tenant
from tests.kit.graph_calls import (
    ADA,
    APP,
    BOB,
    TENANT,
    TONES,
    new_call,
    people,
    quick,
    scenario,
    user,
)
from tests.kit.graph_calls_stage import CallsStage, running_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from centralino.simulators.graph.calls.settings import CallsScenario
    from centralino.simulators.http.messages import Request

    Scene = Callable[[CallsStage], Coroutine[Any, Any, None]]

pytestmark = pytest.mark.wire


def play(folder: Path, scene: Scene, calls: CallsScenario | None = None) -> None:
    async def run() -> None:
        async with running_calls(folder, calls) as stage:
            await scene(stage)

    asyncio.run(run())


async def make(stage: CallsStage, *targets: dict[str, Any], **changes: Any) -> str:  # noqa: ANN401 - members of a call
    """Make a call by plain HTTP; return its id."""
    body = new_call(callbackUri=f"{stage.webhook.url}/calls", targets=list(targets), **changes)
    named = {"authorization": f"Bearer {await stage.token()}"}
    made = await stage.http.post(
        f"{stage.graph.url}/communications/calls", json=body, headers=named
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def fact(stage: CallsStage, what: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the facts of a kind once there are so many."""
    async with asyncio.timeout(10):
        while True:
            found = [one for one in stage.facts if one["what"] == what]
            if len(found) >= count:
                return found
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.01, turn.set_result, None)
            await turn


def test_forged_notifications_are_refused_and_the_true_ones_taken(tmp_path: Path) -> None:
    about_tokens = {"wrong-client", "missing-scope"}
    defects = tuple(one for one in get_args(Defect) if one not in about_tokens)
    delivery = Delivery(
        least_latency_ms=1, most_latency_ms=2, bad_tokens=defects, bad_token_ratio=1.0
    )

    async def scene(stage: CallsStage) -> None:
        for _ in range(10):
            call_id = await make(stage, user(ADA))
            await stage.webhook.state(call_id, "established")
            stage.by_hand(ADA).hang_up()
            await stage.webhook.state(call_id, "terminated")
        refused = await fact(stage, "forgery-refused", 30)
        assert len({one["defect"] for one in refused}) > 6
        assert not [one for one in stage.facts if one["what"] == "forgery-accepted"]
        assert len(stage.webhook.refused) == 30

    play(tmp_path, scene, quick(delivery=delivery))


def test_a_302_moves_the_call_to_another_place(tmp_path: Path) -> None:
    async def scene(stage: CallsStage) -> None:
        seen: list[str] = []

        def elsewhere(request: Request) -> Response | None:
            seen.append(request.path)
            return redirect_response("/elsewhere") if request.path == "/calls" else None

        stage.webhook.answer = elsewhere
        call_id = await make(stage, user(ADA))
        await stage.webhook.state(call_id, "established")
        assert seen == ["/calls", "/elsewhere", "/elsewhere"]

    play(tmp_path, scene)


def test_an_endpoint_that_fails_is_asked_again(tmp_path: Path) -> None:
    async def scene(stage: CallsStage) -> None:
        answers = iter([503, 500])

        def failing(request: Request) -> Response | None:
            del request
            status = next(answers, 0)
            return Response(status) if status else None

        stage.webhook.answer = failing
        call_id = await make(stage, user(ADA))
        await stage.webhook.state(call_id, "established")
        statuses = [one["status"] for one in await fact(stage, "notified", 4)]
        assert statuses == [503, 500, 202, 202]

    play(tmp_path, scene)


def test_nothing_beyond_the_loopback_is_called(tmp_path: Path) -> None:
    delivery = Delivery(least_latency_ms=1, most_latency_ms=2, retries=0, drops_call_after=1)

    async def scene(stage: CallsStage) -> None:
        named = {"authorization": f"Bearer {await stage.token()}"}
        body = new_call(callbackUri="https://cc.example/calls", targets=[user(ADA)])
        url = f"{stage.graph.url}/communications/calls"
        assert (await stage.http.post(url, json=body, headers=named)).status_code == 201
        given_up = await fact(stage, "notice-given-up")
        assert given_up[0]["in_a_row"] == 1

    play(tmp_path, scene, quick(delivery=delivery))


def test_what_somebody_hears_can_be_listened_to(tmp_path: Path) -> None:
    async def scene(stage: CallsStage) -> None:
        call_id = await make(stage, user(ADA))
        await stage.webhook.state(call_id, "established")
        root = stage.graph.root_url
        async with asyncio.timeout(10):
            while True:
                listed = (await stage.http.get(f"{root}/simulator/lines?owner={call_id}")).json()
                (line,) = listed["value"]
                got = await stage.http.get(f"{root}/simulator/lines/{line['id']}/heard.wav")
                samples = read_wav(got.content)
                if samples.size > RATE // 2:
                    break
        assert tone_share(samples, TONES[ADA], sample_rate=RATE) > 0.5
        missing = await stage.http.get(f"{root}/simulator/lines/x/heard.wav")
        assert missing.status_code == 404

    play(tmp_path, scene)


def test_a_call_shows_on_the_page_and_becomes_a_record(tmp_path: Path) -> None:
    ada = Person(id=ADA, name="Ada", tone_hz=600, behaviour="by-hand")

    async def scene(stage: CallsStage) -> None:
        call_id = await make(stage, user(ADA))
        await stage.webhook.state(call_id, "establishing")
        await fact(stage, "ringing")
        phones = stage.graph.world.tenants[TENANT].phones
        (source,) = phones.sources
        (shown,) = source.phone_calls(ADA)
        assert (shown["state"], shown["incoming"], shown["with"]) == ("ringing", True, "Desk")
        assert not source.press(ADA, "another", "answer")
        assert source.press(ADA, shown["id"], "answer")
        await stage.webhook.state(call_id, "established")
        (talking,) = source.phone_calls(ADA)
        assert talking["state"] == "connected"
        assert not source.press(ADA, talking["id"], "answer")
        assert source.press(ADA, talking["id"], "hang-up")
        await stage.webhook.state(call_id, "terminated")
        assert source.phone_calls(ADA) == []
        assert stage.calls.world.ended[-1].legs[0].callee.user_id == ADA

    play(tmp_path, scene, quick(people=people(ada=ada)))


def test_a_person_declines_on_the_page(tmp_path: Path) -> None:
    bob = Person(id=BOB, name="Bob", tone_hz=700, behaviour="by-hand")

    async def scene(stage: CallsStage) -> None:
        call_id = await make(stage, user(BOB))
        await fact(stage, "ringing")
        (source,) = stage.graph.world.tenants[TENANT].phones.sources
        (shown,) = source.phone_calls(BOB)
        assert source.press(BOB, shown["id"], "decline")
        told = await stage.webhook.state(call_id, "terminated")
        assert told["resultInfo"]["code"] == 603

    play(tmp_path, scene, quick(people=people(bob=bob)))


def test_the_calls_of_a_tenant_are_made_of_its_people() -> None:
    bruno = Person(id=graph_tenant.BRUNO, name="Bruno by hand", tone_hz=999)
    application = Application(id=graph_tenant.APP, webhook="https://cc.example")
    given = scenario(people=(bruno,), applications=(application,))
    made = with_tenant(given, graph_tenant.tenant())
    assert {one.name for one in made.people} >= {"Anna Riva", "Bruno by hand"}
    assert len({one.tone_hz for one in made.people}) == len(made.people)
    by_id = {one.id: one for one in made.people}
    assert by_id[graph_tenant.BRUNO].tone_hz == 999
    assert by_id[graph_tenant.GUEST].kind == "guest"
    assert by_id[graph_tenant.ANNA].behaviour == "by-hand"
    (one,) = made.applications
    assert one.webhook == "https://cc.example"
    assert [instance.id for instance in one.instances] == [graph_tenant.ROBOT]


def test_arrivals_by_hand_wake_the_driver(tmp_path: Path) -> None:
    async def scene(stage: CallsStage) -> None:
        call = stage.calls.world.ring(Arrival(ADA, APP), stage.now)
        await stage.webhook.state(call.id, "incoming")

    play(tmp_path, scene, quick(habits=Habits(http_callbacks="loopback")))


def test_people_are_moved_by_hand_over_http(tmp_path: Path) -> None:
    async def scene(stage: CallsStage) -> None:
        base = f"{stage.graph.root_url}/simulator/calls"

        async def press(action: str, body: dict[str, Any] | None = None) -> int:
            url = f"{base}/people/{ADA}/{action}"
            return (await stage.http.post(url, json=body or {})).status_code

        rung = await stage.http.post(f"{base}/people/{ADA}/ring", json={"target": APP})
        call_id = rung.json()["id"]
        await stage.webhook.state(call_id, "incoming")
        shown = (await stage.http.get(base)).json()["value"]
        assert [(one["id"], one["state"]) for one in shown] == [(call_id, "incoming")]
        for action in ("hold", "resume", "mute", "unmute", "hush"):
            assert await press(action) == 200
        assert await press("say", {"forMs": 100}) == 200
        assert await press("say", {"forMs": -1}) == 400
        assert await press("press", {"keys": "1#"}) == 200
        assert await press("press", {"keys": "x"}) == 409
        assert await press("answer") == 409
        assert await press("dance") == 404
        assert await press("hang-up") == 200
        await stage.webhook.state(call_id, "terminated")
        people = (await stage.http.get(f"{base}/people")).json()["value"]
        assert {one["status"] for one in people} == {"idle"}
        nobody = await stage.http.post(f"{base}/people/nobody/answer", json={})
        assert nobody.status_code == 404
        stranger = await stage.http.get(base, headers={"origin": "https://elsewhere.example"})
        assert stranger.status_code == 403

    play(tmp_path, scene)
