# SPDX-License-Identifier: Apache-2.0
"""What a scenario may say of Graph's calls: people, applications, calls, timing, faults.

Times are milliseconds unless the name says otherwise, tones whole hertz, numbers E.164 with
``+``. Unknown keys are refused. The defaults are what the fidelity ledger of the simulated calls
says; what nobody outside knows is a setting.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from centralino.simulators.entra.mint import Defect

Behaviour = Literal[
    "answer",
    "decline",
    "busy",
    "no-answer",
    "by-hand",
    "voicemail",
    "signed-out",
    "unreachable",
    "no-route",
    "no-signalling",
    "private",
]
"""What a scripted person does with a call; ``by-hand`` waits for somebody to press a button."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that refuse unknown keys."""


class Action(Struct, frozen=True, kw_only=True):
    """Something a person does by himself, counted from his answer."""

    at_ms: int
    do: Literal["speak", "hush", "keys", "hold", "resume", "mute", "unmute", "hang-up"]
    for_ms: int = 0
    """Of ``speak``: falls silent after that; 0 goes on."""
    keys: str = ""
    key_gap_ms: int = 300


class Turn(Struct, frozen=True, kw_only=True):
    """What a person does with one of his calls."""

    behaviour: Behaviour = "answer"
    answer_after_ms: int = 1_200
    talk_for_ms: int = 0
    actions: tuple[Action, ...] = ()


class Network(Struct, frozen=True, kw_only=True):
    """How a person's audio travels; it shows in call records."""

    jitter_ms: float = 4.0
    loss_ratio: float = 0.002
    """0 to 1."""
    round_trip_ms: float = 35.0
    degradation: float = 0.1
    """Mean opinion score lost to the network, 0 to 5."""
    concealed_ratio: float = 0.01
    connection: Literal["unknown", "wired", "wifi", "mobile", "tunnel"] = "wired"


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who can be rung and can ring: a Teams user, a guest, or a telephone."""

    id: str
    """Object id of a user or guest; the number of a phone."""
    name: str = ""
    kind: Literal["user", "phone", "guest"] = "user"
    number: str = ""
    """Of a user: his Teams phone number."""
    tenant_id: str = ""
    """Empty: the scenario's tenant. Of a phone it means nothing."""
    tone_hz: int
    """The tone he speaks."""
    behaviour: Behaviour = "answer"
    answer_after_ms: int = 1_200
    """Median; see ``answer_sigma``."""
    answer_sigma: float = 0.0
    """Spread of the logarithm of the time to answer, drawn from the scenario's seed."""
    talk_for_ms: int = 0
    """Hangs up that long after the answer; 0 leaves it to the other side."""
    is_silent: bool = False
    """Says nothing unless an action lets him speak."""
    actions: tuple[Action, ...] = ()
    turns: tuple[Turn, ...] = ()
    """What he does with his first call, his second, and so on, then from the start again.
    Empty: always what ``behaviour``, ``answer_after_ms``, ``talk_for_ms``, ``actions`` say."""
    forward_to: str = ""
    """Who gets his calls without ringing him: the id or number of another person."""
    unanswered_after_ms: int = 20_000
    unanswered_to: str = ""
    """Who gets what he has not answered by then: ``voicemail``, or another person."""
    voicemail_tone_hz: int = 300
    when_busy: Literal["ring", "busy"] = "ring"
    """Busy on busy; ``ring`` puts the first call on hold when he answers the second."""
    region: str = "emea"
    language: str = "en-US"
    country: str = ""
    platform: Literal["unknown", "windows", "macOS", "iOS", "android", "web", "ipPhone"] = "windows"
    network: Network = Network()


class Instance(Struct, frozen=True, kw_only=True):
    """A resource account of an application (``New-CsOnlineApplicationInstance``)."""

    id: str
    """Object id."""
    name: str = ""
    number: str = ""
    """Its telephone number; empty for none."""


class Application(Struct, frozen=True, kw_only=True):
    """A calling bot."""

    id: str
    """Its application (client) id."""
    name: str = ""
    webhook: str = ""
    """Where incoming calls are told; each call may name another place."""
    granted: tuple[str, ...] = ()
    """Consented application permissions. They matter for what notifications show; requests are
    judged by the roles in their token."""
    instances: tuple[Instance, ...] = ()
    may_remove_participants: bool = False
    """``Set-CsApplicationMeetingConfiguration -AllowRemoveParticipantAppIds``."""
    legacy_first: bool = False
    """An incoming call is first told in the old payload; 204 asks for Graph's."""


class Meeting(Struct, frozen=True, kw_only=True):
    """A scheduled meeting that can be joined."""

    thread_id: str
    organizer: str
    """Object id."""
    join_id: str = ""
    passcode: str = ""
    people: tuple[str, ...] = ()
    """Ids of those who are in it from the start."""
    has_lobby: bool = False
    """Applications wait until somebody admits them."""


class ScriptedCall(Struct, frozen=True, kw_only=True):
    """Somebody rings an application."""

    at_ms: int
    """From the start of the world."""
    caller: str
    target: str
    """Application id, instance id, or the number of an instance."""
    patience_ms: int = 60_000
    """Gives up when not answered by then."""
    on_behalf_of: str = ""
    """The person who forwarded the call."""


class Timing(Struct, frozen=True, kw_only=True):
    """How long things take, and when patience ends."""

    answer_within_ms: int = 15_000
    answer_recording_within_ms: int = 5_000
    establish_ms: int = 200
    """From the application's answer, or from joining, to ``established``."""
    terminate_ms: int = 100
    """From hanging up to ``terminated``."""
    refuse_ms: int = 300
    """Until a busy, absent or unknown callee is known to be so."""
    transfer_ms: int = 150
    """Between the steps of a transfer."""
    ring_ms: int = 60_000
    """A callee who does nothing is given up."""
    keep_alive_s: int = 2_700
    lobby_s: int = 1_800
    alone_ms: int = 1_000
    """A group call ends so long after the application is left alone; 0 never."""
    recording_kept_s: int = 60
    """Recordings can be fetched so long after their call ended."""
    fetch_ms: int = 10_000
    """A prompt that has not come by then fails its operation."""


class Delivery(Struct, frozen=True, kw_only=True):
    """How notifications reach an application. Retries are not documented; see the ledger."""

    least_latency_ms: int = 20
    most_latency_ms: int = 120
    timeout_ms: int = 5_000
    retries: int = 2
    """After a time-out, a broken connection or a 5xx; never after a 4xx."""
    retry_after_ms: int = 1_000
    """Doubles with each try."""
    drops_call_after: int = 5
    """Notifications of one call given up in a row until the call is ended; 0 never."""
    batch: int = 1
    """Most notifications of one call in one envelope."""
    duplicate_ratio: float = 0.0
    reorder_ratio: float = 0.0
    """Of neighbours in one call that change places."""
    bad_tokens: tuple[Defect, ...] = ()
    """Forgeries: a copy of a notification comes first, its token wrong in one of these ways."""
    bad_token_ratio: float = 0.0
    """Of notifications that are preceded by a forgery."""
    follows_redirects: int = 3
    moves_after_redirect: bool = True
    """After a 302 the call's next notifications go to the new place at once."""
    id_spelling: Literal["dashed", "packed", "mixed"] = "dashed"
    waiting: int = 10_000
    """Notifications that wait for delivery; above it the oldest of the call is dropped."""


class Limits(Struct, frozen=True, kw_only=True):
    """What the service allows an application."""

    concurrent_calls: int = 100
    calls_per_month: int = 10_000
    status: int = 429
    """Of the answer above a limit; not documented."""


class Results(Struct, frozen=True, kw_only=True):
    """Codes that are not documented: (code, sub-code)."""

    busy: tuple[int, int] = (486, 10_003)
    declined: tuple[int, int] = (603, 10_204)
    no_answer: tuple[int, int] = (487, 10_006)
    caller_gave_up: tuple[int, int] = (487, 10_004)
    not_answered_in_time: tuple[int, int] = (408, 10_057)
    stop_tone: tuple[int, int] = (200, 8_514)
    initial_silence: tuple[int, int] = (400, 8_510)
    final_silence: tuple[int, int] = (200, 8_513)
    prompt_not_found: tuple[int, int] = (400, 8_536)
    prompt_unreadable: tuple[int, int] = (400, 8_535)
    callback_failed: tuple[int, int] = (500, 7_117)
    redirected: tuple[int, int] = (200, 0)
    meeting_not_found: tuple[int, int] = (404, 2_203)


class Habits(Struct, frozen=True, kw_only=True):
    """What else is not documented, or differs between sources."""

    remote_hold_shows: bool = True
    """The other side's hold is the call's state ``hold``."""
    media_inactive: Literal["before", "with", "after"] = "with"
    """When ``mediaState`` flips in a transfer, seen from ``transferAccepted``."""
    established_first: bool = False
    """Outgoing calls tell ``established`` before ``establishing``."""
    recording_survives_hang_up: bool = False
    """A caller who hangs up while he is recorded still leaves a finished operation."""
    same_resource_is_cached: bool = True
    """A prompt whose ``resourceId`` was played before is not fetched again."""
    reaches_any_host: bool = False
    """Callbacks and prompts may be anywhere; else only on the loopback. A simulator is no way into
    somebody's network."""
    http_callbacks: Literal["never", "loopback", "always"] = "loopback"
    """Whether a plain http callback is taken; the service wants https."""


class CallsScenario(Struct, frozen=True, kw_only=True):
    """All of it."""

    tenant_id: str
    seed: int = 1
    applications: tuple[Application, ...] = ()
    people: tuple[Person, ...] = ()
    meetings: tuple[Meeting, ...] = ()
    calls: tuple[ScriptedCall, ...] = ()
    timing: Timing = Timing()
    delivery: Delivery = Delivery()
    limits: Limits = Limits()
    results: Results = Results()
    habits: Habits = Habits()
    music_hz: int = 250
    """The built-in hold music."""
    ringback_hz: int = 425
