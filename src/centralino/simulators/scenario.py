# SPDX-License-Identifier: Apache-2.0
"""What the far side is and does, as data: one YAML file, unknown keys refused.

Times are milliseconds, tones are whole hertz, numbers are E.164 with ``+``. Every
random choice comes from ``seed``. Defaults follow the fidelity ledger of each part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from centralino.simulators.entra.description import EntraScenario
from centralino.simulators.graph.calls.settings import CallsScenario
from centralino.simulators.graph.scenario import GraphScenario

Behaviour = Literal[
    "answer",
    "decline",
    "busy",
    "no-answer",
    "voicemail",
    "signed-out",
    "do-not-disturb",
    "immediate-answer",
]
"""What a scripted Teams user does with a call."""


class ScenarioError(Exception):
    """The scenario file is wrong; the message says where."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that refuse unknown keys."""


class TlsFiles(Struct, frozen=True, kw_only=True):
    """PEM files of one party."""

    certificate: str
    """Leaf and intermediates."""
    private_key: str
    authorities: str
    """Roots that the other side must chain to."""
    require_client_certificate: bool = True
    require_client_auth_eku: Literal["off", "warn", "strict"] = "warn"


class Fault(Struct, frozen=True, kw_only=True):
    """Something that goes wrong on purpose."""

    when: Literal["invite", "options", "bye", "refer", "cancel", "notify", "reinvite"] = "invite"
    """The request that triggers it."""
    nth: int = 0
    """Only the n-th such request (from 1); 0 means every one."""
    proxy: str = ""
    """Only at the proxy of that name; empty means everywhere."""
    do: Literal[
        "respond", "drop", "reset", "delay", "trying-only", "late-answer", "close-after-trying"
    ]
    status: int = 503
    retry_after_s: int | None = None
    delay_ms: int = 0


class Action(Struct, frozen=True, kw_only=True):
    """Something a party does by itself in a call, counted from the answer."""

    at_ms: int
    do: Literal[
        "hold",
        "resume",
        "hang-up",
        "keys",
        "refer",
        "consult",
        "pick-up",
        "park",
        "mute",
        "unmute",
        "refresh",
        "stop-media",
        "start-media",
        "new-stream",
    ]
    target: str = ""
    """Of ``refer`` and ``consult``: a number, or the ``oid`` of a Teams user (after ``consult``
    he answers at once). Of ``pick-up`` and ``park``: the ``oid`` of who takes the call over by
    INVITE with Replaces."""
    keys: str = ""


class UserTurn(Struct, frozen=True, kw_only=True):
    """What a Teams user does with one of his calls."""

    behaviour: Behaviour = "answer"
    answer_after_ms: int = 1200
    actions: tuple[Action, ...] = ()


class TeamsEndpoint(Struct, frozen=True, kw_only=True):
    """One signed-in client of a Teams user."""

    name: str
    ring_ms: int = 100
    """From the INVITE to its 180."""


class TeamsUser(Struct, frozen=True, kw_only=True):
    """A scripted person with a Teams phone."""

    oid: str
    upn: str
    name: str
    number: str
    extension: str = ""
    tone_hz: int
    """The tone he speaks."""
    behaviour: Behaviour = "answer"
    answer_after_ms: int = 1200
    talk_for_ms: int = 0
    """Hangs up that long after the answer; 0 leaves it to the other side."""
    endpoints: tuple[TeamsEndpoint, ...] = (TeamsEndpoint(name="desktop"),)
    early_media: bool = False
    """A 183 with SDP comes before the answer."""
    enterprise_voice: bool = True
    unanswered_to_voicemail: bool = False
    unanswered_after_ms: int = 20000
    unanswered_to: str = ""
    """A number that is called when he has not answered by then."""
    forward_to: str = ""
    """A number or the ``oid`` of a Teams user who gets his calls without ringing him."""
    rings_too: str = ""
    """A number that rings at the same time as his endpoints."""
    actions: tuple[Action, ...] = ()
    turns: tuple[UserTurn, ...] = ()
    """What he does with his first call, his second, ..., and then from the start again.
    Empty: always what ``behaviour``, ``answer_after_ms`` and ``actions`` say."""
    is_muted: bool = False
    """Sends silence: the planted defect of the audio check."""


class Tenant(Struct, frozen=True, kw_only=True):
    """One Microsoft 365 tenant."""

    id: str
    domains: tuple[str, ...]
    """Verified domains; a trunk's FQDN or its parent domain is one of them."""
    users: tuple[TeamsUser, ...] = ()
    blocked_numbers: tuple[str, ...] = ()
    """Regular expressions of callers who are refused."""
    trunks: tuple[str, ...] = ()
    """FQDNs for calls that users place, in the voice route's gateway list."""


class TrunkSettings(Struct, frozen=True, kw_only=True):
    """A trunk object (``New-CsOnlinePSTNGateway``)."""

    fqdn: str
    port: int
    enabled: bool = True
    is_carrier: bool = False
    """A base trunk: labels under its FQDN are derived trunks that inherit everything."""
    send_sip_options: bool = True
    failover_time_ms: int = 10000
    failover_codes: tuple[int, ...] = (408, 503, 504)
    forward_pai: bool = False
    forward_call_history: bool = False


class Proxy(Struct, frozen=True, kw_only=True):
    """One of the SIP proxies."""

    fqdn: str
    address: str
    port: int
    region: str = ""
    """Label in the host names that it puts into Via and Record-Route; empty: by its place."""


class OutgoingCall(Struct, frozen=True, kw_only=True):
    """A Teams user calls a number through the trunk."""

    at_ms: int
    user: str
    """``oid``."""
    number: str
    talk_for_ms: int = 5000
    actions: tuple[Action, ...] = ()
    is_anonymous: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    """Further lines of its INVITE, as they are."""
    has_bogus_replaces: bool = False
    """Its INVITE replaces a dialog that never was."""


class DirectRouting(Struct, frozen=True, kw_only=True):
    """Microsoft's side of Direct Routing."""

    proxies: tuple[Proxy, ...]
    tls: TlsFiles
    tenants: tuple[Tenant, ...]
    trunks: tuple[TrunkSettings, ...]
    calls: tuple[OutgoingCall, ...] = ()
    faults: tuple[Fault, ...] = ()
    options_period_ms: int = 60000
    options_healthy_ms: int = 180000
    upper_case_headers: bool = True
    session_expires_s: int = 1800
    offer_mki_line: bool = True
    refer_when_allowed: bool = True
    music_by_refer: bool = False
    """Hold is a REFER to the music service where the SBC allows REFER."""
    park_for_ms: int = 3000
    """How long a parked call waits until it is taken over."""
    internal_transfer_keeps_call: bool = True
    """Without REFER, after a transfer to a number: True joins the customer's call with the new
    one inside Microsoft, False ends it and leaves the customer to the SBC."""
    most_forwards: int = 5
    """Calls forwarded by one user for one caller at the same time; above it a loop."""
    rtcp_mux: bool = False
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    offers_more: bool = False
    """Offers also list SILK, SIREN, G.729, comfort noise and a second crypto suite; none of
    them is accepted."""
    min_se_s: int = 90
    """Smallest session interval; a smaller one gets 422."""
    connects_for_each_request: bool = False
    """Requests in a call never use the connection that the SBC opened."""
    connects_from_own_addresses: bool = False
    """Connections of a proxy come from its address; else from any of the machine."""


class Caller(Struct, frozen=True, kw_only=True):
    """A kind of caller the carrier sends."""

    number: str
    name: str = ""
    called: str
    tone_hz: int
    keys: str = ""
    """Pressed one after the other, from ``keys_after_ms`` after the answer."""
    keys_after_ms: int = 2500
    key_gap_ms: int = 600
    patience_ms: int = 30000
    """Hangs up when no agent is heard that long after the answer."""
    talk_for_ms: int = 4000
    """Hangs up that long after an agent is first heard, counted anew when he is passed on to
    somebody he did not hear before."""
    ring_patience_ms: int = 30000
    """Gives up when the call is not answered."""
    is_anonymous: bool = False
    is_muted: bool = False
    has_late_offer: bool = False
    """His INVITE carries no description; the other side offers."""
    actions: tuple[Action, ...] = ()


class Arrivals(Struct, frozen=True, kw_only=True):
    """When callers come."""

    interarrival_ms: int = 2500
    """Mean of the exponential distribution."""
    first_after_ms: int = 500
    stop_after_ms: int = 60000
    most: int = 1000
    at_once: int = 40
    """Calls at the same time; an arrival above it waits for the next one."""


class Subscriber(Struct, frozen=True, kw_only=True):
    """A number at the carrier that can be called."""

    number: str
    tone_hz: int
    behaviour: Literal["answer", "busy", "no-answer", "unknown", "unavailable", "overloaded"] = (
        "answer"
    )
    ring_ms: int = 200
    answer_after_ms: int = 800
    talk_for_ms: int = 0
    early_media: bool = False


class Carrier(Struct, frozen=True, kw_only=True):
    """A PSTN carrier that sends calls to the product and takes calls from it."""

    address: str
    port: int
    transport: Literal["udp", "tcp"] = "udp"
    target_host: str
    target_port: int
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    callers: tuple[Caller, ...] = ()
    arrivals: Arrivals = Arrivals()
    subscribers: tuple[Subscriber, ...] = ()
    listen_for_hz: tuple[int, ...] = ()
    """Tones that mean an agent is heard."""
    dtmf: Literal["rfc4733", "info"] = "rfc4733"
    hold: Literal["sendonly", "inactive", "zero-address"] = "sendonly"
    """How ``hold`` of a caller looks."""


class Scenario(Struct, frozen=True, kw_only=True):
    """The far side."""

    seed: int = 1
    media_address: str = "127.0.0.1"
    media_ports: tuple[int, int] = (40000, 44999)
    names: dict[str, str] = {}
    """Host names to loopback addresses, ``*.domain`` for all below it."""
    direct_routing: DirectRouting | None = None
    carrier: Carrier | None = None
    entra: EntraScenario | None = None
    graph: GraphScenario | None = None
    """Needs ``entra``, whose tokens it takes."""
    calls: CallsScenario | None = None
    """Graph's calls, in one of the tenants of ``graph``: what is there beside its people and
    resource accounts, which are in them anyway."""
    dns_port: int = 0
    """A DNS server on ``media_address``; 0 leaves it out."""


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: the file cannot be read or breaks the schema.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Scenario)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise ScenarioError(f"{path}: {error}") from error


def save_scenario(scenario: Scenario, path: Path) -> None:
    """Write a scenario file that :func:`load_scenario` reads back."""
    path.write_bytes(msgspec.yaml.encode(scenario))
