# SPDX-License-Identifier: Apache-2.0
"""A call as its application sees it: its state, what GET shows of it, what it is told.

All movement goes through the table of `wire.graph.call_lifecycle`. Everything that the application
is told is put into the call's lane in the moment it becomes true, so that what GET shows and what
the last notification said agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from centralino.simulators.graph.calls.endings import ending
from centralino.simulators.graph.calls.media import MediaQueue
from centralino.simulators.graph.calls.operation import Operation
from centralino.simulators.graph.calls.portrait import CALL_TYPE, call_json
from centralino.simulators.graph.calls.roster import hide, participant
from centralino.wire.graph.call_lifecycle import TABLE, CallEvent, CallState, next_state
from centralino.wire.graph.identity import Identity, IdentityKind
from centralino.wire.graph.ids import spell_id
from centralino.wire.graph.notification import CommsNotification
from centralino.wire.graph.resource import CallResource, Part
from centralino.wire.graph.states import CallDirection, ChangeType, OperationStatus
from centralino.wire.graph.tones import TONE_OF_KEY

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.agenda import Timer
    from centralino.simulators.graph.calls.ringing import Attempt
    from centralino.simulators.graph.calls.room import Member, Room
    from centralino.simulators.graph.calls.settings import Application
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.wire.graph.result import ResultInfo

Json = dict[str, object]


@dataclass(slots=True, eq=False)
class ServiceCall:
    """One of them."""

    world: CallWorld
    application: Application
    id: str
    direction: CallDirection
    state: CallState
    callback_uri: str
    chain_id: str
    tenant_id: str
    my_participant_id: str
    room: Room
    source: Json
    """``participantInfo`` of who began it."""
    targets: list[Json]
    began_at: int
    media_config: Json | None = None
    modalities: list[str] = field(default_factory=lambda: ["audio"])
    call_options: Json | None = None
    subject: str | None = None
    chat_info: Json | None = None
    meeting_info: Json | None = None
    incoming_context: Json | None = None
    call_routes: list[Json] = field(default_factory=list)
    extra: Json = field(default_factory=dict)
    """Undeclared members that the service sends (the type is open)."""
    member: Member | None = None
    """Its place in the room, once media stands."""
    is_by_user_name: bool = False
    """It was reached by its application's name and not by a resource account."""
    result: ResultInfo | None = None
    media_state: str | None = None
    tones_to_tell: bool = False
    tone_count: int = 0
    last_tone: Json | None = None
    operations: dict[str, Operation] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    """Who is being rung for it."""
    invited: dict[str, Attempt] = field(default_factory=dict)
    """Who is being rung for its group, by participant id."""
    is_detached: bool = False
    """The room goes on without it: redirected or transferred."""
    told_url: str = ""
    etag: int = 0
    timers: dict[str, Timer] = field(default_factory=dict)
    media: MediaQueue = field(init=False)

    def __post_init__(self) -> None:
        self.media = MediaQueue(self)

    # ---- what it is

    @property
    def is_over(self) -> bool:
        """Whether it is terminated."""
        return self.state is CallState.TERMINATED

    @property
    def identity(self) -> Identity:
        """Its application."""
        return Identity(IdentityKind.APPLICATION, self.application.id, self.application.name)

    @property
    def has_media(self) -> bool:
        """Whether media stands and may be worked on."""
        return self.state in {CallState.ESTABLISHED, CallState.HOLD} and self.member is not None

    @property
    def is_group(self) -> bool:
        """Whether there is a roster."""
        return self.room.kind != "pair"

    @property
    def is_service_hosted(self) -> bool:
        """Whether the service plays and records for it."""
        kind = (self.media_config or {}).get("@odata.type")
        return kind == "#microsoft.graph.serviceHostedMediaConfig"

    @property
    def is_expecting(self) -> bool:
        """Whether somebody is still being rung for it."""
        return any(not attempt.is_over for attempt in self.attempts)

    @property
    def has_delta_roster(self) -> bool:
        """Whether it is told only what changed in the roster."""
        return bool((self.call_options or {}).get("isDeltaRosterEnabled"))

    def write(self) -> Json:
        """Return the call as GET shows it."""
        return call_json(self)

    def shown_media_state(self) -> Json | None:
        """Return the ``mediaState``."""
        if self.media_state is None:
            return None
        return {"@odata.type": "#microsoft.graph.callMediaState", "audio": self.media_state}

    # ---- what it is told

    def notify(self, change: ChangeType, content: Json, resource: CallResource) -> None:
        """Put a notification into the lane."""
        self.etag += 1
        address = self._spelled(resource)
        head: Json = {"@odata.id": address.write(), "@odata.etag": f'W/"{self.etag}"'}
        kind = content.get("@odata.type")
        notice = CommsNotification(
            change, address, {"@odata.type": kind, **head, **content}, self.callback_uri
        )
        self.world.notices.put(self, notice, self.callback_uri)

    def _spelled(self, resource: CallResource) -> CallResource:
        spelling = self.world.settings.delivery.id_spelling
        if spelling == "packed" or (spelling == "mixed" and self.etag % 2):
            return CallResource(
                spell_id(resource.call_id, "packed"),
                resource.part,
                spell_id(resource.item_id, "packed"),
            )
        return resource

    def notify_call(self, change: ChangeType = ChangeType.UPDATED, /, **members: object) -> None:
        """Tell the call's state, and what else changed of it."""
        content: Json = {
            "@odata.type": CALL_TYPE,
            "id": self.id,
            "state": self.state.value,
            "callChainId": self.chain_id,
            **members,
        }
        self.notify(change, content, CallResource(self.id))

    def tell_late(self, content: Json) -> None:
        """Tell a state that the call has left already: notifications may arrive out of order."""
        self.notify(ChangeType.UPDATED, content, CallResource(self.id))

    def notify_incoming(self) -> None:
        """Tell that the call is there."""
        content = {k: v for k, v in self.write().items() if v is not None and k != "callbackUri"}
        if not any(role.startswith("Calls.") for role in self.application.granted):
            content["source"] = hide(self.source)
        self.notify(ChangeType.CREATED, content, CallResource(self.id))

    def roster_changed(self, changed: list[Member], removed: list[Member]) -> None:
        """Tell who is in the room: all of them, or what changed where that was asked for."""
        if self.member is None or self.state is CallState.ESTABLISHING or self.is_over:
            return
        if self.has_delta_roster:
            roster = [participant(one) for one in changed if one in self.room.members]
            roster += [participant(one, removed=True) for one in removed]
        else:
            roster = [participant(one) for one in self.room.members if not one.is_hidden]
        address = self._spelled(CallResource(self.id, Part.PARTICIPANTS))
        notice = CommsNotification(ChangeType.UPDATED, address, list(roster), self.callback_uri)
        self.world.notices.put(self, notice, self.callback_uri)

    # ---- how it moves

    def may(self, event: CallEvent) -> bool:
        """Tell whether the table has a row for an event now."""
        return (self.state, event) in TABLE

    def step(self, event: CallEvent, /, **members: object) -> None:
        """Move, and tell it."""
        self.state = next_state(self.state, event)
        self.world.tell("call", call=self.id, state=self.state.value, app=self.application.id)
        self.notify_call(ChangeType.UPDATED, **members)

    def connect(self) -> None:
        """Media stands."""
        if not self.may(CallEvent.CONNECTED):
            return
        self.cancel("answer")
        self.media_state = "active"
        self.keep_alive()
        self.step(CallEvent.CONNECTED, mediaState=self.shown_media_state())
        if self.is_group:
            self.room.roster_changed(self.room.members)

    def remote_hold(self, *, on: bool) -> None:
        """The other side holds it, or takes it back."""
        event = CallEvent.HELD if on else CallEvent.RESUMED
        if self.world.settings.habits.remote_hold_shows and self.may(event):
            self.media_state = "inactive" if on else "active"
            self.step(event, mediaState=self.shown_media_state())

    def key_heard(self, key: str) -> None:
        """Somebody in the room pressed a key."""
        self.media.key_heard(key)
        if self.tones_to_tell and self.state in {CallState.ESTABLISHED, CallState.HOLD}:
            self.tone_count += 1
            self.last_tone = {
                "@odata.type": "#microsoft.graph.toneInfo",
                "sequenceId": self.tone_count,
                "tone": TONE_OF_KEY[key],
            }
            self.notify_call(toneInfo=self.last_tone)

    def keep_alive(self) -> None:
        """Live on for as long as the service lets a call live unasked."""
        self.cancel("keep-alive")
        seconds = self.world.settings.timing.keep_alive_s
        self.after("keep-alive", seconds * 1000, partial(self.end, "keep-alive-timeout"))

    def hang_up(self) -> None:
        """Its application ends it."""
        if self.state is CallState.TERMINATING or self.is_over:
            return
        self.step(CallEvent.HUNG_UP)
        self._leave("peer-left")
        self.world.later(
            self.world.settings.timing.terminate_ms, partial(self.end, "ended-by-application")
        )

    def end(self, how: str, **members: object) -> None:
        """It is over; nothing happens when it was over before."""
        if self.is_over:
            return
        self.media.stop()
        self.state = next_state(self.state, CallEvent.ENDED)
        self.result = ending(how, self.world.settings.results)
        self._leave(how)
        self.world.tell("call", call=self.id, state="terminated", how=how)
        self.notify_call(
            ChangeType.DELETED,
            direction=self.direction.value,
            source=self.source,
            targets=self.targets,
            resultInfo=self.result.write(),
            **members,
        )
        self._forget()

    def end_rejected(self) -> None:
        """Its application refused it: told with nothing but its address."""
        self.state = next_state(self.state, CallEvent.ENDED)
        self._leave("declined")
        self.world.tell("call", call=self.id, state="terminated", how="rejected")
        self.notify(ChangeType.DELETED, {"@odata.type": CALL_TYPE}, CallResource(self.id))
        self._forget()

    def _leave(self, how: str) -> None:
        self.media.stop()
        for attempt in self.attempts:
            attempt.cancel()
        for name in list(self.timers):
            self.cancel(name)
        if self.member is not None:
            self.room.take_out(self.member)
            self.member.line.close(self.world.now)
        if not self.is_detached:
            self.room.settle(how)

    def _forget(self) -> None:
        self.world.call_ended(self)
        if self in self.room.waiting:
            self.room.waiting.remove(self)

    # ---- timers and operations

    def after(self, name: str, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something later, unless it is cancelled by its name."""
        self.timers[name] = self.world.later(delay_ms, action)

    def cancel(self, name: str) -> None:
        """Forget what was to be done later."""
        timer = self.timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def new_operation(self, kind: str, context: str | None, *, is_done: bool = False) -> Operation:
        """Make an operation of the call."""
        made = Operation(self.world.new_id(), kind, self, context)
        if is_done:
            made.status = OperationStatus.COMPLETED
        self.operations[made.id] = made
        return made

    def operation_finished(self, operation: Operation) -> None:
        """Tell that an operation is done; not after the call is over."""
        if not self.is_over:
            address = CallResource(self.id, Part.OPERATIONS, operation.id)
            self.notify(ChangeType.DELETED, operation.write(), address)
