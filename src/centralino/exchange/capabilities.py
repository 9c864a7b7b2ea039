# SPDX-License-Identifier: Apache-2.0
"""What each integration model and profile can do in a call, as one typed table.

Flows, queues and the desk are checked against it when they are published, and the
docs page is generated from it. ``EMULATED`` means: done by us in another way, as the
note says. Sources: Microsoft "Direct Routing - SIP protocol", "Cloud communications
API" (Graph), "Call Automation" (Azure Communication Services); the rows of Extend and
Power state what their drivers will have to honour.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Model(StrEnum):
    """Microsoft's integration models."""

    CONNECT = "connect"
    EXTEND = "extend"
    POWER = "power"


class Profile(StrEnum):
    """How a model is attached."""

    BEHIND_SBC = "behind-sbc"
    """Connect behind a certified session border controller."""
    DIRECT = "direct"
    """Connect straight to the Direct Routing SIP proxy (lab, simulator)."""
    SERVICE_HOSTED = "service-hosted"
    """Extend with service-hosted media."""
    TEAMS_PHONE = "teams-phone"
    """Power with Teams Phone extensibility."""


class Capability(StrEnum):
    """What a flow, a queue or a person may ask for."""

    ANSWER = "answer"
    REJECT = "reject"
    REDIRECT = "redirect"
    PLAY = "play"
    COLLECT_DTMF = "collect-dtmf"
    COLLECT_SPEECH = "collect-speech"
    INVITE = "invite"
    CANCEL_INVITE = "cancel-invite"
    BRIDGE = "bridge"
    HOLD = "hold"
    MUTE = "mute"
    TRANSFER_BLIND = "transfer-blind"
    TRANSFER_CONSULT = "transfer-consult"
    CONFERENCE = "conference"
    REMOVE = "remove"
    MONITOR = "monitor"
    WHISPER = "whisper"
    BARGE = "barge"
    RECORD = "record"
    RECORD_PAUSE = "record-pause"
    RECORD_TWO_CHANNEL = "record-two-channel"
    SEND_DTMF = "send-dtmf"
    DTMF_DURING_CALL = "dtmf-during-call"
    QUALITY = "quality"


class Support(StrEnum):
    """How far a capability goes."""

    NATIVE = "native"
    EMULATED = "emulated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of the table."""

    support: Support
    note: str = ""


_YES = Cell(Support.NATIVE)
_NO = Cell(Support.ABSENT)

_CONNECT: dict[Capability, Cell] = {
    capability: _YES for capability in Capability if capability is not Capability.COLLECT_SPEECH
}
_CONNECT[Capability.COLLECT_SPEECH] = Cell(Support.ABSENT, "no recogniser is built in")
_CONNECT[Capability.TRANSFER_BLIND] = Cell(
    Support.EMULATED,
    "a new leg is bridged on our media; Direct Routing takes no REFER from us",
)
_CONNECT[Capability.TRANSFER_CONSULT] = Cell(
    Support.EMULATED, "bridged on our media; Direct Routing refuses Replaces"
)
_CONNECT[Capability.HOLD] = Cell(Support.NATIVE, "towards Teams only as a=inactive")

_DIRECT = dict(_CONNECT)
_DIRECT[Capability.REDIRECT] = Cell(
    Support.EMULATED,
    "a 302 is not documented for Direct Routing; the call is bridged instead",
)

_EXTEND: dict[Capability, Cell] = dict.fromkeys(Capability, _YES)
_EXTEND |= {
    Capability.COLLECT_SPEECH: _NO,
    Capability.HOLD: Cell(Support.EMULATED, "hold music is played to the participant"),
    Capability.MONITOR: Cell(Support.ABSENT, "service-hosted media cannot be listened to"),
    Capability.WHISPER: _NO,
    Capability.BARGE: Cell(Support.EMULATED, "the supervisor joins as a participant"),
    Capability.RECORD: Cell(Support.EMULATED, "a record operation up to its time limit"),
    Capability.RECORD_PAUSE: _NO,
    Capability.RECORD_TWO_CHANNEL: _NO,
    Capability.SEND_DTMF: _NO,
    Capability.DTMF_DURING_CALL: Cell(Support.NATIVE, "only while subscribed to tones"),
    Capability.QUALITY: Cell(Support.EMULATED, "from call records, after the call"),
}

_POWER: dict[Capability, Cell] = dict.fromkeys(Capability, _YES)
_POWER |= {
    Capability.MONITOR: Cell(Support.EMULATED, "the supervisor is added and muted"),
    Capability.WHISPER: Cell(Support.ABSENT, "no selective mixing"),
    Capability.BARGE: Cell(Support.EMULATED, "the supervisor is added"),
    Capability.QUALITY: Cell(Support.EMULATED, "from diagnostics, after the call"),
}

CAPABILITIES: dict[tuple[Model, Profile], dict[Capability, Cell]] = {
    (Model.CONNECT, Profile.BEHIND_SBC): _CONNECT,
    (Model.CONNECT, Profile.DIRECT): _DIRECT,
    (Model.EXTEND, Profile.SERVICE_HOSTED): _EXTEND,
    (Model.POWER, Profile.TEAMS_PHONE): _POWER,
}
"""Every (model, profile), each with a cell for every capability."""


def capability(model: Model, profile: Profile, wanted: Capability) -> Cell:
    """Return what ``model`` in ``profile`` does for ``wanted``.

    >>> capability(Model.CONNECT, Profile.DIRECT, Capability.WHISPER).support.value
    'native'
    """
    return CAPABILITIES[model, profile][wanted]
