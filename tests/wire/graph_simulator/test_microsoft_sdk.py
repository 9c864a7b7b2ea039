# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own SDK, with tokens by azure-identity, finds the simulated tenant as a real one."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING, Any

import pytest

from centralino.simulators.graph.records import CallEnded, Leg, Party, Quality
from centralino.simulators.http.faults import Fault
from tests.kit import graph_tenant as kit
from tests.kit.graph_cloud import running_cloud
from tests.kit.requirements import require_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.graph_cloud import Cloud

pytestmark = [
    pytest.mark.wire,
    pytest.mark.timeout(120),
    # The SDK's own modules warn of their own names while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run the services once, and import the SDK once: that takes seconds."""
    require_package("msgraph")
    require_package("azure.identity")
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def values(found: Any) -> list[Any]:  # noqa: ANN401 - a collection of the SDK
    assert found is not None
    return list(found.value or [])


def configured(
    module: str, kind: str, headers: dict[str, str] | None = None, **query: object
) -> Any:  # noqa: ANN401 - of the SDK
    """Return a request configuration with query parameters and headers."""
    import importlib

    from kiota_abstractions.base_request_configuration import RequestConfiguration

    builder = getattr(importlib.import_module(f"msgraph.generated.{module}"), kind)
    parameters = getattr(builder, f"{kind}GetQueryParameters")(**query)
    made = RequestConfiguration(query_parameters=parameters)
    for name, value in (headers or {}).items():
        made.headers.add(name, value)
    return made


def test_users_are_listed_paged_and_searched(cloud: Cloud) -> None:
    async def scene() -> None:
        client = cloud.client()
        first = await client.users.get(
            configured("users.users_request_builder", "UsersRequestBuilder", top=3)
        )
        assert first is not None
        assert len(values(first)) == 3
        second = await client.users.with_url(str(first.odata_next_link)).get()
        assert {one.id for one in values(first) + values(second)} == {
            one.id for one in kit.people()
        }
        found = await client.users.get(
            configured(
                "users.users_request_builder",
                "UsersRequestBuilder",
                {"ConsistencyLevel": "eventual"},
                search='"displayName:bru"',
                count=True,
            )
        )
        assert [one.user_principal_name for one in values(found)] == ["bruno@north.example"]
        anna = await client.users.by_user_id("anna@north.example").get()
        assert anna is not None
        assert (anna.id, anna.business_phones) == (kit.ANNA, ["+390200000001"])

    cloud.play(scene)


def test_groups_and_people(cloud: Cloud) -> None:
    async def scene() -> None:
        client = cloud.client()
        members = values(await client.groups.by_group_id(kit.SALES).members.get())
        assert {type(one).__name__ for one in members} == {"User"}
        everybody = await client.groups.by_group_id(kit.TEAM).transitive_members.get()
        assert len(values(everybody)) == 4
        people = values(await client.users.by_user_id(kit.ANNA).people.get())
        assert people[0].display_name == "Bruno Conti"

    cloud.play(scene)


def test_presence_is_read_set_and_cleared(cloud: Cloud) -> None:
    from msgraph.generated.communications.get_presences_by_user_id import (
        get_presences_by_user_id_post_request_body as many,
    )
    from msgraph.generated.users.item.presence.clear_presence import (
        clear_presence_post_request_body as clear,
    )
    from msgraph.generated.users.item.presence.set_presence import (
        set_presence_post_request_body as set_,
    )

    async def scene() -> None:
        client = cloud.client()
        presence = client.users.by_user_id(kit.CARLA).presence
        await presence.set_presence.post(
            set_.SetPresencePostRequestBody(
                session_id=kit.APP,
                availability="Busy",
                activity="InACall",
                # A timedelta would go out as "1:00:00", which the service does not read.
                expiration_duration="PT1H",  # type: ignore[arg-type]  # the SDK sends text as it is
            )
        )
        shown = await presence.get()
        assert shown is not None
        assert (shown.availability, shown.activity) == ("Busy", "InACall")
        await presence.clear_presence.post(clear.ClearPresencePostRequestBody(session_id=kit.APP))
        body = many.GetPresencesByUserIdPostRequestBody(ids=[kit.CARLA, kit.ANNA])
        both = values(await client.communications.get_presences_by_user_id.post(body))
        assert [one.availability for one in both] == ["Offline", "Available"]

    cloud.play(scene)


def test_a_person_sets_his_own_status_on_his_behalf(cloud: Cloud) -> None:
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.presence_status_message import PresenceStatusMessage
    from msgraph.generated.users.item.presence.set_status_message import (
        set_status_message_post_request_body as set_,
    )

    async def scene() -> None:
        client = cloud.client(kit.ANNA)
        message = PresenceStatusMessage(message=ItemBody(content="At the fair"))
        await client.me.presence.set_status_message.post(
            set_.SetStatusMessagePostRequestBody(status_message=message)
        )
        shown = await client.me.presence.get()
        assert shown is not None
        assert shown.status_message is not None
        assert shown.status_message.message is not None
        assert shown.status_message.message.content == "At the fair"
        assert shown.status_message.published_date_time is not None

    cloud.play(scene)


def test_a_subscription_is_made_notified_renewed_and_deleted(cloud: Cloud) -> None:
    from msgraph.generated.models.subscription import Subscription

    def ends_in(minutes: int) -> datetime.datetime:
        now = datetime.datetime.fromtimestamp(cloud.graph.application.clock.utc(), datetime.UTC)
        return now + datetime.timedelta(minutes=minutes)

    def away(now: int) -> None:
        board = cloud.graph.world.tenants[kit.TENANT].board
        board.sources(kit.BRUNO).client = "away"
        board.changed(kit.BRUNO, now)

    async def scene() -> None:
        client = cloud.client(kit.CARLA)
        made = await client.subscriptions.post(
            Subscription(
                resource=f"/communications/presences/{kit.BRUNO}",
                change_type="updated",
                notification_url=f"{cloud.endpoint.url}/notify",
                expiration_date_time=ends_in(30),
                client_state="secret",
                include_resource_data=True,
                encryption_certificate=kit.subscriber_keys().text,
                encryption_certificate_id="1",
            )
        )
        assert made is not None
        assert made.id is not None
        one = client.subscriptions.by_subscription_id(made.id)
        renewed = await one.patch(Subscription(expiration_date_time=ends_in(59)))
        assert renewed is not None
        assert renewed.expiration_date_time > made.expiration_date_time  # type: ignore[operator]  # both are there
        await asyncio.to_thread(cloud.do, away)
        envelope = await asyncio.to_thread(cloud.run, cloud.endpoint.next)
        content = kit.subscriber_keys().opened(envelope["value"][0]["encryptedContent"])
        assert content["availability"] == "Away"
        assert len(envelope["validationTokens"]) == 1
        await one.delete()
        assert values(await client.subscriptions.get()) == []

    cloud.play(scene)


def test_call_records_are_read_with_their_quality(cloud: Cloud) -> None:
    call = "c0ffee00-0000-4000-8000-000000000009"

    def end(now: int) -> None:
        late = now - 1_300 * 1_000_000_000
        bot, anna = Party(app_id=kit.APP), Party(user_id=kit.ANNA, name="Anna Riva")
        leg = Leg(bot, anna, late - 60_000_000_000, late, quality=Quality(jitter_ms=16))
        cloud.graph.world.tenants[kit.TENANT].records.add(CallEnded(call, (leg,), bot), late)

    cloud.do(end)

    async def scene() -> None:
        client = cloud.client()
        record = await client.communications.call_records.by_call_record_id(call).get(
            configured(
                "communications.call_records.item.call_record_item_request_builder",
                "CallRecordItemRequestBuilder",
                expand=["sessions($expand=segments)", "participants_v2"],
            )
        )
        assert record is not None
        (session,) = record.sessions or []
        (segment,) = session.segments or []
        (media,) = segment.media or []
        assert media.streams is not None
        assert media.streams[0].average_jitter == datetime.timedelta(milliseconds=16)
        assert type(session.caller).__name__ == "ServiceEndpoint"
        assert len(record.participants_v2 or []) == 2

    cloud.play(scene)


def test_calendars(cloud: Cloud) -> None:
    from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
    from msgraph.generated.users.item.calendar.get_schedule import (
        get_schedule_post_request_body as body,
    )

    async def scene() -> None:
        client = cloud.client()
        answer = await client.users.by_user_id(kit.ANNA).calendar.get_schedule.post(
            body.GetSchedulePostRequestBody(
                schedules=["carla@north.example"],
                start_time=DateTimeTimeZone(date_time="2026-11-01T08:00:00", time_zone="UTC"),
                end_time=DateTimeTimeZone(date_time="2026-11-01T10:00:00", time_zone="UTC"),
            )
        )
        assert [one.availability_view for one in values(answer)] == ["0000"]
        view = await client.users.by_user_id(kit.ANNA).calendar_view.get(
            configured(
                "users.item.calendar_view.calendar_view_request_builder",
                "CalendarViewRequestBuilder",
                start_date_time="2026-11-01T08:00:00Z",
                end_date_time="2026-11-02T08:00:00Z",
            )
        )
        assert values(view) == []

    cloud.play(scene)


def test_chats_and_messages_on_somebodys_behalf(cloud: Cloud) -> None:
    from msgraph.generated.models.aad_user_conversation_member import AadUserConversationMember
    from msgraph.generated.models.chat import Chat
    from msgraph.generated.models.chat_message import ChatMessage
    from msgraph.generated.models.chat_type import ChatType
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    def member(user: str) -> AadUserConversationMember:
        link = f"https://graph.microsoft.com/v1.0/users('{user}')"
        made = AadUserConversationMember(
            odata_type="#microsoft.graph.aadUserConversationMember", roles=["owner"]
        )
        made.additional_data = {"user@odata.bind": link}
        return made

    async def scene() -> None:
        anna = cloud.client(kit.ANNA)
        chat = await anna.chats.post(
            Chat(chat_type=ChatType.OneOnOne, members=[member(kit.ANNA), member(kit.BRUNO)])
        )
        assert chat is not None
        messages = anna.chats.by_chat_id(str(chat.id)).messages
        sent = await messages.post(ChatMessage(body=ItemBody(content="Good morning")))
        assert sent is not None
        assert sent.from_ is not None
        assert sent.from_.user is not None
        assert sent.from_.user.id == kit.ANNA
        daemon = cloud.client()
        seen = values(await daemon.chats.by_chat_id(str(chat.id)).messages.get())
        assert [one.id for one in seen] == [sent.id]
        with pytest.raises(ODataError) as caught:
            await daemon.chats.by_chat_id(str(chat.id)).messages.post(
                ChatMessage(body=ItemBody(content="From nobody"))
            )
        assert caught.value.response_status_code == 403

    cloud.play(scene)


def test_activity_meetings_and_numbers(cloud: Cloud) -> None:
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.online_meeting import OnlineMeeting
    from msgraph.generated.models.teamwork_activity_topic import TeamworkActivityTopic
    from msgraph.generated.models.teamwork_activity_topic_source import TeamworkActivityTopicSource
    from msgraph.generated.users.item.teamwork.send_activity_notification import (
        send_activity_notification_post_request_body as feed,
    )

    async def scene() -> None:
        client = cloud.client()
        anna = client.users.by_user_id(kit.ANNA)
        await anna.teamwork.send_activity_notification.post(
            feed.SendActivityNotificationPostRequestBody(
                topic=TeamworkActivityTopic(
                    source=TeamworkActivityTopicSource.Text,
                    value="Call",
                    web_url="https://teams.microsoft.com/l/entity/x",
                ),
                activity_type="callOffered",
                preview_text=ItemBody(content="A call is waiting"),
            )
        )
        entries = cloud.graph.world.tenants[kit.TENANT].activity.entries
        assert [one.user_id for one in entries] == [kit.ANNA]
        meeting = await anna.online_meetings.post(OnlineMeeting(subject="Consultation"))
        assert meeting is not None
        assert meeting.join_meeting_id_settings is not None
        assert meeting.join_meeting_id_settings.join_meeting_id
        numbers = client.admin.teams.telephone_number_management.number_assignments
        assert len(values(await numbers.get())) == 5
        users = values(await client.admin.teams.user_configurations.get())
        assert len(users) == 5

    cloud.play(scene)


def test_shifts_are_written_for_whom_the_application_acts(cloud: Cloud) -> None:
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.models.schedule import Schedule
    from msgraph.generated.models.shift import Shift
    from msgraph.generated.models.shift_item import ShiftItem

    async def scene() -> None:
        schedule = cloud.client().teams.by_team_id(kit.TEAM).schedule
        acting: RequestConfiguration[Any] = RequestConfiguration()
        acting.headers.add("MS-APP-ACTS-AS", kit.CARLA)
        await schedule.put(Schedule(enabled=True, time_zone="Europe/Rome"), acting)
        start = datetime.datetime(2026, 12, 1, 8, tzinfo=datetime.UTC)
        end = start + datetime.timedelta(hours=8)
        item = ShiftItem(start_date_time=start, end_date_time=end, display_name="Early")
        made = await schedule.shifts.post(Shift(user_id=kit.CARLA, shared_shift=item), acting)
        assert made is not None
        rows = values(await schedule.shifts.get(acting))
        assert [row.id for row in rows] == [made.id]
        assert rows[0].shared_shift.start_date_time == start

    cloud.play(scene)


def test_a_missing_permission_reaches_the_caller_by_name(cloud: Cloud) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    async def scene() -> None:
        with pytest.raises(ODataError) as caught:
            await cloud.client(kit.ANNA).communications.call_records.get()
        assert caught.value.response_status_code == 403
        error = caught.value.error
        assert error is not None
        assert error.code == "Forbidden"
        with pytest.raises(ODataError) as caught:
            await cloud.client().teams.by_team_id(kit.TEAM).channels.get()
        assert caught.value.error is not None
        assert "Channel.ReadBasic.All" in str(caught.value.error.message)

    cloud.play(scene)


def test_the_sdk_waits_as_it_is_told_and_asks_again(cloud: Cloud) -> None:
    async def scene() -> None:
        fault = Fault(
            "GET /v1.0/users/{user}", 429, "TooManyRequests", "Slow down.", {"retry-after": "1"}
        )
        cloud.graph.application.service.faults.plant(fault)
        before = cloud.graph.application.service.log.total
        anna = await cloud.client().users.by_user_id(kit.ANNA).get()
        assert anna is not None
        assert cloud.graph.application.service.log.total - before == 2

    cloud.play(scene)
