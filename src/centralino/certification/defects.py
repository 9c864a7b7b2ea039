# SPDX-License-Identifier: Apache-2.0
"""Mistakes planted on purpose: each must make the named case fail.

A mistake is planted by settings where the product has them, and otherwise by a relay that
changes what the product says. A check that no mistake can make fail is worth nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from centralino.certification.exchanged import Exchanged, read_pattern
from centralino.certification.relay import Tamper, untouched
from centralino.certification.wiring import TEAMS_TRUNK
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import parse_message

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.certification.plan import Case, Plan
    from centralino.certification.stage import Certificate, Stage
    from centralino.core.routing.configuration import TenantConfiguration


@dataclass(frozen=True, slots=True)
class Defect:
    """One planted mistake."""

    id: str
    title: str
    case: str
    """The case that must fail."""
    rule: str = ""
    """The global assertion that must be broken as well."""
    sign: str = ""
    """What a problem of the case must say, where no assertion is about it."""
    tamper: Tamper = untouched
    stage: Callable[[Stage], Stage] | None = None
    """Changes the stage of the named case."""
    tenant: Callable[[TenantConfiguration], TenantConfiguration] | None = None
    voice: Callable[[VoiceSettings], VoiceSettings] | None = None
    certificate: Certificate = "good"
    """What the product starts with."""
    trusts_strangers: bool = False

    @property
    def needs_relay(self) -> bool:
        """Whether it is planted on the way."""
        return self.tamper is not untouched

    def on_case(self, case: Case) -> Case:
        """Return the case with the mistake in its stage."""
        if self.stage is None or case.id != self.case:
            return case
        return msgspec.structs.replace(case, stage=self.stage(case.stage))

    def victim(self, plan: Plan) -> Case:
        """Return a copy of the case that must fail, with an id and so people of its own."""
        (case,) = plan.select((self.case,))
        return msgspec.structs.replace(self.on_case(case), id=f"{case.id}-{self.id}")


def _matching(pattern: str, change: Callable[[bytes], bytes]) -> Tamper:
    """Change the messages of a pattern."""
    read_pattern(pattern)

    def tamper(message: bytes, is_from_product: bool) -> bytes:
        try:
            parsed = parse_message(message)
        except SipParseError:
            return message
        seen = Exchanged(0.0, "", is_from_product, "", message, parsed)
        return change(message) if seen.is_like(pattern) else message

    return tamper


def _replace(pattern: str, old: str, new: str) -> Tamper:
    """Replace what a regular expression finds in the messages of a pattern."""

    def change(message: bytes) -> bytes:
        return _sized(re.sub(old.encode(), new.encode(), message))

    return _matching(pattern, change)


def _sized(message: bytes) -> bytes:
    """Return the message with a Content-Length that fits its body."""
    head, blank, body = message.partition(b"\r\n\r\n")
    size = b"Content-Length: %d" % len(body)
    return re.sub(rb"(?im)^(Content-Length|l)[ \t]*:[^\r\n]*", size, head) + blank + body


def _lose(pattern: str) -> Tamper:
    return _matching(pattern, lambda message: b"")


_UPPER_CASE_ANSWER = re.compile(rb"\r\nCSEQ: *\d+ INVITE\r\n")


def _lose_upper_case(message: bytes, is_from_product: bool) -> bytes:
    """Lose answers in upper case, as a parser would that knows no better."""
    is_lost = not is_from_product and _UPPER_CASE_ANSWER.search(message) is not None
    return b"" if is_lost else message


def _on_teams(
    change: Callable[[TrunkSettings], TrunkSettings],
) -> Callable[[VoiceSettings], VoiceSettings]:
    def on_voice(voice: VoiceSettings) -> VoiceSettings:
        trunks = tuple(change(t) if t.trunk == TEAMS_TRUNK else t for t in voice.trunks)
        return msgspec.structs.replace(voice, trunks=trunks)

    return on_voice


def _without_options(trunk: TrunkSettings) -> TrunkSettings:
    options = msgspec.structs.replace(trunk.options, enabled=False)
    return msgspec.structs.replace(trunk, options=options)


def _hurried_options(trunk: TrunkSettings) -> TrunkSettings:
    options = msgspec.structs.replace(trunk.options, interval_s=0.05, jitter_s=0.0)
    return msgspec.structs.replace(trunk, options=options)


def _from_anywhere(trunk: TrunkSettings) -> TrunkSettings:
    return msgspec.structs.replace(trunk, match=msgspec.structs.replace(trunk.match, networks=()))


def _without_pause(tenant: TenantConfiguration) -> TenantConfiguration:
    return msgspec.structs.replace(tenant, missed_pause_ms=1)


def _ringing_long(stage: Stage) -> Stage:
    return msgspec.structs.replace(stage, ring_for_ms=5000, ring_for_real_ms=30000)


def _silent(stage: Stage) -> Stage:
    return msgspec.structs.replace(stage, music=())


def _muted(stage: Stage) -> Stage:
    users = tuple(msgspec.structs.replace(user, is_muted=True) for user in stage.users)
    return msgspec.structs.replace(stage, users=users)


_CONTACT = r"(?im)^(Contact[ \t]*:[ \t]*<sip:(?:[^@>\r\n]*@)?)cust1\.sbc\.test"

DEFECTS: tuple[Defect, ...] = (
    Defect(
        "contact-address",
        "Contact carries an address",
        case="INB-04",
        rule="G2",
        tamper=_replace("> INVITE", _CONTACT, r"\g<1>127.0.0.1"),
    ),
    Defect(
        "contact-other-host",
        "Contact names another host",
        case="INB-04",
        rule="G2",
        tamper=_replace("> INVITE", _CONTACT, r"\g<1>other.example.test"),
    ),
    Defect(
        "no-user-phone",
        "Numbers lack user=phone",
        case="INB-04",
        rule="G4",
        tamper=_replace("> INVITE", ";user=phone", ""),
    ),
    Defect(
        "plain-rtp",
        "The offer says RTP/AVP",
        case="INB-04",
        rule="G3",
        tamper=_replace("> INVITE", "RTP/SAVP", "RTP/AVP"),
    ),
    Defect(
        "payload-type-twice",
        "A payload type is offered twice",
        case="INB-04",
        rule="G3",
        tamper=_replace("> INVITE", r"(m=audio \d+ RTP/SAVP) (\d+)", r"\1 \2 \2"),
    ),
    Defect(
        "sendonly",
        "The product holds with sendonly",
        case="INB-04",
        rule="G5",
        tamper=_replace("> INVITE", "a=sendrecv", "a=sendonly"),
    ),
    Defect(
        "allow-too-little",
        "Allow lacks NOTIFY",
        case="CON-01",
        rule="G6",
        tamper=_replace("> OPTIONS", r"(?i)(Allow:[^\r\n]*), NOTIFY", r"\1"),
    ),
    Defect(
        "no-ack",
        "The answer is not acknowledged",
        case="INB-04",
        rule="G7",
        tamper=_lose("> ACK"),
    ),
    Defect(
        "no-rtcp",
        "No RTCP is sent",
        case="INB-01",
        rule="G8",
        tamper=_replace("< 200 INVITE", r"a=rtcp:\d+", "a=rtcp:9"),
    ),
    Defect(
        "no-upper-case",
        "Header names in upper case are not understood",
        case="INB-03",
        rule="G9",
        tamper=_lose_upper_case,
    ),
    Defect(
        "no-bye",
        "Calls are left open",
        case="INB-04",
        rule="G10",
        tamper=_lose("> BYE"),
    ),
    Defect(
        "no-cancel-reason",
        "CANCEL gives no reason",
        case="INB-10",
        sign="Reason of > CANCEL is missing",
        tamper=_replace("> CANCEL", r"(?im)^Reason:[^\r\n]*\r\n", ""),
    ),
    Defect(
        "no-keys",
        "telephone-event gets lost in negotiation",
        case="MED-04",
        sign="the keys that came are ''",
        tamper=_replace("< 200 INVITE", r"a=rtpmap:\d+ telephone-event/8000\r\n", ""),
    ),
    Defect(
        "ringing-too-long",
        "The agent's phone rings longer than the queue says",
        case="INB-10",
        sign="CANCEL",
        stage=_ringing_long,
    ),
    Defect(
        "silence-at-183",
        "The customer hears nothing while the agent's phone rings",
        case="INB-05",
        sign="could be heard",
        stage=_silent,
    ),
    Defect("mute", "The agent is not heard", case="INB-02", sign="c1 heard nobody", stage=_muted),
    Defect(
        "asked-again-after-603",
        "Who declined is rung again",
        case="INB-09",
        sign="> INVITE came",
        tenant=_without_pause,
    ),
    Defect(
        "no-options",
        "No OPTIONS are sent",
        case="CON-01",
        sign="> OPTIONS did not come",
        voice=_on_teams(_without_options),
    ),
    Defect(
        "options-storm",
        "OPTIONS are sent too often",
        case="CON-03",
        sign="was asked again after",
        voice=_on_teams(_hurried_options),
    ),
    Defect(
        "wrong-certificate",
        "The certificate lacks the trunk's name",
        case="CON-01",
        sign="< 200 OPTIONS did not come",
        certificate="wrong-name",
    ),
    Defect(
        "trusts-anybody",
        "Certificates of strangers are accepted",
        case="CON-10",
        sign="and not refused",
        trusts_strangers=True,
    ),
    Defect(
        "listens-to-anybody",
        "The source address does not count",
        case="CON-15",
        sign="attacker: 200 and not refused",
        voice=_on_teams(_from_anywhere),
    ),
)


def find_defect(name: str) -> Defect | None:
    """Return the defect of that id."""
    return next((defect for defect in DEFECTS if defect.id == name), None)
