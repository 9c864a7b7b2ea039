# SPDX-License-Identifier: Apache-2.0
"""An application in the world of simulated Graph calls, with time moved by hand.

It asks by method and path as over HTTP, gets every notification at once (or answers as a test
says), serves the prompts that the world fetches, and writes down all that it was told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from centralino.simulators.graph.callers import Caller
from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.notices import Answer, Post
from centralino.simulators.graph.calls.orders import Order, Reply
from centralino.simulators.graph.calls.settings import (
    Application,
    CallsScenario,
    Delivery,
    Instance,
    Meeting,
    Person,
    Timing,
)
from centralino.simulators.graph.calls.sound import RATE, Tone, to_samples, write_wav
from centralino.simulators.graph.calls.table import ROWS, Row, spellings
from centralino.simulators.graph.calls.world import CallWorld
from centralino.simulators.http.messages import Refusal
from centralino.wire.graph.notification import CommsNotification, read_notifications
from centralino.wire.graph.resource import Part
from centralino.wire.rtp.tone import tone_share

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.wire.rtp.samples import Samples

Loose: TypeAlias = Any
"""A value that a test gives without a narrower type: Graph's bodies are JSON."""
START = 1_767_225_600_000_000_000
NS_PER_MS = 1_000_000
TENANT = "11111111-1111-4111-8111-111111111111"
APP = "22222222-2222-4222-8222-222222222222"
INSTANCE = "33333333-3333-4333-8333-333333333333"
APP_NUMBER = "+390299000000"
ADA = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "aaaaaaaa-0000-4000-8000-000000000002"
CAT = "aaaaaaaa-0000-4000-8000-000000000003"
DAN = "aaaaaaaa-0000-4000-8000-000000000004"
PHONE = "+390200000001"
OTHER_PHONE = "+390200000002"
THREAD = "19:meeting_x@thread.v2"
CALLBACK = "https://cc.example/api/calls"
BASE = "https://graph.example/v1.0"
TONES = {ADA: 600, BOB: 700, CAT: 800, DAN: 900, PHONE: 1_100, OTHER_PHONE: 1_200}
ALL_ROLES = frozenset(
    {
        "Calls.Initiate.All",
        "Calls.InitiateGroupCall.All",
        "Calls.JoinGroupCall.All",
        "Calls.AccessMedia.All",
    }
)
MEDIA = {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"}
APPLICATION = Application(
    id=APP,
    name="Desk",
    webhook=f"{CALLBACK}/first",
    granted=tuple(sorted(ALL_ROLES)),
    instances=(Instance(id=INSTANCE, name="Main line", number=APP_NUMBER),),
    may_remove_participants=True,
)


MEETING = Meeting(thread_id=THREAD, organizer=ADA, join_id="123", passcode="p", people=(ADA, BOB))


def people(**changes: Person) -> tuple[Person, ...]:
    """Return the people of the tests; a keyword (``ada``) replaces one of them."""
    named = {
        "ada": Person(id=ADA, name="Ada Example", tone_hz=TONES[ADA], answer_after_ms=1_000),
        "bob": Person(id=BOB, name="Bob Example", tone_hz=TONES[BOB], answer_after_ms=1_000),
        "cat": Person(id=CAT, name="Cat Example", tone_hz=TONES[CAT], answer_after_ms=1_000),
        "dan": Person(id=DAN, name="Dan Example", tone_hz=TONES[DAN], answer_after_ms=1_000),
        "phone": Person(id=PHONE, kind="phone", tone_hz=TONES[PHONE], answer_after_ms=1_000),
        "other_phone": Person(id=OTHER_PHONE, kind="phone", tone_hz=TONES[OTHER_PHONE]),
    }
    return tuple((named | changes).values())


def scenario(**changes: Loose) -> CallsScenario:
    """Return the scenario of the tests, with changes."""
    defaults: dict[str, Any] = {
        "tenant_id": TENANT,
        "applications": (APPLICATION,),
        "people": people(),
    }
    return CallsScenario(**(defaults | changes))


def quick(**changes: Loose) -> CallsScenario:
    """Return the scenario for the machine's own time: everybody is quick."""
    named = {
        one.name.split()[0].lower(): msgspec.structs.replace(one, answer_after_ms=100)
        for one in people()
        if one.name
    }
    phones = {
        "phone": Person(id=PHONE, kind="phone", tone_hz=TONES[PHONE], answer_after_ms=100),
        "other_phone": Person(id=OTHER_PHONE, kind="phone", tone_hz=1_200, answer_after_ms=100),
    }
    timing = Timing(establish_ms=50, terminate_ms=20, refuse_ms=50, transfer_ms=20)
    delivery = Delivery(least_latency_ms=1, most_latency_ms=10, retry_after_ms=50)
    defaults = {"people": people(**named, **phones), "timing": timing, "delivery": delivery}
    return scenario(**(defaults | changes))


def user(person_id: str) -> dict[str, Any]:
    """Name a user as a target."""
    return {"identity": {"user": {"id": person_id}}}


def phone(number: str) -> dict[str, Any]:
    """Name a phone as a target."""
    return {"identity": {"phone": {"id": number}}}


def source_instance(instance: str = INSTANCE) -> dict[str, Any]:
    """Name a resource account as a source."""
    return {"identity": {"applicationInstance": {"id": instance}}}


def new_call(**changes: Loose) -> dict[str, Any]:
    """Return the body of a new call."""
    body: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.call",
        "callbackUri": CALLBACK,
        "requestedModalities": ["audio"],
        "mediaConfig": MEDIA,
        "tenantId": TENANT,
    }
    return body | changes


def prompt(name: str, resource_id: str = "") -> dict[str, Any]:
    """Name a prompt."""
    media = {"uri": f"https://cc.example/{name}.wav", "resourceId": resource_id or name}
    return {"@odata.type": "#microsoft.graph.mediaPrompt", "mediaInfo": media}


def tone_file(hertz: int, length_ms: int = 1_000) -> bytes:
    """Return a WAV file of a tone."""
    return write_wav(to_samples(Tone((hertz,)).render(0, length_ms * RATE // 1000)))


def heard(samples: Samples, hertz: int) -> bool:
    """Tell whether most of a sound is one tone."""
    return tone_share(samples, hertz, sample_rate=RATE) > 0.5


@dataclass
class Told:
    """One notification that the application got."""

    at_ms: int
    """Since the start."""
    url: str
    notice: CommsNotification

    @property
    def state(self) -> str:
        """Of a call."""
        return str(self.notice.members.get("state", ""))

    @property
    def result(self) -> tuple[int, int]:
        """Code and sub-code."""
        found: Any = self.notice.members.get("resultInfo") or {}
        return found.get("code", -1), found.get("subcode", -1)


@dataclass
class Bot:
    """The application."""

    settings: CallsScenario = field(default_factory=scenario)
    roles: frozenset[str] = ALL_ROLES
    files: dict[str, bytes | None] = field(default_factory=dict)
    """Prompts by name; None is a file that cannot be had."""
    respond: Callable[[Post], Answer | None] = lambda _: Answer(200)
    """What the webhook answers; None never comes."""
    on_reply: Callable[[str, str, Reply], None] = lambda *_: None
    on_post: Callable[[Post], None] = lambda _: None

    def __post_init__(self) -> None:
        self.facts: list[dict[str, Any]] = []
        self.world = CallWorld(
            self.settings, START, tell=lambda what, more: self.facts.append({"what": what, **more})
        )
        self.now = START
        self.told: list[Told] = []
        self.posts: list[Post] = []

    # ---- requests

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Ask for something below ``/communications/calls``.

        Raises:
            Refusal: what the service answers instead.
        """
        full = f"/communications/calls{path}"
        row, params = find_row(method, full)
        caller = Caller(TENANT, APP, roles=self.roles)
        call = None
        if "call" in params:
            call = self.world.call_for(caller, params["call"], self.now)
        order = Order(caller, BASE, body or {}, params, call)
        reply = self.world.carry_out(row.handler, order, self.now)
        self.on_reply(method, full, reply)
        return reply

    def refused(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Refusal:
        """Ask for something that must be refused."""
        try:
            reply = self.ask(method, path, body)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"{method} {path} was answered {reply.status}")

    def make(self, **changes: Loose) -> str:
        """Make a call; return its id."""
        reply = self.ask("POST", "", new_call(**changes))
        assert reply.body is not None
        return str(reply.body["id"])

    def call(self, call_id: str) -> ServiceCall:
        """Return a call that is not over."""
        return self.world.call_for(Caller(TENANT, APP), call_id, self.now)

    def operation(self, call_id: str, action: str, body: Mapping[str, Any] | None = None) -> str:
        """Ask for an operation; return its id."""
        reply = self.ask("POST", f"/{call_id}/{action}", body)
        assert reply.body is not None
        return str(reply.body["id"])

    # ---- arrivals

    def rung(self, caller: str = PHONE, target: str = APP_NUMBER, **changes: Loose) -> str:
        """Let somebody ring; return the call's id once it was told."""
        call = self.world.ring(Arrival(caller, target, **changes), self.now)
        self.run(200)
        return call.id

    def answer(self, call_id: str, **changes: Loose) -> str:
        """Answer a call and wait until it stands."""
        body = {"callbackUri": CALLBACK, "acceptedModalities": ["audio"], "mediaConfig": MEDIA}
        assert self.ask("POST", f"/{call_id}/answer", body | changes).status == 202
        self.run(500)
        return call_id

    def answered(self, caller: str = PHONE, target: str = APP_NUMBER) -> str:
        """Let somebody ring and answer; return the call's id."""
        return self.answer(self.rung(caller, target))

    def reached(self, person_id: str = ADA) -> str:
        """Call a user who answers; return the call's id."""
        call_id = self.make(targets=[user(person_id)])
        self.run(1_500)
        assert self.call(call_id).state.value == "established"
        return call_id

    # ---- time

    def run(self, ms: int) -> None:
        """Let time pass, with everything that happens in it."""
        until = self.now + ms * NS_PER_MS
        while True:
            self._serve()
            at = self.world.next_deadline()
            if at is None or at > until:
                break
            self.now = max(self.now, at)
            self.world.advance(self.now)
        self.now = until
        self.world.advance(until)

    def _serve(self) -> None:
        for fetch in self.world.prompts.take():
            name = fetch.uri.rpartition("/")[2].removesuffix(".wav")
            self.world.fetched(fetch, self.files.get(name), self.now)
        while posts := self.world.notices.take():
            for post in posts:
                self._take(post)

    def _take(self, post: Post) -> None:
        self.posts.append(post)
        self.on_post(post)
        answer = self.respond(post)
        if answer is None:
            return
        if 200 <= answer.status < 300 and not post.is_legacy:
            at_ms = (self.now - START) // NS_PER_MS
            for notice in read_notifications(post.body):
                self.told.append(Told(at_ms, post.url, notice))
        self.world.posted(post, answer, self.now)

    # ---- what it was told

    def states(self, call_id: str) -> list[str]:
        """Return the states that were told of a call, in order."""
        key = call_id.replace("-", "").lower()
        return [
            one.state
            for one in self.told
            if one.notice.resource.key == (key, Part.CALL, "") and one.state
        ]

    def last(self, call_id: str) -> Told:
        """Return what was told last of a call."""
        key = call_id.replace("-", "").lower()
        return [one for one in self.told if one.notice.resource.key == (key, Part.CALL, "")][-1]

    def finished(self, operation_id: str) -> dict[str, Any]:
        """Return the content of an operation's notification."""
        key = operation_id.replace("-", "").lower()
        found = [one for one in self.told if one.notice.resource.key[1:] == (Part.OPERATIONS, key)]
        assert len(found) == 1, f"{len(found)} notifications of the operation"
        assert found[0].notice.change.value == "deleted"
        return dict(found[0].notice.members)

    def rosters(self, call_id: str) -> list[list[dict[str, Any]]]:
        """Return the rosters that were told of a call."""
        key = call_id.replace("-", "").lower()
        return [
            [dict(member) for member in one.notice.content]
            for one in self.told
            if one.notice.resource.key == (key, Part.PARTICIPANTS, "")
            and isinstance(one.notice.content, list)
        ]

    # ---- what was heard

    def heard_by(self, owner: str, last_ms: int = 500, index: int = -1) -> Samples:
        """Return what the newest line of a person (or a call) heard lately."""
        line = self.world.lines.of(owner)[index]
        count = last_ms * RATE // 1000
        samples = self.world.lines.listen(line.id, "heard", self.now)
        assert samples is not None
        return samples[-count:]

    def participant(self, call_id: str, person_id: str) -> str:
        """Return the participant id of somebody in a call's room."""
        room = self.call(call_id).room
        return next(one.id for one in room.members if one.identity.id == person_id)


def find_row(method: str, path: str) -> tuple[Row, dict[str, str]]:
    """Return the operation of a path and what stood for its names."""
    for row in sorted(ROWS, key=lambda one: one.path.count("{")):
        for spelling in spellings(row):
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", spelling)
            found = re.fullmatch(pattern, path)
            if found is not None and row.method == method:
                return row, found.groupdict()
    raise AssertionError(f"no operation {method} {path}")
