# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own SDK steers calls on the simulator: every operation that it has.

Signed in with azure-identity at the simulated Entra, over real sockets, with signed notifications
at a webhook that checks them. The request bodies are the SDK's classes, found by their names.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.app_hosted_media_config import AppHostedMediaConfig
from msgraph.generated.models.audio_routing_group import AudioRoutingGroup
from msgraph.generated.models.call import Call
from msgraph.generated.models.communications_identity_set import CommunicationsIdentitySet
from msgraph.generated.models.identity import Identity
from msgraph.generated.models.invitation_participant_info import InvitationParticipantInfo
from msgraph.generated.models.join_meeting_id_meeting_info import JoinMeetingIdMeetingInfo
from msgraph.generated.models.media_info import MediaInfo
from msgraph.generated.models.media_prompt import MediaPrompt
from msgraph.generated.models.modality import Modality
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.participant_info import ParticipantInfo
from msgraph.generated.models.recording_status import RecordingStatus
from msgraph.generated.models.reject_reason import RejectReason
from msgraph.generated.models.routing_mode import RoutingMode
from msgraph.generated.models.screen_sharing_role import ScreenSharingRole
from msgraph.generated.models.service_hosted_media_config import ServiceHostedMediaConfig
from msgraph.generated.models.teleconference_device_quality import TeleconferenceDeviceQuality
from msgraph.generated.models.tone import Tone
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.sound import RATE, read_wav
from centralino.wire.rtp.tone import tone_share
from tests.kit.graph_calls import (
    ADA,
    APP,
    APP_NUMBER,
    BOB,
    CAT,
    DAN,
    INSTANCE,
    MEETING,
    PHONE,
    TENANT,
    TONES,
    quick,
)
from tests.kit.graph_calls_stage import POOR, SECRET, CallsStage, running_calls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from centralino.simulators.graph.calls.settings import CallsScenario

    Scene = Callable[[CallsStage, Any], Coroutine[Any, Any, None]]

pytestmark = [
    pytest.mark.wire,
    # The SDK warns of itself when its builders are imported.
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This class is deprecated. Please use:DeprecationWarning"),
]

CALLS = "msgraph.generated.communications.calls"
Client = Any
"""The SDK's builders: their types say nothing that a test needs."""


def body(where: str, **members: object) -> Any:  # noqa: ANN401 - a class of the SDK
    """Return the SDK's body of an action, ``item.answer`` or ``item.participants.invite``."""
    name = where.rpartition(".")[2]
    module = importlib.import_module(f"{CALLS}.{where}.{name}_post_request_body")
    kind = "".join(part.title() for part in name.split("_")) + "PostRequestBody"
    return getattr(module, kind)(**members)


def party(**identity: str) -> InvitationParticipantInfo:
    """Name somebody: ``user=`` or ``phone=``."""
    members = {kind: Identity(id=found) for kind, found in identity.items()}
    return InvitationParticipantInfo(identity=CommunicationsIdentitySet(**members))  # type: ignore[arg-type]  # members by name


def prompt(stage: CallsStage) -> MediaPrompt:
    """Name the prompt that the webhook serves."""
    uri = f"{stage.webhook.url}/prompts/hello.wav"
    return MediaPrompt(media_info=MediaInfo(uri=uri, resource_id="hello"))


def new_call(stage: CallsStage, *targets: InvitationParticipantInfo, **members: object) -> Call:
    """Return a call to make."""
    fields: dict[str, Any] = {
        "callback_uri": f"{stage.webhook.url}/calls",
        "requested_modalities": [Modality.Audio],
        "media_config": ServiceHostedMediaConfig(),
        "tenant_id": TENANT,
        "targets": list(targets),
    }
    return Call(**(fields | members))


@asynccontextmanager
async def signed_in(stage: CallsStage, client_id: str = APP) -> AsyncIterator[Client]:
    """Return Microsoft's client, with a token of the simulated Entra."""
    credential = ClientSecretCredential(
        TENANT,
        client_id,
        SECRET,
        authority=stage.entra.base_url,
        disable_instance_discovery=True,
        connection_verify=stage.ca_file,
    )
    scopes = ["https://graph.microsoft.com/.default"]
    host = urlsplit(stage.graph.url).hostname or ""
    provider = AzureIdentityAuthenticationProvider(credential, scopes=scopes, allowed_hosts=[host])
    async with credential, httpx.AsyncClient(trust_env=False, timeout=15) as http:
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = stage.graph.url
        yield GraphServiceClient(request_adapter=adapter)


def play(folder: Path, scene: Scene, calls: CallsScenario | None = None) -> None:
    """Run a scene on a whole tenant."""

    async def run() -> None:
        async with running_calls(folder, calls) as stage, signed_in(stage) as client:
            await scene(stage, client)

    asyncio.run(run())


def error_of(error: ODataError) -> tuple[int | None, str | None]:
    """Return status and code, as the SDK has them."""
    assert error.error is not None
    return error.response_status_code, error.error.code


async def established(stage: CallsStage, client: Client, *targets: Any, **members: Any) -> str:  # noqa: ANN401 - members of a call
    """Make a call and wait until it stands."""
    made = await client.communications.calls.post(new_call(stage, *targets, **members))
    await stage.webhook.state(made.id, "established")
    return str(made.id)


async def arrived(stage: CallsStage, caller: str = PHONE, target: str = APP_NUMBER) -> str:
    """Let somebody ring and return the call's id once the webhook knows."""
    call = stage.calls.world.ring(Arrival(caller, target), stage.now)
    stage.calls.wake()
    await stage.webhook.state(call.id, "incoming")
    return call.id


def answer_of(stage: CallsStage) -> Any:  # noqa: ANN401 - a class of the SDK
    """Return the body of an answer."""
    return body(
        "item.answer",
        callback_uri=f"{stage.webhook.url}/calls?call=1",
        media_config=ServiceHostedMediaConfig(),
        accepted_modalities=[Modality.Audio],
    )


def test_an_incoming_call_is_answered_played_to_and_recorded(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        call_id = await arrived(stage)
        call = client.communications.calls.by_call_id(call_id)
        shown = await call.get()
        assert shown.state.value == "incoming"
        assert shown.source.identity.phone.id == PHONE
        await call.answer.post(answer_of(stage))
        await stage.webhook.state(call_id, "established")
        made = await call.play_prompt.post(
            body("item.play_prompt", prompts=[prompt(stage)], client_context="p")
        )
        assert made.status.value == "Running"
        assert (await stage.webhook.finished(made.id))["status"] == "completed"
        made = await call.record_response.post(
            body(
                "item.record_response",
                max_record_duration_in_seconds=1,
                play_beep=False,
                stop_tones=["#"],
            )
        )
        done = await stage.webhook.finished(made.id)
        assert done["resultInfo"]["subcode"] == 8515
        await _fetch_recording(stage, done)
        await _tones(stage, call)
        await call.keep_alive.post()
        await call.delete()
        assert (await stage.webhook.state(call_id, "terminated"))["resultInfo"]["code"] == 200
        with pytest.raises(ODataError) as gone:
            await call.get()
        assert error_of(gone.value) == (404, "8522")

    play(tmp_path, scene)


async def _fetch_recording(stage: CallsStage, done: dict[str, Any]) -> None:
    location, token = done["recordingLocation"], done["recordingAccessToken"]
    refused = await stage.http.get(location)
    assert refused.status_code == 401
    got = await stage.http.get(location, headers={"authorization": f"Bearer {token}"})
    assert got.headers["content-type"] == "application/octet-stream"
    assert "content-length" not in got.headers
    samples = read_wav(got.content)
    assert samples.size == RATE
    assert tone_share(samples, TONES[PHONE], sample_rate=RATE) > 0.5


async def _tones(stage: CallsStage, call: Client) -> None:
    await call.subscribe_to_tone.post(body("item.subscribe_to_tone", client_context="t"))
    stage.by_hand(PHONE).press("5")
    told = await stage.webhook.until(lambda one: bool(one.members.get("toneInfo")))
    tone: Any = told.members["toneInfo"]
    assert tone["tone"] == "tone5"
    sent = await call.send_dtmf_tones.post(
        body("item.send_dtmf_tones", tones=[Tone.Tone1, Tone.Pound], delay_between_tones_ms=50)
    )
    done = await stage.webhook.finished(sent.id)
    assert done["completionReason"] == "completedSuccessfully"
    made = await call.play_prompt.post(
        body("item.play_prompt", prompts=[prompt(stage)] * 5, client_context="long")
    )
    found = await call.operations.by_comms_operation_id(made.id).get()
    assert found.client_context == "long"
    assert [one.id for one in (await call.operations.get()).value] == [made.id]
    cancel = await call.cancel_media_processing.post(
        body("item.cancel_media_processing", client_context="c")
    )
    assert cancel.status.value == "Completed"
    assert (await stage.webhook.finished(made.id))["resultInfo"]["subcode"] == 8508


def test_incoming_calls_are_rejected_and_redirected(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        rejected = await arrived(stage, ADA, APP)
        call = client.communications.calls.by_call_id(rejected)
        await call.reject.post(body("item.reject", reason=RejectReason.Busy))
        await stage.webhook.until(
            lambda one: one.change.value == "deleted" and "state" not in one.members
        )
        redirected = await arrived(stage)
        call = client.communications.calls.by_call_id(redirected)
        await call.redirect.post(
            body("item.redirect", targets=[party(user=BOB), party(user=DAN)], timeout=20)
        )
        await stage.webhook.state(redirected, "terminated")
        assert stage.calls.world.person(PHONE).status == "talking"

    play(tmp_path, scene)


def test_calls_are_made_to_phones_groups_and_meetings(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        source = ParticipantInfo(
            identity=CommunicationsIdentitySet(application_instance=Identity(id=INSTANCE))
        )
        await established(stage, client, party(phone=PHONE), source=source)
        group = await established(stage, client, party(user=CAT), party(user=DAN))
        await _group(stage, client, group)
        meeting = await established(
            stage,
            client,
            meeting_info=JoinMeetingIdMeetingInfo(join_meeting_id="123", passcode="p"),
            media_config=AppHostedMediaConfig(blob="blob"),
        )
        call = client.communications.calls.by_call_id(meeting)
        await call.change_screen_sharing_role.post(
            body("item.change_screen_sharing_role", role=ScreenSharingRole.Sharer)
        )
        shared = await call.content_sharing_sessions.get()
        assert shared.value == []
        quality = TeleconferenceDeviceQuality(device_name="d", additional_data={"callChainId": ADA})
        await client.communications.calls.log_teleconference_device_quality.post(
            body("log_teleconference_device_quality", quality=quality)
        )

    play(tmp_path, scene, quick(meetings=(MEETING,)))


async def _group(stage: CallsStage, client: Client, call_id: str) -> None:
    call = client.communications.calls.by_call_id(call_id)
    invited = await call.participants.invite.post(
        body("item.participants.invite", participants=[party(phone="+390200000002")])
    )
    assert (await stage.webhook.finished(invited.id))["status"] == "completed"
    people = (await call.participants.get()).value
    assert len(people) == 4
    other = next(one for one in people if one.info.identity.user is not None)
    found = await call.participants.by_participant_id(other.id).get()
    assert found.info.identity.user.id == other.info.identity.user.id
    one = call.participants.by_participant_id(other.id)
    where = "item.participants.item"
    muted = await one.mute.post(body(f"{where}.mute", client_context="m"))
    assert muted.status.value == "Completed"
    held = await one.start_hold_music.post(
        body(f"{where}.start_hold_music", custom_prompt=prompt(stage))
    )
    assert (await stage.webhook.finished(held.id))["status"] == "completed"
    resumed = await one.stop_hold_music.post(body(f"{where}.stop_hold_music"))
    assert (await stage.webhook.finished(resumed.id))["status"] == "completed"
    for action in ("mute", "unmute", "add_large_gallery_view"):
        done = await getattr(call, action).post(body(f"item.{action}", client_context=action))
        assert done.client_context == action
    recorded = await call.update_recording_status.post(
        body("item.update_recording_status", status=RecordingStatus.Recording)
    )
    assert recorded.status.value == "Completed"
    await _routes(call, other.id)
    await one.delete()
    with pytest.raises(ODataError) as gone:
        await one.get()
    assert gone.value.response_status_code == 404


async def _routes(call: Client, participant_id: str) -> None:
    group = AudioRoutingGroup(
        routing_mode=RoutingMode.OneToOne, sources=[participant_id], receivers=[]
    )
    made = await call.audio_routing_groups.post(group)
    one = call.audio_routing_groups.by_audio_routing_group_id(made.id)
    assert (await one.get()).sources == [participant_id]
    changed = await one.patch(AudioRoutingGroup(receivers=[participant_id]))
    assert changed.receivers == [participant_id]
    assert len((await call.audio_routing_groups.get()).value) == 1
    await one.delete()
    assert (await call.audio_routing_groups.get()).value == []


def test_calls_are_transferred_blindly_and_after_consulting(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        first = await arrived(stage)
        call = client.communications.calls.by_call_id(first)
        await call.answer.post(answer_of(stage))
        await stage.webhook.state(first, "established")
        await call.transfer.post(body("item.transfer", transfer_target=party(user=BOB)))
        assert (await stage.webhook.state(first, "terminated"))["resultInfo"]["subcode"] == 7015
        customer = await established(stage, client, party(user=CAT))
        expert = await established(stage, client, party(user=DAN))
        target = party(user=DAN)
        target.replaces_call_id = expert
        call = client.communications.calls.by_call_id(customer)
        await call.transfer.post(body("item.transfer", transfer_target=target))
        for one in (customer, expert):
            told = await stage.webhook.state(one, "terminated")
            assert told["terminationReason"] == "AppTransferred"

    play(tmp_path, scene)


def test_refusals_reach_the_sdk_as_its_own_error(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        with pytest.raises(ODataError) as wrong:
            await client.communications.calls.post(new_call(stage))
        assert error_of(wrong.value) == (400, "BadRequest")
        async with signed_in(stage, POOR) as poor:
            with pytest.raises(ODataError) as refused:
                await poor.communications.calls.post(new_call(stage, party(user=ADA)))
        assert error_of(refused.value) == (403, "7503")
        answer = await stage.http.get(f"{stage.graph.url}/communications/calls/x")
        assert answer.status_code == 401

    play(tmp_path, scene)


def test_the_legacy_alias_is_the_same_collection(tmp_path: Path) -> None:
    async def scene(stage: CallsStage, client: Client) -> None:
        call_id = await established(stage, client, party(user=ADA))
        named = {"authorization": f"Bearer {await stage.token()}"}
        for spelled in (call_id, call_id.replace("-", "").upper()):
            url = f"{stage.graph.url}/app/calls/{spelled}"
            assert (await stage.http.get(url, headers=named)).json()["id"] == call_id
        qualified = f"{stage.graph.url}/communications/calls/{call_id}/microsoft.graph.keepAlive"
        assert (await stage.http.post(qualified, headers=named)).status_code == 200

    play(tmp_path, scene)
