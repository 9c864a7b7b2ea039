# SPDX-License-Identifier: Apache-2.0
"""Service-hosted media plays, records and collects, judged by what was heard."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
import pytest

from centralino.simulators.graph.calls.settings import (
    Action,
    Behaviour,
    Habits,
    Person,
    Timing,
)
from centralino.simulators.graph.calls.sound import RATE, read_wav, write_wav
from centralino.simulators.party.ear import Ear
from centralino.wire.graph.tones import KEY_PAIRS
from centralino.wire.rtp.tone import tone_share
from tests.kit.graph_calls import (
    ADA,
    ALL_ROLES,
    BOB,
    PHONE,
    TONES,
    Bot,
    heard,
    people,
    prompt,
    scenario,
    tone_file,
    user,
)

pytestmark = pytest.mark.unit

FILES = {
    "hello": tone_file(440, 1_000),
    "menu": tone_file(500, 2_000),
    "gone": None,
    "noise": b"RIFF....not a wave",
}


def _bot(**changes: Any) -> Bot:  # noqa: ANN401 - members of the scenario
    return Bot(scenario(**changes), files=dict(FILES))


def _recorded(bot: Bot, operation_id: str) -> tuple[dict[str, Any], Any]:
    content = bot.finished(operation_id)
    location = str(content["recordingLocation"])
    kept = bot.world.recordings.get(location.rpartition("/")[2])
    assert kept is not None
    assert kept.token == content["recordingAccessToken"]
    return content, read_wav(kept.content)


def _quiet_phone(*actions: Action) -> dict[str, Any]:
    person = Person(id=PHONE, kind="phone", tone_hz=1_100, is_silent=True, actions=actions)
    return {"people": people(phone=person)}


# ---- playing


def test_prompts_are_heard_one_after_the_other() -> None:
    bot = _bot()
    call_id = bot.answered()
    first = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    second = bot.operation(
        call_id, "playPrompt", {"prompts": [prompt("menu"), prompt("hello")], "clientContext": "c"}
    )
    bot.run(900)
    assert heard(bot.heard_by(PHONE, 400), 440)
    shown = bot.ask("GET", f"/{call_id}/operations/{first}").body
    assert shown is not None
    assert shown["status"] == "running"
    bot.run(1_000)
    assert bot.finished(first)["status"] == "completed"
    assert bot.finished(first)["resultInfo"]["code"] == 200
    assert heard(bot.heard_by(PHONE, 400), 500)
    bot.run(3_000)
    done = bot.finished(second)
    assert (done["status"], done["clientContext"]) == ("completed", "c")
    bot.run(500)
    assert not bot.heard_by(PHONE, 300).any()


def test_the_sound_of_the_prompt_arrives_sample_by_sample() -> None:
    bot = _bot()
    call_id = bot.answered()
    bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.run(2_000)
    sent = read_wav(FILES["hello"] or b"")
    got = bot.heard_by(PHONE, 2_000)
    start = int(np.flatnonzero(got)[0]) - 1
    assert np.array_equal(got[start : start + sent.size], sent)


def test_a_prompt_may_be_repeated() -> None:
    bot = _bot()
    call_id = bot.answered()
    twice = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")], "loop": 2})
    bot.run(1_500)
    assert not [one for one in bot.told if "operations" in one.notice.resource.write()]
    bot.run(1_000)
    assert bot.finished(twice)["status"] == "completed"
    endless = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")], "loop": 0})
    bot.run(60_000)
    assert heard(bot.heard_by(PHONE, 400), 440)
    bot.operation(call_id, "cancelMediaProcessing", {})
    bot.run(300)
    assert bot.finished(endless)["resultInfo"]["subcode"] == 8508


@pytest.mark.parametrize(("name", "subcode"), [("gone", 8536), ("noise", 8535)])
def test_a_prompt_that_cannot_be_played_fails_and_the_next_goes_on(name: str, subcode: int) -> None:
    bot = _bot()
    call_id = bot.answered()
    bad = bot.operation(call_id, "playPrompt", {"prompts": [prompt(name)]})
    good = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.run(1_500)
    assert bot.finished(bad)["status"] == "failed"
    assert bot.finished(bad)["resultInfo"]["subcode"] == subcode
    assert bot.finished(good)["status"] == "completed"


def test_a_prompt_that_never_comes_fails_in_time() -> None:
    bot = _bot(timing=Timing(fetch_ms=2_000))
    call_id = bot.answered()
    bot.world.prompts.take = list  # type: ignore[method-assign]  # nobody fetches
    late = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    bot.run(2_500)
    assert bot.finished(late)["resultInfo"]["subcode"] == 8536


@pytest.mark.parametrize(("cached", "expected"), [(True, 440), (False, 900)])
def test_a_resource_id_is_the_key_of_the_cache(cached: bool, expected: int) -> None:
    bot = _bot(habits=Habits(same_resource_is_cached=cached))
    call_id = bot.answered()
    for content in (tone_file(440, 400), tone_file(900, 400)):
        bot.files["hello"] = content
        bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello", "r1")]})
        bot.run(460)
    assert heard(bot.heard_by(PHONE, 300), expected)


def test_what_is_to_be_prefetched_is_fetched() -> None:
    media = {
        "@odata.type": "#microsoft.graph.serviceHostedMediaConfig",
        "preFetchMedia": [{"uri": "https://cc.example/hello.wav", "resourceId": "r"}],
    }
    bot = _bot()
    call_id = bot.answer(bot.rung(), mediaConfig=media)
    bot.files["hello"] = None
    operation = bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello", "r")]})
    bot.run(1_500)
    assert bot.finished(operation)["status"] == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompts": []},
        {"prompts": [prompt("hello")] * 21},
        {"prompts": [{"@odata.type": "#microsoft.graph.ttsPrompt"}]},
        {"prompts": [{"mediaInfo": {"uri": "hello.wav"}}]},
        {"prompts": [{}]},
        {"prompts": [prompt("hello")], "clientContext": "x" * 257},
        {"prompts": [prompt("hello")], "loop": -1},
    ],
)
def test_a_prompt_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = _bot()
    assert bot.refused("POST", f"/{bot.answered()}/playPrompt", body).status == 400


def test_media_is_worked_on_only_while_it_stands_and_is_the_services() -> None:
    bot = _bot()
    body = {"prompts": [prompt("hello")]}
    assert bot.refused("POST", f"/{bot.make(targets=[user(ADA)])}/playPrompt", body).status == 409
    config = {"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "b"}
    own = bot.answer(bot.rung(), mediaConfig=config)
    for action in ("playPrompt", "recordResponse", "subscribeToTone", "cancelMediaProcessing"):
        assert bot.refused("POST", f"/{own}/{action}", body).status == 400


def test_a_call_has_a_bounded_queue() -> None:
    bot = _bot()
    call_id = bot.answered()
    for _ in range(100):
        bot.operation(call_id, "playPrompt", {"prompts": [prompt("hello")]})
    refused = bot.refused("POST", f"/{call_id}/playPrompt", {"prompts": [prompt("hello")]})
    assert refused.status == 429


# ---- recording


def test_the_longest_recording() -> None:
    bot = _bot()
    call_id = bot.answered()
    operation = bot.operation(call_id, "recordResponse", {"maxRecordDurationInSeconds": 2})
    bot.run(3_000)
    content, samples = _recorded(bot, operation)
    assert content["resultInfo"] == {
        "@odata.type": "#microsoft.graph.resultInfo",
        "code": 200,
        "subcode": 8515,
        "message": "Action completed, max record duration reached.",
    }
    assert samples.size == 2 * RATE
    assert heard(samples, TONES[PHONE])


def test_a_beep_says_that_it_begins_and_may_be_left_out() -> None:
    bot = _bot()
    call_id = bot.answered()
    body = {"maxRecordDurationInSeconds": 1}
    bot.operation(call_id, "recordResponse", body)
    bot.run(200)
    assert heard(bot.heard_by(PHONE, 100), 1_000)
    bot.run(2_000)
    bot.operation(call_id, "recordResponse", body | {"playBeep": False})
    bot.run(200)
    assert not bot.heard_by(PHONE, 100).any()


def test_silence_at_the_beginning_fails() -> None:
    bot = _bot(**_quiet_phone())
    call_id = bot.answered()
    body = {"initialSilenceTimeoutInSeconds": 2, "maxRecordDurationInSeconds": 10}
    operation = bot.operation(call_id, "recordResponse", body)
    bot.run(2_500)
    content = bot.finished(operation)
    assert (content["status"], content["resultInfo"]["subcode"]) == ("failed", 8510)
    assert content["recordingLocation"] == ""


def test_silence_at_the_end_completes() -> None:
    bot = _bot(**_quiet_phone(Action(at_ms=1_000, do="speak", for_ms=1_500)))
    call_id = bot.answered()
    body = {"maxSilenceTimeoutInSeconds": 1, "maxRecordDurationInSeconds": 30, "playBeep": False}
    operation = bot.operation(call_id, "recordResponse", body)
    bot.run(6_000)
    content, samples = _recorded(bot, operation)
    assert (content["status"], content["resultInfo"]["subcode"]) == ("completed", 8513)
    ear = Ear((TONES[PHONE],))
    ear.hear(samples[::2])
    assert 1_200 <= ear.heard_ms[TONES[PHONE]] <= 1_600


def test_a_stop_tone_completes_and_another_does_not() -> None:
    bot = _bot()
    call_id = bot.answered()
    body = {"stopTones": ["#", "tone7"], "maxRecordDurationInSeconds": 60}
    operation = bot.operation(call_id, "recordResponse", body)
    bot.run(1_000)
    bot.world.somebody(PHONE, bot.now).press("1")
    bot.run(1_000)
    bot.world.somebody(PHONE, bot.now).press("7")
    bot.run(500)
    content, samples = _recorded(bot, operation)
    assert content["resultInfo"]["subcode"] == 8514
    assert 1.5 * RATE < samples.size < 2 * RATE


def test_a_prompt_is_played_before_and_is_not_in_the_recording() -> None:
    bot = _bot()
    call_id = bot.answered()
    body = {"prompts": [prompt("hello")], "maxRecordDurationInSeconds": 2}
    operation = bot.operation(call_id, "recordResponse", body)
    bot.run(800)
    assert heard(bot.heard_by(PHONE, 400), 440)
    bot.run(3_000)
    _, samples = _recorded(bot, operation)
    assert tone_share(samples, 440, sample_rate=RATE) < 0.01
    assert heard(samples, TONES[PHONE])


def test_barging_in_cancels_what_was_queued() -> None:
    bot = _bot()
    call_id = bot.answered()
    first = bot.operation(call_id, "playPrompt", {"prompts": [prompt("menu")]})
    second = bot.operation(call_id, "recordResponse", {})
    bot.run(500)
    body = {"bargeInAllowed": True, "maxRecordDurationInSeconds": 1}
    third = bot.operation(call_id, "recordResponse", body)
    bot.run(2_000)
    for operation in (first, second):
        assert bot.finished(operation)["resultInfo"]["subcode"] == 8508
    assert bot.finished(third)["resultInfo"]["subcode"] == 8515


def test_cancelling_ends_what_runs_and_what_waits() -> None:
    bot = _bot()
    call_id = bot.answered()
    first = bot.operation(call_id, "playPrompt", {"prompts": [prompt("menu")]})
    second = bot.operation(call_id, "recordResponse", {"clientContext": "r"})
    bot.run(700)
    reply = bot.ask("POST", f"/{call_id}/cancelMediaProcessing", {"clientContext": "c"})
    assert reply.body is not None
    assert (reply.status, reply.body["status"]) == (200, "completed")
    bot.run(600)
    assert bot.finished(first)["status"] == "failed"
    recorded = bot.finished(second)
    assert recorded["resultInfo"]["code"] == 400
    assert recorded["completionReason"] == "operationCanceled"
    assert (recorded["recordingLocation"], recorded["clientContext"]) == ("", "r")
    assert not bot.heard_by(PHONE, 300).any()


@pytest.mark.parametrize(("survives", "count"), [(False, 0), (True, 1)])
def test_hanging_up_while_recording(survives: bool, count: int) -> None:
    bot = _bot(habits=Habits(recording_survives_hang_up=survives))
    call_id = bot.answered()
    bot.operation(call_id, "recordResponse", {"maxRecordDurationInSeconds": 60})
    bot.run(2_000)
    bot.world.somebody(PHONE, bot.now).hang_up()
    bot.run(1_000)
    done = [one for one in bot.told if "/operations/" in one.notice.resource.write()]
    assert len(done) == count


def test_recordings_are_deleted_after_the_call() -> None:
    bot = _bot()
    call_id = bot.answered()
    operation = bot.operation(call_id, "recordResponse", {"maxRecordDurationInSeconds": 1})
    bot.run(2_000)
    content, _ = _recorded(bot, operation)
    name = str(content["recordingLocation"]).rpartition("/")[2]
    bot.ask("DELETE", f"/{call_id}")
    bot.run(50_000)
    assert bot.world.recordings.get(name)
    bot.run(15_000)
    assert bot.world.recordings.get(name) is None


@pytest.mark.parametrize(
    "body",
    [
        {"prompts": [prompt("hello")] * 2},
        {"initialSilenceTimeoutInSeconds": 0},
        {"maxSilenceTimeoutInSeconds": 121},
        {"maxRecordDurationInSeconds": 121},
        {"maxRecordDurationInSeconds": 1.5},
        {"stopTones": ["x"]},
        {"stopTones": "#"},
        {"playBeep": "yes"},
    ],
)
def test_a_recording_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = _bot()
    assert bot.refused("POST", f"/{bot.answered()}/recordResponse", body).status == 400


@pytest.mark.parametrize("action", ["recordResponse", "subscribeToTone"])
def test_listening_needs_the_media_permission(action: str) -> None:
    bot = Bot(roles=ALL_ROLES - {"Calls.AccessMedia.All"})
    assert bot.refused("POST", f"/{bot.answered()}/{action}", {}).code == "7504"


# ---- keys


def test_keys_are_told_once_they_are_wanted() -> None:
    bot = _bot()
    call_id = bot.answered()
    bot.world.somebody(PHONE, bot.now).press("9")
    bot.run(500)
    reply = bot.ask("POST", f"/{call_id}/subscribeToTone", {"clientContext": "t"})
    assert reply.body is not None
    assert (reply.status, reply.body["status"]) == (200, "completed")
    bot.operation(call_id, "cancelMediaProcessing")
    bot.world.somebody(PHONE, bot.now).press("1*#!")
    bot.run(2_000)
    tones: list[Any] = [one.notice.members.get("toneInfo") for one in bot.told]
    found = [(tone["sequenceId"], tone["tone"]) for tone in tones if tone]
    assert found == [(1, "tone1"), (2, "star"), (3, "pound"), (4, "flash")]
    assert bot.last(call_id).state == "established"


def test_sent_keys_are_heard_as_their_tones() -> None:
    bot = _bot()
    call_id = bot.answered()
    body = {"tones": ["tone5", "pound"], "delayBetweenTonesMs": 400, "clientContext": "d"}
    operation = bot.operation(call_id, "sendDtmfTones", body)
    bot.run(120)
    low, high = KEY_PAIRS["5"]
    sound = bot.heard_by(PHONE, 100)
    shares = [tone_share(sound, hertz, sample_rate=RATE) for hertz in (low, high)]
    assert all(share > 0.3 for share in shares)
    bot.run(1_000)
    assert [key for _, key in bot.world.lines.of(PHONE)[0].keys] == ["5", "#"]
    content = bot.finished(operation)
    assert content["completionReason"] == "completedSuccessfully"
    cancelled = bot.operation(call_id, "sendDtmfTones", {"tones": ["tone1"] * 50})
    bot.operation(call_id, "cancelMediaProcessing")
    bot.run(500)
    assert bot.finished(cancelled)["completionReason"] == "mediaOperationCanceled"


@pytest.mark.parametrize("body", [{}, {"tones": []}, {"tones": ["tone11"]}, {"tones": ["a"] * 101}])
def test_keys_that_cannot_be_understood(body: dict[str, Any]) -> None:
    bot = _bot()
    assert bot.refused("POST", f"/{bot.answered()}/sendDtmfTones", body).status == 400


# ---- life


def test_a_call_that_is_not_kept_alive_ends_after_45_minutes() -> None:
    bot = _bot()
    call_id = bot.answered()
    bot.run(40 * 60_000)
    assert bot.ask("POST", f"/{call_id}/keepAlive").status == 200
    bot.run(44 * 60_000)
    assert bot.states(call_id)[-1] == "established"
    bot.run(2 * 60_000)
    assert bot.last(call_id).result == (408, 8537)
    refused = bot.refused("POST", f"/{call_id}/keepAlive")
    assert (refused.status, refused.code) == (404, "8522")


@pytest.mark.parametrize("shows", [True, False])
def test_the_other_side_may_hold(shows: bool) -> None:
    bot = _bot(habits=Habits(remote_hold_shows=shows))
    call_id = bot.answered()
    person = bot.world.somebody(PHONE, bot.now)
    person.hold()
    bot.run(500)
    assert bot.states(call_id)[-1] == ("hold" if shows else "established")
    assert not bot.heard_by(call_id, 300).any()
    person.hold(on=False)
    bot.run(500)
    assert bot.states(call_id)[-1] == "established"
    assert heard(bot.heard_by(call_id, 300), TONES[PHONE])


def test_what_a_person_does_by_hand_is_heard() -> None:
    bot = _bot()
    call_id = bot.answered()
    person = bot.world.somebody(PHONE, bot.now)
    person.mute()
    bot.run(500)
    assert not bot.heard_by(call_id, 300).any()
    person.mute(on=False)
    person.fall_silent()
    bot.run(500)
    assert not bot.heard_by(call_id, 300).any()
    person.say(200)
    bot.run(180)
    assert heard(bot.heard_by(call_id, 100), TONES[PHONE])
    bot.run(400)
    assert not bot.heard_by(call_id, 200).any()


@pytest.mark.parametrize("behaviour", ["no-answer", "by-hand"])
def test_a_person_is_moved_by_hand(behaviour: Behaviour) -> None:
    bot = _bot()
    ada = bot.world.somebody(ADA, bot.now)
    ada.behave(behaviour)
    call_id = bot.make(targets=[user(ADA)])
    bot.run(5_000)
    ada.answer()
    bot.run(500)
    assert bot.states(call_id)[-1] == "established"
    other = bot.make(targets=[user(ADA)])
    bot.run(500)
    ada.decline()
    bot.run(500)
    assert bot.last(other).result == (603, 10204)


def test_wav_files_keep_their_samples() -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    assert np.array_equal(read_wav(write_wav(samples)), samples)
    with wave.open(io.BytesIO(write_wav(samples))) as file:
        assert file.getframerate() == RATE


def test_the_same_seed_gives_the_same_day() -> None:
    def run(seed: int) -> list[tuple[int, str]]:
        bob = Person(id=BOB, tone_hz=700, answer_sigma=0.5)
        bot = Bot(scenario(seed=seed, people=people(bob=bob)))
        bot.make(targets=[user(BOB)])
        bot.run(10_000)
        return [(told.at_ms, told.state) for told in bot.told]

    assert run(1) == run(1)
    assert run(1) != run(2)
